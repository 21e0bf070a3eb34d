"""What the log adds up to, for a dashboard and a report: the same figures as ``log stats``, and where they come from.

Nothing is counted here that :mod:`helpdesk.gate.audit_stats` does not count, and by the same rules: done is only what
was read back as promised, and what was given up is not resolved.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_stats import Ask, Figures

SCHEMA = "helpdesk.log-report/1"
TOP = 10
"""Rows of a ranking; the rest is in the count of all."""
STEPS = (
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (86400.0, "1 day"),
)
"""The times up to which what was done is counted, in seconds and in words."""
UNMET = ("refused", "abandoned", "failed", "partial", "unknown", "unproven")
"""Ended, or as good as ended, without what was asked for. What waits may still be met."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """One thing that people asked for and did not get.

    Attributes:
        group: which group it was about, or "".
    """

    action: str
    group: str
    count: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a span of time.

    Attributes:
        whole: everything together. actions: the same for each action.
        refusals: how often each rule (or error) said no, most often first.
        done_within: how many were done up to each of STEPS, counted from the asking, and how many later.
        waited: seconds from the asking to the receipt, of what was done.
        unmet: most often first. days: for each local day on which something was asked: asked, and of these done.
    """

    whole: Figures
    actions: Mapping[str, Figures]
    refusals: Sequence[tuple[str, int]]
    done_within: Sequence[int]
    waited: Sequence[float]
    unmet: Sequence[Unmet]
    days: Mapping[date, tuple[int, int]]
    first: datetime | None = None
    last: datetime | None = None

    @property
    def median_waited(self) -> float | None:
        return statistics.median(self.waited) if self.waited else None

    @property
    def most_waited(self) -> float | None:
        """Nine of ten were done within that time."""
        return sorted(self.waited)[(len(self.waited) * 9 - 1) // 10] if self.waited else None

    def plain(self) -> dict[str, Any]:
        """``helpdesk.log-report/1``."""
        return {
            "schema": SCHEMA,
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            **self.whole.plain(),
            "actions": {name: self.actions[name].plain() for name in sorted(self.actions)},
            "refusals": [{"rule": rule, "count": count} for rule, count in self.refusals],
            "time_to_done": {
                "median_seconds": _rounded(self.median_waited),
                "nine_of_ten_seconds": _rounded(self.most_waited),
                "within": [
                    {"seconds": step[0] if step else None, "count": count}
                    for step, count in zip((*STEPS, None), self.done_within, strict=True)
                ],
            },
            "unmet": [
                {
                    "action": one.action,
                    "group": one.group or None,
                    "count": one.count,
                    "states": {state: one.states.get(state, 0) for state in UNMET},
                }
                for one in self.unmet
            ],
            "days": [
                {"day": day.isoformat(), "asked": asked, "done": done}
                for day, (asked, done) in sorted(self.days.items())
            ],
        }


@dataclass(slots=True)
class _Sums:
    whole: Figures = field(default_factory=Figures)
    actions: dict[str, Figures] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    unmet: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    days: dict[date, tuple[int, int]] = field(default_factory=dict)
    waited: list[float] = field(default_factory=list)


def report(found: Iterable[Ask], filter: Filter, groups: Mapping[str, str] | None = None) -> Report:
    """The figures of the asks whose beginning fits.

    Args:
        groups: for each action about a group, the name of the argument that names it.
    """
    sums = _Sums()
    first = last = None
    for ask in found:
        if not filter.fits(ask.opened):
            continue
        moment = ask.opened.time
        first = moment if first is None else min(first, moment)
        last = moment if last is None else max(last, moment)
        _count(sums, ask, groups or {})
    ranked = sorted(sums.unmet.items(), key=lambda item: (-item[1].total(), item[0]))
    return Report(
        sums.whole,
        sums.actions,
        sorted(sums.refusals.items(), key=lambda item: (-item[1], item[0]))[:TOP],
        _within(sums.waited),
        sums.waited,
        [Unmet(action, group, states.total(), states) for (action, group), states in ranked[:TOP]],
        sums.days,
        first,
        last,
    )


def _count(sums: _Sums, ask: Ask, groups: Mapping[str, str]) -> None:
    sums.whole.count(ask)
    sums.actions.setdefault(ask.action, Figures()).count(ask)
    day = ask.opened.time.astimezone().date()
    asked, done = sums.days.get(day, (0, 0))
    sums.days[day] = (asked + 1, done + (ask.state == "done"))
    if ask.state == "refused":
        sums.refusals[ask.rule or "no rule is recorded"] += 1
    if ask.state == "done" and ask.waited is not None:
        sums.waited.append(ask.waited)
    if ask.state in UNMET:
        key = (ask.action, _group(ask, groups.get(ask.action, "")))
        sums.unmet.setdefault(key, Counter())[ask.state] += 1


def _group(ask: Ask, argument: str) -> str:
    """The group that was asked for; "" where the action has none, or it was erased."""
    if not argument:
        return ""
    try:
        values = json.loads(str(ask.opened.personal.get("arguments") or "{}"))
        return str(values.get(argument) or "") if isinstance(values, dict) else ""
    except ValueError:
        return ""


def _within(waited: Sequence[float]) -> list[int]:
    counts = [0] * (len(STEPS) + 1)
    for seconds in waited:
        counts[next((i for i, (most, _) in enumerate(STEPS) if seconds <= most), len(STEPS))] += 1
    return counts


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
