"""Where a generated secret goes: the terminal's other screen, a new private file, or an open descriptor (S4)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from helpdesk.errors import Failed, Refused, UsageError
from helpdesk.platform import open_new_private, reopen_private
from helpdesk.secrets import Secret


class Target:
    """``--reveal-to``: opened before anything changes, so that the secret is sure to have a place.

    It is made before the program opens any file of its own: a descriptor that whoever called the program
    did not open is not there then, and would be one of our own later, a database for example.

    Args:
        text: ``FILE`` or ``fd:N``.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._path: Path | None = None
        self._fd: int | None = None
        self._used = False
        self._unusable: UsageError | None = None
        if text.startswith("fd:"):
            try:
                self._fd = _descriptor(text)
            except UsageError as error:
                self._unusable = error  # told when a secret needs it, as for a file

    def open(self) -> None:
        """Make the place ready; safe to call twice.

        Raises:
            UsageError: the descriptor is not open for writing, or is a standard stream.
            Refused: the file exists already, or cannot be made.
        """
        if self._unusable is not None:
            raise self._unusable
        if self._fd is not None:
            return
        path = Path(self._text)
        try:
            self._fd = open_new_private(path)
        except Failed as error:
            raise _nowhere(error) from error
        self._path = path

    @property
    def is_descriptor(self) -> bool:
        return self._text.startswith("fd:")

    def as_json_lines(self, asked: bool) -> bool:
        """Whether the secrets of a batch are written as JSON: into FILE.jsonl, and to a descriptor if asked."""
        return asked if self.is_descriptor else self._text.endswith(".jsonl")

    def open_for_many(self, is_ours: Callable[[os.stat_result], bool]) -> None:
        """Make the place ready for the secrets of a batch: a new file, or the one that it began before.

        Args:
            is_ours: whether an earlier run of the same batch wrote to this file.

        Raises:
            UsageError, Refused: as :meth:`open` does; a file that holds anything else is never added to.
        """
        if not self.is_descriptor and self._fd is None:
            self._fd = self._begun(is_ours)
        self.open()

    @property
    def file(self) -> os.stat_result | None:
        """Which file it is, once it is open; ``None`` for a descriptor."""
        return None if self.is_descriptor or self._fd is None else os.fstat(self._fd)

    def _begun(self, is_ours: Callable[[os.stat_result], bool]) -> int | None:
        try:
            descriptor = reopen_private(Path(self._text))
        except FileNotFoundError:
            return None
        except Failed as error:
            raise _nowhere(error) from error
        found = os.fstat(descriptor)
        if not is_ours(found) and found.st_size:
            os.close(descriptor)
            raise _nowhere(Failed(f"{self._text} exists already, and is not of this batch."))
        if found.st_size and os.pread(descriptor, 1, found.st_size - 1) != b"\n":
            os.write(descriptor, b"\n")  # the run before was killed in the middle of a line
        return descriptor

    def write(self, secret: Secret) -> None:
        """One secret on a line of its own. Raises Failed when the place broke meanwhile."""
        self.write_line(secret.expose())

    def write_line(self, line: str) -> None:
        """One line, on the disk before this returns. Raises Failed when the place broke meanwhile."""
        self.open()
        assert self._fd is not None
        try:
            data = line.encode() + b"\n"
            while data:
                data = data[os.write(self._fd, data) :]
            self._used = True
            if not self.is_descriptor:
                os.fsync(self._fd)
        except OSError as error:
            raise Failed(
                f"The secret could not be written to {self._text}: {error.strerror}.",
                hint="Run it again for another one.",
                code="reveal-failed",
            ) from error

    def close(self) -> None:
        """Take an unused file away again."""
        if self._fd is None:
            return
        os.close(self._fd)
        self._fd = None
        if self._path is not None and not self._used:
            self._path.unlink(missing_ok=True)


def _nowhere(error: Failed) -> Refused:
    return Refused(
        f"The secret has nowhere to go: {error.message}",
        hint="Name a new file: --reveal-to FILE",
        code="nowhere-to-reveal",
    )


def _descriptor(text: str) -> int:
    """A descriptor of our own for the place behind ``fd:N``. Raises UsageError."""
    number = text.removeprefix("fd:")
    if not (number.isascii() and number.isdigit()) or int(number) < 3:
        raise UsageError(
            f"--reveal-to {text} is no descriptor of its own: the standard streams never carry a secret.",
            hint="For example: helpdesk … --reveal-to fd:3 3>FILE",
        )
    try:
        import fcntl

        mode = fcntl.fcntl(int(number), fcntl.F_GETFL) & os.O_ACCMODE
        own = fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 3)
    except (OSError, ImportError, OverflowError) as error:
        raise UsageError(f"--reveal-to {text}: this descriptor is not open.") from error
    if mode == os.O_RDONLY:
        os.close(own)
        raise UsageError(f"--reveal-to {text}: this descriptor is open for reading only.")
    return own
