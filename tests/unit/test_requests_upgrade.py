"""Requests that an older program stored: brought to today's tables in place, and nothing is lost.

``tests/data/requests-1.sql`` was written by the program as it was before tables had versions: a request in every state
there was, sealed with the key of these tests.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk.database.sqlite import SqliteDatabase
from helpdesk.errors import Failed, Refused
from helpdesk.gate.requests import LIFETIME, Requests, RequestState
from helpdesk.gate.requests_schema import REQUESTS
from helpdesk.gate.schema import FAMILIES
from helpdesk.gate.sealed import decision_document, request_document, seal
from tests.unit.requests_world import CHANGES, NOW, OLGA, OSCAR, Key, World, a_call

WRITTEN = Path(__file__).parents[1] / "data/requests-1.sql"
STATES = {
    "R-CQZSF4": "pending", "R-M7WC3D": "claimed", "R-4YQHEJ": "denied", "R-6BMDNK": "withdrawn", "R-363XN5": "done",
    "R-97YRK3": "failed", "R-PKYDFR": "unknown", "R-JVJCZ9": "expired", "R-B5HGJE": "pending",
}  # fmt: skip


@pytest.fixture
def old(tmp_path: Path) -> World:
    tmp_path.chmod(0o700)
    world = World(tmp_path)
    with closing(sqlite3.connect(world.file)) as database:
        database.executescript(WRITTEN.read_text())
    world.file.chmod(0o600)
    world.clock.now = NOW + timedelta(hours=12)
    return world


def rows(world: World) -> list[object]:
    return [
        world.rows("SELECT id, nonce, document, seal, steps FROM requests ORDER BY id"),
        world.rows("SELECT nonce, step, what, document, seal FROM decisions ORDER BY nonce, step"),
    ]


@pytest.mark.req("V1")
def test_every_request_stands_where_it_stood_and_not_a_byte_is_changed(old: World) -> None:
    before = rows(old)
    assert [one.version for one in old.store.standing()] == [1, *(0 for _ in FAMILIES[1:])]
    assert {id: old.requests.get(id).state.value for id in STATES} == STATES
    assert rows(old) == before
    assert [one.version for one in old.store.standing()] == [family.version for family in FAMILIES]
    assert old.requests.altered() == []
    open_ones = [id for id, state in STATES.items() if state == "pending"]
    assert [one.id for one in old.requests.waiting_for(OLGA.id)] == open_ones
    assert [one.id for one in old.requests.all_pending()] == open_ones
    assert [one.id for one in old.requests.claimed()] == ["R-M7WC3D"]
    assert old.requests.count_pending() == 2
    assert [one.id for one in old.requests.made_by("id-asker4")] == ["R-363XN5"]
    assert rows(old) == before


def test_they_are_decided_as_ever(old: World) -> None:
    assert old.requests.claim("R-CQZSF4", OSCAR.id).state is RequestState.CLAIMED
    old.requests.finish("R-M7WC3D", RequestState.DONE, 7)
    old.requests.finish("R-PKYDFR", RequestState.FAILED, 8)
    assert old.requests.claim("R-B5HGJE", OLGA.id).decided_by == OLGA.id
    for id in ("R-4YQHEJ", "R-6BMDNK", "R-363XN5"):
        with pytest.raises(Refused) as caught:
            old.requests.claim(id, OLGA.id)
        assert caught.value.code == "already-decided"


def test_many_programs_that_find_the_old_file_at_once_bring_it_up_to_date_once(old: World) -> None:
    found: list[int] = []

    def look() -> None:
        found.append(len(old.another().waiting_for(OLGA.id)))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * 8


def test_a_migration_that_is_interrupted_leaves_the_old_file(old: World) -> None:
    before = rows(old)
    broken = replace(REQUESTS, steps=(*REQUESTS.steps, replace(REQUESTS.steps[-1], sqlite=("not SQL",))))
    for _ in range(2):
        with pytest.raises(Failed):
            Requests(SqliteDatabase(old.file, (broken,)), old.clock, Key()).all_pending()
        assert rows(old) == before
        assert old.rows("SELECT name FROM sqlite_master WHERE name = 'request_waits'") == []
    assert len(old.requests.all_pending()) == 2


def test_the_older_program_goes_on_beside_and_what_it_stores_is_found(old: World) -> None:
    """It writes the columns that it knows, as its own statements do it."""
    assert len(old.requests.waiting_for(OLGA.id)) == 2
    now = old.clock.now
    call = replace(a_call(), created=now.isoformat(), expires=(now + LIFETIME).isoformat())
    document = request_document("R-222222", call, CHANGES, (OLGA,), "")
    with closing(sqlite3.connect(old.file)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        database.execute(
            "INSERT INTO requests (id, nonce, document, seal) VALUES (?, ?, ?, ?)",
            ("R-222222", call.nonce, document, seal(Key(), document)),
        )
        database.commit()
    assert [one.id for one in old.requests.waiting_for(OLGA.id)][-1] == "R-222222"
    claimed = old.requests.claim("R-222222", OLGA.id)
    decision = {"request": claimed.id, "nonce": call.nonce, "step": 2, "what": "released", "by": OLGA.id}
    text = decision_document(replace(_decision(old, "R-222222"), **decision))
    with closing(sqlite3.connect(old.file)) as database:
        database.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?)",
                         (call.nonce, 2, "released", text, seal(Key(), text, decision=True)))  # fmt: skip
        database.execute("UPDATE requests SET steps = 2 WHERE id = 'R-222222'")
        database.commit()
    assert [one.id for one in old.requests.waiting_for(OLGA.id)][-1] == "R-222222"


def _decision(world: World, id: str) -> object:
    import json

    from helpdesk.gate.sealed import Decision

    (text,) = world.rows(
        f"SELECT d.document FROM decisions d JOIN requests r ON r.nonce = d.nonce WHERE r.id = '{id}'"
    )[0]
    return Decision(**json.loads(text))


def test_columns_that_lie_hide_a_request_and_open_none(old: World) -> None:
    """What narrows a search is in no seal; whoever writes it gains nothing (docs/security.md)."""
    old.requests.all_pending()
    old.attack("UPDATE requests SET last = 'released', ends = 9999999999999999, requester = 'id-bo'")
    old.attack("UPDATE request_waits SET waits = 1, ends = 9999999999999999")
    old.attack("INSERT OR IGNORE INTO request_waits SELECT id, 'id-bo', 1, 9999999999999999 FROM requests")
    assert old.requests.waiting_for("id-bo") == []
    assert old.requests.made_by("id-bo") == []
    assert {one.id for one in old.requests.waiting_for(OLGA.id)} == {"R-CQZSF4", "R-B5HGJE"}
    assert old.requests.altered() == []
    old.attack("DELETE FROM request_waits")
    assert old.requests.waiting_for(OLGA.id) == []  # hidden, and still decided by whoever knows its id
    assert old.requests.claim("R-CQZSF4", OLGA.id).state is RequestState.CLAIMED
    assert asdict(old.requests.get("R-4YQHEJ"))["state"] == "denied"
