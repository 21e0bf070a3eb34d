"""The file that limits are counted in: private, one writer at a time, and there after a kill (R9, S5, S7).

A count is written before what it counts, and a killed program forgets none; a power cut may take the last
few, which is why no write waits for the disk.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.errors import Failed
from helpdesk.store import immediate, open_database
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.ports import Clock

VERSION = 1
_TABLES = """
CREATE TABLE secret (salt BLOB NOT NULL);
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  entry TEXT NOT NULL,
  at REAL NOT NULL,
  waiting INTEGER NOT NULL
);
CREATE INDEX attempt_name ON attempt (name);
CREATE INDEX attempt_entry ON attempt (entry);
CREATE INDEX attempt_at ON attempt (at);
CREATE TABLE lockout (person TEXT PRIMARY KEY, failures INTEGER, window REAL, at REAL NOT NULL);
CREATE TABLE change (scope TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX change_scope ON change (scope, at);
CREATE INDEX change_at ON change (at);
"""
_LATER = "SELECT EXISTS (SELECT 1 FROM attempt WHERE at > ?) OR EXISTS (SELECT 1 FROM change WHERE at > ?)"


class Counters:
    """One machine's counters: one file in the state folder.

    Args:
        path: the file; made when it is first needed. clock: now, in UTC.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return self._clock().timestamp()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that no other writer is in; nothing in it was counted at a time that is yet to come.

        Raises:
            Failed: the file cannot be used; what cannot be counted does not happen.
        """
        try:
            with self._lock:
                database = self._database()
                now = self.now()
                if database.execute(_LATER, (now, now)).fetchone()[0]:
                    with immediate(database):
                        _not_later(database, now)
                with immediate(database):
                    yield database
        except sqlite3.Error as error:
            self.close()  # the next one begins anew
            raise Failed(
                f"What is counted in {self._path.name} cannot be written: {error}.",
                hint="Make room, or see what helpdesk doctor says about the state folder; nothing was done.",
                code="limits-unavailable",
            ) from error

    def close(self) -> None:
        """Safe to call twice; the next count opens the file again."""
        with self._lock:
            database, self._open = self._open, None
            if database is not None:
                database.close()

    def _database(self) -> sqlite3.Connection:
        if self._open is None:
            database = open_database(self._path)
            try:
                database.execute("PRAGMA synchronous = NORMAL")
                self._prepare(database)
            except BaseException:
                database.close()
                raise
            self._open = database
        return self._open

    def _prepare(self, database: sqlite3.Connection) -> None:
        if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        with immediate(database):
            (found,) = database.execute("PRAGMA user_version").fetchone()
            if found not in (0, VERSION):
                raise Failed(
                    f"{self._path} was written by another version of helpdesk.",
                    hint="Use that version, or move the file away to count anew.",
                    code="limits-unavailable",
                )
            if found == 0:
                for statement in _TABLES.split(";"):
                    database.execute(statement)
                database.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
                database.execute(f"PRAGMA user_version = {VERSION}")


def hidden(database: sqlite3.Connection, text: str) -> str:
    """A keyed digest: people type their password where the name belongs, and it must not stay here (S5)."""
    (salt,) = database.execute("SELECT salt FROM secret").fetchone()
    return hmac.new(salt, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _not_later(database: sqlite3.Connection, now: float) -> None:
    """What was counted at a time that is yet to come is counted as of now.

    So a clock that was put back neither forgets a count nor lets it stand for longer than its window (R5).
    """
    database.execute("UPDATE attempt SET at = ? WHERE at > ?", (now, now))
    database.execute("UPDATE change SET at = ? WHERE at > ?", (now, now))


def told_end(until: float, now: datetime) -> str:
    """When a window ends, as a person says it; a minute that has begun counts as whole."""
    return local_time(datetime.fromtimestamp(math.ceil(until / 60) * 60, UTC), now)
