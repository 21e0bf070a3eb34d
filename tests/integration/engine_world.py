"""Real engines on a real SQLite file or a real Postgres, and worker processes that are killed, frozen and resumed.

A worker is a fork of the test: the engine's library is loaded once, and kill -9 is as real as ever.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.connectors.durable.client import DbosEngine
from helpdesk.connectors.durable.database import Store
from helpdesk.connectors.durable.place import Place
from helpdesk.connectors.durable.sealing import Sealer
from helpdesk.connectors.durable.serving import DbosServing
from helpdesk.connectors.postgres_options import PostgresSettings
from helpdesk.engine import Document, Durably, Handler, Run, RunState, RunStatus
from helpdesk.gate.keys import HostKey
from helpdesk.gate.seals import Seals
from helpdesk.secrets import Secret
from tests.servers.postgres import Place as Database

DEADLINE = 30.0
HEARTBEAT, TAKEOVER = 0.3, 1.5
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


def utc() -> datetime:
    return datetime.now(UTC)


def until(look: Callable[[], Any], within: float = DEADLINE) -> Any:
    """What it answers once it is true. Raises AssertionError when that takes too long."""
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.03)
    return found


def alive(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG) == (0, 0)


@dataclass
class World:
    """A store, this host's key, and the file that effects are written to.

    Attributes:
        place: of the engine. folder: of this test.
    """

    place: Place
    folder: Path
    pids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = HostKey.load_or_create(self.folder / "keys")
        self.sealer = Sealer(Seals(self.key))
        self.engine = DbosEngine(self.place, self.sealer, utc)

    # ── effects ───────────────────────────────────────────────────────────────────────────────

    @property
    def effects_file(self) -> Path:
        return self.folder / "effects"

    def effect(self, what: str) -> None:
        """Something that happens in the world: a line that is there for good."""
        with self.effects_file.open("a") as file:
            file.write(f"{what}\n")

    @property
    def effects(self) -> list[str]:
        return self.effects_file.read_text().splitlines() if self.effects_file.exists() else []

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the workers told their logs."""
        file = self.folder / "log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def _telling(self, event: str, /, **values: Any) -> None:
        line = json.dumps({"event": event, **{name: str(value) for name, value in values.items()}})
        with (self.folder / "log").open("a") as file:
            file.write(line + "\n")

    # ── workers ───────────────────────────────────────────────────────────────────────────────

    def serving(self, **settings: Any) -> DbosServing:
        given = {"heartbeat": HEARTBEAT, "takeover": TAKEOVER, **settings}
        return DbosServing(self.place, self.sealer, utc, self._telling, **given)

    def worker(self, handlers: Mapping[str, Handler], **settings: Any) -> int:
        """A worker process that serves; SIGTERM drains it. Its process id."""
        ready = self.folder / f"ready-{len(self.pids)}"
        pid = os.fork()
        if pid == 0:
            self._serve(handlers, ready, settings)
        self.pids.append(pid)
        until(lambda: ready.exists() or not alive(pid))
        assert ready.exists(), (self.folder / "crash").read_text()
        return pid

    def _serve(self, handlers: Mapping[str, Handler], ready: Path, settings: dict[str, Any]) -> None:
        code = 1
        try:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            serving = self.serving(**settings)
            serving.serve(handlers)
            ready.touch()
            stop.wait()
            code = 0 if serving.drain(10) else 3
            serving.close()
        except BaseException:  # noqa: BLE001 - a fork must never come back into the tests
            (self.folder / "crash").write_text(traceback.format_exc())
        finally:
            sys.stdout.flush()
            os._exit(code)

    def gone(self, pid: int) -> int:
        """The exit status of a worker, once it has ended."""
        ended: list[int] = []

        def look() -> bool:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended.append(status)
            return bool(found)

        until(look)
        self.pids[self.pids.index(pid)] = 0
        return ended[0]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.gone(pid)

    # ── runs ──────────────────────────────────────────────────────────────────────────────────

    def start(self, id: str, kind: str = "request", at: datetime | None = None, **document: Any) -> None:
        self.engine.start(Run(id, kind, document, at))

    def ended(self, id: str, within: float = DEADLINE) -> RunStatus:
        def look() -> RunStatus | None:
            status = self.engine.status(id)
            return status if status.state in ENDED else None

        found: RunStatus = until(look, within)
        return found

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(self.place, pool=1)
        try:
            yield store
        finally:
            store.close()

    def close(self) -> None:
        for pid in filter(None, self.pids):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.engine.close()


def sqlite_place(folder: Path) -> Place:
    return Place(file=folder / "state" / "runs.db")


def postgres_place_of(database: Database) -> Place:
    return Place(
        postgres=PostgresSettings(
            url=database.url, user=database.user, password=Secret(database.password), connect_seconds=2
        )
    )


def soon(seconds: float) -> datetime:
    return utc() + timedelta(seconds=seconds)


def dying(world: World, deaths: list[tuple[str, str]]) -> Handler:
    """Three steps with an effect each; the process kills itself where the file says, once each.

    Args:
        deaths: (step, "before" | "lost" | "kept"), in the order in which they come.
    """
    plan = world.folder / "deaths"
    if not plan.exists():
        plan.write_text(json.dumps(deaths))

    def die(step: str, when: str) -> None:
        left = json.loads(plan.read_text())
        if left and left[0] == [step, when]:
            plan.write_text(json.dumps(left[1:]))
            os.kill(os.getpid(), signal.SIGKILL)

    async def handler(durably: Durably, document: Document) -> Document:
        done = []
        for name in ("one", "two", "three"):

            async def work(name: str = name) -> Document:
                die(name, "before")
                world.effect(name)
                die(name, "lost")
                return {"name": name, "by": durably.token}

            done.append((await durably.step(name, work))["name"])
            die(name, "kept")
        return {"done": done, "asked": document["asked"]}

    return handler
