"""Whose turn it is to write the log: a lock of the system in front of SQLite's own.

SQLite's waiting is a nap and another try, and who naps longest is not served first. A lock on a file wakes the one
who waits, at once and in the order they came. It decides nothing: only one writer gets into the database in any
case, and where this lock is missing, waiting is as it was.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from helpdesk.platform import lock, private_file, reopen_private, unlock, wait_for_lock

FILE = "writer"
_WAITS = sys.platform != "win32"  # there a wait cannot be woken: SQLite's own has to do


class Turn:
    """A turn to write, as a context; used by one thread at a time, which may take it again while it has it.

    Args:
        folder: where the log's files are. busy: seconds to wait for it.

    Raises (on entering):
        sqlite3.OperationalError: the others took too long. Failed, OSError: the file cannot be used.
    """

    def __init__(self, folder: Path, busy: float) -> None:
        self._path = folder / FILE
        self._busy = busy
        self._descriptor: int | None = None
        self._depth = 0
        self._waiter: _Waiter | None = None

    def __enter__(self) -> None:
        self.take()

    def take(self, before_waiting: Callable[[], None] | None = None) -> None:
        """As on entering; :meth:`give` it back.

        Args:
            before_waiting: called where another process has it.
        """
        if self._depth == 0 and _WAITS:
            self._take(before_waiting)
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self.give()

    def give(self) -> None:
        """As on leaving."""
        self._depth -= 1
        if self._depth == 0 and self._descriptor is not None:
            unlock(self._descriptor)

    def _take(self, before_waiting: Callable[[], None] | None) -> None:
        if self._descriptor is None:
            private_file(self._path)
            self._descriptor = reopen_private(self._path)
        if lock(self._descriptor):
            return
        if before_waiting is not None:
            before_waiting()
        if self._waiter is None:
            self._waiter = _Waiter(self._descriptor)
        try:
            taken = self._waiter.wait(self._busy)
        except BaseException:  # a Ctrl-C while it waits
            self.close()
            raise
        if not taken:
            self.close()
            error = sqlite3.OperationalError("the log is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error

    def close(self) -> None:
        """Let the file go; it is opened again when it is needed."""
        if self._waiter is not None:
            self._waiter.end()
            self._waiter = None
        elif self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


class _Waiter:
    """A thread that waits for the lock on behalf of another, which so can give up after a while.

    It closes the descriptor when it is told to end, which lets go of the lock as well.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked = threading.Semaphore(0)
        self._taken = threading.Semaphore(0)
        self._ended = False
        threading.Thread(target=self._work, name="helpdesk-log-turn", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether the lock was taken in this time; when not, this must be ended."""
        self._asked.release()
        return self._taken.acquire(timeout=seconds)

    def end(self) -> None:
        self._ended = True
        self._asked.release()

    def _work(self) -> None:
        try:
            while True:
                self._asked.acquire()
                if self._ended:
                    return
                wait_for_lock(self._descriptor)
                self._taken.release()
        finally:
            os.close(self._descriptor)
