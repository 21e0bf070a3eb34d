"""A chat completions server that does as its script says: replays streams, and misbehaves.

A real HTTP server on a random loopback port, one thread a connection. Each request takes the next
:class:`Answer` of the script (the last one again, when the script is at its end) and is kept for the test.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        body: pieces of the body, sent one by one; an endless iterable is sent until the client leaves.
        pause: seconds between two pieces.
        hang_up: break the connection off afterwards, in the middle of the chunked body.
        silent: say nothing at all until the client leaves.
    """

    body: Callable[[], Iterable[bytes]] = tuple
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    pause: float = 0.0
    hang_up: bool = False
    silent: bool = False


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    document: Any


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients leave in the middle here; that is what these tests are about."""
        if not isinstance(sys.exception(), (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


class ModelServer:
    """The server of one test. ``url`` is what ``[llm] url`` would hold."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []
        self.left = threading.Event()
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self.asked = threading.Event()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/v1"

    def next_answer(self) -> Answer:
        with self._lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            document = json.loads(self.rfile.read(length) or b"null")
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.received.append(Received(self.path, headers, document))
            server.asked.set()
            try:
                self._answer(server.next_answer())
            except (BrokenPipeError, ConnectionResetError):
                server.left.set()
                self.close_connection = True

        do_GET = do_POST

        def _answer(self, answer: Answer) -> None:
            if answer.silent:
                self._wait_until_left()
                return
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("transfer-encoding", "chunked")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in answer.body():
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                if server.stopping.wait(answer.pause) if answer.pause else server.stopping.is_set():
                    break
            if answer.hang_up:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.wfile.write(b"0\r\n\r\n")

        def _wait_until_left(self) -> None:
            self.connection.settimeout(0.05)
            while not server.stopping.is_set():
                try:
                    if not self.connection.recv(1):
                        server.left.set()
                        break
                except TimeoutError:
                    continue
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read ``received`` instead."""

    return Handler


@contextmanager
def model_server(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[ModelServer]:
    """A server that runs for the length of a ``with``."""
    server = ModelServer(*answers, tls=tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


# ── what servers say ──────────────────────────────────────────────────────────────────────────


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def delta(finish: str | None = None, **delta: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


DONE = b"data: [DONE]\n\n"


def text(*pieces: str) -> Answer:
    """A streamed reply of prose."""
    stream = [delta(role="assistant"), *(delta(content=p) for p in pieces), delta(finish="stop"), DONE]
    return Answer(lambda: stream)


def tool_calls(*calls: tuple[str, str], split: int = 4) -> Answer:
    """A streamed reply of calls, their arguments in pieces of ``split`` characters."""
    return Answer(lambda: call_stream(*calls, split=split))


def call_stream(*calls: tuple[str, str], split: int = 4) -> list[bytes]:
    stream = [delta(role="assistant")]
    for index, (name, arguments) in enumerate(calls):
        head = {"index": index, "id": f"call-{index}", "type": "function"}
        stream.append(delta(tool_calls=[{**head, "function": {"name": name, "arguments": ""}}]))
        for at in range(0, len(arguments), split):
            piece = {"index": index, "function": {"arguments": arguments[at : at + split]}}
            stream.append(delta(tool_calls=[piece]))
    return [*stream, delta(finish="tool_calls"), DONE]


def raw(*pieces: bytes, **more: Any) -> Answer:
    return Answer(lambda: pieces, **more)


def failing(status: int, **headers: str) -> Answer:
    return raw(
        b'{"error": {"message": "no"}}',
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def endless(piece: bytes, pause: float = 0.0) -> Answer:
    def forever() -> Iterator[bytes]:
        while True:
            yield piece

    return Answer(forever, pause=pause)
