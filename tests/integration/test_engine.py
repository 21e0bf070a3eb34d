"""The durable engine on real stores: what was kept is not done again, whatever is killed, frozen or forged."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.engine import Document, Durably, Run, RunState
from helpdesk.errors import Failed, NotFound, Refused, Stale
from tests.integration.engine_world import (
    TAKEOVER,
    World,
    dying,
    postgres_place_of,
    soon,
    sqlite_place,
    until,
)

FAULTS = int(os.environ.get("HELPDESK_TEST_FAULTS", "0"))
EVERYWHERE = [(step, when) for step in ("one", "two", "three") for when in ("before", "lost", "kept")]
EVERYDAY = [("one", "lost"), ("two", "before"), ("three", "kept")]


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        place = sqlite_place(tmp_path)
    else:
        place = postgres_place_of(request.getfixturevalue("postgres_place"))
    made = World(place, tmp_path)
    yield made
    made.close()


@pytest.fixture
def shared(tmp_path: Path, postgres_place: Any) -> Iterator[World]:
    """On Postgres, where several workers serve."""
    made = World(postgres_place_of(postgres_place), tmp_path)
    yield made
    made.close()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[World]:
    """On the SQLite file of one machine."""
    made = World(sqlite_place(tmp_path), tmp_path)
    yield made
    made.close()


async def _short(durably: Durably, document: Document) -> Document:
    async def work() -> Document:
        return {"token": durably.token}

    return {"by": (await durably.step("only", work))["token"], "asked": document.get("asked")}


@pytest.mark.req("R2", "V5")
def test_a_worker_killed_at_a_step_boundary_loses_nothing_and_repeats_only_what_was_not_kept(
    world: World,
) -> None:
    deaths = EVERYWHERE if FAULTS else EVERYDAY
    world.start("R-1", asked="x")
    world.start("R-1", asked="somebody else's words")
    for _ in deaths:
        assert os.WIFSIGNALED(world.gone(world.worker({"request": dying(world, deaths)})))
    world.worker({"request": dying(world, deaths)})
    status = world.ended("R-1")
    assert status.state is RunState.DONE
    assert status.result == {"done": ["one", "two", "three"], "asked": "x"}
    for name in ("one", "two", "three"):
        assert world.effects.count(name) == 1 + sum(one == (name, "lost") for one in deaths)
    assert [step.name for step in world.engine.steps("R-1")] == ["one", "two", "three"]


@pytest.mark.req("R2", "V5")
def test_a_frozen_worker_is_taken_over_and_finds_itself_fenced_when_it_thaws(shared: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        async def work() -> Document:
            (shared.folder / f"in-{os.getpid()}").touch()
            if not (shared.folder / "go").exists():
                until((shared.folder / "go").exists)
            try:
                durably.still_mine()
            except Stale:
                shared.effect("fenced")
                raise
            shared.effect("effect")
            return {"by": durably.token}

        return await durably.step("effect", work)

    first = shared.worker({"request": handler})
    shared.start("R-1")
    until((shared.folder / f"in-{first}").exists)
    os.kill(first, signal.SIGSTOP)
    second = shared.worker({"request": handler})
    until((shared.folder / f"in-{second}").exists, 4 * TAKEOVER + 5)
    assert [one.alive for one in shared.engine.workers(TAKEOVER)] == [True]
    (shared.folder / "go").touch()
    assert shared.ended("R-1").state is RunState.DONE
    os.kill(first, signal.SIGCONT)
    until(lambda: "fenced" in shared.effects)
    shared.start("R-2")
    assert shared.ended("R-2").state is RunState.DONE
    assert shared.effects.count("effect") == 2
    until(lambda: sum(one.alive for one in shared.engine.workers(TAKEOVER)) == 2)


def test_one_machine_has_one_engine(alone: World) -> None:
    alone.worker({"request": _short})
    with pytest.raises(Failed) as refused:
        alone.serving().serve({"request": _short})
    assert refused.value.code == "worker-running"


@pytest.mark.req("S7")
def test_the_file_is_its_owner_s_alone(alone: World) -> None:
    os.umask(0)
    try:
        alone.start("R-1")
        alone.worker({"request": _short})
        alone.ended("R-1")
    finally:
        os.umask(0o022)
    assert alone.place.file is not None
    for path in alone.place.file.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_drained_worker_ends_between_two_steps_and_another_one_goes_on(world: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        async def first() -> Document:
            (world.folder / "in").touch()
            until((world.folder / "go").exists)
            world.effect("first")
            return {}

        async def second() -> Document:
            world.effect("second")
            return {}

        await durably.step("first", first)
        await durably.step("second", second)
        return {}

    pid = world.worker({"request": handler})
    world.start("R-1")
    until((world.folder / "in").exists)
    os.kill(pid, signal.SIGTERM)
    threading.Timer(0.3, (world.folder / "go").touch).start()
    assert os.waitstatus_to_exitcode(world.gone(pid)) == 0
    assert world.effects == ["first"]
    assert world.engine.workers(TAKEOVER) == []
    world.worker({"request": handler})
    assert world.ended("R-1").state is RunState.DONE
    assert world.effects == ["first", "second"]


def test_waits_messages_errors_and_retries(world: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        async def named(name: str = "a") -> Document:
            return {"name": name}

        async def refuse() -> Document:
            raise Refused("Not today.", rule="never")

        both = await durably.together([("a", named), ("b", lambda: named("b"))])
        begun = await durably.now()
        answer = await durably.told("answer", begun.replace(year=begun.year + 1))
        missing = await durably.told("answer", begun)
        await durably.note({"phase": "almost"})
        await durably.start(Run(f"{durably.id}-child", "request", {"fails": False, "child": True}))
        if document["fails"]:
            with pytest.raises(Refused) as refused:
                await durably.step("refuse", refuse)
            raise Refused(refused.value.message, rule=refused.value.rule)
        return {"names": [one["name"] for one in both], "answer": answer, "missing": missing}

    async def child(durably: Durably, document: Document) -> Document:
        if document.get("child"):
            return {"child": True}
        return await handler(durably, document)

    world.worker({"request": child})
    engine = world.engine
    world.start("W-1", fails=True)
    world.start("W-2", at=soon(3600), fails=False)
    assert engine.status("W-2").state is RunState.WAITING
    assert engine.move("W-2", soon(0))
    for id in ("W-1", "W-2"):
        until(lambda id=id: len(engine.steps(id)) >= 3)
        engine.tell(id, "answer", {"yes": id}, "k1")
        engine.tell(id, "answer", {"yes": "twice"}, "k1")
    assert world.ended("W-2").result == {"names": ["a", "b"], "answer": {"yes": "W-2"}, "missing": None}
    failed = world.ended("W-1")
    assert (failed.state, failed.error) == (RunState.FAILED, "Not today.")
    assert failed.note == {"phase": "almost"}
    assert engine.steps("W-1")[-1].error == "Not today."
    assert world.ended("W-1-child").result == {"child": True}
    again = engine.retry("W-1", 6)
    assert again == "W-1~2"
    assert world.ended(again).error == "Not today."
    assert [one.result for one in engine.steps(again)][:5] == [one.result for one in engine.steps("W-1")][:5]
    assert not engine.move("W-2", soon(0))
    with pytest.raises(NotFound):
        engine.tell("W-9", "answer", {}, "k")
    found = [one.id for one in engine.runs(states=[RunState.FAILED], prefix="W-1")]
    assert found == ["W-1~2", "W-1"]
    assert engine.runs(prefix="W_") == []


@pytest.mark.req("R2")
def test_a_step_that_was_fenced_is_no_outcome_and_its_siblings_come_to_their_end(world: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        async def fenced() -> Document:
            if world.effects.count("fenced") == 0:
                world.effect("fenced")
                raise Stale("Taken for dead.", code="worker-fenced")
            world.effect("done")
            return {}

        async def slow() -> Document:
            await asyncio.sleep(0.3)
            world.effect("slow")
            return {}

        await durably.together([("fenced", fenced), ("slow", slow)])
        return {}

    world.worker({"request": handler})
    world.start("R-1")
    assert world.ended("R-1").state is RunState.DONE
    assert sorted(world.effects) == ["done", "fenced", "slow"]


def test_a_run_that_is_ended_does_nothing_more(world: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        async def first() -> Document:
            (world.folder / "in").touch()
            until((world.folder / "go").exists)
            return {}

        async def second() -> Document:
            world.effect("second")
            return {}

        await durably.step("first", first)
        await durably.step("second", second)
        return {}

    world.worker({"request": handler, "other": _short})
    world.start("R-1")
    world.start("R-2", at=soon(3600))
    until((world.folder / "in").exists)
    world.engine.cancel("R-1")
    world.engine.cancel("R-2")
    (world.folder / "go").touch()
    world.start("R-3", kind="other")
    world.ended("R-3")
    assert world.engine.status("R-1").state is RunState.CANCELLED
    assert world.engine.status("R-2").state is RunState.CANCELLED
    assert world.effects == []


def test_a_run_of_a_kind_that_a_worker_does_not_know_is_left_to_one_that_does(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpdesk.connectors.durable.serving._OTHERS", timedelta(seconds=0.2))
    shared.worker({"other": _short})
    shared.start("R-1")
    until(lambda: shared.engine.status("R-1").worker)
    shared.worker({"request": _short})
    assert shared.ended("R-1").state is RunState.DONE


def test_two_versions_side_by_side_take_their_own_runs(
    shared: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that writes runs differently has another protocol, and what the older one began is the older one's."""
    shared.start("R-1")
    with monkeypatch.context() as newer:
        for module in ("client", "serving"):
            newer.setattr(f"helpdesk.connectors.durable.{module}.PROTOCOL", "helpdesk-2")
        shared.worker({"request": _short})
        shared.start("R-2")
        by_newer = shared.ended("R-2").worker
    assert shared.engine.status("R-1").state is RunState.QUEUED
    shared.worker({"request": _short})
    assert shared.ended("R-1").worker != by_newer


def test_runs_that_wait_for_somebody_take_no_thread(alone: World) -> None:
    async def handler(durably: Durably, document: Document) -> Document:
        begun = await durably.now()
        await durably.told("answer", begun.replace(year=begun.year + 1))
        return {}

    for number in range(60):
        alone.start(f"R-{number:03}")
    pid = alone.worker({"request": handler}, runs=8)

    def parked() -> bool:
        with alone.store() as store:
            rows = store.read("SELECT COUNT(*) FROM {s}workflow_status WHERE status = 'DELAYED'")
        return bool(rows[0][0] == 60)

    until(parked)
    threads = len(os.listdir(f"/proc/{pid}/task"))
    assert threads < 60
    assert len(alone.engine.runs(states=[RunState.RUNNING])) == 60


def test_a_command_that_needs_no_worker_loads_nothing_of_it() -> None:
    program = (
        "import sys\n"
        "from helpdesk.surfaces.cli.main import run\n"
        "code = run(['do', '--list', '--json'])\n"
        "print(code, [m for m in ('dbos', 'sqlalchemy', 'psycopg', 'helpdesk.connectors.durable.client')"
        " if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stderr.strip().splitlines()[-1].endswith(" []"), ran.stderr
