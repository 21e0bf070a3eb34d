"""The short way of checking an entry: taken for whole entries, and never for others (A1, A2)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from helpdesk.gate.audit_quick import ENTRIES, TOGETHER, Quick
from helpdesk.gate.audit_verify import _Check
from helpdesk.gate.merkle import leaf_hash
from tests.unit.audit_world import Clock, attacker, checked, open_log, story

pytestmark = pytest.mark.req("A1")


def odd_log(root: Path) -> None:
    """Entries of every form there is."""
    clock = Clock()
    log = open_log(root, clock)
    story(log)
    clock.now = clock.now.replace(year=2020)
    log.append("read", {"deep": {"form": "helpdesk.entry/1", "kind": "x"}}, {"é": 'a"b\\c', "n": 7})
    log.append("read", {}, {})
    log.append("intent", {"action": "x"}, {"actor": "ana"})
    log.close()


def looked_at_the_long_way(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    before = _Check._check_row

    def counted(self: _Check, row: Any, *rest: Any) -> None:
        found.append(row.seq)
        before(self, row, *rest)

    monkeypatch.setattr(_Check, "_check_row", counted)
    return found


def test_whole_entries_need_no_second_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd_log(tmp_path)
    slow = looked_at_the_long_way(monkeypatch)
    found = checked(tmp_path)
    assert (found.ok, found.entries, slow) == (True, 10, [])


def test_an_erased_value_is_looked_at_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd_log(tmp_path)
    with attacker(tmp_path / "log") as database:
        database.execute("UPDATE personal SET salt = NULL, value = NULL WHERE seq = 8 AND name = 'n'")
    slow = looked_at_the_long_way(monkeypatch)
    found = checked(tmp_path)
    assert (found.ok, found.erased, slow) == (True, 1, [8])


def test_every_changed_byte_of_an_entry_is_doubted_even_with_its_hash_put_right(tmp_path: Path) -> None:
    """Its bytes beside the body are all known from elsewhere; the body is held by the hash in the next entry."""
    odd_log(tmp_path)
    with attacker(tmp_path / "log") as database:
        rows = database.execute(ENTRIES, (0,)).fetchall()
        for row in rows:
            prev, seq, text = row[1], row[0], row[6]
            start = text.index(b'"form"') if seq != 8 else text.rindex(b'"form"')
            for at in range(start, len(text)):
                changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
                leaf = leaf_hash(changed)
                fits = not Quick(database).look([(seq, prev, leaf, *row[3:6], changed)], seq, prev)[1]
                told = text[at : at + 1]
                within = text[:at].rindex(b'"monotonic":') if b'"monotonic":' in text[:at] else -1
                number = (
                    within >= 0 and text[within + 12 : at].isdigit() | (at == within + 12) and told.isdigit()
                )
                run = b'"run":"' in text[:at] and text[text.rindex(b'"run":"') + 7 : at].isalnum() | (
                    text[:at].endswith(b'"run":"')
                )
                if not (number or run):  # these two stand nowhere else: only the hash holds them
                    assert not fits, (seq, at, changed)


@pytest.mark.parametrize(
    "seq", [1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 2 * TOGETHER, 2 * TOGETHER + 1, 150]
)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE personal SET value = '\"no\"' WHERE seq = {seq}",
        "UPDATE personal SET salt = zeroblob(31) WHERE seq = {seq}",
        "UPDATE personal SET name = 'x' WHERE seq = {seq}",
        "INSERT INTO personal VALUES ({seq}, 'x', zeroblob(32), '\"\"')",
        "INSERT INTO personal VALUES ({seq}, 'x', NULL, NULL)",
        "UPDATE entries SET time = '' WHERE seq = {seq}",
        "UPDATE entries SET about = 1 WHERE seq = {seq}",
        "UPDATE entries SET entry = replace(entry, '\"n\"', '\"m\"') WHERE seq = {seq}",
    ],
)
def test_the_first_bad_one_of_many_is_named_wherever_they_are_cut(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seq: int, change: str
) -> None:
    shutil.copytree(many, tmp_path, dirs_exist_ok=True)
    with attacker(tmp_path / "log") as database:
        database.execute(change.format(seq=seq))
        database.execute("UPDATE entries SET time = '' WHERE seq = 150")
    slow = looked_at_the_long_way(monkeypatch)
    found = checked(tmp_path)
    assert (found.ok, found.first_bad, slow) == (False, seq, [seq])


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred and fifty entries, with checkpoints between them and at the end."""
    folder = tmp_path_factory.mktemp("many")
    log = open_log(folder)
    for start in range(0, 150, 30):
        log.append_many([("read", {"n": n}, {"actor": "ana"}) for n in range(start, start + 30)])
        log.checkpoint()
    log.close()
    return folder
