"""What is known outside this machine, in words: how far, since when, and what a loss here would hide (A3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far one place knows the log.

    Attributes:
        sink: its address. what: signed checkpoints, or every entry.
        known: so many entries are known there. entries: so many there are.
        at: when it took something last. waiting_since: when the first entry it does not know was logged.
        problem: why the last try failed, or "". next_try: not before. confirms: sent means arrived there.
    """

    sink: str
    what: Literal["checkpoints", "entries"]
    known: int
    entries: int
    at: datetime | None = None
    waiting_since: str = ""
    problem: str = ""
    next_try: datetime | None = None
    confirms: bool = True

    @property
    def current(self) -> bool:
        return self.known == self.entries

    @property
    def gone(self) -> bool:
        """It knows entries that the log does not have."""
        return self.known > self.entries

    def plain(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "sink": self.sink,
            "what": self.what,
            "known": self.known,
            "entries": self.entries,
            "at": self.at.isoformat() if self.at else None,
            "waiting_since": self.waiting_since or None,
            "problem": self.problem,
            "next_try": self.next_try.isoformat() if self.next_try else None,
            "confirms": self.confirms,
        }

    def words(self) -> str:
        """One or more sentences, whose address and problem are still to be cleaned for a screen."""
        when = f", last at {self.at.isoformat(timespec='seconds')}" if self.at else ""
        verb = "delivered" if self.confirms else "sent, without a receipt,"
        told = f"{self.sink}: {self.what} {verb} up to entry {self.known} of {self.entries}{when}."
        if not self.known:
            told = f"{self.sink}: no {self.what} {verb.rstrip(',')} yet, of a log of {self.entries} entries."
        if self.gone:
            return f"{told} The log here is shorter: entries are gone."
        if not self.current:
            told += f" {missing(self.known, self.entries)} not known there, since {self.waiting_since}."
        return f"{told} The last try failed: {self.problem}" if self.problem else told


def missing(known: int, entries: int) -> str:
    """The words "Entries 4 to 7 are", or "Entry 7 is"."""
    first = known + 1
    return f"Entry {entries} is" if first == entries else f"Entries {first} to {entries} are"


def window(deliveries: Sequence[Delivery]) -> str:
    """What could be lost or altered here unnoticed; "" where everything is known somewhere outside."""
    entries = max((one.entries for one in deliveries), default=0)
    known = max((one.known for one in deliveries if one.confirms), default=0)
    if known >= entries:
        return ""
    return (
        f"{missing(known, entries)} not yet known outside this machine: "
        "nothing there would show that they were altered or lost."
    )
