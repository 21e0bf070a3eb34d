"""Where work waits for a disk or a server: beside an event loop, or in place on a loop that serves one call alone.

A loop that serves a person must never wait, so what waits there goes to a thread. A row of a batch has a thread and a
loop of its own, a lane: nothing else waits for it, and handing each of its dozen short waits to yet another thread
takes longer than most of them do.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_here = threading.local()


def in_lane() -> bool:
    """Whether this thread's loop serves one call alone."""
    return getattr(_here, "loop", None) is not None


async def waited(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of something that waits: in a thread, or in place within a lane. Raises what it raises."""
    if in_lane():
        return call(*args, **kwargs)
    return await asyncio.to_thread(call, *args, **kwargs)


class Lanes:
    """Threads with an event loop each; whole coroutines run in them beside the caller's loop.

    What runs in one must wait by :func:`waited`, and has a deadline only where what it waits for has one.

    Args:
        many: so many coroutines at the same time. name: of the threads.
    """

    def __init__(self, many: int, name: str) -> None:
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._threads = ThreadPoolExecutor(many, name, initializer=self._open)

    def _open(self) -> None:
        _here.loop = asyncio.new_event_loop()
        self._loops.append(_here.loop)

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine to its end in the next free lane; its result. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _whole, work)

    def close(self) -> None:
        """Once nothing runs in them any more."""
        self._threads.shutdown()
        for loop in self._loops:
            loop.close()


def _whole(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    loop: asyncio.AbstractEventLoop = _here.loop
    return loop.run_until_complete(work())
