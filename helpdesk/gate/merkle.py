"""The hash tree over the log's entries (RFC 6962): grown at its right edge, and proofs checked against it.

A tree of any size is remembered by the roots of its perfect subtrees, the largest first: that many hashes
as the size has one-bits. They suffice to add a leaf and to tell the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Tree:
    """The right edge of a tree.

    Attributes:
        size: number of leaves. edge: roots of the perfect subtrees, the largest first.
    """

    size: int = 0
    edge: tuple[bytes, ...] = ()

    @classmethod
    def unpacked(cls, size: int, data: bytes) -> Tree:
        """From :meth:`packed`. Raises ValueError when the data do not fit the size."""
        if size < 0 or len(data) != 32 * size.bit_count():
            raise ValueError("the stored edge of the tree does not fit its size")
        return cls(size, tuple(data[i : i + 32] for i in range(0, len(data), 32)))

    def packed(self) -> bytes:
        return b"".join(self.edge)

    def grown(self, leaves: Iterable[bytes]) -> Tree:
        """The tree with more leaf hashes at its end."""
        edge, low, level = list(self.edge), [], list(leaves)  # type: list[bytes], list[bytes], list[bytes]
        size, height = self.size + len(level), self.size
        while level:  # one height of the tree after the other
            if height & 1:
                level.insert(0, edge.pop())
            if len(level) & 1:
                low.append(level.pop())
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            height >>= 1
        return Tree(size, (*edge, *reversed(low)))

    @property
    def root(self) -> bytes:
        if not self.edge:
            return EMPTY_ROOT
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node_hash(left, root)
        return root


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that a leaf hash stands at an index of a tree (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size or len(leaf) != 32:
        return False
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0 or len(step) != 32:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistent(size1: int, root1: bytes, size2: int, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that one tree is the beginning of another (RFC 9162, section 2.1.4.2)."""
    if not 0 < size1 <= size2:  # every tree continues the empty one: that says nothing
        return False
    if size1 == size2:
        return not proof and root1 == root2
    steps = list(proof)
    if size1.bit_count() == 1:
        steps.insert(0, root1)
    if not steps or any(len(step) != 32 for step in steps):
        return False
    node, last = size1 - 1, size2 - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == root1 and second == root2
