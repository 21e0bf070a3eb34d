"""What a batch shows: a line for each row, its progress, the plan, and where its secrets go."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from dataclasses import dataclass

from helpdesk.actions.batch import Tally
from helpdesk.actions.batch_plan import Plan, PlannedRow
from helpdesk.actions.batch_rows import BadRow
from helpdesk.actions.batch_state import BatchState
from helpdesk.errors import Failed, HelpdeskError
from helpdesk.events import Change, Confirmation, ErrorInfo, Outcome, Progress, Result, outcome_of
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.cli.invocation import Invocation
from helpdesk.surfaces.json_output import result_document
from helpdesk.surfaces.look import clean
from helpdesk.surfaces.render import GOOD, error_line
from helpdesk.surfaces.reveal import Target
from helpdesk.surfaces.telling import change_line, untrusted

_EVERY = 25
"""Rows between two lines of progress where no line can be drawn over."""


class BatchOutput:
    """Implements :class:`helpdesk.actions.batch.Watcher` for the command line.

    Args:
        state: remembers whose secrets are where they belong.
        target: where secrets go; ``None`` where no row makes one.
    """

    def __init__(self, run: Invocation, state: BatchState, target: Target | None) -> None:
        self._run = run
        self._state = state
        self._target = target
        self._ended = 0
        self._writing = threading.Lock()
        self._waiting: deque[_Told] = deque()
        self.total = 0
        self.lost: list[str] = []

    def ended(self, item: PlannedRow, result: Result, *, before: bool) -> None:
        lost = result.outcome is Outcome.DONE and self._is_lost(item)
        row_line(self._run, item.row.number, item.row.line, result, before=before, lost=lost)
        self._ended += 1
        if lost:
            self.lost.append(str(item.call.arguments.get("person", item.row.number)))
        self._progress(result)

    def _is_lost(self, item: PlannedRow) -> bool:
        """Whether the row made a secret that never came to where it belongs; an approver's went to them."""
        spec = next((s for s in self._run.desk.catalog.specs if s.name == item.row.action), None)
        approved = item.past is not None and bool(item.past.request)
        return bool(spec and spec.reveals and not approved and not self._state.is_revealed(item.row.number))

    def _progress(self, result: Result) -> None:
        text = f"{self._ended} of {self.total} rows; last: {result.outcome.value}"
        if self._run.error_look.moves:
            self._run.teller.tell(Progress("execute", text))
        elif not self._run.flags.quiet and (self._ended % _EVERY == 0) and self._ended < self.total:
            self._run.complain([f"· {text}"])

    def reveal(self, item: PlannedRow, secret: Secret) -> None:
        assert self._target is not None, "the plan opened a place for every row that makes a secret"
        self._run.terminal.known.append(secret)
        prepared = item.ahead.prepared if item.ahead else None
        login = prepared.person.login if prepared and prepared.person else item.target
        if self._target.as_json_lines(self._run.flags.json):
            line = json.dumps(
                {"row": item.row.number, "line": item.row.line, "login": login, "password": secret.expose()}
            )
        else:
            line = f"{clean(login)}\t{secret.expose()}"
        mine = _Told(item.row.number, line)
        self._waiting.append(mine)
        with self._writing:
            if not mine.settled:
                self._write_down()
        if mine.error is not None:
            raise mine.error

    def _write_down(self) -> None:
        """The lines of all rows that wait, together: the disk is waited for once."""
        assert self._target is not None
        together = [self._waiting.popleft() for _ in range(len(self._waiting))]
        error: HelpdeskError | None = Failed("It was interrupted.", code="reveal-failed")
        try:
            if (file := self._target.file) is not None:
                self._state.goes_to(file)
            self._target.write_line("\n".join(one.line for one in together))
            self._state.revealed(*(one.number for one in together))
            error = None
        except HelpdeskError as broken:
            error = broken
        finally:
            for one in together:
                one.error, one.settled = error, True


@dataclass(slots=True)
class _Told:
    """A row's secret on its way to where it belongs. ``error``: it did not get there."""

    number: int
    line: str
    settled: bool = False
    error: HelpdeskError | None = None


def row_line(
    run: Invocation, row: int, line: int, result: Result, *, before: bool = False, lost: bool = False
) -> None:
    """One row's result: a JSON line, or a line for a person.

    Args:
        before: it ended so in an earlier run. lost: the secret it made is nowhere.
    """
    if run.flags.json:
        marks = {name: True for name, is_so in (("before", before), ("lost", lost)) if is_so}
        run.document({**result_document(result), "row": row, "line": line, **marks})
        return
    where = f"row {row} (line {line}) {untrusted(result.action)}".rstrip()
    if result.outcome in GOOD:
        mark = (
            run.look.paint("✓", "green") if result.outcome is Outcome.DONE else run.look.paint("…", "yellow")
        )
        run.lines([f"{mark} {where}: {untrusted(result.message)}"])
    else:
        run.complain([f"{where}: {error_line(result, run.error_look)}"])


def bad_lines(run: Invocation, bad: list[BadRow], logged: dict[int, Result]) -> None:
    """Every row that stands in the way."""
    for item in sorted(bad, key=lambda one: one.row.number):
        error = item.error
        result = logged.get(item.row.number) or Result(
            outcome_of(error),
            item.row.action,
            error.message,
            error=ErrorInfo(error.code, error.message, error.hint),
        )
        row_line(run, item.row.number, item.row.line, result)


def plan_lines(plan: Plan) -> list[str]:
    """The plan for a person: one line a row, its changes below."""
    lines = []
    for item in plan.rows:
        what = f"row {item.row.number} (line {item.row.line}) {untrusted(item.row.action)}"
        if not item.is_left:
            assert item.past is not None
            lines.append(f"{what}: {item.past.stand.value} before, entry {item.past.entry.seq}")
            continue
        lines.append(f"{what} {untrusted(item.target)}".rstrip())
        lines += [f"  {change_line(change)}" for change in item.changes]
    return lines


def summary(plan: Plan) -> str:
    """The plan in a sentence: "3 rows: 2 password.reset, 1 account.disable; 1 done before; 1 waits for approval"."""
    left = plan.left
    kinds = ", ".join(f"{n} {untrusted(name)}" for name, n in Counter(i.row.action for i in left).items())
    parts = [f"{len(plan.rows)} rows: {kinds or 'nothing is left to do'}"]
    stands = Counter(item.past.stand.value for item in plan.rows if item.past and not item.is_left)
    parts += [f"{n} {stand} before" for stand, n in stands.items()]
    if waits := sum(1 for item in left if item.ahead and item.ahead.waits):
        parts.append(f"{waits} will wait for approval")
    return "; ".join(parts) + "."


def confirmation(plan: Plan, action: str, actor: str, specs: tuple[ActionSpec, ...]) -> Confirmation:
    """What the person agrees to, once for all rows: every change, and the digest of the whole plan (L3, L4)."""
    changes: list[Change] = [change for item in plan.left for change in item.changes]
    warnings = [
        w for item in plan.left if item.ahead and item.ahead.preview for w in item.ahead.preview.warnings
    ]
    severe = {spec.name for spec in specs if spec.irreversible}
    return Confirmation(
        digest=plan.digest,
        action=action or "a batch",
        summary=summary(plan),
        actor=actor,
        target=str(len(plan.left)),
        changes=tuple(changes),
        warnings=tuple(dict.fromkeys(warnings)),
        irreversible=any(item.row.action in severe for item in plan.left),
    )


def tally_lines(run: Invocation, tally: Tally, lost: list[str]) -> list[str]:
    """The end of a batch, for standard error."""
    parts = [f"{tally.done} done"]
    parts += [f"{tally.waiting} waiting"] if tally.waiting else []
    parts += [f"{tally.failed} failed"] if tally.failed else []
    parts += [f"{tally.left} not begun"] if tally.left else []
    lines = [f"Batch: {', '.join(parts)}."]
    if tally.why:
        lines.append(
            f"It stopped, because {untrusted(tally.why).rstrip('.')}. Run it again for what is left."
        )
    if lost:
        names = ", ".join(untrusted(name) for name in lost)
        warning = run.error_look.paint("warning:", "yellow")
        lines.append(
            f"{warning} done, but their passwords were lost with an interruption; reset them again by themselves: {names}"
        )
    return lines
