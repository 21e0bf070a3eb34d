"""The one place that writes to standard output and standard error; a test holds every module to it (T1).

The program's own lines are cleaned by whoever makes them and go through :func:`write` and :func:`put`. What anything
else prints meanwhile, a plugin, a library, the parser's help, Python's own warnings, passes :class:`Foreign`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO, cast

from helpdesk.errors import Failed

PRINTED = "printed │ "
"""Stands in front of what others print on standard error."""
_HELD = 65_536


def stdout() -> TextIO:
    """The program's own standard output."""
    return _own(sys.stdout)


def stderr() -> TextIO:
    """The program's own standard error."""
    return _own(sys.stderr)


def _own(stream: Any) -> TextIO:
    return cast(TextIO, stream.program if isinstance(stream, Foreign) else stream)


@contextmanager
def guarded() -> Iterator[None]:
    """Clean whatever is printed by others meanwhile. Safe to enter twice."""
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, Foreign) or not (sys.stdout and sys.stderr):
        yield
        return
    inside = Foreign(sys.stdout), Foreign(sys.stderr, PRINTED)
    sys.stdout, sys.stderr = cast(TextIO, inside[0]), cast(TextIO, inside[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in inside:
            stream.end()


@contextmanager
def results_only() -> Iterator[None]:
    """What others print on standard output meanwhile goes to standard error, so that it is in no result."""
    with redirect_stdout(sys.stderr):
        yield


def write(lines: Sequence[str], *, pager: bool = False, out: TextIO | None = None) -> None:
    """Write cleaned lines. A closed pipe is no error: whoever read it has enough.

    Args:
        out: the program's own standard output, where it was put aside.

    Raises:
        Failed: the disk behind it is full, or it fails otherwise.
    """
    text = "".join(f"{line}\n" for line in lines)
    if pager and _paged(text):
        return
    try:
        put(_own(out) if out is not None else stdout(), text)
    except BrokenPipeError:
        silence()
    except OSError as error:
        silence()
        raise Failed(f"Standard output cannot be written: {error.strerror}.", code="output") from error


def put(stream: TextIO, text: str) -> None:
    """Write cleaned text to a stream at once. Raises OSError when nobody takes it."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def flush() -> bool:
    """Flush both streams; whether both took it."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            whole = False
    return whole


def silence() -> None:
    """Send what is left for standard output nowhere, so that nothing complains at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


class Foreign(io.TextIOBase):
    """A stream for everybody but the program: whole lines, cleaned, each behind a mark.

    Args:
        program: the stream behind it. mark: stands in front of every line.
    """

    def __init__(self, program: TextIO, mark: str = "") -> None:
        self.program = program
        self._mark = mark
        self._held = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.program.encoding or "ascii"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def buffer(self) -> io.RawIOBase:
        return _Bytes(self)

    def fileno(self) -> int:
        return self.program.fileno()

    def isatty(self) -> bool:
        """It takes no escape sequences, whatever is behind it."""
        return False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._held += text
        *lines, self._held = self._held.split("\n")
        if len(self._held) > _HELD:
            lines.append(self._held)
            self._held = ""
        if lines:
            self._put(lines)
        return len(text)

    def flush(self) -> None:
        """Lines are written at once; what is no line yet waits for its end."""
        self.program.flush()

    def end(self) -> None:
        """Write what never became a whole line, as far as anybody takes it."""
        held, self._held = self._held, ""
        if held:
            try:
                self._put([held])
            except (OSError, ValueError):
                return  # nobody reads it any more

    def _put(self, lines: Sequence[str]) -> None:
        from helpdesk.surfaces.look import clean, look_of

        look = look_of(self.program)
        for line in lines:
            text = look.fit(clean(line, one_line=False))
            if not self._mark:
                put(self.program, f"{text}\n")
                continue
            from helpdesk.surfaces.columns import fold

            parts = fold(text.expandtabs(4), max(look.width - len(self._mark), 16)) if look.moves else [text]
            put(self.program, "".join(f"{look.fit(self._mark)}{part}\n" for part in parts))


class _Bytes(io.RawIOBase):
    """The same stream for those who print bytes."""

    def __init__(self, text: Foreign) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._text.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)


def _paged(text: str) -> bool:
    import shlex
    import shutil
    import subprocess

    try:
        words = shlex.split(os.environ.get("PAGER") or "less -FRX")
    except ValueError:  # a quotation mark without its other half
        return False
    program = shutil.which(words[0]) if words else None
    if program is None:
        return False
    subprocess.run([program, *words[1:]], input=text, text=True, check=False)  # noqa: S603
    return True
