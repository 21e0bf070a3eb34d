"""As much of BER as LDAP's answers and controls need: definite lengths, one-byte tags."""

from __future__ import annotations

SEQUENCE = 0x30
OCTETS = 0x04


class Malformed(ValueError):
    """The bytes are not what they should be."""


def tlv(tag: int, content: bytes) -> bytes:
    """One element: tag, length, content."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def elements(value: bytes) -> list[tuple[int, bytes]]:
    """The (tag, content) pairs that stand side by side in ``value``.

    Raises:
        Malformed: it is cut short, or uses a form that LDAP does not allow.
    """
    found: list[tuple[int, bytes]] = []
    position, end = 0, len(value)
    while position < end:
        start = position + 2
        if start <= end and (length := value[position + 1]) < 0x80:
            pass  # nearly all of them are as short as that
        else:
            start, length = header(value, position)
        tag, position = value[position], start + length
        if position > end:
            raise Malformed("cut short")
        found.append((tag, value[start:position]))
    return found


def header(value: bytes | bytearray, position: int = 0) -> tuple[int, int]:
    """Where the content of the element at ``position`` starts, and its length.

    Raises:
        Malformed: the header is cut short, or its length is indefinite or absurd.
    """
    if len(value) < position + 2:
        raise Malformed("cut short")
    length = value[position + 1]
    start = position + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            raise Malformed("a length that LDAP does not allow")
        if len(value) < start + size:
            raise Malformed("cut short")
        length = int.from_bytes(value[start : start + size], "big")
        start += size
    return start, length


def only(value: bytes, tag: int = SEQUENCE) -> bytes:
    """The content of the one element that ``value`` is."""
    found = elements(value)
    if len(found) != 1 or found[0][0] != tag:
        raise Malformed("not one element of the expected kind")
    return found[0][1]


def number(content: bytes) -> int:
    return int.from_bytes(content, "big", signed=True)
