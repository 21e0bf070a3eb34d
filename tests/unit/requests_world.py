"""A store of requests, people to make and decide them, and somebody who alters it."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from helpdesk.connectors.postgres import PostgresDatabase
from helpdesk.connectors.postgres_options import PostgresSettings
from helpdesk.database import Database
from helpdesk.database.sqlite import SqliteDatabase
from helpdesk.events import Change
from helpdesk.gate.requests import Request, Requests, RequestState, SealedCall
from helpdesk.gate.schema import FAMILIES
from helpdesk.identity import Group, Person
from helpdesk.secrets import Secret
from tests.servers.postgres import Postgres

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DONE, FAILED, UNKNOWN = RequestState.DONE, RequestState.FAILED, RequestState.UNKNOWN


def somebody(login: str) -> Person:
    return Person(f"id-{login}", f"uid={login},dc=x", login, login.title())


EMMA, OLGA, OSCAR, BO = map(somebody, ("emma", "olga", "oscar", "bo"))
SHARE = Group("id-share", "cn=finance-share,dc=x", "finance-share", owner_dns=(OLGA.dn, OSCAR.dn))
CHANGES = (Change("directory", "finance-share", "membership of emma", "not a member", "member"),)


class Key:
    """A host key of its own for each test."""

    def __init__(self, seed: bytes = b"k" * 32) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)

    def sealed_by(self, _seal: bytes, /) -> str:
        return ""

    def verify(self, message: bytes, signature: bytes, /) -> bool:
        try:
            self._key.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def postgres_store(address: dict[str, str]) -> PostgresDatabase:
    settings = PostgresSettings(
        address["url"], address["user"], Secret(address["password"]), schema=address["schema"]
    )
    return PostgresDatabase(settings, FAMILIES)


def opened_at(address: str) -> Requests:
    """The requests of a world in another process."""
    place = json.loads(address)
    store = SqliteDatabase(Path(place["file"]), FAMILIES) if "file" in place else postgres_store(place)
    return Requests(store, Clock(), Key())


class Schema:
    """Our tables in a real Postgres, for many tests one after the other, and the superuser who alters them."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.name = f"w{secrets.token_hex(6)}"
        self.store = self.another_store()
        self.store.migrate()
        self.root = server.root()
        self.root.execute(f"SET search_path TO {self.name}".encode())
        self.root.execute("SET session_replication_role = replica")  # no trigger is fired

    @property
    def address(self) -> dict[str, str]:
        return {"url": self.server.url("postgres"), "schema": self.name, **self.server.root_settings}

    def another_store(self) -> PostgresDatabase:
        return postgres_store(self.address)

    def empty(self) -> None:
        for family in FAMILIES:
            self.root.execute(f"TRUNCATE {', '.join(family.tables)}".encode())

    def close(self) -> None:
        self.store.close()
        self.root.close()


class World:
    """Requests in a file, or in a schema of a real Postgres."""

    def __init__(self, folder: Path, schema: Schema | None = None) -> None:
        self.folder = folder
        self.schema = schema
        self.clock = Clock()
        self._opened: list[Database] = []
        self.store: Database = schema.store if schema else SqliteDatabase(self.file, FAMILIES)
        if schema:
            schema.empty()
        self.requests = Requests(self.store, self.clock, Key())

    def another(self) -> Requests:
        """The same requests, as another program opens them."""
        store: Database = SqliteDatabase(self.file, FAMILIES)
        if self.schema:
            store = self.schema.another_store()
            self._opened.append(store)
        return Requests(store, self.clock, Key())

    @property
    def address(self) -> str:
        """For :func:`opened_at` in another process."""
        return json.dumps(self.schema.address if self.schema else {"file": str(self.file)})

    def close(self) -> None:
        for store in self._opened:
            store.close()

    def ask(self, requester: Person = EMMA, *approvers: Person, reason: str = "quarter close") -> Request:
        call = SealedCall.of(
            action="access.request",
            plugin_version="1",
            arguments={"group": "finance-share", "reason": reason},
            provenance={"group": "typed"},
            requester=requester,
            person=requester,
            group=SHARE,
            key="k1",
        )
        return self.requests.create(call, CHANGES, approvers or (OLGA, OSCAR), reason)

    @property
    def file(self) -> Path:
        return self.folder / "requests.db"

    def attack(self, *statements: str, values: tuple[Any, ...] = ()) -> None:
        """Somebody with the file and SQLite, or with a superuser's password, for whom triggers are no obstacle.

        Raises:
            NotTaken: the table itself does not take it.
        """
        try:
            if self.schema:
                for statement in statements:
                    self.schema.root.execute(statement.replace("?", "%s").encode(), values)
                return
            self._attack_file(statements, values)
        except (
            sqlite3.IntegrityError,
            psycopg.IntegrityError,
            psycopg.DataError,
            psycopg.ProgrammingError,
        ) as e:
            raise NotTaken from e

    def _attack_file(self, statements: tuple[str, ...], values: tuple[Any, ...]) -> None:
        with closing(sqlite3.connect(self.file)) as database:
            database.execute("PRAGMA synchronous = OFF")
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                database.execute(statement, values)
            database.commit()

    def rows(self, query: str) -> list[Any]:
        if self.schema:
            return self.schema.root.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(query).fetchall()


class NotTaken(Exception):
    """A table refused what an attacker wrote: its kind, or that it is nothing."""


def a_call() -> SealedCall:
    return SealedCall.of(
        action="access.request", plugin_version="1", arguments={}, provenance={}, requester=EMMA,
        person=EMMA, group=SHARE, key="k",
    )  # fmt: skip


STEPS: dict[str, Callable[[Requests, str], object]] = {
    "claim": lambda requests, id: requests.claim(id, OLGA.id),
    "deny": lambda requests, id: requests.deny(id, OLGA.id, "no budget"),
    "withdraw": lambda requests, id: requests.withdraw(id, EMMA.id),
    "release": lambda requests, id: requests.release(id),
    "done": lambda requests, id: requests.finish(id, DONE, 7),
    "failed": lambda requests, id: requests.finish(id, FAILED, 7),
    "unknown": lambda requests, id: requests.finish(id, UNKNOWN, 7),
}
WAYS = {
    "pending": (), "claimed": ("claim",), "denied": ("deny",), "withdrawn": ("withdraw",),
    "done": ("claim", "done"), "failed": ("claim", "failed"), "unknown": ("claim", "unknown"),
    "expired": (),
}  # fmt: skip
