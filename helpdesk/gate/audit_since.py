"""Where an incremental check of the log begins: at a signed checkpoint, without reading what came before."""

from __future__ import annotations

from collections.abc import Iterator

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit_proofs import StoredNodes
from helpdesk.gate.audit_view import View
from helpdesk.gate.checkpoint import Checkpoint
from helpdesk.gate.merkle import Tree, includes, leaf_hash
from helpdesk.gate.merkle_proofs import inclusion


def resumed(view: View, checkpoint: Checkpoint) -> tuple[Tree, bytes] | None:
    """The tree as it was signed, and the leaf of its last entry, which the next one must name.

    ``None`` when the log does not simply go on from there: a whole check then says what is wrong.
    """
    size = checkpoint.size
    tree = _signed_tree(view, checkpoint)
    if tree is None or (tree.size, tree.root) != (size, checkpoint.root):
        return None
    last = next((segment for segment in view.segments if segment.last == size), None)
    if last is not None:  # its last entry need not be looked up
        return tree, last.head
    row = view.holding(size).execute("SELECT entry FROM entries WHERE seq = ?", (size,)).fetchone()
    if row is None:
        return None
    leaf = leaf_hash(row[0].encode("utf-8", "surrogatepass"))
    try:
        path = inclusion(size - 1, size, StoredNodes(view))
    except LogUnavailable:
        return None
    return (tree, leaf) if includes(leaf, size - 1, size, path, checkpoint.root) else None


def _signed_tree(view: View, checkpoint: Checkpoint) -> Tree | None:
    """From the stored edge, or where that is gone from the hash of every entry."""
    size = checkpoint.size
    for edge in _edges(view, size):
        try:
            return Tree.unpacked(size, edge)
        except ValueError:
            return None
    tree, gone = Tree(), view.removed
    if gone is not None:
        try:
            tree = Tree.unpacked(gone.last, gone.edge)
        except ValueError:
            return None
    for source in view.sources(tree.size + 1, size):
        rows = source.execute(
            "SELECT hash FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq", (tree.size, size)
        )
        tree = tree.grown(hash for (hash,) in rows)
    return tree


def _edges(view: View, size: int) -> Iterator[bytes]:
    """The tree's edge over so many entries, wherever it is stored."""
    for segment in view.segments:
        if segment.last == size:
            yield segment.edge
    for source in view.sources(size, size):
        row = source.execute("SELECT edge FROM checkpoints WHERE size = ?", (size,)).fetchone()
        if row is not None:
            yield row[0]
