"""Nobody drops, swaps, edits or writes anew a closed segment unnoticed, and the first bad entry is named (A1, A4)."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from helpdesk.canonical import canonical
from helpdesk.errors import Failed, LogUnavailable, UsageError
from helpdesk.gate.audit import Verification
from helpdesk.gate.audit_links import digest_of
from helpdesk.gate.audit_segments import Segment
from helpdesk.gate.audit_verify import verify_log
from helpdesk.gate.checkpoint import Checkpoint
from helpdesk.gate.keys import PUBLIC, HostKey, read_public
from helpdesk.gate.merkle import Tree, leaf_hash
from tests.unit.audit_world import START, attacker, checked, flips, open_log, story
from tests.unit.segment_world import BY, closed_segments, removed_until, rotated, writing

pytestmark = [pytest.mark.req("A4"), pytest.mark.req("A1")]


def path_of(root: Path, segment: Segment) -> Path:
    return segment.path(root / "log")


@pytest.mark.parametrize(("which", "first_bad"), [(0, 1), (1, 8), (2, 16)])
def test_a_dropped_segment_is_missed(tmp_path: Path, which: int, first_bad: int) -> None:
    segments = closed_segments(tmp_path)
    path_of(tmp_path, segments[which]).unlink()
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, first_bad)
    assert found.problem == (
        f"Segment {which + 1} (entries {segments[which].first} to {segments[which].last}) "
        "is gone, and no retention is recorded for it."
    )


@pytest.mark.parametrize(
    ("which", "first_bad"), [((0,), 1), ((1,), 8), ((2,), 16), ((0, 1), 1), ((0, 1, 2), 1)]
)
def test_a_segment_that_is_taken_off_the_record_is_missed(
    tmp_path: Path, which: tuple[int, ...], first_bad: int
) -> None:
    """The file and its row in the table are gone, as if there had never been one."""
    segments = closed_segments(tmp_path)
    with attacker(tmp_path / "log") as database:
        for number in which:
            path_of(tmp_path, segments[number]).unlink()
            database.execute("DELETE FROM segments WHERE first = ?", (segments[number].first,))
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, first_bad)


@pytest.mark.parametrize(("which", "first_bad"), [((0,), 1), ((0, 1), 1), ((0, 1, 2), 1)])
@pytest.mark.parametrize("record", [1, 24, 31, 99])
def test_a_removal_that_no_entry_records_is_an_alarm(
    tmp_path: Path, which: tuple[int, ...], first_bad: int, record: int
) -> None:
    segments = closed_segments(tmp_path)
    with attacker(tmp_path / "log") as database:
        for number in which:
            path_of(tmp_path, segments[number]).unlink()
            database.execute(
                "UPDATE segments SET removed = ?, removed_at = '2026-03-10' WHERE first = ?",
                (record, segments[number].first),
            )
        database.execute("DELETE FROM personal WHERE seq <= ?", (segments[which[-1]].last,))
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, first_bad)
    assert "does not record that" in found.problem


@pytest.mark.parametrize(("one", "two"), [(0, 1), (1, 2), (0, 2)])
def test_swapped_segments_are_found(tmp_path: Path, one: int, two: int) -> None:
    segments = closed_segments(tmp_path)
    first, second = (path_of(tmp_path, segments[number]) for number in (one, two))
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, segments[one].first)


def test_a_segment_of_another_log_is_found(tmp_path: Path) -> None:
    segments = closed_segments(tmp_path / "mine")
    others = closed_segments(tmp_path / "other")
    shutil.copyfile(path_of(tmp_path / "other", others[1]), tmp_path / "copy")
    (tmp_path / "copy").replace(path_of(tmp_path / "mine", segments[1]))
    found = checked(tmp_path / "mine")
    assert (found.ok, found.first_bad) == (False, 8)


def test_every_byte_of_every_entry_in_a_segment_counts(tmp_path: Path) -> None:
    tried = 0
    for segment in closed_segments(tmp_path, 2)[1:]:
        path = path_of(tmp_path, segment)
        whole = path.read_bytes()
        with writing(path) as database:
            rows = database.execute(
                "SELECT seq, prev, hash, time, kind, about, entry FROM entries"
            ).fetchall()
        columns = ("seq", "prev", "hash", "time", "kind", "about", "entry")
        for row in rows:
            for column, value in zip(columns[1:], row[1:], strict=True):
                for changed in list(flips(value))[:: 31 if column == "entry" else 9]:
                    with writing(path) as database:
                        for name in ("entries_fixed", "entries_follow"):
                            database.execute(f"DROP TRIGGER IF EXISTS {name}")
                        database.execute(f"UPDATE entries SET {column} = ? WHERE seq = ?", (changed, row[0]))
                    found = checked(tmp_path)
                    tried += 1
                    assert (found.ok, found.first_bad) == (False, row[0]), (row[0], column, changed)
                    path.write_bytes(whole)
        assert checked(tmp_path).ok
    assert tried > 100


def test_a_flipped_byte_anywhere_in_a_closed_file_is_found(tmp_path: Path) -> None:
    """Also where no entry is touched by it: in free room, in an index, in the file's head."""
    segments = closed_segments(tmp_path, 2)
    chance, beside = random.Random(7), 0
    for segment in segments:
        path = path_of(tmp_path, segment)
        path.chmod(0o600)
        whole = path.read_bytes()
        for _ in range(100):
            place = chance.randrange(len(whole))
            path.write_bytes(
                whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :]
            )
            found = checked(tmp_path)
            assert not found.ok, place
            assert found.first_bad is None or segment.first <= found.first_bad <= segment.last + 1
            beside += "though its entries are as they were" in found.problem
        path.write_bytes(whole)
    assert 0 < beside < 200
    assert checked(tmp_path).ok


@pytest.mark.parametrize("keep", [0, 1, 100, 4096, 8192])
def test_a_closed_file_that_was_cut_short_is_found(tmp_path: Path, keep: int) -> None:
    segment = closed_segments(tmp_path)[1]
    path = path_of(tmp_path, segment)
    data = path.read_bytes()[:keep]
    path.chmod(0o600)
    path.write_bytes(data)
    found = checked(tmp_path)
    assert not found.ok
    assert found.first_bad is None or 8 <= found.first_bad <= 15
    with pytest.raises(Failed, match="is not the file that was closed"):
        open_log(tmp_path).entry(9)


COLUMNS = (
    "first",
    "last",
    "number",
    "head",
    "root",
    "edge",
    "digest",
    "bytes",
    "began",
    "ended",
    "kinds",
    "recorded",
)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_record_of_a_segment_cannot_be_changed(tmp_path: Path, column: str) -> None:
    tried = 0
    for segment in closed_segments(tmp_path, 2):
        with attacker(tmp_path / "log") as database:
            where = "recorded" if column != "recorded" else "number"
            key = getattr(segment, where)
            (value,) = database.execute(f"SELECT {column} FROM segments WHERE {where} = ?", (key,)).fetchone()
        for changed in list(flips(value))[:3]:
            with attacker(tmp_path / "log") as database:
                database.execute(
                    f"UPDATE OR IGNORE segments SET {column} = ? WHERE {where} = ?", (changed, key)
                )
                ignored = database.execute("SELECT changes()").fetchone() == (0,)
            assert checked(tmp_path).ok is ignored, (column, changed)
            tried += not ignored
            with attacker(tmp_path / "log") as database:
                database.execute(f"UPDATE segments SET {column} = ? WHERE {where} = ?", (value, key))
    assert tried > 3
    assert checked(tmp_path).ok


def _written_anew(root: Path, segment: Segment, change: Callable[[list[str]], None], key: HostKey) -> None:
    """A segment written anew from some entry on: every link, every hash, its checkpoints with today's key, and the
    digest on record. What follows it is left as it is."""
    path = path_of(root, segment)
    with writing(path) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        rows = database.execute("SELECT seq, prev, entry FROM entries ORDER BY seq").fetchall()
        edge = database.execute(
            "SELECT edge FROM checkpoints WHERE size = ?", (segment.first - 1,)
        ).fetchone()
        tree = Tree.unpacked(segment.first - 1, edge[0]) if edge else Tree()
        texts = [text for _, _, text in rows]
        change(texts)
        prev = rows[0][1]
        sizes = {size for (size,) in database.execute("SELECT size FROM checkpoints")}
        for (seq, _, _), text in zip(rows, texts, strict=True):
            data = canonical({**json.loads(text), "prev": prev.hex()})
            leaf = leaf_hash(data)
            document = json.loads(data)
            database.execute(
                "UPDATE entries SET prev = ?, hash = ?, entry = ?, time = ? WHERE seq = ?",
                (prev, leaf, data.decode(), document["time"], seq),
            )
            prev, tree = leaf, tree.grown((leaf,))
            if seq in sizes:
                note = Checkpoint(key.public.name, seq, tree.root, START).signed(key)
                database.execute(
                    "UPDATE checkpoints SET note = ?, edge = ? WHERE size = ?", (note, tree.packed(), seq)
                )
    with attacker(root / "log") as database:
        database.execute(
            "UPDATE segments SET digest = ?, bytes = ?, head = ?, root = ?, edge = ? WHERE first = ?",
            (digest_of(path), path.stat().st_size, prev, tree.root, tree.packed(), segment.first),
        )


@pytest.mark.req("A2")
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_segment_linked_anew_with_todays_key_is_found(tmp_path: Path, which: int) -> None:
    segment = closed_segments(tmp_path)[which]
    key = HostKey.load_or_create(tmp_path / "keys")

    def change(texts: list[str]) -> None:
        document = json.loads(texts[3])
        document["body"]["action"] = "nothing.happened"
        texts[3] = canonical(document).decode()

    _written_anew(tmp_path, segment, change, key)
    found = checked(tmp_path)
    assert not found.ok
    assert found.first_bad is not None
    assert segment.first <= found.first_bad <= segment.last + 1


@pytest.mark.req("A2")
def test_a_whole_log_written_anew_is_found_by_a_checkpoint_that_was_kept(tmp_path: Path) -> None:
    """Whoever has the key can write everything anew; a checkpoint from an old segment still shows it."""
    log = open_log(tmp_path)
    log.append("outcome", {"intent": 1}, {"actor": "ana"})
    kept = log.checkpoint()
    log.close()
    closed_segments(tmp_path)
    shutil.rmtree(tmp_path / "log")
    assert checked(tmp_path, kept).first_bad == 1
    closed_segments(tmp_path)
    assert checked(tmp_path).ok
    found = checked(tmp_path, kept)
    assert (found.ok, found.first_bad) == (False, 1)


@pytest.mark.req("A2")
def test_an_old_live_file_beside_newer_segments_is_found(tmp_path: Path) -> None:
    closed_segments(tmp_path, 1)
    shutil.copyfile(tmp_path / "log" / "log.db", tmp_path / "old.db")
    closed_segments(tmp_path, 1)
    for leftover in (tmp_path / "log").glob("log.db-*"):
        leftover.unlink()
    shutil.copyfile(tmp_path / "old.db", tmp_path / "log" / "log.db")
    found = checked(tmp_path)
    assert not found.ok
    with pytest.raises(LogUnavailable, match="altered"):
        open_log(tmp_path).append("read", {}, {})


def test_what_is_no_segment_is_no_alarm_and_is_never_read(tmp_path: Path) -> None:
    closed_segments(tmp_path)
    (tmp_path / "log" / "segments" / "0000000008-0000000099.db").write_bytes(b"planted")
    (tmp_path / "log" / "segments" / "next.db").write_bytes(b"cut short")
    assert checked(tmp_path).ok
    log = open_log(tmp_path)
    assert log.entry(9).seq == 9


# ── what retention removed ────────────────────────────────────────────────────────────────────


def retained(root: Path) -> Verification:
    closed_segments(root)
    log = open_log(root)
    assert removed_until(log, 20) == 32
    log.close()
    return checked(root)


def test_what_retention_removed_is_told_and_is_no_alarm(tmp_path: Path) -> None:
    found = retained(tmp_path)
    assert (found.ok, found.entries, found.segments, found.problem) == (True, 32, 1, "")
    assert found.plain()["removed"] == {
        "first": 1,
        "last": 15,
        "at": found.plain()["removed"]["at"],
        "entry": 32,
    }


@pytest.mark.parametrize("column", ["head", "root", "edge", "digest", "last", "removed", "removed_at"])
def test_the_record_of_a_removal_cannot_be_changed(tmp_path: Path, column: str) -> None:
    retained(tmp_path)
    with attacker(tmp_path / "log") as database:
        (value,) = database.execute(f"SELECT {column} FROM segments WHERE number = 2").fetchone()
    for changed in list(flips(value))[:3]:
        with attacker(tmp_path / "log") as database:
            database.execute(f"UPDATE segments SET {column} = ? WHERE number = 2", (changed,))
        assert not checked(tmp_path).ok, changed
    with attacker(tmp_path / "log") as database:
        database.execute(f"UPDATE segments SET {column} = ? WHERE number = 2", (value,))
    assert checked(tmp_path).ok


def test_more_than_was_removed_cannot_be_dropped_under_the_same_record(tmp_path: Path) -> None:
    retained(tmp_path)
    with attacker(tmp_path / "log") as database:
        (name,) = database.execute(
            "SELECT printf('%010d-%010d.db', first, last) FROM segments WHERE number = 3"
        ).fetchone()
        (tmp_path / "log" / "segments" / name).unlink()
        database.execute("UPDATE segments SET removed = 32, removed_at = '2026-03-09' WHERE number = 3")
        database.execute("DELETE FROM personal WHERE seq <= 23")
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, 16)


def test_a_removed_segment_that_is_put_back_on_record_is_found(tmp_path: Path) -> None:
    retained(tmp_path)
    with attacker(tmp_path / "log") as database:
        database.execute("UPDATE segments SET removed = NULL WHERE number = 2")
    assert not checked(tmp_path).ok


def test_a_checkpoint_over_what_was_removed_says_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("outcome", {"intent": 1}, {})
    kept = log.checkpoint()
    log.close()
    closed_segments(tmp_path)
    log = open_log(tmp_path)
    at_the_end = {one.last: one for one in log.segments()}
    removed_until(log, 20)
    newer = log.checkpoint()
    with pytest.raises(UsageError, match="cannot be shown") as caught:
        log.verify(checkpoint=kept)
    assert caught.value.code == "removed"
    with pytest.raises(UsageError, match="cannot be shown"):
        log.verify(checkpoint=kept, since=True)
    with pytest.raises(UsageError, match="cannot be shown"):
        log.prove_continues(kept)
    assert log.verify(checkpoint=newer).ok
    key = HostKey.load_or_create(tmp_path / "keys")
    last = max(size for size, one in at_the_end.items() if one.last <= 20)
    end = Checkpoint(key.public.name, last, at_the_end[last].root, START).signed(key)
    forged = Checkpoint(key.public.name, last, bytes(32), START).signed(key)
    public = read_public(tmp_path / "keys" / PUBLIC)
    for since in (False, True):
        assert verify_log(tmp_path / "log", public, end, since=since).ok
        assert not verify_log(tmp_path / "log", public, forged, since=since).ok


# ── the entry that records a removal leaves in its turn ───────────────────────────────────────


def removed_twice(root: Path) -> list[Segment]:
    """Entry 24 records that segment 1 went; entry 41, that segments 2 and 3 did, and entry 24 with them."""
    log = open_log(root)
    rotated(log, 2)
    assert removed_until(log, log.segments()[0].last) == 24
    for _ in range(2):
        assert log.rotate(BY, {"actor": "aud"}) is not None
        story(log)
    log.checkpoint()
    assert removed_until(log, log.segments()[2].last) == 41
    segments = log.segments()
    log.close()
    return segments


def test_a_second_removal_that_takes_the_record_of_the_first_is_no_alarm(tmp_path: Path) -> None:
    segments = removed_twice(tmp_path)
    assert [segment.removed for segment in segments] == [24, 41, 41, None]
    log = open_log(tmp_path)
    note = log.checkpoint()
    assert log.verify().problem == ""
    story(log)
    found = log.verify(checkpoint=note, since=True)
    assert (found.ok, found.since) == (True, 41)
    log.close()


@pytest.mark.parametrize("record", [8, 24, 26, 33, 41, 99])
def test_after_two_removals_a_third_that_no_entry_records_is_an_alarm(tmp_path: Path, record: int) -> None:
    segment = removed_twice(tmp_path)[3]
    with attacker(tmp_path / "log") as database:
        path_of(tmp_path, segment).unlink()
        database.execute("DELETE FROM personal WHERE seq <= ?", (segment.last,))
        forged = "UPDATE segments SET removed = ?, removed_at = '2026-03-10' WHERE first = ?"
        database.execute(forged, (record, segment.first))
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, segment.first)


@pytest.mark.req("A2")
@pytest.mark.parametrize("record", [2, 8, 24, 31, 32, 99])
def test_a_forged_removal_is_missed_by_a_check_since_a_checkpoint_too(tmp_path: Path, record: int) -> None:
    """Nothing from before the checkpoint is looked at, but what is gone is gone by an entry under it."""
    segments = closed_segments(tmp_path)
    log = open_log(tmp_path)
    note = log.checkpoint()
    assert log.verify(checkpoint=note, since=True).ok
    log.close()
    with attacker(tmp_path / "log") as database:
        path_of(tmp_path, segments[0]).unlink()
        database.execute("DELETE FROM personal WHERE seq <= ?", (segments[0].last,))
        forged = "UPDATE segments SET removed = ?, removed_at = '2026-03-10' WHERE first = 1"
        database.execute(forged, (record,))
    log = open_log(tmp_path)
    found = log.verify(checkpoint=note, since=True)
    log.close()
    assert (found.ok, found.first_bad) == (False, 1)
