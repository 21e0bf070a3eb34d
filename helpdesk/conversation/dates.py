"""Days as people say them: "until friday", "2026-12-01", "for 30 days", "end of the month"."""

from __future__ import annotations

import re
from datetime import date, timedelta

from helpdesk.conversation.words import fold

_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
}
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_SPAN = re.compile(
    rf"\b(?:for|in|within) (?:the next )?(?P<n>\d{{1,4}}|{'|'.join(_NUMBERS)}) (?P<unit>day|week|month|year)s?\b"
)
_WEEKDAY = re.compile(rf"\b(?:(?:until|till|by|on|through|next|this|to)\s+)+(?P<day>{'|'.join(_DAYS)})\b")
_NAMED = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<m1>{'|'.join(MONTHS)})|(?P<m2>{'|'.join(MONTHS)}) (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)(?:,? (?P<y>\d{{4}}))?\b"
)
_END = re.compile(r"\bend of (?:the |this )?(?P<what>week|month|quarter|year)\b")
COUNT = re.compile(
    rf"\b(?P<n>\d{{1,9}}|{'|'.join(n for n in _NUMBERS if len(n) > 2)})\b(?: (?P<unit>[a-z]+))?"
)


def find_date(words: str, today: date) -> date | None:
    """The one day that ``words`` name, counted from ``today``; ``None`` when there is none or it is impossible."""
    text = fold(words)
    try:
        return _iso(text) or _span(text, today) or _spoken(text, today)
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> date | None:
    match = _ISO.search(text)
    return date(*map(int, match.groups())) if match else None


def _span(text: str, today: date) -> date | None:
    match = _SPAN.search(text)
    if not match:
        return None
    count, unit = number(match["n"]), match["unit"]
    if unit in ("month", "year"):
        return _add_months(today, count * (12 if unit == "year" else 1))
    return today + timedelta(days=count * (7 if unit == "week" else 1))


def _spoken(text: str, today: date) -> date | None:
    if match := _NAMED.search(text):
        month = MONTHS.index(match["m1"] or match["m2"]) + 1
        day = int(match["d1"] or match["d2"])
        found = date(int(match["y"] or today.year), month, day)
        return found if match["y"] or found >= today else found.replace(year=today.year + 1)
    if match := _WEEKDAY.search(text):
        ahead = (_DAYS.index(match["day"]) - today.weekday()) % 7
        return today + timedelta(days=ahead or 7)
    if match := _END.search(text):
        return _end_of(match["what"], today)
    if re.search(r"\btomorrow\b", text):
        return today + timedelta(days=1)
    return today if re.search(r"\b(?:until|till|by|for) (?:today|tonight)\b", text) else None


def _end_of(what: str, today: date) -> date:
    if what == "week":
        return today + timedelta(days=6 - today.weekday())
    months = {"month": today.month, "quarter": (today.month + 2) // 3 * 3, "year": 12}[what]
    return _add_months(today.replace(day=1), months - today.month + 1) - timedelta(days=1)


def _add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (first_of_next - timedelta(days=1)).day))


def number(text: str) -> int:
    """A count in figures or words. Raises ValueError."""
    return _NUMBERS[text] if text in _NUMBERS else int(text)
