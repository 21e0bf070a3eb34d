"""Which entries of the log are meant by a person's words, and entries in words: one for the command line and the app."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from helpdesk.errors import UsageError

if TYPE_CHECKING:
    from helpdesk.gate.audit import Entry, Verification
    from helpdesk.gate.audit_filter import Filter
    from helpdesk.gate.shipping_told import Delivery

SPAN = "an entry's number, a date, a time, or an age such as 7d"
REPEATED = {
    "actor": "actors",
    "action": "actions",
    "target": "targets",
    "outcome": "outcomes",
    "kind": "kinds",
}
"""Flags that may be given more than once, and the part of a filter that each is."""
SINGLE = ("after", "before", "text")
_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FLAG = re.compile(r"--([a-z]+)(?:=(.*))?", re.DOTALL)
_SHORT = re.compile(r"(actor|action|target|outcome|kind|after|before|text):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which entries are meant: a filter, and numbers that they lie between."""

    filter: Filter
    after: int = 0
    before: int | None = None

    def __bool__(self) -> bool:
        return bool(self.filter) or self.after > 0 or self.before is not None


def chosen(
    now: datetime,
    *,
    after: str = "",
    before: str = "",
    actors: Sequence[str] | None = None,
    actions: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    outcomes: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    text: str = "",
) -> Chosen:
    """What the flags mean. Raises UsageError when a time is none."""
    from helpdesk.gate.audit_filter import Filter

    first, since = _bound(after, "--after", now)
    last, until = _bound(before, "--before", now)
    filter = Filter(
        actors=tuple(actors or ()),
        actions=tuple(actions or ()),
        targets=tuple(targets or ()),
        outcomes=tuple(outcomes or ()),
        kinds=tuple(kinds or ()),
        since=since,
        until=until,
        text=text,
    )
    return Chosen(filter, first or 0, last)


def spoken(line: str, now: datetime) -> Chosen:
    """What one line means: the flags of ``log search``, also as ``actor:bo``; every other word is searched for.

    Raises:
        UsageError: a flag is unknown or has no value, a quote is not closed, or a time is none.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError("A quotation mark is not closed.", hint='Write text:"two words".') from error
    several: dict[str, list[str]] = {}
    single: dict[str, str] = {}
    plain: list[str] = []
    while words:
        word = words.pop(0)
        flag, short = _FLAG.fullmatch(word), _SHORT.fullmatch(word)
        if flag is None and short is None:
            plain.append(word)
            continue
        name, value = (short[1], short[2]) if short else (flag[1], flag[2]) if flag else ("", "")
        if name not in REPEATED and name not in SINGLE:
            raise UsageError(
                f"--{name} is unknown here.",
                hint=f"There are {', '.join(f'--{n}' for n in (*REPEATED, *SINGLE))}.",
            )
        if value is None:
            if not words:
                raise UsageError(f"--{name} has no value.", hint=f"Write --{name} VALUE, or {name}:VALUE.")
            value = words.pop(0)
        if name in REPEATED:
            several.setdefault(REPEATED[name], []).append(value)
        elif name == "text":
            plain.append(value)
        else:
            single[name] = value
    return chosen(
        now,
        after=single.get("after", ""),
        before=single.get("before", ""),
        actors=several.get("actors"),
        actions=several.get("actions"),
        targets=several.get("targets"),
        outcomes=several.get("outcomes"),
        kinds=several.get("kinds"),
        text=" ".join(plain),
    )


def _bound(text: str, flag: str, now: datetime) -> tuple[int | None, datetime | None]:
    """The number of an entry, or a moment; a time without a zone is a local one."""
    text = text.strip()
    if not text:
        return None, None
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text), None
    ago = _AGO.fullmatch(text)
    try:
        moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else datetime.fromisoformat(text)
        return None, moment.astimezone(now.tzinfo)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{flag} {text} is no entry and no time.", hint=f"Give {SPAN}, or 2026-03-09T14:10."
        ) from error


# ── entries in words; every text in them is still untrusted ───────────────────────────────────


def who(entry: Entry) -> str:
    return str(entry.personal.get("actor") or entry.personal.get("requester") or "-")


def subject(entry: Entry) -> str:
    """What was done to whom, or which request it is about."""
    body, personal = entry.body, entry.personal
    parts = (body.get("action") or body.get("decision"), personal.get("target"), body.get("request"))
    return " ".join(str(part) for part in parts if part)


def ending(entry: Entry) -> str:
    return str(entry.body.get("outcome") or "")


def about(entry: Entry) -> str:
    text, ended = subject(entry), ending(entry)
    return f"{text}: {ended}" if text and ended else text or ended


def whole(found: Verification) -> str:
    """The verdict on a log that is whole."""
    if found.since:
        came = found.entries - found.since
        return (
            f"The log continues the checkpoint over {found.since} entries. What came after is whole: "
            f"{came} entries; {found.signed} of {found.entries} are signed."
        )
    closed = ""
    if found.segments:
        closed = f", in {found.segments} closed segment{'s' * (found.segments != 1)} and the live file"
    gone = found.removed
    if gone is None:
        return f"The log is whole: {found.entries} entries, {found.signed} of them signed{closed}."
    return (
        f"What is kept of the log is whole: entries {gone.last + 1} to {found.entries}, signed up to "
        f"{found.signed}{closed}. Entries 1 to {gone.last} were removed by retention on {gone.removed_at[:10]}, "
        f"as entry {gone.removed} records."
    )


def altered(found: Verification) -> str:
    """The verdict on a log that is not whole; the problem in it is still untrusted."""
    which = (
        f"entry {found.first_bad} is the first bad one"
        if found.first_bad is not None
        else "no entry can be named"
    )
    return f"The log was altered, {which}: {found.problem}"


def known_outside(deliveries: Sequence[Delivery]) -> list[str]:
    """A line for each place outside, still untrusted, and one for what a loss here would hide."""
    if not deliveries:
        return []
    from helpdesk.gate.shipping_told import window

    lines = [one.words() for one in deliveries]
    return [*lines, window(deliveries)] if window(deliveries) else lines
