"""The entries of the log as rows, the newest first; only what is looked at is ever read, and little of it is kept.

Without a filter a row is a number of an entry, so every place of a million is known at once. With one, the numbers
that fit are found some thousands at a time, as far as somebody looks. Reading blocks, so it is done in a thread; what was read is taken in
by the app's own thread, so that no row moves while it is drawn.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from helpdesk.gate.audit_search import FORGETTING
from helpdesk.surfaces.log_words import Chosen

if TYPE_CHECKING:
    from helpdesk.gate.audit import AuditLog, Entry
    from helpdesk.gate.audit_search import SearchIndex

PAGE = 200
"""Entries that are read at once."""
KEPT = 4000
"""Entries that are remembered."""
FOUND = 5000
"""Numbers that are found at once."""

Step = Callable[[], int]


class Listing:
    """One list of entries.

    Args:
        log, index: what is read. chosen: which entries are meant.

    Attributes:
        complete: every row is known. erasures: how often what was read was forgotten, because names or entries went.
    """

    def __init__(self, log: AuditLog, index: SearchIndex, chosen: Chosen) -> None:
        self._log = log
        self._index = index
        self.chosen = chosen
        self._filtered = bool(chosen)
        self._first, self._last = 1, 0
        self._newer = array("Q")
        """Numbers that fit and came after the listing began, in their order."""
        self._older = array("Q")
        """The others that were found so far, the newest first."""
        self.complete = not chosen
        self.erasures = 0
        self._entries: OrderedDict[int, Entry | None] = OrderedDict()

    # ── rows ──────────────────────────────────────────────────────────────────────────────────

    @property
    def last(self) -> int:
        """The newest entry of the whole log, as far as it was looked at."""
        return self._last

    @property
    def rows(self) -> int:
        """How many rows are known; all there are when ``complete``."""
        if not self._filtered:
            return max(self._last - self._first + 1, 0)
        return len(self._newer) + len(self._older)

    def number(self, row: int) -> int | None:
        """The entry in a row, counted from 0."""
        if not 0 <= row < self.rows:
            return None
        if not self._filtered:
            return self._last - row
        newer = len(self._newer)
        return self._newer[newer - 1 - row] if row < newer else self._older[row - newer]

    def row_of(self, number: int) -> int:
        """The row of an entry, or of the nearest older one; the last known row for everything older."""
        if not self._filtered:
            row = self._last - number
        else:
            row = bisect_left(range(self.rows), -number, key=lambda row: -(self.number(row) or 0))
        return min(max(row, 0), max(self.rows - 1, 0))

    def entry(self, row: int) -> Entry | None:
        """What is in a row, where it was read already."""
        number = self.number(row)
        return self._entries.get(number) if number is not None else None

    def known(self, number: int) -> bool:
        """Whether it was looked for already; without an entry it was removed."""
        return number in self._entries

    def again(self) -> Listing:
        """The same list, begun anew."""
        return Listing(self._log, self._index, self.chosen)

    def missing(self, first: int, last: int) -> list[int]:
        """Numbers of the entries between two rows that were not read yet."""
        first, end, known = max(first, 0), min(last + 1, self.rows), self._entries
        if not self._filtered:
            top = self._last
            return [number for number in range(top - first, top - end, -1) if number not in known]
        numbers = map(self.number, range(first, end))
        return [number for number in numbers if number is not None and number not in known]

    # ── reading; each of these blocks, and gives what is then to be done in the app's own thread ──

    def begin(self) -> Step:
        """Look at what there is. Raises LogUnavailable."""
        last = self._newest()
        oldest = self._log.entries(0, 1)
        first = oldest[0].seq if oldest else 1
        found = (
            self._numbers(max(self.chosen.after, first - 1), self._upper(last + 1), FOUND)
            if self.chosen
            else []
        )

        def begun() -> int:
            self._first, self._last = first, last
            self._take(found)
            return self.rows

        return begun

    def more(self) -> Step:
        """Find some more of the older ones that fit. Raises LogUnavailable."""
        below = self._older[-1] if self._older else self._upper(self._last + 1)
        found = [] if self.complete else self._numbers(max(self.chosen.after, self._first - 1), below, FOUND)

        def more() -> int:
            self._take(found)
            return len(found)

        return more

    def grow(self) -> Step:
        """Look for new entries; the step gives how many rows came on top, or -1 when it is another log now.

        Raises:
            LogUnavailable: the log cannot be read.
        """
        known, last = self._last, self._newest()
        if last <= known:
            return lambda: 0 if last == known else -1
        fresh: list[int] = []
        if self._filtered:
            fresh = self._numbers(max(known, self.chosen.after), self._upper(last + 1), last - known)
        erased = bool(self._log.entries(known, 1, kinds=FORGETTING))
        oldest = self._log.entries(0, 1) if erased else []

        def grown() -> int:
            if erased:
                self._entries.clear()
                self.erasures += 1
                self._first = oldest[0].seq if oldest else self._first
            self._last = last
            self._newer.extend(fresh[::-1])
            return len(fresh) if self._filtered else last - known

        return grown

    def load(self, numbers: Sequence[int]) -> Step:
        """Read entries, to be remembered. Raises LogUnavailable."""
        found = {entry.seq: entry for entry in self._log.chosen(numbers)}

        def loaded() -> int:
            for number in numbers:
                self._entries[number] = found.get(number)
                self._entries.move_to_end(number)
            while len(self._entries) > KEPT:
                self._entries.popitem(last=False)
            return len(found)

        return loaded

    def _take(self, found: Sequence[int]) -> None:
        self._older.extend(found)
        self.complete = not self._filtered or len(found) < FOUND

    def _newest(self) -> int:
        newest = self._log.entries(limit=1, newest_first=True)
        return newest[0].seq if newest else 0

    def _upper(self, before: int) -> int:
        return before if self.chosen.before is None else min(before, self.chosen.before)

    def _numbers(self, after: int, before: int, limit: int) -> list[int]:
        """What fits between two numbers, the newest first."""
        if self.chosen.filter:
            return self._index.numbers(
                self.chosen.filter, after=after, before=before, limit=limit, newest_first=True
            )
        return list(range(before - 1, max(after, before - 1 - limit), -1))
