"""Where an incremental check of the log begins: at a signed checkpoint, without reading what came before."""

from __future__ import annotations

import sqlite3

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit_proofs import StoredNodes
from helpdesk.gate.checkpoint import Checkpoint
from helpdesk.gate.merkle import Tree, includes, leaf_hash
from helpdesk.gate.merkle_proofs import inclusion


def resumed(database: sqlite3.Connection, checkpoint: Checkpoint) -> tuple[Tree, bytes] | None:
    """The tree as it was signed, and the leaf of its last entry, which the next one must name.

    ``None`` when the log does not simply go on from there: a whole check then says what is wrong.
    """
    size = checkpoint.size
    row = database.execute("SELECT entry FROM entries WHERE seq = ?", (size,)).fetchone()
    if row is None:
        return None
    tree = _signed_tree(database, checkpoint)
    if tree is None or (tree.size, tree.root) != (size, checkpoint.root):
        return None
    leaf = leaf_hash(row[0].encode("utf-8", "surrogatepass"))
    try:
        path = inclusion(size - 1, size, StoredNodes(database))
    except LogUnavailable:
        return None
    return (tree, leaf) if includes(leaf, size - 1, size, path, checkpoint.root) else None


def _signed_tree(database: sqlite3.Connection, checkpoint: Checkpoint) -> Tree | None:
    """From the stored edge, or where that is gone from the hash of every entry."""
    row = database.execute("SELECT edge FROM checkpoints WHERE size = ?", (checkpoint.size,)).fetchone()
    if row is None:
        rows = database.execute("SELECT hash FROM entries WHERE seq <= ? ORDER BY seq", (checkpoint.size,))
        return Tree().grown(hash for (hash,) in rows)
    try:
        return Tree.unpacked(checkpoint.size, row[0])
    except ValueError:
        return None
