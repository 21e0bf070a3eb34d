"""What a handler is given: steps that DBOS remembers, each sealed into its place.

A run that has to wait is put aside as a row and begun again when it may go on; its kept steps bring it back to where
it was. So a wait of months costs neither a thread nor memory, whatever the handler looks like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn, ParamSpec, TypeVar

from dbos import DBOS
from dbos._context import get_local_dbos_context
from sqlalchemy.exc import SQLAlchemyError

from helpdesk.connectors.durable.client import DbosEngine
from helpdesk.connectors.durable.database import Store, unavailable
from helpdesk.connectors.durable.kept import broken, kept_error, raised
from helpdesk.connectors.durable.lease import Lease
from helpdesk.connectors.durable.rows import plain
from helpdesk.connectors.durable.sealing import Forged, Sealer, body_of
from helpdesk.engine import Document, Run, Work
from helpdesk.errors import Failed, HelpdeskError, Stale, Unreachable

FENCED = "worker-fenced"
"""The code of the error for a worker that others have taken for dead."""
_AWAKE = timedelta(seconds=2)
"""A shorter wait is waited out on the spot."""
_LOOK = 0.25
_PAUSES = (0.1, 2.0)
P = ParamSpec("P")
T = TypeVar("T")

Telling = Callable[..., None]
"""Called with the name of what happened and its values, for the worker's log."""


class Aside(BaseException):
    """The run is put aside; nothing of this execution is kept any more.

    Args:
        until: when it goes on. topic: of the message that it waits for until then.
    """

    def __init__(self, until: datetime, topic: str = "") -> None:
        super().__init__(until)
        self.until = until
        self.topic = topic


@dataclass(slots=True)
class Worker:
    """What the runs of one worker share.

    Attributes:
        token: of this process. draining: no further step is begun here.
    """

    store: Store
    sealer: Sealer
    engine: DbosEngine
    clock: Callable[[], datetime]
    token: str
    lease: Lease
    telling: Telling
    draining: bool = False


class DbosDurably:
    """:class:`helpdesk.engine.Durably`, for one execution of one run.

    Args:
        inherited: the kept steps of the run that this one repeats, from its first.
    """

    def __init__(self, worker: Worker, id: str, inherited: Sequence[Document]) -> None:
        self._worker = worker
        self._id = id
        self._inherited = inherited
        self._number = 0
        self._taken: set[str] = set()
        self._before: dict[int, tuple[str, Any]] = {}
        self._read = False
        self._generation = worker.lease.generation
        context = get_local_dbos_context()
        self._owner = context.owner_xid if context is not None else None

    @property
    def id(self) -> str:
        return self._id

    @property
    def token(self) -> str:
        return self._worker.token

    # ── steps ─────────────────────────────────────────────────────────────────────────────────

    async def step(self, name: str, work: Work) -> Document:
        try:
            return await self._reserved(name, work)
        except Aside as aside:
            await self._give_back(aside)
            raise

    async def together(self, works: Sequence[tuple[str, Work]]) -> list[Document]:
        begun = [asyncio.ensure_future(one) for one in [self._reserved(name, work) for name, work in works]]
        ended = await asyncio.gather(
            *begun, return_exceptions=True
        )  # each comes to the end of its step first
        asides = [one for one in ended if isinstance(one, Aside)]
        if asides:
            first = min(asides, key=lambda aside: aside.until)
            await self._give_back(first)
            raise first
        wrong = [one for one in ended if isinstance(one, BaseException)]
        for one in sorted(wrong, key=lambda one: isinstance(one, Exception)):
            raise one
        return [one for one in ended if not isinstance(one, BaseException)]

    async def now(self) -> datetime:
        async def look() -> Document:
            return {"now": self._worker.clock().isoformat()}

        return datetime.fromisoformat((await self.step("now", look))["now"])

    async def sleep_until(self, moment: datetime) -> None:
        async def woken() -> Document:
            while (left := moment - self._worker.clock()) > timedelta(0):
                if left > _AWAKE:
                    raise Aside(moment)
                await asyncio.sleep(min(left.total_seconds(), _LOOK))
            return {"until": moment.isoformat()}

        await self.step("sleep", woken)

    async def told(self, topic: str, until: datetime) -> Document | None:
        async def heard() -> Document:
            while True:
                key, message = await self._patiently(self._next_message, topic)
                left = until - self._worker.clock()
                if message is not None or left <= timedelta(0):
                    return {"message": message, "key": key}
                if left > _AWAKE:
                    raise Aside(until, topic)
                await asyncio.sleep(_LOOK)

        kept = await self.step(f"told:{topic}", heard)
        self._taken.add(kept["key"])
        message: Document | None = kept["message"]
        return message

    async def note(self, document: Document) -> None:
        sealed = self._worker.sealer.seal(("note", self._id), document)
        await self._patiently(self._keep_note, sealed)

    def _keep_note(self, sealed: str) -> None:
        self._worker.store.write(
            "INSERT INTO {s}engine_notes (run, sealed) VALUES (:run, :sealed) "
            "ON CONFLICT (run) DO UPDATE SET sealed = excluded.sealed",
            run=self._id,
            sealed=sealed,
        )

    async def start(self, run: Run) -> None:
        async def ask() -> Document:
            await self._patiently(self._worker.engine.start, run)
            return {"run": run.id}

        await self.step(f"start:{run.id}", ask)

    def still_mine(self) -> None:
        if not self._worker.lease.holds(self._generation) or not self._owned():
            raise Stale(
                "This worker was taken for dead, and another one goes on.",
                hint="Nothing has to be done: the other worker finishes the run.",
                code=FENCED,
            )

    async def leave(self, until: datetime) -> NoReturn:
        """Give the run back untouched until a moment. Raises Aside, which ends this execution."""
        aside = Aside(until)
        await self._give_back(aside)
        raise aside

    # ── ──────────────────────────────────────────────────────────────────────────────────────

    def _reserved(self, name: str, work: Work) -> Coroutine[Any, Any, Document]:
        """Takes the next number at once, so that steps which run together keep their order."""
        self._number += 1
        return self._kept(self._number, DBOS.reserve_step(), name, work)

    async def _kept(self, number: int, reservation: Any, name: str, work: Work) -> Document:
        place = ("step", self._id, str(number), name)
        if number in self._before:
            was, sealed = self._before.pop(number)
            if was != name:
                raise Failed(
                    f"Step {number} of {self._id} was {was!r} before, and is {name!r} now.",
                    hint="Another version of the program began the run; let a worker of that version finish it.",
                    code="run-changed",
                )
            return self._opened(place, sealed)
        done = False

        async def do() -> str:
            nonlocal done
            done = True
            if self._worker.draining:
                raise Aside(self._worker.clock())
            return self._worker.sealer.seal(place, await self._done(number, name, work))

        sealed = await reservation.run_async({"name": name}, do)
        if not done and not self._read:  # it was taken up again: the rest of what is kept comes in one look
            self._read = True
            self._before = await self._patiently(self._kept_before, number)
        return _result(body_of(sealed)) if done else self._opened(place, sealed)

    def _kept_before(self, number: int) -> dict[int, tuple[str, Any]]:
        """The kept steps after one, by their numbers: their names and what the database holds; blocking."""
        rows = self._worker.store.read(
            "SELECT function_id, function_name, output FROM {s}operation_outputs "
            "WHERE workflow_uuid = :id AND function_id > :number AND output IS NOT NULL",
            id=self._id,
            number=number,
        )
        return {int(at): (str(name), plain(output)) for at, name, output in rows}

    def _opened(self, place: tuple[str, ...], sealed: Any) -> Document:
        return _result(self._worker.sealer.open(place, sealed))

    async def _done(self, number: int, name: str, work: Work) -> Document:
        if number <= len(self._inherited):
            one = self._inherited[number - 1]
            if one["name"] == name:
                kept: Document = one["kept"]
                return kept
        try:
            return {"result": await work()}
        except HelpdeskError as error:
            if error.code == FENCED:  # not an outcome of the step: whoever has the run now does it
                raise Aside(self._worker.clock()) from None
            return {"error": kept_error(error)}
        except Exception as error:  # noqa: BLE001 - kept like a result
            self._worker.telling("step-broke", run=self._id, step=name, error=error)
            return {"error": kept_error(broken(error))}

    async def _give_back(self, aside: Aside) -> None:
        """Make the run a waiting row, unless it is another's by now."""

        def give_back() -> None:
            store = self._worker.store
            store.write(
                "UPDATE {s}workflow_status SET status = 'DELAYED', delay_until_epoch_ms = :until, owner_xid = NULL, "
                "started_at_epoch_ms = NULL, updated_at = {now} "
                "WHERE workflow_uuid = :id AND status = 'PENDING' AND owner_xid = :owner",
                id=self._id,
                until=int(aside.until.timestamp() * 1000),
                owner=self._owner,
            )
            if aside.topic and self._next_message(aside.topic)[1] is not None:  # it came in between
                store.wake(self._id)

        await self._patiently(give_back)

    async def _patiently(self, work: Callable[P, T], /, *args: P.args, **more: P.kwargs) -> T:
        """The result of something that needs the store: while that is away, this waits for it, as DBOS does."""
        pause = _PAUSES[0]
        while True:
            try:
                return await asyncio.to_thread(work, *args, **more)
            except (SQLAlchemyError, Unreachable) as error:
                away = (
                    unavailable(self._worker.store.place, error)
                    if isinstance(error, SQLAlchemyError)
                    else error
                )
                if not isinstance(away, Unreachable):
                    raise away from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PAUSES[1])

    def _next_message(self, topic: str) -> tuple[str, Document | None]:
        """The oldest message that no kept step has yet; blocking."""
        rows = self._worker.store.read(
            "SELECT message, sealed FROM {s}engine_messages WHERE run = :run AND topic = :topic ORDER BY sent, message",
            run=self._id,
            topic=topic,
        )
        for key, sealed in rows:
            if key in self._taken:
                continue
            try:
                return key, self._worker.sealer.open(("message", self._id, topic, key), sealed)
            except Forged as error:
                self._worker.telling("forged", run=self._id, error=error)
        return "", None

    def _owned(self) -> bool:
        """Whether the row says so too. While the store is away nobody can have taken over; the lease is enough."""
        try:
            rows = self._worker.store.read(
                "SELECT owner_xid FROM {s}workflow_status WHERE workflow_uuid = :id", id=self._id
            )
        except SQLAlchemyError:
            return True
        return bool(rows) and rows[0][0] == self._owner


def _result(kept: Document) -> Document:
    """What a step returned. Raises what it raised."""
    if "error" in kept:
        raise raised(kept["error"])
    result: Document = kept["result"]
    return result
