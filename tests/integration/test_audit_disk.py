"""The log on real disks that fill up, lock, deny and disappear; and many processes that write it at once (R1, R4)."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from helpdesk.errors import LogUnavailable
from tests.unit.audit_world import checked, open_log, story

pytestmark = pytest.mark.req("R1")

ROOT = Path(__file__).resolve().parents[2]
WRITERS, APPENDS = 8, int(os.environ.get("HELPDESK_TEST_APPENDS", "250"))

_OPEN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.keys import HostKey
root = Path(sys.argv[1])
log = AuditLog(root / "log", lambda: datetime.now(UTC), lambda: HostKey.load_or_create(root / "keys"), busy=60)
"""


def _child(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _OPEN + program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def _told(child: subprocess.Popen[str]) -> str:
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return str(out)


@pytest.mark.parametrize("kind", ["read", "intent", "outcome"])
def test_a_full_database(tmp_path: Path, kind: str) -> None:
    log = open_log(tmp_path)
    story(log)
    database = log._open()
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    effects: list[int] = []

    def act_until_refused() -> None:
        while len(effects) < 500:
            effects.append(log.append(kind, {"action": "x" * 500}, {"actor": "ana"}))

    with pytest.raises(LogUnavailable, match="disk is full") as caught:
        act_until_refused()
    assert caught.value.hint.startswith("Make room")
    logged = 7 + len(effects)
    assert effects == list(range(8, logged + 1))
    assert checked(tmp_path).entries == logged
    assert len(log.interrupted()) == 0
    assert log.append(kind, {"action": "room again"}, {}) == logged + 1  # a new connection knows no limit
    log.close()
    assert checked(tmp_path).ok


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """A limit of the operating system on the size of any file, met by every write."""
    child = _child(
        """
import resource
log.append("read", {}, {"actor": "ana"})
resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, 256 * 1024))
done = 1
try:
    while done < 5000:
        done = log.append("outcome", {"action": "x" * 300}, {"actor": "ana"})
except LogUnavailable as error:
    print(done, error.code, error.message, "|", error.hint)
""",
        str(tmp_path),
    )
    out = _told(child)
    assert "log-unavailable The log in" in out
    assert "disk" in out
    done = int(out.split()[0])
    found = checked(tmp_path)
    assert (found.ok, found.entries) == (True, done)
    log = open_log(tmp_path)
    assert log.append("read", {}, {}) == done + 1
    log.close()
    assert checked(tmp_path).ok


def test_a_database_that_another_program_keeps_locked(tmp_path: Path) -> None:
    log = open_log(tmp_path, busy=0.1)
    story(log)
    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        with pytest.raises(LogUnavailable, match="locked for too long") as caught:
            log.append("intent", {}, {})
        assert time.monotonic() - start < 5
        assert "holds the log" in caught.value.hint
        assert [entry.seq for entry in log.entries()] == list(range(1, 8))  # reading goes on
        assert checked(tmp_path).ok
        holder.execute("ROLLBACK")
    assert log.append("intent", {}, {}) == 8
    log.close()
    assert checked(tmp_path).ok


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that another account can get to; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="helpdesk-log-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_folder_without_rights(reachable: Path) -> None:
    """The kernel's own refusal, as an ordinary account meets it; root is turned into one first."""
    if os.getuid() == 0:
        os.chown(reachable, 65534, 65534)
    child = _child(
        """
import os, tempfile
if os.getuid() == 0:
    with tempfile.TemporaryDirectory() as warm:  # everything is imported while the interpreter can be read
        trial = AuditLog(Path(warm) / "log", log._clock, lambda: HostKey.load_or_create(Path(warm) / "keys"))
        trial.append("sign-in", {}, {"actor": "ana"})
        assert trial.verify().ok
        trial.close()
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
log.append("sign-in", {}, {"actor": "ana"})
log.close()
for name, mode in (("log.db", 0o400), ("", 0o500)):
    os.chmod(root / "log" / name, mode)
for kind in ("read", "intent", "outcome"):
    try:
        print(log.append(kind, {}, {}))
    except LogUnavailable as error:
        print(error.code, "|", error.message, "|", error.hint)
print(log.verify().ok)
""",
        str(reachable),
    )
    lines = _told(child).splitlines()
    assert len(lines) == 4
    assert all(line.startswith("log-unavailable | The log ") for line in lines[:3])
    assert all("cannot be used" in line and "XDG_STATE_HOME" in line for line in lines[:3])
    assert ["read-only" in line or "Permission denied" in line for line in lines[:3]] == [True] * 3
    assert lines[3] == "True"


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    log = open_log(tmp_path)
    with pytest.raises(LogUnavailable, match="cannot be used"):
        log.append("intent", {}, {})
    with pytest.raises(LogUnavailable):
        log.entries()


def test_the_folder_taken_away_under_a_running_program(tmp_path: Path) -> None:
    """Nothing is written to a file that no longer has a name."""
    log = open_log(tmp_path)
    story(log)
    shutil.move(tmp_path / "log", tmp_path / "aside")
    with pytest.raises(LogUnavailable, match="altered"):
        log.append("read", {}, {})
    shutil.rmtree(tmp_path / "log")
    shutil.move(tmp_path / "aside", tmp_path / "log")
    assert log.append("read", {}, {}) == 8
    log.close()
    assert checked(tmp_path).ok


def test_a_kill_at_any_moment_leaves_a_whole_log(tmp_path: Path) -> None:
    """Everything that was reported as written is there, whole, and the next process goes on."""
    promised = 0
    for turn in range(5):
        child = _child(
            "\nwhile True:\n    print(log.append('outcome', {'n': 1}, {'actor': 'ana'}), flush=True)\n",
            str(tmp_path),
        )
        assert child.stdout is not None
        for _ in range(3 + 7 * turn):
            promised = int(child.stdout.readline())
        child.kill()
        rest = child.communicate()[0].split()
        promised = int(rest[-1]) if rest else promised
        found = checked(tmp_path)
        assert (found.ok, found.problem) == (True, "")
        assert found.entries >= promised
    log = open_log(tmp_path)
    assert log.append("read", {}, {}) == found.entries + 1
    log.close()
    assert checked(tmp_path).ok


@pytest.mark.req("R4")
@pytest.mark.timeout(300)
def test_eight_processes_lose_nothing_and_make_no_fork(tmp_path: Path) -> None:
    program = """
sys.stdin.read()
for number in range(int(sys.argv[3])):
    kind = "outcome" if number % 50 == 0 else "read"
    print(log.append(kind, {"writer": int(sys.argv[2]), "number": number}, {"actor": "ana"}))
log.close()
"""
    children = [_child(program, str(tmp_path), str(writer), str(APPENDS)) for writer in range(WRITERS)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    numbers = [[int(line) for line in _told(child).split()] for child in children]
    assert all(mine == sorted(mine) for mine in numbers)
    assert sorted(n for mine in numbers for n in mine) == list(range(1, WRITERS * APPENDS + 1))
    found = checked(tmp_path)
    assert (found.ok, found.entries, found.signed) == (True, WRITERS * APPENDS, WRITERS * APPENDS)
    written = {
        (entry.body["writer"], entry.body["number"]): entry.seq
        for entry in open_log(tmp_path).entries(limit=10**6)
    }
    assert [[written[writer, n] for n in range(APPENDS)] for writer in range(WRITERS)] == numbers


@pytest.mark.req("R4")
@pytest.mark.timeout(300)
def test_eight_processes_of_which_some_are_killed_lose_and_double_nothing(tmp_path: Path) -> None:
    """Each writes for the others as well; what any of them was told is in the log once, with that number."""
    program = """
from helpdesk.gate import audit_post
audit_post._EVERY = 0.0
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    kind = ("outcome", "intent", "read", "read")[number % 4]
    seq = log.append(kind, {"writer": int(sys.argv[2]), "number": number}, {"actor": "ana"})
    print(number, seq, flush=True)
log.close()
"""
    rounds = max(APPENDS // 125, 1)
    chance, told = random.Random(rounds), {}  # type: random.Random, dict[tuple[int, int], int]
    for turn in range(rounds):
        children = [
            _child(program, str(tmp_path), str(turn * WRITERS + writer), "100") for writer in range(WRITERS)
        ]
        readers = [
            threading.Thread(target=_collect, args=(child, turn * WRITERS + n, told))
            for n, child in enumerate(children)
        ]
        for child, reader in zip(children, readers, strict=True):
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
            reader.start()
        for child in chance.sample(children, 3):
            enough = len(told) + chance.randrange(10, 100)
            deadline = time.monotonic() + 60
            while len(told) < enough and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)
            child.kill()
        for child, reader in zip(children, readers, strict=True):
            reader.join(60)
            child.communicate()
    log = open_log(tmp_path)
    log.append("read", {}, {})
    written = [
        ((entry.body["writer"], entry.body["number"]), entry.seq)
        for entry in log.entries(limit=10**6)
        if "writer" in entry.body
    ]
    assert len(dict(written)) == len(written), "an entry is there twice"
    assert told.items() <= dict(written).items(), "an entry is not where its writer was told"
    assert len(written) - len(told) <= 3 * rounds, "only those that were killed may not know of theirs"
    log.close()
    found = checked(tmp_path)
    assert (found.ok, found.entries) == (True, len(written) + 1)


def _collect(child: subprocess.Popen[str], writer: int, told: dict[tuple[int, int], int]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if line.endswith("\n"):
            number, seq = map(int, line.split())
            told[writer, number] = seq


@pytest.mark.req("R4")
def test_no_two_entries_follow_the_same_one(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    story(log)
    log.close()
    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as database:
        for seq in (8, 9):
            with pytest.raises(sqlite3.IntegrityError, match="an entry follows the last one"):
                database.execute(
                    "INSERT INTO entries SELECT ?, prev, hash, time, kind, about, entry FROM entries WHERE seq = 7",
                    (seq,),
                )
    assert open_log(tmp_path).append("read", {}, {}) == 8
