"""The requests that are sent again and again, as bytes: bind, search, modify and extended (RFC 4511).

ldap3 writes the same bytes from a tree of objects, which takes longer than the server takes to answer. Tests hold
every request to ldap3's own bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from helpdesk.connectors.ldap.ber import OCTETS, SEQUENCE, tlv

Operation: TypeAlias = Literal["MODIFY_ADD", "MODIFY_DELETE", "MODIFY_REPLACE"]
Changes: TypeAlias = Mapping[str, Sequence[tuple[Operation, Sequence[str | bytes]]]]
Scope: TypeAlias = Literal["BASE", "LEVEL", "SUBTREE"]

BIND, SEARCH, MODIFY, ADD, EXTENDED = 0x60, 0x63, 0x66, 0x68, 0x77
_SET, _INTEGER, _ENUMERATED, _BOOLEAN = 0x31, 0x02, 0x0A, 0x01
_AND, _OR, _NOT, _EQUAL, _PARTS, _PRESENT, _EXTENSIBLE = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0x87, 0xA9
_SCOPES = {"BASE": 0, "LEVEL": 1, "SUBTREE": 2}
_OPERATIONS = {"MODIFY_ADD": 0, "MODIFY_DELETE": 1, "MODIFY_REPLACE": 2}
_LAST = 2**31 - 1
_ITEM = re.compile(r"\(([A-Za-z0-9.-]+)(?::([0-9.]+):)?=([^()]*)\)")
_BYTE = re.compile(rb"\\([0-9A-Fa-f]{2})")


def bind(dn: str, password: str) -> bytes:
    """A simple bind of version 3."""
    return tlv(BIND, _integer(3) + _text(dn) + tlv(0x80, password.encode("utf-8", "surrogatepass")))


@lru_cache(64)
def _attributes(names: tuple[str, ...]) -> bytes:
    return tlv(SEQUENCE, b"".join(map(_text, names)))


def search(
    base: str, scope: Scope, filter: str, attributes: Sequence[str], limit: int, seconds: int
) -> bytes:
    """A search that dereferences no alias. Raises ValueError: the filter is none of ours."""
    return tlv(
        SEARCH,
        _text(base)
        + tlv(_ENUMERATED, bytes([_SCOPES[scope]]))
        + tlv(_ENUMERATED, b"\0")
        + _integer(limit)
        + _integer(seconds)
        + tlv(_BOOLEAN, b"\0")
        + _whole(filter)
        + _attributes(tuple(attributes)),
    )


def modify(dn: str, changes: Changes) -> bytes:
    listed = b"".join(
        tlv(
            SEQUENCE,
            tlv(_ENUMERATED, bytes([_OPERATIONS[operation]]))
            + tlv(SEQUENCE, _text(attribute) + tlv(_SET, b"".join(map(_text, values)))),
        )
        for attribute, wanted in changes.items()
        for operation, values in wanted
    )
    return tlv(MODIFY, _text(dn) + tlv(SEQUENCE, listed))


def add(dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> bytes:
    listed = b"".join(
        tlv(SEQUENCE, _text(attribute) + tlv(_SET, b"".join(map(_text, values))))
        for attribute, values in attributes.items()
    )
    return tlv(ADD, _text(dn) + tlv(SEQUENCE, listed))


def extended(oid: str, value: bytes | None) -> bytes:
    return tlv(EXTENDED, tlv(0x80, oid.encode("ascii")) + (b"" if value is None else tlv(0x81, value)))


def message(serial: int, operation: bytes, controls: Sequence[tuple[str, bool, bytes | None]]) -> bytes:
    """One LDAP message. Raises ValueError: no message has such a number."""
    if not 0 <= serial <= _LAST:
        raise ValueError("the request cannot be written: no message has such a number") from None
    listed = b"".join(
        tlv(
            SEQUENCE,
            _text(oid)
            + (tlv(_BOOLEAN, b"\xff") if critical else b"")
            + (b"" if value is None else tlv(OCTETS, value)),
        )
        for oid, critical, value in controls
    )
    return tlv(SEQUENCE, _integer(serial) + operation + (tlv(0xA0, listed) if controls else b""))


# ── filters ───────────────────────────────────────────────────────────────────────────────────


def _whole(filter: str) -> bytes:
    written, end = _filter(filter, 0)
    if end != len(filter):
        raise ValueError("the filter goes on after its end")
    return written


def _filter(text: str, position: int) -> tuple[bytes, int]:
    """The filter that begins here, and where it ends."""
    sign = text[position + 1 : position + 2]
    if text[position : position + 1] == "(" and sign in {"&", "|", "!"}:
        parts, position = [], position + 2
        while text[position : position + 1] == "(":
            part, position = _filter(text, position)
            parts.append(part)
        if text[position : position + 1] != ")" or not parts or (sign == "!" and len(parts) != 1):
            raise ValueError("the filter is not closed")
        return tlv({"&": _AND, "|": _OR, "!": _NOT}[sign], b"".join(parts)), position + 1
    found = _ITEM.match(text, position)
    if found is None:
        raise ValueError("that is no filter")
    return _item(*found.groups()), found.end()


@lru_cache(256)
def _item(attribute: str, rule: str | None, value: str) -> bytes:
    if rule:
        parts = tlv(0x81, rule.encode()) + tlv(0x82, attribute.encode()) + tlv(0x83, _unescaped(value))
        return tlv(_EXTENSIBLE, parts)
    if value == "*":
        return tlv(_PRESENT, attribute.encode())
    if "*" not in value:
        return tlv(_EQUAL, _text(attribute) + tlv(OCTETS, _unescaped(value)))
    first, *between, last = value.split("*")
    pieces = [(0x80, first), *((0x81, piece) for piece in between), (0x82, last)]
    written = b"".join(tlv(tag, _unescaped(piece)) for tag, piece in pieces if piece)
    return tlv(_PARTS, _text(attribute) + tlv(SEQUENCE, written))


def _unescaped(value: str) -> bytes:
    return _BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), value.encode("utf-8", "surrogatepass"))


# ── values ────────────────────────────────────────────────────────────────────────────────────


def _text(value: str | bytes) -> bytes:
    return tlv(OCTETS, value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)


def _integer(value: int) -> bytes:
    return tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))
