"""Actions: everything that I may run, found by a few letters, with a form made from the action's own schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from helpdesk.errors import HelpdeskError, UsageError
from helpdesk.events import Result, Warned
from helpdesk.ports import Interaction
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.background import latest
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.form import Form
from helpdesk.surfaces.tui.paint import safe
from helpdesk.surfaces.tui.pane import Pane

_RISKS = {"low": "", "medium": "", "high": " · high risk"}


class ActionsPane(Pane):
    """A list to search, and the form of the action that is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("escape", "close", "Back", show=False),
        Binding("ctrl+r", "run", "Run"),
        Binding("ctrl+e", "why", "Would I be allowed?", priority=True),
    ]
    keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("/", "search"),
        ("Enter", "open the form; in a field, run"),
        ("Right", "take a completed name"),
        ("Ctrl+R", "run it: you see what will change, and confirm"),
        ("Ctrl+E", "what would happen now, which rule decides, who could approve"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._known: list[tuple[ActionSpec, bool]] = []
        self._listed: list[ActionSpec] = []
        self._chosen: ActionSpec | None = None
        self._wanted = ""

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="actions-list"):
                yield Input(placeholder="Search actions", id="actions-search")
                yield OptionList(id="actions-options", markup=False)
            with Vertical(id="actions-form"):
                yield VerticalScroll(id="form", can_focus=False)
                yield Feed(id="actions-feed")

    def shown(self) -> None:
        self.query_one("#actions-search", Input).focus()
        self._read()

    def signed_in_changed(self) -> None:
        self._read()

    def open(self, name: str) -> None:
        """Show the form of one action, once it is known what may be run."""
        self._wanted = name
        self._read()

    def _read(self) -> None:
        latest(self, self._load, "actions")

    async def _load(self) -> None:
        who = self.who
        if who is None:
            self._known = [(spec, True) for spec in self.desk.catalog.specs]
        else:
            try:
                self._known = list(await self.desk.may_run(who))
            except HelpdeskError as error:
                self.app.notify(untrusted(error.message), severity="warning", markup=False)
                return
        self._list()
        if self._wanted:
            spec = next((spec for spec, _ in self._known if spec.name == self._wanted), None)
            self._wanted = ""
            if spec is not None:
                await self._show(spec)

    # ── the list ──────────────────────────────────────────────────────────────────────────────

    def on_input_changed(self, changed: Input.Changed) -> None:
        if changed.input.id == "actions-search":
            self._list()

    def _list(self) -> None:
        words = self.query_one("#actions-search", Input).value.casefold().split()
        shown = [(spec, may) for spec, may in self._known if all(word in _searched(spec) for word in words)]
        options = self.query_one("#actions-options", OptionList)
        options.clear_options()
        self._listed = []
        for title, specs in self._groups(shown):
            options.add_option(Option(Content.styled(title, "bold $accent"), disabled=True))
            for spec in specs:
                self._listed.append(spec)
                options.add_option(Option(_entry(spec), id=spec.name))
        if not shown:
            options.add_option(Option("Nothing matches.", disabled=True))

    def _groups(self, shown: Sequence[tuple[ActionSpec, bool]]) -> Iterator[tuple[str, list[ActionSpec]]]:
        """Recently used ones, then by what they are about, then what is not open to this person."""
        may = [spec for spec, allowed in shown if allowed]
        lately = self.desk.words.lately(self.who.actor.person.id) if self.who is not None else []
        recent = [spec for name in lately for spec in may if spec.name == name]
        if recent:
            yield "Used lately", recent
        groups: dict[str, list[ActionSpec]] = {}
        for spec in may:
            if spec not in recent:
                groups.setdefault(untrusted(spec.name.partition(".")[0]).capitalize(), []).append(spec)
        yield from groups.items()
        if closed := [spec for spec, allowed in shown if not allowed]:
            yield "Not open to you (Ctrl+E says who can)", closed

    async def on_option_list_option_selected(self, selected: OptionList.OptionSelected) -> None:
        selected.stop()
        spec = next((spec for spec in self._listed if spec.name == selected.option_id), None)
        if spec is not None:
            await self._show(spec)

    def action_close(self) -> None:
        """Esc: from the form to the list, from the list back to Ask."""
        if not self.has_class("open"):
            self.helpdesk.action_home()
        self.action_search()

    def action_search(self) -> None:
        self.remove_class("open")
        self.query_one("#actions-search", Input).focus()

    # ── the form ──────────────────────────────────────────────────────────────────────────────

    async def _show(self, spec: ActionSpec) -> None:
        self._chosen = spec
        self.add_class("open")
        place = self.query_one("#form", VerticalScroll)
        await place.remove_children()
        about = (
            "It only reads." if spec.reads else f"You see what will change before it does{_RISKS[spec.risk]}."
        )
        form = Form(spec, self.helpdesk.names.beginning)
        await place.mount(
            Static(safe(spec.name, "bold")),
            Static(safe(spec.summary)),
            Static(safe(about, "$text-muted")),
            form,
            Horizontal(
                Button("Run", id="run", variant="primary"),
                Button("Would I be allowed?", id="why"),
                classes="buttons",
            ),
        )
        fields = form.query("Input, Checkbox, Select")
        (fields.first() if fields else place.query_one("#run", Button)).focus()

    async def on_input_submitted(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        if submitted.input.id != "actions-search":
            self.action_run()
        elif self._listed:
            await self._show(self._listed[0])

    def on_key(self, event: events.Key) -> None:
        if event.key == "down" and self.query_one("#actions-search", Input).has_focus:
            event.stop()
            options = self.query_one("#actions-options", OptionList)
            options.focus()
            options.action_first()

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        pressed.stop()
        if pressed.button.id == "run":
            self.action_run()
        else:
            self.action_why()

    def action_run(self) -> None:
        spec = self._chosen
        if spec is None:
            return
        form = self.query_one(Form)
        if not form.check() or self.helpdesk.one_at_a_time():
            return
        typed, secrets = form.values()
        form.wipe()
        self._lately(spec)

        async def run(interaction: Interaction) -> Result:
            from helpdesk.actions.call import Call, Provenance
            from helpdesk.actions.schema import parse_arguments

            values = parse_arguments(spec, typed)
            call = Call(spec.name, values, dict.fromkeys(values, Provenance.TYPED), secrets)
            return await self.desk.run(call, await self.desk.signed_in(interaction), interaction)

        self.perform(run, self.query_one("#actions-feed", Feed))

    def _lately(self, spec: ActionSpec) -> None:
        if (who := self.who) is not None:
            self.desk.words.used(who.actor.person.id, spec.name)
            self._list()

    def action_why(self) -> None:
        spec = self._chosen
        if spec is None:
            return
        typed, _ = self.query_one(Form).values()

        async def why(interaction: Interaction) -> None:
            from helpdesk.actions.call import Call, Provenance
            from helpdesk.actions.schema import parse_arguments
            from helpdesk.surfaces.look import Look
            from helpdesk.surfaces.why_lines import call_lines

            try:
                values = parse_arguments(spec, typed)
            except UsageError as error:
                interaction.emit(
                    Warned(
                        error.message,
                        "Fill the form in: who could do it depends on whom and what it is about.",
                    )
                )
                return
            call = Call(spec.name, values, dict.fromkeys(values, Provenance.TYPED))
            said = await self.desk.why_call(call, await self.desk.signed_in(interaction), interaction)
            self.helpdesk.reader.open(f"Why {spec.name}", call_lines(said, Look()), own=True)

        self.perform(why, self.query_one("#actions-feed", Feed))

    def on_feed_acted(self, acted: Feed.Acted) -> None:
        self.helpdesk.acted(acted)


def _searched(spec: ActionSpec) -> str:
    return " ".join((spec.name, spec.summary, *spec.examples)).casefold()


def _entry(spec: ActionSpec) -> Content:
    return Content.assemble(
        (f" {untrusted(spec.name)}", "bold"), (f"  {untrusted(spec.summary)}", "$text-muted")
    )
