"""Finding entries among a million: an index in a file of its own, which is made from the log and can be thrown away.

The log itself is left as it is: nothing in the chain, in its tables or in the way an entry is added changes. The
index is brought up to date by whoever searches. It proves nothing; what is found is read from the log.

Names and texts are in the index too, so erasing empties it (S5). An erasure and a search never mix: both hold the
index's write lock while they read the log.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Entry
from helpdesk.gate.audit_filter import FACETS, Filter, facets, one_name, words
from helpdesk.gate.audit_store import explained
from helpdesk.gate.audit_verify import Tell, quiet
from helpdesk.store import immediate, open_database

INDEX = "search.db"
FORGETTING = ("erasure", "retention")
"""Entries after which the log holds less than the index may."""
VERSION = 1
_PAGE = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA = (
    """CREATE TABLE state (
      last INTEGER NOT NULL, hash TEXT NOT NULL, high INTEGER NOT NULL, erased INTEGER NOT NULL
    ) STRICT""",
    # high: the latest time up to here; unlike time itself it never goes back, so it can be searched in halves
    "CREATE TABLE times (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, high INTEGER NOT NULL) STRICT",
    "CREATE INDEX times_high ON times (high, seq)",
    "CREATE INDEX times_behind ON times (seq, time) WHERE time < high",
    """CREATE VIRTUAL TABLE found USING fts5 (
      facets, text, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
    )""",
    "INSERT INTO state VALUES (0, '', 0, 0)",
)


class SearchIndex:
    """The index beside a log; safe to use from several threads, and by several processes at once.

    Args:
        log: what is searched. folder: where the log's files are.

    Attributes:
        tell: is given how many entries were taken in, of how many, while the index catches up with many.
    """

    def __init__(self, log: AuditLog, folder: Path) -> None:
        self._log = log
        self._folder = folder
        self._guard = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self.tell: Tell = quiet

    # ── finding ───────────────────────────────────────────────────────────────────────────────

    def find(
        self,
        filter: Filter,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[Entry]:
        """Entries that fit, in their order or the newest first.

        Args:
            after, before: only numbers above, and below.

        Raises:
            LogUnavailable: the log or the index cannot be used.
        """
        if not filter:
            return self._log.entries(after, limit, before=before, newest_first=newest_first)
        numbers = self.numbers(filter, after=after, before=before, limit=limit, newest_first=newest_first)
        found = self._log.chosen(numbers)
        return found[::-1] if newest_first else found

    def numbers(
        self,
        filter: Filter,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[int]:
        """The numbers of what :meth:`find` finds, for whoever reads the entries later. Raises LogUnavailable."""
        with self._guard, explained(self._folder), self._anew():
            self._catch_up()
            return self._numbers(filter, after, before, max(limit, 0), newest_first)

    def all(self, filter: Filter, *, after: int = 0, before: int | None = None) -> Iterator[Entry]:
        """Every entry that fits, in order, page by page."""
        while page := self.find(filter, after=after, before=before, limit=_PAGE):
            yield from page
            after = page[-1].seq

    def begins(self, since: datetime) -> int:
        """The number below which nothing has a time from then on. Raises LogUnavailable."""
        with self._guard, explained(self._folder), self._anew():
            self._catch_up()
            return self._span(self._open(), Filter(since=since))[0]

    def _numbers(
        self, filter: Filter, after: int, before: int | None, limit: int, newest_first: bool
    ) -> list[int]:
        database = self._open()
        first, last = self._span(database, filter)
        first = max(first, after + 1)
        last = min(last, before - 1) if before is not None else last
        order = "DESC" if newest_first else "ASC"
        match = _match(filter)
        clauses: list[str] = []
        values: list[Any] = []
        for sign, moment in ((">=", filter.since), ("<", filter.until)):
            if moment is not None:
                clauses.append(f"t.time {sign} ?")
                values.append(_micros(moment))
        if match:
            source = "found f CROSS JOIN times t ON t.seq = f.rowid" if clauses else "found f"
            number = "f.rowid"
            clauses.insert(0, "found MATCH ?")
            values.insert(0, match)
        else:
            source, number = "times t", "t.seq"
        where = " AND ".join([*clauses, f"{number} >= ?", f"{number} <= ?"])
        rows = database.execute(
            f"SELECT {number} FROM {source} WHERE {where} ORDER BY {number} {order} LIMIT ?",  # noqa: S608
            (*values, first, last, limit),
        )
        return [seq for (seq,) in rows]

    def _span(self, database: sqlite3.Connection, filter: Filter) -> tuple[int, int]:
        """The numbers between which everything in the time span lies, whatever the clock did (R5)."""
        first, last = 1, 2**62
        if filter.since is not None:
            row = database.execute(
                "SELECT seq FROM times WHERE high >= ? ORDER BY high, seq LIMIT 1", (_micros(filter.since),)
            ).fetchone()
            first = row[0] if row else last
        if filter.until is not None:
            until = _micros(filter.until)
            ahead = database.execute(
                "SELECT seq FROM times WHERE high < ? ORDER BY high DESC, seq DESC LIMIT 1", (until,)
            ).fetchone()
            behind = database.execute(
                "SELECT seq FROM times WHERE time < high AND time < ? ORDER BY seq DESC LIMIT 1", (until,)
            ).fetchone()
            last = max(row[0] if row else 0 for row in (ahead, behind))
        return first, last

    # ── keeping up with the log ───────────────────────────────────────────────────────────────

    def catch_up(self) -> None:
        """Take in what was logged since. Raises LogUnavailable."""
        with self._guard, explained(self._folder), self._anew():
            self._catch_up()

    def _catch_up(self) -> None:
        database, whole = self._open(), 0
        while True:
            with immediate(database):
                last, high = self._known(database)
                page = self._log.entries(last, _PAGE)
                if not page:
                    return
                whole = whole if page[-1].seq <= whole else self._newest()
                times, rows = [], []
                for entry in page:
                    moment = _micros(entry.time)
                    high = max(high, moment)
                    times.append((entry.seq, moment, high))
                    rows.append((entry.seq, _tokens(entry), words(entry)))
                database.executemany("INSERT INTO times (seq, time, high) VALUES (?, ?, ?)", times)
                database.executemany("INSERT INTO found (rowid, facets, text) VALUES (?, ?, ?)", rows)
                database.execute(
                    "UPDATE state SET last = ?, hash = ?, high = ?", (page[-1].seq, page[-1].hash, high)
                )
            if len(page) == _PAGE:
                self.tell(page[-1].seq, whole)

    def _newest(self) -> int:
        return max((entry.seq for entry in self._log.entries(limit=1, newest_first=True)), default=0)

    def _known(self, database: sqlite3.Connection) -> tuple[int, int]:
        """How far the index goes; it begins anew for another log, and after an erasure that missed it."""
        last, hash, high, erased = database.execute("SELECT last, hash, high, erased FROM state").fetchone()
        newest = self._log.entries(limit=1, newest_first=True, kinds=FORGETTING)
        erasure = newest[0].seq if newest else 0
        same = not last or [entry.hash for entry in self._log.chosen([last])] == [hash]
        if same and erased == erasure:
            return last, high
        _empty(database, erasure)
        return 0, 0

    @contextmanager
    def erasing(self) -> Iterator[None]:
        """While names are erased from the log nobody indexes it; afterwards the index is empty.

        Raises:
            LogUnavailable: the index cannot be used.
        """
        with self._guard, explained(self._folder), self._anew():
            database = self._open()
            with immediate(database):
                yield
                newest = self._log.entries(limit=1, newest_first=True, kinds=FORGETTING)
                _empty(database, newest[0].seq if newest else 0)
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            database = open_database(self._folder / INDEX)
            try:
                with immediate(database):
                    if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                        for name in ("state", "times", "found"):
                            database.execute(f"DROP TABLE IF EXISTS {name}")
                        for statement in _SCHEMA:
                            database.execute(statement)
                        database.execute(f"PRAGMA user_version = {VERSION}")
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    @contextmanager
    def _anew(self) -> Iterator[None]:
        """A damaged index is thrown away, so that the next search makes it anew."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            self.close()
            code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                for name in (INDEX, f"{INDEX}-wal", f"{INDEX}-shm"):
                    with contextlib.suppress(FileNotFoundError):
                        (self._folder / name).unlink()
            raise

    def close(self) -> None:
        with self._guard:
            if self._database is not None:
                self._database.close()
                self._database = None

    def __del__(self) -> None:
        if self.__dict__.get("_database") is not None:
            self.close()


def _empty(database: sqlite3.Connection, erasure: int) -> None:
    """``erasure``: number of the newest erasure that the log has, which the index now knows of."""
    database.execute("DELETE FROM times")
    database.execute("INSERT INTO found (found) VALUES ('delete-all')")
    database.execute("UPDATE state SET last = 0, hash = '', high = 0, erased = ?", (erasure,))


def _tokens(entry: Entry) -> str:
    """One token for each facet's value, so that a value is found whole and never by a part of it."""
    return " ".join(_token(name, value) for name, values in facets(entry).items() for value in values)


@lru_cache(65536)  # the same people and actions come again and again
def _token(facet: str, value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{chr(97 + FACETS.index(facet))}{digest}"


def _match(filter: Filter) -> str:
    """The filter as a query of FTS5."""
    parts = []
    for name in FACETS:
        values: Sequence[str] = getattr(filter, name)
        if values:
            parts.append(f"facets : ({' OR '.join(_token(name, one_name(value)) for value in values)})")
    asked = filter.text.replace("\0", " ").split()
    for word in [word for word in asked if any(c.isalnum() for c in word)] or asked:
        quoted = word.replace('"', '""').encode("utf-8", "replace").decode()
        parts.append(f'text : "{quoted}"')
    return " AND ".join(parts)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
