"""A verified TLS connection to a directory, or nothing: there is no other way to get a wire (D1, D2).

Sockets are opened here and not by ldap3, whose own way accepts other hosts' certificates by default, sends
a password after a refused StartTLS, and may wait far longer than its time-outs say.
"""

from __future__ import annotations

import os
import queue
import selectors
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from helpdesk.connectors.ldap.ber import Malformed, elements, header, number, only, tlv
from helpdesk.connectors.ldap.deadline import OutOfTime, left
from helpdesk.connectors.ldap.settings import Endpoint, Timeouts
from helpdesk.errors import Unreachable

MAX_MESSAGE = 16 * 1024 * 1024
_HEAD_START = 0.25
_START_TLS = b"1.3.6.1.4.1.1466.20037"
_REQUEST = tlv(0x30, tlv(0x02, b"\x01") + tlv(0x77, tlv(0x80, _START_TLS)))
_CHECK_URL = "Check [directory] url and the network, then try again."

Address = tuple[Any, ...]


class BrokenWire(Exception):
    """The connection ended or made no sense; ``reason`` is a clause for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True, weakref_slot=True)
class Wire:
    """LDAP messages over TLS, with a time-out on everything. Forgotten, it closes by itself."""

    endpoint: Endpoint
    _socket: ssl.SSLSocket = field(repr=False)
    _timeouts: Timeouts
    _rest: bytearray = field(default_factory=bytearray, init=False, repr=False)
    """What came behind the last message that was taken."""

    def __post_init__(self) -> None:
        weakref.finalize(self, self._socket.close)

    def send(self, message: bytes) -> None:
        """Raises BrokenWire."""
        try:
            self._socket.settimeout(left(self._timeouts.receive))
            self._socket.sendall(message)
        except OSError as error:
            raise BrokenWire(_said(error)) from None

    def receive(self) -> bytes:
        """One whole message. Raises BrokenWire."""
        try:
            while (size := _size(self._rest)) is None or len(self._rest) < size:
                self._socket.settimeout(left(self._timeouts.receive))
                piece = self._socket.recv(65536)
                if not piece:
                    raise ConnectionError("it closed the connection")
                self._rest += piece
        except Malformed:
            raise BrokenWire("its answer is no LDAP") from None
        except OSError as error:
            raise BrokenWire(_said(error)) from None
        message = bytes(self._rest[:size])
        del self._rest[:size]
        return message

    def is_quiet(self) -> bool:
        """Whether the connection still stands and nothing unexpected has come."""
        if self._rest:
            return False
        try:
            self._socket.settimeout(0)
            self._socket.recv(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        return False  # the end, or a notice of disconnection

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()


def connect(endpoint: Endpoint, context: ssl.SSLContext, timeouts: Timeouts) -> Wire:
    """Reach the server on any of its addresses and verify who it is, before anything else is said.

    Raises:
        Unreachable: nobody answers, StartTLS failed, or the certificate is not the host's.
    """
    try:
        plain = _reach(_addresses(endpoint, left(timeouts.connect)), left(timeouts.connect))
    except OSError as error:
        raise Unreachable(
            f"The directory {endpoint} cannot be reached: {_said(error)}.", hint=_CHECK_URL
        ) from None
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if endpoint.start_tls:
            _start_tls(plain, endpoint, timeouts)
        return Wire(endpoint, _secured(plain, endpoint, context, timeouts), timeouts)
    except BaseException:
        plain.close()
        raise


# ── TCP ───────────────────────────────────────────────────────────────────────────────────────


def _addresses(endpoint: Endpoint, seconds: float) -> Sequence[tuple[socket.AddressFamily, Address]]:
    """Ask for the host's addresses in a thread: the resolver knows no time-outs of ours."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise OutOfTime("its name is not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    if isinstance(answer, UnicodeError):
        raise OSError("that is no host name")
    return [(family, address) for family, _, _, _, address in answer]


def _reach(addresses: Sequence[tuple[socket.AddressFamily, Address]], seconds: float) -> socket.socket:
    """The first address that answers; each has a head start over the next, so that a dead one costs little."""
    ends = time.monotonic() + seconds
    waiting = list(addresses)
    failure: OSError = OutOfTime("no answer")
    with selectors.DefaultSelector() as trying:
        try:
            while waiting or trying.get_map():
                if waiting:
                    failure = _begin(waiting.pop(0), trying) or failure
                now = time.monotonic()
                if now >= ends:
                    raise OutOfTime("no answer")
                pause = min(ends - now, _HEAD_START) if waiting else ends - now
                for key, _ in trying.select(pause) if trying.get_map() else ():
                    candidate = trying.unregister(key.fileobj).fileobj
                    assert isinstance(candidate, socket.socket)
                    code = candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        return candidate
                    candidate.close()
                    failure = OSError(code, os.strerror(code))
            raise failure
        finally:
            for key in list(trying.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()


def _begin(target: tuple[socket.AddressFamily, Address], trying: selectors.BaseSelector) -> OSError | None:
    """Begin to connect; the error, where it fails at once."""
    family, address = target
    try:
        candidate = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return error
    candidate.setblocking(False)
    try:
        candidate.connect(address)
    except BlockingIOError:
        pass
    except OSError as error:
        candidate.close()
        return error
    trying.register(candidate, selectors.EVENT_WRITE)
    return None


# ── TLS ───────────────────────────────────────────────────────────────────────────────────────


def _start_tls(plain: socket.socket, endpoint: Endpoint, timeouts: Timeouts) -> None:
    """Ask for TLS on a plain connection. Whatever goes wrong here is the end of it (D2).

    Not a byte beyond the answer is read: what an attacker slips in behind it meets the TLS handshake, which
    it breaks.
    """
    try:
        plain.settimeout(left(timeouts.receive))
        plain.sendall(_REQUEST)
        (_, serial), (tag, content), *_ = elements(only(_message(plain, timeouts.receive)))
        parts = dict(elements(content))
    except (Malformed, ValueError):
        _no_tls(endpoint, "its answer is no LDAP")
    except OSError as error:
        _no_tls(endpoint, _said(error))
    if tag != 0x78 or serial != b"\x01":
        _no_tls(endpoint, "it answered something else")
    code = number(parts.get(0x0A, b"\xff"))
    if code != 0:
        _no_tls(endpoint, f"it refused, with code {code}")


def _no_tls(endpoint: Endpoint, reason: str) -> NoReturn:
    raise Unreachable(
        f"The directory {endpoint} did not start TLS: {reason}. Nothing was sent to it.",
        hint="Use its ldaps:// address as [directory] url, or have StartTLS set up on the server.",
    ) from None


def _secured(
    plain: socket.socket, endpoint: Endpoint, context: ssl.SSLContext, timeouts: Timeouts
) -> ssl.SSLSocket:
    try:
        plain.settimeout(left(timeouts.connect))
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"The directory {endpoint} could not prove who it is: {_why(error)}. Nothing was sent to it.",
            hint="Check the host name in [directory] url, and that [directory] ca_file names its authority.",
        ) from None
    except (OSError, ValueError) as error:
        raise Unreachable(
            f"The directory {endpoint} did not agree on TLS: {_said(error)}. Nothing was sent to it.",
            hint=_CHECK_URL,
        ) from None


# ── bytes and words ───────────────────────────────────────────────────────────────────────────


def _message(source: socket.socket, seconds: float) -> bytes:
    """Exactly one LDAP message, not a byte more."""
    head = _exactly(source, 2, seconds)
    if head[0] != 0x30:
        raise Malformed("no LDAP message")
    if head[1] & 0x80:
        head += _exactly(source, head[1] & 0x7F, seconds)
    _, length = header(head)
    if length > MAX_MESSAGE:
        raise Malformed("too long a message")
    return head + _exactly(source, length, seconds)


def _size(begun: bytearray) -> int | None:
    """How long the message is that begins so, head and all; ``None`` while that cannot be told. Raises Malformed."""
    if begun and begun[0] != 0x30:
        raise Malformed("no LDAP message")
    if len(begun) < 2 or (begun[1] & 0x80 and len(begun) < 2 + min(begun[1] & 0x7F, 4)):
        return None
    start, length = header(begun)
    if length > MAX_MESSAGE:
        raise Malformed("too long a message")
    return start + length


def _exactly(source: socket.socket, count: int, seconds: float) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        source.settimeout(left(seconds))
        piece = source.recv(min(count - len(parts), 65536))
        if not piece:
            raise ConnectionError("it closed the connection")
        parts += piece
    return bytes(parts)


def _said(error: BaseException) -> str:
    """An operating system's or OpenSSL's error as a clause."""
    if isinstance(error, OutOfTime):
        return str(error) or "no answer in time"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS failed").lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _why(error: ssl.SSLCertVerificationError) -> str:
    return (error.verify_message or "its certificate is not trusted").rstrip(".")
