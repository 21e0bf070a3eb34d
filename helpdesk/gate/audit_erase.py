"""Which personal values of the log belong to one person, and their erasure. The chain holds without them.

A person's entries are those that name their permanent id: as who acted, who asked, or whom it is about. Of these
every value is theirs, but for the names of others who acted. In other entries it is the values that mention them, by
login, name, mail or number: what somebody typed before anybody knew who was meant.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from helpdesk.text import folded

Value = tuple[int, str]
"""The number of an entry, and the name of a personal value of it."""
Reached = Callable[[int], None]
"""Is told up to which entry a long look has come."""
_STRETCH = 1000
_OWNERS = {
    "actor": "actor_id",
    "requester": "requester_id",
    "target": "person_id",
    **{f"approver{n}": f"approver{n}_id" for n in ("", 2, 3)},
}


def nowhere(seq: int) -> None:
    """Tells nobody."""


def ids_of(database: sqlite3.Connection, login: str, reached: Reached = nowhere) -> set[str]:
    """The permanent ids that acted, asked or were acted upon under a login; more than one where it was given anew."""
    found: set[str] = set()
    for start, end in _stretches(database):
        for name, owner in _OWNERS.items():
            rows = database.execute(
                f"""SELECT DISTINCT json_extract(e.entry, '$.body.{owner}')
                FROM personal p JOIN entries e ON e.seq = p.seq
                WHERE p.seq BETWEEN ? AND ? AND p.name = ? AND p.value = ?
                AND coalesce(json_extract(e.entry, '$.body.group_id'), '') = ''""",  # noqa: S608
                (start, end, name, json.dumps(login, ensure_ascii=False)),
            )
            found |= {id for (id,) in rows if id}
        reached(end)
    return found


def logins_of(database: sqlite3.Connection, id: str, reached: Reached = nowhere) -> set[str]:
    """The logins that an id had when something was logged about it."""
    found: set[str] = set()
    for start, end in _stretches(database):
        for name, owner in _OWNERS.items():
            rows = database.execute(
                f"""SELECT DISTINCT p.value FROM personal p JOIN entries e ON e.seq = p.seq
                WHERE p.seq BETWEEN ? AND ? AND p.name = ? AND p.value IS NOT NULL
                AND json_extract(e.entry, '$.body.{owner}') = ?
                AND coalesce(json_extract(e.entry, '$.body.group_id'), '') = ''""",  # noqa: S608
                (start, end, name, id),
            )
            found |= {json.loads(value) for (value,) in rows}
        reached(end)
    return {login for login in found if isinstance(login, str) and login}


def _stretches(database: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """The numbers of the entries in a file, from and to, some at a time: so that it can be told how far a look is."""
    first, last = database.execute("SELECT min(seq), max(seq) FROM entries").fetchone()
    if first is not None:
        for start in range(first, last + 1, _STRETCH):
            yield start, min(start + _STRETCH - 1, last)


def values_of(
    database: sqlite3.Connection, id: str, names: Collection[str], reached: Reached = nowhere
) -> list[Value]:
    """The person's values that are still there, in order.

    Args:
        id: the permanent id; "" where nobody knows one. names: login, name, mail and the like.
    """
    mention = _mention(names)
    whole = {folded(name) for name in names}
    rows = database.execute(
        """SELECT p.seq, p.name, p.value, e.entry FROM personal p JOIN entries e ON e.seq = p.seq
        WHERE p.value IS NOT NULL ORDER BY p.seq, p.name"""
    )
    found: list[Value] = []
    seq, body, mine = 0, {}, False  # type: tuple[int, dict[str, Any], bool]
    for row_seq, name, value, entry in rows:
        if row_seq != seq:
            if row_seq // _STRETCH > seq // _STRETCH:
                reached(row_seq)
            seq, body = row_seq, json.loads(entry)["body"]
            mine = bool(id) and json.dumps(id) in entry
        told = json.loads(value)
        mentioned = isinstance(told, str) and (mention.search(told) is not None or folded(told) in whole)
        owner = _owner(name, body)
        if owner == id if owner and id else mentioned or (mine and name not in _OWNERS):
            found.append((seq, name))
    return found


def erase(database: sqlite3.Connection, values: Iterable[Value]) -> None:
    """Take values and salts away; the caller holds the write lock."""
    database.executemany(
        "UPDATE personal SET salt = NULL, value = NULL WHERE seq = ? AND name = ?", list(values)
    )


def scrub(database: sqlite3.Connection) -> bool:
    """Write the file anew, so that no page and no log of SQLite's keeps a copy (S5).

    Returns:
        Whether that is finished; not while another program reads.
    """
    database.execute("VACUUM")
    busy, _, _ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _owner(name: str, body: dict[str, Any]) -> str:
    """Whose name a value is, where the entry says so; the target may be a group."""
    if name == "target" and body.get("group_id"):
        return ""
    return str(body.get(_OWNERS.get(name, ""), "") or "")


def _mention(names: Collection[str]) -> re.Pattern[str]:
    """Finds a name that stands alone, also within JSON: not "ana" in "banana", "ana.lima" or "ana-lima"."""
    spellings = {name for name in names if name}
    for _ in range(2):  # a value may be JSON that holds JSON
        spellings |= {json.dumps(name, ensure_ascii=False)[1:-1] for name in spellings}
    if not spellings:
        return re.compile(r"(?!)")
    either = "|".join(re.escape(name) for name in sorted(spellings, key=len, reverse=True))
    return re.compile(rf"(?<![\w@-])(?<!\w\.)(?:{either})(?![\w@-]|\.\w)", re.IGNORECASE)
