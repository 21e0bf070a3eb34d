"""Entries of several processes in one commit: each once, whoever is killed when (R1, R4)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpdesk.errors import LogUnavailable
from helpdesk.gate import audit_post
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import drafted
from helpdesk.gate.audit_post import FILE, FREE, LEFT, PLACES, PROMISED, ROOM, WRITTEN, Post
from tests.unit.audit_world import checked, open_log

pytestmark = [
    pytest.mark.req("R4"),
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere everybody waits for a turn"),
]
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20.0
SECRET = "Bo Chen (bo.chen)"


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_post, "_EVERY", 0.0)


def states(folder: Path) -> list[int]:
    """Of the places in use."""
    data = (folder / FILE).read_bytes() if (folder / FILE).exists() else b""
    return sorted(state for state in data[64 : 64 + PLACES] if state != FREE)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)


@contextmanager
def waiting(log: AuditLog, *kinds: str, holder: AuditLog | None = None) -> Iterator[list[int]]:
    """Entries that wait for the turn, which another has until the end of this; then their numbers."""
    numbers: list[int] = []
    entries = [(kind, {"whose": "waiting"}, {"target": SECRET}) for kind in kinds]
    thread = threading.Thread(target=lambda: numbers.extend(log.append_many(entries)))
    if holder is not None:
        holder._turn.take()
    try:
        thread.start()
        until(lambda: LEFT in states(log.folder))
        yield numbers
    finally:
        if holder is not None:
            holder._turn.give()
        thread.join(SECONDS)
    assert not thread.is_alive()


def pair(tmp_path: Path) -> tuple[AuditLog, AuditLog]:
    one, other = open_log(tmp_path), open_log(tmp_path, busy=SECONDS)
    one.append("read", {}, {})
    other.append("read", {}, {})
    return one, other


def whose(log: AuditLog) -> list[str]:
    return [str(entry.body.get("whose", "")) for entry in log.entries()]


def test_who_has_the_turn_writes_what_others_left_behind_its_own(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    with waiting(other, "read", "outcome", holder=one) as numbers:
        assert one.append_many([("read", {"whose": "writer"}, {}), ("read", {"whose": "writer"}, {})]) == [
            3,
            4,
        ]
        assert states(one.folder) == [WRITTEN]
    assert numbers == [5, 6]
    assert other._known.seq == 2, "it wrote none of them itself"
    assert whose(one) == ["", "", "writer", "writer", "waiting", "waiting"]
    assert one.entry(6).personal == {"target": SECRET}
    found = checked(tmp_path)
    assert (found.ok, found.entries, found.signed) == (True, 6, 6), (
        "the outcome among them was signed at once"
    )
    assert states(one.folder) == []
    assert SECRET.encode() not in (one.folder / FILE).read_bytes(), "nothing of it stays there"
    assert other.append("read", {}, {}) == 7


def test_the_turn_of_ones_own_is_enough_where_nobody_writes(tmp_path: Path) -> None:
    one, other = pair(tmp_path)
    with waiting(other, "read", holder=one) as numbers:
        pass
    assert (numbers, whose(one)) == ([3], ["", "", "waiting"])
    assert SECRET.encode() not in (one.folder / FILE).read_bytes()


def test_what_is_signed_last_is_told_to_who_left_it(tmp_path: Path) -> None:
    """Its own look at what is to be signed and sent counts what others wrote for it."""
    one, other = pair(tmp_path)
    told: list[str] = []
    other.on_signed = lambda: told.append("signed")
    with waiting(other, "outcome", holder=one):
        one.append("read", {}, {})
    assert told == ["signed"]
    with waiting(other, "read", holder=one):
        one.append("read", {}, {})
    other.close()
    assert checked(tmp_path).signed == 6


_WRITER = """
import os, sys
from pathlib import Path
from helpdesk.gate import audit, audit_post
from tests.unit.audit_world import open_log
point, seen = sys.argv[2], []
audit_post._EVERY = 0.0
log = open_log(Path(sys.argv[1]), busy=20)
log.append("read", {}, {})

def killed(*_):
    os.kill(os.getpid(), 9)

def insert(*arguments):
    killed() if point == "before the insert" else real(*arguments)
    if point == "before the commit":
        killed()

def settle(post, hash_of):
    seen.append(1)
    if point == "after the commit" and len(seen) == 2:
        killed()
    settled(post, hash_of)

real, audit.insert = audit.insert, insert
settled, audit_post.Post.settle = audit_post.Post.settle, settle
with log._turn:
    print("held", flush=True)
    sys.stdin.read()
    seen.clear()
    log.append("read", {"whose": "killed"}, {})
"""


@pytest.mark.parametrize("point", ["before the insert", "before the commit", "after the commit"])
def test_a_writer_that_is_killed_leaves_each_entry_once(tmp_path: Path, point: str) -> None:
    log = open_log(tmp_path, busy=SECONDS)
    log.append("read", {}, {})
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path), point],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with waiting(log, "read", "read") as numbers:
        child.communicate("")
        assert child.returncode == -signal.SIGKILL
    committed = point == "after the commit"
    assert numbers == ([4, 5] if committed else [3, 4])
    assert whose(log) == ["", "", *["killed"] * committed, "waiting", "waiting"]
    assert states(log.folder) == []
    log.close()
    assert checked(tmp_path).ok


def test_a_commit_that_fails_leaves_the_others_to_try_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair(tmp_path)
    with waiting(other, "read", holder=one) as numbers:
        with monkeypatch.context() as patched:
            patched.setattr("helpdesk.gate.audit.insert", _full)
            with pytest.raises(LogUnavailable):
                one.append("read", {}, {})
        assert states(one.folder) == [LEFT]
    assert (numbers, whose(one)) == ([3], ["", "", "waiting"])


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_ctrl_c_after_the_commit_takes_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair(tmp_path)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with waiting(other, "outcome", holder=one) as numbers:
        one.on_signed = interrupt
        with pytest.raises(KeyboardInterrupt):
            one.append("read", {"whose": "interrupted"}, {})
    one.on_signed = None
    assert (numbers, whose(one)) == ([4], ["", "", "interrupted", "waiting"])


def test_who_gives_up_takes_back_what_it_left(tmp_path: Path) -> None:
    one, impatient = open_log(tmp_path), open_log(tmp_path, busy=0.1)
    one.append("read", {}, {})
    impatient.append("read", {}, {})
    with ThreadErrors() as errors, waiting(impatient, "intent", holder=one):
        until(lambda: bool(errors))
        assert states(one.folder) == []
        assert one.append("read", {"whose": "writer"}, {}) == 3
    assert isinstance(errors[0], LogUnavailable)
    assert whose(one) == ["", "", "writer"]


class ThreadErrors(list[BaseException]):
    """What threads end with meanwhile."""

    def __enter__(self) -> ThreadErrors:
        self._old, threading.excepthook = threading.excepthook, lambda told: self.append(told.exc_value)  # type: ignore[assignment,arg-type,return-value]
        return self

    def __exit__(self, *_: object) -> None:
        threading.excepthook = self._old


def left(folder: Path, seconds: float = SECONDS) -> Post:
    """A post that somebody left an entry in, who never comes back."""
    post = Post(folder)
    assert post.leave([drafted("read", {"whose": "gone"}, {"target": SECRET})], seconds)
    return post


@pytest.mark.parametrize("how", ["late", "torn", "no json", "before the machine started"])
def test_what_may_not_be_written_any_more_is_not(tmp_path: Path, how: str) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    left(log.folder, -1.0 if how == "late" else SECONDS)
    path = log.folder / FILE
    data = bytearray(path.read_bytes())
    start = 4096 + 128
    if how == "torn":
        data[start + 5] ^= 1
    elif how == "no json":
        length = int.from_bytes(data[4096 + 72 : 4096 + 76], "little")
        data[start : start + length] = b"?" * length
        data[4096 + 76 : 4096 + 80] = audit_post.crc32(b"?" * length).to_bytes(4, "little")
    elif how == "before the machine started":
        data[0] ^= 1
    path.write_bytes(data)
    log.close()
    again = open_log(tmp_path)
    assert again.append("read", {}, {}) == 2
    assert whose(again) == ["", ""]
    if how == "before the machine started":
        assert (states(again.folder), SECRET.encode() in path.read_bytes()) == ([], False)


def test_what_was_left_by_one_who_is_gone_is_written_once(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    left(log.folder)
    log.close()
    again = open_log(tmp_path)
    assert [again.append("read", {"whose": "mine"}, {}) for _ in range(2)] == [2, 4]
    assert whose(again) == ["", "mine", "gone", "mine"]
    again.close()
    assert checked(tmp_path).ok


def test_too_much_and_too_many_wait_for_a_turn_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    assert not Post(tmp_path / "log").leave([drafted("read", {}, {"target": "x" * ROOM})], SECONDS)
    for _ in range(PLACES):
        left(tmp_path / "log")
    late = Post(tmp_path / "log")
    assert not late.leave([drafted("read", {}, {})], SECONDS)
    now = time.monotonic()
    monkeypatch.setattr(audit_post.time, "monotonic", lambda: now + SECONDS + 61)
    assert late.leave([drafted("read", {}, {})], SECONDS), "whoever never came back has no place for ever"


def test_a_place_that_somebody_else_took_over_is_answered_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    slow = left(tmp_path / "log")
    now = time.monotonic()
    monkeypatch.setattr(audit_post.time, "monotonic", lambda: now + SECONDS + 61)
    other = left(tmp_path / "log")
    assert slow.answer() is None
    assert states(tmp_path / "log") == [LEFT], "the other's is still there"
    slow.close()
    assert states(tmp_path / "log") == [LEFT]
    other.close()
    assert states(tmp_path / "log") == []


def test_a_promise_without_an_entry_is_none(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    post, writer = left(tmp_path / "log"), Post(tmp_path / "log")
    ((place, _),) = writer.held()
    assert states(tmp_path / "log") == [PROMISED]
    post.withdraw()
    assert states(tmp_path / "log") == [PROMISED], "it may be written at this moment"
    writer.promise(place, 7, b"h" * 32)
    writer.settle({7: b"g" * 32}.get)
    assert states(tmp_path / "log") == [LEFT]
    writer.held()
    writer.promise(place, 7, b"h" * 32)
    writer.settle({7: b"h" * 32}.get)
    assert (states(tmp_path / "log"), post.answer()) == ([WRITTEN], 7)


@pytest.mark.req("S5")
def test_scrubbing_overwrites_what_the_dead_have_left(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {})
    left(log.folder, -1.0)
    assert SECRET.encode() in (log.folder / FILE).read_bytes()
    assert log.scrub()
    assert SECRET.encode() not in (log.folder / FILE).read_bytes()
    assert states(log.folder) == []
