"""Plots in characters: bars and columns, in eighths of a cell, or in plain ASCII. Labels are cleaned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from rich.cells import set_cell_size
from textual.content import Content

from helpdesk.gate.audit_report import Report
from helpdesk.gate.audit_stats import STATES, Figures
from helpdesk.surfaces.report_words import STATE_WORDS, closed, step_words, took, unmet_words
from helpdesk.surfaces.telling import untrusted

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_RISING = " ▁▂▃▄▅▆▇█"
_LEAST_BAR = 6
_WIDE = 44
"""Columns from which on there is room for a word behind a bar."""
_OPEN = {"█": "▒", "#": "o"}
"""A full cell of what was not done, which differs from one of what was without any colour too."""
FILLS = {
    "done": ("█", "#", "$success"),
    "partial": ("▓", "+", "$warning"),
    "failed": ("▒", "x", "$error"),
    "refused": ("▒", "r", "$error"),
    "abandoned": ("░", ".", "$text-muted"),
    "pending": ("▒", "~", "$warning"),
    "unknown": ("▓", "?", "$warning"),
    "unproven": ("░", "!", "$warning"),
}
"""How each state is drawn: in blocks, in ASCII, and its style. They differ without any colour too."""


def bar(value: float, most: float, width: int, *, plain: bool = False) -> str:
    """A bar of at most ``width`` cells; whatever is more than nothing is seen."""
    if value <= 0 or most <= 0 or width <= 0:
        return ""
    eighths = max(round(width * 8 * min(value / most, 1)), 1)
    if plain:
        return "#" * max(eighths // 8, 1)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def bars(
    rows: Sequence[tuple[str, int, str]], width: int, style: str, *, plain: bool = False
) -> list[Content]:
    """A line for each (label, count, more): the bars share one scale, and no label is wider than half of it."""
    if not rows:
        return []
    labels = [untrusted(label) for label, _, _ in rows]
    most = max(count for _, count, _ in rows)
    digits = len(f"{most:,}")
    extra = max(len(more) for _, _, more in rows) if width >= _WIDE else 0
    rest = width - digits - extra - 3
    room = min(max(map(_cells, labels)), max(width // 2, rest - 20), rest - _LEAST_BAR)
    length = max(width - room - digits - extra - 3, _LEAST_BAR)
    lines = []
    for label, (_, count, more) in zip(labels, rows, strict=True):
        drawn = bar(count, most, length, plain=plain)
        lines.append(
            Content.assemble(
                f"{_fitted(label, room)} ",
                (f"{count:>{digits},} ", "bold"),
                (drawn, style),
                (f" {more}" if more and extra else "", "$text-muted"),
            )
        )
    return lines


def stacked(figures: Figures, width: int, *, plain: bool = False) -> list[Content]:
    """What became of everything: one bar in parts, and what each part is."""
    if not figures.asked:
        return []
    counts = {state: figures.states[state] for state in STATES if figures.states[state]}
    shares = _shares(counts, width)
    parts = [
        (FILLS[state][1 if plain else 0] * cells, FILLS[state][2]) for state, cells in shares.items() if cells
    ]
    legend = [
        Content.assemble(
            (f"{FILLS[state][1 if plain else 0]} ", FILLS[state][2]),
            (f"{count:,} ", "bold"),
            STATE_WORDS[state],
        )
        for state, count in counts.items()
    ]
    return [Content.assemble(*parts), *legend]


def _shares(counts: Mapping[str, int], width: int) -> dict[str, int]:
    """Cells for each state, ``width`` together; whatever is there has one, while there is room."""
    total = sum(counts.values())
    cells = {state: max(width * count // total, 1) for state, count in counts.items()}
    biggest = max(counts, key=lambda state: counts[state])
    cells[biggest] = max(cells[biggest] + width - sum(cells.values()), 1)
    return cells


def columns(
    days: Mapping[date, tuple[int, int]], width: int, height: int, *, plain: bool = False
) -> list[Content]:
    """Asks for each day (or for some days together, where there are more of them than columns); done ones filled."""
    if not days:
        return []
    first, last = min(days), max(days)
    count = (last - first).days + 1
    axis = 6
    room = max(width - axis, 4)
    per = -(-count // room)
    groups = -(-count // per)
    asked, done = [0] * groups, [0] * groups
    for day, (all_of_them, of_these) in days.items():
        asked[(day - first).days // per] += all_of_them
        done[(day - first).days // per] += of_these
    wide = max(min(room // groups, 3), 1)
    most = max(asked)
    lines = [
        Content.assemble(
            (_scale(row, height, most, axis), "$text-muted"),
            *_level(asked, done, most, row, height, wide, plain),
        )
        for row in reversed(range(height))
    ]
    per_words = ("a column is a day" if per == 1 else f"a column is {per} days")[:room]
    if per == 1 and groups == 1:
        ends = f"{first:%m-%d}"
    else:
        end = min(first + timedelta(days=groups * per - 1), last)
        ends = f"{first:%m-%d}{f'{end:%m-%d}':>{max(groups * wide - 5, 6)}}"
    return [
        *lines,
        Content.styled(f"{'':{axis}}{ends}", "$text-muted"),
        Content.styled(f"{'':{axis}}{per_words}", "$text-muted"),
    ]


def _scale(row: int, height: int, most: int, axis: int) -> str:
    text = f"{most:,}" if row == height - 1 else ("0" if row == 0 else "")
    return f"{text[: axis - 1]:>{axis - 1}} "


def _level(
    asked: Sequence[int], done: Sequence[int], most: int, row: int, height: int, wide: int, plain: bool
) -> list[tuple[str, str]]:
    """One line of the columns: what was done stands below, what was not on top of it."""
    parts = []
    for all_of_them, of_these in zip(asked, done, strict=True):
        filled = _part(of_these, most, row, height, plain)
        if filled in ("█", "#"):
            parts.append((filled * wide, "$success"))
            continue
        whole = _part(all_of_them, most, row, height, plain)
        if whole == " " or filled == " ":
            parts.append((_OPEN.get(whole, whole) * wide, "$warning"))
        else:
            parts.append((filled * wide, "$success on $warning" if whole in ("█", "#") else "$success"))
    return parts


def _part(value: int, most: int, row: int, height: int, plain: bool) -> str:
    eighths = round(value * height * 8 / most) if most else 0
    eighths = max(eighths, 1) if value else 0
    here = min(max(eighths - row * 8, 0), 8)
    if plain:
        return "#" if here >= 4 or (here and not row) else " "
    return _RISING[here]


def _fitted(text: str, width: int) -> str:
    return set_cell_size(text, width) if _cells(text) <= width else set_cell_size(text, width - 1) + "…"


def _cells(text: str) -> int:
    return Content(text).cell_length


# ── the panels of the dashboard ───────────────────────────────────────────────────────────────


def closure_panel(report: Report, width: int, *, plain: bool) -> list[Content]:
    whole = report.whole
    if not whole.asked:
        return [Content.styled("Nothing was asked for in this time.", "$text-muted")]
    head = Content.assemble(
        (closed(whole), "bold $success"), f" closed: {whole.states['done']:,} of {whole.asked:,} asked"
    )
    return [head, *stacked(whole, width, plain=plain)]


def days_panel(report: Report, width: int, height: int, *, plain: bool) -> list[Content]:
    fill, rest = ("#", "o") if plain else ("█", "▒")
    legend = Content.assemble(
        (fill, "$success"), " done below, ", (rest, "$warning"), " asked and not done on top"
    )
    lines = columns(report.days, width, height, plain=plain)
    return [*lines, legend] if lines else [_nothing()]


def refusals_panel(report: Report, width: int, *, plain: bool) -> list[Content]:
    rows = [(rule, count, "") for rule, count in report.refusals]
    return bars(rows, width, "$error", plain=plain) or [Content.styled("Nothing was refused.", "$text-muted")]


def time_panel(report: Report, width: int, *, plain: bool) -> list[Content]:
    if not report.waited:
        return [Content.styled("Nothing was done yet.", "$text-muted")]
    head = Content.assemble(
        "half within ",
        (took(report.median_waited), "bold"),
        ", nine of ten within ",
        (took(report.most_waited), "bold"),
    )
    rows = [(words, count, "") for words, count in zip(step_words(), report.done_within, strict=True)]
    return [head, *bars(rows, width, "$primary", plain=plain)]


def unmet_panel(report: Report, width: int, *, plain: bool) -> list[Content]:
    rows = []
    for one in report.unmet:
        main = max(one.states, key=lambda state: one.states[state])
        rows.append((unmet_words(one.action, one.group), one.count, f"mostly {main}"))
    return bars(rows, width, "$warning", plain=plain) or [
        Content.styled("Everything was met, or waits.", "$text-muted")
    ]


def actions_panel(report: Report, width: int, *, plain: bool) -> list[Content]:
    ranked = sorted(report.actions.items(), key=lambda item: (-item[1].asked, item[0]))[:10]
    rows = [(name, figures.asked, f"{closed(figures)} closed") for name, figures in ranked]
    return bars(rows, width, "$accent", plain=plain) or [_nothing()]


def _nothing() -> Content:
    return Content.styled("Nothing was asked for.", "$text-muted")
