"""Where requests are kept: a file of this machine, or a company's Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpdesk.database.sqlite import SqliteDatabase
from helpdesk.gate.schema import FAMILIES

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.connectors.postgres import PostgresDatabase
    from helpdesk.database import Database


def store_of(parts: Parts) -> Database:
    """The database of the configuration; nothing is opened yet. Raises ConfigError when its password is not there."""
    if parts.config.store.url:
        return postgres_store(parts)
    return SqliteDatabase(parts.paths.state / "requests" / "requests.db", FAMILIES)


def postgres_store(parts: Parts) -> PostgresDatabase:
    """A company's store. Raises ConfigError when its password is not there."""
    from helpdesk.app.working import postgres_of
    from helpdesk.connectors.postgres import PostgresDatabase

    return PostgresDatabase(postgres_of(parts), FAMILIES)


def make_engine_tables(parts: Parts) -> None:
    """The engine's own tables, at the version of this program, where they are missing or older.

    Raises:
        StoreUnreachable, Unreachable, Failed: the store gives no answer, or does not let this user make tables.
    """
    from helpdesk.app.working import place_of
    from helpdesk.connectors.durable.client import connect
    from helpdesk.connectors.durable.database import Store, answering, quiet_logs

    quiet_logs()
    place = place_of(parts)
    store = Store(place, pool=1)
    try:
        with answering(place):
            connect(store).destroy()
    finally:
        store.close()
