"""Plots in characters: they fit, nothing that is there is left out, and they read without colours and in ASCII."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from helpdesk.gate.audit_stats import STATES, Figures
from helpdesk.surfaces.tui.plots import FILLS, bar, bars, columns, stacked

FIRST = date(2026, 3, 1)


@pytest.mark.parametrize("plain", [False, True])
def test_a_bar_is_as_long_as_its_share_and_anything_is_seen(plain: bool) -> None:
    assert bar(10, 10, 8, plain=plain) in ("█" * 8, "#" * 8)
    assert bar(5, 10, 8, plain=plain) in ("█" * 4, "#" * 4)
    assert bar(1, 1000, 8, plain=plain) in ("▏", "#")
    assert bar(0, 10, 8, plain=plain) == ""


@pytest.mark.parametrize("width", [24, 38, 76])
def test_bars_fit_and_keep_their_counts(width: int) -> None:
    rows = [
        ("a-rule-with-a-very-long-name-that-does-not-fit", 1234, ""),
        ("寿司" * 20, 5, ""),
        ("x\x1b[31m", 0, ""),
    ]
    lines = bars(rows, width, "$error")
    assert all(line.cell_length <= width for line in lines)
    assert "1,234" in lines[0].plain
    assert "\x1b" not in "".join(line.plain for line in lines)
    assert lines[0].plain.count("█") > lines[1].plain.count("█")


@pytest.mark.parametrize("width", [10, 38, 76])
def test_the_bar_in_parts_shows_every_state_that_is_there(width: int) -> None:
    figures = Figures(Counter({"done": 10_000, "refused": 1, "unknown": 1}))
    line, *legend = stacked(figures, width)
    assert line.cell_length == width
    assert {span.style for span in line.spans} == {
        FILLS[state][2] for state in ("done", "refused", "unknown")
    }
    assert len(legend) == 3
    assert stacked(Figures(), width) == []


def test_every_state_is_drawn_and_ascii_is_ascii() -> None:
    figures = Figures(Counter(dict.fromkeys(STATES, 3)))
    drawn = "".join(line.plain for line in stacked(figures, 60, plain=True))
    days = {FIRST + timedelta(days=n): (n + 1, n // 2) for n in range(20)}
    drawn += "".join(line.plain for line in columns(days, 60, 6, plain=True))
    assert drawn.isascii()
    assert len({FILLS[state][1] for state in STATES}) == len(STATES)


@pytest.mark.parametrize(("days", "width"), [(1, 30), (7, 30), (30, 76), (400, 38), (3000, 20)])
def test_columns_fit_and_nothing_is_lost(days: int, width: int) -> None:
    asked = {FIRST + timedelta(days=n): (2, 1) for n in range(0, days, 3)}
    lines = columns(asked, width, 6)
    assert all(line.cell_length <= max(width, 18) for line in lines), [line.plain for line in lines]
    bottom = lines[5].plain[6:]
    if days <= width - 6:
        wide = len(bottom) // max((days - 1) // 3 * 3 + 1, 1)
        assert bottom[::wide].count("█") == len(asked)
    assert columns({}, width, 6) == []
