"""Lengths of time, as one says them."""

from __future__ import annotations

from datetime import timedelta


def in_units(span: timedelta) -> str:
    """A length of time in the largest unit that fits: "3 days", "15 minutes"."""
    for seconds, word in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if (count := int(span.total_seconds() // seconds)) >= 1:
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "a moment"


def age(span: timedelta) -> str:
    """How long ago, to the minute: "just now", "12 minutes ago"."""
    return "just now" if span < timedelta(minutes=1) else f"{in_units(span)} ago"


def long_ago(span: timedelta) -> str:
    """How long ago, to the day."""
    return "today" if span < timedelta(days=1) else age(span)
