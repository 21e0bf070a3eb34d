"""The engine as a worker has it: one process, one name, one lock on a file of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dbos import DBOS
from dbos._error import DBOSBaseException

from helpdesk import __version__
from helpdesk.canonical import canonical
from helpdesk.connectors.durable.client import DbosEngine, connect
from helpdesk.connectors.durable.database import SCHEMA, Store, answering, quiet_logs
from helpdesk.connectors.durable.durably import Aside, DbosDurably, Telling, Worker
from helpdesk.connectors.durable.kept import broken, kept_error
from helpdesk.connectors.durable.lease import Lease
from helpdesk.connectors.durable.place import Place
from helpdesk.connectors.durable.plain import Plain, SealedFailure
from helpdesk.connectors.durable.rows import APPLICATION, PREFIX, PROTOCOL, QUEUE, WORKERS, worker_of
from helpdesk.connectors.durable.sealing import Forged, Sealer
from helpdesk.engine import Document, Handler, WorkerStatus
from helpdesk.errors import Failed, HelpdeskError
from helpdesk.platform import lock, private_file

THREADS = 64
POLL_SECONDS, IDLE_POLL_SECONDS = 0.25, 0.6
"""Between two looks at the queue: while there is work, and after :data:`BUSY_SECONDS` without."""
BUSY_SECONDS = 5.0
AHEAD = 4
"""So many times the runs that it carries out may a worker hold: a look at the queue brings enough until the next one."""
DRAIN_LOOK = 0.05


class DbosServing:
    """:class:`helpdesk.engine.Serving` on DBOS.

    Args:
        runs: how many are carried out at a time. heartbeat, takeover: in seconds.
        telling: is told what happens, for the worker's log.
    """

    def __init__(
        self,
        place: Place,
        sealer: Sealer,
        clock: Callable[[], datetime],
        telling: Telling,
        *,
        runs: int = 16,
        heartbeat: float = 5,
        takeover: float = 30,
    ) -> None:
        self._place = place
        self._sealer = sealer
        self._clock = clock
        self._telling = telling
        self._runs = runs
        self._heartbeat, self._takeover = heartbeat, takeover
        self._held: int | None = None
        self._worker: Worker | None = None
        self._dbos: DBOS | None = None
        self.token = secrets.token_hex(8)
        self.id = f"{socket.gethostname()}-{os.getpid()}-{self.token[:8]}"

    def serve(self, handlers: Mapping[str, Handler]) -> None:
        self._lock()
        quiet_logs(_Forward(self._telling))
        store = Store(self._place, pool=10)
        try:
            with answering(self._place):
                connect(store).destroy()  # the tables
                engine = DbosEngine(self._place, self._sealer, self._clock)
                lease = Lease(
                    store,
                    self.id,
                    every=self._heartbeat,
                    takeover=self._takeover,
                    alone=not self._place.shared,
                    telling=self._telling,
                )
                worker = Worker(store, self._sealer, engine, self._clock, self.token, lease, self._telling)
                lease.begin(socket.gethostname(), __version__, " ".join(sorted(handlers)))
                self._worker = worker
                self._launch(worker, handlers)
        except BaseException:
            self.close()
            raise

    def _lock(self) -> None:
        """One engine for one file. Raises Failed ("worker-running")."""
        if self._place.file is None:
            return
        path = lock_path(self._place.file)
        private_file(path)
        held = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        if not lock(held):
            os.close(held)
            raise Failed(
                "A worker serves this machine's requests already.",
                hint="helpdesk worker status shows it.",
                code="worker-running",
            )
        self._held = held

    def _launch(self, worker: Worker, handlers: Mapping[str, Handler]) -> None:
        self._dbos = DBOS(
            config={
                "name": APPLICATION,
                "system_database_engine": worker.store.engine,
                "dbos_system_schema": SCHEMA,
                "serializer": Plain(),
                "application_version": PROTOCOL,
                "executor_id": self.id,
                "log_level": "WARNING",
                "enable_otlp": False,
                "max_executor_threads": THREADS,
                "scheduler_polling_interval_sec": 3600.0,
                "use_listen_notify": False,
            }
        )
        places = asyncio.Semaphore(self._runs)
        for kind, handler in handlers.items():
            DBOS.workflow(name=PREFIX + kind, max_recovery_attempts=None)(
                _carrying(worker, kind, handler, places)
            )
        DBOS.workflow(name=_UNKNOWN, max_recovery_attempts=None)(_not_ours(worker))
        known = self._dbos._registry.workflow_info_map
        self._dbos._registry.workflow_info_map = _Known(known)
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._runs * AHEAD,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )
        self._own_queue(self._dbos)

    def _own_queue(self, dbos: DBOS) -> None:
        """Our queue's settings are this process's: nobody alters them in the database, and none are read again.

        DBOS asks for them before each look at the queue; so this is also where an idle worker looks less often.
        """
        queue = DBOS.retrieve_queue(QUEUE)
        asked: Callable[..., Any] = dbos._sys_db.get_queue
        busy = [time.monotonic()]

        def ours(name: str, **more: Any) -> Any:
            if name != QUEUE or queue is None:
                return asked(name, **more)
            now = time.monotonic()
            if self.active:
                busy[0] = now
            idle = now - busy[0] > BUSY_SECONDS
            queue._polling_interval_sec = IDLE_POLL_SECONDS if idle else POLL_SECONDS
            return queue

        dbos._sys_db.get_queue = ours  # type: ignore[method-assign]

    @property
    def active(self) -> int:
        """How many runs are being carried out here."""
        return len(self._dbos._active_workflows_set.activeList()) if self._dbos is not None else 0

    @property
    def silent(self) -> float:
        """Seconds since the database last heard of this worker."""
        return self._worker.lease.silent if self._worker is not None else float("inf")

    def drain(self, within: float) -> bool:
        if self._worker is None:
            return True
        for event in self._dbos.background_thread_stop_events if self._dbos is not None else ():
            event.set()
        self._worker.draining = True
        deadline = time.monotonic() + within
        while self.active and time.monotonic() < deadline:
            time.sleep(DRAIN_LOOK)
        return not self.active

    def workers(self) -> list[WorkerStatus]:
        if self._worker is None:
            return []
        with answering(self._place):
            found = self._worker.store.read(WORKERS, late=int(self._takeover * 1000))
        return [worker_of(row) for row in found]

    def close(self) -> None:
        """End. Runs that did not come to the end of a step stay this worker's until it is missed."""
        worker, self._worker = self._worker, None
        left = self.active
        self._dbos = None
        DBOS.destroy(destroy_registry=True)
        if worker is not None:
            with contextlib.suppress(HelpdeskError), answering(self._place):
                worker.lease.end(leave=not left)
            worker.engine.close()
            worker.store.close()
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _carrying(
    worker: Worker, kind: str, handler: Handler, places: asyncio.Semaphore
) -> Callable[[str], object]:
    """The function that DBOS calls for every run of a kind."""

    async def carry(*given: object) -> str:
        id = str(DBOS.workflow_id)
        place = ("result", id)
        try:
            opened = worker.sealer.open(("run", id, kind), given[0] if len(given) == 1 else None)
            durably = DbosDurably(worker, id, opened["kept"])
            async with places:
                result: Document = await handler(durably, opened["document"])
            canonical(result)
            return worker.sealer.seal(place, {"result": result})
        except (
            DBOSBaseException
        ):  # the run is another's by now, or somebody ended it: nothing is left to do here
            raise Aside(worker.clock()) from None
        except Exception as error:  # noqa: BLE001 - whatever broke is how the run ended
            worker.telling(
                "forged" if isinstance(error, Forged) else "run-failed", run=id, kind=kind, error=error
            )
            wrong = error if isinstance(error, HelpdeskError) else broken(error)
            raise SealedFailure(worker.sealer.seal(place, {"error": kept_error(wrong)})) from None

    return carry


_UNKNOWN = "helpdesk-of-others"
_OTHERS = timedelta(seconds=60)
"""For so long a run of a kind that this worker does not know is left to the others."""


class _Known(dict[str, Any]):
    """DBOS's table of functions, for what the database names: ours alone, and nothing of DBOS's own.

    Without it a run of a kind that is not known here would be kept until this process ends.
    """

    def get(self, name: str, default: Any = None) -> Any:
        ours = isinstance(name, str) and name.startswith(PREFIX)
        return (super().get(name) if ours else None) or super().get(_UNKNOWN, default)


def _not_ours(worker: Worker) -> Callable[..., object]:
    """Gives a run back that another worker may know, as one of a newer version."""

    async def give_back(*_: object) -> str:
        durably = DbosDurably(worker, str(DBOS.workflow_id), ())
        return await durably.leave(worker.clock() + _OTHERS)

    return give_back


class _Forward(logging.Handler):
    """What DBOS has to say, in the worker's log: its sentence, without anything that a run holds."""

    def __init__(self, telling: Telling) -> None:
        super().__init__(logging.WARNING)
        self._telling = telling

    def emit(self, record: logging.LogRecord) -> None:
        message = str(record.msg).splitlines()[0] if record.msg else ""
        if not message.startswith("Exception encountered in"):  # that a run failed is told by the run
            self._telling("engine", level=record.levelname.lower(), message=message)


def lock_path(file: Path) -> Path:
    """The lock that a worker holds on an SQLite file while it serves."""
    return file.with_suffix(".lock")
