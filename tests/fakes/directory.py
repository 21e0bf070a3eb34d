"""A directory in memory: everyone may do everything, unless the test says otherwise.

It is for tests of what stands above the port; what real servers do is proved on real servers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from helpdesk.errors import BadCredentials, NotFound, Refused, Unreachable
from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.ports import Clock, ContactField, DirectoryFacts
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson

PEOPLE, GROUPS = "ou=people,dc=test", "ou=groups,dc=test"


@dataclass
class Account:
    person: Person
    password: str
    status: AccountStatus


@dataclass
class FakeDirectory:
    """Implements :class:`helpdesk.ports.Directory`; sessions and readers share its state.

    Attributes:
        deaf: writes report success and do nothing.
        untold: parts of an account's status that it tells nobody.
        before_write, after_write: called around every write; raise there to refuse it or to lose its answer.
        writes: the names of the writes that were asked for.
    """

    clock: Clock = lambda: datetime.now(UTC)
    accounts: dict[str, Account] = field(default_factory=dict)
    teams: dict[str, Group] = field(default_factory=dict)
    deaf: bool = False
    untold: frozenset[str] = frozenset()
    before_write: Callable[[str], None] = lambda _: None
    after_write: Callable[[str], None] = lambda _: None
    writes: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # ── filling it ────────────────────────────────────────────────────────────────────────────

    def add_person(self, login: str, name: str, password: str = "pw", **more: str) -> Person:
        id = f"person-{next(self._ids)}"
        person = Person(id=id, dn=f"uid={login},{PEOPLE}", login=login, name=name, **more)
        status = AccountStatus(locked=False, enabled=True, must_change=False, password_changed=self.clock())
        self.accounts[id] = Account(person, password, status)
        return person

    def add_group(self, name: str, members: tuple[str, ...] = (), owners: tuple[str, ...] = ()) -> Group:
        dn = f"cn={name},{GROUPS}"
        dns = {a.person.login: a.person.dn for a in self.accounts.values()}
        group = Group(
            id=f"group-{next(self._ids)}",
            dn=dn,
            name=name,
            description=f"The {name} group",
            owner_dns=tuple(dns[login] for login in owners),
            member_dns=tuple(dns[login] for login in members),
        )
        self.teams[group.id] = group
        return group

    def set_status(self, login: str, **changes: object) -> None:
        account = self.account(login)
        account.status = replace(account.status, **changes)  # type: ignore[arg-type]

    def account(self, login: str) -> Account:
        """Raises NotFound."""
        for account in self.accounts.values():
            if account.person.login == login:
                return account
        raise NotFound(f"There is nobody called {login!r} in the directory.")

    # ── the port ──────────────────────────────────────────────────────────────────────────────

    def facts(self) -> DirectoryFacts:
        return DirectoryFacts(kind="fake", where="memory")

    def sign_in(self, login: str, password: Secret) -> FakeSession:
        account = self.account(login)
        if account.password != password.expose():
            raise BadCredentials("The directory did not accept this.")
        return FakeSession(self, account.person.id)

    def look_up(self) -> FakeSession:
        return FakeSession(self, "")

    def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        account = self.accounts[person.id]
        if account.password != password.expose():
            return "no"
        return "must-change" if account.status.must_change else "yes"

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class FakeSession:
    """Implements :class:`helpdesk.ports.DirectorySession`, bound as one person or, for look-ups, as nobody."""

    directory: FakeDirectory
    bound: str
    must_change: bool = False
    notices: tuple[str, ...] = ()

    @property
    def me(self) -> Person:
        return self.person_by_id(self.bound)

    def person(self, login: str) -> Person:
        return self.directory.account(login).person

    def person_by_id(self, id: str) -> Person:
        account = self.directory.accounts.get(id)
        if account is None:
            raise NotFound("This person is no longer in the directory.")
        return account.person

    def person_by_dn(self, dn: str) -> Person:
        for account in self.directory.accounts.values():
            if account.person.dn == dn:
                return account.person
        raise NotFound(f"There is no person {dn}.")

    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        people = [account.person for account in self.directory.accounts.values()]
        wanted = words.casefold().split()
        texts = {p.id: f"{p.login} {p.name} {p.mail} {p.employee_number}".casefold() for p in people}
        return [p for p in people if all(word in texts[p.id] for word in wanted)][:limit]

    def people_called(self, name: str) -> list[Person]:
        people = [account.person for account in self.directory.accounts.values()]
        return [
            p
            for p in people
            if name.casefold() in (p.login, p.mail.casefold(), p.employee_number, *p.aliases)
        ]

    def groups_owned(self, person: Person) -> list[Group]:
        return [group for group in self.directory.teams.values() if person.dn in group.owner_dns]

    def group(self, name: str) -> Group:
        for group in self.directory.teams.values():
            if name in (group.name, group.dn):
                return group
        raise NotFound(f"There is no group {name!r} in the directory.")

    def groups(self, limit: int = 1000) -> list[Group]:
        return list(self.directory.teams.values())[:limit]

    def groups_of(self, person: Person) -> list[Group]:
        return [group for group in self.directory.teams.values() if person.dn in group.member_dns]

    def status(self, person: Person) -> AccountStatus:
        untold = dict.fromkeys(self.directory.untold)
        return replace(self.directory.accounts[person.id].status, **untold)

    def password_rules(self, person: Person) -> PasswordRules:
        return PasswordRules(min_length=12)

    # ── writes ────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _write(self, what: str) -> Iterator[bool]:
        self.directory.writes.append(what)
        self.directory.before_write(what)
        yield not self.directory.deaf
        self.directory.after_write(what)

    def change_own_password(self, new: Secret) -> None:
        with self._write("change_own_password") as heard:
            if heard:
                self._set_password(self.bound, new, must_change=False)

    def set_password(self, person: Person, new: Secret, *, must_change: bool) -> None:
        with self._write("set_password") as heard:
            if heard:
                self._set_password(person.id, new, must_change=must_change)

    def _set_password(self, id: str, new: Secret, *, must_change: bool) -> None:
        account = self.directory.accounts[id]
        account.password = new.expose()
        now = self.directory.clock()
        account.status = replace(account.status, locked=False, must_change=must_change, password_changed=now)

    def unlock(self, person: Person) -> None:
        with self._write("unlock") as heard:
            if heard:
                self._status(person, locked=False, locked_until=None)

    def set_enabled(self, person: Person, enabled: bool) -> None:
        with self._write("set_enabled") as heard:
            if heard:
                self._status(person, enabled=enabled)

    def _status(self, person: Person, **changes: object) -> None:
        self.directory.set_status(person.login, **changes)

    def add_member(self, group: Group, person: Person) -> None:
        with self._write("add_member") as heard:
            if heard:
                self._members(group, {*self._now(group), person.dn})

    def remove_member(self, group: Group, person: Person) -> None:
        with self._write("remove_member") as heard:
            if heard:
                self._members(group, self._now(group) - {person.dn})

    def _now(self, group: Group) -> set[str]:
        return set(self.directory.teams[group.id].member_dns)

    def _members(self, group: Group, dns: set[str]) -> None:
        self.directory.teams[group.id] = replace(
            self.directory.teams[group.id], member_dns=tuple(sorted(dns))
        )

    def update_contact(self, person: Person, values: Mapping[ContactField, str]) -> None:
        with self._write("update_contact") as heard:
            if heard:
                account = self.directory.accounts[person.id]
                account.person = replace(
                    account.person, **{str(name): value for name, value in values.items()}
                )

    # ── people who come, move and go ──────────────────────────────────────────────────────────

    def create_person(self, new: NewPerson) -> None:
        with self._write("create_person") as heard:
            if heard and not self.people_called(new.login):
                manager = new.manager.dn if new.manager else ""
                more = {"mail": new.mail, "title": new.title, "employee_number": new.employee_number}
                self.directory.add_person(new.login, new.name, "", manager_dn=manager, **more)
                self.directory.set_status(new.login, enabled=False)

    def set_manager(self, person: Person, manager: Person | None) -> None:
        self._entry("set_manager", person, manager_dn=manager.dn if manager else "")

    def set_employment(self, person: Person, employment: str) -> None:
        self._entry("set_employment", person, employment=employment)

    def add_alias(self, person: Person, address: str) -> None:
        now = self.person_by_id(person.id).aliases
        self._entry("add_alias", person, aliases=tuple(sorted({*now, address})))

    def remove_alias(self, person: Person, address: str) -> None:
        now = self.person_by_id(person.id).aliases
        self._entry("remove_alias", person, aliases=tuple(one for one in now if one != address))

    def _entry(self, what: str, person: Person, **changes: object) -> None:
        with self._write(what) as heard:
            if heard:
                account = self.directory.accounts[person.id]
                account.person = replace(account.person, **changes)  # type: ignore[arg-type]

    def hand_over(self, group: Group, owner: Person, to: Person, *, stays: bool = False) -> None:
        with self._write("hand_over") as heard:
            if heard:
                now = self.directory.teams[group.id]
                owners = {*now.owner_dns, to.dn} - (set() if stays else {owner.dn})
                self.directory.teams[group.id] = replace(now, owner_dns=tuple(sorted(owners)))

    def close(self) -> None:
        """Nothing is open."""


def lost(_: str) -> None:
    """For ``after_write``: it was applied, and the answer never came."""
    raise Unreachable("The directory gave no answer.", maybe_applied=True)


def denied(_: str) -> None:
    """For ``before_write``: the directory's own rights say no."""
    raise Refused("The directory does not let you do that.", code="directory-rights")
