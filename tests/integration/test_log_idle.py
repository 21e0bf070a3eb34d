"""A program that stays open and is silent: what it logged still goes outside, and a place that was down is tried again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from helpdesk.app import Desk
from helpdesk.app.outside import EVERY, keep_informed
from helpdesk.config import LogSettings, load
from helpdesk.gate.shipping_cursors import RESIDENT_WAIT
from helpdesk.platform import paths
from tests.integration.test_log_shipping import Still
from tests.servers.log_receivers import PATIENCE, Notes, SyslogReceiver, free_port
from tests.unit.audit_world import story


class Idle:
    """A desk on a log of its own, with a clock that is moved by hand."""

    def __init__(self, **log: object) -> None:
        self.clock = Still()
        places = paths("", os.environ)
        config = replace(load("", os.environ, {}, places), log=LogSettings(**log))  # type: ignore[arg-type]
        self.desk = Desk(config, places, self.clock)

    def keeps(self, *steps: Callable[[], bool]) -> None:
        """Nothing is said; a minute passes after each condition has come about."""
        asyncio.run(self._keeps(steps))

    async def _keeps(self, steps: tuple[Callable[[], bool], ...]) -> None:
        kept = asyncio.ensure_future(keep_informed(self.desk, every=0.01))
        try:
            for came_about in steps:
                end = time.monotonic() + PATIENCE
                while not came_about():
                    assert time.monotonic() < end, "it did not come about"
                    await asyncio.sleep(0.005)
                self.clock.now += timedelta(seconds=60)
        finally:
            kept.cancel()

    def problem(self, at: int = 0) -> str:
        return self.desk.shipping.deliveries()[at].problem

    def failures(self) -> int:
        cursors = list((self.desk.paths.state / "log" / "outside").glob("*.json"))
        return sum(int(one.read_text().partition('"failures": ')[2].partition(",")[0]) for one in cursors)


@pytest.mark.req("A3")
def test_a_place_that_was_down_is_reached_though_nothing_is_said() -> None:
    port = free_port()
    idle = Idle(checkpoints=(f"http://127.0.0.1:{port}/notes",))
    story(idle.desk.audit)
    size = idle.desk.audit.checkpoint().split("\n")[1]
    idle.keeps(*(lambda tries=tries: idle.failures() >= tries for tries in (1, 2, 3, 4)))  # type: ignore[misc]
    assert idle.problem()
    with Notes(port) as receiver:
        idle.keeps(lambda: idle.problem() == "")
        assert receiver.notes[-1].split("\n")[1] == size


@pytest.mark.req("A3")
def test_the_entries_follow_as_well_and_what_is_a_minute_old_is_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    idle = Idle(checkpoints=(f"syslog://127.0.0.1:{port}",), stream=f"syslog://127.0.0.1:{port}")
    story(idle.desk.audit)
    entries = idle.desk.audit.append("refusal", {"action": "x.y"}, {})
    with SyslogReceiver(port) as receiver:
        idle.keeps(lambda: True, lambda: entries in receiver.numbers)
        monkeypatch.setattr("helpdesk.gate.audit.CHECKPOINT_SECONDS", 0)  # as if a minute had passed
        idle.keeps(lambda: idle.desk.shipping.proven_up_to(idle.desk.audit.public_key()) == entries)


@pytest.mark.req("A3")
def test_a_minute_never_passes_without_a_try() -> None:
    assert RESIDENT_WAIT.total_seconds() + EVERY < 60


def test_a_place_that_hangs_keeps_nobody_waiting() -> None:
    with Notes() as receiver:
        receiver.answer = -1
        idle = Idle(checkpoints=(f"http://127.0.0.1:{receiver.port}/notes",))
        story(idle.desk.audit)
        idle.desk.audit.checkpoint()
        turns: list[float] = []

        def another() -> bool:
            turns.append(time.monotonic())
            return len(turns) > 20 and bool(receiver.paths)

        idle.keeps(another)
        assert max(b - a for a, b in pairwise(turns)) < 1


def test_without_a_place_nothing_runs_and_without_a_log_nothing_is_made(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(keep_informed(Idle().desk), PATIENCE))
    idle = Idle(checkpoints=(str(tmp_path / "notes"),))
    looks = iter(range(5))
    idle.keeps(lambda: next(looks) == 4)
    assert not (idle.desk.paths.state / "log").exists()
