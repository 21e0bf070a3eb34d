"""What the log can be asked: entries, what needs an answer, whose values there are, proofs."""

from __future__ import annotations

import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpdesk.errors import LogUnavailable
from helpdesk.gate import audit_across, audit_proofs
from helpdesk.gate.audit_chain import Entry
from helpdesk.gate.audit_erase import Value
from helpdesk.gate.audit_live import Runs
from helpdesk.gate.audit_segments import Segment
from helpdesk.gate.audit_store import explained
from helpdesk.gate.audit_verify import Tell, Verification, quiet, verify_log
from helpdesk.gate.audit_view import Closed, View, viewing
from helpdesk.gate.keys import HostKey, PublicKey


class LogReading(ABC):
    """The questions; :class:`helpdesk.gate.audit.AuditLog` has the files."""

    _folder: Path
    _guard: threading.RLock
    _key: Callable[[], HostKey]
    _runs: Runs
    _closed: Closed

    @abstractmethod
    def _open(self) -> sqlite3.Connection:
        """A connection to the live file."""

    @abstractmethod
    def _drop(self) -> None:
        """Let connections go; the next question opens them again."""

    @abstractmethod
    def checkpoint(self) -> str:
        """Sign what is not signed yet; the newest checkpoint."""

    @property
    def folder(self) -> Path:
        """Where the log's files are."""
        return self._folder

    def _whole(self) -> DropOnError:
        return DropOnError(self._drop)

    @contextmanager
    def _view(self) -> Iterator[View]:
        """The whole log as it is now. Raises LogUnavailable."""
        with self._guard, explained(self._folder), self._whole(), viewing(self._open(), self._closed) as view:
            yield view

    # ── entries ───────────────────────────────────────────────────────────────────────────────

    def entries(
        self,
        after: int = 0,
        limit: int = 100,
        *,
        before: int | None = None,
        newest_first: bool = False,
        kinds: Collection[str] = (),
    ) -> list[Entry]:
        """Entries in their order, or the newest first.

        Args:
            after, before: only numbers above, and below. limit: at most so many. kinds: only these; all when empty.

        Raises:
            LogUnavailable: the log cannot be read.
        """
        with self._view() as view:
            return audit_across.entries(view, after, before, limit, newest_first, kinds)

    def entry(self, seq: int) -> Entry:
        """One entry. Raises NotFound, LogUnavailable."""
        with self._view() as view:
            return audit_across.entry(view, seq)

    def chosen(self, numbers: Sequence[int]) -> list[Entry]:
        """The entries with these numbers, in their order; what is not there is left out."""
        with self._view() as view:
            return audit_across.chosen(view, numbers)

    def outcomes_of(self, intent: int) -> list[Entry]:
        """How an intent ended, in order: more than once where it was read back later."""
        with self._view() as view:
            return audit_across.outcomes_of(view, intent)

    def undoing(self, seq: int) -> list[Entry]:
        """Intents and requests that name this entry as the one they take back."""
        with self._view() as view:
            return audit_across.undoing(view, seq)

    def open_intents(self) -> list[Entry]:
        """What must be reconciled: interrupted, or carried out with an effect that could not be read back."""
        unended = self.interrupted()
        with self._view() as view:
            return sorted(unended + audit_across.unsettled(view), key=lambda entry: entry.seq)

    def interrupted(self) -> list[Entry]:
        """Intents without any outcome that no living process is carrying out (R2).

        The liveness is looked at first: a run that ends in between has its outcome logged by then.
        """
        with self._view() as view:
            candidates = audit_across.without_outcome(view)
        dead = [entry for entry in candidates if not self._runs.alive(entry.run)]
        if not dead:
            return []
        with self._view() as view:
            still = {entry.seq for entry in audit_across.without_outcome(view)}
        return [entry for entry in dead if entry.seq in still]

    def verify(
        self,
        public_key: PublicKey | None = None,
        checkpoint: str | None = None,
        *,
        since: bool = False,
        tell: Tell = quiet,
    ) -> Verification:
        """Check every entry, personal value, checkpoint and segment.

        Args:
            public_key: whose signatures to believe; this host's when left out. Nothing secret is needed.
            checkpoint: a signed checkpoint that was kept elsewhere; the log must continue it.
            since: look only at what came after that checkpoint.
            tell: is given how many entries were looked at, of how many; what it raises ends the check.

        Raises:
            LogUnavailable: the log cannot be read, or the key cannot be.
            UsageError: what that checkpoint is over was removed by retention, so that nothing can be said.
        """
        with explained(self._folder):
            return verify_log(
                self._folder, public_key or self._key().public, checkpoint, since=since, tell=tell
            )

    def public_key(self) -> PublicKey:
        """Whose signatures the log carries. Raises LogUnavailable."""
        with explained(self._folder):
            return self._key().public

    def segments(self) -> list[Segment]:
        """Every segment that was ever closed, the oldest first, also what retention removed."""
        with self._view() as view:
            return view.segments

    # ── whose values ──────────────────────────────────────────────────────────────────────────

    def ids_of(self, login: str, tell: Tell = quiet) -> set[str]:
        """Args: tell: is given how many entries were looked at, of how many, now and then."""
        with self._view() as view:
            return audit_across.ids_of(view, login, tell)

    def logins_of(self, id: str, tell: Tell = quiet) -> set[str]:
        with self._view() as view:
            return audit_across.logins_of(view, id, tell)

    def values_of(self, id: str, names: Collection[str], tell: Tell = quiet) -> list[Value]:
        """The personal values of one person that are still there."""
        with self._view() as view:
            return audit_across.values_of(view, id, names, tell)

    # ── proofs ────────────────────────────────────────────────────────────────────────────────

    def prove(self, seq: int, checkpoint: str = "", *, names: bool = False) -> dict[str, Any]:
        """The document that proves an entry (``helpdesk.proof/1``).

        Args:
            checkpoint: prove it under this one; under the newest when left out, made now where none covers it.
            names: tell the personal values too.

        Raises:
            NotFound, Failed, LogUnavailable: see :func:`helpdesk.gate.audit_proofs.prove_entry`.
        """
        self.entry(seq)
        with self._guard:
            with self._view() as view:
                note = checkpoint or audit_proofs.newest(view.live, seq)
            note = note or self.checkpoint()
            with self._view() as view:
                return audit_proofs.prove_entry(view, self._key().public, seq, note, names=names)

    def prove_continues(self, old: str) -> dict[str, Any]:
        """The document that proves that the log only grew since an older checkpoint.

        Raises:
            Failed, LogUnavailable: see :func:`helpdesk.gate.audit_proofs.prove_continues`.
        """
        with self._guard:
            note = self.checkpoint()
            with self._view() as view:
                return audit_proofs.prove_continues(view, self._key().public, old, note)


class DropOnError:
    """Closes the connection when SQLite failed on it, so that the next use begins afresh."""

    def __init__(self, drop: Callable[[], None]) -> None:
        self._drop = drop

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (sqlite3.Error, LogUnavailable)):
            self._drop()
