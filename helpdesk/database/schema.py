"""Tables come about and change in numbered steps, in one transaction, one process at a time.

A family of tables is a list of steps and lives in one module beside the code that uses it. Step *n* leads from version
*n - 1* to *n*; a step that was released is never edited. An older program goes on beside a newer one during an upgrade
as long as no step says that it breaks that; then, and only then, it refuses with one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from helpdesk.database import Fill, Session, Standing
from helpdesk.errors import Failed

_VERSIONS = """CREATE TABLE IF NOT EXISTS store_versions (
  family TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  oldest INTEGER NOT NULL
)"""
_PRESENT = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'store_versions'",
    "postgres": "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'store_versions'",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a family's tables.

    Attributes:
        sqlite, postgres: the statements, one each, as either database takes them.
        fill: what has to be done with the rows that are there.
        breaks: a program that knows only the steps before must not use these tables any more.
    """

    sqlite: tuple[str, ...]
    postgres: tuple[str, ...]
    fill: Fill | None = None
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Tables that change together ("requests").

    Attributes:
        tables: their names, for a backup. changing: the columns of each that may change once a row is there.
        adopted: a question to SQLite that has an answer where version 1 came about before versions were noted.
    """

    name: str
    tables: tuple[str, ...]
    steps: tuple[Step, ...]
    adopted: str = ""
    changing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """What this program knows."""
        return len(self.steps)

    @property
    def oldest(self) -> int:
        """The oldest version whose program may use tables of today's."""
        return max((number for number, step in enumerate(self.steps, 1) if step.breaks), default=1)


def empty(session: Session) -> bool:
    """No family of tables was ever made here."""
    return session.one(_PRESENT[session.kind]) is None


def standing(session: Session, families: Sequence[Family]) -> list[Standing]:
    """Where each family stands; nothing is changed and nothing is refused."""
    found = _found(session)
    answer = []
    for family in families:
        version, oldest = found.get(family.name, (_adopted(session, family), 1))
        usable = version >= family.version >= oldest
        answer.append(Standing(family.name, version, family.version, usable))
    return answer


def require(session: Session, families: Sequence[Family], place: str) -> None:
    """Raises Failed ("store-old", "store-new") where one of the families cannot be used by this program."""
    for one in standing(session, families):
        if one.usable:
            continue
        if one.version > one.known:
            raise _newer(one, place)
        what = "has no tables yet" if one.version == 0 else f"is of version {one.version}, not {one.known}"
        raise Failed(
            f"The store {place} {what} ({one.family}).",
            hint="Whoever looks after it runs: helpdesk store migrate",
            code="store-old",
        )


def migrate(
    session: Session, families: Sequence[Family], place: str, upto: Mapping[str, int] | None = None
) -> list[Standing]:
    """Bring every family to this program's version, within the caller's transaction; where they stood before.

    Args:
        upto: no further than these versions, by family, so that rows of an older program can be put there.

    Raises:
        Failed: a newer program wrote them, and said that this one must not ("store-new").
    """
    session.run(_VERSIONS)
    done = []
    for family, one in zip(families, standing(session, families), strict=True):
        if one.version > one.known:
            if not one.usable:
                raise _newer(one, place)
            continue
        last = family.version if upto is None else upto.get(family.name, 0)
        for step in family.steps[one.version : last]:
            for statement in step.sqlite if session.kind == "sqlite" else step.postgres:
                session.run(statement)
            if step.fill is not None:
                step.fill(session)
        if last:
            _note(session, family, last)
        if one.version < one.known:
            done.append(one)
    return done


def current(session: Session, families: Sequence[Family]) -> bool:
    """Nothing is left to migrate, and nothing has to be refused."""
    found = _found(session)
    return all(
        family.name in found and found[family.name][0] >= family.version >= found[family.name][1]
        for family in families
    )


def _found(session: Session) -> dict[str, tuple[int, int]]:
    if empty(session):
        return {}
    rows = session.all("SELECT family, version, oldest FROM store_versions")
    return {str(family): (int(version), int(oldest)) for family, version, oldest in rows}


def _adopted(session: Session, family: Family) -> int:
    if family.adopted and session.kind == "sqlite" and session.one(family.adopted) is not None:
        return 1
    return 0


def _note(session: Session, family: Family, version: int) -> None:
    session.run(
        "INSERT INTO store_versions (family, version, oldest) VALUES (?, ?, ?) "
        "ON CONFLICT (family) DO UPDATE SET version = excluded.version, oldest = excluded.oldest",
        family.name,
        version,
        family.oldest,
    )


def _newer(one: Standing, place: str) -> Failed:
    return Failed(
        f"The store {place} was written by a newer program (version {one.version} of {one.family}; this one "
        f"knows {one.known}).",
        hint="Install the newer program here too; nothing was changed.",
        code="store-new",
    )
