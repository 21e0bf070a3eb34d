"""What a check of the log found, and how it tells where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpdesk.gate.audit_links import told_removed
from helpdesk.gate.audit_segments import Segment

Tell = Callable[[int, int], None]
"""Is told how far a long check is: so many entries, of so many."""


def quiet(done: int, of: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the log found.

    Attributes:
        entries: how many there are. first_bad: number of the first bad (or missing) entry, where one can be named.
        checkpoint: the newest signed one. signed: it covers this many of the entries.
        erased: personal values that are gone, as they may be. problem: what is wrong, or "".
        since: the check began after this many entries; they were not looked at, only held to a checkpoint.
        segments: closed files that are kept. removed: the last of what retention took away, where it did.
    """

    ok: bool
    entries: int
    first_bad: int | None
    checkpoint: str
    problem: str
    signed: int = 0
    erased: int = 0
    since: int = 0
    segments: int = 0
    removed: Segment | None = None

    def plain(self) -> dict[str, Any]:
        """For ``log verify --json``."""
        return {
            "ok": self.ok,
            "entries": self.entries,
            "first_bad": self.first_bad,
            "checkpoint": self.checkpoint or None,
            "problem": self.problem,
            "signed": self.signed,
            "erased": self.erased,
            "since": self.since,
            "segments": self.segments,
            "removed": told_removed(self.removed),
        }
