"""The report of the log as one page: the charts, and every figure in tables; it fetches nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from helpdesk.gate.audit_report import UNMET, Report
from helpdesk.gate.audit_stats import STATES, Figures
from helpdesk.surfaces.report_svg import STYLE, TITLE, charts, figure, made_words, span_words, text
from helpdesk.surfaces.report_words import NOTE, STATE_WORDS, closed, step_words, took, unmet_words

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root{{color-scheme:light dark;--ink:#1d2130;--soft:#5d6475;--line:#d4d8e2;--sheet:#fff}}
@media (prefers-color-scheme:dark){{:root{{--ink:#e6e9f2;--soft:#9aa1b5;--line:#363b4d;--sheet:#16181f}}}}
body{{background:var(--sheet);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
max-width:760px;margin:2.5rem auto;padding:0 1rem}}
h1{{font-size:1.6rem;margin:0}}h2{{font-size:1.1rem;margin:2.2rem 0 .6rem}}p.soft,footer{{color:var(--soft);margin:.2rem 0}}
svg{{width:100%;height:auto;display:block}}
details{{margin:.6rem 0}}.wide{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.9rem}}
th,td{{text-align:right;padding:.25rem .5rem;border-bottom:1px solid var(--line);white-space:nowrap}}
th:first-child,td:first-child{{text-align:left;white-space:normal;overflow-wrap:anywhere}}
@media print{{details{{display:block}}}}
{style}</style>
</head>
<body>
<h1>{title}</h1>
<p class="soft">{span}</p>
{body}
<footer><p>{note}</p><p>{made}</p></footer>
</body>
</html>
"""


def page(told: Report, now: datetime) -> str:
    """The whole page."""
    parts = [f"<section><h2>{text(chart.title)}</h2>{figure(chart)}</section>" for chart in charts(told)]
    parts = parts or ["<p>Nothing was asked for.</p>"]
    return _PAGE.format(
        title=text(TITLE),
        style=STYLE,
        span=text(span_words(told)),
        body="\n".join([*parts, _tables(told)]),
        note=text(NOTE),
        made=text(made_words(now)),
    )


def _tables(told: Report) -> str:
    if not told.whole.asked:
        return ""
    ranked = sorted(told.actions.items())
    tables = [
        _table(
            "Every figure, by action",
            ["action", "asked", *(STATE_WORDS[state] for state in STATES), "closed", "median"],
            [_figures("everything", told.whole), *(_figures(name, figures) for name, figures in ranked)],
        ),
        _table(
            "Refusals by rule", ["rule", "refused"], [[rule, f"{count:,}"] for rule, count in told.refusals]
        ),
        _table(
            "From asking to done",
            ["within", "done"],
            [
                *([words, f"{count:,}"] for words, count in zip(step_words(), told.done_within, strict=True)),
                ["half within", took(told.median_waited)],
                ["nine of ten within", took(told.most_waited)],
            ],
        ),
        _table(
            "Not met",
            ["what", "times", *UNMET],
            [
                [
                    unmet_words(one.action, one.group),
                    f"{one.count:,}",
                    *(f"{one.states.get(state, 0):,}" for state in UNMET),
                ]
                for one in told.unmet
            ],
        ),
        _table(
            "Day by day",
            ["day", "asked", "done"],
            [[str(day), f"{asked:,}", f"{done:,}"] for day, (asked, done) in sorted(told.days.items())],
        ),
    ]
    return "\n".join(table for table in tables if table)


def _figures(name: str, figures: Figures) -> list[str]:
    counts = [f"{figures.states[state]:,}" for state in STATES]
    return [name, f"{figures.asked:,}", *counts, closed(figures), took(figures.median_seconds)]


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{text(cell)}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return (
        f'<details><summary>{text(title)}</summary><div class="wide"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div></details>"
    )
