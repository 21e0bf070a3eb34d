"""The closed segments of the log: which there are, and how each is linked to the next.

A segment is a file of its own that nothing is added to any more: entries and checkpoints, as they were logged.
Names and texts are not in it. They stay in the live file, where they can be erased, so that a closed file never
changes, and its digest holds for ever.

The entry of the kind ``rotation`` that closes a segment lies in the next one. It names the last entry's hash, the
tree as it stood there, and the digest of the file: so each segment vouches for the one before, and the newest
checkpoint for all. The table ``segments`` says the same for quick reading, and is held to those entries by
``log verify``.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "segments"
NEXT = "next.db"
"""The file that is being written."""
TABLE = """CREATE TABLE IF NOT EXISTS segments (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL UNIQUE,
  number INTEGER NOT NULL UNIQUE,
  head BLOB NOT NULL,
  root BLOB NOT NULL,
  edge BLOB NOT NULL,
  digest TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  began TEXT NOT NULL,
  ended TEXT NOT NULL,
  kinds TEXT NOT NULL,
  recorded INTEGER NOT NULL,
  removed INTEGER,
  removed_at TEXT
) STRICT"""
_COLUMNS = (
    "first, last, number, head, root, edge, digest, bytes, began, ended, kinds, recorded, removed, removed_at"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One closed segment.

    Attributes:
        first, last: the numbers of its entries. number: counts segments from 1.
        head: hash of its last entry. root, edge: of the tree over all entries up to there.
        digest: SHA-256 of the file, in hexadecimal. bytes: its length.
        began: time of its first entry, UTC. ended: the latest time in it, whatever the clock did. kinds: of entries that are in it.
        recorded: the entry that closed it. removed: the entry that records its removal, and when.
    """

    first: int
    last: int
    number: int
    head: bytes
    root: bytes
    edge: bytes
    digest: str
    bytes: int
    began: str
    ended: str
    kinds: frozenset[str]
    recorded: int = 0
    removed: int | None = None
    removed_at: str = ""

    @property
    def file(self) -> str:
        return f"{self.first:010}-{self.last:010}.db"

    def path(self, folder: Path) -> Path:
        """Args: folder: of the log."""
        return folder / FOLDER / self.file

    def told(self) -> dict[str, Any]:
        """What the entry that closes it says of it; :func:`fits` compares it later."""
        return {
            "segment": self.number,
            "first": self.first,
            "last": self.last,
            "head": self.head.hex(),
            "root": self.root.hex(),
            "edge": self.edge.hex(),
            "digest": self.digest,
            "bytes": self.bytes,
            "began": self.began,
            "ended": self.ended,
            "kinds": sorted(self.kinds),
        }

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Whether an entry says this of it."""
        return all(body.get(name) == value for name, value in self.told().items())


def take_away(path: Path) -> None:
    """Delete a closed file, where it is still there; a read-only one cannot be deleted everywhere."""
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)
        path.unlink()


def segments_of(live: sqlite3.Connection) -> list[Segment]:
    """Every segment that was ever closed, the oldest first, also what was removed since."""
    if not has_table(live):
        return []
    rows = live.execute(f"SELECT {_COLUMNS} FROM segments ORDER BY first").fetchall()  # noqa: S608
    return [_segment(row) for row in rows]


def has_table(live: sqlite3.Connection) -> bool:
    found = live.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'segments'")
    return found.fetchone() is not None


def last_removed(live: sqlite3.Connection) -> Segment | None:
    """The newest segment that retention took away; everything before it is gone as well."""
    if not has_table(live):
        return None
    row = live.execute(
        f"SELECT {_COLUMNS} FROM segments WHERE removed IS NOT NULL ORDER BY last DESC LIMIT 1"  # noqa: S608
    ).fetchone()
    return _segment(row) if row else None


def add(live: sqlite3.Connection, segment: Segment, recorded: int) -> None:
    """Put a segment on record; the caller holds the write lock."""
    live.execute(TABLE)
    live.execute(
        f"INSERT INTO segments ({_COLUMNS}) VALUES ({', '.join('?' * 14)})",  # noqa: S608
        (
            segment.first,
            segment.last,
            segment.number,
            segment.head,
            segment.root,
            segment.edge,
            segment.digest,
            segment.bytes,
            segment.began,
            segment.ended,
            json.dumps(sorted(segment.kinds)),
            recorded,
            None,
            None,
        ),
    )


def _segment(row: tuple[Any, ...]) -> Segment:
    first, last, number, head, root, edge, digest, bytes, began, ended, kinds, recorded, removed, at = row
    try:
        told = json.loads(kinds)
    except ValueError:  # somebody altered it: the check holds it to the entry, and says so
        told = []
    return Segment(
        first,
        last,
        number,
        head,
        root,
        edge,
        digest,
        bytes,
        began,
        ended,
        frozenset(str(kind) for kind in told) if isinstance(told, list) else frozenset(),
        recorded,
        removed,
        at or "",
    )
