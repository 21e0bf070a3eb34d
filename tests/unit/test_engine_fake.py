"""The engine in memory behaves like a real one: crashes lose memory, and kept steps are not done again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.engine import Document, Durably, Run, RunState
from helpdesk.errors import NotFound, Refused, Stale
from tests.fakes.engine import Death, FakeEngine, Moving, Process


class World:
    def __init__(self) -> None:
        self.clock = Moving()
        self.engine = FakeEngine(self.clock)
        self.effects: list[str] = []

    async def handler(self, durably: Durably, document: Document) -> Document:
        async def one() -> Document:
            self.effects.append("one")
            return {"by": durably.token}

        async def two() -> Document:
            self.effects.append("two")
            return {"by": durably.token}

        first = await durably.step("one", one)
        second = await durably.step("two", two)
        return {"first": first["by"], "second": second["by"], "asked": document["asked"]}

    def process(self) -> Process:
        return self.engine.process({"request": self.handler})


@pytest.mark.req("R2")
@pytest.mark.parametrize(("death", "twos"), [(Death.BEFORE, 1), (Death.LOST, 2), (Death.KEPT, 1)])
def test_only_the_interrupted_step_is_begun_again(death: Death, twos: int) -> None:
    world = World()
    world.engine.start(Run("R-1", "request", {"asked": "x"}))
    world.engine.start(Run("R-1", "request", {"asked": "another"}))
    world.engine.die_at("two", death)
    first, second = world.process(), world.process()
    first.work()
    assert first.dead
    assert world.engine.status("R-1").state is RunState.RUNNING
    second.work()
    status = world.engine.status("R-1")
    assert status.state is RunState.DONE
    by = first.token if death is Death.KEPT else second.token
    assert status.result == {"first": first.token, "second": by, "asked": "x"}
    assert world.effects.count("one") == 1
    assert world.effects.count("two") == twos
    assert [step.name for step in world.engine.steps("R-1")] == ["one", "two"]


def test_a_run_of_a_living_process_is_its_own_and_a_frozen_one_is_fenced() -> None:
    world = World()
    seen: list[str] = []

    async def handler(durably: Durably, document: Document) -> Document:
        async def work() -> Document:
            if not seen:
                seen.append("first")
                durably.still_mine()
                first.freeze()
                await second.working()
                with pytest.raises(Stale):
                    durably.still_mine()
                return {"who": "frozen"}
            durably.still_mine()
            return {"who": "second"}

        return await durably.step("effect", work)

    first = world.engine.process({"request": handler})
    second = world.engine.process({"request": handler})
    world.engine.start(Run("R-1", "request", {}))
    first.work()
    assert world.engine.status("R-1").result == {"who": "second"}


def test_waits_messages_and_errors_are_kept() -> None:
    world = World()

    async def handler(durably: Durably, document: Document) -> Document:
        begun = await durably.now()
        answer = await durably.told("answer", begun + timedelta(hours=1))
        other = await durably.told("answer", begun + timedelta(hours=2))
        await durably.sleep_until(begun + timedelta(days=1))

        async def refuse() -> Document:
            raise Refused("No.", rule="r1")

        with pytest.raises(Refused) as refused:
            await durably.step("refused", refuse)
        assert refused.value.rule == "r1"
        return {"answer": answer, "other": other}

    world.engine.start(Run("R-1", "request", {}, at=world.clock() + timedelta(hours=1)))
    process = world.engine.process({"request": handler})
    process.work()
    assert world.engine.status("R-1").state is RunState.WAITING
    assert world.engine.move("R-1", world.clock())
    process.work()
    world.engine.tell("R-1", "answer", {"yes": True}, "k")
    world.engine.tell("R-1", "answer", {"yes": False}, "k")
    world.engine.die_at("told:answer", Death.KEPT)
    process.work()
    assert process.dead
    again = world.engine.process({"request": handler})
    world.clock.advance(hours=3)
    again.work()
    assert world.engine.status("R-1").state is RunState.RUNNING
    world.clock.advance(days=1)
    world.engine.die_at("refused", Death.KEPT)
    again.work()
    world.engine.process({"request": handler}).work()
    assert world.engine.status("R-1").result == {"answer": {"yes": True}, "other": None}
    assert not world.engine.move("R-1", world.clock())


def test_together_keeps_what_ended_and_a_retry_begins_at_its_step() -> None:
    world = World()
    broken = [True]

    async def handler(durably: Durably, document: Document) -> Document:
        def work(name: str) -> object:
            async def done() -> Document:
                world.effects.append(name)
                if name == "c" and broken:
                    raise Refused("Not yet.")
                return {"name": name}

            return done

        both = await durably.together([("a", work("a")), ("b", work("b"))])  # type: ignore[list-item]
        last = await durably.step("c", work("c"))  # type: ignore[arg-type]
        await durably.start(Run("N-1", "notice", {}))
        return {"names": [one["name"] for one in [*both, last]]}

    world.engine.start(Run("W-1", "request", {}))
    world.engine.die_at("b", Death.LOST)
    world.engine.process({"request": handler}).work()
    process = world.engine.process({"request": handler})
    process.work()
    assert world.engine.status("W-1").state is RunState.FAILED
    assert world.engine.status("W-1").error == "Not yet."
    broken.clear()
    again = world.engine.retry("W-1", 3)
    process.work()
    assert world.engine.status(again).result == {"names": ["a", "b", "c"]}
    assert world.effects.count("b") == 2
    assert world.effects.count("a") <= 2
    assert world.engine.status("N-1").state is RunState.QUEUED
    with pytest.raises(NotFound):
        world.engine.status("nobody")


def test_a_cancelled_run_ends_after_its_step() -> None:
    world = World()
    world.engine.start(Run("R-1", "request", {"asked": "x"}))

    async def handler(durably: Durably, document: Document) -> Document:
        async def one() -> Document:
            world.engine.cancel("R-1")
            return {}

        await durably.step("one", one)
        await durably.step("two", one)
        return {}

    world.engine.process({"request": handler}).work()
    assert world.engine.status("R-1").state is RunState.CANCELLED
    assert world.engine.times("R-1", "one") == 1
    assert world.engine.times("R-1", "two") == 0
