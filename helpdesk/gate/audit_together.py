"""Entries of several threads, or of one that has many, in one commit: the disk is waited for once (R1).

Whoever gets the log's guard writes what all who wait for it want to add, and they find it done. Nobody is told a
number before the entry behind it is on the disk. When it fails, the others' entries stay for them to try.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from helpdesk.gate.audit_chain import Draft

PATIENCE = 0.03
"""Seconds that the first of a company waits for the others of it, at most; and no longer than the disk takes."""
_WORTH = 2.0
"""Times as long as writing takes: waiting longer for the others costs more than it saves."""
Write = Callable[[Sequence[Draft]], Sequence[int]]


@dataclass(eq=False, slots=True)
class _Waiting:
    drafts: Sequence[Draft]
    numbers: Sequence[int] | None = None


class Together:
    """The entries that wait.

    Args:
        guard: held by one thread at a time while it writes.
    """

    def __init__(self, guard: threading.Lock | threading.RLock) -> None:
        self._guard = guard
        self._waiting: deque[_Waiting] = deque()
        self._company = 0
        self.patience = PATIENCE
        self._took = PATIENCE
        self._changed = threading.Condition()

    @contextmanager
    def company(self) -> Iterator[None]:
        """Meanwhile there is one more who will add entries from a thread of its own, now and then."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._changed:
            self._company += more
            self._changed.notify_all()

    def _gather(self, mine: _Waiting) -> None:
        """Wait until everybody in company has come or is late, or somebody has written mine."""
        with self._changed:
            self._changed.wait_for(
                lambda: mine.numbers is not None or len(self._waiting) >= self._company,
                min(self.patience, _WORTH * self._took),
            )

    def add(self, drafts: Sequence[Draft], write: Write, *, gather: bool = False) -> Sequence[int]:
        """The entries' numbers, once they are on the disk, one after the other. Raises what writing raises.

        Args:
            write: adds entries in one transaction, in their order; all of them or none.
            gather: wait a moment for the others of a company. Never in the thread that they need to come.
        """
        if not gather and not self._waiting and self._guard.acquire(blocking=False):
            try:  # nobody else is here
                return write(drafts)
            finally:
                self._guard.release()
        mine = _Waiting(drafts)
        with self._changed:
            self._waiting.append(mine)
            self._changed.notify_all()
        try:
            if gather and self._company > 1:
                self._gather(mine)
            with self._guard:
                if mine.numbers is None:
                    self._lead(mine, write)
        except BaseException:
            with contextlib.suppress(ValueError):  # taken along, and perhaps written, before the Ctrl-C came
                self._waiting.remove(mine)
            raise
        assert mine.numbers is not None  # by whoever led
        return mine.numbers

    def _lead(self, mine: _Waiting, write: Write) -> None:
        together: list[_Waiting] = []
        while self._waiting:
            together.append(self._waiting.popleft())
        try:
            begun = time.monotonic()
            written = write([draft for one in together for draft in one.drafts])
            self._took += (time.monotonic() - begun - self._took) / 4  # as it was lately
        except BaseException:
            self._waiting.extendleft(one for one in reversed(together) if one is not mine)
            raise
        start = 0
        for one in together:
            end = start + len(one.drafts)
            one.numbers, start = written[start:end], end
        with self._changed:
            self._changed.notify_all()
