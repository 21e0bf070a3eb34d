"""What one signed-in person may do. Account, rights and target are read again at every call (D9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from helpdesk.connectors.embedded import staffing
from helpdesk.connectors.embedded.attempts import lift
from helpdesk.connectors.embedded.hashing import Cost, hashed
from helpdesk.connectors.embedded.names import key
from helpdesk.connectors.embedded.reader import EmbeddedReader, is_desk, is_staffing
from helpdesk.connectors.embedded.rules import Rules
from helpdesk.connectors.embedded.tables import Tables, as_person, moment, person_row, rules_in, team_row
from helpdesk.errors import BadCredentials, InvalidArgument, MustChangePassword, NotSignedIn, Refused, Stale
from helpdesk.identity import Group, Person
from helpdesk.ports import Clock, ContactField
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson

_CONTACT: Final[Mapping[str, str]] = {
    "mail": "UPDATE person SET mail = ? WHERE id = ?",
    "phone": "UPDATE person SET phone = ? WHERE id = ?",
    "title": "UPDATE person SET title = ? WHERE id = ?",
}
_LONGEST = 256


class EmbeddedSession(EmbeddedReader):
    """Implements :class:`helpdesk.ports.DirectorySession`.

    Args:
        password: the stored hash that the sign-in was proven against; another one ends the session.
    """

    def __init__(
        self,
        tables: Tables,
        clock: Clock,
        cost: Cost,
        *,
        me: Person,
        password: str,
        must_change: bool,
        notices: tuple[str, ...],
    ) -> None:
        super().__init__(tables, clock, viewer=me.id)
        self._cost = cost
        self._me = me
        self._password = password
        self._must_change = must_change
        self._notices = notices
        self._closed = False

    @property
    def me(self) -> Person:
        return self._me

    @property
    def must_change(self) -> bool:
        return self._must_change

    @property
    def notices(self) -> tuple[str, ...]:
        return self._notices

    def close(self) -> None:
        self._closed = True

    # ── may they still? ───────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._tables.reading() as database:
            self._still_open(self._still_me(database))
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._tables.writing() as database:
            self._still_open(self._still_me(database))
            yield database

    def _still_me(self, database: sqlite3.Connection) -> sqlite3.Row:
        if self._closed:
            raise NotSignedIn("This sign-in was ended.", hint="helpdesk login")
        row = person_row(database, self._me.id)
        if row is None:
            raise _denied("Your account no longer exists in the directory.")
        if not row["enabled"]:
            raise _denied("Your account has been disabled.", "The service desk can tell why.")
        if row["password"] != self._password:
            raise BadCredentials("Your password was changed after you signed in.", hint="helpdesk login")
        self._me = as_person(database, row)
        self._must_change = bool(row["must_change"])
        return row

    @staticmethod
    def _still_open(row: sqlite3.Row) -> None:
        if row["must_change"]:
            raise MustChangePassword(
                "You must choose a new password before anything else.",
                hint="helpdesk do password.change",
            )

    # ── passwords ─────────────────────────────────────────────────────────────────────────────

    def change_own_password(self, new: Secret) -> None:
        with self._tables.reading() as database:
            row = self._still_me(database)
            rules, old = rules_in(database), _old_passwords(database, row)
        if not row["must_change"]:
            rules.check_age(moment(row["password_changed"]), self._clock())
        rules.check_new(new, old)
        stored = hashed(new, self._cost)  # slow on purpose, so outside of the transaction
        with self._tables.writing() as database:
            row = self._still_me(database)
            self._put_password(database, row, stored, rules, must_change=False)
        self._password, self._must_change = stored, False

    def set_password(self, person: Person, new: Secret, *, must_change: bool) -> None:
        with self._reading() as database:
            self._as_desk(database, "set other people's passwords")
            row = _target(database, person)
            rules, old = rules_in(database), _old_passwords(database, row)
        if row["id"] == self._me.id:
            raise _denied("Nobody gives themselves a temporary password.", "helpdesk do password.change")
        rules.check_new(new, old)
        stored = hashed(new, self._cost)
        with self._writing() as database:
            self._as_desk(database, "set other people's passwords")
            self._put_password(database, _target(database, person), stored, rules, must_change=must_change)

    def _put_password(
        self, database: sqlite3.Connection, row: sqlite3.Row, stored: str, rules: Rules, *, must_change: bool
    ) -> None:
        """Set it, remember the one before, and lift a lock, as a password policy does."""
        database.execute("INSERT INTO past_password VALUES (?, ?)", (row["id"], row["password"]))
        database.execute(
            "DELETE FROM past_password WHERE person = ? AND rowid NOT IN "
            "(SELECT rowid FROM past_password WHERE person = ? ORDER BY rowid DESC LIMIT ?)",
            (row["id"], row["id"], rules.history),
        )
        database.execute(
            "UPDATE person SET password = ?, password_changed = ?, must_change = ? WHERE id = ?",
            (stored, self._clock().isoformat(), int(must_change), row["id"]),
        )
        lift(database, row["login"])

    # ── accounts ──────────────────────────────────────────────────────────────────────────────

    def unlock(self, person: Person) -> None:
        with self._writing() as database:
            self._as_desk(database, "unlock accounts")
            lift(database, _target(database, person)["login"])

    def set_enabled(self, person: Person, enabled: bool) -> None:
        with self._writing() as database:
            if not is_staffing(database, self._me.id):
                self._as_desk(database, "enable or disable accounts")
            row = _target(database, person)
            database.execute("UPDATE person SET enabled = ? WHERE id = ?", (int(enabled), row["id"]))

    def update_contact(self, person: Person, values: Mapping[ContactField, str]) -> None:
        for name, value in values.items():
            if name not in _CONTACT:
                raise InvalidArgument(f"{name} is no contact data.", hint="There are: mail, phone, title.")
            if len(value) > _LONGEST or not (value.isprintable() and value == value.strip()):
                raise InvalidArgument(
                    f"The {name} is no plain line of text.",
                    hint=f"At most {_LONGEST} characters, on one line.",
                )
        with self._writing() as database:
            row = _target(database, person)
            if row["id"] != self._me.id and not is_staffing(database, self._me.id):
                raise _denied(f"The directory does not let you change {row['name']}'s contact data.")
            for name, value in values.items():
                database.execute(_CONTACT[name], (value, row["id"]))

    def _as_desk(self, database: sqlite3.Connection, what: str) -> None:
        if not is_desk(database, self._me.id):
            raise _denied(f"The directory does not let you {what}.", "The service desk may.")

    # ── people who come, move and go ──────────────────────────────────────────────────────────

    def create_person(self, new: NewPerson) -> None:
        stored = staffing.nobodys_password(self._cost)
        with self._writing() as database:
            self._as_staffing(database, "add people")
            staffing.create(database, new, stored, self._clock())

    def set_manager(self, person: Person, manager: Person | None) -> None:
        with self._writing() as database:
            self._as_staffing(database, f"change who {person.login} reports to")
            row, above = _target(database, person), _target(database, manager)["id"] if manager else None
            database.execute("UPDATE person SET manager = ? WHERE id = ?", (above, row["id"]))

    def set_employment(self, person: Person, employment: str) -> None:
        with self._writing() as database:
            self._as_staffing(database, f"change the entry of {person.login}")
            row = _target(database, person)
            database.execute("UPDATE person SET employment = ? WHERE id = ?", (employment, row["id"]))

    def add_alias(self, person: Person, address: str) -> None:
        with self._writing() as database:
            self._as_staffing(database, f"change the addresses of {person.login}")
            staffing.add_alias(database, _target(database, person), address)

    def remove_alias(self, person: Person, address: str) -> None:
        with self._writing() as database:
            self._as_staffing(database, f"change the addresses of {person.login}")
            row = _target(database, person)
            database.execute(
                "DELETE FROM alias WHERE person = ? AND address_key = ?", (row["id"], key(address))
            )

    def hand_over(self, group: Group, owner: Person, to: Person, *, stays: bool = False) -> None:
        with self._writing() as database:
            self._as_staffing(database, f"change who owns {group.name}")
            team, old, new = _team(database, group), _target(database, owner), _target(database, to)
            staffing.hand_over(database, team, old, new, stays=stays)

    def _as_staffing(self, database: sqlite3.Connection, what: str) -> None:
        if not is_staffing(database, self._me.id):
            raise _denied(f"The directory does not let you {what}.", "Those who look after its entries may.")

    # ── groups ────────────────────────────────────────────────────────────────────────────────

    def add_member(self, group: Group, person: Person) -> None:
        with self._writing() as database:
            team, row = self._as_owner(database, group), _target(database, person)
            database.execute("INSERT OR IGNORE INTO team_member VALUES (?, ?)", (team["id"], row["id"]))

    def remove_member(self, group: Group, person: Person) -> None:
        with self._writing() as database:
            leaves = person.id == self._me.id
            team = _team(database, group) if leaves else self._as_owner(database, group)
            row = _target(database, person)
            database.execute("DELETE FROM team_member WHERE team = ? AND person = ?", (team["id"], row["id"]))

    def _as_owner(self, database: sqlite3.Connection, group: Group) -> sqlite3.Row:
        team = _team(database, group)
        owned = database.execute(
            "SELECT 1 FROM team_owner WHERE team = ? AND person = ?", (team["id"], self._me.id)
        ).fetchone()
        if owned is None and not is_staffing(database, self._me.id):
            raise _denied(
                f"The directory does not let you change the members of {team['name']}.", "Its owners may."
            )
        return team


def _team(database: sqlite3.Connection, group: Group) -> sqlite3.Row:
    team = team_row(database, group.id)
    if team is None or team["name"] != group.name:
        raise Stale(f"The group {group.name} is no longer the one it was.", hint="Look again.")
    return team


def _target(database: sqlite3.Connection, person: Person) -> sqlite3.Row:
    row = person_row(database, person.id)
    if row is None or as_person(database, row).dn != person.dn:
        raise Stale(f"The account {person.login} is no longer the one it was.", hint="Look again.")
    return row


def _old_passwords(database: sqlite3.Connection, row: sqlite3.Row) -> list[str]:
    past = database.execute("SELECT password FROM past_password WHERE person = ?", (row["id"],))
    return [row["password"], *(found[0] for found in past)]


def _denied(message: str, hint: str = "") -> Refused:
    return Refused(message, hint=hint, code="directory-rights")
