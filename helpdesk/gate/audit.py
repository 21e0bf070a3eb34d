"""The audit log: what cannot be logged does not happen (R1), and what was logged cannot be quietly altered (A1).

Every entry names the hash of the one before. A checkpoint signed with the host's key says how many entries
there are and what the tree over them is; it is renewed with every outcome, approval and sign-in, with the first
entry of a process, and at least every minute of use. The last one also stands in a file beside the database,
so that a database that was cut short, restored or replaced is noticed.

The limits: whoever has this account has the key as well, and can put back the whole folder as it was, or write
the log anew and sign it. Only a checkpoint that was kept elsewhere shows that (``verify(checkpoint=…)``). And
what was cut off after the last checkpoint is not missed.

Appending uses sqlite3 directly; sqlite-utils, which is ten times slower at it, builds the export for searching
(:mod:`helpdesk.gate.audit_export`).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from helpdesk.errors import Failed
from helpdesk.gate import audit_erase, audit_read, audit_seal
from helpdesk.gate.audit_chain import Draft, Entry, Head, Sealed, about, drafted
from helpdesk.gate.audit_erase import Value
from helpdesk.gate.audit_keeping import LogKeeping
from helpdesk.gate.audit_live import Runs
from helpdesk.gate.audit_post import Post
from helpdesk.gate.audit_store import DATABASE, explained, hash_of, head_of, insert, open_store
from helpdesk.gate.audit_together import Together
from helpdesk.gate.audit_turn import Turn
from helpdesk.gate.audit_verify import Verification
from helpdesk.gate.audit_view import Closed
from helpdesk.gate.keys import HostKey
from helpdesk.gate.merkle import Tree
from helpdesk.ports import Clock
from helpdesk.store import BUSY_SECONDS, immediate

__all__ = ["AuditLog", "Entry", "Verification"]

CHECKPOINT_KINDS = frozenset(
    {"outcome", "approval", "request", "sign-in", "erasure", "rotation", "retention"}
)
CHECKPOINT_SECONDS = 60.0
_IN_ACTIONS = frozenset({"intent", "outcome"})


class AuditLog(LogKeeping):
    """The log of this machine; safe to use from several threads, and by several processes at once.

    Args:
        folder: private; made when it is not there. clock: now, with a time zone.
        key: gives the host's key; asked at the first entry. busy: seconds to wait for another writer.

    Attributes:
        on_signed: called with every new checkpoint, once it is on the disk; must return at once and raise nothing.
    """

    def __init__(
        self, folder: Path, clock: Clock, key: Callable[[], HostKey], *, busy: float = BUSY_SECONDS
    ) -> None:
        self._folder = folder
        self._path = folder / DATABASE
        self._clock = clock
        self._key = key
        self._busy = busy
        self._guard = threading.RLock()
        self._turn = Turn(folder, busy)
        self._post = Post(folder)
        self._together = Together(self._guard)
        self._runs = Runs(folder / "running")
        self._closed = Closed(folder)
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] = (0, 0)
        self._tree: Tree | None = None
        self._known = Head()
        self._told = 0
        self._signed_at: float | None = None
        self._head_due = False
        self.on_signed: Callable[[], None] | None = None

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def append(self, kind: str, body: Mapping[str, Any], personal: Mapping[str, str | int]) -> int:
        """Add an entry; its number, once it is on the disk.

        An ``intent`` counts as being carried out until the ``outcome`` that names it is appended, or fails to
        be, or the process ends. Threads that add at the same time wait for the disk once, together.

        Args:
            body: plain JSON values without floats; stays for ever, so nothing personal belongs in it.
            personal: stands beside the chain, and can be erased later.

        Raises:
            LogUnavailable: it is not durable. TypeError: a value is no plain JSON value.
        """
        return self.append_many([(kind, body, personal)])[0]

    def append_many(
        self, entries: Sequence[tuple[str, Mapping[str, Any], Mapping[str, str | int]]]
    ) -> list[int]:
        """Add entries one after the other in one commit; their numbers, once all are on the disk.

        Args:
            entries: kind, body and personal values of each, as :meth:`append` takes them.

        Raises:
            LogUnavailable: none of them is durable. TypeError: a value is no plain JSON value; none was added.
        """
        ends = [intent for kind, body, _ in entries if (intent := about(kind, body)) is not None]
        runs: list[str] = []
        drafts: list[Draft] = []
        try:
            with explained(self._folder):
                try:
                    for kind, body, personal in entries:
                        runs.append(self._runs.begin() if kind == "intent" else "")
                        drafts.append(drafted(kind, body, personal, runs[-1]))
                    gather = not _IN_ACTIONS.isdisjoint([one.kind for one in drafts])
                    numbers = self._together.add(drafts, self._number, gather=gather) if drafts else ()
                except BaseException:
                    for run in filter(None, runs):
                        self._runs.drop(run)
                    raise
                for run, number in zip(runs, numbers, strict=True):
                    if run:
                        self._runs.logged(run, number)
                return list(numbers)
        finally:
            for intent in ends:
                self._runs.ended(intent)

    def company(self) -> AbstractContextManager[None]:
        """For one of several actions that are carried out at the same time, each in threads of its own.

        What they log of their intents and outcomes waits a few hundredths of a second for one another, and then
        for the disk once.
        """
        return self._together.company()

    def checkpoint(self) -> str:
        """The signed checkpoint over everything that is logged now; "" for an empty log.

        Raises:
            LogUnavailable: the log cannot be used, or was altered.
        """
        with self._guard, explained(self._folder):
            database = self._writable()
            with self._whole(), self._turn, immediate(database):
                size = head_of(database).seq
                assert self._tree is not None
                signed = None
                if (
                    size
                    and not database.execute("SELECT 1 FROM checkpoints WHERE size = ?", (size,)).fetchone()
                ):
                    signed = audit_seal.sign(database, self._tree, size, self._clock(), self._key())
            if signed:
                self._signed(signed)
            return audit_read.last_note(database)

    def sign_due(self) -> None:
        """Sign what this process logged, where the last checkpoint is as old as one may be.

        Raises:
            LogUnavailable: as for :meth:`checkpoint`.
        """
        with self._guard:
            if self._tree is not None and self._last > self._tree.size and self._due():
                self.checkpoint()

    def close(self) -> None:
        """Sign what is not signed yet, and let the files go; the log opens again when it is used.

        Raises:
            LogUnavailable: the last entries could not be signed.
        """
        with self._guard:
            try:
                if self._tree is not None and self._last > self._tree.size:
                    self.checkpoint()
            finally:
                self._runs.close()
                self._post.close()
                self._drop()

    def erase(
        self, values: Sequence[Value], body: Mapping[str, Any], personal: Mapping[str, str | int]
    ) -> int:
        """Add the entry that tells of an erasure, and erase these values: both, or neither; its number.

        Raises:
            LogUnavailable: nothing was erased.
        """
        with self._guard, explained(self._folder):
            draft = drafted("erasure", body, personal)
            return self._write([draft], lambda db: audit_erase.erase(db, values))[0].seq

    def scrub(self) -> bool:
        """See :func:`helpdesk.gate.audit_erase.scrub`. Raises LogUnavailable."""
        with self._guard, explained(self._folder), self._whole():
            database = self._writable()
            with self._turn:
                self._post.settle(lambda seq: hash_of(database, seq))
                self._post.tidy()
            return audit_erase.scrub(database)

    def _number(self, drafts: Sequence[Draft]) -> Sequence[int]:
        """Add entries, here or by whoever has the turn; the caller holds the guard."""
        database, left = self._writable(), False

        def leave() -> None:
            nonlocal left
            left = self._post.leave(drafts, self._busy)

        with self._whole():
            try:
                self._turn.take(leave)
            except BaseException:
                if left:
                    self._post.withdraw()
                raise
            try:
                first = self._answer(database) if left else None
                if first is not None:
                    self._answered(first + len(drafts) - 1, drafts)
                    return range(first, first + len(drafts))
                return [item.seq for item in self._in_turn(database, drafts)]
            finally:
                self._turn.give()

    def _answer(self, database: sqlite3.Connection) -> int | None:
        """The number of what was left, where another process has written it."""
        self._post.settle(lambda seq: hash_of(database, seq))
        return self._post.answer()

    def _answered(self, last: int, drafts: Sequence[Draft]) -> None:
        self._told = max(self._told, last)
        if self.on_signed is not None and not CHECKPOINT_KINDS.isdisjoint([one.kind for one in drafts]):
            self.on_signed()

    def _write(
        self, drafts: Sequence[Draft], also: Callable[[sqlite3.Connection], None] | None = None
    ) -> list[Sealed]:
        """``also`` is done in the same transaction; the caller holds the guard.

        What other processes left is added behind, unless something else is done with it.
        """
        database = self._writable()
        with self._whole(), self._turn:
            return self._in_turn(database, drafts, also)

    def _in_turn(
        self,
        database: sqlite3.Connection,
        drafts: Sequence[Draft],
        also: Callable[[sqlite3.Connection], None] | None = None,
    ) -> list[Sealed]:
        if not self._post.is_used(surely=also is not None):
            return self._commit(database, drafts, (), also)
        self._post.settle(lambda seq: hash_of(database, seq))
        others = self._post.held() if also is None else []
        try:
            return self._commit(database, drafts, others, also)[: len(drafts)]
        finally:
            if others:
                self._post.settle(lambda seq: hash_of(database, seq))

    def _commit(
        self,
        database: sqlite3.Connection,
        drafts: Sequence[Draft],
        others: Sequence[tuple[int, Sequence[Draft]]],
        also: Callable[[sqlite3.Connection], None] | None,
    ) -> list[Sealed]:
        tree, signed = self._tree, None
        assert tree is not None  # _writable has read it
        sealed: list[Sealed] = []
        with immediate(database):
            head = head_of(database)
            if head.seq < self._known.seq or (head.seq == self._known.seq and head.hash != self._known.hash):
                raise audit_seal.altered("entries that were in it are gone")
            for draft in [*drafts, *(draft for _, left in others for draft in left)] if others else drafts:
                now = self._clock()
                item = draft.sealed(head, now)
                head = Head(item.seq, item.hash, item.time)
                sealed.append(item)
            start = len(drafts)
            for place, left in others:
                self._post.promise(place, sealed[start].seq, sealed[start].hash)
                start += len(left)
            insert(database, sealed)
            if also is not None:
                also(database)
            if self._due() or not CHECKPOINT_KINDS.isdisjoint([item.kind for item in sealed]):
                signed = audit_seal.sign(database, tree, head.seq, now, self._key())
        self._known = head
        if signed is not None:
            self._signed(signed)
        return sealed

    @property
    def _last(self) -> int:
        """The last entry that is known here."""
        return max(self._known.seq, self._told)

    def _due(self) -> bool:
        return self._signed_at is None or time.monotonic() - self._signed_at >= CHECKPOINT_SECONDS

    def _signed(self, tree: Tree) -> None:
        """A checkpoint is committed: remember it outside the database too.

        The entry is durable whether that works or not, so a failure is reported by the next append, before
        that one does anything.
        """
        self._tree, self._signed_at, self._head_due = tree, time.monotonic(), True
        try:
            self._remember()
        except (Failed, sqlite3.Error, OSError):
            self._head_due = True
        if self.on_signed is not None:
            self.on_signed()

    def _remember(self) -> None:
        assert self._database is not None
        with self._turn:
            audit_seal.remember(self._database, self._folder)
        self._head_due = False

    # ── the connection ────────────────────────────────────────────────────────────────────────

    def _writable(self) -> sqlite3.Connection:
        """The database, known to continue what was signed last.

        Raises:
            Failed, sqlite3.Error: it cannot be used. LogUnavailable: it was altered.
        """
        database = self._open()
        if self._tree is None:
            with self._whole():
                self._tree = audit_seal.resume(database, self._folder, self._key())
        if self._head_due:
            with self._whole():
                self._remember()
        return database

    def _open(self) -> sqlite3.Connection:
        """The connection, opened anew when the file under it was taken away."""
        if self._database is not None:
            try:
                found = os.stat(self._path)  # Path.stat takes twice as long, at every entry
            except OSError:
                self._drop()
            else:
                if (found.st_dev, found.st_ino) != self._file:
                    self._drop()
        if self._database is None:
            self._database = open_store(self._path, self._busy)
            found = os.stat(self._path)
            self._file = (found.st_dev, found.st_ino)
            self._tree = None
        return self._database

    def _drop(self) -> None:
        self._closed.close()
        if self._database is not None:
            self._database.close()
            self._database = None
            self._tree = None

    def __del__(self) -> None:
        if self.__dict__.get("_database") is not None:
            self._drop()
