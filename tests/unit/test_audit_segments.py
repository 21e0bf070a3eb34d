"""A log of several segments is one log: numbers, reading, what waits, names and proofs go on across them (A4)."""

from __future__ import annotations

import json
import stat
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from helpdesk.errors import Failed, NotFound
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_links import digest_of
from helpdesk.gate.audit_rotate import RotateWhen
from helpdesk.gate.audit_search import SearchIndex
from helpdesk.gate.audit_verify import verify_log
from helpdesk.gate.keys import PUBLIC, PublicKey, read_public
from helpdesk.gate.merkle import Tree
from helpdesk.gate.proof_check import check_proof
from tests.unit.audit_world import Clock, checked, open_log, story
from tests.unit.segment_world import BY, closed_segments, removed_until, rotated

pytestmark = pytest.mark.req("A4")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return open_log(tmp_path)


def public(root: Path) -> PublicKey:
    return read_public(root / "keys" / PUBLIC)


def test_numbers_and_the_tree_go_on_without_a_gap(log: AuditLog, tmp_path: Path) -> None:
    segments = rotated(log)
    assert [(one.first, one.last, one.recorded) for one in segments] == [(1, 7, 8), (8, 15, 16), (16, 23, 24)]
    entries = log.entries()
    assert [entry.seq for entry in entries] == list(range(1, 32))
    assert [entry.kind for entry in entries if entry.kind == "rotation"] == ["rotation"] * 3
    whole = Tree().grown(bytes.fromhex(entry.hash) for entry in entries[:23])
    assert (segments[2].root, segments[2].edge) == (whole.root, whole.packed())
    found = log.verify()
    assert (found.ok, found.entries, found.segments, found.first_bad) == (True, 31, 3, None)
    log.close()
    assert checked(tmp_path).ok


def test_each_segment_is_linked_to_the_next_by_an_entry(log: AuditLog, tmp_path: Path) -> None:
    for segment in rotated(log):
        path = segment.path(tmp_path / "log")
        record = log.entry(segment.recorded)
        assert record.kind == "rotation"
        assert record.body["digest"] == segment.digest == digest_of(path)
        assert record.body["head"] == log.entry(segment.last).hash == segment.head.hex()
        assert (record.body["root"], record.body["edge"]) == (segment.root.hex(), segment.edge.hex())
        assert (record.body["first"], record.body["last"]) == (segment.first, segment.last)
        assert stat.S_IMODE(path.stat().st_mode) == 0o400
        assert record.personal == {"actor": "aud"}


def test_closed_files_hold_no_names(log: AuditLog, tmp_path: Path) -> None:
    for segment in rotated(log):
        data = segment.path(tmp_path / "log").read_bytes()
        assert b'"ana"' not in data
        assert "Ünlocked".encode() not in data


def test_pages_are_read_across_segments(log: AuditLog) -> None:
    rotated(log)
    seen = []
    while page := log.entries(after=seen[-1] if seen else 0, limit=5):
        seen += [entry.seq for entry in page]
    assert seen == list(range(1, 32))
    assert [entry.seq for entry in log.entries(limit=4, newest_first=True, before=18)] == [17, 16, 15, 14]
    assert [entry.seq for entry in log.entries(after=6, before=10)] == [7, 8, 9]
    assert [entry.seq for entry in log.entries(kinds=("intent",))] == [3, 11, 19, 27]
    assert [entry.seq for entry in log.chosen([30, 2, 99, 9, 9, 0])] == [2, 9, 30]
    assert log.entry(4).personal == {"actor": "cy", "count": 3}
    assert [entry.seq for entry in log.outcomes_of(3)] == [5]
    for missing in (0, 32, 10**9):
        with pytest.raises(NotFound):
            log.entry(missing)


def test_only_the_files_that_are_needed_are_opened(log: AuditLog, tmp_path: Path) -> None:
    segments = rotated(log)
    note = log.checkpoint()
    log.close()
    for segment in segments[:2]:
        segment.path(tmp_path / "log").chmod(0)
        segment.path(tmp_path / "log").rename(tmp_path / segment.file)
    assert [entry.seq for entry in log.entries(limit=10, newest_first=True)] == list(range(31, 21, -1))
    assert log.entry(17).kind == "sign-in"
    assert log.entries(limit=1, newest_first=True, kinds=("erasure",)) == []
    assert log.interrupted() == []
    assert log.open_intents() == []
    assert log.append("read", {}, {}) == 32
    assert log.prove(30, note)["index"] == 29


def test_what_waits_is_known_across_segments(log: AuditLog) -> None:
    first = log.append("intent", {"action": "a"}, {"actor": "ana"})
    second = log.append("intent", {"action": "b"}, {"actor": "ana"})
    log.append("outcome", {"intent": second, "outcome": "unknown"}, {"actor": "ana"})
    log.close()  # its runs are over
    for _ in range(3):
        story(log)
        assert log.rotate(BY, {}) is not None
        log.close()
    assert [entry.seq for entry in log.interrupted()] == [first]
    assert [entry.seq for entry in log.open_intents()] == [first, second]
    log.append("outcome", {"intent": first, "outcome": "unknown"}, {"actor": "ana"})
    assert log.interrupted() == []
    assert [entry.seq for entry in log.open_intents()] == [first, second]
    assert log.rotate(BY, {}) is not None
    assert [entry.seq for entry in log.open_intents()] == [first, second]
    log.append("outcome", {"intent": second, "outcome": "done"}, {"actor": "ana"})
    assert [entry.seq for entry in log.open_intents()] == [first]
    log.append("outcome", {"intent": first, "outcome": "done"}, {"actor": "ana"})
    assert log.rotate(BY, {}) is not None
    assert log.open_intents() == []
    assert [entry.seq for entry in log.outcomes_of(second)] == [3, log.outcomes_of(second)[-1].seq]
    assert log.verify().ok


def test_what_takes_an_entry_back_is_found_in_a_later_segment(log: AuditLog) -> None:
    rotated(log, 2)
    undo = log.append("intent", {"action": "x", "undoes": 5}, {})
    log.rotate(BY, {})
    assert [entry.seq for entry in log.undoing(5)] == [undo]


@pytest.mark.req("S5")
def test_names_are_erased_from_every_segment_and_the_files_stay_as_they_are(
    log: AuditLog, tmp_path: Path
) -> None:
    segments = rotated(log)
    assert log.logins_of("id-1") == {"ana"}
    assert log.ids_of("ana") == {"id-1"}
    values = log.values_of("id-2", {"bo"})
    assert [value for value in values if value[1] == "target"] == [(seq, "target") for seq in (3, 11, 19, 27)]
    log.erase(values, {"action": "log.erase"}, {"actor": "aud"})
    assert log.scrub()
    assert log.values_of("id-2", {"bo"}) == []
    assert log.entry(3).personal["target"] is None
    found = log.verify()
    assert (found.ok, found.erased) == (True, len(values))
    assert [digest_of(one.path(tmp_path / "log")) for one in segments] == [one.digest for one in segments]
    log.close()
    for file in (tmp_path / "log").rglob("*"):
        assert not file.is_file() or b'"bo"' not in file.read_bytes()


def test_searching_and_counting_go_on_across_segments(log: AuditLog, tmp_path: Path) -> None:
    with closing(SearchIndex(log, tmp_path / "log")) as index:
        story(log)
        assert [entry.seq for entry in index.find(Filter(text="ünlocked"))] == [5]
        log.rotate(BY, {"actor": "aud"})
        story(log)
        assert [entry.seq for entry in index.find(Filter(text="ünlocked"))] == [5, 13]
        assert [entry.seq for entry in index.find(Filter(actors=("aud",)))] == [8]
        assert len(list(index.all(Filter()))) == 15


# ── proofs ────────────────────────────────────────────────────────────────────────────────────


def test_every_entry_is_proved_under_every_checkpoint_across_segments(log: AuditLog, tmp_path: Path) -> None:
    notes = {}
    for _ in range(3):
        for _ in range(5):
            size = log.append("outcome", {"intent": 1}, {"actor": "ana"})
            notes[size] = log.checkpoint()
        log.rotate(BY, {})
    size = log.append("read", {}, {})
    notes[size] = log.checkpoint()
    key = public(tmp_path)
    for size, note in notes.items():
        for seq in range(1, size + 1):
            proved = check_proof(json.dumps(log.prove(seq, note, names=True)), key, note)
            assert (proved.size, proved.entry["seq"]) == (size, seq)
        proved = check_proof(json.dumps(log.prove_continues(note)), key, note)
        assert (proved.old_size, proved.size) == (size, 19)


def test_the_published_vectors_hold_for_a_log_in_segments(shared_data: Path, log: AuditLog) -> None:
    """The stored nodes of a log that was cut anywhere are those of the definition (RFC 6962, section 2.1)."""
    from helpdesk.gate.audit_proofs import StoredNodes
    from helpdesk.gate.audit_view import viewing
    from helpdesk.gate.merkle_proofs import consistency, inclusion, over

    for cut in (1, 2, 3, 5, 8, 3):
        for _ in range(cut):
            log.append("read", {}, {})
        log.rotate(BY, {})
    entries = log.entries(limit=1000)
    leaves = [bytes.fromhex(entry.hash) for entry in entries]
    with viewing(log._open(), log._closed) as view:
        for size in range(1, len(leaves) + 1):
            for index in range(size):
                assert inclusion(index, size, StoredNodes(view)) == inclusion(index, size, over(leaves))
            for old in range(1, size + 1):
                assert consistency(old, size, StoredNodes(view)) == consistency(old, size, over(leaves))


def test_since_begins_anywhere_and_opens_no_older_segment(log: AuditLog, tmp_path: Path) -> None:
    notes = []
    for _ in range(3):
        story(log)
        notes.append((len(log.entries()), log.checkpoint()))
        segment, _ = log.rotate(BY, {}) or pytest.fail("nothing was closed")
        notes.append((segment.last + 1, log.checkpoint()))
    log.append("read", {}, {})
    log.close()
    folder = tmp_path / "log"
    for size, note in notes:
        found = verify_log(folder, public(tmp_path), note, since=True)
        assert (found.ok, found.since, found.problem) == (True, size, "")
    older = log.segments()[0].path(folder)
    log.close()
    older.chmod(0o600)
    older.write_bytes(b"nobody reads this")
    for size, note in notes[1:]:
        assert verify_log(folder, public(tmp_path), note, since=True).since == size
    assert verify_log(folder, public(tmp_path)).first_bad == 1
    older.unlink()
    found = verify_log(folder, public(tmp_path), notes[-1][1], since=True)
    assert (found.ok, found.first_bad) == (False, 1)
    assert "no retention is recorded" in found.problem


# ── when ──────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_closed_twice_and_an_empty_log_not_at_all(log: AuditLog) -> None:
    assert log.rotate(BY, {}) is None
    story(log)
    assert log.rotate(BY, {}) is not None
    assert log.rotate(BY, {}) is None
    log.append("read", {}, {})
    assert log.rotate(BY, {}) is not None
    assert [entry.kind for entry in log.entries()][-2:] == ["read", "rotation"]


def test_a_segment_is_closed_by_itself_when_it_is_due(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path, clock)
    never, big, old = RotateWhen(), RotateWhen(entries=7), RotateWhen(age=timedelta(days=7))
    assert log.rotate_when_due(big) is None  # not even opened
    for _ in range(6):
        log.append("read", {}, {})
    assert log.rotate_when_due(big) is None
    log.append("read", {}, {})
    assert log.rotate_when_due(never) is None
    assert log.rotate_when_due(old) is None
    segment, entry = log.rotate_when_due(big) or pytest.fail("it was due")
    assert (segment.last, entry) == (7, 8)
    assert log.entry(8).body["by"] == "configuration"
    assert log.rotate_when_due(big) is None
    log.append("read", {}, {})
    clock.now += timedelta(days=8)
    assert log.rotate_when_due(old) is not None
    clock.now += timedelta(days=8)
    assert log.rotate_when_due(old) is None  # a log that nobody uses does not grow by its own rotations


def test_two_do_not_close_a_segment_at_once(log: AuditLog, tmp_path: Path) -> None:
    from helpdesk.gate.audit_rotate import alone

    story(log)
    with alone(tmp_path / "log"):
        with pytest.raises(Failed, match="Another helpdesk") as caught:
            log.rotate(BY, {})
        assert caught.value.code == "busy"
        assert log.rotate_when_due(RotateWhen(entries=1)) is None
    assert log.rotate_when_due(RotateWhen(entries=1)) is not None


def test_another_process_that_knows_an_older_checkpoint_goes_on(tmp_path: Path) -> None:
    """Its tree ends where the live file no longer reaches."""
    log, other = open_log(tmp_path), open_log(tmp_path)
    other.append("sign-in", {}, {})
    story(log)
    log.rotate(BY, {})
    story(log)
    log.rotate(BY, {})
    assert other.append("outcome", {"intent": 3, "outcome": "done"}, {}) == 18
    assert log.append("outcome", {"intent": 3, "outcome": "done"}, {}) == 19
    assert [entry.seq for entry in other.entries(limit=50)] == list(range(1, 20))
    other.close()
    log.close()
    assert checked(tmp_path).ok


def test_a_log_without_rotation_keeps_the_form_that_older_programs_read(tmp_path: Path) -> None:
    import sqlite3

    from helpdesk.gate.audit_store import ROTATED, VERSION

    def form() -> int:
        with closing(sqlite3.connect(tmp_path / "log" / "log.db")) as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])

    log = open_log(tmp_path)
    story(log)
    assert form() == VERSION
    log.rotate(BY, {})
    assert form() == ROTATED


def test_a_segment_that_is_gone_is_said_where_it_is_read(tmp_path: Path) -> None:
    segments = closed_segments(tmp_path)
    segments[1].path(tmp_path / "log").unlink()
    log = open_log(tmp_path)
    assert log.entry(3).seq == 3
    with pytest.raises(Failed, match=r"segment 2 .entries 8 to 15. is gone") as caught:
        log.entry(9)
    assert caught.value.code == "log-altered"
    assert log.append("read", {}, {}) == 32


@pytest.mark.req("R5")
def test_a_segment_is_as_young_as_its_youngest_entry_whatever_the_clock_did(tmp_path: Path) -> None:
    clock = Clock()
    log = open_log(tmp_path, clock)
    log.append("read", {}, {})
    clock.now += timedelta(days=300)
    youngest = log.entry(log.append("read", {}, {})).time
    clock.now -= timedelta(days=400)
    log.append("sign-in", {}, {})
    segment, _ = log.rotate(BY, {}) or pytest.fail("nothing was closed")
    assert datetime.fromisoformat(segment.ended) == youngest
    assert log.removable(youngest, 100).segments == ()
    assert log.removable(youngest + timedelta(seconds=1), 100).segments == (log.segments()[0],)


def test_only_old_whole_segments_that_nothing_needs_may_go_and_the_oldest_first(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    rotated(log, 2)
    waits = log.append("intent", {"action": "a"}, {"actor": "ana"})
    log.close()  # its run is over
    assert log.rotate(BY, {}) is not None
    rotated(log, 1)
    later = Clock().now + timedelta(days=30)
    first, second, third, fourth = log.segments()
    assert waits in range(third.first, third.last + 1)
    found = log.removable(later, fourth.last)
    assert (found.segments, found.first, found.last, found.entries) == ((first, second), 1, 15, 15)
    assert found.why == (f"Entry {waits} in segment 3 is about something whose outcome is not known yet.")
    unknown_outside = log.removable(later, 14)
    assert unknown_outside.segments == (first,)
    assert "No place outside has confirmed a checkpoint over entry 15" in unknown_outside.why
    assert log.removable(datetime.fromisoformat(second.ended), 99).segments == (first,)
    log.append("outcome", {"intent": waits, "outcome": "done"}, {"actor": "ana"})
    assert log.removable(later, fourth.last).segments == (first, second, third, fourth)


def test_who_reads_while_a_segment_is_removed_goes_on_without_it(tmp_path: Path) -> None:
    from helpdesk.gate.audit_view import viewing

    log, other = open_log(tmp_path), open_log(tmp_path)
    rotated(log)
    with viewing(log._open(), log._closed) as view:
        assert len(view.kept) == 3
        removed_until(other, 20)
        seen = [
            seq
            for source in view.sources()
            for (seq,) in source.execute("SELECT seq FROM entries ORDER BY seq")
        ]
    assert seen == list(range(16, 32))
    assert log.entries(limit=1)[0].seq == 16


def test_a_file_that_cannot_be_deleted_is_removed_on_record_and_goes_later(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from helpdesk.gate import audit_retain

    first = rotated(log)[0].path(tmp_path / "log")

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(audit_retain, "take_away", refused)
        assert removed_until(log, 20) == 32
    assert first.exists()
    found = log.verify()
    assert (found.ok, found.removed and found.removed.last) == (True, 15)
    with pytest.raises(NotFound, match="removed by retention"):
        log.entry(3)
    log.tidy()
    assert not first.exists()
