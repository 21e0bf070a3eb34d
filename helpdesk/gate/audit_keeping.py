"""Closing segments of the log and letting old ones go; :class:`helpdesk.gate.audit.AuditLog` has the files."""

from __future__ import annotations

import contextlib
import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from helpdesk.errors import Failed
from helpdesk.gate import audit_across, audit_retain, audit_rotate
from helpdesk.gate.audit_chain import Draft, Sealed, drafted
from helpdesk.gate.audit_links import RETENTION
from helpdesk.gate.audit_reading import LogReading
from helpdesk.gate.audit_retain import Removal
from helpdesk.gate.audit_rotate import Extent, RotateWhen
from helpdesk.gate.audit_segments import Segment
from helpdesk.gate.audit_store import explained
from helpdesk.gate.merkle import Tree
from helpdesk.ports import Clock


class LogKeeping(LogReading):
    """Rotation and retention."""

    _clock: Clock
    _tree: Tree | None

    @abstractmethod
    def _writable(self) -> sqlite3.Connection:
        """The live file, open for writing."""

    @abstractmethod
    def _write(
        self, drafts: Sequence[Draft], also: Callable[[sqlite3.Connection], None] | None = None
    ) -> list[Sealed]:
        """Add entries, and do something more in the same transaction."""

    @abstractmethod
    def _remember(self) -> None:
        """Take the head and the tree from the file again."""

    def extent(self) -> Extent:
        """What the live file holds. Raises LogUnavailable."""
        with self._view() as view:
            return audit_rotate.extent(view.live)

    def rotate(
        self, body: Mapping[str, Any], personal: Mapping[str, str | int], when: RotateWhen | None = None
    ) -> tuple[Segment, int] | None:
        """Close a segment with everything that is logged now; ``None`` when there is nothing to close.

        Args:
            body, personal: of the entry that tells of it, beside what it says of the segment.
            when: only when it is due.

        Returns:
            The segment, and the number of the entry that closed it.

        Raises:
            Failed: somebody else is at it. LogUnavailable: it could not be done, and the log is as it was.
        """
        with self._guard, explained(self._folder), self._whole():
            self._writable()  # makes the folder as well
        with self._guard, audit_rotate.alone(self._folder), explained(self._folder), self._whole():
            database = self._writable()
            audit_rotate.tidy(database, self._folder)
            if when is not None and not audit_rotate.due(database, when, self._clock()):
                return None
            if not self.checkpoint():
                return None
            self._remember()  # afterwards no older one is in the live file
            found = audit_rotate.written(database, self._folder)
            if found is None:
                return None
            segment, told = found
            draft = drafted(audit_across.ROTATION, {**body, **told}, personal)
            (item,) = self._write([draft], lambda live: audit_rotate.move(live, segment))
            audit_rotate.shrink(database)
            return segment, item.seq

    def rotate_when_due(self, when: RotateWhen) -> tuple[Segment, int] | None:
        """Close a segment where the configuration says so, and something was added here; nothing while others do.

        Raises:
            LogUnavailable: it could not be done, and the log is as it was.
        """
        if self._tree is None or (when.entries is None and when.age is None):
            return None
        with self._view() as view:
            if not audit_rotate.due(view.live, when, self._clock()):
                return None
        body = {"action": "log.rotate", "outcome": "done", "by": "configuration"}
        try:
            return self.rotate(body, {}, when)
        except Failed as error:
            if error.code == "busy":
                return None
            raise

    def removable(self, before: datetime, shipped: int) -> Removal:
        """What retention may take away: see :func:`helpdesk.gate.audit_retain.removable`. Raises LogUnavailable."""
        with self._view() as view:
            unended, unsettled = audit_across.waiting(view.live)
            return audit_retain.removable(view.kept, before, shipped, sorted({*unended, *unsettled}))

    def remove(self, removal: Removal, body: Mapping[str, Any], personal: Mapping[str, str | int]) -> int:
        """Add the entry that records a removal, and remove: both, or neither; its number.

        A file that cannot be deleted now is on record as removed all the same, and :meth:`tidy` takes it away.
        Copies of the names may stay in the live file until :meth:`helpdesk.gate.audit.AuditLog.scrub`.

        Raises:
            Failed: somebody else is at it. LogUnavailable: nothing was removed.
        """
        with self._guard, audit_rotate.alone(self._folder), explained(self._folder), self._whole():
            draft = drafted(RETENTION, {**body, **removal.told()}, personal)
            (item,) = self._write([draft], lambda live: audit_retain.forget(live, removal))
            self._closed.close()
            with contextlib.suppress(OSError):  # it is removed by now; whoever asked looks what is left
                audit_retain.delete(self._folder, removal)
            return item.seq

    def tidy(self) -> None:
        """Finish what a rotation or a removal that was cut short left. Raises Failed, LogUnavailable."""
        with self._guard, audit_rotate.alone(self._folder), explained(self._folder), self._whole():
            audit_rotate.tidy(self._writable(), self._folder)
