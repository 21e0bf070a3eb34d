"""SQLite as every part of the program opens it: private, durable, and one writer at a time (R1, R4, S5, S7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpdesk.platform import private_file

BUSY_SECONDS = 10.0


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
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def immediate(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction that holds the write lock from its start: committed whole, or not at all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has rolled it back already
            database.execute("ROLLBACK")
        raise
