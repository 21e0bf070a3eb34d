"""How far each place outside knows the log, and when it was tried last: one small file in the log's folder.

It holds numbers and one sentence, never what is still to be sent: that stands in the log itself. It lies beside the
log, so that a log that begins anew is sent from its beginning.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from helpdesk.errors import Failed
from helpdesk.store import immediate, open_database

DATABASE = "sent.db"
FIRST_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=10)
UNFINISHED = "The last try had not ended when the program did."
_TABLE = """CREATE TABLE IF NOT EXISTS sink (
  name TEXT PRIMARY KEY, sent INTEGER NOT NULL, note TEXT NOT NULL, at TEXT, tried TEXT,
  failures INTEGER NOT NULL, problem TEXT NOT NULL
) STRICT, WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """One place.

    Attributes:
        sent: entries that it knows. note: the last checkpoint it took. at: when it took something last.
        tried: when sending began last. failures: tries in a row that did not succeed. problem: of the last one.
    """

    sent: int = 0
    note: str = ""
    at: datetime | None = None
    tried: datetime | None = None
    failures: int = 0
    problem: str = ""

    def next_try(self) -> datetime | None:
        """Not before; ``None``: at once. The wait doubles with each failure, up to ten minutes."""
        if not self.failures or self.tried is None:
            return None
        return self.tried + min(FIRST_WAIT * (1 << min(self.failures - 1, 10)), LONGEST_WAIT)

    def due(self, now: datetime) -> bool:
        """A clock that was put back makes nothing wait."""
        wait = self.next_try()
        return wait is None or self.tried is None or now >= wait or now < self.tried


class Cursors:
    """The file. Args: folder: of the log."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE

    def read(self, name: str) -> Cursor:
        """Raises Failed."""
        if not self._path.exists():
            return Cursor()
        with self._open() as database:
            row = database.execute(
                "SELECT sent, note, at, tried, failures, problem FROM sink WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            return Cursor()
        sent, note, at, tried, failures, problem = row
        return Cursor(sent, note, _time(at), _time(tried), failures, problem)

    def trying(self, name: str, now: datetime) -> None:
        """Sending begins: until :meth:`delivered`, that is a failure, whatever becomes of this process."""
        with self._open() as database, immediate(database):
            database.execute(
                """INSERT INTO sink VALUES (?, 0, '', NULL, ?, 1, ?) ON CONFLICT (name) DO UPDATE
                SET tried = excluded.tried, failures = failures + 1, problem = excluded.problem""",
                (name, now.isoformat(), UNFINISHED),
            )

    def failed(self, name: str, problem: str) -> None:
        with self._open() as database, immediate(database):
            database.execute("UPDATE sink SET problem = ? WHERE name = ?", (problem, name))

    def delivered(self, name: str, sent: int, note: str, now: datetime) -> None:
        """It knows so many entries; what it knew before it does not forget."""
        with self._open() as database, immediate(database):
            database.execute(
                """UPDATE sink SET sent = max(sent, ?), note = ?, at = ?, failures = 0, problem = ''
                WHERE name = ?""",
                (sent, note, now.isoformat(), name),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(open_database(self._path, busy=1.0)) as database:
                database.execute(_TABLE)
                yield database
        except sqlite3.Error as error:
            raise Failed(
                f"What was sent of the log cannot be noted in {self._path}: {error}.",
                hint="helpdesk doctor looks at the disk and the folder.",
            ) from error


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
