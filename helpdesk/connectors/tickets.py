"""A ticket queue of our own in one SQLite file, for where no ticket system is connected."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from helpdesk.errors import InvalidArgument, NotFound, Refused, Unreachable
from helpdesk.ports import Clock, Ticket, TicketComment
from helpdesk.store import immediate, open_database
from helpdesk.text import Untrusted, shorten

FIRST = 1001
LONGEST = 100_000
VERSION = 1

_TABLES = f"""
CREATE TABLE ticket (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  requester TEXT NOT NULL,
  opened TEXT NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO sqlite_sequence VALUES ('ticket', {FIRST - 1});
CREATE TABLE comment (
  ticket INTEGER NOT NULL REFERENCES ticket,
  author TEXT NOT NULL,
  at TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX comment_by_ticket ON comment (ticket);
CREATE TABLE effect (
  key TEXT PRIMARY KEY,
  what TEXT NOT NULL,
  ticket INTEGER NOT NULL REFERENCES ticket
) STRICT, WITHOUT ROWID;
"""  # noqa: S608


class EmbeddedTickets:
    """Implements :class:`helpdesk.ports.Tickets`. The key of an effect is written together with the effect (R3).

    Args:
        path: the database file, made when it is first used. clock: now, in UTC.

    Every method raises ``Unreachable`` when the file cannot be used; a write that raises changed nothing.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    # ── writing ───────────────────────────────────────────────────────────────────────────────

    def open(self, subject: str, body: str, requester: str, key: str) -> Ticket:
        """Open a ticket; with a key that was used before, the ticket that it opened.

        Raises:
            InvalidArgument: it has no subject or is too long. Refused: the key belongs to another effect.
        """
        subject = _text("subject", subject)
        body = _text("text", body, may_be_empty=True)

        def effect(database: sqlite3.Connection) -> int:
            row = (subject, body, requester, self._clock().isoformat())
            made = database.execute(
                "INSERT INTO ticket (subject, body, requester, opened) VALUES (?, ?, ?, ?)", row
            )
            return made.lastrowid or 0

        return self._once(key, "open", None, effect)

    def comment(self, id: str, author: str, text: str, key: str) -> Ticket:
        """Add a comment, to a closed ticket too.

        Raises:
            NotFound: there is no such ticket. InvalidArgument, Refused: as for :meth:`open`.
        """
        number, text = _number(id), _text("comment", text)

        def effect(database: sqlite3.Connection) -> int:
            _row(database, number)
            said = (number, author, self._clock().isoformat(), text)
            database.execute("INSERT INTO comment VALUES (?, ?, ?, ?)", said)
            return number

        return self._once(key, "comment", number, effect)

    def close_ticket(self, id: str, author: str, key: str) -> Ticket:
        """Close a ticket and note who did; one that is closed already stays as it is.

        Raises:
            NotFound: there is no such ticket. Refused: as for :meth:`open`.
        """
        return self._turned(id, author, key, closed=True)

    def reopen_ticket(self, id: str, author: str, key: str) -> Ticket:
        """Open a closed ticket again and note who did; one that is open already stays as it is.

        Raises:
            NotFound: there is no such ticket. Refused: as for :meth:`open`.
        """
        return self._turned(id, author, key, closed=False)

    def _turned(self, id: str, author: str, key: str, *, closed: bool) -> Ticket:
        number = _number(id)

        def effect(database: sqlite3.Connection) -> int:
            if bool(_row(database, number)["closed"]) is not closed:
                database.execute("UPDATE ticket SET closed = ? WHERE number = ?", (int(closed), number))
                said = (number, author, self._clock().isoformat(), "Closed." if closed else "Opened again.")
                database.execute("INSERT INTO comment VALUES (?, ?, ?, ?)", said)
            return number

        return self._once(key, "close" if closed else "reopen", number, effect)

    def _once(
        self, key: str, what: str, number: int | None, effect: Callable[[sqlite3.Connection], int]
    ) -> Ticket:
        """Do it and remember its key in one transaction, unless the key says that it was done."""
        if not key:
            raise InvalidArgument("A change to a ticket needs an idempotency key.")
        with self._database() as database, immediate(database):
            done = database.execute("SELECT what, ticket FROM effect WHERE key = ?", (key,)).fetchone()
            if done is None:
                touched = effect(database)
                database.execute("INSERT INTO effect VALUES (?, ?, ?)", (key, what, touched))
            elif done["what"] != what or number not in (None, done["ticket"]):
                raise Refused("This idempotency key belongs to another change.", code="key-reused")
            else:
                touched = done["ticket"]
            return _ticket(database, _row(database, touched))

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def get(self, id: str) -> Ticket:
        number = _number(id)
        with self._database() as database:
            return _ticket(database, _row(database, number))

    def by_key(self, key: str) -> Ticket | None:
        query = "SELECT t.* FROM effect e JOIN ticket t ON t.number = e.ticket WHERE e.key = ? AND e.what = 'open'"
        with self._database() as database:
            row = database.execute(query, (key,)).fetchone()
            return None if row is None else _ticket(database, row)

    def of(self, requester: str) -> list[Ticket]:
        """Their tickets, newest first."""
        query = "SELECT * FROM ticket WHERE requester = ? ORDER BY number DESC"
        with self._database() as database:
            return [_ticket(database, row) for row in database.execute(query, (requester,)).fetchall()]

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(open_database(self._path)) as database:
                database.row_factory = sqlite3.Row
                _prepare(database)
                yield database
        except sqlite3.Error as error:
            raise Unreachable(
                f"The ticket queue in {self._path} cannot be used: {error}.",
                hint="Check the disk's room and that no other program holds the file.",
            ) from error


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables, once, whoever comes first."""
    if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return
    with immediate(database):
        found = database.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    database.execute(statement)
            database.execute(f"PRAGMA user_version = {VERSION}")
        elif found != VERSION:
            raise sqlite3.DatabaseError(f"it was written by another version ({found})")


def _number(id: str) -> int:
    """``T-1001``, ``t-1001`` or ``1001``, as people say it."""
    digits = id.strip().upper().removeprefix("T-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise _no_ticket(id)
    return int(digits)


def _row(database: sqlite3.Connection, number: int) -> sqlite3.Row:
    row: sqlite3.Row | None = database.execute("SELECT * FROM ticket WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise _no_ticket(f"T-{number}")
    return row


def _ticket(database: sqlite3.Connection, row: sqlite3.Row) -> Ticket:
    query = "SELECT author, at, text FROM comment WHERE ticket = ? ORDER BY rowid"
    return Ticket(
        id=f"T-{row['number']}",
        subject=Untrusted(row["subject"]),
        body=Untrusted(row["body"]),
        requester=row["requester"],
        status="closed" if row["closed"] else "open",
        opened=datetime.fromisoformat(row["opened"]),
        comments=tuple(
            TicketComment(author, datetime.fromisoformat(at), Untrusted(text))
            for author, at, text in database.execute(query, (row["number"],))
        ),
    )


def _text(what: str, text: str, *, may_be_empty: bool = False) -> str:
    """Text that the file can hold: a lone half of a character becomes a question mark."""
    text = text.encode("utf-8", "replace").decode()
    if not may_be_empty and not text.strip():
        raise InvalidArgument(f"The {what} of a ticket says nothing.", hint="Write what the matter is.")
    if len(text) > LONGEST:
        raise InvalidArgument(
            f"The {what} of a ticket is too long: at most {LONGEST} characters.", hint="Make it shorter."
        )
    return text


def _no_ticket(id: str) -> NotFound:
    return NotFound(
        f"There is no ticket {shorten(id, 40)!r}.", hint="helpdesk do ticket.status shows your tickets."
    )
