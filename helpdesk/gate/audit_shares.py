"""A long check of the log on all processors: other processes look at a share of the entries each.

Such a process looks at its entries the short way (:mod:`helpdesk.gate.audit_quick`), and names those that it doubts.
It decides nothing: what it doubts, and everything where it does not answer, is looked at here. The order of the
entries, the tree over them and the checkpoints are always checked here.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.errors import HelpdeskError
from helpdesk.gate.audit_outside import read_only
from helpdesk.gate.audit_quick import ENTRIES, Quick, Raw, batches
from helpdesk.gate.audit_store import DATABASE
from helpdesk.gate.audit_view import Closed, View
from helpdesk.gate.merkle import leaf_hash

if TYPE_CHECKING:
    import subprocess

LEAST = 50_000
"""Entries for which another process is worth its start."""
_MOST, _DOUBTS = 8, 10_000


@dataclass(frozen=True, slots=True)
class _Share:
    first: int
    last: int
    prev: bytes
    process: subprocess.Popen[bytes]

    def doubted(self, prev: bytes) -> frozenset[int] | None:
        """The numbers it doubts; ``None`` where it could not do its share, or began it from another hash."""
        if prev != self.prev:
            self.ended()
            return None
        out, _ = self.process.communicate()
        try:
            return frozenset(json.loads(out)) if self.process.returncode == 0 else None
        except (ValueError, TypeError):
            return None

    def ended(self) -> None:
        """Nobody needs it any more."""
        self.process.kill()
        self.process.communicate()


class Shares:
    """The shares of the other processes, as a context: none outlives it.

    Args:
        view: of the log. after, last: the entries to look at. signed: how many the newest checkpoint is over.
        least: how many of them are worth a process.

    Attributes:
        edges: the numbers after which a share begins or ends.
    """

    def __init__(self, view: View, after: int, last: int, *, signed: int = 0, least: int = LEAST) -> None:
        self._shares = _given_out(view, after, last, signed, least)
        self.edges = frozenset(edge for share in self._shares for edge in (share.first - 1, share.last))
        self._until = after
        self._doubted: frozenset[int] = frozenset()

    def __enter__(self) -> Shares:
        return self

    def __exit__(self, *_: object) -> None:
        for share in self._shares:
            share.ended()

    def vouch(self, rows: Sequence[Raw], first: int, prev: bytes) -> tuple[list[bytes], list[int]] | None:
        """What :meth:`Quick.look` tells of these entries, where another process has looked at them.

        Args:
            rows: of one share; asked in the order of the entries. first, prev: as there.
        """
        if self._shares and self._shares[0].first == first:
            share = self._shares.pop(0)
            doubted = share.doubted(prev)
            if doubted is not None:
                self._until, self._doubted = share.last, doubted
        if first > self._until:
            return None
        leaves, places = [row[2] for row in rows], []
        for place, row in enumerate(rows):
            if row[0] != first + place or first + place in self._doubted:
                leaves[place] = leaf_hash(row[6] or b"")
                places.append(place)
        return leaves, places


def _given_out(view: View, after: int, last: int, signed: int, least: int) -> list[_Share]:
    """The first share is for this process, as far as it has the time for one.

    To look at an entry takes 16 parts of time; to read one that another process vouches for, and add it to the tree,
    takes 4, and this process has SQLite's own check of the file to do as well, with 2 parts for each entry.
    """
    parts = min(os.cpu_count() or 1, _MOST, (last - after) // max(least // 2, 1))
    if parts < 2 or last - after < least or not sys.executable or getattr(sys, "frozen", False):
        return []
    import subprocess

    others = parts - 1
    mine = max((last - after) * max(16 - 6 * others, 0) // (16 + 12 * others), 1)
    edges = [after + mine + (last - after - mine) * n // (parts - 1) for n in range(parts)]
    shares: list[_Share] = []
    for start, end in pairwise(edges):
        try:
            row = view.holding(start).execute("SELECT hash FROM entries WHERE seq = ?", (start,)).fetchone()
        except (HelpdeskError, sqlite3.Error):  # a closed file is gone or damaged: said when its turn comes
            break
        if row is None or not isinstance(row[0], bytes):
            break
        numbers = [str(number) for number in (start, end, signed)]
        command = [sys.executable, "-P", "-m", __name__, str(view.folder), *numbers, row[0].hex()]
        with contextlib.suppress(OSError):  # no process to be had: this one looks at all of it
            process = subprocess.Popen(  # noqa: S603 (this very program)
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            shares.append(_Share(start + 1, end, row[0], process))
    return shares


def doubts(folder: Path, after: int, last: int, signed: int, prev: bytes) -> list[int] | None:
    """The numbers of entries that must be looked at the long way; ``None`` for too many, or where some are missing.

    Args:
        after, last: the entries to look at. signed: how many the newest checkpoint is over.
        prev: the hash that the first one must name.
    """
    found: list[int] = []
    with closing(read_only(folder / DATABASE)) as database, closing(Closed(folder, names=False)) as closed:
        database.execute("BEGIN")
        quick, seq = Quick(database, signed), after
        rows = (
            row
            for source in View(database, closed).sources(after + 1, last)
            for row in source.execute(ENTRIES, (after,))
        )
        for some in batches(rows, after, (last,)):
            leaves, places = quick.look(some, seq + 1, prev)
            found += [seq + 1 + place for place in places]
            seq, prev = seq + len(some), leaves[-1]
            if len(found) > _DOUBTS:
                return None
            if seq == last:
                return found
    return None


def main(folder: str, after: str, last: str, signed: str, prev: str) -> int:
    found = doubts(Path(folder), int(after), int(last), int(signed), bytes.fromhex(prev))
    if found is None:
        return 1
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
