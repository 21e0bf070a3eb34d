"""The cases of this profile: lines that are only ever added, each durable before the conversation goes on.

Two programs may write one case at once: each line gets the next number under the write lock, so that none is lost.
What depends on the lines before it (closing, rewinding) names the version that it was decided on.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpdesk.conversation.case import Case, CaseLine, Draft, Kind, Status, check_lines, folded
from helpdesk.conversation.words import without_secrets
from helpdesk.errors import Failed, NotFound, Stale
from helpdesk.ports import Clock
from helpdesk.store import immediate, in_database
from helpdesk.text import whole

VERSION = 1
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""For ids: no 0/O, 1/I/L or U/V to mix up when one is read aloud."""
LENGTH = 4
"""Characters of an id; one more whenever chance finds none that is free."""
_DAMAGED = "case-damaged"
MOST = 200
"""Cases in a list."""

_TABLES = (
    """CREATE TABLE cases (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  opened TEXT NOT NULL,
  changed TEXT NOT NULL,
  status TEXT NOT NULL,
  version INTEGER NOT NULL
)""",
    """CREATE TABLE lines (
  case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (case_id, seq)
) WITHOUT ROWID""",
    "CREATE INDEX cases_of ON cases (owner, changed)",
    """CREATE TRIGGER lines_stay BEFORE UPDATE ON lines
  BEGIN SELECT RAISE(ABORT, 'lines are never changed'); END""",
)


class Cases:
    """The cases of this machine's profile.

    Args:
        path: of their database. clock: now, in UTC.

    Every method raises ``Failed(code="cases-unavailable")`` when the file cannot be used. Whoever is not the
    owner of a case learns nothing of it, not even that it is there.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def begin(self, owner: str, drafts: Sequence[Draft] = ()) -> Case:
        """A new case of a person, with its first lines."""
        with self._database() as database, immediate(database):
            id, length = _new_id(LENGTH), LENGTH
            while database.execute("SELECT 1 FROM cases WHERE id = ?", (id,)).fetchone():
                length += 1
                id = _new_id(length)
            now = self._now().isoformat()
            row = (id, owner, now, now, Status.OPEN.value)
            database.execute("INSERT INTO cases VALUES (?, ?, ?, ?, ?, 0)", row)
            self._add(database, id, 0, drafts)
            return _read(database, id, owner)

    def append(self, id: str, owner: str, drafts: Sequence[Draft], *, expected: int | None = None) -> int:
        """Add lines to a case; its new version.

        Args:
            expected: the version that the lines were made for; ``None`` for what holds whatever came before.

        Raises:
            NotFound: there is no such case of this person. Stale: another program has added to it since.
        """
        with self._database() as database, immediate(database):
            id, version = _row(database, id, owner)
            if expected is not None and expected != version:
                raise Stale(
                    f"Case {id} went on in another window meanwhile, so it was left as it is.",
                    hint=f"helpdesk case show {id}",
                )
            return self._add(database, id, version, drafts)

    def forget(self, owner: str) -> int:
        """Delete every case of a person, for good; how many there were."""
        if not self._path.exists():
            return 0
        with self._database() as database:
            with immediate(database):
                gone = database.execute("DELETE FROM cases WHERE owner = ?", (owner,)).rowcount
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return gone

    def _add(self, database: sqlite3.Connection, id: str, version: int, drafts: Sequence[Draft]) -> int:
        now = self._now().isoformat()
        for kind, body in drafts:
            version += 1
            text = whole(json.dumps(_clean(body), ensure_ascii=False, sort_keys=True))
            database.execute("INSERT INTO lines VALUES (?, ?, ?, ?, ?)", (id, version, now, kind.value, text))
        if drafts:
            database.execute("UPDATE cases SET changed = ?, version = ? WHERE id = ?", (now, version, id))
            database.execute(
                "UPDATE cases SET status = ? WHERE id = ?", (self._status(database, id, drafts), id)
            )
        return version

    def _status(self, database: sqlite3.Connection, id: str, drafts: Sequence[Draft]) -> str:
        """Where a case stands after its newest lines; only a rewind needs all the others to tell."""
        kinds = [kind for kind, _ in drafts]
        if Kind.REWIND in kinds:
            return _read(database, id).status.value
        for kind, body in reversed(drafts):
            if kind is Kind.STATUS:
                return str(body["status"])
            if kind is Kind.PERSON:
                return Status.OPEN.value
        (status,) = database.execute("SELECT status FROM cases WHERE id = ?", (id,)).fetchone()
        return str(status)

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def get(self, id: str, owner: str) -> Case:
        """One case of a person. Raises NotFound."""
        if not self._path.exists():
            raise _unknown(id)
        with self._database() as database:
            return _read(database, _row(database, id, owner)[0], owner)

    def version(self, id: str, owner: str) -> int:
        """The number of the last line of a case. Raises NotFound."""
        if not self._path.exists():
            raise _unknown(id)
        with self._database() as database:
            return _row(database, id, owner)[1]

    def mine(self, owner: str, *, all: bool = False, most: int = MOST) -> list[Case]:
        """The open cases of a person, or all of them, the one that changed last first.

        A damaged one is left out, so that it keeps nobody from the others; :meth:`get` says what is with it.
        """
        if not self._path.exists():
            return []
        found = "SELECT id FROM cases WHERE owner = ? AND (? OR status = 'open') ORDER BY changed DESC, rowid DESC LIMIT ?"
        with self._database() as database:
            ids = [id for (id,) in database.execute(found, (owner, all, most)).fetchall()]
            return [case for id in ids if (case := _whole(database, id, owner)) is not None]

    def latest(self, owner: str) -> Case | None:
        """The open case of a person that changed last."""
        return next(iter(self.mine(owner, most=1)), None)

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def _database(self) -> AbstractContextManager[sqlite3.Connection]:
        return in_database(self._path, self._prepare, "cases", "cases-unavailable")

    def _prepare(self, database: sqlite3.Connection) -> None:
        found = database.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise Failed(
                f"The cases in {self._path.name} were written by a newer helpdesk (format {found}).",
                hint="Use that one, or update this one.",
                code="cases-unavailable",
            )
        if found == VERSION:
            return
        with immediate(database):
            if database.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _TABLES:
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {VERSION}")


def _new_id(length: int) -> str:
    return "c-" + "".join(secrets.choice(ALPHABET) for _ in range(length))


def normal(id: str) -> str:
    """An id as it is stored, however it was typed: "C-7kq2" and "7KQ2" are c-7KQ2."""
    return "c-" + id.strip().upper().removeprefix("C-")


def _row(database: sqlite3.Connection, id: str, owner: str) -> tuple[str, int]:
    """The stored id and the version. Raises NotFound."""
    row = database.execute("SELECT id, owner, version FROM cases WHERE id = ?", (normal(id),)).fetchone()
    if row is None or row[1] != owner:
        raise _unknown(id)
    return row[0], row[2]


def _unknown(id: str) -> NotFound:
    return NotFound(f"You have no case {id[:40]!r}.", hint="helpdesk case list shows yours.")


def _whole(database: sqlite3.Connection, id: str, owner: str) -> Case | None:
    try:
        return _read(database, id, owner)
    except Failed as error:
        if error.code != _DAMAGED:
            raise
        return None


def _read(database: sqlite3.Connection, id: str, owner: str = "") -> Case:
    """One case. Raises Failed ("case-damaged") where its lines are none that a conversation wrote."""
    stored, opened = database.execute("SELECT owner, opened FROM cases WHERE id = ?", (id,)).fetchone()
    rows = database.execute("SELECT seq, at, kind, body FROM lines WHERE case_id = ? ORDER BY seq", (id,))
    try:
        lines = tuple(
            CaseLine(seq, datetime.fromisoformat(at), Kind(kind), json.loads(body))
            for seq, at, kind, body in rows
        )
        case = folded(Case(id, owner or stored, datetime.fromisoformat(opened), lines))
        check_lines(case)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Failed(
            f"Case {id} was damaged or altered, so it cannot be gone on with.",
            hint="Begin a new one: /case new in a chat, or helpdesk chat. What was done stands in the log.",
            code=_DAMAGED,
        ) from error
    return case


def _clean(value: Any) -> Any:
    """Plain JSON, without what looks like a typed password, however deep it stands (S1)."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {str(key): _clean(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(one) for one in value]
    return value if value is None or isinstance(value, (bool, int)) else without_secrets(str(value))
