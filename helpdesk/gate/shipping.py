"""Sending the log where this machine's owner does not rule: checkpoints to some places, entries to one (A3).

What must still be sent follows from the log and one number for each place, so nothing is lost while a place is
down: a later checkpoint covers all entries before it, and entries are sent from the one after the last that arrived,
in their order. A try that was cut off is made again, so an entry can arrive twice; its number tells.

Sending happens beside the work, in one thread for each place, as soon as a checkpoint is signed, and once more at the
end of a command. A command waits for that at most a second, and a place that failed is left alone for a minute or more.
A program that stays open wakes it again and again, whether anything happens or not.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from helpdesk.errors import HelpdeskError
from helpdesk.gate.audit_seal import read_head
from helpdesk.gate.audit_store import DATABASE, explained, head_of, open_store
from helpdesk.gate.audit_view import Closed, View, viewing
from helpdesk.gate.checkpoint import opened
from helpdesk.gate.keys import PublicKey
from helpdesk.gate.shipping_cursors import LONGEST_WAIT, RESIDENT_WAIT, Cursors
from helpdesk.gate.shipping_told import Delivery
from helpdesk.ports import CheckpointSink, Clock, EntrySink, LogLine

WAIT_SECONDS = 1.0
AT_ONCE = 200
"""Entries in one go."""


class Shipping:
    """Everything outside that gets to know the log.

    Args:
        folder: of the log. clock: now, in UTC. checkpoints: places for checkpoints. stream: the place for entries.
        personal: the personal values go with the entries, in the clear.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        checkpoints: Sequence[CheckpointSink],
        stream: EntrySink | None = None,
        *,
        personal: bool = False,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._personal = personal
        self._cursors = Cursors(folder)
        self._checkpoints = tuple(checkpoints)
        self._stream = stream
        self._longest = LONGEST_WAIT
        self._workers = [_Worker(partial(self._send_checkpoint, sink)) for sink in self._checkpoints]
        if stream is not None:
            self._workers.append(_Worker(partial(self._send_entries, stream)))

    def __bool__(self) -> bool:
        return bool(self._workers)

    def wake(self) -> None:
        """Send what is to be sent, beside whatever else goes on; returns at once, and raises nothing."""
        for worker in self._workers:
            worker.wake()

    def again(self) -> None:
        """Like :meth:`wake`, from a program that stays open and does this every few seconds.

        As nobody waits for it there, a place that failed is tried again within a minute, however often it did.
        """
        self._longest = RESIDENT_WAIT
        if (self._folder / DATABASE).exists():  # no log yet: not even its folder is made
            self.wake()

    def flush(self, seconds: float = WAIT_SECONDS) -> None:
        """Send what is to be sent, and wait for it, but no longer than so many seconds."""
        if not (self._folder / DATABASE).exists():
            return  # no log yet: not even its folder is made
        self.wake()
        end = time.monotonic() + seconds
        for worker in self._workers:
            worker.wait(end)

    def deliveries(self) -> list[Delivery]:
        """How far each place knows the log.

        Raises:
            LogUnavailable, Failed: the files cannot be read.
        """
        places: list[tuple[CheckpointSink | EntrySink, str]] = [(s, "checkpoints") for s in self._checkpoints]
        if self._stream is not None:
            places.append((self._stream, "entries"))
        with explained(self._folder):
            return [self._delivery(sink, what) for sink, what in places]

    def _delivery(self, sink: CheckpointSink | EntrySink, what: str) -> Delivery:
        cursor = self._cursors.read(_name(what, sink.address))
        entries, since = self._extent(cursor.sent)
        return Delivery(
            sink=sink.address,
            what="entries" if what == "entries" else "checkpoints",
            known=cursor.sent,
            entries=entries,
            at=cursor.at,
            waiting_since=since,
            problem=cursor.problem,
            next_try=cursor.next_try(self._longest),
            confirms=sink.confirms,
        )

    def _extent(self, known: int) -> tuple[int, str]:
        """How many entries there are, and the time of the first after the known ones."""
        if not (self._folder / DATABASE).exists():
            return 0, ""
        with self._log() as view:
            since = next((_first_after(source, known) for source in view.sources(known + 1)), "")
            return head_of(view.live).seq, since

    @contextmanager
    def _log(self) -> Iterator[View]:
        """The live file and the closed segments, as they are now."""
        with (
            closing(open_store(self._folder / DATABASE)) as live,
            closing(Closed(self._folder, names=False)) as closed,
            viewing(live, closed) as view,
        ):
            yield view

    def proven_up_to(self, key: PublicKey) -> int:
        """So many entries are under a signed checkpoint that a place outside has confirmed.

        What a place is said to know is a number in a file of this account. It counts only as far as the checkpoint
        beside it carries this log's signature, so that writing a larger number there lets nothing go. Where every
        entry is sent somewhere as well, no more count than are known there. Raises LogUnavailable, Failed.

        Args:
            key: that the log is signed with.
        """
        with explained(self._folder):
            proven = max(
                (self._signed_for(sink, key) for sink in self._checkpoints if sink.confirms), default=0
            )
            if self._stream is None:
                return proven
            return min(proven, self._cursors.read(_name("entries", self._stream.address)).sent)

    def _signed_for(self, sink: CheckpointSink, key: PublicKey) -> int:
        """How many entries the last checkpoint is over that a place took, where it is genuine."""
        cursor = self._cursors.read(_name("checkpoints", sink.address))
        try:
            return min(cursor.sent, opened(cursor.note, key).size)
        except ValueError:
            return 0

    # ── one place ─────────────────────────────────────────────────────────────────────────────

    def _send_checkpoint(self, sink: CheckpointSink) -> None:
        name = _name("checkpoints", sink.address)
        with self._cursors.alone(name, WAIT_SECONDS) as held:
            note = read_head(self._folder) if held else None
            cursor = self._cursors.read(name)
            if note is None or note == cursor.note or not cursor.due(self._clock(), self._longest):
                return
            size = int(note.split("\n")[1])
            self._tried(name, size, note, lambda: sink.send(note.encode()))

    def _send_entries(self, sink: EntrySink) -> None:
        name = _name("entries", sink.address)
        with self._cursors.alone(name, WAIT_SECONDS) as held:
            while held:
                cursor = self._cursors.read(name)
                lines = self._lines(cursor.sent) if cursor.due(self._clock(), self._longest) else []
                if not lines or not self._tried(name, lines[-1].seq, "", lambda: sink.send(lines)):  # noqa: B023
                    return

    def _tried(self, name: str, sent: int, note: str, send: Callable[[], None]) -> bool:
        self._cursors.trying(name, self._clock())
        try:
            send()
        except HelpdeskError as error:
            self._cursors.failed(name, error.message)
            return False
        self._cursors.delivered(name, sent, note, self._clock())
        return True

    def _lines(self, after: int) -> list[LogLine]:
        if not (self._folder / DATABASE).exists():
            return []
        with self._log() as view:
            lines: list[LogLine] = []
            for source in view.sources(after + 1):
                rows = source.execute(
                    "SELECT seq, time, kind, hash, entry FROM entries WHERE seq > ? ORDER BY seq LIMIT ?",
                    (after, AT_ONCE - len(lines)),
                )
                lines += [
                    LogLine(seq, when, kind, hash.hex(), self._text(view.live, seq, entry))
                    for seq, when, kind, hash, entry in rows
                ]
                if len(lines) >= AT_ONCE:
                    break
            return lines

    def _text(self, live: sqlite3.Connection, seq: int, entry: str) -> str:
        if not self._personal:
            return f'{{"entry":{entry}}}'
        values = live.execute("SELECT name, value FROM personal WHERE seq = ? ORDER BY name", (seq,))
        personal = ",".join(f"{_quoted(name)}:{value or 'null'}" for name, value in values)
        return f'{{"entry":{entry},"personal":{{{personal}}}}}'


def _first_after(source: sqlite3.Connection, seq: int) -> str:
    """The time of the first entry after a number, or ""."""
    row = source.execute("SELECT time FROM entries WHERE seq > ? ORDER BY seq LIMIT 1", (seq,)).fetchone()
    return str(row[0]) if row else ""


def _quoted(name: str) -> str:
    import json

    return json.dumps(name)


def _name(what: str, address: str) -> str:
    return f"{what} {address}"


class _Worker:
    """One job that is done beside everything else: again when it was asked for meanwhile, never twice at once."""

    def __init__(self, job: Callable[[], None]) -> None:
        self._job = job
        self._changed = threading.Condition()
        self._asked = False
        self._running = False

    def wake(self) -> None:
        with self._changed:
            self._asked = True
            if not self._running:
                self._running = True
                try:
                    threading.Thread(target=self._run, name="log-shipping", daemon=True).start()
                except RuntimeError:  # the system gives no thread now; the next command sends
                    self._running = False

    def wait(self, end: float) -> None:
        """Until there is nothing to do, or until a time of the monotonic clock."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running, max(end - time.monotonic(), 0))

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._asked:
                    self._running = False
                    self._changed.notify_all()
                    return
                self._asked = False
            try:
                self._job()
            except (HelpdeskError, sqlite3.Error, OSError):
                continue  # the files of the log cannot be used: whoever reads or adds an entry is told why
