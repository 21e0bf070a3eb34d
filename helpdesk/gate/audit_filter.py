"""Which entries of the log somebody wants to see: by who, what, whom, how it ended, when, and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from helpdesk.gate.audit_chain import Entry
from helpdesk.text import folded

FACETS = ("actors", "actions", "targets", "outcomes", "kinds")
_READ = ("actor", "requester", "target", "message", "reason", "arguments")
_TOLD = ("action", "code", "rule", "request", "decision")


@dataclass(frozen=True, slots=True)
class Filter:
    """What an entry must be like: for each part that is given, one of the values in it.

    Attributes:
        actors: login or id of who acted. targets: login, group name or id of whom or what it is about.
        outcomes: also what was decided about a request ("approved", "denied", "withdrawn").
        since, until: of the entry's time, the second one excluded.
        text: words that all occur in its names, its message, its reason, its arguments or its action.
    """

    actors: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is one of these, its words aside: those are the index's business."""
        if (self.since and entry.time < self.since) or (self.until and entry.time >= self.until):
            return False
        found = facets(entry)
        return all(
            not wanted or any(one_name(value) in found[name] for value in wanted)
            for name, wanted in ((name, getattr(self, name)) for name in FACETS)
        )


def facets(entry: Entry) -> dict[str, set[str]]:
    """The values that the parts of a filter are compared with."""
    body, personal = entry.body, entry.personal
    by_request = not personal.get("actor") and not body.get("actor_id")
    who = ("requester", "requester_id") if by_request else ("actor", "actor_id")
    return {
        "actors": _folded(personal.get(who[0]), body.get(who[1])),
        "actions": _folded(body.get("action")),
        "targets": _folded(
            personal.get("target"),
            body.get("person_id"),
            body.get("group_id"),
            *_values(body.get("people")),
            *_values(body.get("groups")),
        ),
        "outcomes": _folded(body.get("outcome"), body.get("decision")),
        "kinds": _folded(entry.kind),
    }


def words(entry: Entry) -> str:
    """The text of an entry that is searched."""
    parts = [entry.personal.get(name) for name in _READ] + [entry.body.get(name) for name in _TOLD]
    return " ".join(str(part) for part in parts if part)


one_name = lru_cache(65536)(folded)
"""Names are compared folded (D7); the same ones come again and again."""


def _folded(*values: Any) -> set[str]:
    return {one_name(value) for value in values if isinstance(value, str) and value}


def _values(found: Any) -> list[Any]:
    return list(found.values()) if isinstance(found, Mapping) else []
