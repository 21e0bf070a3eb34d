"""Access that ends by itself, as it is kept: what was given to whom, by whose leave, until when.

A grant is a plain document that a host seals. It holds everything that the end needs, so that any worker can take the
access back after years, on a host whose log never saw it being given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from helpdesk.errors import InvalidArgument, UsageError
from helpdesk.gate.sealed import ALPHABET

SCHEMA = "helpdesk grant v1"
SYSTEM = "grants"
"""The system of record for ends, as changes and receipts name it."""
DAYS, UNTIL = "days", "until"
LONGEST_DAYS = 366
NEVER, NONE = "never", "none"
"""How the end of something is shown that has none: because it stays, and because it is not there."""


@dataclass(frozen=True, slots=True)
class End:
    """When something ends, as it was asked for: at a moment, or so many days after it is given."""

    days: int | None = None
    until: datetime | None = None

    def moment(self, given: datetime) -> datetime:
        """The moment, if it is given at ``given``, UTC."""
        return self.until if self.until is not None else given + timedelta(days=self.days or 0)

    def __str__(self) -> str:
        """The same words on every host, since they are part of what is agreed to."""
        if self.until is not None:
            return told(self.until)
        return f"{self.days} day{'s' * (self.days != 1)} after it is given"


def end_of(values: Mapping[str, Any], now: datetime) -> End | None:
    """The end that a call's arguments ask for; ``None`` when they ask for none.

    Raises:
        UsageError: both are given. InvalidArgument: it has passed, or is too far away.
    """
    days, until = values.get(DAYS), values.get(UNTIL)
    if days is None and until is None:
        return None
    if days is not None and until is not None:
        raise UsageError(
            "--days and --until both say when it ends; nothing was done.",
            hint="Give one of them.",
            code="two-ends",
        )
    if days is not None:
        if not 1 <= days <= LONGEST_DAYS:
            raise InvalidArgument(f"--days must be from 1 to {LONGEST_DAYS}, not {days}.")
        return End(days=days)
    moment = datetime.fromisoformat(str(until))
    if moment <= now:
        raise InvalidArgument(
            f"--until {told(moment)} has passed, so nothing was done.", hint="Give a later moment."
        )
    if moment > now + timedelta(days=LONGEST_DAYS):
        raise InvalidArgument(
            f"--until {told(moment)} is more than {LONGEST_DAYS} days away, so nothing was done."
        )
    return End(until=moment)


def told(moment: datetime) -> str:
    """A moment in the zone that it was given in: "2 December 2026, 18:00 UTC+1"."""
    offset = moment.utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    zone = (
        "UTC" if not minutes else f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")
    )
    clock = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {clock} {zone}"


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something by permanent id, and how they were called then."""

    id: str
    name: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """One promise that something ends.

    Attributes:
        id: "G-7K3F2Q-X4NM"; the first half is the same for everything given to one person on one target.
        thing: what is given, to whom: the digest of the call that takes it back.
        action, arguments: the call that gave it, and its ``key``.
        undo, takes: the call that takes it back, and of its arguments the ``people`` and ``groups``.
        person: whose access it is. requester: who asked.
        given, ends: moments with their zones. asked: the end in the words that were agreed to.
        approved_by: logins of whoever let them have it; the giver's own where nobody else was asked.
        request: of the approval, or "". log: of the host that gave it; entry: the intent in that log.
        changes: what the giving changed beside the end, as it was previewed.
        ended_by: the login of whoever ended it before its time, or "".
    """

    id: str
    thing: str
    action: str
    version: str
    arguments: Mapping[str, Any]
    key: str
    undo: str
    takes: Mapping[str, Any]
    person: Named
    requester: Named
    people: Mapping[str, str]
    groups: Mapping[str, Named]
    given: datetime
    ends: datetime
    asked: str
    approved_by: tuple[str, ...] = ()
    request: str = ""
    entry: int = 0
    log: str = ""
    changes: tuple[tuple[str, str, str, str, str], ...] = field(default=())
    ended_by: str = ""

    @property
    def target(self) -> str:
        """What it is access to, as a person names it."""
        return next(iter(self.groups.values())).name if self.groups else self.undo

    def document(self) -> dict[str, Any]:
        """Plain JSON, to be sealed."""
        plain = {**asdict(self), "given": self.given.isoformat(), "ends": self.ends.isoformat()}
        return {
            "schema": SCHEMA,
            **plain,
            "arguments": dict(self.arguments),
            "takes": dict(self.takes),
            "people": dict(self.people),
            "approved_by": list(self.approved_by),
            "changes": [list(change) for change in self.changes],
        }


def grant_from(document: Mapping[str, Any]) -> Grant:
    """The grant of a document whose seal was proven.

    Raises:
        ValueError, KeyError, TypeError: it is none of ours.
    """
    fields = dict(document)
    if fields.pop("schema") != SCHEMA:
        raise ValueError(f"this is no {SCHEMA}")
    given, ends = datetime.fromisoformat(fields["given"]), datetime.fromisoformat(fields["ends"])
    if given.tzinfo is None or ends.tzinfo is None:
        raise ValueError("a grant has moments without a zone")
    fields |= {
        "given": given,
        "ends": ends,
        "person": Named(**fields["person"]),
        "requester": Named(**fields["requester"]),
        "groups": {name: Named(**one) for name, one in fields["groups"].items()},
        "approved_by": tuple(fields["approved_by"]),
        "changes": tuple((str(a), str(b), str(c), str(d), str(e)) for a, b, c, d, e in fields["changes"]),
    }
    return Grant(**fields)


def prefix_of(thing: str) -> str:
    """How the ids of every grant of a thing begin."""
    return f"G-{_letters(thing, 6)}-"


def id_of(thing: str, key: str) -> str:
    """The id of the grant that one call makes: asked for twice, it is one grant (R3)."""
    return prefix_of(thing) + _letters(f"{thing} {key}", 6)


def _letters(text: str, count: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    found = ""
    for _ in range(count):
        number, rest = divmod(number, len(ALPHABET))
        found += ALPHABET[rest]
    return found
