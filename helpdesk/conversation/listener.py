"""The person, as a conversation hears them: uncertain words are read back, and what they say about the
conversation itself ("say that again", another question in between) is taken care of before anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from helpdesk.conversation.forms import agreement, form, one_of, pick
from helpdesk.conversation.recollection import Recollection
from helpdesk.conversation.words import correction, tokens
from helpdesk.errors import Cancelled
from helpdesk.events import (
    Answered,
    Choice,
    Confirmation,
    Confirmed,
    Event,
    Heard,
    Question,
    Said,
    Warned,
    Words,
)
from helpdesk.ports import Hearing
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec

SURE = 0.85
"""The confidence from which words that nothing contradicts need no reading back."""
TRIES = 3
NONE = "none"
"""The value of the choice that declines all others."""
CANCELLED = "Cancelled; nothing was changed."


class Between(Protocol):
    """Another sentence in the middle of a request."""

    def is_request(self, words: str, asked: ActionSpec | None) -> bool:
        """Whether ``words`` are a sentence of their own, and no answer about ``asked``."""

    def corrects(self, words: str, action: str) -> bool:
        """Whether ``words`` correct an argument of the action that is to be confirmed."""

    async def answer(self, words: str) -> None:
        """Answer it, and tell its end; errors are told too, so that the request can go on."""

    def explain(self, confirmation: Confirmation) -> str:
        """What a confirmation asks for, in other words."""


class Listener:
    """Passes everything on to the person at the surface.

    Attributes:
        instead: what was said at a confirmation ("no, I meant …"), or "".
        dropped_all: the person wanted everything cancelled.
        waiting: the sentences that come after the present request; "cancel the second one" takes one away.

    Args:
        between: ``None`` where a sentence in between would itself stand in between.
    """

    def __init__(
        self, person: Hearing, memory: Recollection, waiting: list[str], between: Between | None = None
    ) -> None:
        self._person = person
        self._memory = memory
        self.waiting = waiting
        self.between = between
        self.instead = ""
        self.dropped_all = False

    def emit(self, event: Event) -> None:
        if isinstance(event, Said | Warned):
            self._memory.tell(event.text)
        elif isinstance(event, Answered):
            self._memory.tell(event.result.message)
        self._person.emit(event)

    def say(self, text: str) -> None:
        self.emit(Said(text))

    # ── questions ─────────────────────────────────────────────────────────────────────────────

    async def ask(self, question: Question, *, risky: bool = True) -> str:
        """One answer, of which the words are certain.

        Args:
            risky: it is acted upon; a free text that only people read is taken as it was heard.

        Raises:
            Cancelled: the person stopped, or could not be understood. UsageError: nobody is there to ask.
        """
        for _ in range(TRIES):
            heard = await self._person.ask(question)
            said = await self.certain(heard, question.choices) if risky else likeliest(heard)
            if said or (question.default == "" and not likeliest(heard)):
                return said
        raise Cancelled("I could not make sure what you said; nothing was changed.")

    async def certain(
        self,
        heard: Words,
        choices: Sequence[Choice] = (),
        meaning: Callable[[str], object] | None = None,
    ) -> str:
        """The words, once they are certain; "" when none of the readings was right. Errors as of :meth:`ask`.

        Args:
            meaning: what words come to, where different ones may come to the same.
        """
        if isinstance(heard, str) or is_certain(heard, choices, meaning):
            return likeliest(heard)
        readings = readings_of(heard)
        options = tuple(Choice(reading, reading) for reading in readings)
        text = (
            f"I heard: {readings[0]}. Is that right?" if len(readings) == 1 else "Which of these did you say?"
        )
        question = Question("heard", text, "", (*options, Choice(NONE, "none of these")))
        for _ in range(TRIES):
            again = await self._person.ask(question)
            meant = {self._read_back(said, readings, question.choices) for said in readings_of(again)}
            if len(meant) == 1 and None not in meant and _is_loud(again):
                return meant.pop() or ""
        return ""

    def _read_back(self, said: str, readings: Sequence[str], choices: Sequence[Choice]) -> str | None:
        """The reading that an answer to the read-back means; "" for none of them, ``None`` when it is unclear."""
        if form(said) in ("cancel", "everything"):
            return said
        chosen = pick(said, choices)
        if chosen is not None:
            return "" if chosen.value == NONE else chosen.value
        agreed = agreement(said)
        if agreed is None or (agreed and len(readings) > 1):
            return None
        return readings[0] if agreed else ""

    async def ask_secret(self, question: Question) -> Secret:
        return await self._person.ask_secret(question)

    # ── the confirmation ──────────────────────────────────────────────────────────────────────

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        """Agreement to exactly this. What is said about the conversation brings the same question again.

        Raises:
            Cancelled: as of the surface; a correction is in :attr:`instead`.
        """
        for _ in range(TRIES * 2):
            try:
                return await self._person.confirm(confirmation)
            except Cancelled as stop:
                if not stop.words or not await self._goes_on(stop.words, confirmation):
                    raise
        raise Cancelled(CANCELLED)

    async def _goes_on(self, words: str, confirmation: Confirmation) -> bool:
        """Whether the confirmation is shown again after these words."""
        if self.drops(words):
            return True
        said = form(words)
        if said == "everything":
            self.drop_all()
        if said in ("cancel", "everything", "skip") or one_of(words) or agreement(words) is False:
            return False
        if said == "explain" and self.between is not None:
            self.say(self.between.explain(confirmation))
        elif said != "repeat":
            if words.startswith("/") or self._corrects(words, confirmation):
                self.instead = words
                return False
            if await self.aside(words, None):
                self.say(f"Back to {confirmation.action}.")
            else:
                self.say("Only a clear yes does it. Say yes, no, or what shall be different.")
        return True

    def _corrects(self, words: str, confirmation: Confirmation) -> bool:
        if correction(words) is not None:
            return True
        return self.between is not None and self.between.corrects(words, confirmation.action)

    # ── several requests, and one in between ──────────────────────────────────────────────────

    async def aside(self, words: str, asked: ActionSpec | None) -> bool:
        """Whether ``words`` were a sentence of their own; then it has been answered, and the request goes on."""
        if self.between is None or not self.between.is_request(words, asked):
            return False
        await self.between.answer(words)
        return True

    def drops(self, words: str) -> bool:
        """Take one of the waiting requests away, when that is what ``words`` say of one that is not the present one."""
        number = one_of(words)
        if not number or not self.waiting:
            return False
        if number > len(self.waiting) + 1 or number == 1:
            return False
        dropped = self.waiting.pop(-1 if number < 0 else number - 2)
        self.say(f"Dropped: {dropped}.")
        return True

    def drop_all(self) -> None:
        """No other request waits any more."""
        if self.waiting:
            self.say(f"Dropped too: {'; '.join(self.waiting)}.")
        self.dropped_all = True
        self.waiting.clear()

    # ── secrets ───────────────────────────────────────────────────────────────────────────────

    def ensure_can_reveal(self) -> None:
        self._person.ensure_can_reveal()

    async def reveal(self, secret: Secret, label: str) -> None:
        await self._person.reveal(secret, label)


def readings_of(heard: Words) -> list[str]:
    """Everything that may have been said, likeliest first, each once."""
    if isinstance(heard, str):
        return [heard.strip()]
    unique = {tuple(tokens(text)): text.strip() for text in reversed((heard.words, *heard.alternatives))}
    return [text for text in reversed(unique.values()) if text] or [heard.words.strip()]


def is_certain(
    heard: Heard, choices: Sequence[Choice] = (), meaning: Callable[[str], object] | None = None
) -> bool:
    """Whether the words can be acted upon: heard well, and every reading of them means the same.

    To stop, and to have something repeated or explained, needs no certainty: nothing comes of it.
    """
    if form(heard.words) in ("cancel", "everything", "repeat", "explain"):
        return True
    if not _is_loud(heard):
        return False
    readings = readings_of(heard)
    if len(readings) == 1:
        return True
    if meaning is not None and len({meaning(reading) for reading in readings}) == 1:
        return True
    chosen = [pick(reading, choices) for reading in readings] if choices else []
    return bool(chosen) and None not in chosen and len({c.value for c in chosen if c}) == 1


def agrees(heard: Words) -> bool | None:
    """Yes or no to a confirmation; ``None`` when it is not certain, which never confirms (L5)."""
    if isinstance(heard, Heard) and not _is_loud(heard):
        return None
    answers = {agreement(reading) for reading in readings_of(heard)}
    return answers.pop() if len(answers) == 1 else None


def _is_loud(heard: Words) -> bool:
    return isinstance(heard, str) or heard.confidence >= SURE


def likeliest(heard: Words) -> str:
    """The words as they probably were."""
    return heard if isinstance(heard, str) else heard.words
