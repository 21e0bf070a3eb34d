"""The card of an action: what will change, beside what is there now; then its progress; then its receipt."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.content import Content

from helpdesk.events import Change, Citation, Observation, Outcome, Result
from helpdesk.surfaces.reflow import reflowed
from helpdesk.surfaces.render import ANSWERS, GOOD, is_read, place
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.blocks import Line
from helpdesk.surfaces.tui.paint import OWN_BAR, safe, safe_lines

_MARKS = {
    Outcome.DONE: ("✓", "$success"),
    Outcome.PREVIEWED: ("•", "$primary"),
    Outcome.PENDING: ("…", "$warning"),
    Outcome.ACCEPTED: ("…", "$warning"),
    Outcome.REFUSED: ("✗", "$error"),
    Outcome.CANCELLED: ("–", "$text-muted"),
    Outcome.UNKNOWN: ("?", "$warning"),
    Outcome.PARTIAL: ("◐", "$warning"),
}
_FAILED = ("✗", "$error")
_LATER = {
    "done": _MARKS[Outcome.DONE],
    "pending": _MARKS[Outcome.PENDING],
    "approved": _MARKS[Outcome.PENDING],
    "claimed": _MARKS[Outcome.PENDING],
    "withdrawn": _MARKS[Outcome.CANCELLED],
    "expired": _MARKS[Outcome.CANCELLED],
    "unknown": _MARKS[Outcome.UNKNOWN],
    "partial": _MARKS[Outcome.PARTIAL],
}
"""By the state that a request has come to; every other one is bad news."""
_ANSWER = ("•", "$primary")
_SHOWN = 12
"""Rows of a table that a card shows; the rest is counted."""


def is_answer(result: Result) -> bool:
    """Whether the result is no error but an answer in words, of which no action came."""
    return result.error is not None and result.error.code in ANSWERS


@dataclass(slots=True)
class Card:
    """One action, through its life. Only the program writes here; every value in it is cleaned.

    Attributes:
        later: what became of its request since, as a sentence; later_state: as the request's state.
    """

    action: str
    arguments: dict[str, object] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    doing: str = ""
    result: Result | None = None
    version: int = 0
    later: str = ""
    later_state: str = ""

    @property
    def selectable(self) -> bool:
        return self.result is not None

    @property
    def citations(self) -> tuple[Citation, ...]:
        return (self.result.citations or ()) if self.result else ()

    def preview(self, changes: tuple[Change, ...]) -> None:
        self.changes, self.doing = changes, ""
        self.version += 1

    def progress(self, text: str) -> None:
        self.doing = text
        self.version += 1

    def finish(self, result: Result) -> None:
        self.result, self.doing = result, ""
        self.changes = result.changes or self.changes
        self.version += 1

    def follow(self, text: str, state: str) -> None:
        """Its request was decided, wherever and by whomever."""
        self.later, self.later_state = text, state
        self.version += 1

    def lines(self, width: int) -> list[Line]:
        _, style = self._mark()
        bar = Content.styled(OWN_BAR, style)
        room = max(width - 2, 10)
        bodies = [self._title()]
        if self.changes and not self._receipt():
            bodies += change_table(self.changes, room, most=_SHOWN)
        if self.doing:
            bodies.append(Content.styled(f"· {untrusted(self.doing)}", "$text-muted"))
        bodies += self._outcome()
        return [Line(body, bar) for body in bodies]

    def _mark(self) -> tuple[str, str]:
        if self.result is None:
            return "…", "$primary"
        if self.later_state:
            return _LATER.get(self.later_state, _FAILED)
        return _ANSWER if is_answer(self.result) else _MARKS.get(self.result.outcome, _FAILED)

    def _title(self) -> Content:
        mark, style = self._mark()
        given = "  ".join(f"{untrusted(name)}={untrusted(value)}" for name, value in self.arguments.items())
        name = self.action or (self.result.action if self.result else "") or "answer"
        return Content.assemble(
            (f"{mark} ", f"{style} bold"), (untrusted(name), "bold"), (f"  {given}", "$text-muted")
        )

    def _receipt(self) -> tuple[Observation, ...]:
        return self.result.receipt if self.result and not is_read(self.result) else ()

    def _outcome(self) -> list[Content]:
        result = self.result
        if result is None:
            return []
        if self.later:
            return safe_lines(self.later, self._mark()[1])
        style = self._mark()[1] if result.outcome is not Outcome.DONE or not is_read(result) else ""
        head = safe_lines(result.message, style)
        if result.outcome not in GOOD and result.outcome is not Outcome.CANCELLED and not is_answer(result):
            word = Content.styled(f"{result.outcome.value}: ", f"{style} bold")
            head[0] = Content.assemble(word, head[0])
            if result.rule:
                head.append(safe(f"Rule: {result.rule}", "$text-muted"))
            if result.error and result.error.hint:
                head.append(safe(f"→ {result.error.hint}"))
        lines = head + [read_back(observation) for observation in self._receipt()]
        for citation in self.citations[:1]:
            lines.append(safe(place(citation), "bold"))
            lines += safe_lines(reflowed(citation.text.strip()))
        lines += [safe(f"See also {place(citation)}", "$text-muted") for citation in self.citations[1:]]
        step = self._next()
        return [*lines, Content.styled(step, "$text-muted")] if step else lines

    def _next(self) -> str:
        result = self.result
        if result is None:
            return ""
        keys = []
        if result.entry is not None:
            keys.append(f"entry {result.entry}")
        if result.undoable:
            keys.append("Ctrl+Z undo")
        if result.entry is not None or result.rule:
            keys.append("Ctrl+Y why")
        if self.citations:
            keys.append("Ctrl+O open the policy")
        if result.request and result.outcome is Outcome.PENDING:
            keys.append(f"request {untrusted(result.request)}")
        return " · ".join(keys)


def read_back(observation: Observation) -> Content:
    """One line of a receipt."""
    what = f"{untrusted(observation.target)}: {untrusted(observation.what)}: "
    seen, system = untrusted(observation.observed), untrusted(observation.system)
    if observation.as_expected:
        return Content.assemble(
            ("✓ ", "$success"), what, (seen, "bold"), (f"  read back from the {system}", "$text-muted")
        )
    wanted = untrusted(observation.expected)
    return Content.assemble(("✗ ", "$error"), what, f"expected {wanted}, ", (f"observed {seen}", "bold"))


def change_table(
    changes: tuple[Change, ...],
    room: int,
    *,
    heads: tuple[str, str] = ("now", "then"),
    most: int | None = None,
) -> list[Content]:
    """The changes, side by side with the state before; one below the other where it is narrow.

    Args:
        room: columns. heads: what the two states are called.
        most: rows that are shown, the rest is counted; ``None``: all of them, for who has to agree to them.
    """
    rows = [
        (
            f"{untrusted(c.target)}: {untrusted(c.what)}",
            untrusted(c.before) or "nothing",
            untrusted(c.after) or "nothing",
        )
        for c in changes[:most]
    ]
    left = len(changes) - len(rows)
    more = [Content.styled(f"… and {left} more", "$text-muted")] if left else []
    widths = [max([_cells(row[i]) for row in rows], default=0) for i in range(3)]
    if sum(widths) + 6 > room:
        stacked = []
        for what, before, after in rows:
            stacked.append(Content(what))
            stacked.append(Content.assemble((f"  {heads[0]:<6} ", "$text-muted"), before))
            stacked.append(Content.assemble((f"  {heads[1]:<6} ", "$text-muted"), (after, "bold")))
        return stacked + more
    widths = [max(widths[0], 4), max(widths[1], len(heads[0])), widths[2]]
    head = Content.styled(f"{'':<{widths[0]}}  {heads[0]:<{widths[1]}}    {heads[1]}", "$text-muted")
    return [
        head,
        *(
            Content.assemble(
                _pad(what, widths[0]), "  ", _pad(before, widths[1]), (" →  ", "$text-muted"), (after, "bold")
            )
            for what, before, after in rows
        ),
        *more,
    ]


def _cells(text: str) -> int:
    return Content(text).cell_length


def _pad(text: str, width: int) -> str:
    return text + " " * max(width - _cells(text), 0)
