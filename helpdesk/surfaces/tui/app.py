"""The full-screen app: the panes, who is signed in, what goes on, and how the program ends.

Nothing is decided here. What acts goes to the desk, and comes back as events.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.filter import Monochrome, NoColor
from textual.widgets import ContentSwitcher

from helpdesk.conversation.requests_told import told
from helpdesk.events import Choice, Question, Result
from helpdesk.ports import SignedIn
from helpdesk.surfaces.request_news import RequestNews
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.blocks import Words
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.dock import Dock
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.surfaces.tui.keys import key_name
from helpdesk.surfaces.tui.names import LiveNames
from helpdesk.surfaces.tui.pane import Pane
from helpdesk.surfaces.tui.pane_table import PANES
from helpdesk.surfaces.tui.panes.ask import AskPane
from helpdesk.surfaces.tui.presence import Presence
from helpdesk.surfaces.tui.reader import Reader
from helpdesk.surfaces.tui.themes import DEFAULT, TERMINAL, THEMES
from helpdesk.surfaces.tui.top import Hints, Status, Tabs, Top
from helpdesk.surfaces.tui.watch import Watch
from helpdesk.surfaces.tui.working import Working

if TYPE_CHECKING:
    from textual.command import Provider

    from helpdesk.app import Desk
    from helpdesk.gate.sealed import Request

LEAST = 2
"""Characters of a name before the directory is asked."""


def _palette() -> type[Provider]:
    from helpdesk.surfaces.tui.palette import Commands

    return Commands


class HelpdeskApp(Working):
    """The app.

    Args:
        desk: what is asked. theme: its name. animation: parts of the screen may glide.
        color: no colour is written without it, whatever the theme.
        welcome: lines of the program's own that Ask begins with.

    Attributes:
        broken: what crashed it; the command line keeps it in a file.
        news: how the requests of whoever is there stood when one last looked.
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
        self.presence = Presence(self)
        self.names = LiveNames(desk)
        self.news = RequestNews()

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
        changed = self.news.since(found.waiting, found.mine)
        for request in changed.decided:
            self._tell_decided(request)
        if changed.asking:
            who = untrusted(changed.asking[0].call.requester_login)
            self.notify(f"{who} asks you: F4 Requests", markup=False)
        for pane in self.query(Pane):
            pane.requests_changed(found.waiting, found.mine)

    def _tell_decided(self, request: Request) -> None:
        """Cards of the request go on with it, and the conversation says it; elsewhere a note does."""
        text = told(request)
        cards = [
            (feed, card)
            for feed in self.query(Feed)
            for card in feed.blocks
            if isinstance(card, Card) and card.result is not None and card.result.request == request.id
        ]
        for feed, card in cards:
            card.follow(text, request.state.value)
            feed.changed()
        if self.feed.blocks[-1:] != [card for _, card in cards[-1:]]:  # else it has just been told there
            self.feed.add(Words(text))
        if self.pane is None or self.pane.id != "ask":
            self.notify(untrusted(text), markup=False)

    def get_key_display(self, binding: Binding) -> str:
        """Keys as the texts write them, everywhere."""
        return key_name(binding.key)

    def action_sign_out(self) -> None:
        self.perform(self.presence.sign_out, anyone=True)

    def action_sign_in(self) -> None:
        self.perform(self.presence.sign_in, anyone=True)

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

    def _fatal_error(self) -> None:
        """A crash ends the app without a traceback on the screen: no variable is ever shown (S2)."""
        self.broken = self._exception
        self._close_messages_no_wait()
