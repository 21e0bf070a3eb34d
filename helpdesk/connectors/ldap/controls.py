"""Controls that ldap3 does not know: the password policy's answer, and the assertion that guards a write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105  an object identifier
ASSERTION = "1.3.6.1.1.12"

Control: TypeAlias = tuple[str, bool, bytes | None]

PASSWORD_POLICY_REQUEST: Control = (PASSWORD_POLICY, False, None)

_ERRORS = (
    "expired",
    "locked",
    "change-after-reset",
    "no-change-allowed",
    "must-supply-old",
    "bad-quality",
    "too-short",
    "too-young",
    "in-history",
    "too-long",
)


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What the password policy said beside the result code (draft-behera-ldap-password-policy).

    Attributes:
        error: one of the words above, or "".
        expires_in: seconds until the password expires, when the server warns.
        grace_left: sign-ins left with a password that has expired.
    """

    error: str = ""
    expires_in: int | None = None
    grace_left: int | None = None


def policy_answer(result: Mapping[str, Any]) -> PolicyAnswer:
    """The password policy control of an ldap3 result; empty when there is none or it is malformed."""
    found = (result.get("controls") or {}).get(PASSWORD_POLICY) or {}
    value = found.get("value")
    return decoded_policy(value if isinstance(value, bytes) else b"")


def decoded_policy(value: bytes) -> PolicyAnswer:
    """Decode ``SEQUENCE { warning [0] CHOICE { [0] seconds, [1] count } OPTIONAL, error [1] ENUM OPTIONAL }``."""
    error, expires_in, grace_left = "", None, None
    try:
        for tag, content in _elements(_sequence(value)):
            if tag == 0xA0:
                for choice, number in _elements(content):
                    if choice == 0x80:
                        expires_in = int.from_bytes(number, "big")
                    elif choice == 0x81:
                        grace_left = int.from_bytes(number, "big")
            elif tag == 0x81:
                code = int.from_bytes(content, "big")
                error = _ERRORS[code] if code < len(_ERRORS) else ""
    except (IndexError, ValueError):
        return PolicyAnswer()
    return PolicyAnswer(error, expires_in, grace_left)


def assertion(attribute: str, value: bytes) -> Control:
    """RFC 4528: do this only while ``(attribute=value)`` holds; critical, so it is never ignored."""
    equality = _tlv(0x04, attribute.encode()) + _tlv(0x04, value)
    return (ASSERTION, True, _tlv(0xA3, equality))


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _sequence(value: bytes) -> bytes:
    if not value:
        return b""
    (tag, content), *rest = _elements(value)
    if tag != 0x30 or rest:
        raise ValueError("not one sequence")
    return content


def _elements(value: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(value):
        tag, length = value[position], value[position + 1]
        position += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(value[position : position + size], "big")
            position += size
        content = value[position : position + length]
        if len(content) != length:
            raise ValueError("cut short")
        yield tag, content
        position += length
