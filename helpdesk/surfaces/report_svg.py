"""The charts of the report as SVG: no script, nothing from elsewhere, every text cleaned and escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from helpdesk.gate.audit_report import Report
from helpdesk.gate.audit_stats import STATES
from helpdesk.surfaces.columns import fold
from helpdesk.surfaces.report_words import NOTE, STATE_WORDS, closed, step_words, took, unmet_words
from helpdesk.text import shorten, visible

TITLE = "What became of what was asked for"
WIDTH = 720
_ROW = 26
_LABEL = 260
COLORS = {
    "done": "#2f9e63",
    "partial": "#c9a227",
    "failed": "#c2455a",
    "refused": "#e07a8b",
    "abandoned": "#8a8f9d",
    "pending": "#5b8def",
    "unknown": "#b06fd8",
    "unproven": "#d98a3d",
}
STYLE = """
.ink{fill:#1d2130}.soft{fill:#5d6475}.line{stroke:#d4d8e2}.sheet{fill:#ffffff}
text{font:14px system-ui,-apple-system,"Segoe UI",sans-serif}
.head{font-size:17px;font-weight:600}.title{font-size:24px;font-weight:700}.big{font-size:40px;font-weight:700}
.small{font-size:12px}.end{text-anchor:end}
@media (prefers-color-scheme:dark){.ink{fill:#e6e9f2}.soft{fill:#9aa1b5}.line{stroke:#363b4d}.sheet{fill:#16181f}}
"""
"""For a page and for a picture alone."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A titled drawing from its own origin.

    Attributes:
        height: in pixels. said: the same in words, for whoever does not see it.
    """

    title: str
    height: int
    body: str
    said: str


def charts(told: Report) -> list[Chart]:
    """Every chart that has something to show."""
    rows_of = [
        ("Refused, by which rule", [(rule, count, "") for rule, count in told.refusals], COLORS["refused"]),
        (
            f"From asking to done: half within {took(told.median_waited)}, "
            f"nine of ten within {took(told.most_waited)}",
            [(words, count, "") for words, count in zip(step_words(), told.done_within, strict=True)],
            COLORS["pending"],
        ),
        (
            "Asked for most, and not met",
            [(unmet_words(one.action, one.group), one.count, _parts(one.states)) for one in told.unmet],
            COLORS["unproven"],
        ),
        (
            "By action",
            [
                (name, figures.asked, f"{closed(figures)} closed")
                for name, figures in sorted(told.actions.items(), key=lambda item: (-item[1].asked, item[0]))
            ],
            "#4f7fb8",
        ),
    ]
    found = [_stacked(told), _days(told)] if told.whole.asked else []
    return found + [_bars(title, rows, color) for title, rows, color in rows_of if any(r[1] for r in rows)]


def figure(chart: Chart) -> str:
    """One chart as an ``svg`` element of a page."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {chart.height}" role="img" aria-label="{text(chart.said)}" '
        f'xmlns="http://www.w3.org/2000/svg">{chart.body}</svg>'
    )


def picture(told: Report, now: datetime) -> str:
    """The whole report as one SVG document."""
    top = 96
    parts = [
        f'<text class="title ink" x="0" y="30">{text(TITLE)}</text>',
        f'<text class="soft" x="0" y="54">{text(span_words(told))}</text>',
        f'<text class="soft small" x="0" y="74">{text(made_words(now))}</text>',
    ]
    if not told.whole.asked:
        parts.append(f'<text class="ink" x="0" y="{top + 16}">Nothing was asked for.</text>')
        top += 40
    for chart in charts(told):
        parts.append(f'<text class="head ink" x="0" y="{top + 18}">{text(chart.title)}</text>')
        parts.append(f'<g transform="translate(0 {top + 34})">{chart.body}</g>')
        top += chart.height + 62
    for number, line in enumerate(fold(NOTE, 105)):
        parts.append(f'<text class="soft small" x="0" y="{top + 12 + 16 * number}">{text(line)}</text>')
    height = top + 64
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-32 -24 {WIDTH + 64} {height + 24}" '
        f'width="{WIDTH + 64}" height="{height + 24}">\n<title>{text(TITLE)}</title>\n<style>{STYLE}</style>\n'
        f'<rect class="sheet" x="-32" y="-24" width="{WIDTH + 64}" height="{height + 24}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def span_words(told: Report) -> str:
    if told.first is None or told.last is None:
        return "no entries"
    return (
        f"{told.first.astimezone():%Y-%m-%d} to {told.last.astimezone():%Y-%m-%d}, {told.whole.asked:,} asked"
    )


def made_words(now: datetime) -> str:
    return f"Made on {now.astimezone():%Y-%m-%d %H:%M %Z} by helpdesk log report."


def text(value: object) -> str:
    """Any value as the text of an element or an attribute: cleaned, on one line, escaped."""
    return escape(visible(str(value), one_line=True), quote=True)


def _parts(states: Mapping[str, int]) -> str:
    return ", ".join(
        f"{count} {state}" for state, count in sorted(states.items(), key=lambda item: -item[1]) if count
    )


def _stacked(told: Report) -> Chart:
    whole, x, parts = told.whole, 0.0, []
    words = closed(whole)
    said = f"closed: {whole.states['done']:,} of {whole.asked:,} asked"
    # one text, so that what follows the number stands behind it in whatever letters a reader has
    parts.append(
        f'<text x="0" y="38"><tspan class="big ink">{text(words)}</tspan>'
        f'<tspan class="soft" dx="10">{text(said)}</tspan></text>'
    )
    states = [state for state in STATES if whole.states[state]]
    for state in states:
        width = WIDTH * whole.states[state] / whole.asked
        parts.append(f'<rect x="{x:.2f}" y="54" width="{width:.2f}" height="26" fill="{COLORS[state]}"/>')
        x += width
    for number, state in enumerate(states):
        left, down = (number % 3) * (WIDTH // 3), 104 + 22 * (number // 3)
        parts.append(
            f'<rect x="{left}" y="{down - 11}" width="12" height="12" rx="3" fill="{COLORS[state]}"/>'
        )
        label = f"{whole.states[state]:,} {STATE_WORDS[state]}"
        parts.append(f'<text class="ink" x="{left + 18}" y="{down}">{text(label)}</text>')
    height = 104 + 22 * ((len(states) - 1) // 3) + 8
    counted = ", ".join(f"{whole.states[state]} {STATE_WORDS[state]}" for state in states)
    return Chart("Closed, by receipts only", height, "".join(parts), f"{words} {said}; {counted}")


def _bars(title: str, rows: Sequence[tuple[str, int, str]], color: str) -> Chart:
    most = max(count for _, count, _ in rows)
    parts = []
    room = WIDTH - _LABEL - 170
    for number, (label, count, more) in enumerate(rows):
        y = number * _ROW
        width = max(room * count / most, 2) if count else 0
        parts.append(f'<text class="ink" x="0" y="{y + 15}">{text(shorten(label, 34))}</text>')
        parts.append(
            f'<rect x="{_LABEL}" y="{y + 2}" width="{width:.2f}" height="18" rx="3" fill="{color}"/>'
            f'<text class="ink" x="{_LABEL + width + 8:.2f}" y="{y + 15}">{count:,}'
            f'<tspan class="soft small" dx="8">{text(more)}</tspan></text>'
        )
    said = "; ".join(f"{label}: {count}" for label, count, _ in rows)
    return Chart(title, len(rows) * _ROW, "".join(parts), said)


def _days(told: Report) -> Chart:
    first, last = min(told.days), max(told.days)
    count = (last - first).days + 1
    per = -(-count // 120)
    groups = -(-count // per)
    asked, done = [0] * groups, [0] * groups
    for day, (all_of_them, of_these) in told.days.items():
        asked[(day - first).days // per] += all_of_them
        done[(day - first).days // per] += of_these
    most, tall, wide = max(asked), 120, (WIDTH - 40) / max(groups, 8)
    parts = [
        f'<line class="line" x1="40" y1="{tall}" x2="{WIDTH}" y2="{tall}"/>',
        f'<text class="soft small end" x="34" y="12">{most:,}</text>',
        f'<text class="soft small end" x="34" y="{tall}">0</text>',
    ]
    for number in range(groups):
        x, bar = 40 + number * wide, max(wide - 2, 1)
        up, green = tall * asked[number] / most, tall * done[number] / most
        parts.append(
            f'<rect x="{x:.2f}" y="{tall - up:.2f}" width="{bar:.2f}" height="{up - green:.2f}" fill="{COLORS["abandoned"]}"/>'
            f'<rect x="{x:.2f}" y="{tall - green:.2f}" width="{bar:.2f}" height="{green:.2f}" fill="{COLORS["done"]}"/>'
        )
    parts.append(f'<text class="soft small" x="40" y="{tall + 18}">{first}</text>')
    if groups > 1:
        end = 40 + groups * wide
        parts.append(f'<text class="soft small end" x="{max(end, 190):.0f}" y="{tall + 18}">{last}</text>')
    each = "a day" if per == 1 else f"{per} days"
    legend = f"each column is {each}; green was done, grey was not"
    parts.append(f'<text class="soft small" x="40" y="{tall + 36}">{text(legend)}</text>')
    said = f"{first} to {last}; at most {most} asked in {each}"
    return Chart("Asked and done, day by day", tall + 44, "".join(parts), said)
