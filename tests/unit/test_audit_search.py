"""Finding entries: the index says what a look at every entry says, and keeps up with the log."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import LogUnavailable
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_search import SearchIndex
from tests.unit.audit_world import START, attacker, checked, open_log, story


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return open_log(tmp_path)


@pytest.fixture
def index(log: AuditLog, tmp_path: Path) -> Iterator[SearchIndex]:
    made = SearchIndex(log, tmp_path / "log")
    yield made
    made.close()


def numbers(index: SearchIndex, filter: Filter, **how: Any) -> list[int]:
    return [entry.seq for entry in index.find(filter, **how)]


def test_each_part_of_a_filter(log: AuditLog, index: SearchIndex) -> None:
    story(log)
    log.append(
        "approval", {"decision": "denied", "request": "R-1", "actor_id": "id-9"}, {"reason": "Too wide"}
    )
    for filter, found in (
        (Filter(actors=("ana",)), [1, 2, 3, 5, 6, 7]),
        (Filter(actors=("id-1",)), [1]),
        (Filter(actors=("an",)), []),
        (Filter(actors=("ANA", "cy")), [1, 2, 3, 4, 5, 6, 7]),
        (Filter(actions=("password.unlock",)), [3, 5]),
        (Filter(targets=("bo",)), [3]),
        (Filter(targets=("id-2",)), [3]),
        (Filter(outcomes=("denied",)), [8]),
        (Filter(kinds=("intent", "outcome")), [3, 5]),
        (Filter(kinds=("read",), actors=("cy",)), [4]),
        (Filter(text="unlocked"), [5]),
        (Filter(text="wide TOO"), [8]),
        (Filter(text="too narrow"), []),
        (Filter(text='un"locked OR no'), []),
        (Filter(text='- "unlocked" \0 *'), [5]),
        (Filter(text="-"), []),
        (Filter(text="\udcff"), []),
        (Filter(since=START + timedelta(seconds=6)), [6, 7, 8]),
        (Filter(until=START + timedelta(seconds=3)), [1, 2]),
        (
            Filter(since=START + timedelta(seconds=2), until=START + timedelta(seconds=5), actors=("ana",)),
            [2, 3],
        ),
        (Filter(actors=("nobody",)), []),
        (Filter(), [1, 2, 3, 4, 5, 6, 7, 8]),
    ):
        assert numbers(index, filter) == found, filter
    assert numbers(index, Filter(actors=("ana",)), limit=2, newest_first=True) == [7, 6]
    assert numbers(index, Filter(actors=("ana",)), after=1, before=7) == [2, 3, 5, 6]
    assert [entry.seq for entry in index.all(Filter(actors=("ana",)), after=2)] == [3, 5, 6, 7]
    assert index.find(Filter(actors=("cy",)))[0] == log.entry(4)


@pytest.mark.req("R5")
def test_the_index_says_what_a_look_at_every_entry_says(tmp_path: Path) -> None:
    """With a clock that jumps about, which no search by halves may trust."""
    chance = random.Random(11)
    moments = [START + timedelta(seconds=chance.randrange(-5000, 5000)) for _ in range(400)]
    told = iter(moments)
    log = open_log(tmp_path, lambda: next(told, START))
    for _ in range(300):
        log.append(
            chance.choice(("read", "refusal")),
            {"action": chance.choice("abc"), "outcome": chance.choice(("done", "failed"))},
            {"actor": chance.choice(("ana", "bo", "cy")), "target": chance.choice(("ana", "dee"))},
        )
    index = SearchIndex(log, tmp_path / "log")
    entries = log.entries(limit=1000)
    edges: list[datetime | None] = [None, START, START + timedelta(seconds=777), START - timedelta(days=1)]
    for kinds, actions, actors, since, until in itertools.product(
        ((), ("refusal",)), ((), ("a", "c")), ((), ("bo",)), edges, edges
    ):
        filter = Filter(kinds=kinds, actions=actions, actors=actors, since=since, until=until)
        wanted = [entry.seq for entry in entries if filter.fits(entry)]
        assert numbers(index, filter, limit=1000) == wanted
        assert numbers(index, filter, limit=7, newest_first=True) == wanted[::-1][:7]
        if since is not None:
            assert all(entry.seq >= index.begins(since) for entry in entries if entry.time >= since)
    index.close()


def test_the_index_keeps_up_also_with_another_process(
    tmp_path: Path, log: AuditLog, index: SearchIndex
) -> None:
    story(log)
    assert len(numbers(index, Filter(actors=("ana",)))) == 6
    other = open_log(tmp_path)
    other.append("read", {}, {"actor": "ana"})
    assert len(numbers(index, Filter(actors=("ana",)))) == 7
    second = SearchIndex(other, tmp_path / "log")
    assert len(numbers(second, Filter(actors=("ana",)))) == 7
    second.close()
    assert checked(tmp_path).ok


@pytest.mark.req("S7")
def test_the_index_is_private_and_can_be_thrown_away(
    tmp_path: Path, log: AuditLog, index: SearchIndex
) -> None:
    story(log)
    assert numbers(index, Filter(actors=("cy",))) == [4]
    files = list((tmp_path / "log").glob("search.db*"))
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    index.close()
    for file in files:
        file.unlink(missing_ok=True)
    assert numbers(index, Filter(actors=("cy",))) == [4]
    index.close()
    (tmp_path / "log" / "search.db").write_bytes(b"no database at all, and long enough to be looked at" * 99)
    with pytest.raises(LogUnavailable):
        numbers(index, Filter(actors=("cy",)))
    assert numbers(index, Filter(actors=("cy",))) == [4]


def test_the_index_of_another_log_is_made_anew(tmp_path: Path, log: AuditLog, index: SearchIndex) -> None:
    story(log)
    assert numbers(index, Filter(actors=("cy",))) == [4]
    log.close()
    for name in ("log.db", "log.db-wal", "log.db-shm", "checkpoint"):
        (tmp_path / "log" / name).unlink(missing_ok=True)
    anew = open_log(tmp_path)
    for _ in range(9):
        anew.append("read", {}, {"actor": "cy"})
    assert numbers(index, Filter(actors=("cy",))) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert numbers(index, Filter(actors=("ana",))) == []


@pytest.mark.req("A1")
def test_the_log_stands_without_its_index(tmp_path: Path, log: AuditLog, index: SearchIndex) -> None:
    """Nothing of the index is in the log's own file, so that searching never touches the chain."""
    story(log)
    numbers(index, Filter(text="unlocked"))
    log.close()
    with closing(sqlite3.connect(tmp_path / "log" / "log.db")) as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {"entries", "personal", "checkpoints"}
    index.close()
    with attacker(tmp_path / "log") as database:
        database.execute("UPDATE personal SET value = '\"mallory\"' WHERE seq = 4 AND name = 'actor'")
    assert index.find(Filter(actors=("cy",)))[0].personal["actor"] == "mallory"  # read from the log
    assert checked(tmp_path).first_bad == 4
