"""Seals of several hosts: what this host signs names its key, and what a listed host signed is believed.

Whoever can write to a store that hosts share can put anything into it; what they put there is opened only with the
seal of a host that this one trusts (V1). A seal is 8 bytes that name the key and the 64 of its signature; one of 64
bytes alone was made before hosts shared anything, and can only be this host's own.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

from helpdesk.canonical import canonical
from helpdesk.errors import ConfigError, Refused
from helpdesk.gate.keys import HostKey, PublicKey

_NAME, _SIGNATURE = 8, 64


def key_id(raw: bytes) -> str:
    """A stable short name of a public key, 16 hexadecimal digits: the end of the host's own name."""
    return hashlib.sha256(raw).hexdigest()[: 2 * _NAME]


class Seals:
    """Implements :class:`helpdesk.gate.sealed.Signer` for documents that several hosts write and open.

    Args:
        own: this host's key, always trusted. trusted: the keys of the other hosts that are.
    """

    def __init__(self, own: HostKey, trusted: Iterable[PublicKey] = ()) -> None:
        self._own = own
        self._known = {key_id(key.raw): key for key in (*trusted, own.public)}

    @classmethod
    def of(cls, own: HostKey, lines: Iterable[str]) -> Seals:
        """With the keys of ``[worker] trusted_hosts``. Raises ConfigError when one of them is none."""
        keys = []
        for line in lines:
            try:
                keys.append(PublicKey.parse(line))
            except ValueError as error:
                raise ConfigError(
                    f"[worker] trusted_hosts holds no host's key: {error}.",
                    hint="On the other host, helpdesk worker key prints the line to put there.",
                ) from error
        return cls(own, keys)

    @property
    def host(self) -> str:
        """The id of this host's key."""
        return key_id(self._own.public.raw)

    @property
    def line(self) -> str:
        """This host's public key, as other hosts list it in ``[worker] trusted_hosts``."""
        return self._own.public.line.strip()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The ids of all keys that are believed."""
        return tuple(self._known)

    def sign(self, message: bytes, /) -> bytes:
        return bytes.fromhex(self.host) + self._own.sign(message)

    def verify(self, message: bytes, seal: bytes, /) -> bool:
        key = self._known.get(self.sealed_by(seal))
        return key is not None and key.verify(message, seal[-_SIGNATURE:])

    def sealed_by(self, seal: bytes) -> str:
        """The id of the key that a seal claims to be of; "" for what is no seal. Proven by :meth:`verify` only."""
        if len(seal) == _SIGNATURE:
            return self.host
        return seal[:_NAME].hex() if len(seal) == _NAME + _SIGNATURE else ""

    # ── documents ─────────────────────────────────────────────────────────────────────────────

    def close(self, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        """A document under a seal, itself plain JSON. A seal of one kind opens nothing of another."""
        seal = self.sign(_message(kind, document))
        return {"document": document, "seal": b64encode(seal).decode()}

    def open(self, kind: str, sealed: object) -> dict[str, Any]:
        """The document under a seal.

        Raises:
            Refused: it is not as a trusted host wrote it ("sealed").
        """
        try:
            document, seal = sealed["document"], b64decode(sealed["seal"], validate=True)  # type: ignore[index]
            proven = isinstance(document, dict) and self.verify(_message(kind, document), seal)
        except (TypeError, KeyError, ValueError, RecursionError):
            proven = False
        if not proven:
            raise Refused(
                f"A stored {kind} is not as a trusted host wrote it: its seal does not match, so it has no effect.",
                hint="[worker] trusted_hosts lists the hosts that are believed; otherwise the store was altered.",
                code="sealed",
            )
        return document  # type: ignore[no-any-return]


def _message(kind: str, document: dict[str, Any]) -> bytes:
    return f"helpdesk {kind} v1\n".encode() + canonical(document)
