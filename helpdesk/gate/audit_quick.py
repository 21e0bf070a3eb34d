"""Whether an entry is as it must be, the short way: it is put together again from its columns, and compared.

All that an entry's bytes say beside its body stands in columns too, and its personal values yield the commitments.
So the bytes must end in a text that is known, and nothing of it has to be parsed. Where they do not, or a value was
erased, that says nothing yet: then the entry is looked at the long way, which can tell what is wrong.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from hmac import digest
from json.encoder import encode_basestring as quoted

from helpdesk.gate.audit_chain import FORM, about, committing

ENTRIES = """SELECT seq, prev, hash, CAST(time AS BLOB), CAST(kind AS BLOB), about, CAST(entry AS BLOB)
  FROM entries NOT INDEXED WHERE seq > ? ORDER BY seq"""
"""As bytes: what is no text any more can be read as well, and nothing is decoded only to be hashed."""
_PERSONAL = """SELECT seq, CAST(name AS BLOB), salt, CAST(value AS BLOB)
  FROM personal WHERE seq > ? ORDER BY seq, name"""
_NO_MORE = (2**63, b"", None, None)
_BEFORE_KIND = f'"form":{quoted(FORM)},"kind":'
_DIGITS = b"0123456789"

Raw = tuple[int, bytes, bytes, bytes, bytes, int | None, bytes]


class Quick:
    """One pass over entries in their order, with their personal values beside them.

    Args:
        database: with the personal values. after: the number of the entry before the first one.
    """

    def __init__(self, database: sqlite3.Connection, after: int) -> None:
        self._values: Iterator[tuple[int, bytes, bytes | None, bytes | None]]
        self._values = database.execute(_PERSONAL, (after,))
        self._next: tuple[int, bytes, bytes | None, bytes | None] = next(self._values, _NO_MORE)
        self._names: dict[bytes, tuple[str, str]] = {}
        self._kinds: dict[bytes, bytes] = {}

    def fits(self, row: Raw, leaf: bytes, seq: int, prev: bytes) -> bool:
        """Whether an entry is beyond doubt as it was logged; False when it must be looked at the long way.

        Args:
            leaf: the hash of its bytes. seq, prev: its number, and the hash that it must name.
        """
        try:
            committed = self._committed(seq)
            if committed is None or (row[0], row[1], row[2]) != (seq, prev, leaf):
                return False
            return self._as_told(row, f',"personal":{{{committed}}},"prev":"{prev.hex()}",')
        except (ValueError, TypeError, AttributeError):  # no text, no JSON, or nothing at all
            return False

    def _committed(self, seq: int) -> str | None:
        """The commitments of an entry as they must stand in it; ``None`` where a value was erased."""
        found, whole, values, names = [], True, self._values, self._names
        at, name, salt, value = self._next
        while at <= seq:
            if at == seq and salt is not None and value is not None:
                start, message = names.get(name) or self._name(name)
                told = f"{message}{quoted(value.decode())}]".encode()
                found.append(f'{start}{digest(salt, told, "sha256").hex()}"')
            else:
                whole = False
            at, name, salt, value = next(values, _NO_MORE)
        self._next = (at, name, salt, value)
        return ",".join(found) if whole else None

    def _name(self, name: bytes) -> tuple[str, str]:
        text = name.decode()
        found = self._names[name] = (f'{quoted(text)}:"', committing(text))
        return found

    def _as_told(self, row: Raw, middle: str) -> bool:
        seq, _, _, when, kind, ends, entry = row
        last = f'"seq":{seq},"time":"'.encode() + when + b'"}'
        before = middle.encode()
        at = len(entry) - len(last) - len(before)
        if not (entry.endswith(last) and entry.startswith(before, at)):
            at = entry.rfind(before)  # an intent names its run in between
            run = entry[at + len(before) : -len(last)]
            if at < 0 or not (entry.endswith(last) and run.startswith(b'"run":"') and _is_name(run[7:-2])):
                return False
            if run[-2:] != b'",':
                return False
        opening = entry[:at].rstrip(_DIGITS)
        told = self._kinds.get(kind) or self._kind(kind)
        if len(opening) == at or not (opening.endswith(told) and opening.startswith(b'{"body":{')):
            return False
        body = opening[8 : -len(told)].removesuffix(b',"clock":"behind",')
        body = json.loads(body.removesuffix(b",").decode())
        return type(body) is dict and (about(kind.decode(), body) == ends)

    def _kind(self, kind: bytes) -> bytes:
        found = self._kinds[kind] = f'{_BEFORE_KIND}{quoted(kind.decode())},"monotonic":'.encode()
        return found


def _is_name(run: bytes) -> bool:
    return run.isalnum()
