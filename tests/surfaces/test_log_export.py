"""``log export``: a table to search, made once, private, and never over a file that is there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.surfaces.company import Company


@pytest.mark.req("S7")
def test_the_log_becomes_a_table(company: Company, tmp_path: Path) -> None:
    entry = company.run_as("ana", "--json", "whoami").document["entry"]
    target = tmp_path / "table.db"
    made = company.run("log", "export", str(target), "--json")
    assert made.code == 0
    assert made.document["entries"] >= entry
    assert target.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(target)) as database:
        rows = database.execute("SELECT actor, outcome FROM log WHERE seq = ?", (entry,)).fetchall()
    assert rows == [("ana", "done")]
    before = target.read_bytes()
    again = company.run("log", "export", str(target))
    assert again.code == 1
    assert str(target) in again.err
    assert target.read_bytes() == before
