"""The database of a company: Postgres, reached by any number of programs at once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from helpdesk.connectors.postgres_errors import broken
from helpdesk.connectors.postgres_link import Links, connected
from helpdesk.connectors.postgres_options import PostgresSettings
from helpdesk.database import Kind, Row, Standing, Unsure
from helpdesk.database.schema import Family, empty, migrate, require, standing
from helpdesk.errors import Failed, HelpdeskError

if TYPE_CHECKING:
    from helpdesk.connectors.postgres_link import Link

ENGINE = "dbos"
"""The schema of the engine's own tables, in the same database."""
_ENGINE_GRANTS = (
    "GRANT USAGE ON SCHEMA {} TO {}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {} TO {}",
)
CHANNEL = "helpdesk_store"
"""What the triggers of the tables notify when a transaction that wrote something is kept."""
RETRY_SECONDS = 5.0
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresSession:
    """A transaction of a connection."""

    kind: Kind = "postgres"

    def __init__(self, link: Link, settings: PostgresSettings) -> None:
        self.link = link
        self._settings = settings

    def all(self, sql: str, *values: object) -> list[Row]:
        rows: list[Row] = self._execute(sql, values).fetchall()
        return rows

    def one(self, sql: str, *values: object) -> Row | None:
        row: Row | None = self._execute(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: object) -> int:
        return int(self._execute(sql, values).rowcount)

    def _execute(self, sql: str, values: tuple[object, ...]) -> Any:
        import psycopg

        try:
            return self.link.execute(_translated(sql) if values else sql.encode(), values or None)
        except psycopg.Error as error:
            raise broken(error, self._settings) from None


class PostgresDatabase:
    """A schema of a Postgres database.

    Args:
        settings: where it is. families: the tables in it.
    """

    kind: Kind = "postgres"

    def __init__(self, settings: PostgresSettings, families: Sequence[Family]) -> None:
        self.settings = settings
        self.families = tuple(families)
        self._links = Links(settings, self._usable)
        self._ear = _Ear(settings)

    @property
    def place(self) -> str:
        return self.settings.place

    @contextmanager
    def reading(self) -> Iterator[PostgresSession]:
        with self._transaction(_READ) as session:
            yield session

    @contextmanager
    def writing(self, *about: str) -> Iterator[PostgresSession]:
        locks = "".join(f"; SELECT pg_advisory_xact_lock({_number(name)})" for name in sorted(set(about)))
        with self._transaction(f"BEGIN{locks}") as session:
            yield session

    def marks(self) -> tuple[int, ...]:
        """The server tells when something was kept; the first question opens a connection for that."""
        return self._ear.marks()

    def close(self) -> None:
        self._links.close()
        self._ear.close()

    # ── looking after it ──────────────────────────────────────────────────────────────────────

    def standing(self) -> list[Standing]:
        """As the port says; raises as every method does."""
        with self._unchecked() as session:
            return standing(session, self.families)

    def migrate(self, grant: str = "") -> list[Standing]:
        """As the port says; ``grant`` also for the engine's tables, where there are any.

        Raises:
            Failed: a newer program's tables; or the database is not in UTF-8. StoreUnreachable.
        """
        from psycopg import sql

        schema = sql.Identifier(self.settings.schema)
        with self._unchecked(_number("migrate")) as session:
            encoding = session.one("SHOW server_encoding")
            if encoding != ("UTF8",):
                raise Failed(
                    f"The database {self.place} is not in UTF-8.", hint="CREATE DATABASE … ENCODING 'UTF8'"
                )
            session.run(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema).as_string())
            done = migrate(session, self.families, self.place)
            for statement in self.grants(grant) if grant else ():
                session.run(statement)
            if grant and session.one("SELECT to_regnamespace(?)", ENGINE) != (None,):
                for words in _ENGINE_GRANTS:
                    session.run(
                        sql.SQL(words).format(sql.Identifier(ENGINE), sql.Identifier(grant)).as_string()
                    )
        return done

    def grants(self, user: str) -> Iterator[str]:
        """The rights that a program needs: add and read rows, change only what no seal holds, delete nothing."""
        from psycopg import sql

        who, schema = sql.Identifier(user), sql.Identifier(self.settings.schema)
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, who).as_string()
        yield sql.SQL("GRANT SELECT ON store_versions TO {}").format(who).as_string()
        for family in self.families:
            for table in family.tables:
                name = sql.Identifier(table)
                yield sql.SQL("GRANT SELECT, INSERT ON {} TO {}").format(name, who).as_string()
                columns = sql.SQL(", ").join(map(sql.Identifier, family.changing.get(table, ())))
                if family.changing.get(table):
                    yield sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(columns, name, who).as_string()

    # ── transactions ──────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[PostgresSession]:
        import psycopg

        try:
            with self._links.taken(begin) as link:
                with _undone(link):
                    yield PostgresSession(link, self.settings)
                self._commit(link)
        except psycopg.Error as error:
            raise broken(error, self.settings) from None

    def _commit(self, link: Link) -> None:
        import psycopg

        try:
            said = link.execute("COMMIT").statusmessage
        except psycopg.OperationalError:
            link.close()
            raise Unsure(f"The store {self.place} broke the connection while it kept something.") from None
        if said != "COMMIT":
            raise Failed(
                f"The store {self.place} kept nothing.", hint="Try again.", code="requests-unavailable"
            )

    def _usable(self, link: Link) -> None:
        """An empty database gets its tables from whoever may make them; an older one is changed on purpose only."""
        session = PostgresSession(link, self.settings)
        if empty(session):
            with suppress(Failed):  # what is missing is said below
                self.migrate()
        require(session, self.families, self.place)

    @contextmanager
    def _unchecked(self, lock: int | None = None) -> Iterator[PostgresSession]:
        """A connection of its own, for tables of any version; it may take its time."""
        import psycopg

        link = connected(self.settings, patience=None)
        try:
            link.execute(f"BEGIN; SELECT pg_advisory_xact_lock({lock})".encode() if lock else b"BEGIN")
            yield PostgresSession(link, self.settings)
            self._commit(link)
        except psycopg.Error as error:
            raise broken(error, self.settings) from None
        finally:
            link.close()


class _Ear:
    """Hears that something was kept; a number that only grows. It never waits: a thread of its own connects."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._link: Link | None = None
        self._heard = 0
        self._again = 0.0
        self._connecting = False
        self._closed = False
        self._guard = threading.Lock()

    def marks(self) -> tuple[int, ...]:
        with self._guard:
            if self._link is not None:
                self._listen()
            elif not self._connecting and not self._closed and time.monotonic() >= self._again:
                self._connecting = True
                threading.Thread(target=self._connect, name="helpdesk-store", daemon=True).start()
            return (self._heard, int(self._link is not None))

    def close(self) -> None:
        with self._guard:
            self._closed = True
            if self._link is not None:
                self._link.close()
            self._link = None

    def _listen(self) -> None:
        import psycopg

        if self._link is None:
            return
        try:
            self._link.pgconn.consume_input()
            while self._link.pgconn.notifies() is not None:
                self._heard += 1
        except psycopg.Error:
            self._link.close()
            self._link = None
            self._again = time.monotonic() + RETRY_SECONDS

    def _connect(self) -> None:
        """What was kept before this is not heard, so that it counts as something new."""
        import psycopg

        link: Link | None = None
        try:
            link = connected(self._settings, patience=self._settings.connect_seconds)
            link.execute(f"LISTEN {CHANNEL}".encode())
        except (psycopg.Error, HelpdeskError):
            if link is not None:
                link.close()
            link = None
        with self._guard:
            self._connecting = False
            if link is None:
                self._again = time.monotonic() + RETRY_SECONDS
            elif self._closed:
                link.close()
            else:
                self._link = link
                self._heard += 1


@contextmanager
def _undone(link: Link) -> Iterator[None]:
    """What does not end well is rolled back at once, so that nobody waits for it."""
    import psycopg

    try:
        yield
    except BaseException:
        try:
            if not link.closed:
                link.execute("ROLLBACK")
        except psycopg.Error:
            link.close()
        raise


@lru_cache(maxsize=512)
def _translated(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


def _number(name: str) -> int:
    """A lock's number: Postgres locks numbers, and two names that share one merely wait for each other."""
    return int.from_bytes(hashlib.sha256(f"helpdesk {name}".encode()).digest()[:8], "big", signed=True)
