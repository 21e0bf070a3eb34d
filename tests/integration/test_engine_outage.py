"""Postgres stopped, killed and started again under a worker's feet: it comes back by itself, and nothing is lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpdesk.engine import Document, Durably, Run, RunState
from helpdesk.errors import Failed, Unreachable
from tests.integration.engine_world import DEADLINE, World, postgres_place_of, until
from tests.servers.postgres import Postgres

ROUNDS = int(os.environ.get("HELPDESK_TEST_FAULTS", "0")) or 2
RUNS = 20


@pytest.fixture
def world(tmp_path: Path, postgres: Postgres) -> Iterator[World]:
    made = World(postgres_place_of(postgres.new_place()), tmp_path)
    yield made
    made.close()


async def _two(durably: Durably, document: Document) -> Document:
    async def work() -> Document:
        return {}

    for name in ("one", "two"):
        await durably.step(name, work)
    return {"number": document["number"]}


@pytest.mark.req("V5", "R2")
def test_postgres_stopped_and_killed_under_load(world: World, postgres: Postgres) -> None:
    for _ in range(2):
        world.worker({"request": _two}, takeover=3.0)
    asked: list[str] = []
    done = threading.Event()

    def ask() -> None:
        number = 0
        while not done.is_set():
            try:
                world.engine.start(Run(f"R-{number:04}", "request", {"number": number}))
            except (Unreachable, Failed):
                time.sleep(0.05)
                continue  # asked again under the same id: it is one run
            asked.append(f"R-{number:04}")
            number += 1
            time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(ROUNDS):
            goal = len(asked) + RUNS
            until(lambda goal=goal: len(asked) >= goal, 2 * DEADLINE)
            postgres.stop(kill=bool(number % 2))
            time.sleep(0.5)
            postgres.start()
        goal = len(asked) + RUNS
        until(lambda: len(asked) >= goal, 2 * DEADLINE)
    finally:
        done.set()
        asking.join()
        if not postgres._process:
            postgres.start()

    def all_done() -> bool:
        return world.engine.count().get(RunState.DONE, 0) >= len(asked)

    until(all_done, 3 * DEADLINE)
    found = world.engine.runs(limit=100_000)
    assert {one.id for one in found} >= set(asked)
    assert {one.state for one in found} == {RunState.DONE}
    assert all(one.result == {"number": int(one.id[2:])} for one in found)
    assert {"store-away", "store-back"} <= {one["event"] for one in world.told}


@pytest.mark.req("V5", "R2")
def test_a_run_in_the_middle_waits_for_the_store_and_repeats_nothing(
    world: World, postgres: Postgres
) -> None:
    """Within the lease nobody can have taken over, so what was begun may go on; what it tells comes through later."""
    away = world.folder / "away"

    async def handler(durably: Durably, document: Document) -> Document:
        async def work() -> Document:
            (world.folder / "in").touch()
            until(away.exists)
            durably.still_mine()
            world.effect("effect")
            return {}

        await durably.step("effect", work)
        await durably.note({"phase": "after"})
        await durably.start(Run("R-2", "other", {"number": 2}))
        return {}

    world.worker({"request": handler, "other": _two}, takeover=20.0)
    world.engine.start(Run("R-1", "request", {}))
    until((world.folder / "in").exists)
    postgres.stop()
    away.touch()
    until(lambda: world.effects)
    time.sleep(0.3)
    postgres.start()
    assert world.ended("R-1").state is RunState.DONE
    assert world.ended("R-2").state is RunState.DONE
    assert world.engine.status("R-1").note == {"phase": "after"}
    assert world.effects == ["effect"]


def test_a_client_says_at_once_that_the_store_is_away(world: World, postgres: Postgres) -> None:
    world.engine.start(Run("R-1", "request", {"number": 1}))
    postgres.stop()
    try:
        begun = time.monotonic()
        with pytest.raises(Unreachable) as away:
            world.engine.start(Run("R-2", "request", {"number": 2}))
        assert time.monotonic() - begun < 10
        assert "gives no answer" in away.value.message
        settings = world.place.postgres
        assert settings is not None
        assert settings.password is not None
        assert settings.password.expose() not in str(away.value) + repr(away.value.__cause__)
    finally:
        postgres.start()
    assert world.engine.status("R-1").id == "R-1"
