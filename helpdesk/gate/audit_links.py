"""Checking how the segments of the log hang together; part of :mod:`helpdesk.gate.audit_verify` (A4).

That every entry is in its place, and that the signed trees are over these entries, is known by then. What is left:
each closed file is the one that was closed, byte for byte; the table that says where what is agrees with the entries
that closed the segments; and what is missing is missing because an entry records that it was removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpdesk.errors import LogUnavailable, NotFound
from helpdesk.gate.audit_across import ROTATION
from helpdesk.gate.audit_chain import GENESIS
from helpdesk.gate.audit_proofs import StoredNodes
from helpdesk.gate.audit_segments import Segment
from helpdesk.gate.audit_store import DATABASE, FEWER
from helpdesk.gate.audit_view import SegmentGone, View
from helpdesk.gate.merkle import Tree, includes, leaf_hash
from helpdesk.gate.merkle_proofs import inclusion

RETENTION = "retention"
Finding = tuple[int | None, str]
"""The first bad entry, where there is one, and what is wrong."""
_PIECE = 1 << 20
_NOTHING: dict[str, Any] = {"body": {}, "time": None}


def kept_from(gone: Segment | None) -> tuple[Tree, bytes]:
    """Where a whole check begins: the tree over what was removed, and what the first kept entry names.

    Both are as the table has them; :func:`links_broken` holds that to the entry that records the removal.
    """
    if gone is None:
        return Tree(), GENESIS
    try:
        return Tree.unpacked(gone.last, gone.edge), gone.head
    except ValueError:  # altered: no checkpoint will fit it
        return Tree(gone.last, (gone.head,)), gone.head


def counted(view: View, after: int) -> int:
    """How many entries follow, as far as the table and the live file say."""
    closed = sum(one.last - max(one.first - 1, after) for one in view.kept if one.last > after)
    live = view.live.execute("SELECT count(*) FROM entries WHERE seq > ?", (after,)).fetchone()[0]
    return closed + int(live)


def stored_checkpoints(view: View, least: int) -> Iterator[tuple[int, str, bytes]]:
    """Size, note and edge of every checkpoint that is kept over at least so many entries, in order.

    What is wrong with a closed file is said when its turn comes, after the entries before it.
    """
    query = "SELECT size, note, edge FROM checkpoints WHERE size >= ? ORDER BY size"
    for segment in view.kept:
        if segment.last >= least:
            with contextlib.suppress(SegmentGone, sqlite3.DatabaseError):
                yield from view.opened(segment).execute(query, (least,)).fetchall()
    yield from view.live.execute(query, (least,))


def file_of(source: sqlite3.Connection) -> str:
    """The name of the file behind a connection."""
    name = source.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    return Path(name).name or DATABASE


def told_removed(gone: Segment | None) -> dict[str, Any] | None:
    """For ``log verify --json``."""
    if gone is None:
        return None
    return {"first": 1, "last": gone.last, "at": gone.removed_at, "entry": gone.removed}


def links_broken(view: View, signed: Tree) -> Iterator[Finding]:
    """What is wrong with the segments.

    Args:
        signed: the tree over the entries that the check began after: nothing, what retention removed, or what a
            checkpoint was signed over. Of these, older files only have to be there.
    """
    start = signed.size
    yield from _gaps(view)
    closings = _documents(view, ROTATION, start)
    for segment in view.kept:
        if not segment.path(view.folder).is_file():
            yield segment.first, f"{_name(segment)} is gone, and no retention is recorded for it."
        if segment.last > start:
            yield from _changed(view, segment)
        if segment.recorded > start and not segment.fits(closings.pop(segment.recorded, _NOTHING)["body"]):
            yield segment.first, f"{_name(segment)} is not the one that entry {segment.recorded} closed."
    known = {one.recorded for one in view.segments}
    for seq, record in closings.items():
        if seq not in known:
            yield record["body"].get("first"), f"Entry {seq} closed a segment that is not on record."
    yield from _removals(view, signed)


def _gaps(view: View) -> Iterator[Finding]:
    """Each segment begins where the one before ended, and the live file where the last one did."""
    end, kept_already = 0, False
    for number, segment in enumerate(view.segments, 1):
        if (segment.first, segment.number) != (end + 1, number) or segment.last < segment.first:
            yield end + 1, f"{_name(segment)} does not follow entry {end}."
        if segment.removed is not None and kept_already:
            yield segment.first, f"{_name(segment)} was removed, though an older one is kept."
        kept_already = kept_already or segment.removed is None
        end = segment.last
    if view.begins != end + 1:
        yield end + 1, f"The live file begins with entry {view.begins}, and the segments end with {end}."


def _changed(view: View, segment: Segment) -> Iterator[Finding]:
    path = segment.path(view.folder)
    if digest_of(path) != segment.digest or path.stat().st_size != segment.bytes:
        yield (
            None,
            f"{_name(segment)}, the file {path.name}, was changed, though its entries are as they were.",
        )
    row = view.holding(segment.last).execute("SELECT hash FROM entries WHERE seq = ?", (segment.last,))
    if row.fetchone() != (segment.head,):
        yield segment.last, f"{_name(segment)} does not end with the entry that it is said to end with."
    try:
        root = Tree.unpacked(segment.last, segment.edge).root
    except ValueError:
        root = b""
    signed = view.live.execute("SELECT edge FROM checkpoints WHERE size = ?", (segment.last,)).fetchone()
    if root != segment.root or (signed is not None and signed[0] != segment.edge):
        yield segment.last, f"{_name(segment)} does not end with the tree that it is said to end with."


def _removals(view: View, signed: Tree) -> Iterator[Finding]:
    """What is gone is gone by an entry that says so; and what an entry says is gone is treated as gone.

    That entry leaves the log in its turn. Then one that is kept vouches for it: the oldest go first, so whatever
    was older than what that one removed was gone by then.
    """
    removals = _documents(view, RETENTION, signed.size)
    gone = [segment for segment in view.segments if segment.removed is not None]
    last = max((segment.last for segment in gone), default=0)
    for seq, record in removals.items():
        if record["body"].get("last", 0) > last:
            yield None, f"Entry {seq} removed entries that are on record as kept."
    older = {segment.removed or 0 for segment in gone} - removals.keys()
    removals |= {seq: found for seq in sorted(older) if seq > last and (found := _proved(view, seq, signed))}
    vouched = max((int(record["body"].get("first", 0)) for record in removals.values()), default=0)
    for segment in gone:
        record = removals.get(segment.removed or 0, _NOTHING)
        listed = segment.told() in record["body"].get("segments", ()) and record["time"] == segment.removed_at
        went_too = segment.last < (segment.removed or 0) <= last and segment.last < vouched
        if not listed and not went_too:
            yield (
                segment.first,
                f"{_name(segment)} is gone, and entry {segment.removed} does not record that.",
            )


def _proved(view: View, seq: int, signed: Tree) -> dict[str, Any] | None:
    """An entry from before the check began, where it is under the tree that was signed, and tells of a removal."""
    if not 0 < seq <= signed.size:
        return None
    try:
        row = view.holding(seq).execute("SELECT entry FROM entries WHERE seq = ?", (seq,)).fetchone()
        leaf = leaf_hash(row[0].encode("utf-8", "surrogatepass")) if row else b""
        path = inclusion(seq - 1, signed.size, StoredNodes(view)) if row else ()
    except (LogUnavailable, NotFound):
        return None
    if row is None or not includes(leaf, seq - 1, signed.size, path, signed.root):
        return None
    found: dict[str, Any] = json.loads(row[0])
    return found if found["kind"] == RETENTION else None


def _documents(view: View, kind: str, start: int) -> dict[int, dict[str, Any]]:
    """The entries of one kind that were looked at, by their number."""
    found = {}
    for source in view.sources(start + 1):
        rows = source.execute(
            f"SELECT seq, entry FROM entries WHERE kind = ? AND {FEWER} AND seq > ? ORDER BY seq",  # noqa: S608
            (kind, start),
        )
        found.update({seq: json.loads(entry) for seq, entry in rows})
    return found


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _name(segment: Segment) -> str:
    return f"Segment {segment.number} (entries {segment.first} to {segment.last})"
