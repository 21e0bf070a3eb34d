"""The engine as those have it who ask for runs; no run is carried out here. DBOS is loaded when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from helpdesk.connectors.durable import rows
from helpdesk.connectors.durable.reading import Reading
from helpdesk.connectors.durable.rows import APPLICATION, PREFIX, PROTOCOL, QUEUE, RETRY, STEPS, like
from helpdesk.engine import Run, RunState
from helpdesk.errors import Failed

if TYPE_CHECKING:
    from dbos import DBOSClient

    from helpdesk.connectors.durable.database import Store

_NAMES = "SELECT workflow_uuid FROM {s}workflow_status WHERE workflow_uuid LIKE :prefix ESCAPE '!'"


class DbosEngine(Reading):
    """:class:`helpdesk.engine.Engine` on DBOS."""

    _client: DBOSClient | None = None

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
        if at is not None and at > self._clock():
            options["delay_seconds"] = (at - datetime.now(UTC)).total_seconds()
        with self._asking() as client:
            client.enqueue(options, sealed)  # type: ignore[arg-type]

    def cancel(self, id: str) -> None:
        with self._look() as store:
            self._row(store, id)
        with self._asking() as client:
            client.cancel_workflow(id)

    def retry(self, id: str, step: int) -> str:
        status = self.status(id)
        if status.state not in (RunState.DONE, RunState.FAILED, RunState.CANCELLED):
            raise Failed(
                f"The run {id} has not ended, so it cannot be begun again.",
                hint="Cancel it first, or wait for its end.",
                code="run-not-ended",
            )
        root = id.partition(RETRY)[0]
        with self._look() as store:
            found = store.read(STEPS, id=id) if store is not None else []
            taken = {row[0] for row in store.read(_NAMES, prefix=like(root + RETRY))} if store else set()
        kept = [
            {"name": row[1], "kept": rows.kept_step(id, row, self._sealer)} for row in found if row[0] < step
        ]
        number = next(n for n in range(2, len(taken) + 3) if f"{root}{RETRY}{n}" not in taken)
        new = f"{root}{RETRY}{number}"
        sealed = self._sealer.seal(("run", new, status.kind), {"document": status.document, "kept": kept})
        self._enqueue(new, status.kind, sealed, None)
        return new

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.destroy()
            self._client = None
        super().close()

    @contextmanager
    def _asking(self) -> Iterator[DBOSClient]:
        """DBOS, for whoever asks. Raises Unreachable, Failed ("engine-unavailable")."""
        from dbos._error import DBOSException

        from helpdesk.connectors.durable.database import answering, quiet_logs

        with answering(self._place):
            try:
                with self._lock:
                    if self._client is None:
                        if not _serving():
                            quiet_logs()
                        self._client = connect(self._opened())
                    client = self._client
                yield client
            except DBOSException as error:
                raise Failed(
                    f"The engine refused: {type(error).__name__}.",
                    hint="A run of another kind may have this id already.",
                    code="engine-unavailable",
                ) from error


def connect(store: Store) -> DBOSClient:
    """A client of DBOS; its tables and ours are made where they are missing."""
    from dbos import DBOSClient

    from helpdesk.connectors.durable.database import SCHEMA
    from helpdesk.connectors.durable.plain import Plain

    client = DBOSClient(
        system_database_engine=store.engine,
        dbos_system_schema=SCHEMA,
        serializer=Plain(),
        application_name=APPLICATION,
        lazy=True,
        retry_connection_errors=False,
    )
    client._sys_db.run_migrations()  # a request may be made before any worker ever ran
    store.make_tables()
    return client


def _serving() -> bool:
    """Whether this process is a worker, whose log is told what DBOS says."""
    from dbos import _dbos

    return _dbos._dbos_global_instance is not None
