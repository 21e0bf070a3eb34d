"""Retention: the oldest closed segments leave the log, and the log says which, and that they did.

Only whole segments go, the oldest first, and only such as somebody outside this machine has a signed checkpoint
over: with it, and with an export or a copy of the file, what they held can still be shown to have been in the log.
The entry that records a removal and the removal are one transaction, and what is gone without one is an alarm.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from helpdesk.gate.audit_segments import FOLDER, Segment, take_away
from helpdesk.gate.audit_store import head_of
from helpdesk.platform import sync_folder


@dataclass(frozen=True, slots=True)
class Removal:
    """What may go.

    Attributes:
        segments: the oldest first. why: what keeps the next one, or "" where nothing but its age does.
    """

    segments: tuple[Segment, ...]
    why: str = ""

    @property
    def first(self) -> int:
        return self.segments[0].first

    @property
    def last(self) -> int:
        return self.segments[-1].last

    @property
    def entries(self) -> int:
        return sum(one.last - one.first + 1 for one in self.segments)

    def told(self) -> dict[str, Any]:
        """What the entry that records it says."""
        newest = self.segments[-1]
        return {
            "first": self.first,
            "last": self.last,
            "head": newest.head.hex(),
            "root": newest.root.hex(),
            "began": self.segments[0].began,
            "ended": newest.ended,
            "segments": [one.told() for one in self.segments],
        }


def removable(kept: Collection[Segment], before: datetime, shipped: int, needed: Collection[int]) -> Removal:
    """The segments that may go now.

    Args:
        kept: the oldest first. before: every entry of them was logged before this.
        shipped: a place outside has a signed checkpoint over so many entries.
        needed: numbers of intents whose outcome is still to be read back.
    """
    found: list[Segment] = []
    for segment in kept:
        if datetime.fromisoformat(segment.ended) >= before:
            return Removal(tuple(found))
        if segment.last > shipped:
            return Removal(
                tuple(found),
                f"No place outside has confirmed a checkpoint over entry {segment.last}, the last of segment "
                f"{segment.number}.",
            )
        waits = [seq for seq in needed if segment.first <= seq <= segment.last]
        if waits:
            return Removal(
                tuple(found),
                f"Entry {waits[0]} in segment {segment.number} is about something whose outcome is not known yet.",
            )
        found.append(segment)
    return Removal(tuple(found))


def forget(live: sqlite3.Connection, removal: Removal) -> None:
    """Put the removal on record and let the names and texts go; the caller has added the entry that tells of it,
    and holds the write lock."""
    head = head_of(live)
    (trigger,) = live.execute("SELECT sql FROM sqlite_schema WHERE name = 'personal_stays'").fetchone()
    live.execute("DROP TRIGGER personal_stays")
    live.execute("DELETE FROM personal WHERE seq <= ?", (removal.last,))
    live.execute(trigger)
    live.execute(
        "UPDATE segments SET removed = ?, removed_at = ? WHERE last <= ? AND removed IS NULL",
        (head.seq, head.time, removal.last),
    )


def delete(folder: Path, removal: Removal) -> None:
    """Take the files away; what is left of them, the next one who closes or removes a segment finishes."""
    for segment in removal.segments:
        take_away(segment.path(folder))
    sync_folder(folder / FOLDER)
