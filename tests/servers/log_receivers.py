"""Real receivers on loopback for what is sent of the log: syslog over TCP, TLS and UDP, and a web server; each can misbehave."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.certificates import Issued

PATIENCE = 10.0


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SyslogReceiver:
    """Reads octet-counted messages.

    Attributes:
        messages: everything received, in order. behave: "well"; "silent": reads and never closes; "cut": closes in
            the middle of the first message; "abrupt": reads all over TLS and closes without saying so.
    """

    def __init__(self, port: int = 0, issued: Issued | None = None) -> None:
        self.messages: list[str] = []
        self.connections = 0
        self.behave = "well"
        self._context = None
        if issued is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(issued.certificate, issued.key)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> SyslogReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                try:
                    self._one(connection)
                except OSError:
                    continue  # the client did not like us, as some tests want it

    def _one(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        if self.behave == "cut":
            connection.recv(20)
            return  # with unread bytes: the system resets the connection
        if self._context is not None:
            with self._context.wrap_socket(connection, server_side=True) as secure:
                self._read(secure)
                if self.behave == "well":
                    secure.unwrap()
            return
        self._read(connection)

    def _read(self, connection: socket.socket) -> None:
        data = b""
        while piece := connection.recv(65536):
            data += piece
            if self.behave == "silent":
                self._ended.wait(PATIENCE)
                return
        while data:
            length, _, data = data.partition(b" ")
            self.messages.append(data[: int(length)].decode("utf-8"))
            data = data[int(length) :]

    @property
    def numbers(self) -> list[int]:
        """The sequence numbers of the entries received."""
        return [int(found[1]) for one in self.messages if (found := re.search(r' seq="(\d+)"', one))]


class Notes:
    """A web server that keeps what is posted.

    Attributes:
        notes: the bodies. paths: what was asked for. headers: of each, with small letters. answer: the status it gives; 0 closes without one, -1 waits.
    """

    def __init__(self, port: int = 0, issued: Issued | None = None) -> None:
        self.notes: list[str] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.answer = 201
        self._ended = threading.Event()
        notes = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode("utf-8")
                notes.paths.append(self.path)
                notes.headers.append({name.lower(): value for name, value in self.headers.items()})
                if notes.answer <= 0:
                    notes._ended.wait(PATIENCE if notes.answer else 0)
                    self.close_connection = True
                    return
                if 200 <= notes.answer < 300:
                    notes.notes.append(body)
                self.send_response(notes.answer)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing to standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        if issued is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(issued.certificate, issued.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)
