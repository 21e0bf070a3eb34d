"""Whole schemas of Postgres out of one moment, and back in one transaction; no program of the server is needed.

Rows travel as ``COPY`` writes them. Our own tables come about by their numbered steps, at the version that the rows
were written with, and are brought to today's afterwards. The engine's come about by the engine; only rows of the very
same version are taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from helpdesk.connectors.postgres import ENGINE, PostgresDatabase, PostgresSession
from helpdesk.connectors.postgres_errors import broken
from helpdesk.connectors.postgres_link import connected
from helpdesk.database import Row
from helpdesk.database.schema import migrate
from helpdesk.errors import Failed

if TYPE_CHECKING:
    from helpdesk.connectors.postgres_link import Link

_ENGINE_VERSIONS = "dbos_migrations"
_WORKERS = "engine_workers"
_TABLES = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY c.relname"""
_COLUMNS = """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0
  AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
_NEEDS = """SELECT DISTINCT confrelid::regclass::text, conrelid::regclass::text FROM pg_constraint
  WHERE contype = 'f' AND connamespace = %s::regnamespace AND confrelid <> conrelid"""
_COUNTED = """SELECT a.attname, pg_get_serial_sequence(%s, a.attname) FROM pg_attribute a
  WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND pg_get_serial_sequence(%s, a.attname) IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table. ``columns``: in the order in which they stand in the copy."""

    schema: str
    name: str
    columns: tuple[str, ...]


Sink = Callable[[Table], IO[bytes]]
"""Gives the file that the rows of a table are written to."""
Source = Callable[[Table], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a copy was taken from.

    Attributes:
        versions: of our families of tables. engine: the version of the engine's tables, or ``None`` without any.
    """

    versions: Mapping[str, int]
    engine: int | None


def copy_out(store: PostgresDatabase, sink: Sink) -> Moment:
    """Every row of our tables and of the engine's, as they stand at one moment, while everybody goes on.

    Raises:
        StoreUnreachable, Failed: the store gives no answer, or cannot be used by this program.
    """
    with _link(store, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as link:
        session = PostgresSession(link, store.settings)
        found = session.all("SELECT family, version FROM store_versions")
        engine = _engine_version(link)
        schemas = (store.settings.schema, ENGINE) if engine is not None else (store.settings.schema,)
        for schema in schemas:
            for name in _in_order(link, schema):
                if name in ("store_versions", _ENGINE_VERSIONS, _WORKERS):
                    continue
                table = Table(schema, name, _columns(link, schema, name))
                with sink(table) as file, link.cursor().copy(_copy(table, "TO STDOUT")) as rows:
                    for part in rows:
                        file.write(part)
        return Moment({str(family): int(version) for family, version in found}, engine)


def copy_in(
    store: PostgresDatabase, moment: Moment, tables: Sequence[Table], source: Source, takeover: float
) -> None:
    """Put every row of a copy in the place of those that are there: all of them, or none.

    Args:
        takeover: seconds after which a silent worker counts as dead.

    Raises:
        Failed: a worker serves this store ("worker-running"), or the copy is of another version ("backup-version").
        StoreUnreachable.
    """
    with _link(store, "BEGIN") as link:
        link.execute("SET LOCAL lock_timeout = '30s'")
        _nobody_serves(link, takeover)
        ours = [table for table in tables if table.schema != ENGINE]
        engines = [table for table in tables if table.schema == ENGINE]
        _put_ours(store, link, moment, ours, source)
        if engines:
            _put_engines(link, moment, engines, source)


def served(store: PostgresDatabase, takeover: float) -> bool:
    """Whether a worker was heard of in time. Raises StoreUnreachable, Failed."""
    with _link(store, "BEGIN READ ONLY") as link:
        return _alive(link, takeover) > 0


def _put_ours(
    store: PostgresDatabase, link: Link, moment: Moment, tables: Sequence[Table], source: Source
) -> None:
    from psycopg import sql

    session, schema = PostgresSession(link, store.settings), sql.Identifier(store.settings.schema)
    users = _users(link, store.settings.schema)
    link.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    link.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    for family in store.families:
        if moment.versions.get(family.name, 0) > family.version:
            raise _other_version(f"version {moment.versions[family.name]} of {family.name}")
    migrate(session, store.families, store.place, moment.versions)
    for table in tables:
        here = Table(store.settings.schema, table.name, table.columns)
        with _no_triggers(link, here):
            _fill(link, here, source(table))
    migrate(session, store.families, store.place)
    for user in users:
        for statement in store.grants(user):
            session.run(statement)


def _put_engines(link: Link, moment: Moment, tables: Sequence[Table], source: Source) -> None:
    from psycopg import sql

    here = _engine_version(link)
    if here != moment.engine:
        raise _other_version(f"version {moment.engine} of the engine's tables, and these are {here}")
    every = [sql.Identifier(ENGINE, name) for name in _in_order(link, ENGINE) if name != _ENGINE_VERSIONS]
    link.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(every)))
    by_name = {table.name: table for table in tables}
    for name in _in_order(link, ENGINE):
        if name in by_name:
            _fill(link, by_name[name], source(by_name[name]))


def _fill(link: Link, table: Table, file: IO[bytes]) -> None:
    with link.cursor().copy(_copy(table, "FROM STDIN")) as rows:
        while part := file.read(1 << 16):
            rows.write(part)
    _count_on(link, table)


def _count_on(link: Link, table: Table) -> None:
    """Numbers that the server gives begin after those that came back."""
    from psycopg import sql

    name = _whole(table.schema, table.name)
    for column, sequence in link.execute(_COUNTED, (name, name, name)).fetchall():
        link.execute(
            sql.SQL("SELECT setval({}, coalesce((SELECT max({}) FROM {}), 0) + 1, false)").format(
                sql.Literal(sequence), sql.Identifier(column), sql.Identifier(table.schema, table.name)
            )
        )


@contextmanager
def _no_triggers(link: Link, table: Table) -> Iterator[None]:
    """Rows come back as they were: nothing is noted or told about each."""
    from psycopg import sql

    name = sql.Identifier(table.schema, table.name)
    link.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    yield
    link.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))


# ── what there is ─────────────────────────────────────────────────────────────────────────────


def _in_order(link: Link, schema: str) -> list[str]:
    """The tables of a schema, none before one that its rows name."""
    from graphlib import TopologicalSorter

    from psycopg import sql

    names = [str(row[0]) for row in link.execute(_TABLES, (schema,)).fetchall()]
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(names, ()))
    link.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema)))
    for needed, by in link.execute(_NEEDS, (_quoted(schema),)).fetchall():
        sorter.add(by.strip('"'), needed.strip('"'))
    return list(sorter.static_order())


def _columns(link: Link, schema: str, name: str) -> tuple[str, ...]:
    rows = link.execute(_COLUMNS, (_whole(schema, name),)).fetchall()
    return tuple(str(row[0]) for row in rows)


def _engine_version(link: Link) -> int | None:
    if not _exists(link, _ENGINE_VERSIONS):
        return None
    row = link.execute(f"SELECT max(version) FROM {ENGINE}.{_ENGINE_VERSIONS}".encode()).fetchone()  # noqa: S608 - our own words
    return int(row[0]) if row and row[0] is not None else None


def _exists(link: Link, table: str) -> bool:
    row: Row | None = link.execute("SELECT to_regclass(%s)", (f"{ENGINE}.{table}",)).fetchone()
    return row is not None and row[0] is not None


def _alive(link: Link, takeover: float) -> int:
    if not _exists(link, _WORKERS):
        return 0
    query = (
        f"SELECT count(*) FROM {ENGINE}.{_WORKERS} "  # noqa: S608 - our own words
        "WHERE heard >= EXTRACT(EPOCH FROM clock_timestamp()) * 1000 - %s"
    )
    row = link.execute(query.encode(), (int(takeover * 1000),)).fetchone()
    return int(row[0]) if row else 0


def _nobody_serves(link: Link, takeover: float) -> None:
    if _alive(link, takeover):
        raise worker_serves()


def _users(link: Link, schema: str) -> list[str]:
    """Who else may use our tables, so that they may afterwards."""
    rows = link.execute(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants "
        "WHERE table_schema = %s AND table_name = 'requests' AND grantee <> current_user AND grantee <> grantor",
        (schema,),
    ).fetchall()
    return [str(row[0]) for row in rows]


def _copy(table: Table, way: str) -> Any:
    from psycopg import sql

    return sql.SQL("COPY {} ({}) " + way).format(
        sql.Identifier(table.schema, table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )


def _whole(schema: str, name: str) -> str:
    return f"{_quoted(schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


@contextmanager
def _link(store: PostgresDatabase, begin: str) -> Iterator[Link]:
    import psycopg

    link = connected(store.settings, patience=None)
    try:
        link.execute(begin.encode())
        yield link
        link.execute("COMMIT")
    except psycopg.Error as error:
        raise broken(error, store.settings) from None
    finally:
        link.close()


def worker_serves() -> Failed:
    return Failed(
        "A worker serves this store, so it is not put back under its hands.",
        hint="Stop every worker first; helpdesk worker status lists them.",
        code="worker-running",
    )


def _other_version(what: str) -> Failed:
    return Failed(
        f"The backup holds {what}.",
        hint="Restore it with the program that wrote it; its version is in the backup.",
        code="backup-version",
    )
