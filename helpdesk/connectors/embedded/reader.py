"""Look-ups. Names, contact data and groups are open to everyone; an account's state is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from helpdesk.connectors.embedded.attempts import lock_of
from helpdesk.connectors.embedded.names import group_name_in, key, login_in
from helpdesk.connectors.embedded.tables import (
    Tables,
    as_group,
    as_person,
    moment,
    person_row,
    person_row_by_login,
    rules_in,
    setting,
    team_row_by_name,
    team_rows_of,
)
from helpdesk.errors import NotFound
from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.ports import Clock
from helpdesk.text import shorten

_SEARCHED = "key(login) || char(10) || key(name) || char(10) || key(mail) || char(10) || key(employee_number)"


class EmbeddedReader:
    """Implements :class:`helpdesk.ports.DirectoryReader`.

    Args:
        viewer: the id of the person who reads; "" for someone who is not signed in. An account's state is for
            its owner and the service desk; everybody who is signed in sees whether it is enabled.
    """

    def __init__(self, tables: Tables, clock: Clock, viewer: str = "") -> None:
        self._tables = tables
        self._clock = clock
        self._viewer = viewer

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The file, after a check that the reader may still read."""
        with self._tables.reading() as database:
            yield database

    # ── people ────────────────────────────────────────────────────────────────────────────────

    def person(self, login: str) -> Person:
        with self._reading() as database:
            return as_person(database, _found(person_row_by_login(database, login), login))

    def person_by_id(self, id: str) -> Person:
        with self._reading() as database:
            return as_person(database, _found(person_row(database, id), id))

    def person_by_dn(self, dn: str) -> Person:
        login = login_in(dn)
        with self._reading() as database:
            row = None if login is None else person_row_by_login(database, login)
            return as_person(database, _found(row, dn))

    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        wanted = key(words).split()
        if not wanted or limit < 1:
            return []
        every = " AND ".join([f"instr({_SEARCHED}, ?) > 0"] * len(wanted))
        query = f"SELECT * FROM person WHERE {every} ORDER BY key(name), login_key LIMIT ?"  # noqa: S608
        with self._reading() as database:
            rows = database.execute(query, (*wanted, limit)).fetchall()
            return [as_person(database, row) for row in rows]

    def people_called(self, name: str) -> list[Person]:
        wanted = key(name)
        if not wanted:
            return []
        query = (
            "SELECT * FROM person WHERE ? IN (login_key, key(mail), key(employee_number)) "
            "OR id IN (SELECT person FROM alias WHERE address_key = ?) ORDER BY login_key"
        )
        with self._reading() as database:
            return [as_person(database, row) for row in database.execute(query, (wanted, wanted)).fetchall()]

    # ── groups ────────────────────────────────────────────────────────────────────────────────

    def group(self, name: str) -> Group:
        with self._reading() as database:
            row = team_row_by_name(database, name)
            if row is None and (named := group_name_in(name)) is not None:
                row = team_row_by_name(database, named)
            if row is None:
                raise NotFound(
                    f"There is no group {shorten(name, 80)!r} in the directory.",
                    hint="Check the name: helpdesk do access.list shows the groups.",
                )
            return as_group(database, row)

    def groups(self, limit: int = 1000) -> list[Group]:
        with self._reading() as database:
            rows = database.execute("SELECT * FROM team ORDER BY name_key LIMIT ?", (limit,)).fetchall()
            return [as_group(database, row) for row in rows]

    def groups_of(self, person: Person) -> list[Group]:
        with self._reading() as database:
            _found(person_row(database, person.id), person.login)
            return [as_group(database, row) for row in team_rows_of(database, person.id)]

    def groups_owned(self, person: Person) -> list[Group]:
        query = "SELECT team.* FROM team JOIN team_owner o ON o.team = team.id WHERE o.person = ? ORDER BY name_key"
        with self._reading() as database:
            return [as_group(database, row) for row in database.execute(query, (person.id,)).fetchall()]

    # ── accounts ──────────────────────────────────────────────────────────────────────────────

    def status(self, person: Person) -> AccountStatus:
        with self._reading() as database:
            row = _found(person_row(database, person.id), person.login)
            enabled = bool(row["enabled"])
            looks_after = is_desk(database, self._viewer) or is_staffing(database, self._viewer)
            if row["id"] != self._viewer and not looks_after:
                return AccountStatus(locked=None, enabled=enabled if self._viewer else None)
            rules = rules_in(database)
            lock = lock_of(database, row["login"], rules, self._clock())
            changed, must_change = moment(row["password_changed"]), bool(row["must_change"])
            return AccountStatus(
                locked=lock.locked,
                locked_until=lock.until,
                enabled=enabled,
                must_change=must_change,
                password_changed=changed,
                password_expires=rules.expires(changed, must_change=must_change),
                failures=lock.failures,
            )

    def password_rules(self, person: Person) -> PasswordRules:
        with self._reading() as database:
            _found(person_row(database, person.id), person.login)
            return rules_in(database).as_told()


def is_desk(database: sqlite3.Connection, person_id: str) -> bool:
    """Whether someone belongs to the service desk, directly or through another group."""
    return _belongs(database, person_id, setting(database, "desk"))


def is_staffing(database: sqlite3.Connection, person_id: str) -> bool:
    """Whether someone belongs to those who look after people's entries and all groups, as a worker does."""
    return _belongs(database, person_id, setting(database, "staffing"))


def _belongs(database: sqlite3.Connection, person_id: str, team: str) -> bool:
    return bool(team) and any(row["id"] == team for row in team_rows_of(database, person_id))


def _found(row: sqlite3.Row | None, name: str) -> sqlite3.Row:
    if row is None:
        raise NotFound(
            f"There is nobody called {shorten(name, 80)!r} in the directory.",
            hint="Look for the login name: helpdesk do people.find WORDS",
        )
    return row
