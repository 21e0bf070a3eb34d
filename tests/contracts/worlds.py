"""Directories behind the one port, and the hand that fills them and moves their time from outside."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from ldap3 import MODIFY_ADD, MODIFY_REPLACE

from helpdesk.connectors.embedded import Cost, EmbeddedDirectory, NewGroup, NewPerson, Rules
from helpdesk.errors import BadCredentials, InvalidArgument
from helpdesk.ports import Directory, DirectorySession
from helpdesk.secrets import Secret
from tests.servers.slapd import Slapd

CHEAP = Cost(n=2**10, r=8, p=1)
"""So that hundreds of sign-ins take no time; the cost itself is tested in the unit tests."""
DESK = "service desk of the contract"
WORKERS = "workers of the contract"
_COUNTER = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody a world has made: what they type to sign in, and what they are called."""

    login: str
    password: Secret
    name: str


class World(Protocol):
    """One directory to hold to the contract, with whatever its layout needs hidden behind this."""

    directory: Directory
    desk: Account
    worker: Account
    min_length: int
    max_failures: int
    lockout: timedelta

    def person(self, *, name: str = "", mail: str = "", employee_number: str = "") -> Account:
        """Someone new, who may sign in."""

    def group(self, *, owner: Account, members: tuple[Account, ...] = ()) -> str:
        """A new group; returns its name. Where a group cannot be empty, its owner is its member."""

    def recreate(self, account: Account) -> None:
        """Take someone away and make a new entry of the very same name and password."""

    def remove(self, account: Account) -> None: ...

    def regroup(self, name: str, owner: Account) -> None:
        """Take a group away and make a new one of the same name."""

    def let_lock_end(self, account: Account) -> None: ...

    @contextmanager
    def passwords_last_a_second(self) -> Iterator[None]:
        """Meanwhile a password has expired when it is older than that."""

    @contextmanager
    def young_passwords_stay(self) -> Iterator[None]:
        """Meanwhile nobody may change a password that is less than an hour old."""

    def twice(self) -> str | None:
        """A login name that two entries have; ``None`` where the directory does not let that happen."""

    def out_of_reach(self, folder: Path) -> Directory:
        """The same kind of directory where nothing answers."""


def signed_in(world: World, account: Account) -> DirectorySession:
    return world.directory.sign_in(account.login, account.password)


def lock(world: World, account: Account) -> None:
    for _ in range(world.max_failures):
        with pytest.raises(BadCredentials):
            world.directory.sign_in(account.login, Secret("not the password"))


def new_number() -> str:
    """An employee number that nobody has."""
    return f"77{secrets.randbelow(10**6):06}{next(_COUNTER)}"


def new_account(name: str = "") -> Account:
    number = next(_COUNTER)
    given = f"c{secrets.token_hex(3)}{number}"
    return Account(given, Secret(f"Old-{secrets.token_urlsafe(12)}"), name or f"Person {given}")


class Clock:
    """A clock that the test moves; it goes on by a second at each look, so that no two things coincide."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class EmbeddedWorld:
    def __init__(self, folder: Path) -> None:
        self._clock = Clock()
        self.rules = Rules(min_length=11, history=3, max_failures=3, lockout_seconds=600)
        self.min_length = self.rules.min_length
        self.max_failures = self.rules.max_failures
        self.lockout = timedelta(seconds=self.rules.lockout_seconds)
        self.directory = self._embedded = EmbeddedDirectory(folder / "directory.db", self._clock, cost=CHEAP)
        self.desk = new_account("Desiree Desk")
        self.worker = new_account("Wanda Worker")
        self._embedded.admin.seed(
            [_entry(self.desk), _entry(self.worker)],
            [NewGroup(DESK, members=[self.desk.login]), NewGroup(WORKERS, members=[self.worker.login])],
            rules=self.rules,
            desk_group=DESK,
            staffing_group=WORKERS,
        )

    def person(self, *, name: str = "", mail: str = "", employee_number: str = "") -> Account:
        account = new_account(name)
        self._embedded.admin.add_person(replace(_entry(account), mail=mail, employee_number=employee_number))
        return account

    def group(self, *, owner: Account, members: tuple[Account, ...] = ()) -> str:
        name = f"group-{next(_COUNTER)}"
        self._put_group(name, owner, members)
        return name

    def _put_group(self, name: str, owner: Account, members: tuple[Account, ...]) -> None:
        logins = [member.login for member in members] or [owner.login]
        self._embedded.admin.add_group(NewGroup(name, "of the contract", [owner.login], logins))

    def recreate(self, account: Account) -> None:
        self.remove(account)
        self._embedded.admin.add_person(_entry(account))

    def remove(self, account: Account) -> None:
        self._embedded.admin.remove_person(account.login)

    def regroup(self, name: str, owner: Account) -> None:
        self._embedded.admin.remove_group(name)
        self._put_group(name, owner, ())

    def let_lock_end(self, account: Account) -> None:
        self._clock.now += self.lockout

    @contextmanager
    def passwords_last_a_second(self) -> Iterator[None]:
        with self._rules(max_age=1):
            yield

    @contextmanager
    def young_passwords_stay(self) -> Iterator[None]:
        with self._rules(min_age=3600):
            yield

    @contextmanager
    def _rules(self, **other: int) -> Iterator[None]:
        self._embedded.admin.set_rules(replace(self.rules, **other))
        try:
            yield
        finally:
            self._embedded.admin.set_rules(self.rules)

    def twice(self) -> str | None:
        with pytest.raises(InvalidArgument):
            self._embedded.admin.add_person(_entry(self.desk))
        return None

    def out_of_reach(self, folder: Path) -> Directory:
        path = folder / "directory.db"
        path.write_bytes(b"this is no database, and long enough to show it " * 50)
        path.chmod(0o600)
        return EmbeddedDirectory(path, self._clock)


def _entry(account: Account) -> NewPerson:
    return NewPerson(account.login, account.name, account.password)


class SlapdWorld:
    """A real slapd; ``server`` is shared by the whole session, so names are new and rules are put back."""

    def __init__(self, server: Slapd) -> None:
        self._server = server
        self._dns: dict[str, str] = {}
        layout = server.layout
        self.min_length = layout.min_length
        self.max_failures = layout.max_failures
        self.lockout = timedelta(seconds=layout.lockout_seconds)
        self.directory = _ldap(server, server.url)
        self.desk = self.person(name="Desiree Desk")
        self.worker = self.person(name="Wanda Worker")
        for group, member in ((layout.service_desk, self.desk), (layout.workers, self.worker)):
            if server.read(layout.group_dn(group)):
                change = {layout.member_attribute: [(MODIFY_ADD, [self._dn(member)])]}
                server.modify(layout.group_dn(group), change)
            else:
                server.add_group(group, members=[self._dn(member)])

    def _dn(self, account: Account) -> str:
        return self._dns[account.login]

    def person(self, *, name: str = "", mail: str = "", employee_number: str = "") -> Account:
        account = new_account(name)
        self._put_person(account, mail, employee_number)
        return account

    def _put_person(self, account: Account, mail: str = "", employee_number: str = "") -> None:
        self._dns[account.login] = self._server.add_person(
            account.login,
            account.password.expose(),
            name=account.name,
            mail=mail,
            employee_number=employee_number or account.login[1:],
        )

    def group(self, *, owner: Account, members: tuple[Account, ...] = ()) -> str:
        name = f"group-{next(_COUNTER)}"
        self._put_group(name, owner, members)
        return name

    def _put_group(self, name: str, owner: Account, members: tuple[Account, ...]) -> None:
        dns = [self._dn(member) for member in members or (owner,)]
        self._server.add_group(name, owner=self._dn(owner), members=dns)

    def recreate(self, account: Account) -> None:
        self.remove(account)
        self._put_person(account)

    def remove(self, account: Account) -> None:
        self._server.delete(self._dn(account))

    def regroup(self, name: str, owner: Account) -> None:
        self._server.delete(self._server.layout.group_dn(name))
        self._put_group(name, owner, ())

    def let_lock_end(self, account: Account) -> None:
        """As root, date the lock back by as long as a lock lasts."""
        begun = datetime.now(UTC) - self.lockout - timedelta(seconds=1)
        change = [(MODIFY_REPLACE, [begun.strftime("%Y%m%d%H%M%SZ")])]
        self._server.modify(self._dn(account), {"pwdAccountLockedTime": change})

    @contextmanager
    def passwords_last_a_second(self) -> Iterator[None]:
        with self._policy("pwdMaxAge", 1, 7_776_000):
            yield

    @contextmanager
    def young_passwords_stay(self) -> Iterator[None]:
        with self._policy("pwdMinAge", 3600, 0):
            yield

    @contextmanager
    def _policy(self, attribute: str, value: int, normal: int) -> Iterator[None]:
        policy = self._server.layout.policy
        self._server.modify(policy, {attribute: [(MODIFY_REPLACE, [value])]})
        try:
            yield
        finally:
            self._server.modify(policy, {attribute: [(MODIFY_REPLACE, [normal])]})

    def twice(self) -> str | None:
        layout = self._server.layout
        login = new_account().login
        for number in ("1", "2"):
            dn = f"cn=Twin {login} {number},{layout.people_base}"
            attributes = {
                layout.login_attribute: login,
                "cn": f"Twin {login} {number}",
                "sn": "Twin",
                "userPassword": f"Old-{secrets.token_urlsafe(12)}",
            }
            if layout.own_policy:
                attributes["pwdPolicySubentry"] = layout.policy
            self._server.add(dn, layout.person_classes, attributes)
        return login

    def out_of_reach(self, folder: Path) -> Directory:
        url = self._server.url.rsplit(":", 1)[0]
        return _ldap(self._server, f"{url}:1")


def _ldap(server: Slapd, url: str) -> Directory:
    from helpdesk.connectors.ldap.directory import LdapDirectory, LdapSettings

    keys = server.directory_config()
    password = keys.pop("bind_password", "")
    del keys["kind"]
    settings = LdapSettings(**{**keys, "url": url}, bind_password=Secret(password) if password else None)
    return LdapDirectory(settings, lambda: datetime.now(UTC))
