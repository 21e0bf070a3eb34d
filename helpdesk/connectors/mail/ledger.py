"""What this machine has handed over, key by key: written before the last word is said, and after its answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from helpdesk.errors import Refused, Unreachable
from helpdesk.mail import Kept, Letter, State
from helpdesk.ports import Clock
from helpdesk.store import immediate, open_database

VERSION = 1
_TABLES = """CREATE TABLE letter (
  key TEXT PRIMARY KEY,
  message_id TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  at TEXT NOT NULL,
  state TEXT NOT NULL
) STRICT"""

_HANDED_OVER = (State.UNSURE.value, State.ACCEPTED.value, State.ARRIVED.value)


class Ledger:
    """One file of letters.

    Args:
        bodies: texts are kept as well; otherwise nothing of what a letter says stays on this machine.

    Everything raises Unreachable when the file cannot be used.
    """

    def __init__(self, path: Path, clock: Clock, *, bodies: bool) -> None:
        self._path = path
        self._clock = clock
        self._bodies = bodies

    def note(self, letter: Letter, key: str, message_id: str, state: State) -> None:
        """What is known from now on.

        Raises:
            Refused: the key is that of a letter to somebody else ("key-reused").
        """
        now = self._clock().isoformat()
        subject, body = (letter.subject, letter.body) if self._bodies else ("", "")
        with self._writing() as database:
            there = database.execute("SELECT recipient, state FROM letter WHERE key = ?", (key,)).fetchone()
            if there is not None and there[0] != letter.to:
                raise another()
            if there is not None and state is State.UNSURE and there[1] in _HANDED_OVER:
                raise Refused("This letter is being handed over already.", code="already-sent")
            database.execute(
                "INSERT INTO letter VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET state = excluded.state, at = excluded.at",
                (key, message_id, letter.to, subject, body, now, state.value),
            )

    def state(self, key: str) -> State:
        kept = self.kept(key)
        return kept.state if kept else State.UNTOLD

    def kept(self, key: str) -> Kept | None:
        found = self._all("WHERE key = ?", key)
        return found[0] if found else None

    def standing(self, state: State) -> list[Kept]:
        """Oldest first."""
        return self._all("WHERE state = ? ORDER BY rowid", state.value)

    def everything(self) -> list[Kept]:
        return self._all("ORDER BY rowid")

    def _all(self, where: str, *values: str) -> list[Kept]:
        query = f"SELECT key, message_id, recipient, subject, body, at, state FROM letter {where}"  # noqa: S608
        with self._database() as database:
            return [
                Kept(key, id, to, subject, body, datetime.fromisoformat(at), State(state))
                for key, id, to, subject, body, at, state in database.execute(query, values).fetchall()
            ]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._database() as database, immediate(database):
            yield database

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(open_database(self._path)) as database:
                _prepare(database)
                yield database
        except sqlite3.Error as error:
            raise Unreachable(
                f"The file of letters {self._path} cannot be used: {error}.",
                hint="Check the disk's room and that no other program holds the file.",
            ) from error


def another() -> Refused:
    return Refused("This idempotency key belongs to another letter.", code="key-reused")


def _prepare(database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    with immediate(database):
        found = database.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            database.execute(_TABLES)
            database.execute(f"PRAGMA user_version = {VERSION}")
        elif found != VERSION:
            raise sqlite3.DatabaseError(f"it was written by another version ({found})")
