"""Controls that ldap3 does not know: the password policy's answer, and the assertion that guards a write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from helpdesk.connectors.ldap.ber import OCTETS, SEQUENCE, Malformed, elements, only, tlv

PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105  an object identifier
ASSERTION = "1.3.6.1.1.12"
PAGES = "1.2.840.113556.1.4.319"

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


def decoded_policy(value: bytes) -> PolicyAnswer:
    """Decode ``SEQUENCE { warning [0] CHOICE { [0] seconds, [1] count } OPTIONAL, error [1] ENUM OPTIONAL }``."""
    error, expires_in, grace_left = "", None, None
    try:
        for tag, content in elements(only(value) if value else b""):
            if tag == 0xA0:
                for choice, number in elements(content):
                    if choice == 0x80:
                        expires_in = int.from_bytes(number, "big")
                    elif choice == 0x81:
                        grace_left = int.from_bytes(number, "big")
            elif tag == 0x81:
                code = int.from_bytes(content, "big")
                error = _ERRORS[code] if code < len(_ERRORS) else ""
    except Malformed:
        return PolicyAnswer()
    return PolicyAnswer(error, expires_in, grace_left)


def assertion(attribute: str, value: bytes) -> Control:
    """RFC 4528: do this only while ``(attribute=value)`` holds; critical, so it is never ignored."""
    equality = tlv(OCTETS, attribute.encode()) + tlv(OCTETS, value)
    return (ASSERTION, True, tlv(0xA3, equality))


def page(size: int, cookie: bytes = b"") -> Control:
    """RFC 2696: give me the next ``size`` entries of this search."""
    count = size.to_bytes(size.bit_length() // 8 + 1, "big")
    return (PAGES, False, tlv(SEQUENCE, tlv(0x02, count) + tlv(OCTETS, cookie)))


def next_page(value: bytes) -> bytes:
    """The cookie that asks for the following page; empty after the last one."""
    try:
        (_, _), (tag, cookie) = elements(only(value))
    except ValueError:
        return b""
    return cookie if tag == OCTETS else b""
