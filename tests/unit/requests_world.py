"""A file of requests, people to make and decide them, and somebody who alters it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from helpdesk.events import Change
from helpdesk.gate.requests import Request, Requests, RequestState, SealedCall
from helpdesk.identity import Group, Person

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


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.requests = Requests(folder, self.clock, Key())

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
        """Somebody with the file and SQLite, for whom triggers are no obstacle."""
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
        with closing(sqlite3.connect(self.file)) as database:
            return database.execute(query).fetchall()


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
