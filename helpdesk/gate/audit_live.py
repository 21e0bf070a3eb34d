"""Which intents are being carried out right now, by a process that lives.

Each run of an action holds a lock on a file of its own from before its intent is visible until its outcome is
logged (or could not be). The system lets the lock go when the process ends, kill -9 and power cuts included,
so an intent without an outcome whose lock is free was interrupted, and one whose lock is held was not: another
helpdesk does not reconcile it under the feet of the one that carries it out.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from pathlib import Path

from helpdesk.platform import lock, open_new_private, private_folder


class Runs:
    """The runs of this process, and a look at everybody's.

    Args:
        folder: where the lock files are; private, made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._held: dict[str, int] = {}
        self._intents: dict[int, str] = {}

    def begin(self) -> str:
        """A new run with its lock held. Raises Failed, OSError."""
        private_folder(self._folder)
        run = secrets.token_hex(8)
        path = self._folder / run
        descriptor = open_new_private(path)  # need not outlive a power cut, as the run does not
        if not lock(descriptor):  # a new file with a random name: nobody else can hold it
            os.close(descriptor)
            raise OSError(f"the lock on {path} could not be taken")
        with self._guard:
            self._held[run] = descriptor
        return run

    def logged(self, run: str, intent: int) -> None:
        """The run's intent is in the log under this number."""
        with self._guard:
            self._intents[intent] = run

    def ended(self, intent: int) -> None:
        """The run of an intent is over; nothing happens when it is another process's."""
        with self._guard:
            run = self._intents.pop(intent, "")
        if run:
            self.drop(run)

    def drop(self, run: str) -> None:
        """Let a run's lock go and take its file away."""
        with self._guard:
            descriptor = self._held.pop(run, None)
        if descriptor is not None:
            os.close(descriptor)
            with contextlib.suppress(OSError):  # a file that stays is of a dead run, and is cleared as such
                (self._folder / run).unlink()

    def alive(self, run: str) -> bool:
        """Whether a process, this one or another, is carrying the run out now; a dead run's file is cleared."""
        if not run or Path(run).name != run:
            return False
        path = self._folder / run
        try:
            descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return False
        try:
            if not lock(descriptor, shared=True):
                return True
        finally:
            os.close(descriptor)
        path.unlink(missing_ok=True)
        return False

    def close(self) -> None:
        """Let go of every run of this process."""
        for run in list(self._held):
            self.drop(run)
