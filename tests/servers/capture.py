"""A proxy on loopback that keeps every byte, and can cut a connection where a network would."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from types import TracebackType


class Capture:
    """Forwards connections to ``127.0.0.1:port``.

    Attributes:
        sent: every byte that clients sent, over all connections.
        connections: how many there were.
        swallow: from now on the server's answers go nowhere: each first one ends its connection instead.
        flows: cleared, what clients send is kept back until it is set again, also for clients that are gone:
            then their connection ends when the server has answered.
    """

    def __init__(self, port: int) -> None:
        self.sent = bytearray()
        self.connections = 0
        self.swallow = False
        self.flows = threading.Event()
        self.flows.set()
        self._target = port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flows.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join(5)

    def cut(self) -> None:
        """End every connection there is now."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target), timeout=5) as server:
            self._open |= {client, server}
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            late = False
            try:
                while True:
                    for source in select.select([client, server], [], [])[0]:
                        piece = source.recv(65536)
                        if not piece or (source is server and self.swallow):
                            return
                        if source is client:
                            self.sent += piece
                            late = not self.flows.is_set()
                            self.flows.wait()
                        (server if source is client else client).sendall(piece)
                        if late and source is client:
                            select.select([server], [], [], 5)
            except OSError:
                return
            finally:
                self._open -= {client, server}
