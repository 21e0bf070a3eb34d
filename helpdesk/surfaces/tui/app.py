"""The full-screen app: the panes, who is signed in, what goes on, and how the program ends.

Nothing is decided here. What acts goes to the desk, and comes back as events.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.filter import Monochrome, NoColor
from textual.widgets import ContentSwitcher
from textual.worker import Worker, WorkerState

from helpdesk.errors import Cancelled, HelpdeskError, Unreachable
from helpdesk.events import Choice, Question, Result, Said, Warned
from helpdesk.ports import SignedIn
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.dock import Dock
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.following import follow_up
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.surfaces.tui.names import LiveNames
from helpdesk.surfaces.tui.pane import Pane, Work
from helpdesk.surfaces.tui.pane_table import PANES
from helpdesk.surfaces.tui.panes.ask import AskPane
from helpdesk.surfaces.tui.presence import Presence
from helpdesk.surfaces.tui.reader import Reader
from helpdesk.surfaces.tui.themes import DEFAULT, TERMINAL, THEMES
from helpdesk.surfaces.tui.top import Hints, Status, Tabs, Top
from helpdesk.surfaces.tui.watch import Watch

if TYPE_CHECKING:
    from textual.command import Provider

    from helpdesk.app import Desk

LEAST = 2
"""Characters of a name before the directory is asked."""


def _palette() -> type[Provider]:
    from helpdesk.surfaces.tui.palette import Commands

    return Commands


class HelpdeskApp(App[int]):
    """The app.

    Args:
        desk: what is asked. theme: its name. animation: parts of the screen may glide.
        color: no colour is written without it, whatever the theme.
        welcome: lines of the program's own that Ask begins with.

    Attributes:
        broken: what crashed it; the command line keeps it in a file.
        states: of the requests that were seen, by id.
    """

    CSS_PATH = Path(__file__).with_name("helpdesk.tcss")
    TITLE = "helpdesk"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {_palette}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (110, "-wide")]  # noqa: RUF012 (Textual's own type)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012 (Textual's own type)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"f{n + 1},{n}", f"pane('{row.id}')", row.title, show=False)
            for n, row in enumerate(PANES, 1)
        ),
        Binding("f1,question_mark", "keys", "Keys"),
        Binding("ctrl+z", "last('undo')", "Undo", show=False, priority=True),
        Binding("ctrl+y", "last('why')", "Why", show=False, priority=True),
        Binding("ctrl+o", "last('open')", "Open", show=False, priority=True),
        Binding("ctrl+k", "cases", "Cases", show=False, priority=True),
        Binding("ctrl+l", "sign_in", "Sign in"),
        Binding("escape", "home", "Back", show=False),
        Binding("ctrl+c", "stop", "Stop", show=False, priority=True),
        Binding("q,ctrl+q", "leave", "Leave"),
    ]

    def __init__(
        self,
        desk: Desk,
        *,
        theme: str = "",
        color: bool = True,
        animation: bool = True,
        welcome: Sequence[str] = (),
    ) -> None:
        super().__init__(ansi_color=None if color else True)
        self.no_color = not color
        self._filters = [kept for kept in self._filters if not isinstance(kept, (NoColor, Monochrome))]
        if not color:
            theme = TERMINAL
            self._filters.append(NoColor())
        if not animation:
            self.animation_level = "none"
        self.desk = desk
        self.welcome = welcome
        self.broken: Exception | None = None
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme or DEFAULT  # before anything is styled: a change of theme styles everything anew
        self._work: Worker[None] | None = None
        self._interaction: OnScreen | None = None
        self.presence = Presence(self)
        self._beginning = False
        self._leaving = False
        self._exit_code: int | None = None
        self.names = LiveNames(desk)
        self.states: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Top(id="top")
        yield Tabs([row.title for row in PANES], id="tabs")
        with Horizontal(id="middle"):
            yield ContentSwitcher(id="panes")
        yield Status(id="status")
        yield Dock(self._offers, id="dock")
        yield Hints(id="hints")

    async def on_mount(self) -> None:
        await self.action_pane("ask")
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        """After the first paint: what is not in sight yet, and whoever is signed in already."""
        gc.freeze()  # what a start leaves stays: looking through it for rubbish would delay some key later
        await self.query_one("#middle").mount(Reader(id="reader"))

        async def current(interaction: OnScreen) -> None:
            await self.desk.current(interaction)

        if self.desk.config.directory.configured:
            self.perform(current)
            self._beginning = True
        await self.mount(watch := Watch(id="watch"))
        watch.begin()

    @property
    def feed(self) -> Feed:
        return self.query_one("#feed", Feed)

    @property
    def dock(self) -> Dock:
        return self.query_one("#dock", Dock)

    @property
    def case(self) -> str:
        """Id of the case that is worked on, or ""."""
        return next((pane.case for pane in self.query(AskPane)), "")

    @property
    def reader(self) -> Reader:
        return self.query_one("#reader", Reader)

    # ── panes ─────────────────────────────────────────────────────────────────────────────────

    @property
    def pane(self) -> Pane | None:
        """The pane in sight."""
        switcher = self.query_one("#panes", ContentSwitcher)
        return switcher.get_child_by_id(switcher.current, Pane) if switcher.current else None

    async def action_pane(self, id: str) -> None:
        """Show a pane; whoever is unknown signs in first where the pane needs it."""
        switcher = self.query_one("#panes", ContentSwitcher)
        row = next(row for row in PANES if row.id == id)
        made = next((child for child in switcher.children if child.id == id), None)
        if made is None:
            made = row.made()
            await switcher.add_content(made, set_current=False)
        switcher.current = id
        if any(reader.display for reader in self.query(Reader)):
            self.reader.action_close()
        self.query_one("#tabs", Tabs).current = PANES.index(row)
        assert isinstance(made, Pane)
        if made.needs_sign_in and self.desk.present is None:
            self.action_sign_in()
        elif not self.dock.asking:
            made.shown()
        self.dock.take_focus()

    def go(self, id: str) -> None:
        """Show a pane, from anywhere."""
        self.call_later(self.action_pane, id)

    def open_action(self, name: str) -> None:
        """Show an action's form."""

        async def show() -> None:
            from helpdesk.surfaces.tui.panes.actions import ActionsPane

            await self.action_pane("actions")
            self.query_one(ActionsPane).open(name)

        self.call_later(show)

    def action_cases(self) -> None:
        """A list of one's cases; the chosen one goes on in Ask."""

        async def find(interaction: OnScreen) -> None:
            from helpdesk.surfaces.tui.case_list import CaseList

            who = await self.desk.signed_in(interaction)
            self.push_screen(CaseList(await self.desk.casework.mine(who, all=True)), self._resume)

        self.perform(find)

    def _resume(self, id: str | None) -> None:
        async def resume() -> None:
            await self.action_pane("ask")
            self.query_one(AskPane).resume(id or "")

        if id:
            self.call_later(resume)

    def action_keys(self) -> None:
        from helpdesk.surfaces.tui.keys import Keys

        pane = self.pane
        title = next((row.title for row in PANES if pane is not None and row.id == pane.id), "")
        self.push_screen(Keys(title, pane.keys if pane is not None else ()))

    # ── reads ──────────────────────────────────────────────────────────────────

    async def read(self, action: str, who: SignedIn, **arguments: str) -> Result | None:
        """A read through the one door; ``None`` where there is no such action here."""
        from helpdesk.actions.call import Call, Provenance
        from helpdesk.surfaces.tui.reading import Quiet

        if all(spec.name != action for spec in self.desk.catalog.specs):
            return None
        call = Call(action, arguments, dict.fromkeys(arguments, Provenance.CHOSEN))
        return await self.desk.run(call, who, Quiet())

    async def _offers(self, question: Question, words: str) -> list[Choice]:
        return await self.names.choices(question.kind, words)

    def on_reader_closed(self) -> None:
        if not self.dock.take_focus() and self.pane is not None:
            self.pane.shown()

    # ── what changes by itself ────────────────────────────────────────────────────────────────

    def on_watch_away(self, found: Watch.Away) -> None:
        self.query_one("#top", Top).away = " ".join(found.sentences)

    def on_watch_requests(self, found: Watch.Requests) -> None:
        """The number that waits stands at the pane's name; what was decided meanwhile is told wherever one is."""
        self.query_one("#tabs", Tabs).mark("Requests", len(found.waiting))
        for request in found.mine:
            before = self.states.get(request.id)
            if before is not None and before != request.state.value:
                self.notify(
                    f"{request.id} {untrusted(request.call.action)}: {request.state.value}", markup=False
                )
        new = [request for request in found.waiting if request.id not in self.states]
        if new and self.states:
            self.notify(f"{untrusted(new[0].call.requester_login)} asks you: F4 Requests", markup=False)
        self.states |= {request.id: request.state.value for request in [*found.mine, *found.waiting]}
        for pane in self.query(Pane):
            pane.requests_changed(found.waiting, found.mine)

    # ── work ──────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        return self._work is not None and self._work.is_running

    def one_at_a_time(self) -> bool:
        """Whether something goes on already; then it is said."""
        going_on = self.busy and not self._beginning
        if going_on:
            self.notify("One thing at a time: the last one is still going on. Ctrl+C stops it.", markup=False)
        return going_on

    def perform(self, work: Work, feed: Feed | None = None, *, anyone: bool = False) -> None:
        """Carry something out; one at a time. What goes wrong is told in the feed.

        Args:
            anyone: it is for whoever is there, also where the sign-in of before has expired.
        """
        if self._beginning and self.busy:  # it is over at once, and nobody asked for it
            self.set_timer(0.05, partial(self.perform, work, feed, anyone=anyone))
            return
        self._beginning = False
        if self.one_at_a_time():
            return
        interaction = self._interaction = OnScreen(feed or self.feed, self.dock, self._tell)
        self._work = self.run_worker(
            self._performed(work, interaction, anyone), exit_on_error=True, group="work"
        )

    def _tell(self, text: str) -> None:
        for status in self.query(Status):  # none while the app shuts down
            status.tell(text)
        for top in self.query(Top):
            top.refresh()

    async def _performed(self, work: Work, interaction: OnScreen, anyone: bool) -> None:
        before = self.desk.present
        try:
            if not anyone and before is None and await self.presence.is_another(interaction):
                return
            result = await work(interaction)
            if result is not None:
                interaction.finish(result)
        except Cancelled as stop:
            interaction.emit(Said(stop.message))
        except HelpdeskError as error:
            interaction.emit(Warned(error.message, error.hint))
            if isinstance(error, Unreachable):
                self.query_one("#watch", Watch).look_away()
        finally:
            interaction.stop()
            if self.is_running and self.desk.present is not before:
                await self.presence.changed()

    def on_worker_state_changed(self, changed: Worker.StateChanged) -> None:
        if changed.worker.group == "work" and changed.state is WorkerState.CANCELLED and not self._leaving:
            self.notify("Stopped. What had begun was finished and logged.", markup=False)
        if changed.worker.group != "work" or not changed.worker.is_finished:
            return
        if self._leaving:
            self.exit(self._exit_code)
        elif changed.worker is self._work:
            self.call_later(self._idle)

    def _idle(self) -> None:
        if not self.busy:
            self.query_one("#top", Top).refresh()
            self.query_one(AskPane).idle()

    def acted(self, acted: Feed.Acted) -> None:
        """A key on a block of a feed."""
        card = acted.block
        if isinstance(card, Card) and card.result is not None:
            self.act(acted.what, card.result, acted.feed)

    def action_last(self, what: str) -> None:
        """A key on the card that was last finished in the pane in sight, wherever the cursor is."""
        pane = self.pane
        for feed in pane.query(Feed) if pane is not None else ():
            if (card := feed.last) is not None:
                feed.post_message(Feed.Acted(feed, card, what))
                return

    def act(self, what: str, result: Result, feed: Feed) -> None:
        """A key on a card: take the action back, say why it ended as it did, or open what it cites."""
        if (work := follow_up(self, what, result)) is not None:
            self.perform(work, feed)

    def action_sign_out(self) -> None:
        self.perform(self.presence.sign_out, anyone=True)

    def action_sign_in(self) -> None:
        self.perform(self.presence.sign_in, anyone=True)

    # ── leaving ───────────────────────────────────────────────────────────────────────────────

    def action_stop(self) -> None:
        """Ctrl-C: stop what goes on; with nothing going on, leave."""
        if self.busy and self._work is not None and not self._beginning:
            self._work.cancel()
        else:
            self.action_leave()

    def action_home(self) -> None:
        """Esc: what is open beside is closed; then back to Ask; then out of the line, where q leaves."""
        pane = self.pane
        if self.dock.asking:
            self.dock.cancel()
        elif any(reader.display for reader in self.query(Reader)):
            self.reader.action_close()
        elif pane is not None and pane.id != "ask":
            self.call_later(self.action_pane, "ask")
        elif pane is not None:
            self.feed.focus()

    def action_leave(self) -> None:
        self.leave(0)

    def leave(self, code: int) -> None:
        """End the program: what had begun is finished and logged first (R6)."""
        self._leaving, self._exit_code = True, code
        if self._interaction is not None:
            self._interaction.end_soon()
        if self.busy and self._work is not None:
            self._work.cancel()
        else:
            self.exit(code)

    def _fatal_error(self) -> None:
        """A crash ends the app without a traceback on the screen: no variable is ever shown (S2)."""
        self.broken = self._exception
        self._close_messages_no_wait()
