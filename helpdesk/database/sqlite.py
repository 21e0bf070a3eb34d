"""The database as a file: one machine, one writer at a time; its tables come about and change by themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from helpdesk.database import Duplicate, Kind, Row, Standing
from helpdesk.database.schema import Family, current, migrate, require, standing
from helpdesk.errors import UsageError
from helpdesk.store import immediate, in_database


class SqliteSession:
    """A transaction of a file."""

    kind: Kind = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def all(self, sql: str, *values: object) -> list[Row]:
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.IntegrityError as error:
            raise _duplicate(error) from error

    def one(self, sql: str, *values: object) -> Row | None:
        return next(iter(self.all(sql, *values)), None)

    def run(self, sql: str, *values: object) -> int:
        try:
            return self.connection.execute(sql, values).rowcount
        except sqlite3.IntegrityError as error:
            raise _duplicate(error) from error


class SqliteDatabase:
    """A private file, opened for each transaction.

    Args:
        path: the file, made when it is not there. families: the tables in it.
    """

    kind: Kind = "sqlite"

    def __init__(self, path: Path, families: Sequence[Family]) -> None:
        self.path = path
        self.families = tuple(families)

    @property
    def place(self) -> str:
        return self.path.name

    @contextmanager
    def reading(self) -> Iterator[SqliteSession]:
        with self._open() as connection:
            connection.execute("BEGIN")  # one moment, however many questions
            try:
                yield SqliteSession(connection)
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, *about: str) -> Iterator[SqliteSession]:  # noqa: ARG002 - the file has one writer
        with self._open() as connection, immediate(connection):
            yield SqliteSession(connection)

    def marks(self) -> tuple[int, ...]:
        """Nothing is opened to tell."""
        marks: list[int] = []
        for name in (self.path.name, f"{self.path.name}-wal"):
            try:
                found = self.path.with_name(name).stat()
            except OSError:
                continue
            marks += (found.st_mtime_ns, found.st_size)
        return tuple(marks)

    def standing(self) -> list[Standing]:
        """As the port says; a file that is not there yet is not made."""
        if not self.path.exists():
            return [Standing(family.name, 0, family.version, usable=True) for family in self.families]
        with in_database(self.path, lambda _: None, "requests", "requests-unavailable") as connection:
            return standing(SqliteSession(connection), self.families)

    def migrate(self, grant: str = "") -> list[Standing]:
        """As the port says, and as every first use does. Raises UsageError for ``grant``: a file has one owner."""
        if grant:
            raise UsageError("The store is a file of this account alone.", hint="--grant is for Postgres.")
        before = self.standing()
        with self._open():
            pass
        return [one for one in before if one.version < one.known]

    def close(self) -> None:
        """Nothing is open between two transactions."""

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return in_database(self.path, self._prepare, "requests", "requests-unavailable")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        session = SqliteSession(connection)
        if current(session, self.families):
            return
        with immediate(connection):
            migrate(session, self.families, self.place)
            require(session, self.families, self.place)
            connection.execute("PRAGMA user_version = 1")  # a program from before there were versions goes on


def _duplicate(error: sqlite3.IntegrityError) -> Exception:
    """A key that is there already; anything else that the file's own rules refuse stays what it is."""
    unique = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return Duplicate(str(error)) if error.sqlite_errorcode in unique else error
