"""Entries of several processes in one commit: who waits for the turn leaves what it wants to add, who has it writes all.

Handing the turn from process to process costs more than writing an entry. So a process that has to wait puts its entries
into a place of its own in a file that all of them share. Whoever has the turn adds them to the log behind its own, in the
same transaction, and puts their numbers there; when the one that left them gets the turn, it only has to look.

Each entry is written once, whoever is killed when. Before the commit the writer puts down, beside what was left, the
number and the hash that the first entry of it will have. A number and a hash that the log has means that it is in
there; one that it does not have means that it is not, and that it still waits. That is decided by the next one
who has the turn, before anything else.

The file counts until the machine starts anew, and only on Linux, where it can be told when that was. Where it is missing,
full or of no use, everybody waits for a turn of their own. What is left in it is as private as the log, and is
overwritten once it is written.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from helpdesk.errors import Failed
from helpdesk.gate.audit_chain import Draft
from helpdesk.platform import private_file, reopen_private, unlock, wait_for_lock

FILE = "post1"
PLACES, ROOM = 16, 32 * 1024
FREE, LEFT, PROMISED, WRITTEN = range(4)
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_HEAD = struct.Struct("<16sQdQ32sII")
"""Whose place it is, which of its messages, until when (on the monotonic clock), number and hash in the log, length, CRC."""
_STATES, _START, _BODY = 64, 4096, 128
_NOTHING = bytes(PLACES)
_SIZE = _START + PLACES * ROOM
_GRACE = 60.0
"""Seconds after which a place that nobody came back to is somebody else's."""
_EVERY = 1.0
"""Seconds between two looks whether others have begun to use the file."""
Hash = Callable[[int], bytes | None]
"""The hash of the entry with a number, as the log has it."""


class Post:
    """What waits in a log's folder; for one thread at a time. Only :meth:`leave` and :meth:`withdraw` need no turn."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._file: mmap.mmap | None = None
        self._descriptor = -1
        self._owner = os.urandom(16)
        self._place: int | None = None
        self._serial = 0
        self._looked = -_EVERY
        self._useless = sys.platform != "linux"

    # ── who waits ─────────────────────────────────────────────────────────────────────────────

    def leave(self, drafts: Sequence[Draft], seconds: float) -> bool:
        """Leave entries for whoever has the turn; false where that is not possible.

        Args:
            seconds: for which they may be written.
        """
        data = json.dumps(drafts, default=_hex).encode()
        if len(data) > ROOM - _BODY or not self._open(make=True):
            return False
        assert self._file is not None
        place = self._mine()
        if place is None:
            return False
        self._serial += 1
        until = time.monotonic() + seconds
        start = _START + place * ROOM
        self._file[start + _BODY : start + _BODY + len(data)] = data
        head = (self._owner, self._serial, until, 0, bytes(32), len(data), crc32(data))
        self._file[start : start + _HEAD.size] = _HEAD.pack(*head)
        self._file[_STATES + place] = LEFT
        return True

    def answer(self) -> int | None:
        """The number of the first entry that was left, where somebody has written them; else they are taken back."""
        assert self._file is not None
        assert self._place is not None
        owner, serial, _, number, *_ = self._read(self._place)
        if (owner, serial) != (self._owner, self._serial):  # it took so long that the place is another's
            return None
        is_written = self._state(self._place) == WRITTEN
        self._clear(self._place)
        return number if is_written else None

    def withdraw(self) -> None:
        """Take back what was left; where somebody is just writing it, it may be written."""
        assert self._place is not None
        with self._moment():
            if self._state(self._place) == LEFT and self._read(self._place)[0] == self._owner:
                self._clear(self._place)

    def close(self) -> None:
        """Let the place and the file go; it is opened again when it is needed."""
        if self._file is None:
            return
        with self._moment():
            place = self._place
            if place is not None and self._state(place) != PROMISED and self._read(place)[0] == self._owner:
                self._clear(place)
                start = _START + place * ROOM
                self._file[start : start + _HEAD.size] = bytes(_HEAD.size)
        self._file.close()
        os.close(self._descriptor)
        self._file, self._place = None, None

    # ── who has the turn ──────────────────────────────────────────────────────────────────────

    def is_used(self, *, surely: bool = False) -> bool:
        """Whether anything may be in it. ``surely``: it is looked at once more, however short ago that was."""
        if surely:
            self._looked = -_EVERY
        if not self._open():
            return False
        assert self._file is not None
        return self._file[_STATES : _STATES + PLACES] != _NOTHING

    def settle(self, hash_of: Hash) -> None:
        """What was promised is done, or still to do: as the log says, after a commit as after a kill."""
        if not self._open():
            return
        for place in self._in(PROMISED):
            _, _, _, number, hash, _, _ = self._read(place)
            self._turned(place, WRITTEN if hash_of(number) == hash else LEFT)

    def held(self) -> list[tuple[int, list[Draft]]]:
        """What others have left, by its place: from now on nobody takes it back, until :meth:`settle`."""
        if not self._open() or not self._in(LEFT):
            return []
        now = time.monotonic()
        with self._moment():
            found = [(place, self._drafts(place, now)) for place in self._in(LEFT) if place != self._place]
            found = [(place, drafts) for place, drafts in found if drafts]
            for place, _ in found:
                self.promise(place, 0, bytes(32))  # no entry has this number
        return found

    def promise(self, place: int, number: int, hash: bytes) -> None:
        """Before the commit: these entries will be in the log, the first of them with this number and hash."""
        start = _START + place * ROOM
        assert self._file is not None
        owner, serial, until, _, _, length, crc = self._read(place)
        head = _HEAD.pack(owner, serial, until, number, hash, length, crc)
        self._file[start : start + _HEAD.size] = head
        self._file[_STATES + place] = PROMISED

    def tidy(self) -> None:
        """Overwrite what nobody may write any more: of those who were killed while they waited."""
        if not self._open():
            return
        now = time.monotonic()
        with self._moment():
            for place in self._in(LEFT):
                if self._read(place)[2] < now:
                    self._clear(place)

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    def _open(self, *, make: bool = False) -> bool:
        """Whether it can be used."""
        if self._file is not None:
            return True
        now = time.monotonic()
        if self._useless or (not make and now - self._looked < _EVERY):
            return False
        self._looked = now
        try:
            if make:
                private_file(self._path)
            self._descriptor = reopen_private(self._path)
        except FileNotFoundError:
            return False
        except (OSError, Failed):
            self._useless = True
            return False
        try:
            with self._moment():
                self._prepare()
        except (OSError, ValueError):
            os.close(self._descriptor)
            self._useless = True
            return False
        return True

    def _prepare(self) -> None:
        """Its size, and nothing in it from before the machine started. Raises OSError, ValueError."""
        if os.fstat(self._descriptor).st_size != _SIZE:
            os.ftruncate(self._descriptor, 0)
            os.ftruncate(self._descriptor, _SIZE)
        file = mmap.mmap(self._descriptor, _SIZE)
        since = _BOOT.read_bytes().strip()[:_STATES].ljust(_STATES, b"\0")
        if file[:_STATES] != since:
            for place in range(PLACES):
                start = _START + place * ROOM
                file[start : start + ROOM] = bytes(ROOM)
            file[_STATES : _STATES + PLACES] = bytes(PLACES)
            file[:_STATES] = since
        self._file = file

    @contextmanager
    def _moment(self) -> Iterator[None]:
        """Nobody else claims, holds or takes back anything meanwhile; never for longer than that takes."""
        wait_for_lock(self._descriptor)
        try:
            yield
        finally:
            unlock(self._descriptor)

    def _mine(self) -> int | None:
        """This one's place, empty; ``None`` where there is none now."""
        place = self._place
        if place is None or not self._is_safe(place):
            place = self._place = self._claimed()
        if place is None or self._state(place) == PROMISED:
            return None
        if self._state(place) == LEFT:  # a Ctrl-C came between
            self.withdraw()
        return place

    def _is_safe(self, place: int) -> bool:
        """Whether it is this one's, and nobody may take it over at this moment."""
        owner, _, until, *_ = self._read(place)
        return owner == self._owner and time.monotonic() < until + _GRACE / 2

    def _claimed(self) -> int | None:
        assert self._file is not None
        now = time.monotonic()
        with self._moment():
            for place in range(PLACES):
                owner, _, until, *_ = self._read(place)
                is_free = owner in (self._owner, bytes(16)) or until + _GRACE < now
                if is_free and self._state(place) != PROMISED:
                    self._clear(place)
                    start = _START + place * ROOM
                    self._file[start : start + _HEAD.size] = _HEAD.pack(
                        self._owner, 0, now, 0, bytes(32), 0, 0
                    )
                    return place
        return None

    def _in(self, state: int) -> list[int]:
        assert self._file is not None
        states = self._file[_STATES : _STATES + PLACES]
        return [place for place, found in enumerate(states) if found == state]

    def _state(self, place: int) -> int:
        assert self._file is not None
        return self._file[_STATES + place]

    def _read(self, place: int) -> tuple[bytes, int, float, int, bytes, int, int]:
        assert self._file is not None
        return _HEAD.unpack_from(self._file, _START + place * ROOM)

    def _drafts(self, place: int, now: float) -> list[Draft]:
        """Nothing where it may not be written any more, or is not whole."""
        assert self._file is not None
        _, _, until, _, _, length, crc = self._read(place)
        start = _START + place * ROOM + _BODY
        data = self._file[start : start + min(length, ROOM - _BODY)]
        if until < now or crc32(data) != crc:
            return []
        with contextlib.suppress(ValueError, TypeError, IndexError):
            return [_draft(*one) for one in json.loads(data)]
        return []

    def _turned(self, place: int, state: int) -> None:
        assert self._file is not None
        if state == WRITTEN:
            self._empty(place)
        self._file[_STATES + place] = state

    def _clear(self, place: int) -> None:
        assert self._file is not None
        if self._state(place) != WRITTEN:
            self._empty(place)
        self._file[_STATES + place] = FREE

    def _empty(self, place: int) -> None:
        assert self._file is not None
        length = min(self._read(place)[5], ROOM - _BODY)
        start = _START + place * ROOM + _BODY
        self._file[start : start + length] = bytes(length)


def _hex(value: object) -> str:
    assert isinstance(value, bytes)
    return value.hex()


def _draft(kind: str, about: int | None, parts: list[str], personal: list[tuple[str, str, str]]) -> Draft:
    before, form, after, run = parts
    values = tuple((name, bytes.fromhex(salt), value) for name, salt, value in personal)
    return Draft(kind, about, (before, form, after, run), values)
