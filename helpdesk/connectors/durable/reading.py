"""The engine as those see it who watch runs, tell them something or move them: no library of its own is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from helpdesk.connectors.durable import rows
from helpdesk.connectors.durable.place import Place
from helpdesk.connectors.durable.rows import DUE_SINCE, PREFIX, RUNS, STEPS, WHERE, WORKERS, RunRow, like
from helpdesk.connectors.durable.sealing import Sealer
from helpdesk.engine import Document, RunState, RunStatus, StepStatus, WorkerStatus
from helpdesk.errors import NotFound

if TYPE_CHECKING:
    from helpdesk.connectors.durable.database import Store


class Reading:
    """The part of :class:`helpdesk.engine.Engine` that starts and ends nothing. Nothing is opened before the first call.

    Args:
        sealer: signs as this host. clock: now, in UTC.
    """

    def __init__(self, place: Place, sealer: Sealer, clock: Callable[[], datetime]) -> None:
        self._place = place
        self._sealer = sealer
        self._clock = clock
        self._lock = threading.RLock()
        self._store: Store | None = None
        self._made = False

    # ── what is seen ──────────────────────────────────────────────────────────────────────────

    def status(self, id: str) -> RunStatus:
        with self._look() as store:
            return rows.status_of(self._row(store, id), self._sealer)

    def runs(
        self, *, kind: str = "", states: Sequence[RunState] = (), prefix: str = "", limit: int = 100
    ) -> list[RunStatus]:
        where = " OR ".join(WHERE[state] for state in states) or "1 = 1"
        with self._look() as store:
            if store is None:
                return []
            found = store.read(
                RUNS + "WHERE s.name LIKE :name ESCAPE '!' AND s.workflow_uuid LIKE :prefix ESCAPE '!' "
                "AND (" + where + ") ORDER BY s.created_at DESC, s.workflow_uuid DESC LIMIT :limit",
                name=PREFIX + kind if kind else like(PREFIX),
                prefix=like(prefix),
                limit=limit,
            )
        return [rows.status_of(RunRow(*row), self._sealer) for row in found]

    def steps(self, id: str) -> list[StepStatus]:
        with self._look() as store:
            self._row(store, id)
            found = store.read(STEPS, id=id) if store is not None else []
        return [rows.step_of(id, row, self._sealer) for row in found]

    def count(self) -> dict[RunState, int]:
        """How many runs there are in each state."""
        case = " ".join(f"WHEN {where} THEN '{state}'" for state, where in WHERE.items())
        with self._look() as store:
            if store is None:
                return {}
            found = store.read(
                "SELECT CASE " + case + " END, COUNT(*) FROM {s}workflow_status "  # noqa: S608 - our own texts
                "WHERE name LIKE :name ESCAPE '!' GROUP BY 1",
                name=like(PREFIX),
            )
        return {RunState(state): int(number) for state, number in found if state is not None}

    def due(self, kind: str = "", late: float = 0.0) -> tuple[int, datetime | None]:
        """How many runs could go on and wait for a worker, and since when the oldest does.

        Args:
            late: count those only that have waited for so many seconds.
        """
        with self._look() as store:
            if store is None:
                return 0, None
            ((number, oldest),) = store.read(
                "SELECT COUNT(*), MIN(" + DUE_SINCE + ") FROM {s}workflow_status "  # noqa: S608 - our own texts
                "WHERE name LIKE :name ESCAPE '!' AND (status = 'ENQUEUED' OR "
                "(status = 'DELAYED' AND delay_until_epoch_ms <= {now} - :late)) "
                "AND " + DUE_SINCE + " <= {now} - :late",
                name=PREFIX + kind if kind else like(PREFIX),
                late=int(late * 1000),
            )
        return int(number), rows.moment(oldest) if oldest is not None else None

    def busy(self) -> int:
        """How many runs are being carried out at this moment."""
        with self._look() as store:
            if store is None:
                return 0
            ((number,),) = store.read(
                "SELECT COUNT(*) FROM {s}workflow_status WHERE name LIKE :name ESCAPE '!' AND status = 'PENDING'",
                name=like(PREFIX),
            )
        return int(number)

    def workers(self, takeover: float) -> list[WorkerStatus]:
        """Every worker that was heard of. ``takeover``: seconds after which a silent one is not alive."""
        with self._look() as store:
            found = store.read(WORKERS, late=int(takeover * 1000)) if store is not None else []
        return [rows.worker_of(row) for row in found]

    # ── what is told ──────────────────────────────────────────────────────────────────────────

    def tell(self, id: str, topic: str, message: Document, key: str) -> None:
        sealed = self._sealer.seal(("message", id, topic, key), message)
        with self._look() as store:
            self._row(store, id)
            if store is None:
                return
            store.write(
                "INSERT INTO {s}engine_messages (run, message, topic, sealed, sent) "
                "VALUES (:run, :message, :topic, :sealed, {now}) ON CONFLICT (run, message) DO NOTHING",
                run=id,
                message=key,
                topic=topic,
                sealed=sealed,
            )
            store.wake(id)

    def move(self, id: str, at: datetime) -> bool:
        with self._look() as store:
            self._row(store, id)
            return store is not None and bool(
                store.write(
                    "UPDATE {s}workflow_status SET delay_until_epoch_ms = :at, updated_at = {now} "
                    "WHERE workflow_uuid = :id AND status = 'DELAYED' AND executor_id IS NULL",
                    id=id,
                    at=int(at.timestamp() * 1000),
                )
            )

    def close(self) -> None:
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store, self._made = None, False

    # ── ──────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _look(self) -> Iterator[Store | None]:
        """The store, for a look; ``None`` while nothing was ever kept. Raises Unreachable, Failed."""
        if self._store is None and self._place.empty:
            yield None
            return
        from helpdesk.connectors.durable.database import answering

        with answering(self._place):
            store = self._opened()
            self._made = self._made or store.has_tables()
            yield store if self._made else None

    def _opened(self) -> Store:
        from helpdesk.connectors.durable.database import Store

        with self._lock:
            if self._store is None:
                self._store = Store(self._place)
            return self._store

    def _row(self, store: Store | None, id: str) -> RunRow:
        found = store.read(RUNS + "WHERE s.workflow_uuid = :id", id=id) if store is not None else []
        if not found or not str(found[0][1]).startswith(PREFIX):
            raise NotFound(f"There is no run {id}.", hint="helpdesk workflow runs lists them.")
        return RunRow(*found[0])
