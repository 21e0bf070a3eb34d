"""What was said and what came of it: memory for the next turn, and the case a handoff carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from helpdesk.conversation.words import without_secrets
from helpdesk.events import Result
from helpdesk.text import shorten, visible

Speaker: TypeAlias = Literal["person", "model", "host"]
CASE_LENGTH = 8_000
"""Characters of a conversation that a handoff carries: its latest part."""


@dataclass(frozen=True, slots=True)
class Line:
    speaker: Speaker
    text: str
    outcome: str = ""


@dataclass(slots=True)
class Transcript:
    """The conversation so far, without what looks like a typed password (S1)."""

    lines: list[Line] = field(default_factory=list)

    def person(self, words: str) -> None:
        self.lines.append(Line("person", without_secrets(words)))

    def model(self, text: str) -> None:
        if text.strip():
            self.lines.append(Line("model", without_secrets(text)))

    def result(self, result: Result) -> None:
        """What was tried and how it ended; the values of its arguments are in the log, not here."""
        name = result.action or "nothing"
        self.lines.append(Line("host", f"{name}: {result.message}", str(result.outcome)))

    def begin_with_last(self) -> None:
        """Forget everything before the person's last sentence: it was said before it was known who is there."""
        said = [at for at, line in enumerate(self.lines) if line.speaker == "person"]
        del self.lines[: said[-1] if said else 0]

    def said(self) -> str:
        """All of the person's own words: what counts as typed by them (L2)."""
        return "\n".join(line.text for line in self.lines if line.speaker == "person")

    @property
    def sentences(self) -> int:
        """How many sentences the person said."""
        return sum(line.speaker == "person" for line in self.lines)

    def since(self, number: int) -> str:
        """The person's own words from their sentence of this number on, counted from 1."""
        return "\n".join([line.text for line in self.lines if line.speaker == "person"][max(number - 1, 0) :])

    def case(self) -> str:
        """The conversation for a handoff: who said what, what was tried, and how it ended."""
        names = {"person": "Person", "model": "Assistant (not verified)", "host": "Helpdesk"}
        parts = [
            f"{names[line.speaker]}: {shorten(line.text, 1_000)}"
            + (f" [{line.outcome}]" if line.outcome else "")
            for line in self.lines
        ]
        text = visible("\n".join(parts))
        return text if len(text) <= CASE_LENGTH else "…" + text[-(CASE_LENGTH - 1) :]
