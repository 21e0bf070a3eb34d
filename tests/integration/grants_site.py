"""A company on slapd whose access ends by itself: its store, its workers, and the truth as the server's root sees it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.call import Call
from helpdesk.app import Desk
from helpdesk.app.workbench import Workbench
from helpdesk.events import Outcome, Result
from helpdesk.secrets import Secret
from tests.fakes.terminal import Person
from tests.integration.engine_world import alive, until
from tests.integration.story_world import join
from tests.servers.postgres import Place
from tests.servers.slapd import Slapd

WORKER = "svc-worker"
OWNER = "olga"


def password_of(login: str) -> str:
    return f"{login} sails at Dawn 17"


class Site:
    """A machine of the company.

    Args:
        server: the directory. people: logins that may get access. database: on Postgres; else SQLite in the folder.
    """

    def __init__(self, folder: Path, server: Slapd, people: list[str], database: Place | None = None) -> None:
        self.folder = folder
        self.server = server
        self.group = f"share-{os.urandom(3).hex()}"
        self.dns = {
            login: server.add_person(f"{login}{self.tag}", password_of(login), name=login.title())
            for login in (OWNER, WORKER, *people)
        }
        owner = self.dns[OWNER]
        server.add_group(self.group, owner=owner, members=[owner])
        join(server, server.layout.workers, self.dns[WORKER])
        self.environ = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LOOKUP_PASSWORD": server.lookup_password,
        }
        config = folder / ".config/helpdesk/config.toml"
        config.parent.mkdir(parents=True, mode=0o700)
        config.touch(mode=0o600)
        config.write_text(self._configuration(database))
        self.pids: list[int] = []
        self._desk: Desk | None = None

    @property
    def tag(self) -> str:
        """Makes logins of one site differ from those of another on the same server."""
        return self.group[-6:]

    def login(self, name: str) -> str:
        return f"{name}{self.tag}"

    def _configuration(self, database: Place | None) -> str:
        keys: dict[str, Any] = dict(self.server.directory_config())
        if "bind_password" in keys:
            keys["bind_password"] = f"file:{self._secret('lookup', self.server.lookup_password)}"
        directory = "\n".join(f"{name} = {json.dumps(value)}" for name, value in keys.items())
        secret = self._secret("worker", password_of(WORKER))
        store = ""
        if database is not None:
            word = self._secret("database", database.password)
            store = f'[store]\nurl = "{database.url}"\nuser = "{database.user}"\npassword = "file:{word}"\n'
        return f"""
[directory]
{directory}
[requests]
shared = true
[session]
store = "none"
{store}
[services.worker]
login = "{self.login(WORKER)}"
actions = ["access.revoke"]
[worker]
service = "worker"
password = "file:{secret}"
start = "manual"
heartbeat_seconds = 1
takeover_seconds = 3
"""

    def _secret(self, name: str, value: str) -> Path:
        file = self.folder / f"{name}-password"
        file.touch(mode=0o600)
        file.write_text(f"{value}\n")
        return file

    # ── a person at this machine ──────────────────────────────────────────────────────────────

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            self._desk = Desk.open(environ=self.environ)
        return self._desk

    def grant(self, login: str, **end: Any) -> Result:
        """The owner gives somebody the group until an end."""
        at = cast(Any, Person(password=password_of(OWNER)))

        async def work() -> Result:
            signed_in = await self.desk.signed_in(
                at, login=self.login(OWNER), password=Secret(password_of(OWNER))
            )
            arguments = {"person": self.login(login), "group": self.group, **end}
            return await self.desk.run(Call("access.grant", arguments), signed_in, at)

        result = asyncio.run(work())
        assert result.outcome is Outcome.DONE, result
        return result

    # ── workers ───────────────────────────────────────────────────────────────────────────────

    def worker(self) -> int:
        """A worker process of this machine; its process id."""
        ready = self.folder / f"ready-{len(self.pids)}"
        pid = os.fork()
        if pid == 0:
            self._serve(ready)
        self.pids.append(pid)
        until(lambda: ready.exists() or not alive(pid))
        assert ready.exists(), (self.folder / "crash").read_text()
        return pid

    def _serve(self, ready: Path) -> None:
        code = 1
        try:
            stop = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            bench = Workbench(Desk.open(environ=self.environ), self._telling)
            bench.open()
            ready.touch()
            stop.wait()
            code = 0 if bench.close(10) else 3
        except BaseException:  # noqa: BLE001 - a fork must never come back into the tests
            (self.folder / "crash").write_text(traceback.format_exc())
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _telling(self, event: str, /, **values: Any) -> None:
        line = json.dumps({"event": event, **{name: str(value) for name, value in values.items()}})
        with (self.folder / "told").open("a") as file:
            file.write(line + "\n")

    @property
    def told(self) -> list[dict[str, Any]]:
        file = self.folder / "told"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.pids.remove(pid)

    # ── the truth ─────────────────────────────────────────────────────────────────────────────

    def members(self) -> set[str]:
        """Who of the people is in the group, as the server's root reads it."""
        layout = self.server.layout
        entry = self.server.read(layout.group_dn(self.group))
        dns = [value.decode() for value in entry.get(layout.member_attribute, [])]
        ids = [self.server.read(dn).get("entryUUID") for dn in dns]  # one DN can be written in many ways
        return {login for login, dn in self.dns.items() if self.server.read(dn).get("entryUUID") in ids}

    def outcomes(self) -> list[dict[str, Any]]:
        """What this machine's log says was taken back."""
        entries = self.desk.audit.entries(limit=100_000, kinds=("outcome",))
        return [dict(one.body) for one in entries if one.body["action"] == "access.revoke"]

    def close(self) -> None:
        for pid in list(self.pids):
            self.kill(pid)
        if self._desk is not None:
            self._desk.close()


def soon(seconds: float) -> str:
    """A moment as it is typed, with its zone."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


@contextmanager
def site(folder: Path, server: Slapd, people: list[str], database: Place | None = None) -> Iterator[Site]:
    made = Site(folder, server, people, database)
    try:
        yield made
    finally:
        made.close()
