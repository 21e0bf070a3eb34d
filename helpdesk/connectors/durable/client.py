"""The engine as those see it who ask for runs and watch them; no run is carried out here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from dbos import DBOSClient
from dbos._error import DBOSException

from helpdesk.connectors.durable.database import Place, Store, answering, quiet_logs
from helpdesk.connectors.durable.plain import Plain, SealedFailure
from helpdesk.connectors.durable.sealing import Forged, Sealer
from helpdesk.engine import Document, Run, RunState, RunStatus, StepStatus, WorkerStatus
from helpdesk.errors import Failed, NotFound

APPLICATION = "helpdesk"
QUEUE = "helpdesk-runs"
PROTOCOL = "helpdesk-1"
"""What a run looks like in the database. Programs of one protocol carry on each other's runs, whatever their version."""
PREFIX = "helpdesk."
"""Of the names of workflows; the kind follows."""
RETRY = "~"

_STATES = {
    "ENQUEUED": RunState.QUEUED,
    "PENDING": RunState.RUNNING,
    "SUCCESS": RunState.DONE,
    "CANCELLED": RunState.CANCELLED,
}
_WHERE = {
    RunState.WAITING: "(status = 'DELAYED' AND executor_id IS NULL)",
    RunState.QUEUED: "status = 'ENQUEUED'",
    RunState.RUNNING: "(status = 'PENDING' OR (status = 'DELAYED' AND executor_id IS NOT NULL))",
    RunState.DONE: "status = 'SUCCESS'",
    RunState.FAILED: "status IN ('ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')",
    RunState.CANCELLED: "status = 'CANCELLED'",
}
"""A run that was begun and waits for a moment or a message is put aside as DELAYED, and runs all the same."""


class DbosEngine:
    """:class:`helpdesk.engine.Engine` on DBOS. Nothing is opened before the first call.

    Args:
        sealer: signs as this host. clock: now, in UTC.
    """

    def __init__(self, place: Place, sealer: Sealer, clock: Callable[[], datetime]) -> None:
        self._place = place
        self._sealer = sealer
        self._clock = clock
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._client: DBOSClient | None = None

    # ── what is asked for ─────────────────────────────────────────────────────────────────────

    def start(self, run: Run) -> None:
        sealed = self._sealer.seal(("run", run.id, run.kind), {"document": run.document, "kept": []})
        self._enqueue(run.id, run.kind, sealed, run.at)

    def _enqueue(self, id: str, kind: str, sealed: str, at: datetime | None) -> None:
        options: dict[str, Any] = {
            "workflow_name": PREFIX + kind,
            "queue_name": QUEUE,
            "workflow_id": id,
            "app_version": PROTOCOL,
        }
        now = self._clock()
        if at is not None and at > now:
            options["delay_seconds"] = (at - datetime.now(UTC)).total_seconds()
        with self._open() as (client, _):
            client.enqueue(options, sealed)  # type: ignore[arg-type]

    def tell(self, id: str, topic: str, message: Document, key: str) -> None:
        sealed = self._sealer.seal(("message", id, topic, key), message)
        with self._open() as (client, store):
            self._row(client, id)
            store.write(
                "INSERT INTO {s}engine_messages (run, message, topic, sealed, sent) "
                "VALUES (:run, :message, :topic, :sealed, {now}) ON CONFLICT (run, message) DO NOTHING",
                run=id,
                message=key,
                topic=topic,
                sealed=sealed,
            )
            wake(store, id)

    def move(self, id: str, at: datetime) -> bool:
        with self._open() as (client, store):
            self._row(client, id)
            moved = store.write(
                "UPDATE {s}workflow_status SET delay_until_epoch_ms = :at, updated_at = {now} "
                "WHERE workflow_uuid = :id AND status = 'DELAYED' AND executor_id IS NULL",
                id=id,
                at=int(at.timestamp() * 1000),
            )
            return bool(moved)

    def cancel(self, id: str) -> None:
        with self._open() as (client, _):
            self._row(client, id)
            client.cancel_workflow(id)

    def retry(self, id: str, step: int) -> str:
        status = self.status(id)
        if status.state not in (RunState.DONE, RunState.FAILED, RunState.CANCELLED):
            raise Failed(
                f"The run {id} has not ended, so it cannot be begun again.",
                hint="Cancel it first, or wait for its end.",
                code="run-not-ended",
            )
        with self._open() as (client, store):
            kept = [
                {"name": one["function_name"], "kept": self._opened_step(id, one)}
                for one in client.list_workflow_steps(id)
                if one["function_id"] < step
            ]
            root = id.partition(RETRY)[0]
            taken = {row[0] for row in store.read(_LIKE, prefix=_like(root + RETRY))}
        number = next(n for n in range(2, len(taken) + 3) if f"{root}{RETRY}{n}" not in taken)
        new = f"{root}{RETRY}{number}"
        sealed = self._sealer.seal(("run", new, status.kind), {"document": status.document, "kept": kept})
        self._enqueue(new, status.kind, sealed, None)
        return new

    # ── what is seen ──────────────────────────────────────────────────────────────────────────

    def status(self, id: str) -> RunStatus:
        with self._open() as (client, store):
            row = self._row(client, id)
            return self._status(row, self._notes(store, [id]))

    def runs(
        self, *, kind: str = "", states: Sequence[RunState] = (), prefix: str = "", limit: int = 100
    ) -> list[RunStatus]:
        where = " OR ".join(_WHERE[state] for state in states) or "1 = 1"
        with self._open() as (client, store):
            found = store.read(
                "SELECT workflow_uuid FROM {s}workflow_status WHERE name LIKE :name ESCAPE '!' "  # noqa: S608
                "AND workflow_uuid LIKE :prefix ESCAPE '!' AND (" + where + ") "
                "ORDER BY created_at DESC, workflow_uuid DESC LIMIT :limit",
                name=PREFIX + kind if kind else _like(PREFIX),
                prefix=_like(prefix),
                limit=limit,
            )
            ids = [row[0] for row in found]
            rows = {row.workflow_id: row for row in client.list_workflows(workflow_ids=ids)} if ids else {}
            notes = self._notes(store, ids)
            return [self._status(rows[id], notes) for id in ids if id in rows]

    def count(self) -> dict[RunState, int]:
        """How many runs there are in each state."""
        with self._open() as (_, store):
            case = " ".join(f"WHEN {where} THEN '{state}'" for state, where in _WHERE.items())
            rows = store.read(
                "SELECT CASE " + case + " END, COUNT(*) FROM {s}workflow_status "  # noqa: S608
                "WHERE name LIKE :name ESCAPE '!' GROUP BY 1",
                name=_like(PREFIX),
            )
            return {RunState(state): int(number) for state, number in rows if state is not None}

    def due(self, kind: str = "", late: float = 0.0) -> tuple[int, datetime | None]:
        """How many runs could go on and wait for a worker, and since when the oldest does.

        Args:
            late: count those only that have waited for so many seconds.
        """
        with self._open() as (_, store):
            rows = store.read(
                "SELECT COUNT(*), MIN(CASE WHEN delay_until_epoch_ms > created_at THEN delay_until_epoch_ms "
                "ELSE created_at END) FROM {s}workflow_status WHERE name LIKE :name ESCAPE '!' "
                "AND (status = 'ENQUEUED' OR (status = 'DELAYED' AND delay_until_epoch_ms <= {now} - :late)) "
                "AND (CASE WHEN delay_until_epoch_ms > created_at THEN delay_until_epoch_ms ELSE created_at END) "
                "<= {now} - :late",
                name=PREFIX + kind if kind else _like(PREFIX),
                late=int(late * 1000),
            )
            number, oldest = rows[0]
            return int(number), _moment(oldest) if oldest is not None else None

    def busy(self) -> int:
        """How many runs are being carried out at this moment."""
        with self._open() as (_, store):
            rows = store.read(
                "SELECT COUNT(*) FROM {s}workflow_status WHERE name LIKE :name ESCAPE '!' AND status = 'PENDING'",
                name=_like(PREFIX),
            )
            return int(rows[0][0])

    def workers(self, takeover: float) -> list[WorkerStatus]:
        """Every worker that was heard of. ``takeover``: seconds after which a silent one is not alive."""
        with self._open() as (_, store):
            return workers(store, takeover)

    def steps(self, id: str) -> list[StepStatus]:
        with self._open() as (client, _):
            self._row(client, id)
            return [self._step(id, one) for one in client.list_workflow_steps(id)]

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.destroy()
            if self._store is not None:
                self._store.close()
            self._client = self._store = None

    # ── ──────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _open(self) -> Iterator[tuple[DBOSClient, Store]]:
        with answering(self._place):
            try:
                with self._lock:
                    if self._client is None or self._store is None:
                        quiet_logs() if not _serving() else None
                        self._store = Store(self._place)
                        self._client = connect(self._store)
                    client, store = self._client, self._store
                yield client, store
            except DBOSException as error:
                raise Failed(
                    f"The engine refused: {type(error).__name__}.",
                    hint="A run of another kind may have this id already.",
                    code="engine-unavailable",
                ) from error

    def _row(self, client: DBOSClient, id: str) -> Any:
        rows = client.list_workflows(workflow_ids=[id])
        if not rows or not rows[0].name.startswith(PREFIX):
            raise NotFound(f"There is no run {id}.", hint="helpdesk workflow runs lists them.")
        return rows[0]

    def _notes(self, store: Store, ids: Sequence[str]) -> dict[str, Document]:
        notes = {}
        for run, sealed in store.read_in("SELECT run, sealed FROM {s}engine_notes WHERE run IN :ids", ids):
            try:
                notes[run] = self._sealer.open(("note", run), sealed)
            except Forged:
                continue
        return notes

    def _status(self, row: Any, notes: dict[str, Document]) -> RunStatus:
        id, kind = row.workflow_id, row.name.removeprefix(PREFIX)
        begun = row.executor_id is not None
        state = _STATES.get(row.status, RunState.FAILED)
        if row.status == "DELAYED":
            state = RunState.RUNNING if begun else RunState.WAITING
        document: Document = {}
        result: Document | None = None
        error = ""
        try:
            document = self._sealer.open(("run", id, kind), given(row.input))["document"]
            if state is RunState.DONE:
                result = self._sealer.open(("result", id), row.output)["result"]
            elif state is RunState.FAILED:
                sealed = row.error.sealed if isinstance(row.error, SealedFailure) else None
                error = self._sealer.open(("result", id), sealed)["error"]["message"]
        except Forged as forged:
            state, error = RunState.FAILED, forged.message
        return RunStatus(
            id=id,
            kind=kind,
            state=state,
            document=document,
            created=_moment(row.created_at),
            updated=_moment(row.updated_at),
            at=_moment(row.delay_until_epoch_ms) if row.delay_until_epoch_ms and not begun else None,
            worker=row.executor_id or "",
            note=notes.get(id),
            result=result,
            error=error,
        )

    def _opened_step(self, id: str, one: Any) -> Document:
        return self._sealer.open(("step", id, str(one["function_id"]), one["function_name"]), one["output"])

    def _step(self, id: str, one: Any) -> StepStatus:
        result: Document | None = None
        try:
            kept = self._opened_step(id, one)
            result, error = kept.get("result"), kept["error"]["message"] if "error" in kept else ""
        except Forged as forged:
            error = forged.message
        return StepStatus(
            number=one["function_id"],
            name=one["function_name"],
            result=result,
            error=error,
            begun=_moment(one["started_at_epoch_ms"]),
            ended=_moment(one["completed_at_epoch_ms"]),
        )


_LIKE = "SELECT workflow_uuid FROM {s}workflow_status WHERE workflow_uuid LIKE :prefix ESCAPE '!'"


def connect(store: Store) -> DBOSClient:
    """A client of DBOS; its tables and ours are made where they are missing."""
    client = DBOSClient(
        system_database_engine=store.engine,
        dbos_system_schema="dbos",
        serializer=Plain(),
        application_name=APPLICATION,
        lazy=True,
        retry_connection_errors=False,
    )
    client._sys_db.run_migrations()  # a request may be made before any worker ever ran
    store.make_tables()
    return client


def wake(store: Store, id: str) -> None:
    """Let a run that was begun, and put aside to wait, look again."""
    store.write(
        "UPDATE {s}workflow_status SET delay_until_epoch_ms = 0, updated_at = {now} "
        "WHERE workflow_uuid = :id AND status = 'DELAYED' AND executor_id IS NOT NULL",
        id=id,
    )


def workers(store: Store, takeover: float) -> list[WorkerStatus]:
    rows = store.read(
        "SELECT id, host, version, since, heard, heard >= {now} - :late, kinds FROM {s}engine_workers ORDER BY since, id",
        late=int(takeover * 1000),
    )
    return [
        WorkerStatus(id, host, version, _moment(since), _moment(heard), bool(alive), tuple(kinds.split()))
        for id, host, version, since, heard, alive, kinds in rows
    ]


def given(inputs: Any) -> Any:
    """The one sealed text that a workflow was given; ``None`` where it is something else."""
    arguments = inputs.get("args") if isinstance(inputs, dict) else None
    return arguments[0] if isinstance(arguments, list | tuple) and len(arguments) == 1 else None


def _serving() -> bool:
    from dbos import _dbos

    return _dbos._dbos_global_instance is not None  # its log is the worker's then


def _like(prefix: str) -> str:
    return prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
