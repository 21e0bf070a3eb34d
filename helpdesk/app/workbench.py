"""What a worker is made of: its sign-in, the handlers of every kind of run, and what it looks after besides."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from helpdesk.app.working import serving_of
from helpdesk.engine import Handler
from helpdesk.errors import Cancelled, ConfigError, HelpdeskError, NotSignedIn, UsageError
from helpdesk.events import Confirmation, Confirmed, Event, Question

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.connectors.durable.durably import Telling
    from helpdesk.connectors.durable.serving import DbosServing
    from helpdesk.ports import SignedIn
    from helpdesk.secrets import Secret
    from helpdesk.workflows.door import DurableDoor

KINDS = {
    "request": "helpdesk.app.kinds:request",
    "expiry": "helpdesk.app.kinds:expiry",
    "workflow": "helpdesk.app.kinds:workflow",
    "notice": "helpdesk.app.kinds:notice",
}
"""What makes the handler of each kind of run, given the :class:`Workbench`."""
FRESH_SECONDS = 60.0
"""For so long a worker's sign-in is used again; then its account is looked at anew (D9)."""
REFUSED_SECONDS = 60.0
"""For so long a refused password is not tried again, so that a wrong one locks nobody out (R9)."""


class Alone:
    """The interaction of a worker: nobody is there, so nothing is confirmed and no secret is shown."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    def emit(self, event: Event) -> None:
        """What a surface would show; the run's log and receipt hold what matters."""

    async def confirm(self, _confirmation: Confirmation, /) -> Confirmed:
        raise Cancelled("A worker confirms nothing by itself.", code="nobody-there")

    async def ask(self, _question: Question, /) -> str:
        _nobody()

    async def ask_secret(self, _question: Question, /) -> Secret:
        _nobody()

    def ensure_can_reveal(self) -> None:
        raise UsageError("A worker shows nobody a secret.", hint="Do it at a terminal.", code="nobody-there")

    async def reveal(self, _secret: Secret, _label: str, /) -> None:
        self.ensure_can_reveal()


def _nobody() -> NoReturn:
    raise UsageError("Nobody is there to answer a worker.", code="nobody-there")


class Acting:
    """Signs in as the worker's service identity, and uses that again for a minute while the directory answers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._signed_in: SignedIn | None = None
        self._since = 0.0
        self._refused: tuple[float, NotSignedIn] | None = None

    async def __call__(self) -> SignedIn:
        """Raises NotSignedIn, Unreachable, ConfigError, LogUnavailable."""
        return await asyncio.to_thread(self._current)

    def _current(self) -> SignedIn:
        with self._lock:
            if self._signed_in is not None and not self._still_good(self._signed_in):
                self._signed_in.directory.close()
                self._signed_in = None
            if self._signed_in is None:
                self._signed_in = self._anew()
                self._since = time.monotonic()
            return self._signed_in

    def _still_good(self, signed_in: SignedIn) -> bool:
        if time.monotonic() - self._since > FRESH_SECONDS:
            return False
        try:
            signed_in.directory.person_by_id(signed_in.actor.person.id)
        except HelpdeskError:
            return False
        return True

    def _anew(self) -> SignedIn:
        if self._refused is not None and time.monotonic() < self._refused[0]:
            raise self._refused[1]
        settings = self._parts.config.worker
        service = self._parts.config.services[settings.service]
        password = self._parts.referenced(settings.password)
        if password is None:
            raise ConfigError("[worker] password names no secret.", hint="Set it to a reference.")
        try:
            signed_in: SignedIn = asyncio.run(self._parts.sign_in(service.login, password))
        except NotSignedIn as error:
            self._refused = (time.monotonic() + REFUSED_SECONDS, error)
            raise
        self._refused = None
        return signed_in

    def close(self) -> None:
        with self._lock:
            if self._signed_in is not None:
                self._signed_in.directory.close()
                self._signed_in = None


@dataclass(slots=True)
class Beside:
    """Something that a worker does besides its runs, every so many seconds; an error of it is told, and ends nothing."""

    name: str
    every: float
    work: Callable[[], Awaitable[Any]]


class Workbench:
    """One worker: open it, and it serves until it is closed.

    Args:
        telling: is told what happens, for the worker's log.
    """

    def __init__(self, parts: Parts, telling: Telling) -> None:
        self.parts = parts
        self.telling = telling
        self.interaction = Alone(telling)
        self.acting = Acting(parts)
        self.serving: DbosServing = serving_of(parts, telling)
        self.beside: list[Beside] = []
        """Handlers' makers add to it what has to be looked after besides."""
        self.kinds: tuple[str, ...] = ()
        """What it serves, once it is open."""
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def door(self) -> DurableDoor:
        """The one door, acting as the worker."""
        from helpdesk.workflows.door import DurableDoor

        return DurableDoor(self.parts.runner, self.acting, self.interaction, self.serving.token)

    def handlers(self) -> dict[str, Handler]:
        made: dict[str, Handler] = {}
        for kind, where in KINDS.items():
            module, _, name = where.partition(":")
            maker = getattr(import_module(module), name)
            handler = maker(self)
            if handler is not None:
                made[kind] = handler
        return made

    def open(self) -> None:
        """Begin to serve. Raises Failed ("worker-running"), Unreachable, ConfigError."""
        handlers = self.handlers()
        self.kinds = tuple(handlers)
        self.serving.serve(handlers)
        for one in self.beside:
            thread = threading.Thread(target=self._look_after, args=(one,), name=one.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _look_after(self, beside: Beside) -> None:
        async def once() -> None:
            await beside.work()

        while not self._stop.is_set():
            try:
                asyncio.run(once())
            except Exception as error:  # noqa: BLE001 - it is done again, and whoever reads the log learns why
                self.telling("beside-failed", what=beside.name, error=error)
            self._stop.wait(beside.every)

    def close(self, within: float) -> bool:
        """Take nothing new up, let what runs come to the end of its steps, and end; false when some did not."""
        self._stop.set()
        try:
            drained = self.serving.drain(within)
        finally:
            self.serving.close()
        for thread in self._threads:
            thread.join(timeout=1)
        self.acting.close()
        return drained
