"""Syslog messages (RFC 5424) over TCP, TLS (RFC 5425, 6587: octet counting) and UDP (RFC 5426).

Syslog has no receipts. Over TCP and TLS a message counts as received when the receiver has read to the end
and closed its side; anything else (a reset, silence, a TLS connection cut off) is a failure, so that the
messages are sent again. UDP tells nothing.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from helpdesk.config.addresses import SYSLOG_PORTS
from helpdesk.errors import Failed, Unreachable

CONNECT_SECONDS = 1.0
WHOLE_SECONDS = 5.0
NOTICE, INFORMATIONAL = 5, 6
_AUDIT = 13
"""The facility "log audit"."""
_ENTERPRISE = 32473
"""The number that RFC 5612 sets aside for examples: this program has none of its own."""
_UNSAFE = re.compile(r"[^\x20-\x7e]")


def message(
    severity: int, time: str, kind: str, values: Mapping[str, str | int], text: str, host: str = ""
) -> bytes:
    """One message, in printable ASCII: nothing in a value can begin another line or act on a screen (A5).

    Args:
        time: RFC 3339. kind: names message and structured data. text: what stands outside the ASCII characters
            in it is escaped as in JSON, so that a JSON document stays equal.
    """
    data = " ".join(f'{_name(name, 32)}="{_value(str(value))}"' for name, value in values.items())
    head = (
        f"<{_AUDIT * 8 + severity}>1 {time} {_name(host or socket.gethostname(), 255)} helpdesk {os.getpid()}"
    )
    kind = _name(kind, 20)
    return f"{head} {kind} [{kind}@{_ENTERPRISE} {data}] {_ascii(text)}".encode()


def _name(text: str, longest: int) -> str:
    """PRINTUSASCII, and nothing that structured data gives a meaning."""
    return re.sub(r'[^\x21-\x7e]|["\]=]', "-", text)[:longest] or "-"


def _value(text: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", _ascii(text))


def _ascii(text: str) -> str:
    return _UNSAFE.sub(lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))


class Syslog:
    """A receiver of syslog messages.

    Args:
        address: ``syslog://`` (TCP), ``syslog+tls://`` or ``syslog+udp://``, host and port.
        context: gives the TLS context; asked when it is needed.
    """

    def __init__(self, address: str, context: Callable[[], ssl.SSLContext]) -> None:
        parts = urlsplit(address)
        self.address = address
        self._scheme = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or SYSLOG_PORTS[parts.scheme]
        self._context = context

    @property
    def confirms(self) -> bool:
        return self._scheme != "syslog+udp"

    def send(self, messages: Sequence[bytes]) -> None:
        """Send messages in their order.

        Raises:
            Unreachable: no connection, or the receiver did not read to the end.
            Failed: its certificate is not trusted. ConfigError: no authorities can be read.
        """
        end = time.monotonic() + WHOLE_SECONDS
        context = self._context() if self._scheme == "syslog+tls" else None
        try:
            if self._scheme == "syslog+udp":
                self._datagrams(messages)
                return
            with socket.create_connection((self._host, self._port), CONNECT_SECONDS) as plain:
                frames = b"".join(b"%d %s" % (len(one), one) for one in messages)
                if context is None:
                    self._plain(plain, frames, end)
                else:
                    self._tls(context, plain, frames, end)
        except ssl.SSLCertVerificationError as error:
            raise Failed(
                f"The certificate of the syslog server {self._host} is not trusted: {error.verify_message}.",
                hint="Set [log] ca_file to the authority that signed it.",
                code="untrusted-certificate",
            ) from error
        except TimeoutError as error:
            raise self._unreachable("it gave no answer in time") from error
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from error

    def _datagrams(self, messages: Sequence[bytes]) -> None:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, where = found[0]
        with socket.socket(family, kind, protocol) as out:
            out.connect(where)
            for one in messages:
                out.send(one)

    def _plain(self, connection: socket.socket, frames: bytes, end: float) -> None:
        _within(connection, end)
        connection.sendall(frames)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            _within(connection, end)

    def _tls(self, context: ssl.SSLContext, plain: socket.socket, frames: bytes, end: float) -> None:
        """The receiver's own close_notify is waited for: only that is proof against a connection cut off."""
        with context.wrap_socket(plain, server_hostname=self._host) as connection:
            _within(connection, end)
            connection.sendall(frames)
            _within(connection, end)
            connection.unwrap()

    def _unreachable(self, why: str) -> Unreachable:
        return Unreachable(
            f"The syslog server {self._host}:{self._port} did not take everything: {why}.",
            hint="What is missing there is sent again; see [log] in the configuration if the address is wrong.",
            maybe_applied=True,
        )


def _within(connection: socket.socket, end: float) -> None:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
