"""How many must say yes, and who may be asked by now: read out of the request alone, and the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from helpdesk.gate.sealed import Approval, Request


@dataclass(frozen=True, slots=True)
class Need:
    """A yes that a request needs.

    Attributes:
        of: in words of the configuration, such as "owner or manager"; "" for any approver.
        people: ids of those whose yes it may be.
    """

    of: str
    people: frozenset[str]


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who may answer as well once nobody has for so long."""

    at: datetime
    to: str
    people: frozenset[str]


def needs(request: Request) -> list[Need]:
    """Every yes that it needs, given or not."""
    listed = request.call.routing.get("needs")
    if not listed:
        return [Need("", frozenset(request.approver_ids))]
    return [Need(one["of"], frozenset(one["people"])) for one in listed]


def escalation(request: Request) -> Escalation | None:
    found = request.call.routing.get("escalation")
    if not found:
        return None
    return Escalation(datetime.fromisoformat(found["at"]), found["to"], frozenset(found["people"]))


def open_needs(request: Request, approvals: Iterable[Approval], now: datetime) -> list[Need]:
    """Which of them are not met at this moment by these approvals."""
    late = escalation(request)
    beside = late.people if late is not None and late.at <= now else frozenset()
    yes = {one.right for one in approvals if one.good_at(now)}
    return [need for need in needs(request) if yes.isdisjoint(need.people | beside)]


def may_answer(request: Request, person: str, now: datetime) -> bool:
    """Whether this person's own yes would count towards what is still open."""
    late = escalation(request)
    if late is not None and late.at <= now and person in late.people:
        return True
    return any(person in need.people for need in open_needs(request, request.approvals, now))
