"""What is written about people who come, move and go; each within the transaction that checked the rights."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime

from helpdesk.connectors.embedded.admin import NewPerson as Row
from helpdesk.connectors.embedded.admin import put_person
from helpdesk.connectors.embedded.hashing import Cost, hashed
from helpdesk.connectors.embedded.names import key, login_in
from helpdesk.connectors.embedded.tables import as_person, person_row, person_row_by_login
from helpdesk.errors import Failed, Stale
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson
from helpdesk.text import shorten


def nobodys_password(cost: Cost) -> str:
    """A hash whose password nobody has ever seen."""
    return hashed(Secret(secrets.token_urlsafe(24)), cost)


def create(database: sqlite3.Connection, new: NewPerson, stored: str, now: datetime) -> None:
    there = person_row_by_login(database, new.login)
    if there is not None and _is(database, there, new):
        return
    if there is not None:
        raise taken(new.login)
    for name in (new.mail, new.employee_number):
        ensure_free(database, name)
    manager = person_row(database, new.manager.id) if new.manager else None
    if new.manager is not None and manager is None:
        raise Stale(f"The account {new.manager.login} is no longer the one it was.", hint="Look again.")
    row = Row(
        new.login,
        new.name,
        Secret(stored),  # its hash is what is kept; a row only asks that there be one
        mail=new.mail,
        title=new.title,
        employee_number=new.employee_number,
        manager=manager["login"] if manager else "",
        must_change=True,
        enabled=False,
    )
    put_person(database, row, stored, now)


def _is(database: sqlite3.Connection, row: sqlite3.Row, new: NewPerson) -> bool:
    there = as_person(database, row)
    manager = login_in(there.manager_dn) if there.manager_dn else ""
    return (there.login, there.name, there.mail, there.title, there.employee_number, manager) == (
        new.login,
        new.name,
        new.mail,
        new.title,
        new.employee_number,
        new.manager.login if new.manager else "",
    )


def ensure_free(database: sqlite3.Connection, name: str, but: str = "") -> None:
    """Raises Failed: somebody, other than the person with the id ``but``, is called so or reached there."""
    wanted = key(name)
    if not wanted:
        return
    found = database.execute(
        "SELECT id FROM person WHERE ? IN (login_key, key(mail), key(employee_number)) "
        "UNION SELECT person FROM alias WHERE address_key = ?",
        (wanted, wanted),
    ).fetchall()
    if any(row[0] != but for row in found):
        raise taken(name)


def add_alias(database: sqlite3.Connection, row: sqlite3.Row, address: str) -> None:
    if not row["mail"]:
        raise no_address_yet(row["login"])
    ensure_free(database, address, but=row["id"])
    if key(address) != key(row["mail"]):
        database.execute("INSERT OR IGNORE INTO alias VALUES (?, ?, ?)", (row["id"], address, key(address)))


def hand_over(
    database: sqlite3.Connection, team: sqlite3.Row, owner: sqlite3.Row, to: sqlite3.Row, *, stays: bool
) -> None:
    here = (team["id"], owner["id"])
    owns = database.execute("SELECT 1 FROM team_owner WHERE team = ? AND person = ?", here).fetchone()
    if owns is None:
        raise Stale(f"{owner['login']} does not own {team['name']} any more.", hint="Look again.")
    database.execute("INSERT OR IGNORE INTO team_owner VALUES (?, ?)", (team["id"], to["id"]))
    if not stays and owner["id"] != to["id"]:
        database.execute("DELETE FROM team_owner WHERE team = ? AND person = ?", here)


def taken(name: str) -> Failed:
    return Failed(
        f"{shorten(name, 80)!r} belongs to somebody in the directory already.",
        hint="See who it is: helpdesk do people.find WORDS",
        code="taken",
    )


def no_address_yet(login: str) -> Failed:
    return Failed(
        f"{login} has no mail address of their own yet, so there is nothing to add another one to.",
        hint="Set the first one, then add others.",
    )
