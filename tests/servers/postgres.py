"""A real Postgres for a test session, over TLS and with passwords, that tests may stop, kill and freeze."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.certificates import Authority
from tests.servers.packages import Missing, absent, unpacked_postgres

_DEADLINE = 30.0
_TRIES = 4
USER = "helpdesk"


@dataclass(frozen=True, slots=True)
class Place:
    """An empty database of one test's own, and who may use it."""

    url: str
    name: str
    user: str
    password: str


class Postgres:
    """A cluster on loopback. It is another user's where the tests run as root, because Postgres refuses that.

    Args:
        folder: empty; data, certificates and log go there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "tls", "Authority of the database")
        self.password = secrets.token_urlsafe(12)
        self._root_password = secrets.token_urlsafe(12)
        self._process: subprocess.Popen[bytes] | None = None
        self._bin, more = programs()
        self._environment = {**os.environ, **more}
        self._as = _other_user()
        self.port = 0
        self._count = 0
        self._make()
        self._start_somewhere()
        try:
            with self.root() as root:
                root.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{self.password}'")
        except BaseException:
            self.stop()
            raise

    # ── where it is ───────────────────────────────────────────────────────────────────────────

    @property
    def ca_file(self) -> str:
        return str(self.authority.file)

    def url(self, database: str, host: str = "127.0.0.1") -> str:
        return f"postgresql://{host}:{self.port}/{database}"

    def new_place(self) -> Place:
        """An empty database that belongs to :data:`USER`."""
        self._count += 1
        name = f"test{self._count}"
        with self.root() as root:
            root.execute(f"CREATE DATABASE {name} OWNER {USER}")
        return Place(self.url(name), name, USER, self.password)

    def root(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """The administrator's own connection, each statement of which is kept at once; close it."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user="postgres", password=self._root_password,
            autocommit=True, connect_timeout=10, sslmode="disable",
        )  # fmt: skip

    @property
    def root_settings(self) -> dict[str, str]:
        """The administrator's name and password."""
        return {"user": "postgres", "password": self._root_password}

    # ── process ───────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start on the same port with the same data, and wait until it answers."""
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=self._environment, **self._as,
            )  # fmt: skip
        deadline = time.monotonic() + _DEADLINE
        while True:
            try:
                self.root().close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    said = (self.folder / "postgres.log").read_text()[-2000:]
                    raise RuntimeError(f"Postgres did not start: {said}") from error
                time.sleep(0.02)
            else:
                return

    def stop(self, *, kill: bool = False) -> None:
        """End every connection and stop; ``kill`` leaves it to recover from its log, as after a power cut."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
        try:
            process.wait(_DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(_DEADLINE)

    def freeze(self) -> None:
        """Nothing answers, and no connection is closed."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._members():
            with suppress(ProcessLookupError):  # one that ended since it was listed
                os.kill(pid, number)

    def _members(self) -> list[int]:
        """The server and the processes it began: each is a session of its own."""
        assert self._process is not None, "Postgres is not running"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [self._process.pid, *map(int, children.split())]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _start_somewhere(self) -> None:
        for tries in range(_TRIES):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            try:
                return self.start()
            except RuntimeError:
                if tries == _TRIES - 1:
                    raise
        return None

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._root_password)
        self.data.mkdir(mode=0o700)
        issued = self.authority.issue("localhost")
        for file, name in ((issued.certificate, "server.crt"), (issued.key, "server.key")):
            shutil.copy(file, self.folder / name)
            (self.folder / name).chmod(0o600)
        self._give(self.folder, self.data, secret, self.folder / "server.crt", self.folder / "server.key")
        subprocess.run(
            [str(self._bin / "initdb"), "-D", str(self.data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
             "-A", "scram-sha-256", "--pwfile", str(secret), "--no-sync"],
            check=True, capture_output=True, timeout=120, env=self._environment, **self._as,
        )  # fmt: skip
        secret.unlink()
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(
                "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n"
                "shared_buffers = 32MB\nmax_connections = 120\nssl = on\n"
                f"ssl_cert_file = '{self.folder}/server.crt'\nssl_key_file = '{self.folder}/server.key'\n"
            )

    def _give(self, *paths: Path) -> None:
        if "user" in self._as:
            for path in paths:
                os.chown(path, self._as["user"], self._as["group"])


def programs() -> tuple[Path, Mapping[str, str]]:
    """Where ``initdb`` and ``postgres`` are, and the variables they need: the machine's own, or Debian's unpacked.

    Without them the test is skipped by name, and fails in CI.
    """
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in (*map(Path, os.environ.get("PATH", "").split(os.pathsep)), *known):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder, {}
    try:
        return unpacked_postgres()
    except Missing as error:
        absent(f"postgres (its server and initdb) is missing: {error}")


def _other_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def start_postgres() -> tuple[Postgres, Path]:
    """A cluster in a folder of its own, which whoever started it takes away again.

    The folder is not among pytest's: those are closed to every other user.
    """
    folder = Path(tempfile.mkdtemp(prefix="postgres-of-helpdesk-"))
    try:
        return Postgres(folder), folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server; it is started by the first test that wants it."""
    server, folder = start_postgres()
    try:
        yield server
    finally:
        server.stop(kill=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_place(postgres: Postgres) -> Place:
    """An empty database for one test."""
    return postgres.new_place()
