"""The full-screen app: the panes, who is signed in, what goes on, and how the program ends.

Nothing is decided here. What acts goes to the desk, and comes back as events.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Footer
from textual.worker import Worker, WorkerState

from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.events import Result, Said, Warned
from helpdesk.ports import Interaction
from helpdesk.surfaces.tui.dock import Dock
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.surfaces.tui.pane import Pane, Work
from helpdesk.surfaces.tui.themes import DEFAULT, THEMES
from helpdesk.surfaces.tui.top import Status, Tabs, Top

if TYPE_CHECKING:
    from helpdesk.app import Desk


@dataclass(frozen=True, slots=True)
class PaneRow:
    """One pane: ``where`` is "module:class", imported when the pane is first shown."""

    id: str
    title: str
    where: str


_HERE = "helpdesk.surfaces.tui.panes."
PANES = (
    PaneRow("ask", "Ask", f"{_HERE}ask:AskPane"),
    PaneRow("actions", "Actions", f"{_HERE}actions:ActionsPane"),
    PaneRow("requests", "Requests", f"{_HERE}requests:RequestsPane"),
    PaneRow("me", "Me", f"{_HERE}me:MePane"),
    PaneRow("log", "Log", f"{_HERE}log:LogPane"),
    PaneRow("dashboard", "Dashboard", f"{_HERE}dashboard:DashboardPane"),
)


class HelpdeskApp(App[int]):
    """The app.

    Args:
        desk: what is asked. theme: its name.

    Attributes:
        broken: what crashed it; the command line keeps it in a file.
    """

    CSS_PATH = "helpdesk.tcss"
    TITLE = "helpdesk"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(f"alt+{n}", f"pane('{row.id}')", row.title, show=False) for n, row in enumerate(PANES, 1)),
        *(Binding(f"{n}", f"pane('{row.id}')", row.title, show=False) for n, row in enumerate(PANES, 1)),
        Binding("f1,question_mark", "keys", "Keys"),
        Binding("ctrl+l", "sign_in", "Sign in"),
        Binding("escape", "home", "Back", show=False),
        Binding("ctrl+c", "stop", "Stop", show=False, priority=True),
        Binding("q,ctrl+q", "leave", "Leave"),
    ]

    def __init__(self, desk: Desk, *, theme: str = "") -> None:
        super().__init__()
        self.desk = desk
        self.broken: Exception | None = None
        self._wanted_theme = theme or DEFAULT
        self._work: Worker[None] | None = None
        self._interaction: OnScreen | None = None
        self._leaving = False
        self._exit_code: int | None = None

    def compose(self) -> ComposeResult:
        yield Top(id="top")
        yield Tabs([row.title for row in PANES], id="tabs")
        yield ContentSwitcher(id="panes")
        yield Status(id="status")
        yield Dock(id="dock")
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._wanted_theme
        await self.action_pane("ask")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first paint: whoever is signed in already is found."""

        async def current(interaction: Interaction) -> None:
            await self.desk.current(interaction)

        if self.desk.config.directory.configured:
            self.perform(current)

    @property
    def feed(self) -> Feed:
        return self.query_one("#feed", Feed)

    @property
    def dock(self) -> Dock:
        return self.query_one("#dock", Dock)

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
            made = _made(row)
            made.id = id
            await switcher.add_content(made, id=id, set_current=False)
        switcher.current = id
        self.query_one("#tabs", Tabs).current = PANES.index(row)
        assert isinstance(made, Pane)
        if made.needs_sign_in and self.desk.present is None:
            self.action_sign_in()
        made.shown()

    # ── work ──────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        return self._work is not None and self._work.is_running

    def perform(self, work: Work, feed: Feed | None = None) -> None:
        """Carry something out; one at a time. What goes wrong is told in the feed."""
        if self.busy:
            self.notify("One thing at a time: the last one is still going on. Ctrl+C stops it.", markup=False)
            return
        interaction = self._interaction = OnScreen(
            feed or self.feed, self.dock, self.query_one("#status", Status).tell
        )
        self._work = self.run_worker(self._performed(work, interaction), exit_on_error=True, group="work")

    async def _performed(self, work: Work, interaction: OnScreen) -> None:
        before = self.desk.present
        try:
            result = await work(interaction)
            if result is not None:
                interaction.finish(result)
        except Cancelled as stop:
            interaction.emit(Said(stop.message))
        except HelpdeskError as error:
            interaction.emit(Warned(error.message, error.hint))
        finally:
            interaction.stop()
            if self.is_running and self.desk.present is not before:
                self._signed_in_changed()

    def on_worker_state_changed(self, changed: Worker.StateChanged) -> None:
        if changed.worker.group == "work" and changed.state is WorkerState.CANCELLED and not self._leaving:
            self.notify("Stopped. What had begun was finished and logged.", markup=False)
        if changed.worker.is_finished and self._leaving:
            self.exit(self._exit_code)

    def _signed_in_changed(self) -> None:
        self.query_one("#top", Top).refresh()
        for pane in self.query(Pane):
            pane.signed_in_changed()

    def act(self, what: str, result: Result, feed: Feed) -> None:
        """A key on a card: take the action back, or say why it ended as it did."""
        if what == "undo" and result.undoable and result.entry is not None:
            entry = result.entry

            async def undo(interaction: Interaction) -> Result:
                return await self.desk.undo(entry, await self.desk.signed_in(interaction), interaction)

            self.perform(undo, feed)

    def action_sign_in(self) -> None:
        async def sign_in(interaction: Interaction) -> None:
            who = await self.desk.login(interaction)
            interaction.emit(Said(f"You are signed in as {who.actor.person.name}."))
            for notice in who.actor.notices:
                interaction.emit(Warned(notice))

        if not self.busy:
            self.perform(sign_in)

    # ── leaving ───────────────────────────────────────────────────────────────────────────────

    def action_stop(self) -> None:
        """Ctrl-C: stop what goes on; with nothing going on, leave."""
        if self.busy and self._work is not None:
            self._work.cancel()
        else:
            self.action_leave()

    def action_home(self) -> None:
        """Esc: back to Ask; from there, once more leaves."""
        pane = self.pane
        if pane is not None and pane.id != "ask":
            self.call_later(self.action_pane, "ask")
        elif not self.busy:
            self.action_leave()

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


def _made(row: PaneRow) -> Pane:
    module, _, name = row.where.partition(":")
    made = getattr(importlib.import_module(module), name)()
    assert isinstance(made, Pane)
    return made
