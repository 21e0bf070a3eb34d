"""Proofs out of the log: that an entry is under a signed checkpoint, and that one checkpoint continues another.

The inner hashes come from the edges that are stored with the checkpoints: the edge of a tree holds every perfect
subtree that stands on the left, so that a proof over a million entries reads a few dozen rows. What is handed out
was checked first, against the signed root.
"""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

from helpdesk.errors import Failed, LogUnavailable, NotFound, UsageError
from helpdesk.gate.audit_seal import altered
from helpdesk.gate.audit_segments import Segment
from helpdesk.gate.audit_view import View
from helpdesk.gate.checkpoint import Checkpoint, opened
from helpdesk.gate.keys import PublicKey
from helpdesk.gate.merkle import Tree, consistent, includes, leaf_hash, node_hash
from helpdesk.gate.merkle_proofs import consistency, inclusion

SCHEMA = "helpdesk.proof/1"
_FEW = 3
"""Up to this height a subtree is made from its leaves: one row each, read in one go."""


Edges = Callable[[int, int], Iterator[tuple[int, bytes]]]


class StoredNodes:
    """The nodes of the log's tree, as far as entries are there. Raises LogUnavailable where they are not.

    What retention took away is still known by the tree's edge as it stood where the kept part begins.
    """

    def __init__(self, view: View) -> None:
        self._view = view

    def __call__(self, start: int, height: int) -> bytes:
        found = self._closed(start, height)
        if found is None and height <= _FEW:
            leaves = self._leaves(start, start + (1 << height))
            if len(leaves) == 1 << height:
                return Tree().grown(leaves).root
        found = found or self._stored(start, height)
        if found is None and not height:
            raise altered("entries in it are missing")
        return found or self._folded(start, height)

    def _leaves(self, start: int, end: int) -> list[bytes]:
        return [
            hash
            for source in self._view.sources(start + 1, end)
            for (hash,) in source.execute(
                "SELECT hash FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq", (start, end)
            )
        ]

    def _closed(self, start: int, height: int) -> bytes | None:
        """From where a segment ended, which is known without opening it."""
        return self._at_edge(start, height, self._ends)

    def _stored(self, start: int, height: int) -> bytes | None:
        """From the edge of a checkpoint."""
        return self._at_edge(start, height, self._checkpoints)

    def _at_edge(self, start: int, height: int, edges: Edges) -> bytes | None:
        """Only a subtree on the left ever stands in the edge of a larger tree."""
        place = start >> height
        if place & 1:
            return None
        for size, edge in edges((place + 1) << height, (place + 2) << height):
            before = (size >> height + 1).bit_count()
            return bytes(edge[32 * before : 32 * before + 32]) or None
        return None

    def _ends(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        return ((one.last, one.edge) for one in self._view.segments if first <= one.last < end)

    def _checkpoints(self, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Trees of at least so many leaves, and of fewer than so many."""
        for source in self._view.sources(first, end):
            row = source.execute(
                "SELECT size, edge FROM checkpoints WHERE size >= ? AND size < ? LIMIT 1", (first, end)
            ).fetchone()
            if row is not None:
                yield row

    def _folded(self, start: int, height: int) -> bytes:
        half = height - 1
        return node_hash(self(start, half), self(start + (1 << half), half))


def newest(live: sqlite3.Connection, least: int = 0) -> str:
    """The newest stored checkpoint over at least so many entries; "" when there is none."""
    row = live.execute(
        "SELECT note FROM checkpoints WHERE size >= ? ORDER BY size DESC LIMIT 1", (least,)
    ).fetchone()
    return str(row[0]) if row else ""


def prove_entry(view: View, key: PublicKey, seq: int, note: str, *, names: bool) -> dict[str, Any]:
    """The document that proves an entry to whoever has a checkpoint, or only the public key.

    Args:
        note: the signed checkpoint to prove it under. names: tell the personal values too, with their salts.

    Raises:
        NotFound: there is no such entry. Failed: the checkpoint is not this log's, or is older than the entry.
        LogUnavailable: the log was altered, so that there is no proof.
    """
    checkpoint = _opened(note, key)
    row = view.holding(seq).execute("SELECT entry FROM entries WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise NotFound(f"The log has no entry {seq}.", hint="helpdesk log list shows the newest.")
    if seq > checkpoint.size:
        raise Failed(
            f"Entry {seq} is not under that checkpoint, which was signed over {checkpoint.size} entries.",
            hint="Leave the checkpoint out, or give a newer one.",
            code="proof",
        )
    leaf = leaf_hash(row[0].encode())
    path = inclusion(seq - 1, checkpoint.size, StoredNodes(view))
    if not includes(leaf, seq - 1, checkpoint.size, path, checkpoint.root):
        raise altered(f"entry {seq} does not stand where the signed checkpoint has it")
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "inclusion",
        "entry": row[0],
        "leaf": b64encode(leaf).decode(),
        "index": seq - 1,
        "size": checkpoint.size,
        "path": [b64encode(step).decode() for step in path],
        "checkpoint": note,
    }
    if names:
        document["personal"] = _opened_values(view.live, seq)
    return document


def prove_continues(view: View, key: PublicKey, old: str, note: str) -> dict[str, Any]:
    """The document that proves that the log only grew since a checkpoint that was kept elsewhere.

    Args:
        note: the newest checkpoint of the log; "" when it is empty.

    Raises:
        Failed: the kept checkpoint is not this log's. LogUnavailable: the log does not continue it.
        UsageError: what it is over was removed by retention.
    """
    first = _opened(old, key)
    second = _opened(note, key) if note else None
    if second is None or first.size > second.size:
        raise _forked(first.size)
    _still_here(view, first.size)
    try:
        path = consistency(first.size, second.size, StoredNodes(view))
    except ValueError as error:  # a checkpoint over nothing
        raise Failed(
            "That checkpoint is over no entries, so that every log continues it.", code="proof"
        ) from error
    if not consistent(first.size, first.root, second.size, second.root, path):
        raise _forked(first.size)
    return {
        "schema": SCHEMA,
        "kind": "consistency",
        "old": old,
        "old_size": first.size,
        "size": second.size,
        "path": [b64encode(step).decode() for step in path],
        "checkpoint": note,
    }


def _still_here(view: View, size: int) -> None:
    """Raises UsageError."""
    gone = view.removed
    if gone is not None and size < gone.last:
        raise uncovered(size, gone)


def uncovered(size: int, gone: Segment) -> UsageError:
    """Nothing can be said about a checkpoint whose entries retention took away."""
    return UsageError(
        f"That checkpoint is over {size} entries. Entries 1 to {gone.last} were removed by retention on "
        f"{gone.removed_at[:10]}, as entry {gone.removed} records, so whether the log continues it cannot be shown.",
        hint=f"Give a checkpoint over {gone.last} entries or more.",
        code="removed",
    )


def _opened(note: str, key: PublicKey) -> Checkpoint:
    try:
        return opened(note, key)
    except ValueError as error:
        raise Failed(
            f"That is no checkpoint of this log: {error}.",
            hint="helpdesk log checkpoint prints one.",
            code="checkpoint",
        ) from error


def _forked(size: int) -> LogUnavailable:
    return LogUnavailable(
        f"The log does not continue the {size} entries of that checkpoint.",
        hint="helpdesk log verify --checkpoint FILE names the first bad entry.",
        code="log-altered",
    )


def _opened_values(database: sqlite3.Connection, seq: int) -> dict[str, dict[str, str]]:
    """What is needed to check each personal value against its commitment; erased ones are left out."""
    rows = database.execute(
        "SELECT name, salt, value FROM personal WHERE seq = ? AND salt IS NOT NULL ORDER BY name", (seq,)
    )
    return {name: {"salt": b64encode(salt).decode(), "value": value} for name, salt, value in rows}
