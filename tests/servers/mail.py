"""A real mail server on loopback, in a process of its own that tests may kill, and one that misbehaves.

``python -m tests.servers.mail PORT FOLDER`` keeps each message it takes as a file in the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.certificates import Issued

USER, PASSWORD = "helpdesk", "mail-password-of-the-tests"


@dataclass
class Behaviour:
    """What the server does with a message.

    Attributes:
        rcpt: the answers to RCPT by address, each used once; then 250. data: likewise after the message.
        before, after: called before a message is kept and after it, before the answer.
        lose: the connection is closed after the message was kept, in place of an answer.
    """

    rcpt: dict[str, list[str]] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    lose: bool = False
    kept: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    sign_ins: list[str] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        return [email.message_from_bytes(one, policy=SMTPUTF8) for one in self.kept]  # type: ignore[misc]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answers = self.rcpt.get(address, [])
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.before()
        if self.data:
            return self.data.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.kept.append(content)
        self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        if self.lose:
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"


@dataclass
class MailServer:
    """Serves in a thread while it is open.

    Attributes:
        starttls: offered, and insisted on. from_first_byte: TLS without asking.
        sign_in: nobody sends without. utf8: addresses in any letters.
    """

    certificate: Issued | None = None
    from_first_byte: bool = False
    sign_in: bool = False
    utf8: bool = True
    size: int = 10_000_000
    behaviour: Behaviour = field(default_factory=Behaviour)
    port: int = 0
    _serving: _Serving | None = None

    def __enter__(self) -> MailServer:
        more: dict[str, Any] = {}
        context = None
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate.certificate, self.certificate.key)
            if not self.from_first_byte:
                more = {"tls_context": context, "require_starttls": True}
        if self.sign_in:
            more |= {"authenticator": self._authenticated, "auth_required": True}
            more["auth_require_tls"] = not self.from_first_byte
        more |= {"enable_SMTPUTF8": self.utf8, "data_size_limit": self.size, "hostname": "mail.corp.test"}
        served = context if self.from_first_byte else None
        self._serving = _Serving(lambda: SMTP(self.behaviour, **more), served)
        self.port = self._serving.port
        return self

    def __exit__(self, *_: object) -> None:
        assert self._serving is not None
        self._serving.stop()

    def _authenticated(
        self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.behaviour.sign_ins.append(data.login.decode())
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    @property
    def url(self) -> str:
        return f"{'smtps' if self.from_first_byte else 'smtp'}://127.0.0.1:{self.port}"


class _Serving:
    """A loop in a thread; when it stops, every connection is closed and said to be."""

    def __init__(self, make: Callable[[], SMTP], context: ssl.SSLContext | None) -> None:
        self._made: list[SMTP] = []
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(make, context)), daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the mail server did not start"

    async def _run(self, make: Callable[[], SMTP], context: ssl.SSLContext | None) -> None:
        def one() -> SMTP:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a sign-in that asks for no STARTTLS of its own
                self._made.append(make())
            return self._made[-1]

        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(one, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        for _ in range(100):
            open = [made for made in self._made if made.transport and not made.transport.is_closing()]
            for made in open:
                assert made.transport is not None
                made.transport.abort()
            if not open and not any(
                getattr(made, "_handler_coroutine", None) and not made._handler_coroutine.done()
                for made in self._made
            ):  # type: ignore[attr-defined]
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


# ── a server that can be killed ───────────────────────────────────────────────────────────────


@dataclass
class MailProcess:
    """The server as a process; what it took survives it."""

    folder: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.servers.mail", str(self.port), str(self.folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "the mail server ended"
                time.sleep(0.02)
            else:
                return
        raise AssertionError("the mail server did not start")

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def messages(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(path.read_bytes(), policy=SMTPUTF8)  # type: ignore[misc]
            for path in sorted(self.folder.glob("*.eml"))
        ]


class _Keeps:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        name = self._folder / f"{time.monotonic_ns():020}-{secrets.token_hex(4)}"
        content = envelope.content
        assert isinstance(content, bytes)
        with name.with_suffix(".part").open("wb") as out:
            out.write(content)
            os.fsync(out.fileno())
        name.with_suffix(".part").rename(name.with_suffix(".eml"))
        return "250 OK"


def main(port: int, folder: Path) -> None:
    controller = Controller(_Keeps(folder), hostname="127.0.0.1", port=port)
    controller.start()
    threading.Event().wait()


# ── one that does not keep to the rules ───────────────────────────────────────────────────────


@dataclass
class Scripted:
    """Says what it is told, line by line, and remembers what it heard; ``None`` is silence."""

    script: list[bytes | None]
    heard: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Scripted:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            with connection, connection.makefile("rb") as lines:
                try:
                    self._talk(connection, lines)
                except OSError:
                    continue

    def _talk(self, connection: socket.socket, lines: Any) -> None:
        for line in self.script:
            if line is None:
                lines.readline()
                lines.readline()
                return
            connection.sendall(line)
            heard = lines.readline()
            if not heard:
                return
            self.heard.append(heard)

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._listening.getsockname()[1]}"


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
