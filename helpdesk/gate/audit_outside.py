"""The log's files as somebody opens them who only looks, and may be looking at damaged ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def read_only(path: Path) -> sqlite3.Connection:
    """Also for a copy on a medium that cannot be written, where a write-ahead log of its own cannot be made."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    database = _connected(uri)
    try:
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        cannot_share = _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        if cannot_share and not path.with_name(f"{path.name}-wal").exists():
            database.close()
            return _connected(f"{uri}&immutable=1")
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return database  # a damaged file: the check meets that again, and says so
    return database


def _connected(uri: str) -> sqlite3.Connection:
    database = sqlite3.connect(uri, uri=True, isolation_level=None)
    database.text_factory = decoded
    return database


def _code(error: sqlite3.Error) -> int:
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def says_damaged(error: Exception) -> bool:
    """Whether it is the content of the file that is wrong, rather than the way to it."""
    if isinstance(error, sqlite3.OperationalError):
        return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
    return True


def decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape") if data else ""
