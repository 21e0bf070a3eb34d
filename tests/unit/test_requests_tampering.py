"""Stored requests: no byte and no column can be altered to any effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import Failed, HelpdeskError, NotFound, Refused
from helpdesk.gate.requests import RequestState, SealedCall
from tests.unit.requests_world import (
    CHANGES,
    DONE,
    OLGA,
    STEPS,
    WAYS,
    Key,
    NotTaken,
    World,
    a_call,
)


@pytest.fixture
def world(requests_world: World) -> World:
    return requests_world


def has_no_effect(world: World, id: str) -> None:
    """Nobody can claim, deny or list it; it is reported instead."""
    acts: list[Callable[[], object]] = [
        lambda: world.requests.get(id),
        lambda: world.requests.claim(id, OLGA.id),
        lambda: world.requests.deny(id, OLGA.id, ""),
        lambda: world.requests.finish(id, DONE, 1),
        lambda: world.requests.release(id),
    ]
    for act in acts:
        with pytest.raises((Refused, NotFound)) as caught:
            act()
        assert isinstance(caught.value, NotFound) or caught.value.code == "sealed"
    assert id not in [request.id for request in world.requests.all_pending()]


# ── tampering ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V1")
@pytest.mark.parametrize("table", ["requests", "decisions"])
def test_no_byte_of_a_document_or_its_seal_can_be_changed(world: World, table: str) -> None:
    request = world.ask()
    if table == "decisions":
        world.requests.claim(request.id, OLGA.id)
    (document, seal) = world.rows(f"SELECT document, seal FROM {table}")[0]
    expected = world.requests.get(request.id)
    tried, every = (
        0,
        1 if world.schema is None else 29,
    )  # one kind of seal; each byte of it is tried on a file
    for at in range(0, len(document), every):
        altered = document[:at] + chr(ord(document[at]) ^ 1) + document[at + 1 :]
        tried += _altered(world, table, "document", altered, request.id)
    for at in range(0, len(seal), every):
        altered_seal = seal[:at] + bytes([seal[at] ^ 1]) + seal[at + 1 :]
        tried += _altered(world, table, "seal", altered_seal, request.id)
    assert tried >= (len(document) + len(seal)) / every > 200 / every
    world.attack(f"UPDATE {table} SET document = ?", values=(document,))
    world.attack(f"UPDATE {table} SET seal = ?", values=(seal,))
    assert world.requests.get(request.id) == expected  # what was altered was all that was wrong


def _altered(world: World, table: str, column: str, value: object, id: str) -> int:
    (whole,) = world.rows(f"SELECT {column} FROM {table}")[0]
    world.attack(f"UPDATE {table} SET {column} = ?", values=(value,))
    with pytest.raises(Refused) as caught:
        world.requests.get(id)
    assert caught.value.code == "sealed"
    world.attack(f"UPDATE {table} SET {column} = ?", values=(whole,))
    return 1


@pytest.mark.req("V1")
@pytest.mark.parametrize("value", [None, 0, 1, 7, "x", b"x", 1.5])
@pytest.mark.parametrize(
    "column",
    ["requests.nonce", "requests.document", "requests.seal", "requests.steps",
     "decisions.nonce", "decisions.step", "decisions.what", "decisions.document", "decisions.seal"],
)  # fmt: skip
def test_no_column_can_be_changed_to_any_kind_of_value(world: World, column: str, value: object) -> None:
    request = world.ask()
    world.requests.claim(request.id, OLGA.id)
    table, _, name = column.partition(".")
    present = world.rows(f"SELECT {name} FROM {table}")[0][0]
    if value == present:
        return
    try:
        world.attack(f"UPDATE {table} SET {name} = ?", values=(value,))
    except NotTaken:
        return  # the table itself does not take it
    has_no_effect(world, request.id)
    assert world.requests.altered() == [request.id]


@pytest.mark.req("V1")
def test_a_request_under_another_id_has_no_effect(world: World) -> None:
    request = world.ask()
    world.attack("UPDATE requests SET id = 'R-222222'")
    has_no_effect(world, request.id)
    has_no_effect(world, "R-222222")


@pytest.mark.req("V1")
def test_a_decision_fits_no_other_request(world: World) -> None:
    """An approver's own, well-sealed approval of one request, moved and copied onto another."""
    approved, other = world.ask(reason="a"), world.ask(reason="b")
    world.requests.claim(approved.id, OLGA.id)
    world.attack(
        "INSERT INTO decisions SELECT ?, step, what, document, seal FROM decisions",
        values=(other.call.nonce,),
    )
    world.attack("UPDATE requests SET steps = 1 WHERE id = ?", values=(other.id,))
    has_no_effect(world, other.id)
    assert world.requests.get(approved.id).state is RequestState.CLAIMED


@pytest.mark.req("V1")
def test_one_requests_document_under_anothers_row_has_no_effect(world: World) -> None:
    first, second = world.ask(reason="a"), world.ask(reason="b")
    world.attack(
        "UPDATE requests SET (document, seal) = (SELECT document, seal FROM requests WHERE id = ?)",
        values=(first.id,),
    )
    has_no_effect(world, second.id)


@pytest.mark.req("V1")
@pytest.mark.parametrize("kind", ["request as decision", "another host's key", "no seal"])
def test_a_seal_of_another_kind_or_key_has_no_effect(world: World, kind: str) -> None:
    request = world.ask()
    (document,) = world.rows("SELECT document FROM requests")[0]
    seals = {
        "request as decision": Key().sign(b"helpdesk decision v1\n" + document.encode()),
        "another host's key": Key(b"o" * 32).sign(b"helpdesk request v1\n" + document.encode()),
        "no seal": b"",
    }
    world.attack("UPDATE requests SET seal = ?", values=(seals[kind],))
    has_no_effect(world, request.id)


@pytest.mark.req("V1")
@pytest.mark.parametrize("state", ["denied", "done"])
def test_a_decision_taken_away_does_not_open_the_request_again(world: World, state: str) -> None:
    request = world.ask()
    for step in WAYS[state]:
        STEPS[step](world.requests, request.id)
    world.attack("DELETE FROM decisions WHERE step = (SELECT max(step) FROM decisions)")
    has_no_effect(world, request.id)


def test_an_altered_request_does_not_hide_the_others(world: World) -> None:
    altered, intact = world.ask(reason="a"), world.ask(reason="b")
    world.attack("UPDATE requests SET document = document || ' ' WHERE id = ?", values=(altered.id,))
    assert [r.id for r in world.requests.all_pending()] == [intact.id]
    assert world.requests.altered() == [altered.id]


def test_the_programs_own_connection_deletes_and_rewrites_nothing(world: World) -> None:
    world.requests.claim(world.ask().id, OLGA.id)
    for statement in (
        "DELETE FROM requests", "DELETE FROM decisions", "UPDATE requests SET document = ''",
        "UPDATE decisions SET what = 'done'", "UPDATE requests SET nonce = ''",
    ):  # fmt: skip
        with pytest.raises(Failed), world.store.writing() as session:
            session.run(statement)
    assert world.rows("SELECT count(*) FROM decisions WHERE what = 'claimed'") == [(1,)]


# ── a file that cannot be used ────────────────────────────────────────────────────────────────


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    world = World(tmp_path)
    world.file.write_bytes(b"not a database" * 100)
    world.file.chmod(0o600)
    with pytest.raises(Failed) as caught:
        world.requests.all_pending()
    assert caught.value.code == "requests-unavailable"
    assert "requests.db" in caught.value.message


def test_an_unknown_id_says_where_to_look(world: World) -> None:
    with pytest.raises(NotFound) as caught:
        world.requests.get("R-XXXXXX")
    assert "approvals list" in caught.value.hint
    assert isinstance(caught.value, HelpdeskError)


@pytest.mark.req("S1")
def test_an_argument_that_is_no_plain_value_is_not_stored(world: World) -> None:
    call = a_call()
    for value in (1.5, object(), b"x"):
        with pytest.raises(TypeError):
            world.requests.create(
                SealedCall(**{**_fields(call), "arguments": {"x": value}}), CHANGES, (OLGA,), ""
            )
    assert world.requests.all_pending() == []


def _fields(call: SealedCall) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__dataclass_fields__}
