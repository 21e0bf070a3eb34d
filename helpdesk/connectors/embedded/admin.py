"""Filling the directory: people, groups, the password policy and the service desk."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from helpdesk.connectors.embedded.attempts import lift
from helpdesk.connectors.embedded.hashing import Cost, hashed
from helpdesk.connectors.embedded.names import key, says_nothing
from helpdesk.connectors.embedded.rules import Rules
from helpdesk.connectors.embedded.tables import (
    Tables,
    as_group,
    as_person,
    keep_setting,
    person_row_by_login,
    setting,
    team_row_by_name,
)
from helpdesk.errors import InvalidArgument, NotFound
from helpdesk.identity import Group, Person
from helpdesk.ports import Clock
from helpdesk.secrets import Secret

_LONGEST = 128


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Someone to add.

    Attributes:
        manager: a login name that is there already, or comes earlier in the same seed.
        password_set: when the password was chosen; now when left out.
    """

    login: str
    name: str
    password: Secret
    mail: str = ""
    employee_number: str = ""
    phone: str = ""
    title: str = ""
    manager: str = ""
    must_change: bool = False
    enabled: bool = True
    password_set: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to add. ``owners`` and ``members`` are login names, ``groups`` names of groups it holds."""

    name: str
    description: str = ""
    owners: Sequence[str] = ()
    members: Sequence[str] = ()
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Administration:
    """Whoever owns the file may do this; it asks for no sign-in, as root does not on a server.

    Everything raises InvalidArgument for a name that is taken or no name, and NotFound for one that
    somebody refers to and nobody has; then nothing is changed.
    """

    _tables: Tables
    _clock: Clock
    _cost: Cost

    def seed(
        self,
        people: Iterable[NewPerson],
        groups: Iterable[NewGroup],
        *,
        rules: Rules | None = None,
        desk_group: str = "",
        staffing_group: str = "",
    ) -> bool:
        """Fill an empty directory, whole or not at all; false, and nothing is done, when it holds people.

        Args:
            desk_group: the group whose members may reset, unlock, enable and disable others.
            staffing_group: the group whose members may add people, change their entries, and every group.
        """
        if not self.is_empty():
            return False
        ready = [(person, hashed(person.password, self._cost)) for person in people]
        with self._tables.writing() as database:
            if not _is_empty(database):
                return False
            keep_setting(database, "rules", (rules or Rules()).to_json())
            for person, stored in ready:
                put_person(database, person, stored, self._clock())
            for group in groups:
                self._put_group(database, group)
            if desk_group:
                keep_setting(database, "desk", _team_id(database, desk_group))
            if staffing_group:
                keep_setting(database, "staffing", _team_id(database, staffing_group))
        return True

    def is_empty(self) -> bool:
        with self._tables.reading() as database:
            return _is_empty(database)

    def set_rules(self, rules: Rules) -> None:
        with self._tables.writing() as database:
            keep_setting(database, "rules", rules.to_json())

    def set_desk_group(self, name: str) -> None:
        with self._tables.writing() as database:
            keep_setting(database, "desk", _team_id(database, name))

    def set_staffing_group(self, name: str) -> None:
        with self._tables.writing() as database:
            keep_setting(database, "staffing", _team_id(database, name))

    def add_person(self, person: NewPerson) -> Person:
        stored = hashed(person.password, self._cost)
        with self._tables.writing() as database:
            return as_person(database, put_person(database, person, stored, self._clock()))

    def add_group(self, group: NewGroup) -> Group:
        with self._tables.writing() as database:
            return as_group(database, self._put_group(database, group))

    def remove_person(self, login: str) -> None:
        """Take someone away; a later person of the same name is another one (D7)."""
        with self._tables.writing() as database:
            row = _person(database, login)
            lift(database, row["login"])
            database.execute("DELETE FROM person WHERE id = ?", (row["id"],))

    def remove_group(self, name: str) -> None:
        with self._tables.writing() as database:
            id = _team_id(database, name)
            if setting(database, "desk") == id:
                raise InvalidArgument(
                    f"{name} is the service desk's group.", hint="Give the service desk another group first."
                )
            if setting(database, "staffing") == id:
                raise InvalidArgument(
                    f"{name} is the group that looks after people.", hint="Give that to another group first."
                )
            database.execute("DELETE FROM team WHERE id = ?", (id,))

    # ── rows ──────────────────────────────────────────────────────────────────────────────────

    def _put_group(self, database: sqlite3.Connection, group: NewGroup) -> sqlite3.Row:
        _check_name("group name", group.name)
        if not group.description.isprintable():
            raise InvalidArgument(f"The description of {group.name} is no plain line of text.")
        if team_row_by_name(database, group.name) is not None:
            raise InvalidArgument(f"There is a group {group.name} in the directory already.")
        id = str(uuid.uuid4())
        database.execute(
            "INSERT INTO team VALUES (?, ?, ?, ?)", (id, group.name, key(group.name), group.description)
        )
        for login in group.owners:
            owner = _person(database, login)["id"]
            database.execute("INSERT OR IGNORE INTO team_owner VALUES (?, ?)", (id, owner))
        for login in group.members:
            member = _person(database, login)["id"]
            database.execute("INSERT OR IGNORE INTO team_member VALUES (?, ?)", (id, member))
        for name in group.groups:
            part = _team_id(database, name)
            database.execute("INSERT OR IGNORE INTO team_in_team VALUES (?, ?)", (id, part))
        found = team_row_by_name(database, group.name)
        assert found is not None
        return found


def put_person(database: sqlite3.Connection, person: NewPerson, stored: str, now: datetime) -> sqlite3.Row:
    """Add a row. Raises InvalidArgument, NotFound."""
    _check_name("login name", person.login)
    _check_name("name", person.name)
    for text in (person.mail, person.employee_number, person.phone, person.title):
        if not text.isprintable():
            raise InvalidArgument(f"{text!r} of {person.login} is no plain line of text.")
    if says_nothing(person.password.expose()):
        raise InvalidArgument(f"{person.login} has no password.")
    if person_row_by_login(database, person.login) is not None:
        raise InvalidArgument(f"There is a {person.login} in the directory already.")
    manager = _person(database, person.manager)["id"] if person.manager else None
    database.execute(
        "INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
        (
            str(uuid.uuid4()),
            person.login,
            key(person.login),
            person.name,
            person.mail,
            person.employee_number,
            person.phone,
            person.title,
            manager,
            int(person.enabled),
            stored,
            (person.password_set or now).isoformat(),
            int(person.must_change),
        ),
    )
    return _person(database, person.login)


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT 1 FROM person LIMIT 1").fetchone() is None


def _check_name(what: str, name: str) -> None:
    plain = name.isprintable() and name == name.strip() and not says_nothing(name)
    if not plain or len(name) > _LONGEST:
        raise InvalidArgument(f"{name[:_LONGEST]!r} is no {what}.", hint="Plain text on one line, please.")


def _person(database: sqlite3.Connection, login: str) -> sqlite3.Row:
    row = person_row_by_login(database, login)
    if row is None:
        raise NotFound(f"There is nobody called {login!r} in the directory.")
    return row


def _team_id(database: sqlite3.Connection, name: str) -> str:
    row = team_row_by_name(database, name)
    if row is None:
        raise NotFound(f"There is no group {name!r} in the directory.")
    id: str = row["id"]
    return id
