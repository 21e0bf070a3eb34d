"""Where the log is stored: one SQLite file, only ever added to, and what its errors mean to a person (R1, R4).

``helpdesk.store`` makes every commit durable and lets one writer in at a time; a trigger lets
no entry in but the one that follows the last, whatever else goes wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from helpdesk.errors import Failed, LogUnavailable
from helpdesk.gate.audit_chain import Head, Sealed
from helpdesk.store import BUSY_SECONDS, immediate, open_database

DATABASE = "log.db"
VERSION = 1
ROTATED = 2
"""The form once a segment was closed: programs that know of none would miss those entries."""

MANY = "read"
"""The kind that most entries are of, and that nothing is found by: its entries are in no index of kinds."""
FEWER = f"kind <> '{MANY}'"
"""For a query by kind that this one is not among; so said, it may use the index."""
_BY_KIND = f"CREATE INDEX entries_kind ON entries (kind, seq) WHERE {FEWER}"
_BY_EVERY_KIND = "CREATE INDEX entries_kind ON entries (kind, seq)"
"""As it was before; the same queries work with either."""

_SCHEMA = (
    """CREATE TABLE entries (
      seq INTEGER PRIMARY KEY,
      prev BLOB NOT NULL,
      hash BLOB NOT NULL,
      time TEXT NOT NULL,
      kind TEXT NOT NULL,
      about INTEGER,
      entry TEXT NOT NULL
    ) STRICT""",
    _BY_KIND,
    "CREATE INDEX entries_about ON entries (about, seq) WHERE about IS NOT NULL",
    """CREATE TABLE personal (
      seq INTEGER NOT NULL,
      name TEXT NOT NULL,
      salt BLOB,
      value TEXT,
      PRIMARY KEY (seq, name)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE checkpoints (
      size INTEGER PRIMARY KEY,
      note TEXT NOT NULL,
      edge BLOB NOT NULL
    ) STRICT""",
    """CREATE TRIGGER entries_follow BEFORE INSERT ON entries
      WHEN NEW.prev IS NOT (SELECT hash FROM entries WHERE seq = NEW.seq - 1) AND EXISTS (SELECT 1 FROM entries)
      BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END""",
    """CREATE TRIGGER entries_stay BEFORE DELETE ON entries
      BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END""",
    """CREATE TRIGGER entries_fixed BEFORE UPDATE ON entries
      BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END""",
    """CREATE TRIGGER personal_stays BEFORE DELETE ON personal
      BEGIN SELECT RAISE(ABORT, 'personal values are erased, never deleted'); END""",
    """CREATE TRIGGER personal_fixed BEFORE UPDATE ON personal
      WHEN NEW.seq IS NOT OLD.seq OR NEW.name IS NOT OLD.name OR NEW.salt IS NOT NULL OR NEW.value IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'personal values are erased, never changed'); END""",
    """CREATE TRIGGER checkpoints_stay BEFORE DELETE ON checkpoints
      BEGIN SELECT RAISE(ABORT, 'checkpoints are never deleted'); END""",
    """CREATE TRIGGER checkpoints_fixed BEFORE UPDATE ON checkpoints
      BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END""",
)


def open_store(path: Path, busy: float = BUSY_SECONDS) -> sqlite3.Connection:
    """The log's database, with its tables. Raises Failed, sqlite3.Error; see :func:`explained`."""
    database = open_database(path, busy=busy)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] not in (VERSION, ROTATED):
            with immediate(database):
                _create(database)
        if database.execute(_KIND_SQL).fetchone() == (_BY_EVERY_KIND,):
            with immediate(database):
                _index_anew(database)
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    found = database.execute("PRAGMA user_version").fetchone()[0]
    if found in (VERSION, ROTATED):  # another process was faster
        return
    if found != 0:
        raise LogUnavailable(
            f"The log was written by another version of helpdesk (form {found}, this one writes {ROTATED}).",
            hint="Use the newer version of helpdesk.",
        )
    for statement in _SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


_KIND_SQL = "SELECT sql FROM sqlite_schema WHERE name = 'entries_kind'"


def _index_anew(database: sqlite3.Connection) -> None:
    """A file of an older program: its index of kinds holds every entry. Closed segments keep theirs."""
    if database.execute(_KIND_SQL).fetchone() == (_BY_EVERY_KIND,):  # else another process was faster
        database.execute("DROP INDEX entries_kind")
        database.execute(_BY_KIND)


def head_of(database: sqlite3.Connection) -> Head:
    row = database.execute("SELECT seq, hash, time FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return Head(*row) if row else Head()


def hash_of(database: sqlite3.Connection, seq: int) -> bytes | None:
    """Of an entry of the live file."""
    row = database.execute("SELECT hash FROM entries WHERE seq = ?", (seq,)).fetchone()
    return row[0] if row else None


def insert(database: sqlite3.Connection, items: Sequence[Sealed]) -> None:
    database.executemany(
        "INSERT INTO entries (seq, prev, hash, time, kind, about, entry) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(item.seq, item.prev, item.hash, item.time, item.kind, item.about, item.text) for item in items],
    )
    database.executemany(
        "INSERT INTO personal (seq, name, salt, value) VALUES (?, ?, ?, ?)",
        [(item.seq, name, salt, value) for item in items for name, salt, value in item.personal],
    )


class explained:
    """Turns whatever keeps the log from being used into LogUnavailable: what cannot be logged does not happen."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and not isinstance(error, LogUnavailable):
            meaning = _meaning(self._path, error)
            if meaning is not None:
                raise meaning from error


def _meaning(path: Path, error: BaseException) -> LogUnavailable | None:
    if isinstance(error, Failed):
        return LogUnavailable(f"The log cannot be used: {error.message}", hint=error.hint)
    if isinstance(error, sqlite3.Error):
        return _explanation(path, error)
    if isinstance(error, UnicodeDecodeError):  # sqlite3 cannot even say what is wrong with the file
        return LogUnavailable(f"The log in {path} cannot be used: its file is damaged.", hint=_DAMAGED)
    if isinstance(error, OSError):
        return LogUnavailable(
            f"The log in {path} cannot be used: {error.strerror or error}.",
            hint="Check the folder's rights and the disk; helpdesk doctor looks at both.",
        )
    return None


def _explanation(path: Path, error: sqlite3.Error) -> LogUnavailable:
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    what, hint = _MEANINGS.get(code, (f"{error}", "helpdesk doctor looks at the disk and the folder."))
    return LogUnavailable(f"The log in {path} cannot be used: {what}.", hint=hint)


_RIGHTS = "Give your account the folder back, or set XDG_STATE_HOME to one it may write."
_DAMAGED = "Keep the folder as evidence, move it aside, and restore a backup; helpdesk log verify says more."
_MEANINGS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Make room on the disk, then run it again."),
    sqlite3.SQLITE_BUSY: (
        "another program has kept it locked for too long",
        "Run it again in a moment; if it stays so, end the program that holds the log.",
    ),
    sqlite3.SQLITE_LOCKED: ("it is locked", "Run it again in a moment."),
    sqlite3.SQLITE_READONLY: ("it is read-only", _RIGHTS),
    sqlite3.SQLITE_PERM: ("your account may not write it", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", _RIGHTS),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "Check the disk and its room, then run it again."),
    sqlite3.SQLITE_CORRUPT: ("its file is damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: ("its file is no database", _DAMAGED),
}
