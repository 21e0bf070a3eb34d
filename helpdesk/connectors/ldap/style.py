"""What differs between kinds of directories: attribute names, and how accounts are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from helpdesk.connectors.ldap.client import Client
from helpdesk.connectors.ldap.controls import Control
from helpdesk.connectors.ldap.escape import filter_and, filter_equal, filter_or, first_value, parsed
from helpdesk.connectors.ldap.link import Link
from helpdesk.connectors.ldap.messages import Answer, Entry
from helpdesk.connectors.names import key
from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.ports import Clock, ContactField


@dataclass(frozen=True)
class Names:
    """The attributes and classes of one kind of directory.

    Attributes:
        id: holds what stays the same whatever an entry is called.
        id_text, id_value: that attribute's value as text, and back.
        display: where a person's name stands, best first.
        nested: a matching rule that finds groups of groups, where the server has one.
        primary_group: the attributes with the number of a group that need not list its members, and with the
            identifier that the number belongs to; empty where there is no such thing.
        alias: the attribute of further mail addresses, each behind ``alias_prefix``; where it is that of mail
            addresses itself, they are all but the first.
        one_owner: a group has one owner at most.
        new_person_classes, new_person_name: what a new entry is made of and called, unless configured.
        groups_anywhere: a group's bare name is unique in the whole directory, so it is looked for everywhere.
    """

    id: str
    id_text: Callable[[bytes], str]
    id_value: Callable[[str], bytes]
    login: str
    display: tuple[str, ...]
    employee_number: str
    person_filter: str
    group_filter: str
    group_name: str
    member: tuple[str, ...]
    owner: tuple[str, ...]
    mail: str = "mail"
    phone: str = "telephoneNumber"
    title: str = "title"
    manager: str = "manager"
    employment: str = "employeeType"
    alias: str = "mail"
    alias_prefix: str = ""
    one_owner: bool = False
    new_person_classes: tuple[str, ...] = ()
    new_person_name: str = ""
    nested: str = ""
    groups_anywhere: bool = False
    primary_group: tuple[str, ...] = ()

    def contact(self, field: ContactField) -> str:
        return {"mail": self.mail, "phone": self.phone, "title": self.title}[field]

    def person_attributes(self, login: str) -> list[str]:
        return [
            self.id,
            login,
            *self.display,
            self.mail,
            self.employee_number,
            self.phone,
            self.title,
            self.manager,
            self.employment,
            *([] if self.alias == self.mail else [self.alias]),
        ]

    def group_attributes(self) -> list[str]:
        return [self.id, self.group_name, "cn", "description", "objectClass", *self.member, *self.owner]

    def id_filter(self, id: str, kind: str) -> str:
        """Raises ValueError: that is no id."""
        return filter_and([kind, filter_equal(self.id, self.id_value(id))])

    def member_filter(self, dn: str, login: str = "") -> str:
        """Groups that hold this entry directly."""
        parts = [filter_equal(name, dn) for name in self.member]
        if login and not self.groups_anywhere:
            parts.append(
                filter_and([filter_equal("objectClass", "posixGroup"), filter_equal("memberUid", login)])
            )
        return filter_or(parts)

    def entry_id(self, entry: Entry) -> str:
        """The entry's id as text; empty where the server does not show it."""
        values = entry.values(self.id)
        return self.id_text(values[0]) if values else ""

    def as_person(self, entry: Entry, login_attribute: str) -> Person:
        login = own_name(entry, login_attribute)
        return Person(
            id=self.entry_id(entry),
            dn=entry.dn,
            login=login,
            name=next((entry.text(name) for name in self.display if entry.text(name)), login),
            mail=entry.text(self.mail),
            employee_number=entry.text(self.employee_number),
            phone=entry.text(self.phone),
            title=entry.text(self.title),
            manager_dn=entry.text(self.manager),
            aliases=self._aliases(entry),
            employment=entry.text(self.employment),
        )

    def _aliases(self, entry: Entry) -> tuple[str, ...]:
        if self.alias == self.mail:
            return entry.texts(self.mail)[1:]
        start = len(self.alias_prefix)
        written = [value for value in entry.texts(self.alias) if value[:start] == self.alias_prefix]
        return tuple(value[start:] for value in written)

    def as_group(self, entry: Entry) -> Group:
        return Group(
            id=self.entry_id(entry),
            dn=entry.dn,
            name=own_name(entry, self.group_name),
            description=entry.text("description"),
            owner_dns=tuple(dn for name in self.owner for dn in entry.texts(name)),
            member_dns=tuple(dn for name in self.member for dn in entry.texts(name)),
        )


def own_name(entry: Entry, attribute: str) -> str:
    """The value that names the entry, where it has several; always the same one (D7)."""
    values = entry.texts(attribute)
    if len(values) > 1:
        named = [value for kind, value in parsed(entry.dn)[0] if kind == attribute.lower()]
        matching = [value for value in values if value in named]
        return (matching or sorted(values))[0]
    return values[0] if values else first_value(entry.dn)


def matched(entry: Entry, attribute: str, typed: str) -> bool:
    """Whether the entry really has the name that was asked for, in some spelling of it (D7)."""
    return key(typed) in {key(value) for value in entry.texts(attribute)}


@dataclass(frozen=True)
class Target:
    """An entry to write, and the control that guards it where the server has one."""

    person: Person
    guard: tuple[Control, ...]


class Accounts(Protocol):
    """How one kind of directory keeps the state of accounts.

    The writing methods raise the errors of the port. ``base`` is the directory's own base.
    """

    def status(self, link: Link, base: str, person: Person, clock: Clock) -> AccountStatus: ...

    def statuses(
        self, link: Link, base: str, people: Mapping[str, Entry], clock: Clock
    ) -> Mapping[str, AccountStatus]:
        """The status of many, by id; whoever is left out is looked at alone."""

    def rules(self, link: Link, base: str, person: Person) -> PasswordRules: ...

    def may_change_after(self, link: Link, base: str, person: Person) -> datetime | None:
        """When the password is old enough to be changed by its owner; ``None`` when not told."""

    def change_own(self, link: Link, person: Person, old: Secret, new: Secret) -> Answer: ...

    def set_password(self, link: Link, target: Target, new: Secret, *, must_change: bool) -> Answer: ...

    def unlock(self, link: Link, target: Target) -> None: ...

    def set_enabled(self, link: Link, target: Target, enabled: bool) -> None: ...

    def closed(self) -> Mapping[str, Sequence[str | bytes]]:
        """The attributes of a new account that is disabled."""

    def bind_reason(self, answer: Answer) -> str:
        """Why a bind was refused, or what it is restricted to: "locked", "disabled", "expired",
        "must-change", or "" for a wrong name or password."""

    def proves(self, client: Client, dn: str, login: str) -> bool:
        """Whether the server says that exactly this entry is bound."""
