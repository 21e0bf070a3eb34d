"""Where blocks begin, against plain sums."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as some

from helpdesk.surfaces.tui.heights import CHUNK, Heights

HEIGHTS = some.lists(some.integers(0, 4), max_size=3 * CHUNK)


@given(HEIGHTS, some.data())
def test_every_line_is_found_after_any_change(heights: list[int], data: some.DataObject) -> None:
    one = Heights()
    for height in heights:
        one.add(height)
    if heights:
        changed = data.draw(some.integers(0, len(heights) - 1))
        one[changed] = heights[changed] = data.draw(some.integers(0, 9))
    starts = [0, *accumulate(heights)]
    assert len(one) == len(heights)
    assert one.total == sum(heights)
    assert [one.start(index) for index in range(len(heights) + 1)] == starts
    for line in {0, one.total // 2, max(one.total - 1, 0)} if one.total else ():
        index, begin = one.at(line)
        assert begin == starts[index]
        assert begin <= line < starts[index + 1]
    with pytest.raises(IndexError):
        one.at(one.total)


@given(HEIGHTS, some.integers(0, 3 * CHUNK))
def test_the_first_ones_can_go(heights: list[int], gone: int) -> None:
    rest = Heights(heights).without_first(gone)
    assert [rest[index] for index in range(len(rest))] == heights[gone:]
    assert rest.total == sum(heights[gone:])
