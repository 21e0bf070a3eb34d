"""One entry of the log as one row: which columns there is room for, and what stands in them. Everything is cleaned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.surfaces.log_words import ending, subject, who
from helpdesk.surfaces.telling import untrusted

if TYPE_CHECKING:
    from helpdesk.gate.audit import Entry

GOOD, BAD, OPEN, PLAIN, DIM = "log--good", "log--bad", "log--open", "log--plain", "log--dim"
MARKS = {
    "done": ("✓", GOOD),
    "approved": ("✓", GOOD),
    "previewed": ("•", DIM),
    "pending": ("…", OPEN),
    "accepted": ("…", OPEN),
    "unknown": ("?", OPEN),
    "partial": ("◐", OPEN),
    "cancelled": ("–", DIM),
    "withdrawn": ("–", DIM),
    "": ("·", DIM),
}
_BAD = ("✗", BAD)
_NO_OUTCOME = {"intent": "begun"}
"""What stands in place of an outcome, by the kind of entry; others have none to tell."""
_LONGEST = 300
"""Characters of a value that a row looks at."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide each column is; 0 leaves it out. The last one, what it is about, has the rest."""

    number: int
    time: int
    kind: int
    who: int
    outcome: int

    @classmethod
    def of(cls, width: int, last: int) -> Columns:
        """For a width in columns, and the highest number."""
        number = max(len(str(last)), 5)
        if width >= 96:
            return cls(number, 19, 10, 16, 13)
        if width >= 64:
            return cls(number, 16, 0, 12, 11)
        if width >= 48:
            return cls(number, 11, 0, 10, 1)
        return cls(number, 0, 0, 8, 1)

    def head(self) -> list[tuple[str, int, str]]:
        outcome = "outcome" if self.outcome > 1 else ""
        return self._row(("entry", "time", "kind", "who", outcome, "about"), (DIM,) * 6)

    def place(self, number: int) -> list[tuple[str, int, str]]:
        """A row that was not read yet."""
        return self._row((str(number), "", "", "", "", "…"), (DIM,) * 6)

    def gone(self, number: int) -> list[tuple[str, int, str]]:
        return self._row((str(number), "", "", "", "", "(removed)"), (DIM,) * 6)

    def row(self, entry: Entry) -> list[tuple[str, int, str]]:
        """Text, width and style of each column; the last width is 0: as much as there is."""
        outcome = _cut(ending(entry) or entry.body.get("decision") or "")
        mark, style = MARKS.get(outcome, _BAD)
        ended = mark if self.outcome == 1 else f"{mark} {outcome or _NO_OUTCOME.get(entry.kind, '')}"
        when = entry.time.astimezone()
        time = when.strftime("%m-%d %H:%M" if self.time == 11 else "%Y-%m-%d %H:%M:%S")[: self.time]
        kind = _cut(entry.kind)
        about = _cut(subject(entry)) or (kind if not self.kind else "")
        texts = (str(entry.seq), time, kind, _cut(who(entry)), ended, about)
        return self._row(texts, (DIM, DIM, PLAIN, PLAIN, style, PLAIN))

    def _row(self, texts: tuple[str, ...], styles: tuple[str, ...]) -> list[tuple[str, int, str]]:
        widths = (self.number, self.time, self.kind, self.who, self.outcome)
        texts = (texts[0].rjust(self.number), *texts[1:])
        cells = [
            (text, width, style) for text, width, style in zip(texts, widths, styles, strict=False) if width
        ]
        return [*cells, (texts[-1], 0, styles[-1])]


def _cut(value: object) -> str:
    return untrusted(str(value)[:_LONGEST])
