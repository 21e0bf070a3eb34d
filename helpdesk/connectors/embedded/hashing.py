"""Passwords as scrypt hashes; each one carries the cost it was made with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass

from helpdesk.secrets import Secret

_SALT_BYTES = 16
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess costs: ``n`` (a power of two), ``r`` and ``p`` of RFC 7914; memory is 128·n·r bytes."""

    n: int = 2**15
    r: int = 8
    p: int = 3

    def __str__(self) -> str:
        return f"{self.n}.{self.r}.{self.p}"


def hashed(password: Secret, cost: Cost) -> str:
    """``scrypt$N.r.p$salt$hash`` with a new salt."""
    salt = os.urandom(_SALT_BYTES)
    return f"scrypt${cost}${_text(salt)}${_text(_scrypt(password, salt, cost))}"


def matches(password: Secret, stored: str) -> bool:
    _, _, salt, wanted = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), cost_of(stored))
    return hmac.compare_digest(found, base64.b64decode(wanted))


def matches_nobody(password: Secret, cost: Cost) -> bool:
    """False, after the time that a comparison takes: an unknown name looks like a wrong password (I6)."""
    _scrypt(password, b"\0" * _SALT_BYTES, cost)
    return False


def cost_of(stored: str) -> Cost:
    n, r, p = stored.split("$")[1].split(".")
    return Cost(int(n), int(r), int(p))


def _scrypt(password: Secret, salt: bytes, cost: Cost) -> bytes:
    octets = password.expose().encode("utf-8", "surrogatepass")
    room = 128 * cost.r * (cost.n + cost.p + 2)  # what OpenSSL needs; its own limit is lower
    return hashlib.scrypt(octets, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=2 * room, dklen=_HASH_BYTES)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
