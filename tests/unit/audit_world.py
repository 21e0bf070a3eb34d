"""A log with a short story in it, and an attacker who may write its files but has no key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.gate.audit import AuditLog, Verification
from helpdesk.gate.audit_verify import verify_log
from helpdesk.gate.keys import PUBLIC, HostKey, read_public

START = datetime(2026, 3, 9, 14, 10, tzinfo=UTC)


class Clock:
    """Moves on by a second with every look; can be set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def open_log(root: Path, clock: Callable[[], datetime] | None = None, busy: float = 5.0) -> AuditLog:
    return AuditLog(root / "log", clock or Clock(), lambda: HostKey.load_or_create(root / "keys"), busy=busy)


def story(log: AuditLog) -> None:
    """Seven entries: a sign-in, a refusal, a change with its outcome, reads."""
    log.append("sign-in", {"outcome": "done", "actor_id": "id-1"}, {"actor": "ana"})
    log.append("refusal", {"action": "password.reset", "rule": "no-self"}, {"actor": "ana", "message": "No."})
    intent = log.append(
        "intent",
        {"action": "password.unlock", "people": {"person": "id-2"}},
        {"actor": "ana", "target": "bo"},
    )
    log.append("read", {"action": "access.list", "outcome": "done"}, {"actor": "cy", "count": 3})
    log.append(
        "outcome",
        {"action": "password.unlock", "intent": intent, "outcome": "done"},
        {"actor": "ana", "message": "Ünlocked."},
    )
    log.append("read", {"action": "policy.search", "outcome": "done"}, {"actor": "ana"})
    log.append("cancelled", {"action": "access.request", "outcome": "cancelled"}, {"actor": "ana"})


def closed_story(root: Path) -> Path:
    """The story in a closed log; its folder."""
    log = open_log(root)
    story(log)
    log.close()
    return root / "log"


def checked(root: Path, checkpoint: str | None = None) -> Verification:
    """Verified as an outsider does, with the public key alone."""
    return verify_log(root / "log", read_public(root / "keys" / PUBLIC), checkpoint)


@contextmanager
def attacker(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database without the triggers that keep honest programs from changing it; commits at the end."""
    with closing(sqlite3.connect(folder / "log.db", isolation_level=None)) as database:
        names = [n for (n,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
        for name in names:
            database.execute(f"DROP TRIGGER {name}")
        database.execute("BEGIN")
        yield database
        database.execute("COMMIT")


def flips(value: Any) -> Iterator[Any]:
    """The value with one bit of one byte changed, for every byte."""
    if value is None:
        return
    if isinstance(value, int):
        yield from (value ^ 1 << shift for shift in range(0, 63, 8))
        return
    data = value.encode() if isinstance(value, str) else value
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        yield changed.decode("utf-8", "replace") if isinstance(value, str) else changed
