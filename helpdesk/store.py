"""SQLite as every part of the program opens it: private, durable, and one writer at a time (R1, R4, S5, S7)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from helpdesk.errors import Failed
from helpdesk.platform import private_file

BUSY_SECONDS = 10.0
_PAUSE = 0.01


def open_database(path: Path, *, busy: float = BUSY_SECONDS) -> sqlite3.Connection:
    """A connection to a private database file, made when it is not there.

    Write-ahead log, every commit flushed to the disk, deleted content overwritten; nothing is written
    outside of :func:`immediate`.

    Args:
        busy: how long to wait for another writer, in seconds.

    Raises:
        Failed: the file cannot be made private. sqlite3.Error: it is no database, or the disk fails.
    """
    private_file(path)
    database = sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False)
    try:
        _write_ahead(database, busy)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        database.close()
        raise
    return database


def _write_ahead(database: sqlite3.Connection, busy: float) -> None:
    """SQLite does not wait by itself for another connection that begins or ends its log."""
    deadline = time.monotonic() + busy
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


@contextmanager
def in_database(
    path: Path, prepare: Callable[[sqlite3.Connection], None], what: str, code: str
) -> Iterator[sqlite3.Connection]:
    """A database for one piece of work, prepared and closed again.

    Args:
        prepare: makes the tables where there are none. what: it holds ("cases"). code: of the error.

    Raises:
        Failed: it cannot be used, at whatever point of the work; with ``code``.
    """
    try:
        with closing(open_database(path)) as database:
            prepare(database)
            yield database
    except sqlite3.Error as error:
        raise Failed(
            f"The {what} in {path.name} cannot be used: {error}.",
            hint="helpdesk doctor looks at the disk and the rights of the state folder.",
            code=code,
        ) from error


class immediate:
    """One transaction that holds the write lock from its start: committed whole, or not at all."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        self._database.execute("BEGIN IMMEDIATE")
        return self._database

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._database.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        if error is not None:
            self._undo()

    def _undo(self) -> None:
        if self._database.in_transaction:  # a full disk has rolled it back already
            self._database.execute("ROLLBACK")
