"""Whether a worker is well, for whoever looks after it: three pages, on an address of this machine unless another is set.

``/healthz`` says that the process answers, ``/readyz`` that the store knows it as alive, ``/metrics`` gives figures as
Prometheus reads them. None of them holds a name, an argument or a secret.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helpdesk.errors import Failed, HelpdeskError

FRESH_SECONDS = 1.0
"""Figures are asked of the store at most so often."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a worker knows about itself and the store.

    Attributes:
        ready: the store heard of it in time. silent: seconds since it did. active: runs that it carries out.
        runs: how many there are in each state; empty while the store is away.
        due, oldest: runs that wait for a worker, and for how many seconds the oldest does.
        overdue: ends of access that are more than a minute late. workers: how many are alive.
    """

    ready: bool
    silent: float
    active: int
    runs: Mapping[str, int] = field(default_factory=dict)
    due: int = 0
    oldest: float = 0.0
    overdue: int = 0
    workers: int = 0


_TEXTS = (
    ("helpdesk_worker_up", "1 while the store hears of this worker", lambda f: int(f.ready)),
    (
        "helpdesk_worker_silent_seconds",
        "since the last heartbeat that was kept",
        lambda f: round(f.silent, 3),
    ),
    ("helpdesk_worker_active_runs", "runs that this worker carries out", lambda f: f.active),
    ("helpdesk_workers_alive", "workers that serve the store", lambda f: f.workers),
    ("helpdesk_runs_due", "runs that wait for a worker", lambda f: f.due),
    (
        "helpdesk_runs_oldest_due_seconds",
        "how long the oldest of them has waited",
        lambda f: round(f.oldest, 3),
    ),
    ("helpdesk_expiries_overdue", "ends of access that are more than a minute late", lambda f: f.overdue),
)


def exposition(figures: Figures) -> str:
    """The figures in the text form of Prometheus."""
    lines = []
    for name, help, value in _TEXTS:
        lines += [f"# HELP {name} {help}", f"# TYPE {name} gauge", f"{name} {value(figures)}"]
    lines += ["# HELP helpdesk_runs runs by state", "# TYPE helpdesk_runs gauge"]
    lines += [f'helpdesk_runs{{state="{state}"}} {number}' for state, number in sorted(figures.runs.items())]
    return "\n".join(lines) + "\n"


class Health:
    """Serves the three pages in threads of its own.

    Args:
        endpoint: ``host:port``, or a port of this machine. look: gives the figures; what it raises makes unready.

    Raises:
        Failed: the address cannot be used ("worker-metrics").
    """

    def __init__(self, endpoint: str, look: Callable[[], Figures]) -> None:
        host, _, port = endpoint.rpartition(":")
        self._look = look
        self._lock = threading.Lock()
        self._kept: tuple[float, Figures] | None = None
        try:
            self._server = ThreadingHTTPServer((host.strip("[]") or "127.0.0.1", int(port)), self._handler())
        except OSError as error:
            raise Failed(
                f"[worker] metrics = {endpoint!r} cannot be used: {error.strerror or error}.",
                hint="Another process may have that port; choose another one.",
                code="worker-metrics",
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="helpdesk-health", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def figures(self) -> Figures:
        """At most a second old."""
        with self._lock:
            now = time.monotonic()
            if self._kept is None or now - self._kept[0] > FRESH_SECONDS:
                self._kept = (now, self._look())
            return self._kept[1]

    def _page(self, path: str) -> tuple[int, str]:
        if path == "/healthz":
            return 200, "ok\n"
        if path not in ("/readyz", "/metrics"):
            return 404, "not here\n"
        figures = Figures(ready=False, silent=float("inf"), active=0)
        with suppress(HelpdeskError):
            figures = self.figures()
        if path == "/metrics":
            return 200, exposition(figures)
        return (200, "ready\n") if figures.ready else (503, "not ready\n")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        page = self._page

        class Pages(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                code, text = page(self.path.partition("?")[0])
                body = text.encode()
                self.send_response(code)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Who looked is not logged."""

        return Pages
