"""The people and the group of one question to the policy, as Cedar entities.

Every entity that anything refers to must exist: a rule that meets a missing one fails, and a failing
``forbid`` forbids nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from helpdesk.identity import Group, Person

_COMMA = re.compile(r"(?:\\.|[^\\,;])+", re.DOTALL)
_PLUS = re.compile(r"(?:\\.|[^\\+])+", re.DOTALL)
_SPECIAL = re.compile(r"[,+=\\]")
_ESCAPED = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)


@dataclass(frozen=True)
class Subject:
    """A person as authorization sees them, with rights and status read now.

    Attributes:
        roles: names from ``[roles]``.
        privileged: member or owner of a group of the role "privileged".
    """

    person: Person
    roles: frozenset[str]
    privileged: bool
    enabled: bool = True


def person_uid(id: str) -> dict[str, str]:
    return {"type": "Person", "id": id}


class Entities:
    """Collects entities; every reference it gives out is to one that exists.

    Args:
        subjects: everyone known. The same person twice (by id) counts once, with the lesser rights.
    """

    def __init__(self, subjects: Iterable[Subject]) -> None:
        everyone = list(subjects)
        self._subjects: dict[str, Subject] = {}
        for subject in everyone:
            known = self._subjects.get(subject.person.id)
            self._subjects[subject.person.id] = _lesser(known, subject) if known else subject
        self._by_dn = _index(everyone)
        self._strangers: dict[str, dict[str, Any]] = {}
        self._resources: list[dict[str, Any]] = []

    def add_desk(self) -> dict[str, str]:
        return self._add({"type": "Desk", "id": "desk"}, {})

    def add_group(self, group: Group, privileged: bool) -> dict[str, str]:
        attributes = {
            "name": group.name,
            "owners": [{"__entity": self._at(dn)} for dn in group.owner_dns],
            "privileged": privileged,
        }
        return self._add({"type": "Group", "id": group.id}, attributes)

    def documents(self) -> list[dict[str, Any]]:
        """All of them in Cedar's JSON."""
        people = [self._person(subject) for subject in self._subjects.values()]
        return [*people, *self._strangers.values(), *self._resources]

    def _add(self, uid: dict[str, str], attributes: Mapping[str, Any]) -> dict[str, str]:
        self._resources.append(_entity(uid, attributes))
        return uid

    def _person(self, subject: Subject) -> dict[str, Any]:
        person = subject.person
        attributes: dict[str, Any] = {
            "login": person.login,
            "roles": sorted(subject.roles),
            "privileged": subject.privileged,
            "enabled": subject.enabled,
        }
        if person.manager_dn:
            attributes["manager"] = {"__entity": self._at(person.manager_dn)}
        return _entity(person_uid(person.id), attributes)

    def _at(self, dn: str) -> dict[str, str]:
        """Whoever is at a DN: someone known, or a stand-in who may nothing and is protected."""
        name = same_dn(dn)
        if name in self._by_dn:
            return person_uid(self._by_dn[name])
        uid = person_uid(f"dn:{name}")
        attributes = {"login": "", "roles": [], "privileged": True, "enabled": False}
        self._strangers[name] = _entity(uid, attributes)
        return uid


@lru_cache(1024)
def same_dn(dn: str) -> str:
    """A DN in one spelling, so that two spellings of one name compare equal.

    Escapes (RFC 4514) are undone, and what a directory ignores in a name (RFC 4518: case, width, spaces
    at the ends and repeated ones) is ignored. Good for finding who is meant; identity is the id.
    """
    return ",".join("+".join(sorted(map(_assertion, _PLUS.findall(rdn)))) for rdn in _COMMA.findall(dn))


def _assertion(text: str) -> str:
    attribute, _, value = text.partition("=")
    raw = _ESCAPED.sub(lambda m: bytes.fromhex(m[1].decode()) if m[1] else m[2], value.encode())
    plain = "".join(map(_small, unicodedata.normalize("NFKC", raw.decode("utf-8", "backslashreplace"))))
    quoted = _SPECIAL.sub(r"\\\g<0>", " ".join(plain.split()))
    return f"{attribute.strip().lower()}={quoted}"


def _small(character: str) -> str:
    """In lower case as directories do it: ß is not ss to them, so that those two may be two people."""
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _index(subjects: Iterable[Subject]) -> dict[str, str]:
    """DN → id; a DN that two entries claim (one was deleted, another made in its place) is nobody's."""
    claims: dict[str, set[str]] = {}
    for subject in subjects:
        claims.setdefault(same_dn(subject.person.dn), set()).add(subject.person.id)
    return {dn: ids.pop() for dn, ids in claims.items() if dn and len(ids) == 1}


def _lesser(one: Subject, other: Subject) -> Subject:
    return replace(
        one,
        roles=one.roles & other.roles,
        privileged=one.privileged or other.privileged,
        enabled=one.enabled and other.enabled,
    )


def _entity(uid: dict[str, str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"uid": uid, "attrs": dict(attributes), "parents": []}
