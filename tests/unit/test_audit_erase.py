"""Whose a value is, and that erasing it is one with saying so."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpdesk.errors import LogUnavailable
from helpdesk.events import Outcome, Result
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_found import Tell, quiet
from helpdesk.gate.audit_search import SearchIndex
from helpdesk.surfaces.cli.log_erase import erase
from tests.unit.audit_world import checked, open_log


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return open_log(tmp_path)


def test_whose_a_value_is(log: AuditLog) -> None:
    log.append(
        "outcome",
        {"actor_id": "id-ana", "person_id": "id-bo"},
        {"actor": "ana", "target": "bo", "message": "x"},
    )
    log.append(
        "outcome", {"actor_id": "id-cy", "person_id": "id-ana"}, {"actor": "cy", "target": "ana", "count": 3}
    )
    log.append(
        "request", {"requester_id": "id-ana", "group_id": "g"}, {"requester": "ana", "target": "banana"}
    )
    log.append("sign-in", {"outcome": "refused"}, {"actor": "ANA", "message": "No."})
    log.append("read", {"actor_id": "id-cy"}, {"actor": "cy", "arguments": '{"words": "ana"}'})
    log.append(
        "read", {"actor_id": "id-cy"}, {"actor": "cy", "arguments": '{"words": "banana ana.x ana-x x@ana"}'}
    )
    log.append(
        "read", {"actor_id": "id-new"}, {"actor": "ana", "message": "Ana Ito."}
    )  # the login, given anew
    log.append("read", {"people": {"person": "id-ana"}}, {"message": "text"})
    assert log.ids_of("ana") == {"id-ana", "id-new"}
    assert log.logins_of("id-ana") == {"ana"}
    assert log.values_of("id-ana", {"ana", "Ana Ito"}) == [
        (1, "actor"), (1, "message"),
        (2, "count"), (2, "target"),
        (3, "requester"),
        (4, "actor"),
        (5, "arguments"),
        (7, "message"),
        (8, "message"),
    ]  # fmt: skip
    assert log.values_of("", {"cy"}) == [(n, "actor") for n in (2, 5, 6)]
    assert log.values_of("id-none", set()) == []


def test_names_with_quotes_are_found_within_json(log: AuditLog) -> None:
    name = 'Zoë "Z" O\\Hara'
    import json

    log.append("read", {}, {"arguments": json.dumps({"words": name}, ensure_ascii=False)})
    assert log.values_of("", {name}) == [(1, "arguments")]


@pytest.mark.req("R1")
def test_no_erasure_without_its_entry_and_no_entry_without_its_erasure(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append("read", {}, {"actor": "canary-7319"})
    with pytest.raises(TypeError):
        log.erase([(1, "actor")], {"float": 1.5}, {})
    assert log.entry(1).personal == {"actor": "canary-7319"}

    def fails(database: sqlite3.Connection, values: object) -> None:
        database.execute("UPDATE personal SET salt = NULL, value = NULL")
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("helpdesk.gate.audit_erase.erase", fails)
    with pytest.raises(LogUnavailable):
        log.erase([(1, "actor")], {}, {})
    monkeypatch.undo()
    assert log.entry(1).personal == {"actor": "canary-7319"}
    assert [entry.kind for entry in log.entries()] == ["read"]
    assert log.erase([(1, "actor")], {}, {}) == 2
    assert log.entry(1).personal == {"actor": None}
    assert checked(tmp_path).erased == 1
    assert checked(tmp_path).signed == 2


@pytest.mark.req("S5")
def test_scrubbing_leaves_no_copy_and_says_when_it_could_not(log: AuditLog, tmp_path: Path) -> None:
    for n in range(300):
        log.append("read", {}, {"actor": f"canary-{n}", "message": "x" * (n * 7 % 900)})
    values = [(n, "actor") for n in range(1, 301)]
    reader = sqlite3.connect(tmp_path / "log" / "log.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM personal").fetchone()
    log.close()
    impatient = open_log(tmp_path, busy=0.05)
    impatient.erase(values, {}, {})
    assert not impatient.scrub()
    reader.close()
    assert impatient.scrub()
    for file in (tmp_path / "log").iterdir():
        assert not file.is_file() or b"canary-" not in file.read_bytes()
    assert checked(tmp_path).ok


@pytest.mark.req("S5")
def test_an_erasure_that_missed_the_index_empties_it_at_the_next_search(
    log: AuditLog, tmp_path: Path
) -> None:
    """The program died between the erasure and the emptying of the index."""
    log.append("read", {"actor_id": "id-1"}, {"actor": "canary", "message": "canary text"})
    index = SearchIndex(log, tmp_path / "log")
    assert len(index.find(Filter(text="canary"))) == 1
    log.erase([(1, "actor"), (1, "message")], {}, {})
    assert index.find(Filter(text="canary")) == []
    assert [entry.seq for entry in index.find(Filter(actors=("id-1",)))] == [1]
    with index.erasing():
        pass
    index.close()
    assert all(b"canary" not in file.read_bytes() for file in (tmp_path / "log").glob("search.db*"))


def test_a_long_look_tells_how_far_it_is_and_finds_the_same(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every file of the log, and wherever the stretches end."""
    for n in range(7):
        log.append("outcome", {"actor_id": "id-ana", "person_id": f"id-{n}"}, {"actor": f"ana{n}"})
        if n == 2:
            log.rotate({"action": "log.rotate", "actor_id": "id-aud"}, {})
    asked: tuple[Callable[[Tell], Collection[object]], ...] = (
        lambda tell: log.ids_of("ana6", tell),
        lambda tell: log.logins_of("id-ana", tell),
        lambda tell: log.values_of("id-ana", {"ana1"}, tell),
    )
    whole = [ask(quiet) for ask in asked]
    assert [len(found) for found in whole] == [1, 7, 7]
    for stretch in (1, 2, 3, 8):
        monkeypatch.setattr("helpdesk.gate.audit_erase._STRETCH", stretch)
        for ask, found in zip(asked, whole, strict=True):
            told = Told()
            assert ask(told) == found
            assert told == sorted(told)
            assert {of for _, of in told} <= {8}
            assert len(told) >= 8 // stretch - 1


class Told(list[tuple[int, int]]):
    """What was told of a look's progress."""

    def __call__(self, done: int, of: int) -> None:
        self.append((done, of))


@pytest.mark.parametrize("silent", [False, True])
def test_the_command_shows_how_far_the_look_is(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    lines: list[str] = []

    class Desk:
        async def erasure(self, *_: object, dry_run: bool, tell: Tell) -> Result:
            tell(2000, 50_000)
            return Result(Outcome.PREVIEWED, "log.erase", "", {})

    async def signed_in() -> None:
        return None

    run = SimpleNamespace(
        desk=Desk(),
        flags=SimpleNamespace(quiet=silent, dry_run=True),
        error_look=SimpleNamespace(moves=False),
        teller=SimpleNamespace(settle=lambda: None),
        terminal=None,
        complain=lines.extend,
        confirms=lambda action: None,
        signed_in=signed_in,
        perform=lambda work: asyncio.run(work()) and 0,
    )
    monkeypatch.setattr("helpdesk.surfaces.cli.log_progress._LINES", 0.0)
    monkeypatch.setattr("helpdesk.surfaces.cli.log_erase.current", lambda: run)
    assert erase("dev") == 0
    assert lines == ([] if silent else ["· Reading the log: 2,000 of 50,000 entries"])
