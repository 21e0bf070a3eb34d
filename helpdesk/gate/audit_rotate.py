"""Closing a segment: what the live file holds moves into a file of its own, and the live file goes on from there.

The steps, and what a kill between them leaves:

1. Everything is signed. *The old state.*
2. The segment is written beside the log, flushed, and given its name. *The old state, and a file that nobody knows;
   the next rotation removes it.*
3. One transaction of the live file adds the entry that closes the segment, puts it on record, lets its entries go
   and signs. *Before its commit the old state, after it the new one.*
4. The room that came free is given back. *The new state; the next rotation does it.*

Whoever else writes meanwhile waits for that transaction and goes on in the same file. Entries that came after the
segment's last one stay in the live file, with their numbers.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.errors import Failed
from helpdesk.gate.audit_across import waiting
from helpdesk.gate.audit_links import digest_of
from helpdesk.gate.audit_segments import FOLDER, NEXT, Segment, add, segments_of, take_away
from helpdesk.gate.audit_store import DATABASE, ROTATED, head_of
from helpdesk.gate.audit_view import leftovers
from helpdesk.gate.merkle import Tree
from helpdesk.platform import create_private, lock, private_file, private_folder, sync_folder

LOCK = "lock"
_COPIED = {
    "entries": ("seq", "seq >= ? AND seq <= ?"),
    "checkpoints": ("size", "size >= ? - 1 AND size <= ?"),
}


@dataclass(frozen=True, slots=True)
class RotateWhen:
    """When a segment is to be closed by itself; never where both are ``None``.

    Attributes:
        entries: so many are in the live file. age: the oldest of them is as old as this.
    """

    entries: int | None = None
    age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """What the live file holds.

    Attributes:
        first, last: numbers of its entries; (1, 0) for an empty log. began: time of the first, UTC.
    """

    first: int
    last: int
    began: str

    @property
    def entries(self) -> int:
        return self.last - self.first + 1


def extent(live: sqlite3.Connection) -> Extent:
    row = live.execute("SELECT seq, time FROM entries ORDER BY seq LIMIT 1").fetchone()
    return Extent(row[0], head_of(live).seq, row[1]) if row else Extent(1, 0, "")


def due(live: sqlite3.Connection, when: RotateWhen, now: datetime) -> bool:
    """Whether a segment is to be closed. A rotation alone is nothing to close, or it would go on for ever."""
    found = extent(live)
    if found.entries < 2:
        return False
    if when.entries is not None and found.entries >= when.entries:
        return True
    return when.age is not None and now - datetime.fromisoformat(found.began) >= when.age


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else closes or removes a segment meanwhile. Raises Failed."""
    place = folder / FOLDER
    private_folder(place)
    path = place / LOCK
    private_file(path)
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    try:
        if not lock(descriptor):
            raise Failed(
                "Another helpdesk is closing or removing a segment of the log now.",
                hint="Run it again in a moment.",
                code="busy",
            )
        yield
    finally:
        os.close(descriptor)


def tidy(live: sqlite3.Connection, folder: Path) -> None:
    """Take away what a rotation or a removal that was cut short left; the caller is alone."""
    found = leftovers(folder, live)
    for path in found:
        take_away(path)
    if found:
        sync_folder(folder / FOLDER)


def written(live: sqlite3.Connection, folder: Path) -> tuple[Segment, dict[str, Any]] | None:
    """Write the next segment's file, up to the newest checkpoint; ``None`` when there is nothing to close.

    Returns:
        The segment, and what the entry that closes it says.

    Raises:
        Failed, OSError, sqlite3.Error: it could not be written; the log is as it was.
    """
    found = extent(live)
    row = live.execute("SELECT size, edge FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    if row is None or row[0] <= found.first:  # nothing, or only the entry that closed the one before
        return None
    last, edge = row
    path = folder / FOLDER / NEXT
    create_private(path, b"")
    _copy(live, folder / DATABASE, path, found.first, last)
    _flush(path)
    (head,) = live.execute("SELECT hash FROM entries WHERE seq = ?", (last,)).fetchone()
    (ended,) = live.execute("SELECT max(time) FROM entries WHERE seq <= ?", (last,)).fetchone()
    kinds = live.execute("SELECT DISTINCT kind FROM entries WHERE seq <= ?", (last,))
    segment = Segment(
        first=found.first,
        last=last,
        number=len(segments_of(live)) + 1,
        head=head,
        root=Tree.unpacked(last, edge).root,
        edge=edge,
        digest=digest_of(path),
        bytes=path.stat().st_size,
        began=found.began,
        ended=ended,
        kinds=frozenset(kind for (kind,) in kinds),
    )
    path.chmod(0o400)
    path.rename(segment.path(folder))
    sync_folder(folder / FOLDER)
    unended, unsettled = waiting(live, last)
    return segment, {**segment.told(), "open": unended, "unsettled": unsettled}


def _copy(live: sqlite3.Connection, source: Path, target: Path, first: int, last: int) -> None:
    """The entries and their checkpoints into an empty file; the checkpoint they begin from as well."""
    with closing(sqlite3.connect(target, uri=True, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")  # it counts only once it was flushed as a whole
        database.execute("ATTACH DATABASE ? AS live", (f"{source.absolute().as_uri()}?mode=ro",))
        database.execute("BEGIN")
        for table, (key, chosen) in _COPIED.items():
            for kind, sql in _schema(live, table):
                if kind != "trigger":
                    database.execute(sql)
            database.execute(
                f"INSERT INTO main.{table} SELECT * FROM live.{table} WHERE {chosen} ORDER BY {key}",  # noqa: S608
                (first, last),
            )
        database.execute(f"PRAGMA user_version = {ROTATED}")
        database.execute("COMMIT")


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def move(live: sqlite3.Connection, segment: Segment) -> None:
    """Let a segment's entries go from the live file, and put it on record.

    The caller holds the write lock, and has added the entry that closes it. The tables are made anew, which takes
    no longer for a million entries; names and texts stay.
    """
    recorded = head_of(live).seq
    live.execute("PRAGMA secure_delete = FAST")  # no personal value is in these tables
    try:
        for table, (key, _) in _COPIED.items():
            least = segment.last + (table == "entries")
            kept = live.execute(
                f"SELECT * FROM {table} WHERE {key} >= ? ORDER BY {key}",  # noqa: S608
                (least,),
            ).fetchall()
            schema = _schema(live, table)
            live.execute(f"DROP TABLE {table}")
            for _, sql in schema:
                live.execute(sql)
            places = ", ".join("?" * len(kept[0]))
            live.executemany(f"INSERT INTO {table} VALUES ({places})", kept)  # noqa: S608
        add(live, segment, recorded)
        live.execute(f"PRAGMA user_version = {ROTATED}")
    finally:
        live.execute("PRAGMA secure_delete = ON")


def _schema(live: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Kind and text of what makes a table: itself first, then its indexes and triggers."""
    return live.execute(
        """SELECT type, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL
        ORDER BY type = 'table' DESC, type = 'index' DESC, name""",
        (table,),
    ).fetchall()


def shrink(live: sqlite3.Connection) -> None:
    """Give room back to the disk where most of the file is free; not while another program is in the way."""
    pages = live.execute("PRAGMA page_count").fetchone()[0]
    free = live.execute("PRAGMA freelist_count").fetchone()[0]
    if 2 * free > pages:
        with contextlib.suppress(sqlite3.OperationalError):
            live.execute("VACUUM")
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
