"""LDAP servers that lie, refuse, fall silent or speak nonsense; with and without a good certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

from helpdesk.connectors.ldap.ber import elements, header, only, tlv
from tests.servers.certificates import Issued

BIND, UNBIND, SEARCH, MODIFY, ADD, EXTENDED = 0x60, 0x42, 0x63, 0x66, 0x68, 0x77
WHO_AM_I = b"1.3.6.1.4.1.4203.1.11.3"

StartTls = Literal["ok", "refuse", "inject", "drop", "silent", "nonsense", "another"]
Attributes = Mapping[str, Sequence[bytes | str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``parts`` are its (tag, content) pairs."""

    kind: int
    content: bytes = field(repr=False)

    @property
    def parts(self) -> list[tuple[int, bytes]]:
        return list(elements(self.content))

    @property
    def dn(self) -> str:
        """The entry that a bind, a search or a modify is about."""
        return self.parts[1 if self.kind == BIND else 0][1].decode()


Reply = tuple[int, bytes]
"""The tag and the content of one answer; the server adds the rest."""


def result(kind: int, code: int = 0, message: str = "", more: bytes = b"") -> Reply:
    """An answer with an LDAP result."""
    return kind, tlv(0x0A, bytes([code])) + tlv(0x04, b"") + tlv(0x04, message.encode()) + more


def bound(code: int = 0, message: str = "") -> Reply:
    return result(0x61, code, message)


def done(code: int = 0, message: str = "") -> Reply:
    return result(0x65, code, message)


def modified(code: int = 0, message: str = "") -> Reply:
    return result(0x67, code, message)


def added(code: int = 0, message: str = "") -> Reply:
    return result(0x69, code, message)


def extended(code: int = 0, value: bytes = b"") -> Reply:
    return result(0x78, code, more=tlv(0x8B, value))


def found(dn: str, attributes: Attributes) -> Reply:
    """One entry of a search."""
    listed = b""
    for name, values in attributes.items():
        octets = [value.encode() if isinstance(value, str) else value for value in values]
        listed += tlv(0x30, tlv(0x04, name.encode()) + tlv(0x31, b"".join(tlv(0x04, one) for one in octets)))
    return 0x64, tlv(0x04, dn.encode()) + tlv(0x30, listed)


def referred(url: str) -> Reply:
    """A continuation reference of a search."""
    return 0x73, tlv(0x04, url.encode())


ROOT = {
    "namingContexts": ["dc=fake,dc=test"],
    "supportedExtension": ["1.3.6.1.4.1.4203.1.11.1", WHO_AM_I],
}

Handler = Callable[[Request], Sequence[Reply] | None]
"""Answers one request; ``None`` is silence."""


@dataclass
class Directory:
    """A handler with entries: everything a sign-in needs, and nothing else.

    Attributes:
        entries: what every search below the base gives.
        after: what comes behind the entries.
        who: what who-am-I says; the name of the last bind where it is ``None``.
    """

    entries: Sequence[Reply] = ()
    after: Sequence[Reply] = (done(),)
    root: Attributes = field(default_factory=lambda: ROOT)
    bind: Reply = field(default_factory=bound)
    who: str | None = None
    name: str = field(default="", init=False)
    modified: list[Request] = field(default_factory=list, init=False)

    def __call__(self, request: Request) -> Sequence[Reply] | None:
        if request.kind == BIND:
            self.name = request.dn
            return [self.bind]
        if request.kind == SEARCH:
            return [found("", self.root), done()] if not request.dn else [*self.entries, *self.after]
        if request.kind == MODIFY:
            self.modified.append(request)
            return [modified()]
        if request.kind == EXTENDED:
            return [extended(0, (f"dn:{self.name}" if self.who is None else self.who).encode())]
        return None


class FakeLdap:
    """A server on loopback.

    Args:
        handler: answers requests; silent about everything by default.
        certificate: its own; without one it never starts TLS.
        start_tls: ``None`` for TLS from the first byte, else what it does when asked to start it.

    Attributes:
        plain: what clients sent outside TLS. secret: what they sent inside.
        connections: how many there were. requests: what was asked, in order.
    """

    def __init__(
        self,
        handler: Handler = lambda request: None,
        *,
        certificate: Issued | None = None,
        start_tls: StartTls | None = None,
    ) -> None:
        self.plain = bytearray()
        self.secret = bytearray()
        self.connections = 0
        self.requests: list[Request] = []
        self._handler = handler
        self._start_tls = start_tls
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'ldaps' if self._start_tls is None else 'ldap'}://127.0.0.1:{self.port}"

    def everything(self) -> bytes:
        """All that it ever received, outside TLS and inside."""
        return bytes(self.plain) + b"|" + bytes(self.secret)

    def __enter__(self) -> FakeLdap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    # ── one connection ────────────────────────────────────────────────────────────────────────

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        try:
            with client:
                self._talk(client)
        except (OSError, ValueError, IndexError):
            return  # the client went away, as it should from most of these
        finally:
            self._open.discard(client)

    def _talk(self, client: socket.socket) -> None:
        if self._start_tls is not None:
            self._answer_start_tls(client)
        if self._context is None:
            self._drain(client)
            return
        with self._context.wrap_socket(client, server_side=True) as secured:
            self._open.add(secured)
            try:
                self._converse(secured)
            finally:
                self._open.discard(secured)

    def _answer_start_tls(self, client: socket.socket) -> None:
        _message(client, self.plain)
        yes = tlv(0x30, tlv(0x02, b"\x01") + tlv(*extended()))
        match self._start_tls:
            case "refuse":
                client.sendall(tlv(0x30, tlv(0x02, b"\x01") + tlv(*extended(52))))
                self._drain(client)
            case "inject":  # somebody on the way adds an answer of their own behind the server's
                client.sendall(yes + tlv(0x30, tlv(0x02, b"\x02") + tlv(*bound())))
            case "drop":
                client.close()
            case "silent":
                self._drain(client)
            case "nonsense":
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                self._drain(client)
            case "another":  # a well-formed answer to another question
                client.sendall(tlv(0x30, tlv(0x02, b"\x01") + tlv(*bound())))
                self._drain(client)
            case _:
                client.sendall(yes)

    def _drain(self, client: socket.socket) -> None:
        """Listen, and say nothing."""
        while piece := client.recv(65536):
            self.plain += piece

    def _converse(self, client: socket.socket) -> None:
        while True:
            (_, serial), (kind, content), *_ = elements(only(_message(client, self.secret)))
            request = Request(kind, content)
            if kind == UNBIND:
                return
            self.requests.append(request)
            for tag, answer in self._handler(request) or ():
                client.sendall(tlv(0x30, tlv(0x02, serial) + tlv(tag, answer)))


def _message(source: socket.socket, log: bytearray) -> bytes:
    message = _exactly(source, 2, log)
    if message[1] & 0x80:
        message += _exactly(source, message[1] & 0x7F, log)
    return message + _exactly(source, header(message)[1], log)


def _exactly(source: socket.socket, count: int, log: bytearray) -> bytes:
    parts = b""
    while len(parts) < count:
        piece = source.recv(count - len(parts))
        if not piece:
            raise ConnectionError("gone")
        log += piece
        parts += piece
    return parts
