"""The rows of the log: a million of them are known at once, and only what is looked at is ever read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from helpdesk.gate.audit_chain import Entry
from helpdesk.gate.audit_filter import Filter
from helpdesk.surfaces.log_words import Chosen
from helpdesk.surfaces.tui.log_listing import FOUND, KEPT, PAGE, Listing
from tests.unit.audit_world import START

EVERYTHING = Chosen(Filter())


class BigLog:
    """As many entries as one likes, made when they are read; every read is counted."""

    def __init__(self, last: int, first: int = 1) -> None:
        self.first, self.last = first, last
        self.read = 0
        self.erased: list[int] = []

    def entries(
        self,
        after: int = 0,
        limit: int = 100,
        *,
        before: int | None = None,
        newest_first: bool = False,
        kinds: Collection[str] = (),
    ) -> list[Entry]:
        if kinds:
            return [self._one(seq, "erasure") for seq in self.erased if seq > after][:limit]
        if newest_first:
            found = [*range(self.last, max(self.last - limit, self.first - 1), -1)]
        else:
            found = [*range(max(after + 1, self.first), min(after + limit, self.last) + 1)]
            found = found or ([self.first] if after < self.first <= self.last else [])
        return self.chosen(found)

    def chosen(self, numbers: Sequence[int]) -> list[Entry]:
        self.read += len(numbers)
        return [self._one(seq) for seq in numbers if self.first <= seq <= self.last]

    def _one(self, seq: int, kind: str = "read") -> Entry:
        return Entry(seq, START + timedelta(seconds=seq), kind, {}, {"actor": f"p{seq}"}, "")


class Thirds:
    """An index in which every third entry fits whatever is asked."""

    def __init__(self, log: BigLog) -> None:
        self.log = log
        self.asked = 0

    def numbers(
        self, filter: Filter, *, after: int, before: int | None, limit: int, newest_first: bool
    ) -> list[int]:
        assert filter
        assert newest_first
        self.asked += 1
        top = min(self.log.last, (before or self.log.last + 1) - 1)
        return [*range(top - top % 3, max(after, 0), -3)][:limit]


def listing(log: BigLog, chosen: Chosen = EVERYTHING) -> Listing:
    made: Any = Listing(log, Thirds(log), chosen)  # type: ignore[arg-type]
    made.begin()()
    return made  # type: ignore[no-any-return]


def test_every_place_of_a_million_is_known_and_next_to_nothing_read() -> None:
    log = BigLog(1_000_000)
    rows = listing(log)
    assert (rows.rows, rows.complete) == (1_000_000, True)
    assert [rows.number(row) for row in (0, 1, 499_999, 999_999, 1_000_000, -1)] == [
        1_000_000,
        999_999,
        500_001,
        1,
        None,
        None,
    ]
    assert rows.row_of(500_001) == 499_999
    for top in range(0, 1_000_000, 50_000):
        rows.load(rows.missing(top, top + 40))()
        assert rows.entry(top).personal["actor"] == f"p{1_000_000 - top}"  # type: ignore[union-attr]
    assert log.read < 20 * PAGE
    assert len(rows._entries) <= KEPT


def test_what_was_read_is_kept_up_to_a_bound() -> None:
    rows = listing(BigLog(100_000))
    for top in range(0, 3 * KEPT, PAGE):
        rows.load(rows.missing(top, top + PAGE - 1))()
    assert len(rows._entries) == KEPT
    assert rows.entry(0) is None
    assert rows.entry(3 * KEPT - 1) is not None
    assert rows.missing(3 * KEPT - 1, 3 * KEPT + 1) == [100_000 - 3 * KEPT, 100_000 - 3 * KEPT - 1]


def test_new_entries_move_the_rows_when_they_are_taken_in_and_not_before() -> None:
    log = BigLog(10)
    rows = listing(log)
    log.last = 13
    step = rows.grow()
    assert rows.number(0) == 10
    assert step() == 3
    assert (rows.number(0), rows.rows, rows.row_of(10)) == (13, 13, 3)
    assert rows.grow()() == 0
    log.last = 5
    assert rows.grow()() == -1


def test_retention_leaves_no_rows_behind() -> None:
    rows = listing(BigLog(1000, first=401))
    assert (rows.rows, rows.number(rows.rows - 1), rows.row_of(12)) == (600, 401, 599)
    rows.load([401, 12])()
    assert rows.known(12)


def test_what_fits_is_found_some_at_a_time() -> None:
    log = BigLog(100_000)
    rows = listing(log, Chosen(Filter(kinds=("read",))))
    assert (rows.rows, rows.complete, rows.number(0)) == (FOUND, False, 99_999)
    log.last = 100_002
    assert rows.grow()() == 1
    assert (rows.rows, rows.number(0), rows.number(1)) == (FOUND + 1, 100_002, 99_999)
    assert rows.row_of(99_998) == rows.row_of(99_996) == 2
    while not rows.complete:
        assert rows.more()() > 0
    assert (rows.rows, rows.number(rows.rows - 1)) == (33_334, 3)
    assert log.read < 10
    assert rows.more()() == 0


def test_numbers_alone_bound_a_list_too() -> None:
    rows = listing(BigLog(1000), Chosen(Filter(), after=10, before=20))
    assert [rows.number(row) for row in range(rows.rows)] == [19, 18, 17, 16, 15, 14, 13, 12, 11]
    assert rows.complete


def test_an_erasure_forgets_what_was_read() -> None:
    log = BigLog(10)
    rows = listing(log)
    rows.load(rows.missing(0, 9))()
    assert rows.entry(3) is not None
    log.last, log.erased = 11, [11]
    rows.grow()()
    assert rows.entry(4) is None
    assert rows.erasures == 1


def test_what_retention_takes_away_has_no_row_any_more() -> None:
    log = BigLog(100)
    rows = listing(log)
    assert rows.rows == 100
    log.first, log.last, log.erased = 41, 101, [101]
    rows.grow()()
    assert (rows.rows, rows.number(rows.rows - 1)) == (61, 41)
