"""Connections to Postgres: a few of them, tried before they are used again, and none that waits forever."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from helpdesk.connectors.postgres_errors import connecting
from helpdesk.connectors.postgres_options import PostgresSettings, options
from helpdesk.database import StoreUnreachable

if TYPE_CHECKING:
    import psycopg

    Link = psycopg.Connection[tuple[Any, ...]]

AT_MOST = 8
"""Connections of one process; many threads take turns."""
IDLE_SECONDS = 60.0
"""A connection that nobody used for so long is closed: a server has few, and programs stay open for days."""
_WAIT_SECONDS = 20.0


@cache
def _kind() -> Any:
    """psycopg's connection, which gives up on a server that is there and says nothing."""
    import psycopg

    class Patient(psycopg.Connection[tuple[Any, ...]]):
        patience: float | None = None

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            return super().wait(gen, interval=interval, timeout=timeout or self.patience)

    return Patient


def connected(settings: PostgresSettings, *, patience: float | None) -> Link:
    """A new connection, every statement of which ends in time.

    Args:
        patience: seconds for the server to answer a statement; ``None``: as long as it takes.

    Raises:
        StoreUnreachable, Failed: see :func:`connecting`. ConfigError: no authority can be used.
    """
    import psycopg
    from psycopg import sql

    try:
        link: Any = _kind().connect(**options(settings), autocommit=True)
    except psycopg.Error as error:
        raise connecting(error, settings) from None
    try:
        link.patience = settings.connect_seconds + settings.statement_seconds
        limit = 0 if patience is None else settings.statement_seconds * 1000
        link.execute(
            sql.SQL(
                "SET search_path TO {}; SET statement_timeout = {}; SET lock_timeout = {}; "
                "SET idle_in_transaction_session_timeout = {}"
            ).format(
                sql.Identifier(settings.schema),
                sql.Literal(limit),
                sql.Literal(limit),
                sql.Literal(2 * limit),
            )
        )
        link.patience = patience
    except psycopg.Error as error:
        link.close()
        raise connecting(error, settings) from None
    found: Link = link
    return found


class Links:
    """The connections of one process.

    Args:
        settings: where to. check: looks at a new connection before it is used; what it raises goes on.
    """

    def __init__(self, settings: PostgresSettings, check: Callable[[Link], None]) -> None:
        self._settings = settings
        self._check = check
        self._free: list[tuple[Link, float]] = []
        self._guard = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_MOST)
        self._process = os.getpid()

    @contextmanager
    def taken(self, begin: str) -> Iterator[Link]:
        """A connection in which a transaction was begun, for one thread; it is put back when that has ended.

        A connection that broke while nobody used it (the server was started again) is replaced without a word.
        """
        if not self._turns.acquire(timeout=_WAIT_SECONDS):
            raise StoreUnreachable(
                f"The store {self._settings.place} is busy: no connection came free.", hint="Try again."
            )
        try:
            link = self._begun(begin)
            try:
                yield link
            finally:
                self._back(link)
        finally:
            self._turns.release()

    def close(self) -> None:
        with self._guard:
            free, self._free = self._free, []
        for link, _ in free:
            link.close()

    def _begun(self, begin: str) -> Link:
        import psycopg

        while (link := self._kept()) is not None:
            try:
                link.execute(begin.encode())
            except psycopg.OperationalError as error:
                link.close()
                if error.sqlstate in (
                    "55P03",
                    "57014",
                ):  # it is there, and somebody else holds what we wait for
                    raise
            else:
                return link
        patience = self._settings.connect_seconds + self._settings.statement_seconds
        link = connected(self._settings, patience=patience)
        try:
            self._check(link)
            link.execute(begin.encode())
        except BaseException:
            link.close()
            raise
        return link

    def _kept(self) -> Link | None:
        with self._guard:
            if self._process != os.getpid():  # a child of ours must not talk in its parent's name
                self._free, self._process = [], os.getpid()
            while self._free:
                link, since = self._free.pop()
                if time.monotonic() - since < IDLE_SECONDS and not link.closed:
                    return link
                link.close()
        return None

    def _back(self, link: Link) -> None:
        from psycopg.pq import TransactionStatus

        idle = not link.closed and link.info.transaction_status == TransactionStatus.IDLE
        if not idle:
            with suppress(Exception):
                link.close()
            return
        with self._guard:
            old = [one for one in self._free if time.monotonic() - one[1] >= IDLE_SECONDS]
            self._free = [one for one in self._free if one not in old] + [(link, time.monotonic())]
        for stale, _ in old:
            stale.close()
