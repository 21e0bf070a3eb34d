"""LDAP messages: requests as bytes, and what came back, taken apart.

ldap3's ``Connection`` is left aside on purpose: it keeps the last request, password included, writes new
passwords into its debug log, follows referrals, and reports an anonymous bind as a success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from helpdesk.connectors.ldap import requests
from helpdesk.connectors.ldap.ber import OCTETS, SEQUENCE, Malformed, elements, number, only
from helpdesk.connectors.ldap.controls import (
    PAGES,
    PASSWORD_POLICY,
    Control,
    PolicyAnswer,
    decoded_policy,
    next_page,
)
from helpdesk.connectors.ldap.requests import Changes, Operation, Scope

__all__ = ["Changes", "Operation", "Scope"]

_SILENT = PolicyAnswer()
ENTRY, DONE, REFERENCE = 0x64, 0x65, 0x73
BOUND, MODIFIED, ADDED, EXTENDED, INTERMEDIATE = 0x61, 0x67, 0x69, 0x78, 0x79


@dataclass(frozen=True)
class Entry:
    """One entry; attribute names in lower case, values as they came."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def values(self, name: str) -> tuple[bytes, ...]:
        return self.attributes.get(name.lower(), ())

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value.decode("utf-8", "replace") for value in self.values(name))

    def text(self, name: str) -> str:
        """The first value, or nothing."""
        found = self.attributes.get(name.lower())
        return found[0].decode("utf-8", "replace") if found else ""


@dataclass(frozen=True)
class Answer:
    """The server's last word on one operation.

    Attributes:
        code: the LDAP result code; 0 is success.
        message: the server's own diagnostic words, untrusted.
        value: what an extended operation returned.
        cookie: where the next page begins.
    """

    code: int
    message: str = ""
    policy: PolicyAnswer = _SILENT
    value: bytes = b""
    cookie: bytes = b""

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class Received:
    """One message: ``kind`` is its tag, ``content`` what is inside it."""

    serial: int
    kind: int
    content: bytes = field(repr=False)
    controls: Mapping[str, bytes] = field(default_factory=dict, repr=False)


# ── requests ──────────────────────────────────────────────────────────────────────────────────


def bind_request(dn: str, password: str) -> bytes:
    """A simple bind. The password goes as typed, in UTF-8, as other clients send it."""
    return requests.bind(dn, password)


def search_request(
    base: str, scope: Scope, filter: str, attributes: Sequence[str], limit: int, seconds: int
) -> bytes:
    return requests.search(base, scope, filter, attributes, limit, seconds)


def modify_request(dn: str, changes: Changes) -> bytes:
    return requests.modify(dn, changes)


def add_request(dn: str, attributes: Mapping[str, Sequence[str | bytes]]) -> bytes:
    return requests.add(dn, attributes)


def extended_request(oid: str, value: bytes | None = None) -> bytes:
    return requests.extended(oid, value)


def unbind_request() -> bytes:
    return b"\x42\0"


def encoded(serial: int, operation: bytes, controls: Sequence[Control] = ()) -> bytes:
    """The bytes of one request. Raises ValueError: no message has such a number."""
    return requests.message(serial, operation, controls)


# ── answers ───────────────────────────────────────────────────────────────────────────────────


def received(message: bytes) -> Received:
    """Raises Malformed."""
    (tag, serial), (kind, content), *rest = [*elements(only(message)), (0, b""), (0, b"")]
    if tag != 0x02 or not kind:
        raise Malformed("no LDAP message")
    controls: dict[str, bytes] = {}
    for what, listed in rest:
        if what == 0xA0:
            for _, control in elements(listed):
                octets = [part for kind_, part in elements(control) if kind_ == OCTETS]
                controls[octets[0].decode("ascii", "replace") if octets else ""] = b"".join(octets[1:2])
    return Received(number(serial), kind, content, controls)


def answer(message: Received) -> Answer:
    """A result, of whatever operation. Raises Malformed."""
    parts = elements(message.content)
    if len(parts) < 3 or parts[0][0] != 0x0A:
        raise Malformed("no LDAP result")
    return Answer(
        code=number(parts[0][1]),
        message=parts[2][1].decode("utf-8", "replace"),
        policy=decoded_policy(message.controls.get(PASSWORD_POLICY, b"")),
        value=next((content for tag, content in parts[3:] if tag == 0x8B), b""),
        cookie=next_page(message.controls[PAGES]) if PAGES in message.controls else b"",
    )


def entry(message: Received) -> Entry:
    """An entry that a search found. Raises Malformed."""
    parts = elements(message.content)
    if len(parts) != 2 or parts[1][0] != SEQUENCE:
        raise Malformed("no LDAP entry")
    attributes: dict[str, tuple[bytes, ...]] = {}
    for _, attribute in elements(parts[1][1]):
        pair = elements(attribute)
        if len(pair) != 2:
            raise Malformed("no LDAP attribute")
        name = pair[0][1].decode("ascii", "replace").lower()
        attributes[name] = tuple([value for _, value in elements(pair[1][1])])
    return Entry(parts[0][1].decode("utf-8", "replace"), attributes)
