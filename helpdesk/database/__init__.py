"""The database that requests, and what belongs to them, are kept in: SQLite on one machine, Postgres for a company.

SQL is written once, with ``?`` for a value, in what both understand. A transaction that writes names what it is about
("request R-7K3F2Q"), and of all transactions that name the same thing one goes on at a time, on either database.
Tables come in families, each with numbered steps (:mod:`helpdesk.database.schema`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from helpdesk.errors import Unreachable

Kind = Literal["sqlite", "postgres"]
Row = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a family of tables stands in a database: ``version`` 0 is none yet, ``known`` is this program's."""

    family: str
    version: int
    known: int
    usable: bool


class Duplicate(Exception):
    """A row with this key is there already; the transaction ends with it."""


class StoreUnreachable(Unreachable):
    """The database gave no answer; nothing was kept."""

    code = "requests-unavailable"


class Unsure(StoreUnreachable):
    """The connection broke at the commit: it was kept, or it was not. Whoever gets this looks again (:func:`settled`)."""


class Session(Protocol):
    """One transaction. Values are texts, bytes, whole numbers and ``None``; no SQL holds ``%`` or a ``?`` of its own.

    Every method raises :class:`Duplicate`, and what the :class:`Database` raises.
    """

    @property
    def kind(self) -> Kind: ...

    def all(self, sql: str, *values: object) -> list[Row]:
        """Every row of a question."""

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row, or ``None``."""

    def run(self, sql: str, *values: object) -> int:
        """Write; how many rows it concerned."""


class Database(Protocol):
    """Where the rows are. It may be used by many threads, each in transactions of its own.

    Every method but :meth:`marks` and :meth:`close` raises StoreUnreachable, or Failed (code "requests-unavailable"),
    when it cannot be used; neither ever says a password.
    """

    @property
    def kind(self) -> Kind: ...

    @property
    def place(self) -> str:
        """Where it is, for a person: a file's name, or host and database."""

    def reading(self) -> AbstractContextManager[Session]:
        """A transaction that changes nothing and sees one moment."""

    def writing(self, *about: str) -> AbstractContextManager[Session]:
        """A transaction that is kept whole when the block ends, or not at all.

        Args:
            about: names; another transaction that gives one of them waits until this one has ended.

        Raises:
            Unsure: the connection broke while it was being kept.
        """

    def marks(self) -> tuple[int, ...]:
        """Changes whenever any process wrote something; cheap enough to ask every second. Raises nothing."""

    def standing(self) -> list[Standing]:
        """Where each family of tables stands; nothing is made, changed or refused."""

    def migrate(self, grant: str = "") -> list[Standing]:
        """Bring the tables to this program's version, in one transaction; where they stood that were older.

        Args:
            grant: a user of the database that is given what this program needs, and no more.

        Raises:
            Failed: a newer program wrote them ("store-new").
        """

    def close(self) -> None: ...


def settled(
    database: Database, about: str, look: Callable[[Session], T | None], within: float = 20.0
) -> T | None:
    """What the store holds after :class:`Unsure`, once it answers again; ``None``: it was not kept, and will not be.

    Args:
        about: what the broken transaction named; while the server is not done with it, this waits.
        look: finds what that transaction wrote. within: seconds until it is given up.

    Raises:
        Unreachable, Failed: as it stands when the time is over.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            with database.writing(about) as session:
                return look(session)
        except Unreachable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


Fill = Callable[[Session], None]
"""What a step of a family does besides its statements, in the same transaction."""
