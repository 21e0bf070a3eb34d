"""Signing the log: going on from the last checkpoint, making the next, and remembering it outside the database.

The file outside is written under the database's write lock and after the commit, so it never runs ahead of what
is on the disk, and never back.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit_store import head_of
from helpdesk.gate.checkpoint import Checkpoint, opened
from helpdesk.gate.keys import HostKey
from helpdesk.gate.merkle import Tree
from helpdesk.platform import read_private, write_private
from helpdesk.store import immediate

HEAD = "checkpoint"


def read_head(folder: Path) -> str | None:
    """The checkpoint remembered outside the database. Raises Failed when the file cannot be read."""
    try:
        return read_private(folder / HEAD).decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def resume(database: sqlite3.Connection, folder: Path, key: HostKey) -> Tree:
    """The tree as it was signed last; the entries after it are still to be added.

    Raises:
        LogUnavailable: the database is not the one that was signed. Nothing is added to such a log, so that
            the evidence stays as it is.
    """
    with immediate(database):
        remembered = read_head(folder)
        row = database.execute(
            "SELECT size, note, edge FROM checkpoints ORDER BY size DESC LIMIT 1"
        ).fetchone()
        entries = head_of(database).seq
        if row is None:
            if entries or remembered is not None:
                raise altered("its signed checkpoints are gone")
            return Tree()
        size, note, edge = row
        tree = _signed_tree(size, note, edge, key)
        if entries < tree.size:
            raise altered(f"it was signed with {tree.size} entries and has {entries}")
        if remembered is not None:
            _check_continues(database, remembered, key)
        if remembered != note:
            write_private(folder / HEAD, note.encode())
    return tree


def _signed_tree(size: int, note: str, edge: bytes, key: HostKey) -> Tree:
    try:
        checkpoint = opened(note, key.public)
        tree = Tree.unpacked(size, edge)
    except ValueError as error:
        raise altered("its last checkpoint is not signed with this host's key") from error
    if (checkpoint.size, checkpoint.root) != (size, tree.root):
        raise altered("its last checkpoint is for other entries")
    return tree


def _check_continues(database: sqlite3.Connection, remembered: str, key: HostKey) -> None:
    try:
        size = opened(remembered, key.public).size
    except ValueError as error:
        raise altered(f"the file {HEAD} beside it is not signed with this host's key") from error
    row = database.execute("SELECT note FROM checkpoints WHERE size = ?", (size,)).fetchone()
    if row is None or row[0] != remembered:
        raise altered(f"it does not continue the {size} entries that were signed before")


def sign(database: sqlite3.Connection, tree: Tree, size: int, now: datetime, key: HostKey) -> Tree:
    """Store a checkpoint over the first ``size`` entries; the caller holds the write lock.

    Args:
        tree: as it was signed last.

    Raises:
        LogUnavailable: entries between are missing.
    """
    grown = _grown(database, tree, size)
    if grown.size != size:  # another process closed a segment, and went on from a newer checkpoint
        grown = _grown(database, _last_signed(database, key), size)
    if grown.size != size:
        raise altered("entries in it are missing")
    note = Checkpoint(key.public.name, size, grown.root, now).signed(key)
    database.execute(
        "INSERT INTO checkpoints (size, note, edge) VALUES (?, ?, ?)", (size, note, grown.packed())
    )
    return grown


def _grown(database: sqlite3.Connection, tree: Tree, size: int) -> Tree:
    rows = database.execute(
        "SELECT hash FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq", (tree.size, size)
    )
    return tree.grown(hash for (hash,) in rows)


def _last_signed(database: sqlite3.Connection, key: HostKey) -> Tree:
    """Raises LogUnavailable."""
    row = database.execute("SELECT size, note, edge FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        return Tree()
    size, note, edge = row
    return _signed_tree(size, note, edge, key)


def remember(database: sqlite3.Connection, folder: Path) -> None:
    """Write the last committed checkpoint to the file outside. Raises Failed, sqlite3.Error."""
    with immediate(database):
        row = database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        write_private(folder / HEAD, row[0].encode())


def altered(why: str) -> LogUnavailable:
    return LogUnavailable(
        f"The log was altered: {why}. Nothing is added to it, so that it stays as evidence.",
        hint="helpdesk log verify says more; to go on, move the folder of the log aside and keep it.",
        code="log-altered",
    )
