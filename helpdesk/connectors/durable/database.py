"""The engine's database: an SQLite file of this machine, or Postgres. No password in any address, log or error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from helpdesk.connectors.durable.place import Place
from helpdesk.connectors.postgres_options import PostgresSettings, options
from helpdesk.errors import Failed, HelpdeskError, Unreachable
from helpdesk.platform import private_file

SCHEMA = "dbos"
BUSY_MS = 30_000
IDLE_MS = 20_000

_TABLES = (
    """CREATE TABLE IF NOT EXISTS {s}engine_workers (
        id TEXT PRIMARY KEY, host TEXT NOT NULL, version TEXT NOT NULL, kinds TEXT NOT NULL,
        since BIGINT NOT NULL, heard BIGINT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS {s}engine_messages (
        run TEXT NOT NULL, message TEXT NOT NULL, topic TEXT NOT NULL, sealed TEXT NOT NULL, sent BIGINT NOT NULL,
        PRIMARY KEY (run, message))""",
    "CREATE TABLE IF NOT EXISTS {s}engine_notes (run TEXT PRIMARY KEY, sealed TEXT NOT NULL)",
)
_LOCK = 5_201_126


class Store:
    """A pool of connections to the engine's database.

    Args:
        pool: connections that are kept.
    """

    def __init__(self, place: Place, *, pool: int = 4) -> None:
        self.place = place
        self.engine = (
            _postgres(place.postgres, pool) if place.postgres is not None else _sqlite(place.file, pool)
        )
        self.prefix = f"{SCHEMA}." if place.shared else ""
        self.now = (
            "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
            if place.shared
            else "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
        )

    def sql(self, text: str) -> sa.TextClause:
        """A statement. ``{s}`` is the prefix of tables, ``{now}`` the database's clock in milliseconds."""
        return sa.text(text.replace("{s}", self.prefix).replace("{now}", self.now))

    def read(self, text: str, /, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(self.sql(text), values))

    def write(self, text: str, /, **values: Any) -> int:
        """How many rows it concerned."""
        with self.engine.begin() as connection:
            return connection.execute(self.sql(text), values).rowcount

    def make_tables(self) -> None:
        """Our own tables, beside those of DBOS; who may only use them makes none."""
        if self.has_tables():  # the last of them is there, and they come about together
            return
        with self.engine.begin() as connection:
            if self.place.shared:
                connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            for table in _TABLES:
                connection.execute(self.sql(table))

    def has_tables(self) -> bool:
        """Whether anything was ever kept here."""
        asked = "SELECT name FROM sqlite_master WHERE name = 'engine_notes'"
        if self.place.shared:
            asked = "SELECT relname FROM pg_class WHERE oid = to_regclass('dbos.engine_notes')"
        return bool(self.read(asked))

    def wake(self, id: str) -> None:
        """Let a run that was begun, and put aside to wait, look again."""
        self.write(
            "UPDATE {s}workflow_status SET delay_until_epoch_ms = 0, updated_at = {now} "
            "WHERE workflow_uuid = :id AND status = 'DELAYED' AND executor_id IS NOT NULL",
            id=id,
        )

    def close(self) -> None:
        self.engine.dispose()


def _sqlite(file: Path | None, pool: int) -> sa.Engine:
    if file is None:
        raise ValueError("no file and no database")
    private_file(file)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)), pool_size=pool, max_overflow=pool, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_MS}",
            "journal_mode = WAL",  # before DBOS writes anything
            "synchronous = FULL",
            "secure_delete = ON",
            "foreign_keys = ON",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.isolation_level = "IMMEDIATE"  # one writer at a time, from the start of its transaction

    return engine


def _postgres(settings: PostgresSettings, pool: int) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("postgresql+psycopg"),
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=30,
        pool_pre_ping=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "do_connect")
    def reach(_dialect: object, _record: object, _words: object, keywords: dict[str, Any]) -> None:
        keywords.update(options(settings))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute(
            f"SET idle_in_transaction_session_timeout = {IDLE_MS}"
        )  # frozen, it lets its rows go
        connection.commit()

    return engine


@contextmanager
def answering(place: Place) -> Iterator[None]:
    """Turns what goes wrong with the database into a sentence. Raises Unreachable, Failed ("engine-unavailable")."""
    try:
        yield
    except HelpdeskError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise unavailable(place, error) from error


def unavailable(place: Place, error: Exception) -> HelpdeskError:
    """What a person reads; the database's own words only where they can hold no value."""
    gone = isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and place.shared and _away(error))
    if gone:
        return Unreachable(
            f"{_capital(str(place))} gives no answer.",
            hint="What was asked for may not be kept yet; try again when the database is back.",
        )
    why = getattr(error, "orig", None)
    first = str(why).splitlines()[0] if why is not None and str(why) else type(error).__name__
    return Failed(
        f"{_capital(str(place))} cannot be used: {first}.",
        hint="helpdesk doctor looks at it; check the disk, the rights, and [store] in the configuration.",
        code="engine-unavailable",
    )


def _away(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state[:2] in ("08", "57")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def quiet_logs(handler: logging.Handler | None = None) -> None:
    """DBOS says nothing on the terminal; a worker passes what matters on to its own log."""
    logger = logging.getLogger("dbos")
    logger.handlers = [handler or logging.NullHandler()]
    logger.propagate = False
    logger.setLevel(logging.WARNING)
