"""Wrong passwords, counted durably, and the lock they lead to.

They are counted for every name that is tried, known or not: a name that does not exist locks like any other,
so that the lock tells nobody which names exist (I6). Names are kept as keyed digests only, since people
type their password into the wrong field.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from helpdesk.connectors.embedded.names import key
from helpdesk.connectors.embedded.rules import Rules
from helpdesk.connectors.embedded.tables import moment, setting


@dataclass(frozen=True, slots=True)
class Lock:
    """How things stand for a name now. ``until`` is ``None`` when only the service desk can lift the lock."""

    failures: int = 0
    locked: bool = False
    until: datetime | None = None


def lock_of(database: sqlite3.Connection, login: str, rules: Rules, now: datetime) -> Lock:
    row = database.execute("SELECT * FROM attempt WHERE name = ?", (_named(database, login),)).fetchone()
    if row is None:
        return Lock()
    if row["locked"]:
        until = moment(row["locked_until"]) if row["locked_until"] else None
        return Lock() if until is not None and now >= until else Lock(row["failures"], True, until)
    window = timedelta(seconds=rules.failure_window)
    forgotten = rules.failure_window and now >= moment(row["last"]) + window
    return Lock() if forgotten else Lock(row["failures"])


def count_failure(database: sqlite3.Connection, login: str, rules: Rules, now: datetime) -> None:
    """One more wrong password; the last one that the rules allow locks."""
    before = lock_of(database, login, rules, now)
    if before.locked or not rules.max_failures:
        return
    _forget_old(database, rules, now)
    failures = before.failures + 1
    locked = failures >= rules.max_failures
    until = None
    if locked and rules.lockout_seconds:
        until = (now + timedelta(seconds=rules.lockout_seconds)).isoformat()
    database.execute(
        "INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?)",
        (_named(database, login), failures, now.isoformat(), int(locked), until),
    )


def lift(database: sqlite3.Connection, login: str) -> None:
    database.execute("DELETE FROM attempt WHERE name = ?", (_named(database, login),))


def _forget_old(database: sqlite3.Connection, rules: Rules, now: datetime) -> None:
    """Rows that say nothing any more: names that nobody tries again must not fill the disk."""
    for name, last, locked, until in database.execute(
        "SELECT name, last, locked, locked_until FROM attempt"
    ).fetchall():
        window = timedelta(seconds=rules.failure_window)
        over = (
            until is not None and now >= moment(until)
            if locked
            else rules.failure_window and now >= moment(last) + window
        )
        if over:
            database.execute("DELETE FROM attempt WHERE name = ?", (name,))


def _named(database: sqlite3.Connection, login: str) -> str:
    salt = bytes.fromhex(setting(database, "salt"))
    return hmac.new(salt, key(login).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
