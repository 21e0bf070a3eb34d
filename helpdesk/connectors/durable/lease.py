"""Who is alive: each worker says so in the database, by the database's clock, and takes over from whoever fell silent.

A worker that is frozen keeps its connections and its locks, so neither tells that it lives; only a new heartbeat does.
When the database itself was away, every worker seems silent at first: so only a worker whose own heartbeats have come
regularly for the whole time judges the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from helpdesk.connectors.durable.database import Store

INTERNAL_QUEUE = "_dbos_internal_queue"


class Lease:
    """This worker's right to act, and the thread that renews it.

    Args:
        id: the worker's, as DBOS knows it. every, takeover: in seconds.
        alone: nobody else can serve this database, so whoever is in it is dead.
    """

    def __init__(
        self,
        store: Store,
        id: str,
        *,
        every: float,
        takeover: float,
        alone: bool,
        telling: Callable[..., None],
    ) -> None:
        self._store = store
        self._id = id
        self._every = every
        self._takeover = takeover
        self._alone = alone
        self._telling = telling
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._who = ("", "", "")
        self._last = time.monotonic()
        self._steady = self._last
        self._lost = False
        self.generation = 0
        """Counts how often this worker was taken for dead; runs that began before are not its own any more."""

    def begin(self, host: str, version: str, kinds: str) -> None:
        """Be known, before the first run is taken up. Raises what the database raises."""
        self._who = (host, version, kinds)
        self._register()
        if self._alone:
            self._take_over()
        self._thread = threading.Thread(target=self._beat, name="helpdesk-heartbeat", daemon=True)
        self._thread.start()

    def holds(self, generation: int) -> bool:
        """Whether nobody can have taken over since a run of this generation began."""
        silent = time.monotonic() - self._last
        return self._alone or (generation == self.generation and silent < self._takeover - self._every)

    @property
    def silent(self) -> float:
        """Seconds since the last heartbeat that was kept."""
        return time.monotonic() - self._last

    def end(self, *, leave: bool) -> None:
        """Stop; ``leave``: take the name out, so that nobody waits for this worker."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        if leave:
            self._store.write("DELETE FROM {s}engine_workers WHERE id = :id", id=self._id)

    # ── ──────────────────────────────────────────────────────────────────────────────────────

    def _register(self) -> None:
        begun = time.monotonic()
        host, version, kinds = self._who
        self._store.write(
            "INSERT INTO {s}engine_workers (id, host, version, kinds, since, heard) "
            "VALUES (:id, :host, :version, :kinds, {now}, {now}) "
            "ON CONFLICT (id) DO UPDATE SET heard = excluded.heard",
            id=self._id,
            host=host,
            version=version,
            kinds=kinds,
        )
        self._last = begun

    def _beat(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next heartbeat may come through
                if not self._lost:
                    self._telling("store-away", error=error)
                self._lost = True
                self._steady = time.monotonic()

    def beat(self) -> None:
        """One heartbeat, and a look at the others."""
        begun = time.monotonic()
        if begun - self._last > self._takeover - self._every:  # it was frozen, or the database was away
            self._steady = begun
        known = self._store.write("UPDATE {s}engine_workers SET heard = {now} WHERE id = :id", id=self._id)
        if not known:
            self.generation += 1
            self._telling("taken-for-dead")
            self._register()
        self._last = begun
        if self._lost:
            self._lost = False
            self._steady = time.monotonic()
            self._telling("store-back")
        if self._alone or time.monotonic() - self._steady >= self._takeover:
            self._take_over()

    def _take_over(self) -> None:
        """Give the runs of silent workers back to the queue, in one transaction with the end of their names."""
        with self._store.engine.begin() as connection:
            silent = "id <> :me" if self._alone else "id <> :me AND heard < {now} - :late"
            values = {"me": self._id} | ({} if self._alone else {"late": int(self._takeover * 1000)})
            dead = connection.execute(
                self._store.sql("DELETE FROM {s}engine_workers WHERE " + silent + " RETURNING id, host"),  # noqa: S608
                values,
            ).all()
            runs = connection.execute(
                self._store.sql(
                    "UPDATE {s}workflow_status SET status = 'ENQUEUED', owner_xid = NULL, "
                    "started_at_epoch_ms = NULL, updated_at = {now}, queue_name = COALESCE(queue_name, :queue) "
                    "WHERE status = 'PENDING' AND executor_id NOT IN (SELECT id FROM {s}engine_workers)"
                ),
                {"queue": INTERNAL_QUEUE},
            ).rowcount
        for id, host in dead:
            self._telling("worker-gone", worker=id, host=host)
        if runs:
            self._telling("taken-over", runs=runs)
