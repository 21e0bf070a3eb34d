"""The index: passages in SQLite's full-text search, brought up to date by what changed on disk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from helpdesk.plugin import Failed
from helpdesk_policy import folders
from helpdesk_policy.documents import Document, Passage, parse
from helpdesk_policy.folders import Found, Source, Trouble

T = TypeVar("T")

FILE = "index.db"
FORMAT = 2
"""Raised when the tables or the way documents are cut change: an older index is made anew."""
BUSY_SECONDS = 20.0

_TABLES = """
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, file TEXT NOT NULL, stamp TEXT NOT NULL,
        title TEXT NOT NULL, UNIQUE (source, file)
    );
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY, document INTEGER NOT NULL, heading TEXT NOT NULL, line INTEGER NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX passages_of ON passages (document);
    CREATE TABLE troubles (
        source TEXT NOT NULL, file TEXT NOT NULL, stamp TEXT NOT NULL, path TEXT NOT NULL, reason TEXT NOT NULL
    );
    CREATE TABLE size (passages INTEGER NOT NULL);
    INSERT INTO size VALUES (0);
    CREATE VIRTUAL TABLE words USING fts5 (above, heading, body, tokenize = 'porter unicode61');
"""


@dataclass(slots=True)
class Report:
    """What a refresh found. ``changed`` counts documents read anew or removed."""

    documents: int = 0
    passages: int = 0
    changed: int = 0
    troubles: list[Trouble] = field(default_factory=list)


class Index:
    """The index of a set of sources. It is a cache: whatever is wrong with its file, it is made anew."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def refresh(self, sources: Sequence[Source], *, anew: bool = False) -> Report:
        """Read what is new or changed, forget what is gone or may no longer be read.

        Args:
            anew: read every document again.
        """
        report = Report()
        present: dict[tuple[str, str], Found] = {}
        for source in sources:
            found, troubles = folders.scan(source)
            report.troubles += troubles
            present.update(((one.source, one.file), one) for one in found)
        known = self._known() if not anew else {}
        changed = [one for key, one in present.items() if known.get(key) != one.stamp]
        if anew or changed or known.keys() - present.keys():
            with _transaction(self.database):
                self._update({source.name: source for source in sources}, present, anew, report)
        report.troubles += [
            Trouble(*row) for row in self.database.execute("SELECT path, reason FROM troubles")
        ]
        report.documents = self._count("documents")
        report.passages = self.database.execute("SELECT passages FROM size").fetchone()[0]
        return report

    def _known(self) -> dict[tuple[str, str], str]:
        """Stamps of what was read; what could not be read counts as never seen, so it is tried again."""
        rows = self.database.execute(
            "SELECT source, file, stamp FROM documents UNION ALL SELECT source, file, stamp FROM troubles"
        )
        return {(source, file): stamp for source, file, stamp in rows}

    def _update(
        self, sources: dict[str, Source], present: dict[tuple[str, str], Found], anew: bool, report: Report
    ) -> None:
        known = self._known()  # again: another process may have been faster
        for key, stamp in known.items():
            if anew or key not in present or present[key].stamp != stamp:
                self._forget(*key)
                report.changed += key not in present
        for key, found in present.items():
            if anew or known.get(key) != found.stamp:
                report.changed += self._take_in(found, sources[found.source])
        self.database.execute("UPDATE size SET passages = (SELECT count(*) FROM passages)")

    def _forget(self, source: str, file: str) -> None:
        run = self.database.execute
        run("DELETE FROM troubles WHERE source = ? AND file = ?", (source, file))
        row = run("SELECT id FROM documents WHERE source = ? AND file = ?", (source, file)).fetchone()
        if row is None:
            return
        run("DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE document = ?)", row)
        run("DELETE FROM passages WHERE document = ?", row)
        run("DELETE FROM documents WHERE id = ?", row)

    def _take_in(self, found: Found, source: Source) -> bool:
        """Index one document; true when its passages can be found now."""
        stamp = found.stamp
        try:
            document = parse(folders.read(found, source), found.file)
            reason = "is no text, so it is not read"
        except OSError as error:
            document, reason, stamp = None, folders.trouble_of(found, error).reason, ""
        except (
            AssertionError,
            ValueError,
        ) as error:  # what Python's own HTML parser raises on hopeless input
            document, reason = None, f"cannot be understood: {error}"
        run = self.database.execute
        if document is None:
            row = (found.source, found.file, stamp, folders.as_shown(found.path), reason)
            run("INSERT INTO troubles VALUES (?, ?, ?, ?, ?)", row)
            return False
        self._insert(found, document)
        return True

    def _insert(self, found: Found, document: Document) -> None:
        run = self.database.execute
        cursor = run(
            "INSERT INTO documents (source, file, stamp, title) VALUES (?, ?, ?, ?)",
            (found.source, found.file, found.stamp, document.title),
        )
        first = run("SELECT coalesce(max(id), 0) + 1 FROM passages").fetchone()[0]
        numbered = list(enumerate(document.passages, first))
        self.database.executemany(
            "INSERT INTO passages (id, document, heading, line, text) VALUES (?, ?, ?, ?, ?)",
            ((id, cursor.lastrowid, p.heading or document.title, p.line, p.text) for id, p in numbered),
        )
        self.database.executemany(
            "INSERT INTO words (rowid, above, heading, body) VALUES (?, ?, ?, ?)",
            ((id, _above(document, p), p.heading, p.words) for id, p in numbered),
        )

    def _count(self, table: str) -> int:
        count: int = self.database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  our own names
        return count


def _above(document: Document, passage: Passage) -> str:
    """What stands over a passage's own heading: the document's title and the outer headings."""
    return " ".join(dict.fromkeys((document.title, *passage.headings[:-1])))


def with_index(folder: Path, work: Callable[[Index], T]) -> T:
    """Do something with the index in a private folder.

    A damaged file is made anew. Where none can be written (a full disk, a lock that stays), the work is
    done in memory: slower, and with the same answer.

    Raises:
        Failed: this Python's SQLite has no full-text search.
    """
    file = folder / FILE
    for attempt in (_opened, _remade):
        try:
            with closing(attempt(file)) as database:
                return work(Index(database))
        except (sqlite3.OperationalError, OSError):
            break
        except sqlite3.DatabaseError:
            continue
    try:
        with closing(_prepared(_connected(":memory:"))) as database:
            return work(Index(database))
    except sqlite3.OperationalError as error:
        reason = (
            "this Python's SQLite has no full-text search" if "no such module" in str(error) else str(error)
        )
        raise Failed(f"The policies cannot be indexed: {reason}.", code="policy-index") from error


def _remade(file: Path) -> sqlite3.Connection:
    for path in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        path.unlink(missing_ok=True)
    return _opened(file)


def _opened(file: Path) -> sqlite3.Connection:
    """The index's file, made with 0600 before SQLite sees it; SQLite gives its side files the same rights."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(file, flags, 0o600)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    database = _connected(str(file))
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        return _prepared(database)
    except BaseException:
        database.close()
        raise


def _connected(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute("PRAGMA trusted_schema = OFF")
    with _transaction(database):
        if database.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            for table in ("documents", "passages", "troubles", "size", "words"):
                database.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {FORMAT}")
    return database


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
