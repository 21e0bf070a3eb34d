"""What stands beside the log about a batch: who runs it now, which file its secrets go to, and which are there.

Nothing here decides about an effect; that is the log's alone. No secret stands here either.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from helpdesk.errors import Failed
from helpdesk.platform import lock, private_file


class BatchState:
    """The state of one batch, held by one process at a time until :meth:`close`, or its end.

    Args:
        folder: private; made when it is not there. batch: its id.

    Raises:
        Failed: another process runs this batch now ("batch-running"), or the folder cannot be used.
    """

    def __init__(self, folder: Path, batch: str) -> None:
        guard, notes = folder / f"{batch}.lock", folder / f"{batch}.rows"
        for path in (guard, notes):
            private_file(path)
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._guard: int | None = os.open(guard, os.O_RDWR | flags)
            if not lock(self._guard):
                os.close(self._guard)
                self._guard = None
                raise Failed(
                    "Another helpdesk carries out this very batch now, so nothing was done.",
                    hint="Wait for its end, then run it again for what is left.",
                    code="batch-running",
                )
            self._notes = os.open(notes, os.O_RDWR | os.O_APPEND | flags)
            self._places: set[tuple[int, int]] = set()
            self._revealed: set[int] = set()
            self._read(notes.read_bytes())
        except OSError as error:
            raise Failed(
                f"{folder} cannot be used: {error.strerror}.", hint="helpdesk doctor looks at it."
            ) from error

    def _read(self, data: bytes) -> None:
        if data and not data.endswith(b"\n"):  # a process was killed while it wrote this line
            os.write(self._notes, b"\n")
        for line in data.splitlines():
            try:
                note = json.loads(line)
            except ValueError:
                continue  # the torn line
            if "place" in note:
                self._places.add((note["place"][0], note["place"][1]))
            else:
                self._revealed.add(note["revealed"])

    def is_ours(self, found: os.stat_result) -> bool:
        """Whether an earlier run of this batch made this very file for its secrets."""
        return (found.st_dev, found.st_ino) in self._places

    def goes_to(self, found: os.stat_result) -> None:
        """The secrets of this batch go to this file; remembered before the first of them."""
        place = (found.st_dev, found.st_ino)
        if place not in self._places:
            self._places.add(place)
            self._note({"place": place})

    def revealed(self, *numbers: int) -> None:
        """The secrets of these rows are where they belong."""
        self._revealed.update(numbers)
        self._note(*({"revealed": number} for number in numbers))

    def is_revealed(self, number: int) -> bool:
        return number in self._revealed

    def _note(self, *notes: dict[str, Any]) -> None:
        try:
            os.write(self._notes, b"".join(json.dumps(note).encode() + b"\n" for note in notes))
            os.fsync(self._notes)
        except OSError as error:
            raise Failed(f"The state of the batch cannot be kept: {error.strerror}.") from error

    def close(self) -> None:
        """Let another process run it; safe to call twice."""
        if self._guard is not None:
            os.close(self._notes)
            os.close(self._guard)
            self._guard = None
