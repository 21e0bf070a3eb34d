"""Nobody without the key changes the log unnoticed, and the first bad entry is named (A1, A2)."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit_chain import commitment
from helpdesk.gate.checkpoint import Checkpoint
from helpdesk.gate.keys import HostKey
from helpdesk.gate.merkle import Tree, leaf_hash
from tests.unit.audit_world import START, attacker, checked, closed_story, flips, open_log

pytestmark = pytest.mark.req("A1")

KEYS = {"entries": ("seq",), "personal": ("seq", "name"), "checkpoints": ("size",)}


def test_an_untouched_log_is_whole(tmp_path: Path) -> None:
    closed_story(tmp_path)
    found = checked(tmp_path)
    assert (found.ok, found.entries, found.first_bad, found.signed, found.problem) == (True, 7, None, 7, "")
    assert set(found.plain()) >= {"ok", "entries", "first_bad", "checkpoint"}


@pytest.mark.parametrize("table", KEYS)
def test_every_byte_of_every_column_counts(tmp_path: Path, table: str) -> None:
    folder = closed_story(tmp_path)
    with closing(sqlite3.connect(folder / "log.db")) as database:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        rows = database.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    with attacker(folder):
        pass  # the triggers are gone for good
    keys = KEYS[table]
    tried, unseen, misnamed = 0, [], []
    with closing(sqlite3.connect(folder / "log.db", isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for row in rows:
            now = dict(zip(columns, row, strict=True))
            for column, value in now.items():
                for changed in flips(value):
                    where = " AND ".join(f"{key} = ?" for key in keys)
                    there = [now[key] for key in keys]
                    try:
                        database.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed, *there))
                    except sqlite3.IntegrityError:
                        continue  # another row has that key: the database refuses it by itself
                    found = checked(tmp_path)
                    tried += 1
                    if found.ok:
                        unseen.append((table, now[keys[0]], column, changed))
                    elif table != "checkpoints" and found.first_bad != _named(now["seq"], column, changed):
                        misnamed.append((now["seq"], column, changed, found))
                    moved = {**now, column: changed}
                    database.execute(
                        f"UPDATE {table} SET {column} = ? WHERE {where}",
                        (value, *(moved[key] for key in keys)),
                    )
    assert tried > 400
    assert unseen == []
    assert misnamed == []
    assert checked(tmp_path).ok


def _named(seq: int, column: str, changed: object) -> int:
    """The first bad entry: the changed one, or the place it was moved to when that comes before it."""
    if column == "seq":
        assert isinstance(changed, int)
        return max(1, min(seq, changed))
    return seq


def test_a_flipped_byte_of_the_file_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    whole = (folder / "log.db").read_bytes()
    log = open_log(tmp_path)
    before = log.entries(), log.interrupted()
    log.close()
    chance, noticed = random.Random(7), 0
    for _ in range(600):
        place = chance.randrange(len(whole))
        for leftover in folder.glob("log.db-*"):
            leftover.unlink()
        (folder / "log.db").write_bytes(
            whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :]
        )
        try:
            ok = checked(tmp_path).ok
        except LogUnavailable:
            ok = False
        noticed += not ok
        if ok:
            log = open_log(tmp_path)
            assert (log.entries(), log.interrupted()) == before, place
            del log
    assert noticed > 60


def _rechain(database: sqlite3.Connection, start: int) -> None:
    """Write every later entry's link anew, as somebody does who knows the form but has no key."""
    import json

    from helpdesk.canonical import canonical

    prev = database.execute("SELECT hash FROM entries WHERE seq = ?", (start - 1,)).fetchone()[0]
    for seq, text in database.execute(
        "SELECT seq, entry FROM entries WHERE seq >= ? ORDER BY seq", (start,)
    ).fetchall():
        data = canonical({**json.loads(text), "prev": prev.hex(), "seq": seq})
        new = leaf_hash(data)
        database.execute(
            "UPDATE entries SET prev = ?, hash = ?, entry = ? WHERE seq = ?", (prev, new, data.decode(), seq)
        )
        prev = new


def test_a_deleted_entry(tmp_path: Path) -> None:
    with attacker(closed_story(tmp_path)) as database:
        database.execute("DELETE FROM entries WHERE seq = 4")
    assert checked(tmp_path).first_bad == 4


def test_a_deleted_entry_whose_place_was_closed(tmp_path: Path) -> None:
    with attacker(closed_story(tmp_path)) as database:
        for table in ("entries", "personal"):
            database.execute(f"DELETE FROM {table} WHERE seq = 4")
            for seq in (5, 6, 7):
                database.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (seq - 1, seq))
    assert checked(tmp_path).first_bad == 4


def test_two_entries_in_each_other_s_place(tmp_path: Path) -> None:
    with attacker(closed_story(tmp_path)) as database:
        for old, new in ((4, 99), (5, 4), (99, 5)):
            database.execute("UPDATE entries SET seq = ? WHERE seq = ?", (new, old))
    assert checked(tmp_path).first_bad == 4


def test_an_inserted_entry(tmp_path: Path) -> None:
    with attacker(closed_story(tmp_path)) as database:
        for seq in (7, 6, 5, 4):
            for table in ("entries", "personal"):
                database.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (seq + 1, seq))
        (text,) = database.execute("SELECT entry FROM entries WHERE seq = 3").fetchone()
        forged = text.replace('"seq":3', '"seq":4')
        database.execute(
            "INSERT INTO entries SELECT 4, ?, ?, time, kind, about, ? FROM entries WHERE seq = 3",
            (b"x" * 32, leaf_hash(forged.encode()), forged),
        )
    assert checked(tmp_path).first_bad == 4


def test_an_edited_entry_with_its_own_hash_put_right(tmp_path: Path) -> None:
    """The entry after it tells which of the two is bad."""
    with attacker(closed_story(tmp_path)) as database:
        (text,) = database.execute("SELECT entry FROM entries WHERE seq = 5").fetchone()
        forged = text.replace('"outcome":"done"', '"outcome":"failed"')
        assert forged != text
        database.execute(
            "UPDATE entries SET entry = ?, hash = ? WHERE seq = 5", (forged, leaf_hash(forged.encode()))
        )
    assert checked(tmp_path).first_bad == 5


@pytest.mark.parametrize("last", [6, 7])
def test_the_last_but_one_edited_with_its_hash_put_right(tmp_path: Path, last: int) -> None:
    log = open_log(tmp_path)
    for number in range(last):
        log.append("outcome", {"outcome": "done", "n": number}, {})
    log.close()
    with attacker(tmp_path / "log") as database:
        (text,) = database.execute("SELECT entry FROM entries WHERE seq = ?", (last - 1,)).fetchone()
        forged = text.replace("done", "fail")
        database.execute(
            "UPDATE entries SET entry = ?, hash = ? WHERE seq = ?",
            (forged, leaf_hash(forged.encode()), last - 1),
        )
    assert checked(tmp_path).first_bad == last - 1


@pytest.mark.req("A2")
def test_a_chain_written_anew_does_not_fit_the_signed_checkpoints(tmp_path: Path) -> None:
    """Entries 3 to 5 stand between the checkpoints at 1 and 5: that is as near as anybody can tell."""
    with attacker(closed_story(tmp_path)) as database:
        database.execute("UPDATE entries SET entry = replace(entry, 'password.unlock', 'password.status')")
        _rechain(database, 2)
    found = checked(tmp_path)
    assert not found.ok
    assert found.first_bad == 2
    assert "2 to 5" in found.problem


@pytest.mark.req("A2")
@pytest.mark.parametrize("left", [0, 1, 4, 6])
def test_a_log_cut_short(tmp_path: Path, left: int) -> None:
    with attacker(closed_story(tmp_path)) as database:
        for table, column in (("entries", "seq"), ("personal", "seq"), ("checkpoints", "size")):
            database.execute(f"DELETE FROM {table} WHERE {column} > ?", (left,))
    found = checked(tmp_path)
    assert (found.ok, found.entries, found.first_bad) == (False, left, left + 1)
    assert "7 entries were signed" in found.problem
    with pytest.raises(LogUnavailable, match="altered") as caught:
        open_log(tmp_path).append("read", {}, {})
    assert "log verify" in caught.value.hint


@pytest.mark.req("A2")
def test_an_old_copy_of_the_database_put_back(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    shutil.copy(folder / "log.db", tmp_path / "old.db")
    log = open_log(tmp_path)
    log.append("outcome", {"outcome": "done"}, {})
    log.close()
    assert checked(tmp_path).ok
    shutil.copy(tmp_path / "old.db", folder / "log.db")
    found = checked(tmp_path)
    assert (found.ok, found.first_bad) == (False, 8)
    with pytest.raises(LogUnavailable):
        open_log(tmp_path).append("read", {}, {})


@pytest.mark.req("A2")
def test_the_database_taken_away(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    (folder / "log.db").unlink()
    assert (checked(tmp_path).ok, checked(tmp_path).first_bad) == (False, 1)
    with pytest.raises(LogUnavailable, match="altered"):
        open_log(tmp_path).append("read", {}, {})


@pytest.mark.req("A2")
def test_the_whole_folder_put_back_is_seen_with_a_checkpoint_kept_elsewhere(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    shutil.copytree(folder, tmp_path / "old")
    log = open_log(tmp_path)
    log.append("read", {}, {})
    kept = log.checkpoint()
    log.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    assert checked(tmp_path).ok  # nothing on this machine can tell
    found = checked(tmp_path, kept)
    assert (found.ok, found.first_bad) == (False, 8)
    log = open_log(tmp_path)
    log.append("read", {"another": "past"}, {})
    log.close()
    assert checked(tmp_path).ok
    assert checked(tmp_path, kept).first_bad == 8


@pytest.mark.req("A2")
def test_a_log_cut_short_under_a_running_program(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(3):
        log.append("read", {}, {})
    with attacker(tmp_path / "log") as database:
        database.execute("DELETE FROM entries WHERE seq = 3")
    with pytest.raises(LogUnavailable, match="gone"):
        log.append("read", {}, {})


def test_a_changed_personal_value(tmp_path: Path) -> None:
    with attacker(closed_story(tmp_path)) as database:
        database.execute("UPDATE personal SET value = '\"mallory\"' WHERE seq = 3 AND name = 'actor'")
    found = checked(tmp_path)
    assert found.first_bad == 3
    assert "actor" in found.problem


def test_a_personal_value_with_a_commitment_of_its_own(tmp_path: Path) -> None:
    """A fitting salt cannot be found; one for another name does not fit either."""
    with attacker(closed_story(tmp_path)) as database:
        salt, value = database.execute("SELECT salt, value FROM personal WHERE seq = 1").fetchone()
        assert commitment("actor", salt, value) != commitment("target", salt, value)
        database.execute("UPDATE personal SET name = 'target' WHERE seq = 1")
    assert checked(tmp_path).first_bad == 1


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM personal WHERE seq = 4 AND name = 'count'",
        "UPDATE personal SET value = NULL WHERE seq = 4 AND name = 'count'",
        "INSERT INTO personal VALUES (4, 'extra', x'00', '1')",
        "UPDATE personal SET value = '\"3\"' WHERE seq = 4 AND name = 'count'",
        "UPDATE personal SET value = CAST(x'22ff22' AS TEXT) WHERE seq = 4 AND name = 'count'",
        "UPDATE entries SET entry = CAST(x'ff' AS TEXT) WHERE seq = 4",
        "UPDATE entries SET time = time || ' ' WHERE seq = 4",
        "UPDATE entries SET entry = 'x', hash = x'00' WHERE seq = 4",
    ],
)
def test_other_ways_to_spoil_an_entry(tmp_path: Path, change: str) -> None:
    with attacker(closed_story(tmp_path)) as database:
        database.execute(change)
    assert checked(tmp_path).first_bad == 4


def test_a_spoilt_entry_is_not_shown_as_if_it_were_one(tmp_path: Path) -> None:
    with attacker(closed_story(tmp_path)) as database:
        database.execute("UPDATE entries SET entry = 'x' WHERE seq = 4")
    with pytest.raises(LogUnavailable, match="Entry 4 of the log is damaged"):
        open_log(tmp_path).entries()


def test_a_copy_of_the_database_alone_is_verified_with_a_checkpoint(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    kept = (folder / "checkpoint").read_text()
    (folder / "checkpoint").unlink()
    assert not checked(tmp_path).ok
    assert checked(tmp_path, kept).ok
    assert not checked(tmp_path, kept.replace("\n7\n", "\n8\n")).ok


def test_erased_values_leave_the_chain_whole(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("read", {"action": "x"}, {"actor": "ana", "phone": 5550100})
    with closing(sqlite3.connect(tmp_path / "log" / "log.db", isolation_level=None)) as database:
        database.execute("UPDATE personal SET salt = NULL, value = NULL WHERE name = 'actor'")
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            database.execute("UPDATE personal SET value = '1' WHERE name = 'phone'")
        for refused in ("DELETE FROM entries", "UPDATE entries SET kind = 'x'", "DELETE FROM checkpoints"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                database.execute(refused)
    found = checked(tmp_path)
    assert (found.ok, found.erased) == (True, 1)
    assert log.entry(1).personal == {"actor": None, "phone": 5550100}


@pytest.mark.req("A2")
def test_a_checkpoint_that_another_key_signed(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    stranger = HostKey.load_or_create(tmp_path / "stranger")
    with closing(sqlite3.connect(folder / "log.db")) as database:
        leaves = [row[0] for row in database.execute("SELECT hash FROM entries ORDER BY seq")]
    host = checked(tmp_path).checkpoint.split("\n")[0]
    forged = Checkpoint(host, 7, Tree().grown(leaves).root, START)
    with attacker(folder) as database:
        database.execute("UPDATE checkpoints SET note = ? WHERE size = 7", (forged.signed(stranger),))
    found = checked(tmp_path)
    assert not found.ok
    assert "not genuine" in found.problem
    assert found.first_bad is None  # every entry is as it was
    with pytest.raises(LogUnavailable, match="not signed with this host's key"):
        open_log(tmp_path).append("read", {}, {})


@pytest.mark.req("A2")
@pytest.mark.parametrize("gone", ["both", "file", "rows"])
def test_checkpoints_taken_away(tmp_path: Path, gone: str) -> None:
    folder = closed_story(tmp_path)
    if gone != "rows":
        (folder / "checkpoint").unlink()
    if gone != "file":
        with attacker(folder) as database:
            database.execute("DELETE FROM checkpoints")
    assert not checked(tmp_path).ok


def test_a_crash_before_the_first_checkpoint_reached_its_file_is_no_tampering(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append("sign-in", {}, {})
    log.append("sign-in", {}, {})
    log.close()
    (tmp_path / "log" / "checkpoint").unlink()
    with attacker(tmp_path / "log") as database:
        database.execute("DELETE FROM entries WHERE seq = 2")
        database.execute("DELETE FROM checkpoints WHERE size = 2")
    assert checked(tmp_path).ok  # what the disk holds between the first commit and the file


def test_garbage_instead_of_a_database(tmp_path: Path) -> None:
    folder = closed_story(tmp_path)
    (folder / "log.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    for leftover in folder.glob("log.db-*"):
        leftover.unlink()
    found = checked(tmp_path)
    assert not found.ok
    assert "damaged" in found.problem
    with pytest.raises(LogUnavailable, match="no database"):
        open_log(tmp_path).append("read", {}, {})
