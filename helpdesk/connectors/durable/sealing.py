"""What is written to the engine's database is signed by the host that wrote it, and bound to its place there.

A database is shared by many hosts, and whoever may write to it must gain nothing by that: what no listed host signed is
refused, and so is what a listed host signed for another run, another step or another message. Left to such a writer is
to hold work up, and to give a run back a moment that it had before; what must happen once is guarded by the log.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any, Protocol

from helpdesk.canonical import canonical
from helpdesk.engine import Document
from helpdesk.errors import Failed

_SAID = b"helpdesk durable engine, 1\n"


class Signer(Protocol):
    """Signs as this host, and knows the hosts that are believed; a seal names the key that made it."""

    def sign(self, message: bytes, /) -> bytes: ...

    def verify(self, message: bytes, seal: bytes, /) -> bool:
        """Whether a host that is believed made the seal."""


class Forged(Failed):
    """Nobody who is believed wrote this here."""

    code = "forged"


class Sealer:
    """Puts documents into the form that they have in the database, and takes them out again."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def seal(self, place: tuple[str, ...], document: Document) -> str:
        """A document as text.

        Args:
            place: where it will stand (the run's id among it); it is opened there only.

        Raises:
            TypeError: it is not plain JSON.
        """
        body = canonical(document)
        seal = self._signer.sign(_message(place, body))
        return json.dumps({"seal": b64encode(seal).decode(), "body": body.decode()}, ensure_ascii=False)

    def open(self, place: tuple[str, ...], text: Any) -> Document:
        """The document that stands in a place. Raises Forged."""
        try:
            envelope = json.loads(text)
            body = envelope["body"].encode()
            seal = b64decode(envelope["seal"], validate=True)
            believed = self._signer.verify(_message(place, body), seal)
            document = json.loads(body) if believed else None
        except (ValueError, TypeError, KeyError, AttributeError):
            document = None
        if not isinstance(document, dict):
            raise Forged(
                f"What the database holds for {' '.join(place)} was not written there by a host that is believed.",
                hint="Find out who may write to the database; [worker] trusted_hosts names the hosts that are believed.",
            )
        return document


def body_of(sealed: str) -> Document:
    """What was just sealed here, as it would be opened; proves nothing."""
    document: Document = json.loads(json.loads(sealed)["body"])
    return document


def _message(place: tuple[str, ...], body: bytes) -> bytes:
    return _SAID + canonical(list(place)) + b"\n" + body
