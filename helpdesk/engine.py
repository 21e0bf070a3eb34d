"""What the core needs from a durable engine: runs that outlive their process, and remember each finished step.

A run is asked for once, by its id, and goes on wherever a worker is: after a crash another one takes it up, and only
the step that was interrupted is begun again. So a step happens at least once, and whoever writes one makes the second
time harmless. What happens between two steps must come out the same each time; time and chance are steps themselves.

Documents are plain JSON: texts, whole numbers, booleans, ``None``, lists and objects, and never a secret.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

Document = dict[str, Any]
"""Plain JSON."""

Work = Callable[[], Awaitable[Document]]
"""What a step does; its result is kept before the run goes on."""


class RunState(StrEnum):
    """``WAITING``: its moment has not come. ``QUEUED``: no worker has taken it up yet."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Run:
    """Something to carry out durably.

    Attributes:
        id: asked for twice, it is one run. kind: which handler takes it.
        document: what the handler is given, as it was sealed by this host.
        at: not before then, UTC; ``None``: at once. Waiting costs a row and nothing else.
    """

    id: str
    kind: str
    document: Document
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepStatus:
    """A finished step of a run. ``number`` counts from 1; ``error`` is "" for one that went well."""

    number: int
    name: str
    result: Document | None
    error: str = ""
    begun: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands.

    Attributes:
        worker: who has it, or "". note: what the handler told last (:meth:`Durably.note`).
        result: what the handler returned, once it is done. error: why it failed, in a sentence.
    """

    id: str
    kind: str
    state: RunState
    document: Document
    created: datetime
    updated: datetime
    at: datetime | None = None
    worker: str = ""
    note: Document | None = None
    result: Document | None = None
    error: str = ""


class Durably(Protocol):
    """What a handler may do so that it is remembered."""

    @property
    def id(self) -> str:
        """The run's."""

    @property
    def token(self) -> str:
        """Random, new with each process: who sees another one in a kept result took over from a process that ended."""

    async def step(self, name: str, work: Work) -> Document:
        """Do this once and keep what it returned; a run that goes on gets the kept result instead.

        Killed in between, it is done again. An error of ``work`` ends the run unless the handler catches it; it is
        kept like a result.
        """

    async def together(self, works: Sequence[tuple[str, Work]]) -> list[Document]:
        """Several steps at the same time, in any order; their results in the order given."""

    async def now(self) -> datetime:
        """The time, UTC, as it was when the run first came here."""

    async def sleep_until(self, moment: datetime) -> None:
        """Go on then, or at once where it has passed; longer waits belong to :attr:`Run.at`."""

    async def told(self, topic: str, until: datetime) -> Document | None:
        """The next message to this run about a topic (:meth:`Engine.tell`); ``None`` when none came by then."""

    async def note(self, document: Document) -> None:
        """Say how far it is, for whoever watches the run."""

    async def start(self, run: Run) -> None:
        """Ask for another run, once, however often this one is taken up."""

    def still_mine(self) -> None:
        """Asked just before an effect. Raises Stale where this worker was taken for dead and another one goes on."""


Handler = Callable[[Durably, Document], Awaitable[Document]]
"""Carries one kind of run out; it is given the run's document, opened and proven."""


class Engine(Protocol):
    """The engine as those see it who ask for runs and watch them; blocking.

    Every method raises Unreachable or Failed (code "engine-unavailable") when its store cannot be used.
    """

    def start(self, run: Run) -> None:
        """Ask for a run; it is kept when this returns. The same id again changes nothing."""

    def status(self, id: str) -> RunStatus:
        """Raises NotFound."""

    def runs(
        self, *, kind: str = "", states: Sequence[RunState] = (), prefix: str = "", limit: int = 100
    ) -> list[RunStatus]:
        """Runs, newest first. ``prefix``: of their ids."""

    def steps(self, id: str) -> list[StepStatus]:
        """The finished steps of a run. Raises NotFound."""

    def tell(self, id: str, topic: str, message: Document, key: str) -> None:
        """Send a run a message; the same key again is the same message."""

    def move(self, id: str, at: datetime) -> bool:
        """Let a waiting run begin at another moment; false when it is not waiting any more."""

    def cancel(self, id: str) -> None:
        """End a run after the step that it is in; nothing of it is taken back."""

    def retry(self, id: str, step: int) -> str:
        """Begin again at one step, with what the ones before it returned; the new run's id."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker as the others see it. ``alive``: it was heard of in time."""

    id: str
    host: str
    version: str
    since: datetime
    heard: datetime
    alive: bool
    kinds: tuple[str, ...] = field(default=())


class Serving(Protocol):
    """The engine as a worker has it: takes runs up, also those of workers that died or froze."""

    def serve(self, handlers: Mapping[str, Handler]) -> None:
        """Begin to take runs up; comes back once it does.

        Raises:
            Failed: another process serves with this identity already ("worker-running").
        """

    def drain(self, within: float) -> bool:
        """Take nothing new up and let what runs come to the end of its steps; false when some did not, in seconds."""

    def workers(self) -> list[WorkerStatus]: ...

    def close(self) -> None: ...
