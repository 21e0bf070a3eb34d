"""The live file and the closed segments as one log: which file holds which entries, each opened when it is needed.

The newest entries are in the live file, so most questions never open another. Names and texts are all in the live
file; a closed segment is opened with it at its side, so that one query reads both.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from helpdesk.errors import LogUnavailable, NotFound
from helpdesk.gate.audit_segments import FOLDER, NEXT, Segment, last_removed, segments_of
from helpdesk.gate.audit_store import DATABASE

_KEPT_OPEN = 8
_END = 2**62


class SegmentGone(LogUnavailable):
    """A closed segment that nobody removed on record is not there."""

    def __init__(self, segment: Segment, why: str = "is gone, and no retention is recorded for it") -> None:
        what = f"egment {segment.number} (entries {segment.first} to {segment.last}) {why}."
        super().__init__(
            f"The log was altered: s{what}",
            hint="helpdesk log verify says more; restore that file from a backup.",
            code="log-altered",
        )
        self.segment = segment
        self.problem = f"S{what}"


class Closed:
    """Connections to closed segments, a few kept open; not for several threads at once.

    Args:
        folder: of the log. names: with the live file's personal values at their side.
    """

    def __init__(self, folder: Path, *, names: bool = True) -> None:
        self.folder = folder
        self._names = names
        self._open: OrderedDict[Segment, sqlite3.Connection] = OrderedDict()

    def connection(self, segment: Segment) -> sqlite3.Connection:
        """Raises SegmentGone, sqlite3.Error."""
        found = self._open.pop(segment, None) or self._connect(segment)
        self._open[segment] = found
        while len(self._open) > _KEPT_OPEN:
            self._open.popitem(last=False)[1].close()
        return found

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _connect(self, segment: Segment) -> sqlite3.Connection:
        path = segment.path(self.folder)
        try:
            length = path.stat().st_size
        except FileNotFoundError as error:
            raise SegmentGone(segment) from error
        if self._names and length != segment.bytes:
            raise SegmentGone(segment, "is not the file that was closed")
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if self._names:
                live = f"{(self.folder / DATABASE).absolute().as_uri()}?mode=ro"
                database.execute("ATTACH DATABASE ? AS live", (live,))
            else:
                database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        except BaseException:
            database.close()
            raise
        return database


class View:
    """The whole log as it is at one moment. Made by :func:`viewing`.

    Attributes:
        live: the live file. folder: of the log. begins: the number of the first entry there; 1 for an empty log.
    """

    def __init__(self, live: sqlite3.Connection, closed: Closed) -> None:
        self.live = live
        self._closed = closed
        self.folder = closed.folder
        row = live.execute("SELECT min(seq) FROM entries").fetchone()
        self.begins: int = row[0] or 1
        self._segments: list[Segment] | None = None

    @property
    def segments(self) -> list[Segment]:
        """Also those that were removed; the oldest first."""
        if self._segments is None:
            self._segments = segments_of(self.live)
        return self._segments

    @property
    def kept(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.removed is None]

    @property
    def removed(self) -> Segment | None:
        """The newest segment that retention took away."""
        return last_removed(self.live)

    def sources(
        self,
        first: int = 1,
        last: int = _END,
        *,
        newest_first: bool = False,
        kinds: Collection[str] = (),
    ) -> Iterator[sqlite3.Connection]:
        """The files that hold entries between two numbers, in their order; each is opened when its turn comes.

        Args:
            kinds: leave out files without an entry of these kinds; all when empty.

        Raises:
            SegmentGone, sqlite3.Error: one cannot be opened.
        """
        if newest_first and last >= self.begins:
            yield self.live
        for segment in self._older(first, last, newest_first=newest_first, kinds=kinds):
            opened = self._present(segment)
            if opened is not None:
                yield opened
        if not newest_first and last >= self.begins:
            yield self.live

    def _older(self, first: int, last: int, *, newest_first: bool, kinds: Collection[str]) -> list[Segment]:
        if first >= self.begins or self.begins <= 1:
            return []
        chosen = [
            segment
            for segment in self.kept
            if segment.last >= first
            and segment.first <= last
            and (not kinds or not segment.kinds.isdisjoint(kinds))
        ]
        return chosen[::-1] if newest_first else chosen

    def holding(self, seq: int) -> sqlite3.Connection:
        """The file with an entry of this number, where there is one.

        Raises:
            NotFound: it was removed, and how that is known.
        """
        if seq >= self.begins:
            return self.live
        for source in self.sources(seq, seq):
            return source
        for segment in self.segments:
            if segment.first <= seq <= segment.last:
                raise removed(seq, segment)
        return self.live

    def opened(self, segment: Segment) -> sqlite3.Connection:
        """Raises SegmentGone, sqlite3.Error."""
        return self._closed.connection(segment)

    def _present(self, segment: Segment) -> sqlite3.Connection | None:
        """``None`` when retention took it away since this view began."""
        try:
            return self.opened(segment)
        except SegmentGone:
            if _removed_since(self._closed.folder, segment):
                return None
            raise


@contextmanager
def viewing(live: sqlite3.Connection, closed: Closed) -> Iterator[View]:
    """One unchanging view of the live file and of what was closed before it."""
    if live.in_transaction:
        yield View(live, closed)
        return
    live.execute("BEGIN")
    try:
        yield View(live, closed)
    finally:
        with contextlib.suppress(sqlite3.Error):  # nothing was written; a broken connection is closed anyway
            if live.in_transaction:
                live.execute("COMMIT")


def removed(seq: int, gone: Segment) -> NotFound:
    return NotFound(
        f"Entry {seq} was removed by retention on {gone.removed_at[:10]}, as entry {gone.removed} records.",
        hint=f"helpdesk log show {gone.removed}",
        code="removed",
    )


def _removed_since(folder: Path, segment: Segment) -> bool:
    live = f"{(folder / DATABASE).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(live, uri=True)) as database:
        gone = last_removed(database)
    return gone is not None and gone.last >= segment.last


def leftovers(folder: Path, live: sqlite3.Connection) -> list[Path]:
    """Files that a rotation or a removal left when it was cut short: what they hold is in the live file, or is
    recorded as removed. Any other file stays, as evidence."""
    place = folder / FOLDER
    if not place.is_dir():
        return []
    segments = segments_of(live)
    known = {segment.file for segment in segments}
    gone = {segment.file for segment in segments if segment.removed is not None}
    begins = segments[-1].last + 1 if segments else 1
    found = []
    for path in place.glob("*.db"):
        first = path.stem.partition("-")[0]
        unknown = path.name not in known and first.isdigit() and int(first) >= begins
        if path.name == NEXT or path.name in gone or unknown:
            found.append(path)
    return sorted(found)
