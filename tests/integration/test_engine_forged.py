"""Being able to write to the engine's database grants nothing: what no listed host put there has no effect, and is told."""

from __future__ import annotations

import base64
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk.connectors.durable.client import DbosEngine
from helpdesk.connectors.durable.database import Store
from helpdesk.connectors.durable.sealing import Sealer
from helpdesk.engine import Document, Durably, Run, RunState
from helpdesk.gate.keys import HostKey
from helpdesk.gate.seals import Seals
from tests.integration.engine_world import World, dying, postgres_place_of, soon, sqlite_place, until, utc


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        place = sqlite_place(tmp_path)
    else:
        place = postgres_place_of(request.getfixturevalue("postgres_place"))
    made = World(place, tmp_path)
    yield made
    made.close()


class Pickled:
    """Runs a program in whoever reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (Path.touch, (self.path,))


def _copied(store: Store, table: str, where: str, **changed: object) -> None:
    """Write a row again with other values, as somebody with the rights of the database may."""
    with store.engine.begin() as connection:
        rows = connection.execute(store.sql(f"SELECT * FROM {{s}}{table} WHERE {where}")).mappings().all()
        for row in rows:
            values = {**row, **changed}
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            connection.execute(store.sql(f"INSERT INTO {{s}}{table} ({names}) VALUES ({marks})"), values)


def _run_copied(store: Store, run: str, to: str, **changed: object) -> None:
    _copied(store, "workflow_status", f"workflow_uuid = '{run}'", workflow_uuid=to, **changed)
    _copied(store, "workflow_input", f"workflow_uuid = '{run}'", workflow_uuid=to)


async def _asked(durably: Durably, document: Document) -> Document:
    async def work() -> Document:
        return {"asked": document["asked"]}

    return await durably.step("only", work)


@pytest.mark.req("V1")
def test_a_run_that_is_copied_or_altered_is_refused_and_told(world: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        world.effect(f"{durably.id} {document['asked']}")
        return await _asked(durably, document)

    later = soon(3600)
    for id in ("R-1", "R-2", "R-3"):
        world.start(id, at=later, asked="one")
    with world.store() as store:
        _run_copied(store, "R-1", "R-7")
        _run_copied(store, "R-1", "R-8", name="helpdesk.other")
        ((text,),) = store.read("SELECT inputs FROM {s}workflow_input WHERE workflow_uuid = 'R-2'")
        store.write(
            "UPDATE {s}workflow_input SET inputs = :text WHERE workflow_uuid = 'R-2'",
            text=text.replace("one", "two"),
        )
        store.write("UPDATE {s}workflow_status SET status = 'ENQUEUED'")
    world.worker({"request": handler, "other": handler})
    assert world.ended("R-3").result == {"asked": "one"}
    assert world.ended("R-1").state is RunState.DONE
    for id in ("R-2", "R-7", "R-8"):
        status = world.ended(id)
        assert status.state is RunState.FAILED
        assert status.document == {}
        assert "not written there by a host that is believed" in status.error
    assert sorted(world.effects) == ["R-1 one", "R-3 one"]
    assert {one["run"] for one in world.told if one["event"] == "forged"} == {"R-2", "R-7", "R-8"}


@pytest.mark.req("V1", "S5")
def test_a_pickle_in_the_database_runs_nothing(world: World) -> None:
    mark = world.folder / "owned"
    pickled = base64.b64encode(pickle.dumps(Pickled(mark))).decode()
    world.start("R-1", at=soon(3600), asked="one")
    with world.store() as store:
        store.write("UPDATE {s}workflow_input SET inputs = :text", text=pickled)
        store.write("UPDATE {s}workflow_status SET serialization = 'py_pickle', status = 'ENQUEUED'")
    world.engine.runs()
    world.worker({"request": _asked})
    world.start("R-2", asked="two")
    assert world.ended("R-2").result == {"asked": "two"}
    until(lambda: world.engine.status("R-1").state is RunState.FAILED)
    with world.store() as store:
        store.write(
            "UPDATE {s}operation_outputs SET output = :text, serialization = 'py_pickle'", text=pickled
        )
    assert "not written there" in world.engine.steps("R-2")[0].error
    assert not mark.exists()


@pytest.mark.req("V1")
def test_a_kept_step_of_another_run_is_no_step_of_this_one(world: World) -> None:
    deaths = [("two", "before")]
    world.start("R-1", asked="one")
    world.start("R-2", at=soon(3600), asked="two")
    assert os.WIFSIGNALED(world.gone(world.worker({"request": dying(world, deaths)})))
    with world.store() as store:
        _copied(store, "operation_outputs", "workflow_uuid = 'R-1'", workflow_uuid="R-2")
        store.write("UPDATE {s}workflow_status SET status = 'ENQUEUED' WHERE workflow_uuid = 'R-2'")
    world.worker({"request": dying(world, deaths)})
    assert world.ended("R-1").state is RunState.DONE
    status = world.ended("R-2")
    assert status.state is RunState.FAILED
    assert "step R-2 1 one" in status.error
    assert world.effects == ["one", "two", "three"]


@pytest.mark.req("V1")
def test_a_host_that_is_not_listed_asks_for_nothing_and_one_that_is_does(
    world: World, tmp_path: Path
) -> None:
    stranger = HostKey.load_or_create(tmp_path / "stranger")
    friend = HostKey.load_or_create(tmp_path / "friend")
    world.sealer = Sealer(Seals(world.key, [friend.public]))
    world.engine.close()
    world.engine = DbosEngine(world.place, world.sealer, utc)

    async def handler(durably: Durably, document: Document) -> Document:
        begun = await durably.now()
        return {"heard": await durably.told("answer", begun.replace(year=begun.year + 1))}

    world.worker({"request": handler})
    by_stranger = DbosEngine(world.place, Sealer(Seals(stranger)), utc)
    by_friend = DbosEngine(world.place, Sealer(Seals(friend, [world.key.public])), utc)
    by_stranger.start(Run("R-1", "request", {}))
    by_friend.start(Run("R-2", "request", {}))
    assert world.ended("R-1").state is RunState.FAILED
    by_stranger.tell("R-2", "answer", {"by": "a stranger"}, "k1")
    until(lambda: any(one["event"] == "forged" and one["run"] == "R-2" for one in world.told))
    by_friend.tell("R-2", "answer", {"by": "a friend"}, "k2")
    assert world.ended("R-2").result == {"heard": {"by": "a friend"}}
    by_stranger.close()
    by_friend.close()


def test_what_the_database_holds_is_plain_and_named(world: World) -> None:
    """No pickle anywhere: a person can read what is kept, and no secret of the program is in it."""
    world.start("R-1", asked="one")
    world.worker({"request": _asked})
    world.ended("R-1")
    with world.store() as store:
        rows = store.read(
            "SELECT i.inputs, s.serialization FROM {s}workflow_input i "
            "JOIN {s}workflow_status s ON s.workflow_uuid = i.workflow_uuid"
        )
        (output,) = store.read("SELECT output FROM {s}operation_outputs")
    ((inputs, serialization),) = rows
    assert serialization == "helpdesk-json"
    sealed = json.loads(json.loads(inputs)["args"][0])
    assert json.loads(sealed["body"]) == {"document": {"asked": "one"}, "kept": []}
    kept = json.loads(json.loads(json.loads(output[0]))["body"])
    assert kept == {"result": {"asked": "one"}}
