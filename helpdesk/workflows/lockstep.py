"""Branches that go on at the same time, and remember their steps in the same order each time.

Each branch runs until it has something to remember; when all of them stand there, their steps are done together. So
what is remembered has the same numbers however fast one of them was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from helpdesk.engine import Document, Durably, Run, Work

T = TypeVar("T")


@dataclass(slots=True)
class _Wish:
    """What a branch waits for. ``step``: with its name and work; else something done alone."""

    answer: asyncio.Future[Any]
    name: str = ""
    work: Work | None = None
    alone: Callable[[], Awaitable[Any]] | None = None


@dataclass
class _Branch:
    """A :class:`Durably` of one branch, which asks the others' leave."""

    durably: Durably
    wishes: asyncio.Queue[tuple[int, _Wish | None]]
    number: int

    @property
    def id(self) -> str:
        return self.durably.id

    @property
    def token(self) -> str:
        return self.durably.token

    async def _wish(self, **more: Any) -> Any:
        wish = _Wish(asyncio.get_running_loop().create_future(), **more)
        self.wishes.put_nowait((self.number, wish))
        return await wish.answer

    async def step(self, name: str, work: Work) -> Document:
        found: Document = await self._wish(name=name, work=work)
        return found

    async def together(self, works: Sequence[tuple[str, Work]]) -> list[Document]:
        found: list[Document] = await self._wish(alone=lambda: self.durably.together(works))
        return found

    async def now(self) -> datetime:
        found: datetime = await self._wish(alone=self.durably.now)
        return found

    async def sleep_until(self, moment: datetime) -> None:
        await self._wish(alone=lambda: self.durably.sleep_until(moment))

    async def told(self, topic: str, until: datetime) -> Document | None:
        found: Document | None = await self._wish(alone=lambda: self.durably.told(topic, until))
        return found

    async def note(self, document: Document) -> None:
        await self._wish(alone=lambda: self.durably.note(document))

    async def start(self, run: Run) -> None:
        await self._wish(alone=lambda: self.durably.start(run))

    def still_mine(self) -> None:
        self.durably.still_mine()


async def in_lockstep(durably: Durably, branches: Sequence[Callable[[Durably], Awaitable[T]]]) -> list[T]:
    """Run branches at the same time; their results in the order given.

    A branch that raises ends them all, once every one of them stands still: nothing is left half begun.
    """
    wishes: asyncio.Queue[tuple[int, _Wish | None]] = asyncio.Queue()

    async def run(number: int, branch: Callable[[Durably], Awaitable[T]]) -> T:
        try:
            return await branch(_Branch(durably, wishes, number))
        finally:
            wishes.put_nowait((number, None))

    tasks = [asyncio.ensure_future(run(number, branch)) for number, branch in enumerate(branches)]
    try:
        await _serve(durably, wishes, tasks)
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(
    durably: Durably, wishes: asyncio.Queue[tuple[int, _Wish | None]], tasks: Sequence[asyncio.Future[Any]]
) -> None:
    open_ = set(range(len(tasks)))
    standing: dict[int, _Wish] = {}
    while open_:
        while len(standing) < len(open_):
            number, wish = await wishes.get()
            if wish is None:
                open_.discard(number)
            else:
                standing[number] = wish
        if any(task.done() and not task.cancelled() and task.exception() for task in tasks):
            return
        round_, standing = [standing[number] for number in sorted(standing)], {}
        await _answer(durably, round_)


async def _answer(durably: Durably, round_: Sequence[_Wish]) -> None:
    """Fulfil what every branch stands at: first what each does alone, then the steps of all together."""
    for wish in round_:
        if wish.alone is not None:
            try:
                wish.answer.set_result(await wish.alone())
            except Exception as error:  # noqa: BLE001 - it belongs to the branch that asked
                wish.answer.set_exception(error)
    steps = [wish for wish in round_ if wish.work is not None]
    if not steps:
        return
    works = [(wish.name, wish.work) for wish in steps if wish.work is not None]
    found = await durably.together(works) if len(works) > 1 else [await durably.step(*works[0])]
    for wish, document in zip(steps, found, strict=True):
        wish.answer.set_result(document)
