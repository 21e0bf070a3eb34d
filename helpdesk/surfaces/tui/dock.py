"""The dock at the bottom: the only place where the app asks, and where nothing but the program can write (T3).

A confirmation shows the canonical call only. It is deaf for half a second after it appears or gets the line back,
and for as long as somebody types what is meant for another line; and always to what was pasted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from helpdesk.errors import Cancelled
from helpdesk.events import Choice, Confirmation, Confirmed, Question
from helpdesk.secrets import Secret
from helpdesk.surfaces.telling import name_warnings, untrusted
from helpdesk.surfaces.terminal import IGNORE_SECONDS, TRIES
from helpdesk.surfaces.tui.card import change_table
from helpdesk.surfaces.tui.lines import SecretInput, TypedInput
from helpdesk.surfaces.tui.paint import safe

T = TypeVar("T")
Offers = Callable[[Question, str], Awaitable[list[Choice]]]
"""Live choices for a question, given what was typed: groups and people of the directory."""
CANCELLED = "Cancelled; nothing was changed."
_CORRECT = "correct"
_ANSWERS = frozenset("ync")
_SHARE, _SHORT = 0.7, 20
"""The part of a screen that the dock takes at most; one with fewer rows than that is taken whole."""
_LEAST = 2
_NARROW = 70


class Asked(Vertical):
    """One thing that is asked; ``answer`` ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", priority=True)]

    def __init__(self) -> None:
        super().__init__()
        self.answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def on_mount(self) -> None:
        self.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._fit())

    def _fit(self) -> None:
        """What scrolls gets the rows that the rest leaves: keys and lines to type in are always in sight."""
        for scrolling in self.query_children(".scrolls"):
            others = sum(child.outer_size.height for child in self.children if child is not scrolling)
            height = self.app.size.height
            room = height - 4 if height < _SHORT else int((height - 1) * _SHARE) - 1
            most = max(room - others, _LEAST)
            if scrolling.styles.max_height is None or scrolling.styles.max_height.value != most:
                scrolling.styles.max_height = most
            self.fitted(scrolling)

    def fitted(self, scrolling: Widget) -> None:
        """What scrolls has its room."""

    def give(self, text: str | None) -> None:
        if not self.answer.done():
            self.answer.set_result(text)

    def action_cancel(self) -> None:
        self.give(None)


class AskedWords(Asked):
    """A question with a line to answer it, and choices to pick from."""

    def __init__(self, question: Question, offers: Offers | None) -> None:
        super().__init__()
        self._question = question
        self._offers = offers
        self._choices: list[Choice] = list(question.choices)

    def compose(self) -> ComposeResult:
        question = self._question
        yield Static(safe(question.text, "bold"), classes="question")
        yield OptionList(*self._options(), id="choices", classes="scrolls", markup=False)
        yield SecretInput(id="answer") if question.secret else Input(question.default or "", id="answer")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).display = bool(self._choices)
        self.screen.set_focus(self.query_one(Input))

    def _options(self) -> list[Option]:
        return [Option(safe(f"{number}  {choice.label}")) for number, choice in enumerate(self._choices, 1)]

    async def on_input_changed(self, changed: Input.Changed) -> None:
        changed.stop()
        if self._offers is None or self._question.secret or self._question.choices:
            return
        found = await self._offers(self._question, changed.value)
        if self.is_mounted and self.query_one(Input).value == changed.value:
            self._choices = found
            choices = self.query_one(OptionList)
            choices.clear_options()
            choices.add_options(self._options())
            choices.display = bool(found)

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        answer = submitted.value.strip()
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(self._question.choices):
            answer = self._question.choices[int(answer) - 1].value
        self.give(answer)

    def on_option_list_option_selected(self, selected: OptionList.OptionSelected) -> None:
        selected.stop()
        self.give(self._choices[selected.option_index].value)

    def on_key(self, event: events.Key) -> None:
        choices = self.query_one(OptionList)
        if event.key in ("down", "up") and choices.display and not choices.has_focus:
            choices.focus()
            choices.highlighted = 0 if event.key == "down" else len(self._choices) - 1
            event.stop()


class AskedToConfirm(Asked):
    """The area of a confirmation. It takes typed keys only, and none until half a second was quiet."""

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes, do this", show=False),
        Binding("n", "cancel", "No", show=False),
        Binding("c", "correct", "Change something", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(self, confirmation: Confirmation) -> None:
        super().__init__()
        self._confirmation = confirmation
        self._deaf = True
        self._more = False
        self.add_class("deaf")
        self._tries = TRIES
        self.wanted = untrusted(confirmation.target) if confirmation.irreversible else ""

    def compose(self) -> ComposeResult:
        one = self._confirmation
        yield Static(safe(f"Please confirm: {one.action}", "$warning bold"), classes="question")
        with VerticalScroll(can_focus=False, classes="scrolls"):
            yield Static(self._details(), id="details")
        yield Static(self._how(more=False), id="how")
        if self.wanted:
            yield TypedInput(id="answer")

    def _how(self, *, more: bool) -> Content:
        narrow = self.app.size.width < _NARROW
        rest = Content.styled("↑↓ more  " if narrow else "↑ ↓  the rest     ", "$warning bold")
        rest = rest if more else Content.empty()
        if self.wanted:
            target = self._confirmation.target
            return rest + safe(f"This cannot be undone. Type {target} to go on, or Esc.")
        keys = "y yes  n no  c change" if narrow else "y  do this     n  do nothing     c  change something"
        return rest + Content.styled(keys, "bold")

    def fitted(self, scrolling: Widget) -> None:
        if self._more != (more := scrolling.max_scroll_y > 0):
            self._more = more
            self.query_one("#how", Static).update(self._how(more=more))

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(self.query_one(VerticalScroll).size.height - 1, 1))

    def _details(self) -> Content:
        one = self._confirmation
        lines = [safe(one.summary, "bold"), safe(f"as {one.actor}", "$text-muted")]
        lines += change_table(one.changes, max(self.app.size.width - 8, 20))
        told = (*one.warnings, *name_warnings(one))
        lines += [safe(f"! {warning}", "$text-warning") for warning in told]
        if one.approvers:
            lines.append(safe(f"it then waits for {' or '.join(one.approvers)}"))
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        super().on_mount()
        self._quiet = self.set_timer(IGNORE_SECONDS, self._listen)
        self.screen.set_focus(self.query_one(Input) if self.wanted else self)

    def hush(self) -> None:
        """Be deaf until half a second was quiet: keys may be on their way that are meant for another line."""
        self._deaf = True
        self.add_class("deaf")
        self._quiet.stop()
        self._quiet = self.set_timer(IGNORE_SECONDS, self._listen)

    def _listen(self) -> None:
        self._deaf = False
        self.remove_class("deaf")
        if self.wanted:
            self.query_one(Input).clear()

    def on_key(self, event: events.Key) -> None:
        """Whoever types on while it is deaf, or a word, does not answer it."""
        if self._deaf or (event.is_printable and event.key not in _ANSWERS):
            self.hush()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()

    def action_yes(self) -> None:
        if not self._deaf and not self.wanted:
            self.give("yes")

    def action_correct(self) -> None:
        if not self._deaf and not self.wanted:
            self.give(_CORRECT)

    def action_cancel(self) -> None:
        if not self._deaf:
            self.give(None)

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        if self._deaf:
            return
        self._tries -= 1
        if submitted.value.strip() == self.wanted:
            self.give("yes")
        elif self._tries <= 0 or not submitted.value.strip():
            self.give(None)


class Revealed(Asked):
    """A generated secret, shown once and wiped."""

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "wipe", "I noted it", priority=True)]

    def __init__(self, secret: Secret, label: str) -> None:
        super().__init__()
        self._secret = secret
        self._label = label
        self._deaf = True

    def compose(self) -> ComposeResult:
        yield Static(safe(self._label, "bold"), classes="question")
        yield Static(safe(self._secret.expose(), "bold $warning"), id="secret")
        yield Static("Note it now: it is shown this once. Enter wipes it from the screen.", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_timer(IGNORE_SECONDS, self._listen)
        self.screen.set_focus(self)

    def _listen(self) -> None:
        self._deaf = False

    def action_wipe(self) -> None:
        if not self._deaf:
            self.query_one("#secret", Static).update("")
            self.give("")

    def action_cancel(self) -> None:
        self.action_wipe()


class Dock(Vertical):
    """Asks one thing after the other, and gives the focus back.

    Args:
        offers: live choices for questions that have none of their own.
    """

    def __init__(self, offers: Offers | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offers = offers
        self._turn = asyncio.Lock()

    def on_mount(self) -> None:
        self.display = False

    @property
    def asking(self) -> bool:
        return self.display

    def take_focus(self) -> bool:
        """Give the line back to what is asked; false while nothing is."""
        for asked in self.query(Asked):
            if isinstance(asked, AskedToConfirm):
                asked.hush()
            wanted = next(iter(asked.query(Input)), None)
            self.screen.set_focus(wanted if wanted is not None else asked)
            return True
        return False

    def cancel(self) -> None:
        """Esc, pressed elsewhere on the screen."""
        for asked in self.query(Asked):
            asked.action_cancel()

    async def ask(self, question: Question) -> str:
        """One answer. Raises Cancelled."""
        answer = await self._one(lambda: AskedWords(question, self._offers))
        if answer is None:
            raise Cancelled(CANCELLED)
        return answer or question.default or ""

    async def ask_secret(self, question: Question) -> Secret:
        """A secret, never shown; twice where it is a new one. Raises Cancelled."""
        for _ in range(TRIES):
            first = await self._hidden(question, question.text)
            if not question.repeat or await self._hidden(question, f"{question.text}, again") == first:
                return first
            self.app.notify("The two differ; please type it again.", markup=False)
        raise Cancelled("The two differed each time; nothing was changed.")

    async def _hidden(self, question: Question, text: str) -> Secret:
        asked = Question(question.name, text, question.flag, secret=True)
        answer = await self._one(lambda: AskedWords(asked, None))
        if not answer:
            raise Cancelled("Nothing was typed, so nothing was done." if answer == "" else CANCELLED)
        return Secret(answer)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        """Agreement to exactly this. Raises Cancelled, with the words of a correction where there is one."""
        answer = await self._one(lambda: AskedToConfirm(confirmation))
        if answer == _CORRECT:
            words = await self.ask(Question("words", "What instead? (“no, I meant …”)", ""))
            raise Cancelled(CANCELLED, words=words)
        if answer is None:
            raise Cancelled(CANCELLED)
        return Confirmed(confirmation.digest, by="person")

    async def reveal(self, secret: Secret, label: str) -> None:
        await self._one(lambda: Revealed(secret, label))

    async def _one(self, make: Callable[[], Asked]) -> str | None:
        async with self._turn:
            screen, before = self.screen, self.screen.focused
            asked = make()
            self.display = True
            idle = screen.query("#words") if self.app.size.height < _SHORT else ()
            for line in idle:  # nothing is said there meanwhile, and every row is needed
                line.display = False
            await self.mount(asked)
            try:
                return await asked.answer
            finally:
                await asked.remove()
                self.display = False
                for line in screen.query("#words"):
                    line.display = True
                _give_focus(before)


def _give_focus(widget: Widget | None) -> None:
    """At once: a focus that comes later would take it from the question that follows."""
    if widget is not None and widget.is_attached:
        widget.screen.set_focus(widget)
