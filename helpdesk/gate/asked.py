"""Who is asked for an approval: the site's rules, in words about the people whom the directory holds now.

This only chooses who is asked and how many must say yes. Whether each of them may is the policy's to decide, at the
yes and again when it is carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from helpdesk.config import ApprovalRule
from helpdesk.errors import Ambiguous, NotFound
from helpdesk.identity import Group, Person
from helpdesk.ports import DirectoryReader
from helpdesk.text import folded

MOST = 50
"""People who are asked for one yes at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One yes that is needed, and everybody who could give it.

    Attributes:
        of: in the words of the configuration ("owner or manager").
    """

    of: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """What a rule means for one call now.

    Attributes:
        later: who may answer as well after ``after``; ``None`` for nobody.
    """

    rule: str
    needs: tuple[Asked, ...]
    after: timedelta | None = None
    later: Asked | None = None

    @property
    def people(self) -> list[Person]:
        """Everybody once, in the order in which they are asked."""
        found: dict[str, Person] = {}
        for asked in (*self.needs, *([self.later] if self.later else [])):
            for person in asked.people:
                found.setdefault(person.id, person)
        return list(found.values())

    def only(self, ids: Iterable[str]) -> Route:
        """The same with those alone who may say yes."""
        allowed = set(ids)

        def of(asked: Asked) -> Asked:
            return Asked(asked.of, tuple(person for person in asked.people if person.id in allowed))

        return Route(
            self.rule, tuple(map(of, self.needs)), self.after, of(self.later) if self.later else None
        )

    @property
    def nobody(self) -> str:
        """A yes that nobody could give, in the words of the configuration; "" when each has somebody."""
        for asked in self.needs:
            if not asked.people and not (self.later and self.later.people):
                return asked.of
        return ""

    def document(self, now: datetime) -> dict[str, Any]:
        """What is sealed with the request (:mod:`helpdesk.gate.routing`)."""
        found: dict[str, Any] = {
            "rule": self.rule,
            "needs": [
                {"of": asked.of, "people": [person.id for person in asked.people]} for asked in self.needs
            ],
        }
        if self.after is not None and self.later is not None and self.later.people:
            found["escalation"] = {
                "at": (now + self.after).isoformat(),
                "to": self.later.of,
                "people": [person.id for person in self.later.people],
            }
        return found


@dataclass(frozen=True, slots=True)
class Routes:
    """The rules of ``[approvals]``, in the order of the file; the first that fits counts."""

    rules: Sequence[ApprovalRule] = ()

    def rule_for(self, action: str, group: Group | None) -> ApprovalRule | None:
        return next((rule for rule in self.rules if _fits(rule, action, group)), None)

    def document(self) -> list[Mapping[str, Any]]:
        """The rules as plain JSON, for a digest."""
        return [
            {
                "actions": list(rule.actions),
                "groups": list(rule.groups),
                "any_of": list(rule.any_of),
                "all_of": list(rule.all_of),
                "after": int(rule.escalate_after.total_seconds()) if rule.escalate_after else 0,
                "to": rule.escalate_to,
            }
            for rule in self.rules
        ]

    def route(
        self, action: str, requester: Person, group: Group | None, reader: DirectoryReader
    ) -> Route | None:
        """Whom the first fitting rule asks, read from the directory now; ``None`` when none fits; blocking."""
        rule = self.rule_for(action, group)
        if rule is None:
            return None

        def of(*words: str) -> Asked:
            found: dict[str, Person] = {}
            for word in words:
                for person in _people(word, requester, group, reader):
                    if person.id != requester.id and len(found) < MOST:
                        found.setdefault(person.id, person)
            return Asked(" or ".join(words), tuple(found.values()))

        needs = [of(word) for word in rule.all_of]
        if rule.any_of:
            needs.append(of(*rule.any_of))
        later = of(rule.escalate_to) if rule.escalate_to else None
        return Route(rule.name, tuple(needs), rule.escalate_after, later)


def _fits(rule: ApprovalRule, action: str, group: Group | None) -> bool:
    if not any(fnmatchcase(action, pattern) for pattern in rule.actions):
        return False
    if not rule.groups:
        return True
    return group is not None and any(
        fnmatchcase(folded(group.name), folded(pattern)) for pattern in rule.groups
    )


def _people(word: str, requester: Person, group: Group | None, reader: DirectoryReader) -> Iterable[Person]:
    """Those whom a word means; whoever left, or a group that is not there, is nobody."""
    kind, _, rest = word.partition(":")
    match kind:
        case "owner":
            return _by_dn(group.owner_dns if group else (), reader)
        case "manager":
            return chain(requester, 1, reader)
        case "manager-chain":
            return chain(requester, int(rest), reader)
    try:
        return _by_dn(reader.group(rest).member_dns[:MOST], reader)
    except (NotFound, Ambiguous):
        return []


def chain(person: Person, levels: int, reader: DirectoryReader) -> list[Person]:
    """The managers above somebody, nearest first; a circle ends where it closes; blocking."""
    found: dict[str, Person] = {}
    seen, above = {person.id}, person.manager_dn
    while above and len(found) < levels:
        manager = next(iter(_by_dn((above,), reader)), None)
        if manager is None or manager.id in seen:
            break
        seen.add(manager.id)
        found[manager.id] = manager
        above = manager.manager_dn
    return list(found.values())


def _by_dn(dns: Sequence[str], reader: DirectoryReader) -> list[Person]:
    found = []
    for dn in dns:
        try:
            found.append(reader.person_by_dn(dn))
        except NotFound:
            continue  # somebody who left; the others still count
    return found
