"""How far each place outside knows the log, and when it was tried last: one small file for each.

It holds a number, the last checkpoint and one sentence, never what is still to be sent: that stands in the log itself.
It lies in the log's folder, so that a log that begins anew is sent from its beginning.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.canonical import digest
from helpdesk.errors import Failed
from helpdesk.platform import lock, private_file, read_private, write_private

FOLDER = "outside"
_PAUSE = 0.02
FIRST_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(minutes=10)
RESIDENT_WAIT = timedelta(seconds=40)
"""Where the program stays open and nobody waits for the sending: a place is tried again within a minute."""
UNFINISHED = "The last try had not ended when the program did."


@dataclass(frozen=True, slots=True)
class Cursor:
    """One place.

    Attributes:
        sent: entries that it knows. note: the last checkpoint it took. at: when it took something last.
        tried: when sending began last. failures: tries in a row that did not succeed. problem: of the last one.
    """

    sent: int = 0
    note: str = ""
    at: datetime | None = None
    tried: datetime | None = None
    failures: int = 0
    problem: str = ""

    def next_try(self, longest: timedelta = LONGEST_WAIT) -> datetime | None:
        """Not before; ``None``: at once. The wait doubles with each failure, up to the longest."""
        if not self.failures or self.tried is None:
            return None
        return self.tried + min(FIRST_WAIT * (1 << min(self.failures - 1, 10)), longest)

    def due(self, now: datetime, longest: timedelta = LONGEST_WAIT) -> bool:
        """A clock that was put back makes nothing wait."""
        wait = self.next_try(longest)
        return wait is None or self.tried is None or now >= wait or now < self.tried


class Cursors:
    """The files.

    Args:
        folder: of the log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    @contextmanager
    def alone(self, name: str, seconds: float) -> Iterator[bool]:
        """Nobody else sends to this place meanwhile; false where somebody does, and goes on for so many seconds.

        The system lets the lock go when the process ends, however. Raises Failed, OSError.
        """
        path = self._file(name).with_suffix(".lock")
        private_file(path)
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        try:
            end = time.monotonic() + seconds
            while not (held := lock(descriptor)) and time.monotonic() < end:
                time.sleep(_PAUSE)
            yield held
        finally:
            os.close(descriptor)

    def read(self, name: str) -> Cursor:
        """Raises Failed."""
        path = self._file(name)
        try:
            found: dict[str, Any] = json.loads(read_private(path))
            times = {key: _time(found[key]) for key in ("at", "tried")}
            return Cursor(**{**found, **times})
        except FileNotFoundError:
            return Cursor()
        except (ValueError, TypeError, KeyError) as error:
            raise Failed(
                f"What {name} knows of the log cannot be read in {path}: the file is damaged.",
                hint="Remove that file; everything is then sent there once more.",
            ) from error

    def trying(self, name: str, now: datetime) -> None:
        """Sending begins: until :meth:`delivered`, that is a failure, whatever becomes of this process."""
        old = self.read(name)
        self._write(name, replace(old, tried=now, failures=old.failures + 1, problem=UNFINISHED))

    def failed(self, name: str, problem: str) -> None:
        self._write(name, replace(self.read(name), problem=problem))

    def delivered(self, name: str, sent: int, note: str, now: datetime) -> None:
        """It knows so many entries; what it knew before it does not forget."""
        old = self.read(name)
        new = replace(old, sent=max(old.sent, sent), note=note, at=now, failures=0, problem="")
        self._write(name, new)

    def _write(self, name: str, cursor: Cursor) -> None:
        document = {
            "sent": cursor.sent,
            "note": cursor.note,
            "at": cursor.at.isoformat() if cursor.at else None,
            "tried": cursor.tried.isoformat() if cursor.tried else None,
            "failures": cursor.failures,
            "problem": cursor.problem,
        }
        write_private(self._file(name), json.dumps(document).encode())

    def _file(self, name: str) -> Path:
        return self._folder / f"{digest(name)[:16]}.json"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
