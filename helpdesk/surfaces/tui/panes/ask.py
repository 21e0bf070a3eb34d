"""Ask: the conversation. What is said stands in a feed, and every action as a card that goes through its life there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.widgets import Input

from helpdesk.surfaces.tui.blocks import Own, Words
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.surfaces.tui.pane import Pane
from helpdesk.surfaces.tui.talk import Talk

HELLO = (
    "Say what you need, in your own words: “I'm locked out”, “get me into finance-share”, “how long may I keep "
    "customer data?”. Nothing changes before you have seen and confirmed it."
)

NOT_CONFIGURED = "No directory is configured, so nobody can sign in. A whole company to try: helpdesk demo"


class AskPane(Pane):
    """The conversation with whoever is there; a sign-in is asked for when something needs one."""

    needs_sign_in: ClassVar[bool] = False
    keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Enter", "send the sentence"),
        ("Up, Down", "earlier sentences"),
        ("PgUp, PgDn", "through what was said"),
        ("/help", "commands: /do /undo /why /case /resume /handoff /model"),
        ("Ctrl+K", "your cases, to go on with one"),
        ("Ctrl+Z, Ctrl+Y", "undo the last action; why it ended as it did"),
        ("Ctrl+O", "open the policy that it cites"),
        ("Tab", "to the cards; there u, w and o act on the chosen one"),
        ("Ctrl+C", "stop what is going on"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._talk: Talk | None = None
        self._said: list[str] = []
        self._back = 0

    def compose(self) -> ComposeResult:
        yield Feed(types_on=True, id="feed")
        yield Input(placeholder="What do you need?", id="words", select_on_focus=False)

    def on_mount(self) -> None:
        self.feed.add(Words(HELLO))
        if not self.desk.config.directory.configured:
            self.feed.add(
                Words(NOT_CONFIGURED, "warning", "[directory] in config.toml: helpdesk help configuration")
            )
        if self.helpdesk.welcome:
            self.feed.add(Own(tuple(self.helpdesk.welcome)))

    @property
    def feed(self) -> Feed:
        return self.query_one("#feed", Feed)

    @property
    def talk(self) -> Talk:
        if self._talk is None:
            self._talk = Talk(self.desk, self.feed)
        return self._talk

    @property
    def case(self) -> str:
        """Id of the case that is worked on, or ""."""
        return self._talk.conversation.case_id if self._talk is not None else ""

    def shown(self) -> None:
        self.query_one("#words", Input).focus()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        words = submitted.value.strip()
        if words and self.say(words):
            submitted.input.clear()

    def say(self, words: str) -> bool:
        """One turn; false while another one goes on."""
        if self.helpdesk.one_at_a_time():
            return False
        self._said.append(words)
        self._back = 0
        self.feed.add(Words(words, "you"))

        self._perform(lambda interaction: self.talk.turn(words, interaction))
        return True

    def forget(self) -> None:
        """Somebody else comes: neither what was said nor its case is theirs."""
        self._said, self._back, self._talk = [], 0, None
        self.query_one("#words", Input).clear()
        self.feed.clear()
        self.feed.add(Words(HELLO))

    def resume(self, id: str) -> None:
        """Go on with a case."""
        self._perform(lambda interaction: self.talk.resume(id, interaction))

    def idle(self) -> None:
        if self._talk is not None and self._talk.left:
            self.helpdesk.action_leave()
        elif self.talk.must_choose:
            self._perform(self.talk.choose)

    def _perform(self, work: Callable[[OnScreen], Awaitable[None]]) -> None:
        self.perform(work, self.feed)

    def on_key(self, event: events.Key) -> None:
        line = self.query_one("#words", Input)
        if line.has_focus and event.key in ("pageup", "pagedown"):
            event.stop()
            (self.feed.scroll_page_up if event.key == "pageup" else self.feed.scroll_page_down)(animate=False)
            return
        if not line.has_focus or event.key not in ("up", "down") or not self._said:
            return
        event.stop()
        step = 1 if event.key == "up" else -1
        self._back = min(max(self._back + step, 0), len(self._said))
        line.value = self._said[-self._back] if self._back else ""
        line.cursor_position = len(line.value)

    def on_feed_typed(self, typed: Feed.Typed) -> None:
        """What was typed while a card had the focus is the beginning of a sentence; while something is asked, its answer."""
        typed.stop()
        if self.helpdesk.dock.take_focus():
            return
        line = self.query_one("#words", Input)
        line.focus()
        line.insert_text_at_cursor(typed.text)

    def on_feed_acted(self, acted: Feed.Acted) -> None:
        self.helpdesk.acted(acted)
