"""What became of each step of a run, and the words about the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from helpdesk.events import Outcome, Result
from helpdesk.results import result_document

State = Literal[
    "running",
    "waiting",
    "done",
    "left out",
    "failed",
    "partial",
    "unknown",
    "undone",
    "not undone",
    "made good",
    "accepted",
]


@dataclass(slots=True)
class Record:
    """One step of a run, as far as it got.

    Attributes:
        changed: something is different because of it, so that it may have to be taken back.
        why: why it was not taken back. kept: what the door kept before its effect. names: of its for-each, with values.
    """

    path: str
    id: str
    title: str = ""
    action: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    state: State = "running"
    outcome: str = ""
    message: str = ""
    entry: int | None = None
    receipt: list[dict[str, Any]] = field(default_factory=list)
    changed: bool = False
    why: str = ""
    kept: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)

    def ended(self, result: Result, state: State) -> None:
        """Take over how its call ended."""
        document = result_document(result)
        self.state, self.outcome, self.message = state, result.outcome.value, result.message
        self.entry, self.receipt = result.entry, document["receipt"]

    def document(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "id": self.id,
            "title": self.title,
            "action": self.action,
            "arguments": dict(self.arguments),
            "state": self.state,
            "outcome": self.outcome,
            "message": self.message,
            "entry": self.entry,
            "receipt": list(self.receipt),
            "changed": self.changed,
            "why": self.why,
        }


def state_of(outcome: Outcome) -> State:
    """The state of a step whose call ended so."""
    states: dict[Outcome, State] = {
        Outcome.DONE: "done",
        Outcome.PARTIAL: "partial",
        Outcome.UNKNOWN: "unknown",
        Outcome.ACCEPTED: "accepted",
    }
    return states.get(outcome, "failed")


def ending(
    name: str, records: Sequence[Record], stopped: str, how: Outcome, outputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The receipt of the whole.

    Args:
        stopped: why it went no further, or "". how: done, cancelled, unknown, or failed with its kind.
    """
    outcome = _outcome(records, how)
    message = _message(name, records, stopped, outcome)
    return {
        "outcome": outcome.value,
        "message": message,
        "steps": [record.document() for record in records],
        "outputs": dict(outputs),
    }


def _outcome(records: Sequence[Record], how: Outcome) -> Outcome:
    if how is Outcome.DONE and any(one.state == "accepted" for one in records):
        return Outcome.ACCEPTED
    if how in (Outcome.DONE, Outcome.UNKNOWN):
        return how
    left = [one for one in records if one.changed and one.state != "undone"]
    return Outcome.PARTIAL if left or any(one.state == "partial" for one in records) else how


def _message(name: str, records: Sequence[Record], stopped: str, outcome: Outcome) -> str:
    calls = [one for one in records if one.action]
    if outcome in (Outcome.DONE, Outcome.ACCEPTED):
        changed = sum(1 for one in calls if one.changed)
        already = sum(1 for one in calls if one.state == "done" and not one.changed and one.receipt)
        more = f", {already} had nothing to do" if already else ""
        taken = [one for one in calls if one.state == "accepted"]
        if not taken:
            return f"{name} is done: {_steps(changed)} carried out{more}."
        return (
            f"{name} is carried out: {_steps(changed)}{more}. Taken by its system, and not to be read back there: "
            f"{_listed(taken)}."
        )
    parts = [f"{name} stopped{f': {stopped}' if stopped else ''}".rstrip(".") + "."]
    undone = [one for one in records if one.state == "undone"]
    good = [one for one in records if one.state == "made good"]
    left = [one for one in records if one.changed and one.state not in ("undone", "made good")]
    if undone:
        parts.append(f"Taken back, newest first: {_listed(reversed(undone))}.")
    if good:
        told = ", ".join(f"{one.path} ({one.action}) with {one.why}" for one in reversed(good))
        parts.append(f"Made up for: {told}.")
    if left:
        told = "; ".join(
            f"{one.path} ({one.action})" + (f": {one.why.rstrip('.')}" if one.why else "") for one in left
        )
        parts.append(f"Not taken back: {told}.")
    if not undone and not left and not good and outcome is not Outcome.UNKNOWN:
        parts.append("Nothing was changed.")
    if outcome is Outcome.UNKNOWN:
        parts.append(
            "Nobody knows yet whether that step took effect; nothing is repeated and nothing taken back."
        )
    return " ".join(parts)


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _listed(records: Any) -> str:
    return ", ".join(f"{one.path} ({one.action})" for one in records)
