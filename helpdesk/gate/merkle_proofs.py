"""Making the proofs of a hash tree (RFC 6962, section 2.1): that a leaf is in it, and that it continues another.

A proof is a handful of inner hashes. Where those come from is the caller's business: every one of them is the
root of a perfect subtree, or is folded from a few of them.
"""

from __future__ import annotations

from collections.abc import Callable

from helpdesk.gate.merkle import Tree, node_hash

Nodes = Callable[[int, int], bytes]
"""The root of the perfect subtree that begins at a leaf and has 2 ** height leaves."""


def inclusion(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The audit path of a leaf in the tree over the first ``size`` leaves, from the leaf up.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            path.append(_root(middle, end, nodes))
            end = middle
        else:
            path.append(_root(start, middle, nodes))
            start = middle
    return path[::-1]


def consistency(size1: int, size2: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree over the first ``size1`` leaves is the beginning of the one over ``size2``.

    Raises:
        ValueError: there is no such proof.
    """
    if not 0 < size1 <= size2:
        raise ValueError(f"a tree of {size2} leaves does not continue one of {size1}")
    start, end, path, whole = 0, size2, [], True
    while end != size1:
        middle = start + _half(end - start)
        if size1 <= middle:
            path.append(_root(middle, end, nodes))
            end = middle
        else:
            path.append(_root(start, middle, nodes))
            start, whole = middle, False
    if not whole:  # where the old tree is a subtree of the new one, its root is known to whoever checks
        path.append(_root(start, end, nodes))
    return path[::-1]


def over(leaves: list[bytes]) -> Nodes:
    """The nodes of a tree whose leaf hashes are all at hand."""
    return lambda start, height: Tree().grown(leaves[start : start + (1 << height)]).root


def _half(leaves: int) -> int:
    """The largest power of two below a number of leaves."""
    return 1 << (leaves - 1).bit_length() - 1


def _root(start: int, end: int, nodes: Nodes) -> bytes:
    """The root over a run of leaves, folded from its perfect subtrees, the largest first."""
    roots = []
    while start < end:
        height = (end - start).bit_length() - 1
        roots.append(nodes(start, height))
        start += 1 << height
    found = roots.pop()
    while roots:
        found = node_hash(roots.pop(), found)
    return found
