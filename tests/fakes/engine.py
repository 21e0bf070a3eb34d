"""An engine in memory with real crashes: what a process had in its memory is gone, what was kept is there.

A run that has to wait is put aside and begun again from its start when it may go on, exactly as after a crash, so
a handler that is not deterministic between its steps is found out. A dead process can keep nothing any more.

    clock = Moving(); engine = FakeEngine(clock)
    engine.start(Run("R-1", "request", {...}))
    first = engine.process({"request": handler})
    engine.die_at("grant:effect", Death.LOST)      # the effect happens, its result is not kept
    first.work()                                   # returns; first.dead is true now
    engine.process({"request": handler}).work()    # another token takes it up
    assert engine.status("R-1").state is RunState.DONE
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from helpdesk.canonical import canonical
from helpdesk.connectors.durable.kept import broken, kept_error, raised
from helpdesk.engine import Document, Handler, Run, RunState, RunStatus, StepStatus, Work
from helpdesk.errors import HelpdeskError, NotFound, Stale

ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


class Moving:
    """A clock that only the test moves; call it for the time."""

    def __init__(self, start: datetime = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        """``advance(hours=3)``: as :class:`timedelta` takes it."""
        self.moment += timedelta(**span)


class Death(Enum):
    """When the process dies: before the step's work, after it but before its result is kept, or after that."""

    BEFORE = auto()
    LOST = auto()
    KEPT = auto()


class Killed(BaseException):
    """kill -9. Nothing that runs on the way out of it can keep anything."""


class _Aside(BaseException):
    """The run waits; it is begun again when it may go on."""


class _Cancelled(BaseException):
    """Somebody ended the run."""


@dataclass
class _Kept:
    name: str
    result: Document | None
    error: Document | None
    begun: datetime
    ended: datetime


@dataclass
class _Row:
    run: Run
    created: datetime
    updated: datetime
    state: RunState
    at: datetime | None
    steps: dict[int, _Kept] = field(default_factory=dict)
    messages: list[tuple[str, Document, str]] = field(default_factory=list)
    token: str = ""
    note: Document | None = None
    result: Document | None = None
    error: Document | None = None
    wakes: datetime | None = None
    topic: str = ""
    inherited: dict[int, _Kept] = field(default_factory=dict)

    def taken(self, message: int) -> bool:
        """Whether a kept step has this message already."""
        return any(
            kept.name.startswith("told:") and (kept.result or {}).get("at") == message
            for kept in self.steps.values()
        )


class FakeEngine:
    """The client's side (:class:`helpdesk.engine.Engine`) and the store; see the module."""

    def __init__(self, clock: Moving | None = None) -> None:
        self.clock = clock or Moving()
        self.rows: dict[str, _Row] = {}
        self.deaths: list[tuple[str | int, Death, str]] = []
        self.processes: list[Process] = []
        self.worked: list[tuple[str, str, str]] = []
        """(token, run, step) of every work that was begun, in order: counts what happened twice."""

    # ── what a test says ──────────────────────────────────────────────────────────────────────

    def process(self, handlers: Mapping[str, Handler]) -> Process:
        """A new worker process, with a token of its own; runs of dead processes are its to take up."""
        made = Process(self, handlers)
        self.processes.append(made)
        return made

    def die_at(self, step: str | int, death: Death = Death.LOST, run: str = "") -> None:
        """The process that comes to this step next (its name, or its number from 1) dies there, once."""
        self.deaths.append((step, death, run))

    def times(self, run: str, step: str) -> int:
        """How often the work of a step was begun."""
        return sum(1 for _, one, name in self.worked if (one, name) == (run, step))

    # ── Engine ────────────────────────────────────────────────────────────────────────────────

    def start(self, run: Run) -> None:
        canonical(run.document)
        if run.id in self.rows:
            return
        now = self.clock()
        waits = run.at is not None and run.at > now
        state = RunState.WAITING if waits else RunState.QUEUED
        self.rows[run.id] = _Row(run, now, now, state, run.at)

    def status(self, id: str) -> RunStatus:
        return self._status(self._row(id))

    def runs(
        self, *, kind: str = "", states: Sequence[RunState] = (), prefix: str = "", limit: int = 100
    ) -> list[RunStatus]:
        found = [
            self._status(row)
            for row in reversed(self.rows.values())
            if (not kind or row.run.kind == kind) and row.run.id.startswith(prefix)
        ]
        return [one for one in found if not states or one.state in states][:limit]

    def steps(self, id: str) -> list[StepStatus]:
        return [
            StepStatus(
                number,
                kept.name,
                kept.result,
                kept.error["message"] if kept.error else "",
                kept.begun,
                kept.ended,
            )
            for number, kept in sorted(self._row(id).steps.items())
        ]

    def tell(self, id: str, topic: str, message: Document, key: str) -> None:
        canonical(message)
        row = self._row(id)
        if all(known != key for _, _, known in row.messages):
            row.messages.append((topic, message, key))

    def move(self, id: str, at: datetime) -> bool:
        row = self._row(id)
        if row.state is not RunState.WAITING:
            return False
        row.at, row.updated = at, self.clock()
        return True

    def cancel(self, id: str) -> None:
        row = self._row(id)
        if row.state not in ENDED:
            row.state, row.updated = RunState.CANCELLED, self.clock()

    def retry(self, id: str, step: int) -> str:
        row = self._row(id)
        root = id.partition("~")[0]
        number = 2
        while f"{root}~{number}" in self.rows:
            number += 1
        self.start(replace(row.run, id=f"{root}~{number}", at=None))
        self.rows[f"{root}~{number}"].inherited = {at: one for at, one in row.steps.items() if at < step}
        return f"{root}~{number}"

    def close(self) -> None:
        pass

    def _row(self, id: str) -> _Row:
        try:
            return self.rows[id]
        except KeyError:
            raise NotFound(f"There is no run {id}.") from None

    def _status(self, row: _Row) -> RunStatus:
        return RunStatus(
            id=row.run.id,
            kind=row.run.kind,
            state=row.state,
            document=row.run.document,
            created=row.created,
            updated=row.updated,
            at=row.at,
            worker=row.token,
            note=row.note,
            result=row.result,
            error=row.error["message"] if row.error else "",
        )


class Process:
    """A worker process. ``token``: its own. ``dead``: killed; it keeps nothing from then on."""

    def __init__(self, engine: FakeEngine, handlers: Mapping[str, Handler]) -> None:
        self.engine = engine
        self.handlers = handlers
        self.token = secrets.token_hex(8)
        self.dead = False
        self.frozen = False

    def freeze(self) -> None:
        """It is taken for dead and others take its runs up; but it goes on, and only the fence can stop it."""
        self.frozen = True

    def work(self) -> None:
        """Take runs up until none can go on, or until the process dies; runs of living others are theirs."""
        asyncio.run(self.working())

    async def working(self) -> None:
        """Like :meth:`work`, inside a test that has an event loop."""
        while not self.dead:
            row = self._next()
            if row is None:
                return
            await self._carry(row)

    def _next(self) -> _Row | None:
        now = self.engine.clock()
        gone = {one.token for one in self.engine.processes if one.dead or one.frozen}
        for row in list(self.engine.rows.values()):
            if row.run.kind not in self.handlers or row.state in ENDED:
                continue
            if row.state is RunState.WAITING and (row.at is None or row.at <= now):
                row.state = RunState.QUEUED
            if row.state is RunState.QUEUED:
                return row
            if row.state is RunState.RUNNING and row.token in gone and row.token != self.token:
                return row
            if row.state is RunState.RUNNING and row.token == self.token and self._may_go_on(row, now):
                return row
        return None

    def _may_go_on(self, row: _Row, now: datetime) -> bool:
        told = any(one[0] == row.topic and not row.taken(i) for i, one in enumerate(row.messages))
        return row.wakes is not None and (row.wakes <= now or told)

    async def _carry(self, row: _Row) -> None:
        row.state, row.token, row.wakes, row.topic = RunState.RUNNING, self.token, None, ""
        durably = FakeDurably(self, row)
        try:
            result = await self.handlers[row.run.kind](durably, row.run.document)
            durably.alive()
            canonical(result)
            row.state, row.result = RunState.DONE, result
        except (_Aside, _Cancelled):
            return
        except Killed:
            self.dead = True
            return
        except Exception as error:  # noqa: BLE001 - whatever breaks ends the run, as in a real worker
            if self.dead:
                return
            row.state, row.error = RunState.FAILED, kept_error(error)
        row.updated = self.engine.clock()


class FakeDurably:
    """What the handler is given; :class:`helpdesk.engine.Durably`."""

    def __init__(self, process: Process, row: _Row) -> None:
        self._process = process
        self._engine = process.engine
        self._row = row
        self._number = 0

    @property
    def id(self) -> str:
        return self._row.run.id

    @property
    def token(self) -> str:
        return self._process.token

    def alive(self) -> None:
        """Raises what ends a run whose process is dead, or that somebody ended."""
        if self._process.dead:
            raise Killed
        if self._row.state is RunState.CANCELLED:
            raise _Cancelled

    def still_mine(self) -> None:
        if self._process.frozen or self._row.token != self._process.token:
            raise Stale("This worker was taken for dead, and another one goes on.", code="worker-fenced")

    async def step(self, name: str, work: Work) -> Document:
        return await self._numbered(self._take(), name, work)

    async def together(self, works: Sequence[tuple[str, Work]]) -> list[Document]:
        numbered = [(self._take(), name, work) for name, work in works]
        ended = await asyncio.gather(*(self._numbered(*one) for one in numbered), return_exceptions=True)
        wrong = [one for one in ended if isinstance(one, BaseException)]
        for one in sorted(wrong, key=lambda one: isinstance(one, Exception)):
            raise one
        return [one for one in ended if not isinstance(one, BaseException)]

    async def now(self) -> datetime:
        async def look() -> Document:
            return {"now": self._engine.clock().isoformat()}

        return datetime.fromisoformat((await self._numbered(self._take(), "now", look, counted=False))["now"])

    async def sleep_until(self, moment: datetime) -> None:
        number = self._take()
        if number not in self._row.steps and moment > self._engine.clock():
            self._aside(moment)

        async def woken() -> Document:
            return {"until": moment.isoformat()}

        await self._numbered(number, "sleep", woken, counted=False)

    async def told(self, topic: str, until: datetime) -> Document | None:
        number = self._take()
        row = self._row
        at: int | None = None
        if number not in row.steps and number not in row.inherited:
            at = next((i for i, one in enumerate(row.messages) if one[0] == topic and not row.taken(i)), None)
            if at is None and until > self._engine.clock():
                self._aside(until, topic)

        async def heard() -> Document:
            return {"message": None if at is None else row.messages[at][1], "at": at}

        result = await self._numbered(number, f"told:{topic}", heard, counted=False)
        message: Document | None = result["message"]
        return message

    async def note(self, document: Document) -> None:
        self.alive()
        canonical(document)
        self._row.note = document

    async def start(self, run: Run) -> None:
        async def ask() -> Document:
            self._engine.start(run)
            return {"run": run.id}

        await self._numbered(self._take(), f"start:{run.id}", ask)

    # ── ──────────────────────────────────────────────────────────────────────────────────────

    def _take(self) -> int:
        self._number += 1
        return self._number

    def _aside(self, moment: datetime, topic: str = "") -> None:
        self.alive()
        self._row.wakes, self._row.topic = moment, topic
        raise _Aside

    async def _numbered(self, number: int, name: str, work: Work, *, counted: bool = True) -> Document:
        self.alive()
        kept = self._row.steps.get(number) or self._row.inherited.get(number)
        if kept is None:
            kept = await self._done(number, name, work, counted)
        else:
            self._row.steps[number] = kept
        assert kept.name == name, f"step {number} of {self.id} was {kept.name!r}, and is {name!r} now"
        if kept.error is not None:
            raise raised(kept.error)
        assert kept.result is not None
        return kept.result

    async def _done(self, number: int, name: str, work: Work, counted: bool) -> _Kept:
        self._die(number, name, Death.BEFORE)
        begun = self._engine.clock()
        if counted:
            self._engine.worked.append((self.token, self.id, name))
        result: Document | None = None
        error: Document | None = None
        try:
            result = await work()
            canonical(result)
        except Exception as wrong:  # noqa: BLE001 - kept like a result
            error = kept_error(wrong if isinstance(wrong, HelpdeskError) else broken(wrong))
        self._die(number, name, Death.LOST)
        if self._process.dead:
            raise Killed
        if number in self._row.steps:  # whoever took over was faster: its result stands
            raise _Aside
        kept = _Kept(name, result, error, begun, self._engine.clock())
        self._row.steps[number] = kept
        self._row.updated = kept.ended
        self._die(number, name, Death.KEPT)
        return kept

    def _die(self, number: int, name: str, death: Death) -> None:
        for one in self._engine.deaths:
            step, when, run = one
            if when is death and step in (number, name) and run in ("", self.id):
                self._engine.deaths.remove(one)
                self._process.dead = True
                raise Killed
