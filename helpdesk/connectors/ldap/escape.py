"""The only place where filters (RFC 4515) and DNs (RFC 4514) are put together (D5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+")
_RULE = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_WRITTEN = [chr(octet) if bytes([octet]).isalnum() else f"\\{octet:02x}" for octet in range(256)]
_ESCAPED_IN_DN = frozenset(',+"\\<>;=')


class NotADn(ValueError):
    """The text is no distinguished name."""


# ── filters ───────────────────────────────────────────────────────────────────────────────────


def filter_equal(attribute: str, value: str | bytes, *, rule: str = "") -> str:
    """``(attribute=value)``, or with a matching rule ``(attribute:rule:=value)``."""
    if rule and not _RULE.fullmatch(rule):
        raise ValueError(f"not a matching rule: {rule!r}")
    return f"({_described(attribute)}{f':{rule}:' if rule else ''}={_value(value)})"


def filter_contains(attribute: str, value: str) -> str:
    """``(attribute=*value*)``; ``value`` must not be empty."""
    if not value:
        raise ValueError("nothing to look for")
    return f"({_described(attribute)}=*{_value(value)}*)"


def filter_present(attribute: str) -> str:
    return f"({_described(attribute)}=*)"


def filter_and(parts: Iterable[str]) -> str:
    return _joined("&", parts)


def filter_or(parts: Iterable[str]) -> str:
    return _joined("|", parts)


def filter_not(part: str) -> str:
    return f"(!{part})"


def _joined(sign: str, parts: Iterable[str]) -> str:
    listed = list(parts)
    if not listed:
        raise ValueError("an empty filter would match everything or nothing")
    return listed[0] if len(listed) == 1 else f"({sign}{''.join(listed)})"


def _described(attribute: str) -> str:
    if not _ATTRIBUTE.fullmatch(attribute):
        raise ValueError(f"not an attribute name: {attribute!r}")
    return attribute


def _value(value: str | bytes) -> str:
    """Letters and digits stand for themselves; every other byte is ``\\xx``, which no parser can misread."""
    octets = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return octets.decode("ascii") if octets.isalnum() else "".join(map(_WRITTEN.__getitem__, octets))


# ── DNs ───────────────────────────────────────────────────────────────────────────────────────


def rdn_value(value: str) -> str:
    """An attribute value as it is written inside a DN (RFC 4514, section 2.4)."""
    written = []
    for position, character in enumerate(value):
        edge = position in {0, len(value) - 1}
        if character in _ESCAPED_IN_DN or (edge and character == " ") or (position == 0 and character == "#"):
            written.append("\\" + character)
        elif unicodedata.category(character)[0] == "C":
            written.extend(f"\\{octet:02X}" for octet in character.encode("utf-8", "surrogatepass"))
        else:
            written.append(character)
    return "".join(written)


def filled(template: str, login: str) -> str:
    """The DN that a template such as ``uid={login},ou=people`` makes of a login name."""
    return template.replace("{login}", rdn_value(login))


@lru_cache(1024)
def parsed(dn: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """A DN as RDNs of (attribute in lower case, value), escapes resolved.

    Raises:
        NotADn: it is not one.
    """
    return tuple(tuple(_pair(part) for part in _split(rdn, "+")) for rdn in _split(dn, ",") if dn.strip())


def looks_like_dn(text: str) -> bool:
    try:
        return bool(parsed(text))
    except NotADn:
        return False


def same_dn(one: str, other: str) -> bool:
    """Whether two spellings name one entry: case, spaces and the manner of escaping do not count.

    Raises:
        NotADn: one of them is none.
    """
    return folded(one) == folded(other)


def alike(one: str, other: str) -> bool:
    """The same, also of what is no DN."""
    try:
        return same_dn(one, other)
    except NotADn:
        return one.lower() == other.lower()


@lru_cache(1024)
def folded(dn: str) -> tuple[frozenset[tuple[str, str]], ...]:
    """A form of a DN that is equal for equal DNs, for attributes compared without regard to case."""
    return tuple(
        frozenset(
            (attribute, " ".join(unicodedata.normalize("NFKC", value).casefold().split()))
            for attribute, value in rdn
        )
        for rdn in parsed(dn)
    )


def is_below(dn: str, base: str) -> bool:
    inner, outer = folded(dn), folded(base)
    return len(inner) > len(outer) and inner[len(inner) - len(outer) :] == outer


def first_value(dn: str) -> str:
    """The value that names the entry: ``ana`` of ``uid=ana,ou=people``."""
    rdns = parsed(dn)
    return rdns[0][0][1] if rdns else ""


def domain_of(dn: str) -> str:
    """``corp.test`` of ``ou=people,dc=corp,dc=test``."""
    return ".".join(value for rdn in parsed(dn) for attribute, value in rdn if attribute == "dc")


def _split(text: str, separator: str) -> Sequence[str]:
    parts, current, escaped = [], "", False
    for character in text:
        if escaped:
            current, escaped = current + "\\" + character, False
        elif character == "\\":
            escaped = True
        elif character == separator:
            parts.append(current)
            current = ""
        else:
            current += character
    if escaped:
        raise NotADn(text)
    return [*parts, current]


def _pair(text: str) -> tuple[str, str]:
    attribute, equals, value = text.partition("=")
    attribute = attribute.strip()
    if not equals or not _ATTRIBUTE.fullmatch(attribute):
        raise NotADn(text)
    return attribute.lower(), _unescaped(value)


def _unescaped(value: str) -> str:
    """Resolve ``\\,`` and ``\\2C``; drop unescaped spaces at the edges."""
    value = value.lstrip(" ")
    octets = bytearray()
    kept = 0
    position = 0
    while position < len(value):
        character = value[position]
        if character != "\\":
            octets += character.encode("utf-8", "surrogatepass")
            position += 1
            if character != " ":
                kept = len(octets)
            continue
        pair = value[position + 1 : position + 3]
        if re.fullmatch(r"[0-9A-Fa-f]{2}", pair):
            octets.append(int(pair, 16))
            position += 3
        else:
            octets += value[position + 1 : position + 2].encode("utf-8", "surrogatepass")
            position += 2
        kept = len(octets)
    return bytes(octets[:kept]).decode("utf-8", "replace")
