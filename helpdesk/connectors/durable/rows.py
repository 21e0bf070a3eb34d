"""What stands in the engine's tables, and what it says: a run, its steps, the workers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from helpdesk.connectors.durable.sealing import Forged, Sealer
from helpdesk.engine import Document, RunState, RunStatus, StepStatus, WorkerStatus

APPLICATION = "helpdesk"
QUEUE = "helpdesk-runs"
PROTOCOL = "helpdesk-1"
"""What a run looks like in the database. Programs of one protocol carry on each other's runs, whatever their version."""
PREFIX = "helpdesk."
"""Of the names of workflows; the kind follows."""
RETRY = "~"
"""In the id of a run that was begun again; its number follows."""

WHERE = {
    RunState.WAITING: "(status = 'DELAYED' AND executor_id IS NULL)",
    RunState.QUEUED: "status = 'ENQUEUED'",
    RunState.RUNNING: "(status = 'PENDING' OR (status = 'DELAYED' AND executor_id IS NOT NULL))",
    RunState.DONE: "status = 'SUCCESS'",
    RunState.FAILED: "status IN ('ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')",
    RunState.CANCELLED: "status = 'CANCELLED'",
}
"""A run that was begun and waits for a moment or a message is put aside as DELAYED, and runs all the same."""
_STATES = {
    "ENQUEUED": RunState.QUEUED,
    "PENDING": RunState.RUNNING,
    "SUCCESS": RunState.DONE,
    "CANCELLED": RunState.CANCELLED,
}

RUNS = (
    "SELECT s.workflow_uuid, s.name, s.status, s.executor_id, s.created_at, s.updated_at, s.delay_until_epoch_ms, "
    "i.inputs, o.output, o.error, n.sealed FROM {s}workflow_status s "
    "LEFT JOIN {s}workflow_input i ON i.workflow_uuid = s.workflow_uuid "
    "LEFT JOIN {s}workflow_output o ON o.workflow_uuid = s.workflow_uuid "
    "LEFT JOIN {s}engine_notes n ON n.run = s.workflow_uuid "
)
STEPS = (
    "SELECT function_id, function_name, output, started_at_epoch_ms, completed_at_epoch_ms "
    "FROM {s}operation_outputs WHERE workflow_uuid = :id ORDER BY function_id"
)
WORKERS = "SELECT id, host, version, since, heard, heard >= {now} - :late, kinds FROM {s}engine_workers ORDER BY since, id"
DUE_SINCE = "CASE WHEN delay_until_epoch_ms > created_at THEN delay_until_epoch_ms ELSE created_at END"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A row of :data:`RUNS`."""

    id: str
    name: str
    status: str
    executor: str | None
    created: int
    updated: int
    delayed: int | None
    inputs: str | None
    output: str | None
    error: str | None
    note: str | None

    @property
    def kind(self) -> str:
        return self.name.removeprefix(PREFIX)

    @property
    def state(self) -> RunState:
        if self.status == "DELAYED":
            return RunState.WAITING if self.executor is None else RunState.RUNNING
        return _STATES.get(self.status, RunState.FAILED)


def status_of(row: RunRow, sealer: Sealer) -> RunStatus:
    """Where a run stands; failed, and why, where nobody who is believed wrote what its row holds."""
    state, document, error = row.state, {}, ""
    result: Document | None = None
    try:
        document = sealer.open(("run", row.id, row.kind), given(plain(row.inputs)))["document"]
        if state is RunState.DONE:
            result = sealer.open(("result", row.id), plain(row.output))["result"]
        elif state is RunState.FAILED:
            failed = plain(row.error)
            sealed = failed.get("failed") if isinstance(failed, Mapping) else None
            error = sealer.open(("result", row.id), sealed)["error"]["message"]
    except Forged as forged:
        state, error = RunState.FAILED, forged.message
    return RunStatus(
        id=row.id,
        kind=row.kind,
        state=state,
        document=document,
        created=moment(row.created),
        updated=moment(row.updated),
        at=moment(row.delayed) if row.delayed and row.executor is None else None,
        worker=row.executor or "",
        note=_note(row, sealer),
        result=result,
        error=error,
    )


def _note(row: RunRow, sealer: Sealer) -> Document | None:
    try:
        return sealer.open(("note", row.id), row.note) if row.note is not None else None
    except Forged:
        return None


def kept_step(id: str, row: Sequence[Any], sealer: Sealer) -> Document:
    """What a step kept: its result or its error. Raises Forged."""
    number, name, output = row[:3]
    return sealer.open(("step", id, str(number), name), plain(output))


def step_of(id: str, row: Sequence[Any], sealer: Sealer) -> StepStatus:
    number, name, _, begun, ended = row
    result: Document | None = None
    try:
        kept = kept_step(id, row, sealer)
        result, error = kept.get("result"), kept["error"]["message"] if "error" in kept else ""
    except Forged as forged:
        error = forged.message
    return StepStatus(number, name, result, error, moment(begun), moment(ended))


def worker_of(row: Sequence[Any]) -> WorkerStatus:
    id, host, version, since, heard, alive, kinds = row
    return WorkerStatus(id, host, version, moment(since), moment(heard), bool(alive), tuple(kinds.split()))


def given(inputs: Any) -> Any:
    """The one sealed text that a workflow was given; ``None`` where it is something else."""
    arguments = inputs.get("args") if isinstance(inputs, dict) else None
    return arguments[0] if isinstance(arguments, list) and len(arguments) == 1 else None


def plain(text: Any) -> Any:
    """A value out of a row; ``None``, which no seal fits, where it is not as this program writes it."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def like(prefix: str) -> str:
    """A pattern for ``LIKE … ESCAPE '!'``."""
    return prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
