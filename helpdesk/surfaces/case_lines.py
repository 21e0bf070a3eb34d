"""Cases as lines for a person. Every text is cleaned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from helpdesk.conversation.case import Case, Status
from helpdesk.conversation.case_document import transcript
from helpdesk.surfaces.columns import table
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.render import receipt_line
from helpdesk.surfaces.telling import untrusted
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.app.casework import Asked

_NAMES = {"person": "you", "model": "model", "helpdesk": "helpdesk"}
LAST = 40
"""Lines of the conversation that are shown where not all are asked for."""


def status_of(case: Case) -> str:
    """Where a case stands: "open", "closed: resolved", "handed-off: T-12"."""
    if case.status is Status.HANDED_OFF:
        return f"handed-off: {case.ticket}"
    return f"closed: {case.resolution.value}" if case.resolution else case.status.value


def list_lines(cases: Sequence[Case], look: Look) -> list[str]:
    """One case a line."""
    rows = [
        (
            case.id,
            status_of(case),
            case.changed.isoformat() if look.plain else local_time(case.changed),
            len(case.turns),
            case.goal,
        )
        for case in cases
    ]
    return table(("case", "status", "changed", "turns", "goal"), rows, look)


def case_lines(case: Case, asked: Sequence[Asked], look: Look, *, whole: bool = True) -> list[str]:
    """One case: where it stands, what was said, what was done, and how to go on."""
    return list(_case(case, asked, look, whole))


def _case(case: Case, asked: Sequence[Asked], look: Look, whole: bool) -> Iterator[str]:
    yield f"{look.paint(f'Case {case.id}', 'bold')}: {untrusted(case.goal) or '(nothing was said)'}"
    yield f"  status     {untrusted(status_of(case))}"
    yield f"  opened     {local_time(case.opened)}"
    if case.memory.half:
        yield f"  asking     {untrusted(case.memory.question)}"
    said = list(_said(case))
    left = 0 if whole else max(len(said) - LAST, 0)
    if left:
        yield f"  … {left} earlier lines: helpdesk case show {case.id}"
    yield from said[left:]
    yield from done_after_lines(case, look)
    receipts = [step for step in case.receipts if not step.hidden]
    if receipts:
        yield look.paint("Done, as it was read back", "bold")
    for step in receipts:
        yield f"  {untrusted(step.action)} (log entry {step.entry})"
        yield from (f"  {receipt_line(seen, look)}" for seen in step.receipt)
    if asked:
        yield look.paint("Requests", "bold")
    for one in asked:
        waits = f", waits for {' or '.join(untrusted(name) for name in one.waits_for)}" if one.open else ""
        entry = f" (log entry {one.entry})" if one.entry else ""
        yield f"  {untrusted(one.id)}: {untrusted(one.state)}{waits}{entry}"


def _said(case: Case) -> Iterator[str]:
    for line in transcript(case):
        if line["hidden"]:
            continue
        number = f"{line['turn']:>3}" if line["speaker"] == "person" else "   "
        outcome = f" [{line['outcome']}]" if line["outcome"] else ""
        entry = f" (log entry {line['entry']})" if line["entry"] else ""
        text = untrusted(line["text"])
        yield f"{number}  {_NAMES[line['speaker']]:<8}  {text}{outcome}{entry}"


def done_after_lines(case: Case, look: Look) -> Iterator[str]:
    """What was really executed in turns that the case was taken back from: it stays done."""
    if case.done_after:
        yield look.paint("After this point, done:", "bold")
    for step in case.done_after:
        undo = f" · helpdesk undo {step.entry}" if step.undoable and step.entry else ""
        entry = f" (log entry {step.entry})" if step.entry else ""
        yield f"  {untrusted(step.action)}: {untrusted(step.message)} [{untrusted(step.outcome)}]{entry}{undo}"
