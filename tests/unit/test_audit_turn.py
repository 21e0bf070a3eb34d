"""Whose turn it is to write: waiters are woken, a killed holder keeps nobody out, and waiting ends (R1, R4)."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit_turn import FILE, Turn
from tests.unit.audit_world import checked, open_log

pytestmark = [
    pytest.mark.req("R4"),
    pytest.mark.skipif(sys.platform == "win32", reason="there SQLite's own waiting is used"),
]
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20
_HOLDER = """
import sys
from pathlib import Path
from helpdesk.gate.audit_turn import Turn
turn = Turn(Path(sys.argv[1]), 5)
with turn:
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """A process that has the turn until its input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_one_at_a_time_and_again_within(tmp_path: Path) -> None:
    one, other = Turn(tmp_path, SECONDS), Turn(tmp_path, 0.05)
    with one, one, pytest.raises(sqlite3.OperationalError), other:
        pass
    with other, pytest.raises(sqlite3.OperationalError), Turn(tmp_path, 0.05):
        pass
    with one:
        pass
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    one.close()
    other.close()


def test_who_waits_is_woken(tmp_path: Path) -> None:
    order: list[str] = []
    first = Turn(tmp_path, SECONDS)

    def wait() -> None:
        with Turn(tmp_path, SECONDS):
            order.append("second")

    with first:
        thread = threading.Thread(target=wait)
        thread.start()
        order.append("first")
    thread.join(SECONDS)
    assert order == ["first", "second"]


def test_a_killed_holder_keeps_nobody_out(tmp_path: Path) -> None:
    log = open_log(tmp_path, busy=SECONDS)
    log.append("read", {}, {})
    child = holder(tmp_path / "log")
    numbers: list[int] = []
    thread = threading.Thread(target=lambda: numbers.append(log.append("read", {}, {})))
    thread.start()
    os.kill(child.pid, signal.SIGKILL)
    thread.join(SECONDS)
    child.communicate()
    assert numbers == [2]
    log.close()
    assert checked(tmp_path).ok


def test_waiting_ends_and_the_next_try_is_a_new_one(tmp_path: Path) -> None:
    log = open_log(tmp_path, busy=0.1)
    log.append("read", {}, {})
    child = holder(tmp_path / "log")
    start = time.monotonic()
    with pytest.raises(LogUnavailable, match="locked for too long"):
        log.append("intent", {}, {})
    assert time.monotonic() - start < SECONDS
    assert list((tmp_path / "log" / "running").iterdir()) == []
    child.communicate("")
    assert log.append("read", {}, {}) == 2
    log.close()
    assert checked(tmp_path).ok
