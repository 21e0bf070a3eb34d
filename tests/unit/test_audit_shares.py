"""A check that other processes take a share of finds what one alone finds, and needs none of them (A1)."""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from helpdesk.gate import audit_verify
from helpdesk.gate.audit_quick import Raw
from helpdesk.gate.audit_shares import Shares, doubts
from helpdesk.gate.audit_verify import _Check
from tests.unit.audit_world import attacker, checked, open_log

pytestmark = pytest.mark.req("A1")
SIZE = 60


@pytest.fixture
def made(tmp_path: Path) -> Path:
    log = open_log(tmp_path)
    log.append_many([("read", {"n": n}, {"actor": f"person {n}", "message": "é"}) for n in range(SIZE)])
    log.close()
    return tmp_path


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The check gives out shares of small logs too; the numbers that were looked at here, the long way."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(audit_verify, "Shares", functools.partial(Shares, least=20))
    long_way: list[int] = []
    before = _Check._check_row

    def counted(self: _Check, row: Any, *rest: Any) -> None:
        long_way.append(row.seq)
        before(self, row, *rest)

    monkeypatch.setattr(_Check, "_check_row", counted)
    return long_way


def test_the_others_share_is_vouched_for(
    made: Path, shared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    vouched: list[int] = []
    before = Shares.vouch

    def seen(self: Shares, rows: Sequence[Raw], first: int, prev: bytes) -> Any:
        found = before(self, rows, first, prev)
        if found is not None:
            vouched.extend(first + place for place in range(len(rows)) if place not in found[1])
        return found

    monkeypatch.setattr(Shares, "vouch", seen)
    with attacker(made / "log") as database:
        database.execute("UPDATE personal SET salt = NULL, value = NULL WHERE seq = 50 AND name = 'actor'")
    found = checked(made)
    assert (found.ok, found.entries, found.erased, shared) == (True, SIZE, 1, [50])
    assert vouched == [seq for seq in range(22, SIZE + 1) if seq != 50]


@pytest.mark.parametrize(
    ("change", "first_bad"),
    [
        ("UPDATE personal SET value = '\"no\"' WHERE seq = 40 AND name = 'actor'", 40),
        ("UPDATE entries SET entry = replace(entry, '\"n\":39', '\"n\":38') WHERE seq = 40", 40),
        ("UPDATE entries SET kind = 'outcome' WHERE seq = 26", 26),
        ("UPDATE entries SET hash = zeroblob(32) WHERE seq = 25", 25),
        ("DELETE FROM entries WHERE seq = 41", 41),
        ("DELETE FROM entries WHERE seq = 60", 60),
        ("UPDATE personal SET value = '\"no\"' WHERE seq = 3 AND name = 'actor'", 3),
    ],
)
def test_what_was_changed_is_named_wherever_it_is(
    made: Path, shared: list[int], change: str, first_bad: int
) -> None:
    with attacker(made / "log") as database:
        database.execute(change)
    found = checked(made)
    assert (found.ok, found.first_bad) == (False, first_bad)
    assert shared or "DELETE" in change


def test_without_the_others_everything_is_looked_at_here(
    made: Path, shared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert checked(made).ok
    with attacker(made / "log") as database:
        database.execute("UPDATE personal SET value = '\"no\"' WHERE seq = 40 AND name = 'actor'")
    assert (checked(made).first_bad, shared) == (40, [40])


def test_a_share_names_its_doubts_and_says_when_it_could_not_look(made: Path) -> None:
    with sqlite3.connect(made / "log" / "log.db") as database:
        (prev,) = database.execute("SELECT hash FROM entries WHERE seq = 30").fetchone()
    database.close()
    assert doubts(made / "log", 30, SIZE, 0, prev) == []
    assert doubts(made / "log", 30, SIZE, SIZE, bytes(32)) == [31]
    assert doubts(made / "log", 30, SIZE + 1, 0, prev) is None
