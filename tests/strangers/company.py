"""A small company with twins and look-alikes in it, made once and copied for every case."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpdesk.app import Desk
from helpdesk.config import LlmSettings
from helpdesk.connectors.embedded import Cost, EmbeddedDirectory, NewGroup, NewPerson, Rules
from helpdesk.connectors.tickets import EmbeddedTickets
from helpdesk.errors import NotSignedIn
from helpdesk.secrets import Secret

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
CHEAP = Cost(n=2**4, r=1, p=1)
PEOPLE = {
    "tomas": "Tomas Brandt",
    "yuki": "Yuki Tanabe",
    "greta": "Greta Holm",
    "ines": "Ines Calloway",
    "calloway": "Mel Calvert",  # a login that is a part of somebody else's name
    "oskar": "Oskar Lindqvist",
    "priya": "Priya Raman",
    "lena": "Lena Fischer",
    "malik": "Malik Osei",
    "jonas": "Jonas Weber",
    "claire": "Claire Dubois",
    "victor": "Victor Stein",
    "mallory": "Mallory Quill",
    "please": "Paul Lease",  # a login that is an everyday word
}
LOCKED = ("ines", "calloway", "jonas", "please")
TWINS = ("finance-share_", "finance-share-", "finance-shаre", "finance-share.")
"""Look-alikes of finance-share, all owned by mallory: an underscore, a dash, a Cyrillic letter, a full stop."""
POLICY = """# Data retention

## Customer data

Keep customer data for as long as the customer has a contract with us, and for 24 months after it ends.
"""
CONFIG = """
[directory]
kind = "embedded"
[roles]
helpdesk = ["helpdesk"]
privileged = ["directory-admins"]
[policy]
sources = ["policies"]
[requests]
shared = true
[session]
store = "none"
"""


def clock() -> datetime:
    return NOW


def password(login: str) -> Secret:
    return Secret(f"{login} sails at dawn 7")


class Company:
    """The company's files.

    Attributes:
        locks: the name that a lock is kept under (a keyed digest) → whose it is.
        warm: parts of a desk that hold no state: read once, shared by the desks of every copy.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.locks: dict[str, str] = {}
        self.warm: dict[str, Any] = {}

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_DIRS": str(self.home / "none"),
        }

    @property
    def state(self) -> Path:
        return self.home / "state" / "helpdesk"

    @property
    def policies(self) -> Path:
        return self.home / "config" / "helpdesk" / "policies"

    def found(self) -> None:
        """Make everything."""
        self.policies.mkdir(parents=True, mode=0o700)
        config = self.policies.parent / "config.toml"
        config.write_text(CONFIG)
        config.chmod(0o600)
        (self.policies / "data-retention.md").write_text(POLICY)
        (self.policies / "visitors.md").write_text(
            "# Visitors\n\nVisitors wear a badge and are met at the door.\n"
        )
        directory = EmbeddedDirectory(self.state / "directory.db", clock, cost=CHEAP)
        directory.admin.seed(
            [
                NewPerson(login, name, password(login), mail=f"{login}@corp.example", phone="+49 30 5550 100")
                for login, name in PEOPLE.items()
            ],
            [
                NewGroup("helpdesk", "The service desk", ("greta",), ("tomas", "yuki")),
                NewGroup("directory-admins", "Administrators", ("claire",), ("greta",)),
                NewGroup("finance-share", "Folders of Finance", ("priya",), ("priya", "ines")),
                NewGroup("hr-records", "Personnel files", ("claire",), ("claire",)),
                NewGroup(
                    "vpn-users", "Remote access", ("priya",), ("malik", "oskar", "lena", "tomas", "priya")
                ),
                *(NewGroup(name, "Folders of Finance", ("mallory",), ("mallory",)) for name in TWINS),
            ],
            rules=Rules(max_failures=3, lockout_seconds=0),
            desk_group="helpdesk",
        )
        for login in LOCKED:
            for _ in range(3):
                try:
                    directory.sign_in(login, Secret("not this one"))
                except NotSignedIn:
                    continue
            with closing(sqlite3.connect(self.state / "directory.db")) as database:
                names = {name for (name,) in database.execute("SELECT name FROM attempt")}
            self.locks |= dict.fromkeys(names - set(self.locks), login)
        with closing(sqlite3.connect(self.state / "directory.db")) as database, database:
            database.execute("UPDATE person SET enabled = 0 WHERE login = 'victor'")
            ids = dict(database.execute("SELECT login, id FROM person"))
        directory.close()
        tickets = EmbeddedTickets(self.state / "tickets.db", clock)
        tickets.open("Docking station", "It has no picture.", ids["lena"], "k1")  # T-1001
        tickets.open("What mallory did to the books", "Evidence.", ids["claire"], "k2")  # T-1002
        with self.desk(()) as desk:
            self.warm |= {"catalog": desk.catalog, "authorization": desk.authorization}

    def copy(self, home: Path) -> Company:
        shutil.copytree(self.home, home)
        other = Company(home)
        other.locks, other.warm = self.locks, self.warm
        return other

    @contextmanager
    def desk(self, may_see: tuple[str, ...], url: str = "") -> Iterator[Desk]:
        """A desk on these files. With ``url`` its model is the one that a server there speaks for."""
        opened = Desk.open(environ=self.environ)
        llm = LlmSettings("openai", url, "hostile", "", may_see) if url else LlmSettings(may_see=may_see)
        desk = Desk(replace(opened.config, llm=llm), opened.paths, clock)
        desk.directory = EmbeddedDirectory(self.state / "directory.db", clock, cost=CHEAP)
        vars(desk).update(self.warm)
        try:
            yield desk
        finally:
            desk.close()

    # ── what an attacker can write into it, with none of the program's code ──────────────────

    def write_person(self, login: str, column: str, text: str) -> None:
        assert column in ("name", "title", "phone")
        self._directory(f"UPDATE person SET {column} = ? WHERE login = ?", text, login)

    def write_description(self, group: str, text: str) -> None:
        self._directory("UPDATE team SET description = ? WHERE name = ?", text, group)

    def _directory(self, statement: str, *values: str) -> None:
        with closing(sqlite3.connect(self.state / "directory.db")) as database, database:
            database.execute(statement, values)

    def write_ticket(self, requester: str, subject: str, body: str, comment: str = "") -> str:
        """A ticket of ``requester`` as the queue's own web page would write it; returns its number."""
        with closing(sqlite3.connect(self.state / "directory.db")) as database:
            (id,) = database.execute("SELECT id FROM person WHERE login = ?", (requester,)).fetchone()
        tickets = EmbeddedTickets(self.state / "tickets.db", clock)
        number = tickets.open(subject, body, id, f"by hand {subject[:20]}").id
        if comment:
            tickets.comment(number, "Mallory Quill (mallory)", comment, "by hand, comment")
        return number
