"""The file: its tables, one connection that all threads share, and rows as people and groups."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from helpdesk.connectors.embedded.names import group_dn, key, person_dn
from helpdesk.connectors.embedded.rules import Rules
from helpdesk.errors import HelpdeskError, Unreachable
from helpdesk.identity import Group, Person
from helpdesk.store import immediate, open_database

VERSION = 2

_TABLES = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE person (
  id TEXT PRIMARY KEY,
  login TEXT NOT NULL,
  login_key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  mail TEXT NOT NULL,
  employee_number TEXT NOT NULL,
  phone TEXT NOT NULL,
  title TEXT NOT NULL,
  manager TEXT REFERENCES person ON DELETE SET NULL,
  enabled INTEGER NOT NULL,
  password TEXT NOT NULL,
  password_changed TEXT NOT NULL,
  must_change INTEGER NOT NULL
) STRICT;
CREATE TABLE past_password (
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  password TEXT NOT NULL
) STRICT;
CREATE TABLE team (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;
CREATE TABLE team_owner (
  team TEXT NOT NULL REFERENCES team ON DELETE CASCADE,
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  PRIMARY KEY (team, person)
) STRICT, WITHOUT ROWID;
CREATE TABLE team_member (
  team TEXT NOT NULL REFERENCES team ON DELETE CASCADE,
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  PRIMARY KEY (team, person)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_member_by_person ON team_member (person);
CREATE TABLE team_in_team (
  team TEXT NOT NULL REFERENCES team ON DELETE CASCADE,
  part TEXT NOT NULL REFERENCES team ON DELETE CASCADE,
  PRIMARY KEY (team, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (
  name TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  last TEXT NOT NULL,
  locked INTEGER NOT NULL,
  locked_until TEXT
) STRICT;
"""

_SECOND = """
ALTER TABLE person ADD COLUMN employment TEXT NOT NULL DEFAULT '';
CREATE TABLE alias (
  person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
  address TEXT NOT NULL,
  address_key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
"""
"""What the second version has more than the first."""

_TEAMS_OF = """
WITH RECURSIVE held (id) AS (
  SELECT team FROM team_member WHERE person = ?
  UNION SELECT t.team FROM team_in_team t JOIN held h ON t.part = h.id
) SELECT team.* FROM team JOIN held ON held.id = team.id ORDER BY team.name_key
"""


class Tables:
    """The database file of one directory; it is opened, and made, when it is first used.

    Everything raises ``Unreachable`` when the file cannot be used. A write that raises changed nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file."""
        with self._lock, self._worded():
            database = self._opened()
            database.execute("BEGIN")
            try:
                yield database
            finally:
                database.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._worded(), immediate(self._opened()) as database:
            yield database

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            database = open_database(self.path)
            try:
                database.row_factory = sqlite3.Row
                database.create_function("key", 1, key, deterministic=True)
                _prepare(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    @contextmanager
    def _worded(self) -> Iterator[None]:
        try:
            yield
        except HelpdeskError:
            raise
        except sqlite3.Error as error:
            raise Unreachable(
                f"The directory in {self.path} cannot be used: {error}.",
                hint="Check the disk's room and that no other program holds the file.",
            ) from error


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables, once, whoever comes first."""
    if _version(database) == VERSION:
        return
    with immediate(database):
        found = _version(database)
        if found not in range(VERSION + 1):
            raise sqlite3.DatabaseError(f"it was written by another version ({found})")
        if found == 0:
            _execute(database, _TABLES)
            database.execute("INSERT INTO setting VALUES ('salt', ?)", (os.urandom(32).hex(),))
        if found < VERSION:
            _execute(database, _SECOND)
            database.execute(f"PRAGMA user_version = {VERSION}")


def _execute(database: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            database.execute(statement)


def _version(database: sqlite3.Connection) -> int:
    found: int = database.execute("PRAGMA user_version").fetchone()[0]
    return found


# ── settings ──────────────────────────────────────────────────────────────────────────────────


def setting(database: sqlite3.Connection, name: str) -> str:
    row = database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return row[0] if row else ""


def keep_setting(database: sqlite3.Connection, name: str, value: str) -> None:
    database.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))


def rules_in(database: sqlite3.Connection) -> Rules:
    text = setting(database, "rules")
    return Rules.from_json(text) if text else Rules()


# ── rows ──────────────────────────────────────────────────────────────────────────────────────


def person_row(database: sqlite3.Connection, id: str) -> sqlite3.Row | None:
    return _one(database, "SELECT * FROM person WHERE id = ?", id)


def person_row_by_login(database: sqlite3.Connection, login: str) -> sqlite3.Row | None:
    return _one(database, "SELECT * FROM person WHERE login_key = ?", key(login))


def team_row(database: sqlite3.Connection, id: str) -> sqlite3.Row | None:
    return _one(database, "SELECT * FROM team WHERE id = ?", id)


def team_row_by_name(database: sqlite3.Connection, name: str) -> sqlite3.Row | None:
    return _one(database, "SELECT * FROM team WHERE name_key = ?", key(name))


def team_rows_of(database: sqlite3.Connection, person_id: str) -> list[sqlite3.Row]:
    """The groups that hold a person, directly or through another group."""
    return database.execute(_TEAMS_OF, (person_id,)).fetchall()


def _one(database: sqlite3.Connection, query: str, value: str) -> sqlite3.Row | None:
    whole = value.encode("utf-8", "replace")  # SQLite takes no half characters, and nothing is named by one
    row: sqlite3.Row | None = database.execute(query, (whole.decode(),)).fetchone()
    return row


def as_person(database: sqlite3.Connection, row: sqlite3.Row) -> Person:
    manager = person_row(database, row["manager"]) if row["manager"] else None
    aliases = database.execute(
        "SELECT address FROM alias WHERE person = ? ORDER BY address_key", (row["id"],)
    )
    return Person(
        id=row["id"],
        dn=person_dn(row["login"]),
        login=row["login"],
        name=row["name"],
        mail=row["mail"],
        employee_number=row["employee_number"],
        phone=row["phone"],
        title=row["title"],
        manager_dn=person_dn(manager["login"]) if manager else "",
        aliases=tuple(found[0] for found in aliases),
        employment=row["employment"],
    )


def as_group(database: sqlite3.Connection, row: sqlite3.Row) -> Group:
    def logins(table: str) -> list[str]:
        query = f"SELECT p.login FROM {table} t JOIN person p ON p.id = t.person WHERE t.team = ? ORDER BY p.login_key"  # noqa: S608
        return [found[0] for found in database.execute(query, (row["id"],))]

    parts = (
        "SELECT t.name FROM team_in_team i JOIN team t ON t.id = i.part WHERE i.team = ? ORDER BY t.name_key"
    )
    nested = [group_dn(found[0]) for found in database.execute(parts, (row["id"],))]
    return Group(
        id=row["id"],
        dn=group_dn(row["name"]),
        name=row["name"],
        description=row["description"],
        owner_dns=tuple(person_dn(login) for login in logins("team_owner")),
        member_dns=(*(person_dn(login) for login in logins("team_member")), *nested),
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
