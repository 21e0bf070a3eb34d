"""Where requests are kept: a file of this machine, or a company's Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpdesk.database.sqlite import SqliteDatabase
from helpdesk.gate.schema import FAMILIES

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.database import Database


def store_of(parts: Parts) -> Database:
    """The database of the configuration; nothing is opened yet. Raises ConfigError when its password is not there."""
    if not parts.config.store.url:
        return SqliteDatabase(parts.paths.state / "requests" / "requests.db", FAMILIES)
    from helpdesk.app.working import postgres_of
    from helpdesk.connectors.postgres import PostgresDatabase

    return PostgresDatabase(postgres_of(parts), FAMILIES)
