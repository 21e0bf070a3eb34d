"""What an entry of the log is: canonical bytes that name the entry before, and personal values beside them.

The bytes of entry *n* hold the hash of entry *n - 1*; their own hash is the leaf of the RFC 6962 tree as
well, whose leading zero byte keeps it apart from every other hash here. Order is the sequence number alone:
the UTC time says what the clock said, and an entry is marked where the clock had gone backwards (R5).

A personal value (a name, the arguments, a message) is not in the bytes, only a commitment to it: an HMAC
under a random salt of its own. When value and salt are erased, nobody can guess them from what stays, and
the chain still holds.
"""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple

from helpdesk.canonical import encoded
from helpdesk.gate.merkle import leaf_hash

FORM = "helpdesk.entry/1"
_FORM = f'"form":{quoted(FORM)},'
GENESIS = bytes(32)
"""What the first entry names as the hash of the entry before it."""
SALT = 32
_SIMPLE = frozenset({str, int, bool, type(None)})
_PERSONAL = "helpdesk personal value v1\n"
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_PAD, _OUTER_PAD = (bytes([pad]) * (64 - SALT) for pad in (0x36, 0x5C))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        seq: counts from 1 without gaps; this is the order.
        time: what the clock said, UTC.
        body: what stays for ever. personal: what can be erased; ``None`` where it was.
        hash: of the entry's bytes, in hexadecimal.
        behind: the clock was behind the entry before.
        run: which run of an action this intent belongs to, or "".
    """

    seq: int
    time: datetime
    kind: str
    body: Mapping[str, Any]
    personal: Mapping[str, str | int | None]
    hash: str
    behind: bool = False
    run: str = ""


class Head(NamedTuple):
    """The last entry: what the next one is chained to."""

    seq: int = 0
    hash: bytes = GENESIS
    time: str = ""


class Sealed(NamedTuple):
    """An entry ready to be stored.

    Attributes:
        text: its canonical form. personal: name, salt and canonical value of what stands beside it.
    """

    seq: int
    prev: bytes
    hash: bytes
    time: str
    kind: str
    about: int | None
    text: str
    personal: tuple[tuple[str, bytes, str], ...]


class Draft(NamedTuple):
    """An entry without its place: all that can be made before the log's lock is held.

    Attributes:
        parts: its canonical form, in pieces; between them belong the clock's mark and time, the hash of the entry
            before, the number and the time.
    """

    kind: str
    about: int | None
    parts: tuple[str, str, str, str]
    personal: tuple[tuple[str, bytes, str], ...]

    def sealed(self, head: Head, now: datetime) -> Sealed:
        """The entry as the next one after a head. Raises ValueError: the clock gives no time zone."""
        if now.tzinfo is None:
            raise ValueError("the log's clock must give a time zone")
        when = now.astimezone(UTC).isoformat(timespec="microseconds")
        body, kind, personal, run = self.parts
        clock = '"clock":"behind",' if when < head.time else ""
        monotonic, seq = time.monotonic_ns() // 1_000_000, head.seq + 1
        text = f'{body}{clock}{kind}{monotonic}{personal}"prev":"{head.hash.hex()}",{run}"seq":{seq},"time":"{when}"}}'
        leaf = leaf_hash(text.encode())
        return Sealed(seq, head.hash, leaf, when, self.kind, self.about, text, self.personal)


def drafted(kind: str, body: Mapping[str, Any], personal: Mapping[str, str | int], run: str = "") -> Draft:
    """What an entry will say, wherever in the log it comes to stand.

    Raises:
        TypeError: a value is no plain JSON value, or a float.
    """
    salts, start = os.urandom(SALT * len(personal)), 0
    values: list[tuple[str, bytes, str]] = []
    committed: list[str] = []
    for key in sorted(personal):
        name = key if key.isascii() else _plain(key)
        value, salt = _text(personal[key]), salts[start : start + SALT]
        values.append((name, salt, value))
        committed.append(committing(*opening(name), salt, value.encode()))
        start += SALT
    parts = (
        f'{{"body":{_text(body)},',
        f'{_FORM}"kind":{_text(kind)},"monotonic":',
        f',"personal":{{{",".join(committed)}}},',
        f'"run":{quoted(run)},' if run else "",
    )
    return Draft(kind, about(kind, body), parts, tuple(values))


def seal(
    head: Head,
    now: datetime,
    kind: str,
    body: Mapping[str, Any],
    personal: Mapping[str, str | int],
    run: str = "",
) -> Sealed:
    """The next entry after a head.

    Raises:
        TypeError: a value is no plain JSON value, or a float. ValueError: the clock gives no time zone.
    """
    return drafted(kind, body, personal, run).sealed(head, now)


def commitment(name: str, salt: bytes, value: str) -> str:
    """What the chain holds of a personal value; the value in canonical form, so that 1 is not "1" (A5)."""
    return hmac.digest(salt, f"{_PERSONAL}[{quoted(name)},{quoted(value)}]".encode(), "sha256").hex()


@lru_cache(maxsize=256)
def opening(name: str) -> tuple[str, bytes]:
    """How a commitment begins in an entry; and what is hashed between its salt and the value's first letter."""
    return f'{quoted(name)}:"', _INNER_PAD + f'{_PERSONAL}[{quoted(name)},"'.encode()


def committing(key: str, begun: bytes, salt: bytes, value: bytes) -> str:
    """A name and :func:`commitment` as they stand in an entry, the quick way.

    HMAC-SHA-256 as RFC 2104 spells it out, since OpenSSL's takes twice as long for so few bytes; and the value quoted
    as JSON without a look for control characters, of which a canonical value has none.

    Args:
        key, begun: of its name's :func:`opening`. salt: of :data:`SALT` bytes. value: in canonical form.
    """
    told = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    within = sha256(salt.translate(_INNER) + begun + told + b'"]').digest()
    return f'{key}{sha256(salt.translate(_OUTER) + _OUTER_PAD + within).hexdigest()}"'


def about(kind: str, body: Mapping[str, Any]) -> int | None:
    """The intent that an outcome ends."""
    intent = body.get("intent") if kind == "outcome" else None
    return intent if isinstance(intent, int) else None


def read(text: str, hash: bytes, personal: Mapping[str, str | None]) -> Entry:
    """An entry from what is stored. Raises ValueError, KeyError, TypeError when it cannot be one."""
    document = json.loads(text)
    return Entry(
        seq=document["seq"],
        time=datetime.fromisoformat(document["time"]),
        kind=document["kind"],
        body=document["body"],
        personal={name: None if value is None else _told(value) for name, value in personal.items()},
        hash=hash.hex(),
        behind="clock" in document,
        run=document.get("run", ""),
    )


def _told(text: str) -> Any:
    """A value from its canonical form; most are plain texts, which need no parsing. Raises ValueError."""
    inner = text[1:-1]
    plain = '"' not in inner and "\\" not in inner and inner.isprintable()
    return inner if plain and len(text) > 1 and text[0] == text[-1] == '"' else json.loads(text)


def _text(value: Any) -> str:
    """The canonical form of a value; most are ASCII and flat, and need not be looked through one by one."""
    if type(value) is str and value.isascii():
        return quoted(value)
    if type(value) is dict and _SIMPLE.issuperset(map(type, value.values())):
        text = encoded(value)
        if text.isascii():
            return text
    return encoded(_plain(value))


def _plain(value: Any) -> Any:
    """Bytes that were no text (lone surrogates) become text that shows them, so that they can be logged.

    Raises:
        TypeError: it is a float, or holds one.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        raise TypeError("a canonical document holds no floats")
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
