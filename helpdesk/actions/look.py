"""One look at the directory: what was read of somebody is not read again for a moment.

A batch reads many rows' people together just before those rows, and one row asks for the same person several times: to
resolve the name, to authorise and to preview. The rule: a look is good for :data:`GOOD_FOR` seconds, whatever a
row has changed is forgotten at once, and nothing that is read back after an effect comes out of a look.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.ports import DirectoryReader, ReadsMany

T = TypeVar("T")
GOOD_FOR = 1.0
"""Seconds."""
_BY_ID = ("id", "status", "groups")
_NOBODY: Mapping[str, str] = {}


class Look:
    """Implements :class:`helpdesk.ports.DirectoryReader` and :class:`helpdesk.ports.AtHand`; several threads may share one.

    Args:
        reader: asked for whatever was not read yet.
    """

    def __init__(self, reader: DirectoryReader) -> None:
        self._reader = reader
        self._known: dict[tuple[str, str], Any] = {}
        self._about: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self.begun = time.monotonic()

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self.begun > GOOD_FOR

    def ahead(
        self,
        *,
        names: Sequence[str] = (),
        ids: Sequence[str] = (),
        agreed: Mapping[str, str] = _NOBODY,
    ) -> None:
        """Read many people at once, where the server can tell them so; blocking.

        Args:
            names: as they are typed. ids: who is meant, with the state of their accounts and their groups.
            agreed: whom a name was agreed to mean, by their permanent id. Who still bears it is not looked for by it
                once more; of anybody else's bearing it too, the agreement was told.

        Raises:
            Unreachable, NotSignedIn: nothing can be read.
        """
        if not isinstance(self._reader, ReadsMany):
            return
        for name, people in (self._reader.called(names) if names else {}).items():
            self._keep("called", name, list(people))
        everybody = [
            *ids,
            *(p.id for (kind, _), found in self._known.items() if kind == "called" for p in found),
        ]
        for id, seen in (self._reader.snapshots(everybody) if everybody else {}).items():
            self._keep("id", id, seen.person)
            self._keep("status", id, seen.status)
            self._keep("groups", id, list(seen.groups))
        for name, id in agreed.items():
            person = self._known.get(("id", id))
            if person is not None and _bears(person, name):
                self._keep("called", name, [person])

    def at_hand(self, kind: Literal["id", "status"], id: str) -> Any | None:
        return self._known.get((kind, id))

    def forget(self, people: Iterable[str], groups: Iterable[str] = ()) -> None:
        """These were changed, or may have been: they are read anew. Of a group, so is who is in any.

        Args:
            people, groups: permanent ids.
        """
        for id in people:
            for key in self._about.pop(id, ()):
                self._known.pop(key, None)
        if any(True for _ in groups):
            for key in [key for key in self._known if key[0] in ("group", "groups")]:
                self._known.pop(key, None)

    def _keep(self, kind: str, name: str, found: Any) -> None:
        self._known[kind, name] = found
        if kind in _BY_ID:
            self._about[name].append((kind, name))
        elif kind != "group":
            for person in found if isinstance(found, list) else (found,):
                self._about[person.id].append((kind, name))

    def _once(self, kind: str, name: str, read: Callable[[], T]) -> T:
        """Errors are not kept: the next one asks again."""
        if (kind, name) not in self._known:
            self._keep(kind, name, read())
        found: T = self._known[kind, name]
        return found

    # ── people ────────────────────────────────────────────────────────────────────────────────

    def person(self, login: str) -> Person:
        return self._once("login", login, lambda: self._reader.person(login))

    def person_by_id(self, id: str) -> Person:
        return self._once("id", id, lambda: self._reader.person_by_id(id))

    def person_by_dn(self, dn: str) -> Person:
        return self._once("dn", dn, lambda: self._reader.person_by_dn(dn))

    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        return self._reader.find_people(words, limit)

    def people_called(self, name: str) -> list[Person]:
        return self._once("called", name, lambda: self._reader.people_called(name))

    # ── groups ────────────────────────────────────────────────────────────────────────────────

    def group(self, name: str) -> Group:
        return self._once("group", name, lambda: self._reader.group(name))

    def groups(self, limit: int = 1000) -> list[Group]:
        return self._reader.groups(limit)

    def groups_of(self, person: Person) -> list[Group]:
        return self._once("groups", person.id, lambda: self._reader.groups_of(person))

    # ── accounts ──────────────────────────────────────────────────────────────────────────────

    def groups_owned(self, person: Person) -> list[Group]:
        return self._reader.groups_owned(person)

    def status(self, person: Person) -> AccountStatus:
        return self._once("status", person.id, lambda: self._reader.status(person))

    def password_rules(self, person: Person) -> PasswordRules:
        return self._reader.password_rules(person)


def _bears(person: Person, name: str) -> bool:
    """Whether this is their login, mail address or employee number."""
    return name.casefold() in {
        text.casefold() for text in (person.login, person.mail, person.employee_number)
    }
