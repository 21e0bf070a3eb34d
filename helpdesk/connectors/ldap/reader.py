"""Look-ups: people, groups and the state of accounts, with the rights of whoever is bound."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from helpdesk.connectors.ldap import refusals
from helpdesk.connectors.ldap.client import Client, Found
from helpdesk.connectors.ldap.deadline import bounded
from helpdesk.connectors.ldap.discovery import Layout, discover, find_groups_base
from helpdesk.connectors.ldap.escape import (
    NotADn,
    alike,
    filter_and,
    filter_contains,
    filter_equal,
    filter_not,
    filter_or,
    filter_present,
    looks_like_dn,
    same_dn,
)
from helpdesk.connectors.ldap.link import Link
from helpdesk.connectors.ldap.messages import Entry, Scope
from helpdesk.connectors.ldap.settings import LdapSettings
from helpdesk.connectors.ldap.style import matched
from helpdesk.connectors.names import says_nothing
from helpdesk.errors import Ambiguous, ConfigError, Failed, NotFound, Refused
from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.text import shorten

if TYPE_CHECKING:
    from helpdesk.ports import Clock, Snapshot

T = TypeVar("T")
_MAX_DEPTH = 12
MAX_OWNED = 2000


class Places:
    """Where things are in this directory: asked of the server once, by whoever may see it first."""

    def __init__(self, settings: LdapSettings) -> None:
        self.settings = settings
        self._layout: Layout | None = None
        self._lock = threading.Lock()

    def layout(self, link: Link) -> Layout:
        """Raises Unreachable, ConfigError."""
        with self._lock:
            if self._layout is None:
                self._layout = discover(link, self.settings)
            return self._layout

    def groups_base(self, link: Link) -> str:
        """Raises ConfigError: there is no one place where groups are."""
        layout = self.layout(link)
        if not layout.groups_base:
            layout = replace(layout, groups_base=find_groups_base(link, layout))
            with self._lock:
                self._layout = layout
        return layout.groups_base


class LdapReader:
    """Implements :class:`helpdesk.ports.DirectoryReader` and :class:`helpdesk.ports.ReadsMany`.

    Args:
        anonymous: nobody is bound, so a refusal has another remedy.
    """

    def __init__(self, link: Link, places: Places, clock: Clock, *, anonymous: bool = False) -> None:
        self._link = link
        self._places = places
        self._clock = clock
        self._anonymous = anonymous

    @property
    def total(self) -> float:
        """Seconds that one call may take."""
        return self._places.settings.timeouts.total

    # ── people ────────────────────────────────────────────────────────────────────────────────

    @bounded
    def person(self, login: str) -> Person:
        layout = self._layout()
        if says_nothing(login) or "\0" in login:
            raise _nobody(login)
        names = layout.names
        filter = filter_and([names.person_filter, filter_equal(layout.login_attribute, login)])
        found = self._people(layout.people_base, filter, limit=2)
        if len(found.entries) > 1:
            raise Ambiguous(
                f"More than one entry of the directory has the login name {shorten(login, 80)!r}.",
                hint="Narrow [directory] people_base, or have one of them renamed.",
            )
        if not found.entries or not matched(found.entries[0], layout.login_attribute, login):
            raise _nobody(login)
        return self._as_person(found.entries[0])

    @bounded
    def person_by_id(self, id: str) -> Person:
        layout = self._layout()
        try:
            filter = layout.names.id_filter(id, layout.names.person_filter)
        except ValueError:
            raise _nobody(id) from None
        found = self._people(layout.base, filter, limit=2)
        if len(found.entries) != 1:
            raise _nobody(id)
        return self._as_person(found.entries[0])

    @bounded
    def person_by_dn(self, dn: str) -> Person:
        layout = self._layout()
        entry = self._at(
            dn, layout.names.person_filter, layout.names.person_attributes(layout.login_attribute)
        )
        if entry is None:
            raise _nobody(dn)
        return self._as_person(entry)

    @bounded
    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        layout = self._layout()
        names = layout.names
        wanted = [word for word in words.split() if not says_nothing(word) and "\0" not in word]
        if not wanted:
            return []
        fields = [layout.login_attribute, *names.display, names.mail, names.employee_number]
        every = [filter_or(filter_contains(field, word) for field in fields) for word in wanted]
        found = self._people(layout.people_base, filter_and([names.person_filter, *every]), limit=limit)
        people = [names.as_person(entry, layout.login_attribute) for entry in found.entries]
        return sorted((person for person in people if person.id), key=lambda person: person.login)

    @bounded
    def people_called(self, name: str) -> list[Person]:
        layout = self._layout()
        if says_nothing(name) or "\0" in name:
            return []
        names = layout.names
        fields = [layout.login_attribute, names.mail, names.employee_number]
        called = filter_or(filter_equal(field, name) for field in fields)
        found = self._people(layout.people_base, filter_and([names.person_filter, called]), limit=5)
        return [
            self._as_person(entry)
            for entry in found.entries
            if any(matched(entry, field, name) for field in fields)
        ]

    # ── groups ────────────────────────────────────────────────────────────────────────────────

    @bounded
    def group(self, name: str) -> Group:
        layout = self._layout()
        names = layout.names
        if says_nothing(name) or "\0" in name:
            raise _no_group(name)
        if looks_like_dn(name):
            entry = self._at(name, names.group_filter, names.group_attributes())
            if entry is not None:
                return names.as_group(entry)
        filter = filter_and([names.group_filter, filter_equal(names.group_name, name)])
        scope: Scope = "SUBTREE" if names.groups_anywhere else "LEVEL"
        base = self._groups_base()
        found = self._ask(
            lambda client: client.search(base, filter, names.group_attributes(), scope=scope, limit=2)
        )
        self._seen(found, base, "groups")
        if len(found.entries) > 1:
            raise Ambiguous(
                f"More than one group is called {shorten(name, 80)!r}.", hint="Name it by its DN."
            )
        if not found.entries or not matched(found.entries[0], names.group_name, name):
            raise _no_group(name)
        return names.as_group(found.entries[0])

    @bounded
    def groups(self, limit: int = 1000) -> list[Group]:
        layout = self._layout()
        base = self._groups_base()
        found = self._ask(
            lambda client: client.search(
                base, layout.names.group_filter, layout.names.group_attributes(), limit=limit
            )
        )
        self._seen(found, base, "groups")
        return sorted(map(layout.names.as_group, found.entries), key=lambda group: group.name)

    @bounded
    def groups_of(self, person: Person) -> list[Group]:
        layout = self._layout()
        names = layout.names
        wanted = [names.id, layout.login_attribute, "memberOf", *names.primary_group]
        current = self._at(person.dn, names.person_filter, wanted)
        if current is None or names.entry_id(current) != person.id:
            raise NotFound(f"The account {person.login} is no longer in the directory.")
        held = self._holding([(person.dn, person.login)], layout)
        held |= self._primary(current, layout)
        for dn in current.texts("memberOf"):
            if dn.lower() not in held:
                entry = self._at(dn, names.group_filter, [*names.group_attributes(), "memberUid"])
                if entry is not None and self._may_hold(entry, person, layout):
                    held[dn.lower()] = names.as_group(entry)
        return sorted(held.values(), key=lambda group: group.name)

    @bounded
    def groups_owned(self, person: Person) -> list[Group]:
        layout = self._layout()
        names = layout.names
        owned = filter_or(filter_equal(name, person.dn) for name in names.owner)
        filter = filter_and([names.group_filter, owned])
        found = self._ask(
            lambda client: client.search(layout.base, filter, names.group_attributes(), limit=MAX_OWNED)
        )
        self._seen(found, layout.base, "groups")
        if found.answer.code == refusals.SIZE_LIMIT or len(found.entries) >= MAX_OWNED:
            raise Failed(
                f"{person.login} owns more groups than the directory shows at once.",
                hint="Name some of them.",
            )
        return sorted(map(names.as_group, found.entries), key=lambda group: group.name)

    def _may_hold(self, group: Entry, person: Person, layout: Layout) -> bool:
        """Whether a group that the person's entry names holds them: its own list counts, wherever that can be seen.

        Servers keep ``memberOf`` beside the list, and it may be behind: a membership that was just taken away would
        be read back as kept. Where the list is hidden from the reader, it is all that there is.
        """
        names = layout.names
        listed = names.as_group(group).member_dns
        logins = group.texts("memberUid")
        if listed or logins:
            return any(alike(dn, person.dn) for dn in listed) or person.login in logins
        empty = filter_and(filter_not(filter_present(name)) for name in names.member)
        return self._at(group.dn, empty, [names.id]) is None

    def _primary(self, person: Entry, layout: Layout) -> dict[str, Group]:
        """Active Directory's primary group, which lists nobody as its member, and the groups that hold it."""
        names = layout.names
        if not names.primary_group:
            return {}
        number, sid = (
            person.text(names.primary_group[0]),
            next(iter(person.values(names.primary_group[1])), b""),
        )
        if not number.isascii() or not number.isdigit() or len(sid) < 12:
            return {}
        group_sid = sid[:-4] + int(number).to_bytes(4, "little")
        filter = filter_and([names.group_filter, filter_equal(names.primary_group[1], group_sid)])
        found = self._ask(
            lambda client: client.search(layout.base, filter, names.group_attributes(), limit=1)
        )
        self._seen(found, layout.base, "groups")
        groups = {entry.dn.lower(): names.as_group(entry) for entry in found.entries}
        for group in list(groups.values()):
            groups |= self._holding([(group.dn, "")], layout)
        return groups

    def _holding(self, members: list[tuple[str, str]], layout: Layout) -> dict[str, Group]:
        """Groups that hold these (DN, login) pairs, and the groups that hold those, by DN in lower case."""
        names = layout.names
        held: dict[str, Group] = {}
        for _ in range(1 if names.nested else _MAX_DEPTH):
            if not members:
                break
            holding = filter_or(self._holds(dn, login, layout) for dn, login in members)
            filter = filter_and([names.group_filter, holding])
            found = self._ask(
                lambda client, filter=filter: client.search(  # type: ignore[misc]
                    layout.base, filter, names.group_attributes()
                )
            )
            self._seen(found, layout.base, "groups")
            new = {entry.dn.lower(): names.as_group(entry) for entry in found.entries}
            members = [(group.dn, "") for dn, group in new.items() if dn not in held]
            held |= new
        return held

    def _holds(self, dn: str, login: str, layout: Layout) -> str:
        names = layout.names
        if names.nested:
            return filter_equal(names.member[0], dn, rule=names.nested)
        return names.member_filter(dn, login)

    # ── many at once ──────────────────────────────────────────────────────────────────────────

    @bounded
    def called(self, names: Sequence[str]) -> Mapping[str, Sequence[Person]]:
        from helpdesk.connectors.ldap import many

        return many.called(self, names)

    @bounded
    def snapshots(self, ids: Sequence[str]) -> Mapping[str, Snapshot]:
        from helpdesk.connectors.ldap import many

        return many.snapshots(self, ids)

    # ── accounts ──────────────────────────────────────────────────────────────────────────────

    @bounded
    def person_and_status(self, id: str) -> tuple[Person, AccountStatus] | None:
        from helpdesk.connectors.ldap import many

        return many.person_and_status(self, id)

    @bounded
    def status(self, person: Person) -> AccountStatus:
        layout = self._layout()
        return layout.accounts.status(self._link, layout.base, person, self._clock)

    @bounded
    def password_rules(self, person: Person) -> PasswordRules:
        layout = self._layout()
        return layout.accounts.rules(self._link, layout.base, person)

    # ── asking ────────────────────────────────────────────────────────────────────────────────

    def _check(self) -> None:
        """Whether anything may be asked at all; a session knows more."""

    def _layout(self) -> Layout:
        self._check()
        return self._places.layout(self._link)

    def _groups_base(self) -> str:
        return self._places.groups_base(self._link)

    def _ask(self, question: Callable[[Client], Found]) -> Found:
        self._check()
        return self._link.read(question)

    def _people(self, base: str, filter: str, limit: int) -> Found:
        layout = self._layout()
        wanted = layout.names.person_attributes(layout.login_attribute)
        found = self._ask(lambda client: client.search(base, filter, wanted, limit=limit))
        self._seen(found, base, "people")
        return found

    def _at(self, dn: str, filter: str, attributes: Sequence[str]) -> Entry | None:
        """The entry with this DN and of this kind."""
        try:
            if not looks_like_dn(dn):
                return None
            found = self._ask(lambda client: client.search(dn, filter, attributes, scope="BASE", limit=1))
            return next((entry for entry in found.entries if same_dn(entry.dn, dn)), None)
        except NotADn:
            return None

    def _as_person(self, entry: Entry) -> Person:
        layout = self._layout()
        person = layout.names.as_person(entry, layout.login_attribute)
        if not person.id:
            raise Failed(
                f"The directory does not show the {layout.names.id} of {person.login}, so nobody can tell who it is.",
                hint="Have its administrators make that attribute readable.",
            )
        return person

    def _seen(self, found: Found, base: str, what: str) -> None:
        """Raise why a search could not look: an empty answer and a refused one are two things."""
        answer = found.answer
        if answer.ok or answer.code in {refusals.SIZE_LIMIT, 10}:  # 10: a referral, never followed
            return
        if self._anonymous:
            raise Refused(
                f"The directory lets nobody look for {what} before signing in.",
                hint="Set [directory] bind_dn and bind_password, an account for look-ups.",
                code="directory-rights",
            )
        if answer.code == refusals.NO_SUCH_ENTRY:
            raise ConfigError(
                f"The directory shows no entry {base}, where {what} should be.",
                hint=f"Check [directory] base, {what}_base and the rights of the account that looks.",
            )
        refusals.refuse(answer, f"look for {what}")


def _nobody(name: str) -> NotFound:
    return NotFound(
        f"There is nobody called {shorten(name, 80)!r} in the directory.",
        hint="Look for the login name: helpdesk do people.find WORDS",
    )


def _no_group(name: str) -> NotFound:
    return NotFound(
        f"There is no group {shorten(name, 80)!r} in the directory.",
        hint="Check the name: helpdesk do access.list shows the groups.",
    )
