"""The terminal device: lines without echo, type-ahead thrown away, the alternate screen, all undone at the end.

Reading never blocks a thread: a signal that cancels the task ends it, and the terminal is as it was before.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from helpdesk.errors import Failed

_ALTERNATE_ON, _ALTERNATE_OFF = "\x1b[?1049h\x1b[2J\x1b[H", "\x1b[2J\x1b[3J\x1b[H\x1b[?1049l"
_PASTE_ON, _PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
_CURSOR_ON = "\x1b[?25h"
MAX_LINE = 4096
HANG_UP_SECONDS = 0.5


class Tty:
    """The person's terminal, open for reading and writing.

    Args:
        descriptor: of the device. moves: it understands cursor movement (it is not dumb).
    """

    def __init__(self, descriptor: int, *, moves: bool = True) -> None:
        import termios

        self._fd = descriptor
        self._moves = moves
        self._original: list[Any] = termios.tcgetattr(descriptor)
        self._alternate = False
        self._pasting = False
        self._pending = b""
        self._waiting: asyncio.Future[None] | None = None
        self._hung_up = False
        self._left = False

    @classmethod
    def open(cls, *, moves: bool = True) -> Tty | None:
        """The terminal behind standard input; ``None`` when there is none, or it is not ours (S8)."""
        if os.name != "posix":
            return None  # prompts need a POSIX terminal so far; everything works with flags
        try:
            if not sys.stdin.isatty():
                return None
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
            descriptor = os.open(os.ttyname(sys.stdin.fileno()), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except (OSError, ValueError, AttributeError):
            return None
        return cls(descriptor, moves=moves)

    @property
    def alternate(self) -> bool:
        return self._alternate

    def write(self, text: str) -> None:
        """Raises Failed ("terminal-closed") when nobody can see it."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise _closed() from error

    def _is_gone(self) -> bool:
        """Whether the terminal was closed; a Ctrl-D reads like it."""
        import termios

        try:
            termios.tcgetattr(self._fd)
        except (OSError, termios.error):
            return True
        return False

    def _put_back(self) -> None:
        """Echo and modes as they were found; a terminal that was closed has none."""
        import termios

        with suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._original)

    def close(self) -> None:
        self.restore()
        os.close(self._fd)

    def restore(self) -> None:
        """The terminal as it was found: echo, cursor, screen. Safe to call at any moment."""
        import termios

        try:
            if self._alternate:
                self._alternate = False
                self.write(_ALTERNATE_OFF + _CURSOR_ON)
            if self._pasting:
                self._pasting = False
                self.write(_PASTE_OFF)
            termios.tcsetattr(self._fd, termios.TCSANOW, self._original)
        except (Failed, OSError, termios.error):
            return  # the terminal is gone; nothing is left to restore

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    async def line(self) -> str | None:
        """One line without its end; ``None`` when the terminal hung up or the person typed Ctrl-D."""
        loop = asyncio.get_running_loop()
        while b"\n" not in self._pending:
            if self._ended:
                return None
            ready: asyncio.Future[None] = loop.create_future()
            self._waiting = ready
            loop.add_reader(self._fd, _wake, ready)
            try:
                await ready
            finally:
                self._waiting = None
                loop.remove_reader(self._fd)
            if self._ended:
                return None
            try:
                data = os.read(self._fd, MAX_LINE)
            except OSError:
                data = b""
            if not data:
                if self._is_gone():  # SIGHUP comes with that, and is how the program ends
                    await asyncio.sleep(HANG_UP_SECONDS)
                return None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def hang_up(self) -> None:
        """Whoever reads a line now or later gets none: the program is about to end."""
        self._hung_up = True
        self._wake_up()

    def interrupt(self) -> None:
        """Ctrl-C: the other screen is left, as with Enter."""
        self._left = self._alternate
        self._wake_up()

    @property
    def _ended(self) -> bool:
        return self._hung_up or (self._alternate and self._left)

    def _wake_up(self) -> None:
        if self._waiting is not None and self._ended:
            _wake(self._waiting)

    @contextmanager
    def hidden(self, *, flush: bool = True) -> Iterator[None]:
        """Nothing that is typed is echoed (S8); what was typed before is thrown away.

        Ctrl-Z does nothing meanwhile: a stopped program would leave a secret on the screen.
        """
        import termios

        try:
            mode = termios.tcgetattr(self._fd)
            mode[3] &= ~termios.ECHO
            mode[6][termios.VSUSP] = os.fpathconf(self._fd, "PC_VDISABLE").to_bytes(1, "big")
            if flush:
                self._pending = b""
            termios.tcsetattr(self._fd, termios.TCSAFLUSH if flush else termios.TCSADRAIN, mode)
        except (OSError, termios.error) as error:
            raise _closed() from error
        try:
            yield
        finally:
            self._put_back()

    async def settle(self, seconds: float) -> None:
        """Ignore whatever is typed or pasted for a moment, and whatever was before (T3)."""
        import termios

        with self.hidden():
            await asyncio.sleep(seconds)
            with suppress(termios.error):  # it was closed meanwhile: nobody types any more
                termios.tcflush(self._fd, termios.TCIFLUSH)
        self._pending = b""

    @contextmanager
    def marking_pastes(self) -> Iterator[None]:
        """Pasted text arrives with escape characters around it, so that it can be told from typed text."""
        if not self._moves:
            yield
            return
        self._pasting = True
        self.write(_PASTE_ON)
        try:
            yield
        finally:
            self._pasting = False
            with suppress(Failed):
                self.write(_PASTE_OFF)

    # ── the other screen ──────────────────────────────────────────────────────────────────────

    @contextmanager
    def other_screen(self) -> Iterator[None]:
        """A screen of its own, wiped when it is left, so that nothing stays in the scroll-back."""
        self._alternate, self._left = True, False
        self.write(_ALTERNATE_ON)
        try:
            yield
        finally:
            if self._alternate:
                self._alternate = False
                with suppress(Failed):
                    self.write(_ALTERNATE_OFF)


def _closed() -> Failed:
    return Failed("The terminal was closed.", code="terminal-closed")


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
