"""Reading the log: pages of entries, and the intents that still need an answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any

from helpdesk.errors import LogUnavailable, NotFound
from helpdesk.gate.audit_chain import Entry, read
from helpdesk.gate.audit_store import FEWER, MANY

_AT_ONCE = 500
_UNSETTLED = ("unknown", "accepted")
_WITHOUT_OUTCOME = f"""SELECT seq FROM entries i WHERE kind = 'intent' AND {FEWER} AND seq <= ?
  AND NOT EXISTS (SELECT 1 FROM entries o WHERE o.about = i.seq AND o.seq <= ?) ORDER BY seq"""  # noqa: S608
_LAST_UNSETTLED = """SELECT about FROM entries o WHERE about IS NOT NULL
  AND seq = (SELECT max(seq) FROM entries x WHERE x.about = o.about AND x.seq <= ?)
  AND json_extract(entry, '$.body.outcome') IN (?, ?) ORDER BY about"""
_UNDOING = f"""SELECT seq FROM entries WHERE seq > ? AND kind IN ('intent', 'request') AND {FEWER}
  AND json_extract(entry, '$.body.undoes') = ?"""  # noqa: S608


def entries(
    database: sqlite3.Connection,
    after: int,
    before: int | None,
    limit: int,
    newest_first: bool,
    kinds: Collection[str],
) -> list[Entry]:
    clauses, values = ["seq > ?"], [after]  # type: tuple[list[str], list[Any]]
    if before is not None:
        clauses.append("seq < ?")
        values.append(before)
    if kinds:
        clauses.append(f"kind IN ({', '.join('?' * len(kinds))})")
        values.extend(kinds)
        if MANY not in kinds:
            clauses.append(FEWER)
    order = "DESC" if newest_first else "ASC"
    chosen = f"SELECT seq FROM entries WHERE {' AND '.join(clauses)} ORDER BY seq {order} LIMIT ?"  # noqa: S608
    found = _load(database, chosen, (*values, max(limit, 0)))
    return found[::-1] if newest_first else found


def entry(database: sqlite3.Connection, seq: int) -> Entry:
    """Raises NotFound."""
    found = _load(database, "SELECT ?", (seq,)) if 0 < seq < 2**63 else []
    if not found:
        raise NotFound(f"The log has no entry {seq}.", hint="helpdesk log list shows the newest.")
    return found[0]


def chosen(database: sqlite3.Connection, numbers: Sequence[int]) -> list[Entry]:
    """Entries with these numbers, in their order; numbers that are not there are left out."""
    found: list[Entry] = []
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        found += _load(database, ", ".join("?" * len(some)), some)
    return sorted(found, key=lambda entry: entry.seq)


def without_outcome(database: sqlite3.Connection, last: int) -> list[int]:
    """Numbers of intents without an outcome, as it was when ``last`` was the last entry."""
    return [seq for (seq,) in database.execute(_WITHOUT_OUTCOME, (last, last))]


def unsettled(database: sqlite3.Connection, last: int) -> list[int]:
    """Numbers of intents whose last outcome, up to an entry, says that their effect is not known."""
    return [seq for (seq,) in database.execute(_LAST_UNSETTLED, (last, *_UNSETTLED))]


def outcomes_of(database: sqlite3.Connection, intent: int) -> list[Entry]:
    return _load(database, "SELECT seq FROM entries WHERE about = ?", (intent,))


def undoing(database: sqlite3.Connection, seq: int) -> list[Entry]:
    """Intents and requests that were logged as the undoing of an entry."""
    return _load(database, _UNDOING, (seq, seq))


def last_note(database: sqlite3.Connection) -> str:
    row = database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return row[0] if row else ""


def _load(database: sqlite3.Connection, chosen: str, values: Iterable[Any]) -> list[Entry]:
    """The entries with the chosen numbers, in their order."""
    rows = database.execute(
        f"""SELECT e.seq, e.entry, e.hash, p.name, p.value
        FROM entries e LEFT JOIN personal p ON p.seq = e.seq WHERE e.seq IN ({chosen}) ORDER BY e.seq""",  # noqa: S608
        tuple(values),
    )
    return [_one(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]


def _one(rows: list[tuple[int, str, bytes, str | None, str | None]]) -> Entry:
    seq, text, hash, *_ = rows[0]
    try:
        return read(text, hash, {row[3]: row[4] for row in rows if row[3] is not None})
    except (ValueError, KeyError, TypeError) as error:
        raise LogUnavailable(
            f"Entry {seq} of the log is damaged.", hint="helpdesk log verify says more.", code="log-altered"
        ) from error
