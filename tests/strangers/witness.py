"""The witness: what changed, read from the files themselves, with none of the runner's or the connectors' code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.strangers.company import Company

Effect: TypeAlias = tuple[str, ...]
"""What changed: a kind, whom or what it is about, and the values."""
_PERSON = "id login login_key name mail employee_number phone title manager enabled password password_changed must_change"


@dataclass(frozen=True)
class Logged:
    """An entry of the log, as it lies there."""

    kind: str
    body: Mapping[str, Any]
    arguments: Mapping[str, Any]


class Witness:
    """Looks twice, and says what is different."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._before = self._look()

    def effects(self) -> list[Effect]:
        after = self._look()
        found: list[Effect] = []
        for place in self._before.keys() | after.keys():
            was, now = self._before.get(place), after.get(place)
            if was != now:
                found.append((*place, was or "nothing", now or "nothing"))
        return sorted(found)

    def log(self) -> list[Logged]:
        path = next(iter((self._company.state / "log").glob("*.db")), None)
        if path is None:
            return []
        with closing(sqlite3.connect(path)) as database:
            given = dict(database.execute("SELECT seq, value FROM personal WHERE name = 'arguments'"))
            rows = database.execute("SELECT seq, kind, entry FROM entries ORDER BY seq").fetchall()
        return [
            Logged(kind, json.loads(entry)["body"], json.loads(json.loads(given.get(seq) or '"{}"')))
            for seq, kind, entry in rows
        ]

    def _look(self) -> dict[Effect, str]:
        return {**self._directory(), **self._tickets(), **self._requests()}

    def _directory(self) -> dict[Effect, str]:
        seen: dict[Effect, str] = {}
        with closing(sqlite3.connect(self._company.state / "directory.db")) as database:
            logins = {}
            for row in database.execute(f"SELECT {', '.join(_PERSON.split())} FROM person"):
                values = dict(zip(_PERSON.split(), row, strict=True))
                logins[values["id"]] = values["login"]
                seen |= {("person", values["login"], name): str(value) for name, value in values.items()}
            teams = dict(database.execute("SELECT id, name FROM team"))
            for id, name, description in database.execute("SELECT id, name, description FROM team"):
                seen["team", id] = f"{name}: {description}"
            for table, what in (("team_member", "member"), ("team_owner", "owner")):
                for team, person in database.execute(f"SELECT team, person FROM {table}"):
                    seen[what, teams[team], logins[person]] = "yes"
            for team, part in database.execute("SELECT team, part FROM team_in_team"):
                seen["nested", teams[team], teams[part]] = "yes"
            for name, failures, locked in database.execute("SELECT name, failures, locked FROM attempt"):
                seen["lock", self._company.locks.get(name, "somebody")] = f"{failures}, {locked}"
            for name, value in database.execute("SELECT name, value FROM setting"):
                seen["setting", name] = value
        return seen

    def _tickets(self) -> dict[Effect, str]:
        seen: dict[Effect, str] = {}
        logins = self._logins()
        with closing(sqlite3.connect(self._company.state / "tickets.db")) as database:
            for number, subject, body, by, closed in database.execute(
                "SELECT number, subject, body, requester, closed FROM ticket"
            ):
                seen["ticket", f"T-{number}", logins.get(by, by)] = f"{subject}\n{body}"
                seen["closed", f"T-{number}"] = str(closed)
            for at, (ticket, author, text) in enumerate(
                database.execute("SELECT ticket, author, text FROM comment ORDER BY rowid")
            ):
                seen["comment", f"T-{ticket}", str(at)] = f"{author}: {text}"
        return seen

    def _requests(self) -> dict[Effect, str]:
        path = self._company.state / "requests" / "requests.db"
        if not path.exists():
            return {}
        with closing(sqlite3.connect(path)) as database:
            seen = {
                ("request", id): document
                for id, document in database.execute("SELECT id, document FROM requests")
            }
            for nonce, step, what in database.execute("SELECT nonce, step, what FROM decisions"):
                seen["decision", nonce, str(step)] = what
        return seen

    def _logins(self) -> dict[str, str]:
        with closing(sqlite3.connect(self._company.state / "directory.db")) as database:
            return dict(database.execute("SELECT id, login FROM person"))


def files_hold(folder: Path, secret: str) -> list[str]:
    """Files below ``folder`` that hold ``secret``."""
    return [p.name for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
