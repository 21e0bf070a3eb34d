"""Whether entries are as they must be, the short way: what they say is put together from the columns, and compared.

All that an entry's bytes say beside their body stands in columns too, and its personal values yield the commitments.
So all that is before and after the body must be a text that is known. The body itself is parsed where a column repeats
something of it, and in entries that no signed checkpoint is over: the others are, by the tree, as this program wrote
them. Where the bytes are not that text, or a value was erased, that says nothing yet: then the entry is looked at the
long way, which can tell what is wrong. Many entries are looked at together, because a check of a large log is nothing
but this.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from json.decoder import JSONDecoder
from json.encoder import encode_basestring as quoted

from helpdesk.gate.audit_chain import FORM, SALT, about, committing, opening

ENTRIES = """SELECT seq, prev, hash, CAST(time AS BLOB), CAST(kind AS BLOB), about, CAST(entry AS BLOB)
  FROM entries NOT INDEXED WHERE seq > ? ORDER BY seq"""
"""As bytes: what is no text any more can be read as well, and nothing is decoded only to be hashed."""
_PERSONAL = """SELECT seq, CAST(name AS BLOB), salt, CAST(value AS BLOB)
  FROM personal WHERE seq BETWEEN ? AND ? ORDER BY seq, name"""
TOGETHER = 64
"""Entries that are looked at in one go: more of them no longer fit the processor's cache."""
_REFUSED = "?"
"""Stands for a commitment where there is none; no entry holds it."""
_BODY, _BEHIND = b'{"body":', b',"clock":"behind"'
_parsed = JSONDecoder().raw_decode

Raw = tuple[int, bytes, bytes, bytes, bytes, int | None, bytes]
_Value = tuple[int, bytes, bytes, bytes]


def batches(rows: Iterator[Raw], after: int = 0, edges: Collection[int] = ()) -> Iterator[list[Raw]]:
    """The rows, some at a time; those before one that cannot be read are given before its error is raised.

    Args:
        after: the number of the entry before the first one. edges: after these numbers a new batch begins.
    """
    while True:
        found: list[Raw] = []
        most = min((edge - after for edge in edges if edge > after), default=TOGETHER)
        try:
            found.extend(islice(rows, min(most, TOGETHER)))
        except Exception:
            if found:
                yield found
            raise
        if not found:
            return
        yield found
        after += len(found)


class Quick:
    """Looks at entries in their order.

    Args:
        database: with the personal values. signed: how many entries the newest signed checkpoint is over.
    """

    def __init__(self, database: sqlite3.Connection, signed: int = 0) -> None:
        self._database = database
        self._signed = signed
        self._names = _Names()
        self._kinds = _Kinds()

    def look(self, rows: Sequence[Raw], first: int, prev: bytes) -> tuple[list[bytes], list[int]]:
        """The hash of each entry's bytes; and the places, from 0, of those that must be looked at the long way.

        Args:
            first: the number that the first one must have. prev: the hash that it must name.
        """
        leaves = [sha256(b"\x00" + (row[6] or b"")).digest() for row in rows]
        try:
            told, count = self._committed(first, first + len(rows) - 1)
        except sqlite3.DatabaseError:  # which of them it is, the long way will find
            return leaves, list(range(len(rows)))
        doubted: list[int] = []
        start, seq, before = 0, first, prev
        for row, leaf in zip(rows, leaves, strict=True):
            end = start + count[seq]
            try:
                if (
                    row[0] != seq
                    or row[1] != before
                    or row[2] != leaf
                    or not self._fits(row, ",".join(told[start:end]))
                ):
                    doubted.append(seq - first)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                doubted.append(seq - first)  # no text, no JSON, or nothing at all
            start, seq, before = end, seq + 1, leaf
        return leaves, doubted

    def _committed(self, first: int, last: int) -> tuple[list[str], Counter[int]]:
        """The commitments as they must stand in these entries, in order; and how many each entry has.

        Raises:
            sqlite3.DatabaseError: they cannot be read.
        """
        values = self._database.execute(_PERSONAL, (first, last)).fetchall()
        count = Counter([value[0] for value in values])
        try:
            return self._all(values), count
        except (ValueError, TypeError, AttributeError):  # one was erased, or is no text
            return [self._one(value) for value in values], count

    def _all(self, values: Iterable[_Value]) -> list[str]:
        """Raises ValueError, TypeError, AttributeError: one of them is no value, or its salt is none."""
        names, found = self._names, []  # type: _Names, list[str]
        for _, name, salt, value in values:
            key, begun = names[name]
            if len(salt) != SALT:
                raise ValueError("this is no salt")
            found.append(committing(key, begun, salt, value))
        return found

    def _one(self, value: _Value) -> str:
        try:
            return self._all((value,))[0]
        except (ValueError, TypeError, AttributeError):
            return _REFUSED

    def _fits(self, row: Raw, committed: str) -> bool:
        """Whether an entry says what its columns say.

        Args:
            committed: its commitments, as they must stand in it.

        Raises:
            ValueError, LookupError, TypeError, AttributeError, RecursionError: it does not.
        """
        seq, prev, _, when, kind, ends, entry = row
        tail = f',"personal":{{{committed}}},"prev":"{prev.hex()}","seq":{seq},"time":"{when.decode()}"}}'.encode()
        head = entry[: -len(tail)] if entry.endswith(tail) else _before_run(entry, tail)
        known = self._kinds[kind]
        place = head.rindex(known)
        if not head[place + len(known) :].isdigit():
            return False
        end = place - len(_BEHIND) if head.endswith(_BEHIND, 0, place) else place
        if head[:9] != _BODY + b"{" or head[end - 1 : end] != b"}":
            return False
        if kind != b"outcome" and seq <= self._signed:
            return ends is None
        text = head[len(_BODY) : end].decode()
        body, whole = _parsed(text)
        return whole == len(text) and type(body) is dict and about(kind.decode(), body) == ends


class _Names(dict[bytes, tuple[str, bytes]]):
    """What :func:`opening` says, by the name in bytes."""

    def __missing__(self, name: bytes) -> tuple[str, bytes]:
        found = self[name] = opening(name.decode())
        return found


class _Kinds(dict[bytes, bytes]):
    """What stands between the body of an entry and its time, by its kind."""

    def __missing__(self, kind: bytes) -> bytes:
        found = self[kind] = f',"form":{quoted(FORM)},"kind":{quoted(kind.decode())},"monotonic":'.encode()
        return found


def _before_run(entry: bytes, tail: bytes) -> bytes:
    """What stands before the commitments of an intent, which names its run after them. Raises ValueError."""
    cut = tail.rindex(b'"seq":')
    at = entry.rindex(tail[:cut])
    run = entry[at + cut : cut - len(tail)]
    if (
        not entry.endswith(tail[cut:])
        or run[:7] != b'"run":"'
        or run[-2:] != b'",'
        or not run[7:-2].isalnum()
    ):
        raise ValueError("this names no run")
    return entry[:at]
