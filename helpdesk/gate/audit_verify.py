"""Checking the log from outside: the files and the public key are enough; nothing is written.

Found is what was edited, taken out, put in, moved or cut off, a personal value that is not the one committed to,
and a checkpoint that the key did not sign (A1, A2). Named is the first bad entry. Where somebody wrote every later
entry anew as well, no entry contradicts another: then the first checkpoint that does not fit bounds the place.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit_chain import FORM, about, commitment
from helpdesk.gate.audit_found import Tell, Verification, quiet
from helpdesk.gate.audit_links import (
    counted,
    file_of,
    kept_from,
    links_broken,
    stored_checkpoints,
)
from helpdesk.gate.audit_outside import decoded, read_only, says_damaged
from helpdesk.gate.audit_proofs import uncovered
from helpdesk.gate.audit_quick import ENTRIES, Quick, Raw, batches
from helpdesk.gate.audit_seal import read_head
from helpdesk.gate.audit_segments import Segment
from helpdesk.gate.audit_shares import Shares
from helpdesk.gate.audit_since import resumed
from helpdesk.gate.audit_store import DATABASE, ROTATED
from helpdesk.gate.audit_view import Closed, SegmentGone, View
from helpdesk.gate.checkpoint import Checkpoint, opened
from helpdesk.gate.keys import PublicKey
from helpdesk.gate.merkle import Tree, leaf_hash

__all__ = ["Tell", "Verification", "quiet", "verify_log"]


class _Bad(Exception):
    """A finding, not an error of the program."""

    def __init__(self, seq: int | None, problem: str) -> None:
        super().__init__(problem)
        self.seq = seq
        self.problem = problem


class _Row(NamedTuple):
    seq: int
    prev: bytes
    hash: bytes
    time: str
    kind: str
    about: int | None
    entry: str

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.entry.encode("utf-8", "surrogatepass"))


def verify_log(
    folder: Path,
    key: PublicKey,
    checkpoint: str | None = None,
    *,
    since: bool = False,
    tell: Tell = quiet,
) -> Verification:
    """Check the log in a folder, against a checkpoint that was kept elsewhere too where one is given.

    Args:
        since: look only at what came after the checkpoint. Where the log does not simply go on from there,
            everything is looked at, to name the first bad entry.
        tell: is given how many entries were looked at, of how many, now and then; what it raises ends the check.

    Raises:
        LogUnavailable: the files cannot be read.
        UsageError: what the checkpoint is over was removed by retention, so that nothing can be said.
    """
    remembered = read_head(folder)  # before the database, which may grow meanwhile
    path = folder / DATABASE
    if not path.exists():
        missing = remembered is not None or checkpoint is not None
        return Verification(not missing, 0, 1 if missing else None, "", "The log is gone." if missing else "")
    with closing(read_only(path)) as database, closing(Closed(folder, names=False)) as closed:
        check = _Check(database, closed, key, remembered, checkpoint, since=since, tell=tell)
        problem, first_bad = "", None
        try:
            check.run()
        except _Bad as found:
            problem, first_bad = found.problem, found.seq
        except SegmentGone as found:
            problem, first_bad = found.problem, found.segment.first
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if not says_damaged(error):
                raise
            problem, first_bad = f"The file {check.file} is damaged: {error}.", check.good + 1
        return Verification(
            ok=not problem,
            entries=check.entries,
            first_bad=first_bad,
            checkpoint=check.newest_note,
            problem=problem,
            signed=check.newest.size if check.newest else 0,
            erased=check.erased,
            since=check.start.size if check.since else 0,
            segments=check.kept,
            removed=check.removed,
        )


class _Check:
    """One pass over one unchanging view of the database."""

    def __init__(
        self,
        database: sqlite3.Connection,
        closed: Closed,
        key: PublicKey,
        remembered: str | None,
        given: str | None,
        *,
        since: bool,
        tell: Tell,
    ) -> None:
        self._database = database
        self._closed = closed
        self._key = key
        self._remembered = remembered
        self._given = given
        self._tell = tell
        self.since = since
        self.start = Tree()
        self.file = DATABASE
        self.kept = 0
        self.removed: Segment | None = None
        self.entries = 0
        self.good = 0
        self.erased = 0
        self.newest: Checkpoint | None = None
        self.newest_note = ""

    def run(self) -> None:
        """Raises _Bad, sqlite3.Error."""
        self._database.execute("BEGIN")  # one view, whatever is appended meanwhile
        self._view = View(self._database, self._closed)
        self.kept, self.removed = len(self._view.kept), self._view.removed
        tree, prev = self._beginning()
        self._check_file()
        self.start, self.good, self._signed_up_to = tree, tree.size, tree.size
        self.entries = tree.size + counted(self._view, tree.size)
        expected, complaint = self._checkpoints()
        with Shares(self._view, tree.size, self.entries, signed=self._signed()) as shares:
            tree = self._walk(tree, prev, expected, shares)
        if expected:
            raise _Bad(
                tree.size + 1,
                f"The log was cut short: {max(expected)} entries were signed, {tree.size} are there.",
            )
        if complaint:
            raise complaint
        self._check_strays(tree.size)
        for bad, problem in links_broken(self._view, self.start):
            raise _Bad(bad, problem)

    def _walk(self, tree: Tree, prev: bytes, expected: dict[int, list[Checkpoint]], shares: Shares) -> Tree:
        """Every entry in its order; takes out the checkpoints that hold. The tree over all of them."""
        quick = Quick(self._database, self._signed())
        for rows, following in _pairs(batches(self._rows(), tree.size, shares.edges)):
            first, grown = self.good + 1, 0
            leaves, doubted = shares.vouch(rows, first, prev) or quick.look(rows, first, prev)
            signed = expected.keys() & range(first, first + len(rows))
            for seq in sorted(signed.union(first + place for place in doubted)):
                place = seq - first
                self.good = seq - 1
                row, after = rows[place], next(iter(rows[place + 1 :] or following or ()), None)
                if place in doubted:
                    before = leaves[place - 1] if place else prev
                    self._check_row(_read(row), after and _read(after), seq, before)
                self.good = seq
                if seq in signed:
                    tree, grown = tree.grown(leaves[grown : place + 1]), place + 1
                    if any(checkpoint.root != tree.root for checkpoint in expected.pop(seq)):
                        raise _not_as_signed(self._signed_up_to + 1, _read(row), after and _read(after))
                    self._signed_up_to = seq
            tree, prev = tree.grown(leaves[grown:]), leaves[-1]
            self.good = first + len(rows) - 1
            self._tell(self.good, self.entries)
        return tree

    def _signed(self) -> int:
        """How many entries a genuine checkpoint is over; before the entries are checked, that of the signature is."""
        return self.newest.size if self.newest else 0

    def _beginning(self) -> tuple[Tree, bytes]:
        """Where to begin, and what the first entry there must name as the one before."""
        if self.since and self._given is not None:
            try:
                begun = resumed(self._view, opened(self._given, self._key))
            except (ValueError, SegmentGone):
                begun = None  # not genuine: said when the checkpoints are looked at
            if begun is not None:
                return begun
        self.since = False
        return kept_from(self.removed)

    def _check_file(self) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > ROTATED:
            raise LogUnavailable(
                f"The log was written by a newer version of helpdesk (form {version}).",
                hint="Verify it with that version.",
            )
        if self.since:
            return
        for (found,) in self._database.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise _Bad(None, f"The file {DATABASE} is damaged: {found}.")

    # ── entries ───────────────────────────────────────────────────────────────────────────────

    def _rows(self) -> Iterator[Raw]:
        for source in self._view.sources(self.start.size + 1):
            self.file = file_of(source)
            yield from source.execute(ENTRIES, (self.start.size,))

    def _check_row(self, row: _Row, after: _Row | None, expected: int, prev: bytes) -> None:
        if row.seq != expected:
            raise _Bad(max(1, min(row.seq, expected)), f"Entry {expected} is missing.")
        if row.leaf != row.hash:
            raise _Bad(expected, f"Entry {expected} was changed.")
        document = _document(row)
        if document.get("seq") != expected:
            claimed = document.get("seq")
            bad = max(1, min(claimed, expected)) if isinstance(claimed, int) else expected
            raise _Bad(bad, f"Entry {bad} is missing, or others were put in or moved.")
        if document.get("prev") != prev.hex():
            raise self._misfit(row, after, expected)
        columns = (row.prev, row.time, row.kind, row.about)
        kind, body = document.get("kind"), document.get("body")
        told = (
            prev,
            document.get("time"),
            kind,
            about(kind, body) if isinstance(kind, str) and isinstance(body, dict) else None,
        )
        if columns != told or document.get("form") != FORM:
            raise _Bad(expected, f"Entry {expected} was changed.")
        self._check_personal(expected, document.get("personal"))

    def _misfit(self, row: _Row, after: _Row | None, seq: int) -> _Bad:
        """The entry does not follow the one before. Which one is bad, the one that comes after can tell."""
        vouched = self._signed_last(row) if after is None else _document(after).get("prev") == row.leaf.hex()
        bad = seq - 1 if vouched and self._signed_up_to < seq - 1 else seq
        return _Bad(bad, f"Entry {bad} was changed.")

    def _signed_last(self, row: _Row) -> bool:
        """Whether the last entry is as it was signed, by the leaf at the edge of an odd tree."""
        found = self._database.execute("SELECT edge FROM checkpoints WHERE size = ?", (row.seq,)).fetchone()
        return bool(found) and row.seq % 2 == 1 and found[0][-32:] == row.leaf

    def _check_personal(self, seq: int, committed: Any) -> None:
        if not isinstance(committed, dict):
            raise _Bad(seq, f"Entry {seq} was changed.")
        left = dict(committed)
        rows = self._database.execute("SELECT name, salt, value FROM personal WHERE seq = ?", (seq,))
        for name, salt, value in rows:
            promised = left.pop(name, None)
            if promised is None:
                raise _Bad(seq, f"Entry {seq} has a personal value that it never had.")
            if salt is None and value is None:
                self.erased += 1
            elif salt is None or value is None or not _kept(promised, name, salt, value):
                raise _Bad(seq, f"The {name} of entry {seq} was changed.")
        if left:
            raise _Bad(seq, f"The {min(left)} of entry {seq} was taken away, which is not how it is erased.")

    def _check_strays(self, size: int) -> None:
        gone = self.removed.last if self.removed else 0
        for where, values in (("seq <= ?", (gone,)), ("seq > ?", (size,))):
            row = self._database.execute(
                f"SELECT seq FROM personal WHERE {where} ORDER BY seq LIMIT 1",  # noqa: S608
                values,
            ).fetchone()
            if row is not None:
                raise _Bad(row[0], f"There are personal values of an entry {row[0]}, which is missing.")

    # ── checkpoints ───────────────────────────────────────────────────────────────────────────

    def _checkpoints(self) -> tuple[dict[int, list[Checkpoint]], _Bad | None]:
        """Every checkpoint that must hold, by size; and the first complaint about one, for when no entry is bad."""
        expected: dict[int, list[Checkpoint]] = {}
        complaint: _Bad | None = None
        stored: dict[int, str] = {}
        for size, note, edge in stored_checkpoints(self._view, self._oldest()):
            stored[size] = note
            try:
                checkpoint = opened(note, self._key)
                tree = Tree.unpacked(size, edge)
                if (checkpoint.size, checkpoint.root) != (size, tree.root):
                    raise ValueError("it was stored for other entries")  # noqa: TRY301
            except ValueError as error:
                complaint = complaint or _Bad(
                    None, f"The checkpoint at entry {size} is not genuine: {error}."
                )
                continue
            expected.setdefault(size, []).append(checkpoint)
            self.newest, self.newest_note = checkpoint, note
        outside = ((self._remembered, "beside the database"), (self._given, "that was given"))
        for kept, where in outside:
            complaint = self._outside(kept, where, expected) or complaint
        after = {size: due for size, due in expected.items() if size > self.start.size}
        return after, complaint or self._gone(stored)

    def _oldest(self) -> int:
        """The size of the oldest checkpoint to look at: the one beside the database may be older than the start."""
        if not self.start.size or self._remembered is None:
            return self.start.size
        try:
            return min(self.start.size, opened(self._remembered, self._key).size)
        except ValueError:
            return self.start.size  # not genuine: said below

    def _outside(self, note: str | None, where: str, expected: dict[int, list[Checkpoint]]) -> _Bad | None:
        if note is None:
            return None
        try:
            checkpoint = opened(note, self._key)
        except ValueError as error:
            return _Bad(None, f"The checkpoint {where} is not genuine: {error}.")
        if self.removed is not None and note is self._given and checkpoint.size < self.removed.last:
            raise uncovered(checkpoint.size, self.removed)
        if checkpoint.size == self.start.size and checkpoint.size and checkpoint.root != self.start.root:
            return _Bad(checkpoint.size, f"The log does not continue the checkpoint {where}.")
        if checkpoint.size:
            expected.setdefault(checkpoint.size, []).append(checkpoint)
        if self.newest is None or checkpoint.size > self.newest.size:
            self.newest, self.newest_note = checkpoint, note
        return None

    def _gone(self, stored: dict[int, str]) -> _Bad | None:
        if self.entries and not stored:
            return _Bad(None, "The signed checkpoints were taken away.")
        if self._remembered is None and self._given is None and len(stored) > 1:
            return _Bad(None, "The checkpoint beside the database was taken away.")
        if self._remembered is not None and self._remembered not in stored.values():
            return _Bad(None, "The checkpoint beside the database is not in it: one of them was replaced.")
        return None


def _kept(promised: Any, name: str, salt: bytes, value: str) -> bool:
    try:
        return bool(commitment(name, salt, value) == promised)
    except UnicodeEncodeError:  # bytes that are no text cannot have been committed to
        return False


def _not_as_signed(start: int, row: _Row, after: _Row | None) -> _Bad:
    """A checkpoint does not fit. The entry after it may still tell that only the last one is bad."""
    end = row.seq
    if start == end or (after is not None and _document(after).get("prev") != row.leaf.hex()):
        return _Bad(end, f"Entry {end} was changed.")
    return _Bad(start, f"Entries {start} to {end} are not the ones that were signed.")


def _read(row: Raw) -> _Row:
    """A row as text, also where that is none."""
    seq, prev, hash, time, kind, about, entry = row
    return _Row(seq, prev, hash, decoded(time), decoded(kind), about, decoded(entry))


def _pairs(batches: Iterator[list[Raw]]) -> Iterator[tuple[list[Raw], list[Raw] | None]]:
    """Some rows with those after them; where these cannot be read, the rows themselves still have their turn."""
    rows = next(batches, None)
    while rows is not None:
        try:
            after = next(batches, None)
        except (sqlite3.Error, UnicodeDecodeError, SegmentGone):
            yield rows, None
            raise
        yield rows, after
        rows = after


def _document(row: _Row) -> dict[str, Any]:
    try:
        found = json.loads(row.entry)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _Bad(row.seq, f"Entry {row.seq} was changed.")
    return found
