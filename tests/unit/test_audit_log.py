"""Writing and reading the log; intents that wait for an answer."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import Failed, NotFound
from helpdesk.gate import audit
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_export import export_table, line, plain
from helpdesk.gate.checkpoint import opened
from helpdesk.gate.keys import HostKey
from tests.unit.audit_world import START, Clock, attacker, checked, open_log, story


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return open_log(tmp_path)


def test_numbers_count_from_one_and_what_was_written_is_read(log: AuditLog) -> None:
    body = {"action": "password.unlock", "people": {"person": "id-2"}, "list": [1, None, True]}
    assert log.append("read", body, {"actor": "Zoë", "count": 3}) == 1
    assert log.append("read", {}, {}) == 2
    entry = log.entry(1)
    assert (entry.seq, entry.kind, entry.body, entry.personal) == (
        1,
        "read",
        body,
        {"actor": "Zoë", "count": 3},
    )
    assert entry.time == START + timedelta(seconds=1)
    assert isinstance(entry.personal["count"], int)
    with pytest.raises(NotFound, match="no entry 3"):
        log.entry(3)
    for never in (0, -1, 2**70):
        with pytest.raises(NotFound):
            log.entry(never)


def test_pages_of_entries(log: AuditLog) -> None:
    story(log)

    def numbers(**how: Any) -> list[int]:
        return [entry.seq for entry in log.entries(**how)]

    assert numbers() == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(limit=2) == [1, 2]
    assert numbers(after=5) == [6, 7]
    assert numbers(limit=2, newest_first=True) == [7, 6]
    assert numbers(before=6, limit=2, newest_first=True) == [5, 4]
    assert numbers(kinds=("intent", "outcome")) == [3, 5]
    assert numbers(after=7) == []
    assert numbers(limit=0) == []


def test_a_float_or_an_object_is_refused_and_nothing_is_logged(log: AuditLog) -> None:
    for bad in ({"x": 1.5}, {"x": object()}):
        with pytest.raises(TypeError):
            log.append("read", bad, {})
    assert log.append("read", {}, {}) == 1


# ── hostile values ────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    'x\n{"seq": 9, "kind": "outcome"}',
    "\r\n2026-03-09 outcome done",
    "\x1b[2J\x1b]52;c;eA==\x07",
    "\x9b31m\x85\u2028\u2029",
    "\u202eevil\u200b",
    "nul\x00inside",
    "quote\"back\\slash'",
    os.fsdecode(b"not \xff text"),
    "\x7f",
]


@pytest.mark.req("A5")
def test_hostile_values_forge_no_line(log: AuditLog, tmp_path: Path) -> None:
    for value in HOSTILE:
        log.append("read", {"message": value, value: 1}, {"actor": value, value: value})
    log.close()
    entries = log.entries()
    text = "\n".join(line(entry) for entry in entries)
    assert len(text.splitlines()) == len(HOSTILE)
    assert all(32 <= ord(character) < 127 or character == "\n" for character in text)
    assert [json.loads(one)["seq"] for one in text.splitlines()] == list(range(1, len(HOSTILE) + 1))
    for value, entry in zip(HOSTILE, entries, strict=True):
        if value.isprintable() or "\udcff" not in value:
            assert entry.personal["actor"] == value
    assert entries[7].personal["actor"] == "not \\udcff text"
    with closing(sqlite3.connect(tmp_path / "log" / "log.db")) as database:
        stored = [row[0] for row in database.execute("SELECT entry FROM entries")]
    assert not any(ord(character) < 32 for entry in stored for character in entry)
    assert checked(tmp_path).ok


@pytest.mark.req("A5")
def test_personal_values_are_committed_to_by_type_with_a_salt_of_their_own(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(2):
        log.append("read", {}, {"number": 42, "text": "42", "actor": "ana.secret"})
    with closing(sqlite3.connect(tmp_path / "log" / "log.db")) as database:
        chained = [json.loads(row[0]) for row in database.execute("SELECT entry FROM entries")]
        salts = [row[0] for row in database.execute("SELECT salt FROM personal")]
    commitments = [value for entry in chained for value in entry["personal"].values()]
    assert len(set(commitments)) == len(set(salts)) == 6
    assert all(len(salt) == 32 for salt in salts)
    assert "ana.secret" not in json.dumps(chained)
    assert log.entry(1).personal == {"number": 42, "text": "42", "actor": "ana.secret"}


@pytest.mark.req("S5")
def test_an_erased_value_is_in_none_of_the_files(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {}, {"actor": "canary-7319"})
    log.close()
    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as database:
        database.execute("PRAGMA secure_delete = ON")
        database.execute("UPDATE personal SET salt = NULL, value = NULL")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = {
        file.name
        for file in (tmp_path / "log").rglob("*")
        if file.is_file() and b"canary" in file.read_bytes()
    }
    assert held == set()
    assert checked(tmp_path).ok


@pytest.mark.req("S7")
def test_every_file_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        log = open_log(tmp_path)
        log.append("intent", {}, {"actor": "ana"})
        files = [*(tmp_path / "log").rglob("*"), *(tmp_path / "keys").rglob("*")]
        assert {"log.db", "log.db-wal", "checkpoint", "host.key"} <= {file.name for file in files}
        for file in [tmp_path / "log", *files]:
            assert file.stat().st_mode & 0o777 == (0o700 if file.is_dir() else 0o600), file
    finally:
        os.umask(old)


# ── time ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R5")
def test_a_clock_that_jumps_keeps_the_order(tmp_path: Path) -> None:
    year, zones = timedelta(days=365), [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]
    moments = [START, START + year, START - year, START, START, START + timedelta(hours=1)]
    moments = [moment.astimezone(zones[i % 3]) for i, moment in enumerate(moments)]
    told = iter(moments)
    log = open_log(tmp_path, lambda: next(told, START))
    for _ in moments:
        log.append("read", {}, {})
    entries = log.entries()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.time for entry in entries] == moments
    assert all(entry.time.utcoffset() == timedelta(0) for entry in entries)
    assert [entry.seq for entry in entries if entry.behind] == [3]
    log.close()
    assert checked(tmp_path).ok


@pytest.mark.req("R5")
def test_a_checkpoint_is_due_by_the_monotonic_clock_not_by_the_wall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, ticks = Clock(), [1000.0]
    monkeypatch.setattr(audit.time, "monotonic", lambda: ticks[0])
    log = open_log(tmp_path, clock)
    log.append("read", {}, {})
    assert checked(tmp_path).signed == 1  # the first entry of a process
    clock.now -= timedelta(days=365)
    ticks[0] += 59
    log.append("read", {}, {})
    assert checked(tmp_path).signed == 1
    ticks[0] += 1
    log.append("read", {}, {})
    assert checked(tmp_path).signed == 3


def test_a_clock_without_a_zone_is_a_mistake(tmp_path: Path) -> None:
    log = open_log(tmp_path, lambda: datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        log.append("read", {}, {})


# ── checkpoints ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["outcome", "approval", "sign-in", "request"])
def test_what_matters_is_signed_at_once(log: AuditLog, tmp_path: Path, kind: str) -> None:
    log.append("read", {}, {})
    log.append("read", {}, {})
    assert checked(tmp_path).signed == 1
    log.append(kind, {}, {})
    found = checked(tmp_path)
    assert (found.signed, found.ok) == (3, True)
    assert (tmp_path / "log" / "checkpoint").read_text() == found.checkpoint


def test_a_checkpoint_on_demand_and_at_the_end(log: AuditLog, tmp_path: Path) -> None:
    assert log.checkpoint() == ""
    log.append("read", {}, {})
    log.append("read", {}, {})
    note = log.checkpoint()
    assert note == log.checkpoint()
    key = HostKey.load_or_create(tmp_path / "keys").public
    assert (opened(note, key).size, opened(note, key).origin) == (2, key.name)
    log.append("read", {}, {})
    log.close()
    log.close()
    assert checked(tmp_path).signed == 3
    assert checked(tmp_path, note).ok
    assert log.append("read", {}, {}) == 4  # it opens again


def test_a_checkpoint_whose_file_cannot_be_written_stops_the_next_entry(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry was durable; that its checkpoint is not remembered outside is said before anything else is done."""

    def full(path: Path, data: bytes) -> None:
        raise Failed("No room.", hint="Make room.")

    with monkeypatch.context() as patch:
        patch.setattr("helpdesk.gate.audit_seal.write_private", full)
        assert log.append("outcome", {}, {}) == 1
        with pytest.raises(Failed, match="No room") as caught:
            log.append("read", {}, {})
        assert caught.value.code == "log-unavailable"
    assert log.append("read", {}, {}) == 2
    assert checked(tmp_path).ok


def test_another_key_does_not_go_on_with_the_log(log: AuditLog, tmp_path: Path) -> None:
    log.append("read", {}, {})
    log.close()
    for file in (tmp_path / "keys").iterdir():
        file.unlink()
    with pytest.raises(Failed, match="not signed with this host's key"):
        open_log(tmp_path).append("read", {}, {})


# ── intents ───────────────────────────────────────────────────────────────────────────────────


def outcome(log: AuditLog, intent: int, ending: str) -> int:
    return log.append("outcome", {"intent": intent, "outcome": ending}, {})


@pytest.mark.req("R2")
def test_only_what_has_no_certain_outcome_is_open(log: AuditLog) -> None:
    ends = ["done", "unknown", "accepted", "failed", "partial", "refused"]
    intents = {ending: log.append("intent", {"n": ending}, {}) for ending in ends}
    assert log.open_intents() == []  # this process is carrying them out
    for ending, intent in intents.items():
        outcome(log, intent, ending)
    assert [entry.body["n"] for entry in log.open_intents()] == ["unknown", "accepted"]
    assert log.interrupted() == []
    outcome(log, intents["unknown"], "accepted")
    outcome(log, intents["accepted"], "done")
    assert [entry.body["n"] for entry in log.open_intents()] == ["unknown"]
    outcome(log, intents["unknown"], "failed")
    assert log.open_intents() == []


_CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.keys import HostKey
root = Path(sys.argv[1])
log = AuditLog(root / "log", lambda: datetime.now(UTC), lambda: HostKey.load_or_create(root / "keys"))
print(log.append("intent", {"action": "password.unlock"}, {"actor": "ana"}), flush=True)
for command in sys.stdin:
    log.append("outcome", {"intent": int(command), "outcome": "done"}, {})
    print("ended", flush=True)
"""


def _carrying_out(root: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.req("R2")
def test_a_living_process_is_not_reconciled_and_a_killed_one_is(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    process, intent = _carrying_out(tmp_path)
    other, second = _carrying_out(tmp_path)
    try:
        assert log.interrupted() == []
        assert log.open_intents() == []
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert [entry.seq for entry in log.interrupted()] == [intent]
        assert [entry.seq for entry in log.open_intents()] == [intent]
        assert other.stdin is not None
        assert other.stdout is not None
        print(second, file=other.stdin, flush=True)
        assert other.stdout.readline() == "ended\n"
        assert [entry.seq for entry in log.interrupted()] == [intent]
        outcome(log, intent, "failed")
        assert log.interrupted() == []
        assert list((tmp_path / "log" / "running").iterdir()) == []
    finally:
        for child in (process, other):
            child.kill()
            child.communicate()
    assert checked(tmp_path).ok


@pytest.mark.req("R2")
def test_an_outcome_that_could_not_be_logged_leaves_its_intent_open(log: AuditLog, tmp_path: Path) -> None:
    intent = log.append("intent", {}, {})
    assert log.interrupted() == []
    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as holder:
        log.close()
        impatient = open_log(tmp_path, busy=0.05)
        again = impatient.append("intent", {}, {})
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Failed, match="locked"):
            outcome(impatient, again, "done")
        holder.execute("ROLLBACK")
    assert [entry.seq for entry in impatient.interrupted()] == [intent, again]


@pytest.mark.req("R4")
def test_threads_of_one_process(log: AuditLog, tmp_path: Path) -> None:
    numbers: list[int] = []

    def work(worker: int) -> None:
        kinds = ["outcome", "read", "read"] * 3
        numbers.extend(log.append(kind, {"worker": worker}, {"n": n}) for n, kind in enumerate(kinds))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 55))
    assert checked(tmp_path).ok


@pytest.mark.req("A4")
def test_a_log_of_an_older_program_is_gone_on_with(tmp_path: Path) -> None:
    """Its index of kinds held the many reads as well; that is all that changes, and it verifies as before."""
    log = open_log(tmp_path)
    story(log)
    log.close()
    old = "CREATE INDEX entries_kind ON entries (kind, seq)"
    with attacker(tmp_path / "log") as database:
        (now,) = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'entries_kind'").fetchone()
        assert now != old
        database.execute("DROP INDEX entries_kind")
        database.execute(old)
    assert checked(tmp_path).ok
    again = open_log(tmp_path)
    assert again.append("read", {}, {}) == 8
    assert [entry.seq for entry in again.entries(kinds=["read"])] == [4, 6, 8]
    assert [entry.seq for entry in again.entries(kinds=["intent", "outcome"])] == [3, 5]
    asked = "SELECT seq FROM entries WHERE kind IN (?, ?) AND kind <> 'read' AND seq > ?"
    with closing(sqlite3.connect(tmp_path / "log" / "log.db")) as database:
        assert database.execute("SELECT sql FROM sqlite_schema WHERE name = 'entries_kind'").fetchone() == (
            now,
        )
        plan = database.execute(f"EXPLAIN QUERY PLAN {asked}", ("intent", "outcome", 0)).fetchall()
    assert "entries_kind" in plan[0][3]
    again.close()
    assert checked(tmp_path).ok


# ── for scripts ───────────────────────────────────────────────────────────────────────────────


def test_an_entry_as_a_plain_document(log: AuditLog) -> None:
    story(log)
    documents = [plain(entry) for entry in log.entries()]
    done = documents[4]
    assert done["seq"] == 5
    assert (done["actor"], done["action"], done["outcome"]) == ("ana", "password.unlock", "done")
    assert documents[2]["target"] == "bo"
    assert documents[0]["action"] is None
    assert done["body"]["intent"] == 3
    assert done["personal"]["message"] == "Ünlocked."
    assert datetime.fromisoformat(done["time"]).tzinfo is not None
    keys = {"seq", "time", "kind", "actor", "action", "target", "outcome", "hash"}
    assert all(keys <= set(document) for document in documents)
    json.dumps(documents)


def test_a_table_to_search(log: AuditLog, tmp_path: Path) -> None:
    story(log)
    chance = random.Random(3)
    for _ in range(1200):
        log.append("read", {"action": "x", "code": str(chance.random())}, {"actor": "cy"})
    target = tmp_path / "table.db"
    assert export_table(log, target) == 1207
    assert target.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(target)) as database:
        found = database.execute(
            "SELECT seq, actor, intent FROM log WHERE rowid IN (SELECT rowid FROM log_fts WHERE log_fts MATCH 'unlocked')"
        ).fetchall()
    assert found == [(5, "ana", 3)]
    with pytest.raises(Failed):
        export_table(log, target)
