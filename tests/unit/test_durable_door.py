"""The door of what outlives its process: killed anywhere, taken over anywhere, one effect, and never a guess (R2, R3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpdesk.engine import RunState
from helpdesk.errors import Stale, Unreachable
from helpdesk.events import Outcome
from helpdesk.results import result_document, result_from
from helpdesk.secrets import Secret
from tests.fakes.engine import Death, FakeEngine
from tests.fakes.systems import Fault
from tests.unit.door_world import World, password_of
from tests.unit.durable_world import Host, process, started

EFFECT = ["olga add_member finance-share"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


def ended(engine: FakeEngine, id: str = "W-1") -> Any:
    status = engine.status(id)
    assert status.state is RunState.DONE, status
    assert status.result is not None
    return result_from(status.result)


def pairs(*hosts: Host) -> list[tuple[int, int]]:
    return [(len(host.log.of("intent")), len(host.log.of("outcome"))) for host in hosts]


def test_one_call_has_one_effect_and_one_pair_in_the_log(world: World, engine: FakeEngine) -> None:
    host = Host(world)
    started(engine)
    process(engine, host).work()
    result = ended(engine)
    assert (result.outcome, result.entry) == (Outcome.DONE, 2)
    assert world.is_member("bo")
    assert world.done == EFFECT
    assert pairs(host) == [(1, 1)]


def test_what_is_so_already_is_read_back_and_not_done_again(world: World, engine: FakeEngine) -> None:
    host = Host(world)
    started(engine, person="mia")
    process(engine, host).work()
    assert ended(engine).outcome is Outcome.DONE
    assert ended(engine).receipt
    assert world.watch.tried == []


@pytest.mark.req("R2")
@pytest.mark.req("R3")
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same host", "another host"])
@pytest.mark.parametrize("death", list(Death))
@pytest.mark.parametrize("step", ["grant:begin", "grant:effect"])
def test_killed_around_a_step_it_ends_once(
    world: World, engine: FakeEngine, step: str, death: Death, elsewhere: bool
) -> None:
    first = Host(world)
    second = Host(world) if elsewhere else first
    started(engine)
    engine.die_at(step, death)
    dying = process(engine, first)
    dying.work()
    assert dying.dead
    process(engine, second).work()
    assert ended(engine).outcome is Outcome.DONE
    assert world.done == EFFECT
    entry = ended(engine).entry
    assert any(entry in [one.seq for one in host.log.of("outcome")] for host in (first, second))
    for host in (first, second):
        assert host.log.interrupted() == []


@pytest.mark.req("R2")
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same host", "another host"])
@pytest.mark.parametrize("phase", ["execute", "verify"])
def test_killed_in_the_middle_of_the_effect_it_ends_once(
    world: World, engine: FakeEngine, phase: str, elsewhere: bool
) -> None:
    first = Host(world)
    first.at.dies = phase
    second = Host(world, log=first.log) if not elsewhere else Host(world)
    started(engine)
    dying = process(engine, first)
    dying.work()
    assert dying.dead
    assert first.log.interrupted() != []
    process(engine, second).work()
    assert ended(engine).outcome is Outcome.DONE
    assert world.done == EFFECT
    assert second.log.interrupted() == []
    assert second.log.of("outcome")[-1].body["outcome"] == "done"


@pytest.mark.req("R2")
def test_the_engine_repeats_a_step_in_the_same_process_and_the_effect_is_not(
    world: World, engine: FakeEngine
) -> None:
    """As when the store was away while a result was to be kept."""
    host = Host(world)
    started(engine)
    engine.die_at("grant:effect", Death.LOST)
    dying = process(engine, host)
    dying.work()
    dying.dead = False
    engine.rows["W-1"].state = RunState.QUEUED
    dying.work()
    assert ended(engine).outcome is Outcome.DONE
    assert engine.times("W-1", "grant:effect") == 2
    assert world.done == EFFECT


def test_the_state_moved_between_look_and_effect_and_nothing_is_done(
    world: World, engine: FakeEngine
) -> None:
    host, looks = Host(world), []

    def seen() -> None:
        looks.append(1)
        if len(looks) == 2:
            olga = world.embedded.sign_in("olga", Secret(password_of("olga")))
            olga.add_member(olga.group("finance-share"), olga.person("bo"))

    started(engine)
    process(engine, host, seen).work()
    result = ended(engine)
    assert (result.outcome, result.error.code) == (Outcome.FAILED, Stale.code)
    assert world.watch.tried == []
    assert host.log.of("refusal")[-1].body["code"] == Stale.code


def test_a_refusal_is_a_result_and_is_logged(world: World, engine: FakeEngine) -> None:
    host = Host(world, by="bo")
    started(engine, person="emma")
    process(engine, host).work()
    assert ended(engine).outcome is Outcome.REFUSED
    assert host.log.of("refusal")[0].body["action"] == "access.grant"
    assert world.watch.tried == []


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(Fault.LOSE_REPLY, Outcome.DONE), (Fault.DROP, Outcome.FAILED), (Fault.LIE, Outcome.FAILED)],
)
def test_an_answer_that_never_came_is_read_back(
    world: World, engine: FakeEngine, fault: Fault, outcome: Outcome
) -> None:
    host = Host(world)
    world.watch.fault = fault
    started(engine)
    process(engine, host).work()
    assert ended(engine).outcome is outcome
    assert host.log.of("outcome")[-1].body["outcome"] == outcome.value
    assert len(world.watch.tried) == 1


@pytest.mark.req("R3")
def test_taken_over_while_the_directory_is_away_nobody_knows_and_nothing_is_repeated(
    world: World, engine: FakeEngine
) -> None:
    first, second = Host(world), Host(world)
    first.at.dies = "verify"
    started(engine)
    process(engine, first).work()

    class Away(Host):
        async def acting(self) -> Any:
            raise Unreachable("The directory gives no answer.")

    process(engine, Away(world, log=second.log)).work()
    result = ended(engine)
    assert (result.outcome, result.error.code) == (Outcome.UNKNOWN, "unknown")
    assert world.done == EFFECT
    assert second.log.of("intent") == []


@pytest.mark.req("R3")
def test_it_waits_for_a_directory_that_comes_back(
    world: World, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpdesk.workflows.door._PAUSES", (0.01, 0.01))
    first = Host(world)
    first.at.dies = "verify"
    started(engine)
    process(engine, first).work()
    asked: list[int] = []

    class Returning(Host):
        async def acting(self) -> Any:
            asked.append(1)
            if len(asked) < 4:
                raise Unreachable("The directory gives no answer.")
            return await super().acting()

    second = Returning(world, patience=30.0)
    process(engine, second).work()
    assert ended(engine).outcome is Outcome.DONE
    assert world.done == EFFECT
    assert pairs(second) == [(1, 1)]


@pytest.mark.req("R2")
def test_a_worker_that_froze_and_wakes_up_does_nothing(world: World, engine: FakeEngine) -> None:
    first, second = Host(world), Host(world)
    started(engine)
    looks: list[int] = []

    def seen() -> None:
        looks.append(1)
        if len(looks) == 2:  # between its look and its effect, the others take it for dead
            frozen.freeze()

    frozen = process(engine, first, seen)
    frozen.work()
    assert world.watch.tried == []
    assert first.log.of("intent") == []
    engine.rows["W-1"].state = RunState.QUEUED
    engine.rows["W-1"].steps.pop(2, None)
    process(engine, second).work()
    assert ended(engine).outcome is Outcome.DONE
    assert world.done == EFFECT


@pytest.mark.req("R2")
def test_the_fence_is_asked_after_the_intent_too(world: World, engine: FakeEngine) -> None:
    first = Host(world)
    started(engine)
    frozen = process(engine, first)

    class Freezing(list[Any]):
        def append(self, entry: Any) -> None:
            super().append(entry)
            frozen.freeze()

    first.log.kept = Freezing()
    frozen.work()
    assert world.watch.tried == []
    assert first.log.of("outcome")[0].body["outcome"] == "failed"


def test_what_was_kept_for_another_step_proves_nothing(world: World, engine: FakeEngine) -> None:
    host = Host(world)
    started(engine)
    engine.die_at("grant:begin", Death.KEPT)
    process(engine, host).work()
    kept = engine.rows["W-1"].steps[1]
    engine.rows["W-1"].steps[1] = replace(kept, result={**(kept.result or {}), "run": "W-2"})
    process(engine, host).work()
    assert engine.status("W-1").state is RunState.FAILED
    assert world.watch.tried == []


def test_a_result_survives_its_document(world: World, engine: FakeEngine) -> None:
    host = Host(world)
    started(engine)
    process(engine, host).work()
    result = ended(engine)
    assert result_from(result_document(result)) == result
    with pytest.raises(ValueError, match="this is no"):
        result_from({**result_document(result), "schema": "helpdesk.result/9"})
