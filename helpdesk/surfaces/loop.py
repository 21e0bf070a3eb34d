"""Runs one coroutine to its end, and lets Ctrl-C, SIGTERM and SIGHUP end it in good order (R6).

The first signal cancels the work; what is being carried out still finishes and is logged. The second one
restores the terminal and ends the process at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from helpdesk.errors import Exit
from helpdesk.platform import ending_signals

T = TypeVar("T")


class Interrupted(BaseException):
    """A signal ended the work. ``exit`` is the process's exit code."""

    def __init__(self, exit: int) -> None:
        super().__init__(exit)
        self.exit = exit


class Ending(Protocol):
    """What a terminal does about signals; see :class:`helpdesk.surfaces.terminal.Terminal`."""

    def interrupt(self) -> None: ...

    def end_soon(self) -> None: ...

    def restore(self) -> None: ...


_turns: list[asyncio.Task[Any]] = []


@contextmanager
def interruptible(turn: asyncio.Task[Any]) -> Iterator[None]:
    """The first Ctrl-C meanwhile ends this part of the work and not the whole; the next one ends it all."""
    _turns.append(turn)
    try:
        yield
    finally:
        _turns.remove(turn)


def exit_code(number: int) -> int:
    """128 and the signal's number, as shells have it."""
    return Exit.INTERRUPTED if number == signal.SIGINT else 128 + number


def run(work: Coroutine[Any, Any, T], terminal: Ending) -> T:
    """The coroutine's result.

    Raises:
        Interrupted: a signal ended it.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    stopped: list[int] = []

    def asked(number: int) -> None:
        if stopped:
            terminal.restore()
            os._exit(exit_code(number))
        if number == signal.SIGINT and _turns and not _turns[-1].cancelling():
            terminal.interrupt()
            _turns[-1].cancel()
            return
        stopped.append(number)
        if number == signal.SIGINT:
            terminal.interrupt()
        else:
            terminal.end_soon()
        task.cancel()

    handled = _listen(loop, asked)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(task)
    except (asyncio.CancelledError, KeyboardInterrupt):
        if not stopped:
            stopped.append(signal.SIGINT)
        raise Interrupted(exit_code(stopped[0])) from None
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
        if handled:
            _until_the_end(terminal)
        _close(loop)


def _listen(loop: asyncio.AbstractEventLoop, asked: Any) -> list[int]:
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        return []
    numbers = [signal.SIGINT, *ending_signals()]
    for number in numbers:
        loop.add_signal_handler(number, asked, number)
    return [int(number) for number in numbers]


def _until_the_end(terminal: Ending) -> None:
    """Outside of the loop, Ctrl-C is Python's again, and the others unwind the program."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in ending_signals():
        signal.signal(number, _leave(terminal))


def _leave(terminal: Ending) -> Any:
    def leave(number: int, _: object) -> None:
        terminal.restore()
        raise Interrupted(exit_code(number))

    return leave


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Without waiting for worker threads: one that hangs on a dead server must not hold the person up."""
    try:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
