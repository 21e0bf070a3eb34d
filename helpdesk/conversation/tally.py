"""The results of one turn's calls, and the one result they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from helpdesk.errors import HelpdeskError
from helpdesk.events import ErrorInfo, Outcome, Result
from helpdesk.spec import ActionSpec

_WORST_FIRST = (Outcome.UNKNOWN, Outcome.UNREACHABLE, Outcome.NOT_SIGNED_IN)
_ENDS = (
    Outcome.USAGE,
    Outcome.REFUSED,
    Outcome.NOT_SIGNED_IN,
    Outcome.UNKNOWN,
    Outcome.UNREACHABLE,
    Outcome.FAILED,
)
_LEFT = (Outcome.DONE, Outcome.PREVIEWED, Outcome.PENDING, Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.PARTIAL)


def rejected(action: str, error: HelpdeskError) -> Result:
    """The result of a call that ended in an error before the door took it."""
    outcome = next((o for o in _ENDS if o.exit == error.exit), Outcome.FAILED)
    return Result(outcome, action, error.message, error=ErrorInfo(error.code, error.message, error.hint))


@dataclass(slots=True)
class Tally:
    """What became of the calls so far."""

    reads: list[Result] = field(default_factory=list)
    writes: list[Result] = field(default_factory=list)

    def add(self, spec: ActionSpec, result: Result) -> None:
        (self.reads if spec.reads else self.writes).append(result)

    @property
    def empty(self) -> bool:
        return not (self.reads or self.writes)

    @property
    def last_action(self) -> str:
        last = (self.writes or self.reads)[-1:]
        return last[0].action if last else ""

    @property
    def changed(self) -> bool:
        """A receipt of this turn shows a change."""
        return any(result.outcome is Outcome.DONE and result.receipt for result in self.writes)

    @property
    def left_something(self) -> bool:
        """A write changed something, waits for somebody, or may have counted."""
        return any(result.outcome in _LEFT for result in self.writes)

    @property
    def answered(self) -> bool:
        """A read found its answer."""
        return any(result.outcome is Outcome.DONE for result in self.reads)

    def result(self) -> Result:
        """One result: the only write, or all of them together, or the last read.

        Several writes that did not all end alike are ``partial``, unless one must be reconciled first.
        """
        return together(self.writes) if self.writes else self.reads[-1]


def together(results: Sequence[Result]) -> Result:
    """Several results as one: those that did not all end alike are ``partial``, unless one must be reconciled first."""
    if len(results) == 1:
        return results[0]
    outcomes = {result.outcome for result in results}
    worst = next((outcome for outcome in _WORST_FIRST if outcome in outcomes), None)
    outcome = worst or (outcomes.pop() if len(outcomes) == 1 else Outcome.PARTIAL)
    leading = next((r for r in reversed(results) if r.outcome is outcome), results[-1])
    return replace(
        leading,
        outcome=outcome,
        message=" ".join(f"{r.action}: {r.message}" if r.action else r.message for r in results),
        receipt=tuple(o for r in results for o in r.receipt),
        changes=tuple(c for r in results for c in r.changes),
    )
