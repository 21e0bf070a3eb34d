"""A rotation or a removal that is killed at any step leaves the old state or the new one; others go on (R2, R4, A4)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from helpdesk.gate.audit import AuditLog
from tests.unit.audit_world import checked, open_log, story
from tests.unit.segment_world import BY, removed_until, rotated

pytestmark = [pytest.mark.req("A4"), pytest.mark.req("R2")]

_KILLED = """
import json, os, sys
from pathlib import Path
from tests.unit.audit_world import open_log
from tests.unit.segment_world import BY, removed_until

work, roots = sys.argv[1], [Path(line) for line in sys.stdin.read().split()]

def child(root, kill_at):
    log, steps = open_log(root), [0]
    def step(*_):
        steps[0] += 1
        if steps[0] > kill_at:
            os._exit(9)
    for name in ("fsync", "rename", "unlink", "chmod", "replace"):
        real = getattr(os, name)
        setattr(os, name, lambda *a, real=real, **k: (step(), real(*a, **k))[1])
    log._writable().set_trace_callback(step)
    if work == "rotate":
        log.rotate(BY, {"actor": "aud"})
    else:
        removed_until(log, 20)
    log._database.set_trace_callback(None)
    os._exit(0)

for kill_at, root in enumerate(roots):
    pid = os.fork()
    if not pid:
        child(root, kill_at)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def _killed(work: str, roots: list[Path]) -> list[int]:
    """Begins the work once in each folder and kills it one step later each time; the exit codes."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, work],
        input="\n".join(map(str, roots)),
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(line) for line in done.stdout.split()]


def _copies(tmp_path: Path, count: int) -> list[Path]:
    import shutil

    roots = [tmp_path / str(number) for number in range(count)]
    for root in roots:
        shutil.copytree(tmp_path / "log", root / "log")
        shutil.copytree(tmp_path / "keys", root / "keys")
    return roots


def _said(log: AuditLog) -> list[tuple[int, str, str, str]]:
    return [
        (e.seq, e.hash, e.kind, json.dumps(dict(e.personal), sort_keys=True)) for e in log.entries(limit=1000)
    ]


def test_a_rotation_killed_at_any_step_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    rotated(log, 1)
    log.append("read", {}, {"actor": "cy"})  # not signed yet
    before = _said(log)
    log._drop()  # as a process leaves it that is killed
    roots = _copies(tmp_path, 90)
    codes = _killed("rotate", roots)
    assert codes[0] == 9
    assert codes[-1] == 0, "more steps than were tried"
    old = new = 0
    for kill_at, (root, code) in enumerate(zip(roots, codes, strict=True)):
        assert checked(root).ok, checked(root)
        log = open_log(root)
        after = _said(log)
        assert after[: len(before)] == before
        assert [entry[2] for entry in after[len(before) :]] in ([], ["rotation"])
        closed = len(log.segments()) == 2
        assert closed is (len(after) > len(before))
        old, new = old + (not closed), new + closed
        assert code == 9 or closed
        if kill_at % 3 == 0 or code == 0:
            assert log.append("outcome", {"intent": 3, "outcome": "done"}, {}) == len(after) + 1
            segment, _ = log.rotate(BY, {}) or pytest.fail("nothing was closed")
            assert segment.number == 2 + closed
            files = {path.name for path in (root / "log" / "segments").iterdir()} - {"lock"}
            assert files == {one.file for one in log.segments()}
            assert log.verify().ok
        log.close()
        if code == 0:
            break
    assert old > 5
    assert new > 5


def test_a_removal_killed_at_any_step_is_finished_or_never_began(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    rotated(log, 3)
    before = _said(log)
    log.close()
    roots = _copies(tmp_path, 60)
    codes = _killed("remove", roots)
    assert codes[0] == 9
    assert codes[-1] == 0, "more steps than were tried"
    old = new = 0
    for root, code in zip(roots, codes, strict=True):
        assert checked(root).ok, checked(root)
        log = open_log(root)
        after = _said(log)
        gone = after[0][0] == 16
        assert [entry for entry in after if entry[2] != "retention"] == (before[15:] if gone else before)
        assert gone is (after[-1][2] == "retention")
        old, new = old + (not gone), new + gone
        log.tidy()
        files = {path.name for path in (root / "log" / "segments").iterdir()} - {"lock"}
        assert files == {one.file for one in log.segments() if one.removed is None}
        if not gone:
            removed_until(log, 20)
        assert log.verify().ok
        log.close()
        if code == 0:
            break
    assert old > 5
    assert new > 2


_WRITER = """
import sys
from pathlib import Path
from tests.unit.audit_world import open_log
log = open_log(Path(sys.argv[1]), busy=60.0)
log.append("sign-in", {"writer": sys.argv[2]}, {"actor": sys.argv[2]})
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    kind = "outcome" if number % 3 == 0 else "read"
    print(log.append(kind, {"writer": sys.argv[2], "number": number}, {"actor": sys.argv[2]}), flush=True)
log.close()
"""


@pytest.mark.req("R4")
def test_four_processes_write_while_segments_are_closed(tmp_path: Path) -> None:
    log = open_log(tmp_path, busy=60.0)
    story(log)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    numbers: dict[int, tuple[str, int]] = {}
    rotations = 0
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            print(file=writer.stdin, flush=True)
        while any(writer.poll() is None for writer in writers):
            rotations += log.rotate(BY, {}) is not None
        for index, writer in enumerate(writers):
            out, _ = writer.communicate()
            assert writer.returncode == 0
            told = [int(line) for line in out.split()]
            assert len(told) == 60
            numbers |= {seq: (str(index), number) for number, seq in enumerate(told)}
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert rotations >= 3
    assert len(numbers) == 240, "two entries got one number"
    entries = {entry.seq: entry for entry in log.entries(limit=10_000)}
    assert sorted(entries) == list(range(1, 7 + 4 + 240 + rotations + 1))
    for seq, (writer_name, number) in numbers.items():
        assert entries[seq].body == {"writer": writer_name, "number": number}
        assert entries[seq].personal == {"actor": writer_name}
    assert len(log.segments()) == rotations
    log.close()
    found = checked(tmp_path)
    assert (found.ok, found.entries, found.segments) == (True, len(entries), rotations)


@pytest.mark.req("R1")
def test_a_disk_without_room_leaves_the_log_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from helpdesk.errors import LogUnavailable

    log = open_log(tmp_path)
    story(log)
    real = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LogUnavailable, match="No space left"):
        log.rotate(BY, {})
    monkeypatch.setattr(os, "fsync", real)
    assert log.segments() == []
    assert log.verify().ok
    assert log.rotate(BY, {}) is not None
    with closing(log):
        assert log.verify().ok
