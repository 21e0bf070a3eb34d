"""kill -9 at every boundary of the door, for every write that is shipped, against slapd (R1, R2, R3).

Each point of a write's way is passed once more and the process killed there with SIGKILL; the next start reads
back what is true. What is true is counted by others: slapd's own record of changes, and the queue's file.

``HELPDESK_TEST_FAULTS=N`` sweeps every point N times, in another order each time; without it, the points of the
effect and some of the others are swept once.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from helpdesk.actions.catalog import build
from tests.integration.fault_scenarios import SCENARIOS, Duplicated, Scenario, Turn, Unlogged
from tests.integration.fault_world import Company, Start, boundaries, company, server, starter

__all__ = ["company", "server", "starter"]

ROUNDS = int(os.environ.get("HELPDESK_TEST_FAULTS", "0"))
SEED = 20261125
LATER = 15 * 60
"""Seconds after which an approval that came to nothing is open again."""
pytestmark = [pytest.mark.servers, pytest.mark.req("R1", "R2", "R3"), pytest.mark.timeout(180 + 120 * ROUNDS)]

ALWAYS = ("intent-committed", "effect-sent", "effect-uncommitted", "effect-answered", "effect-committed")
DOOR = (
    "validate-before",
    "authorise-before",
    "preview-before",
    "confirm-before",
    "limits-before",
    "intent-before",
    "intent-uncommitted",
    "intent-committed",
    "execute-before",
    "effect-before",
    "verify-before",
    "outcome-before",
    "outcome-uncommitted",
    "outcome-committed",
    "reveal-before",
    "reveal-after",
)
TRUTH = {"whole": "done", "half": "partial", "none": "failed"}


@dataclass
class Tally:
    """The figures of a sweep. ``open``: intents that a kill left without an outcome; ``unknown``: still so."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def found(self, what: str, about: str) -> None:
        self.counts[what] += 1
        self.failures.append(f"{what}: {about}")

    def __str__(self) -> str:
        names = ("kills", "with effect", "open", "reconciled", "unknown", "lost", "duplicated", "unlogged")
        return ", ".join(f"{name} {self.counts[name]}" for name in names)


class Sweep:
    """Kills one write at point after point; each next start reads back what the one before left."""

    def __init__(self, company: Company, scenario: Scenario, tally: Tally) -> None:
        self.company = company
        self.scenario = scenario
        self.tally = tally
        self.number = 0
        self.last: Turn | None = None
        self.point = ""

    def points(self) -> list[str]:
        """Every boundary that this write passes when nothing stops it, which must be done in the end."""
        ended = self.turn("")
        assert ended.ended["ended"] == "done", ended.ended
        self.end()
        return boundaries(ended.ended["points"])

    def turn(self, point: str) -> Start:
        """Let a start do the write, up to the point; it has read back before what the last one left."""
        company, scenario = self.company, self.scenario
        self.number += 1
        turn = Turn(self.number)
        if scenario.by_others:
            scenario.prepare(company, turn)
        begun = company.start(scenario.part)
        if not scenario.by_others:
            self.read_back(begun)
            scenario.prepare(company, turn)
        turn.todo = scenario.todo(company, turn)
        turn.since, turn.after = company.server.offset(), company.last_entry()
        ended = begun.go(point=point, **turn.todo)
        self.last, self.point = turn, point
        self._learn()
        if point:
            self.tally.counts["open"] += len(company.log.interrupted())
        if scenario.by_others:
            self.end()
        return ended

    def end(self) -> None:
        """One more start, that reads back what the last one left; where it can, it does the same once more."""
        turn, scenario = self.last, self.scenario
        begun = self.company.start(scenario.part, later=LATER if scenario.again else 0)
        self.read_back(begun)
        if turn is None or not scenario.again:
            begun.go()
            return None
        ended = begun.go(**turn.todo).ended
        try:
            effect = scenario.effect(self.company, turn)
        except (Duplicated, Unlogged) as error:
            return self.tally.found("duplicated", f"{scenario.action} at {self.point}, done again: {error}")
        if effect != "whole" and (effect, ended["ended"]) != ("none", "refused"):
            self.tally.found("lost", f"{scenario.action} at {self.point}, done again: {effect}; {ended}")
        return None

    def _learn(self) -> None:
        """Whose password was changed signs in with the new one; what was sent is given the time to arrive."""
        if self.scenario.action != "password.change":
            return
        deadline = time.monotonic() + (1 if self.point.startswith("effect-sent") else 0)
        while self.scenario.effect(self.company, self.last) == "none":
            if time.monotonic() >= deadline:
                return
            time.sleep(0.005)
        self.company.passwords[self.scenario.part] = self.last.about

    def kill(self, point: str) -> None:
        ended = self.turn(point)
        assert ended.at == point, f"{point} was not passed: {ended.ended}"
        self.tally.counts["kills"] += 1

    def read_back(self, start: Start) -> None:
        """The truth, as the systems have it, is what the log says after this start; and nothing else."""
        company, turn = self.company, self.last
        if turn is None:
            return None
        self.last = None
        about = f"{self.scenario.action} at {self.point or 'its end'}"
        try:
            effect = self.scenario.effect(company, turn)
        except Duplicated as error:
            return self.tally.found("duplicated", f"{about}: {error}")
        except Unlogged as error:
            return self.tally.found("unlogged", f"{about}: {error}")
        intents = [
            e for e in company.entries(turn.after, "intent") if e.body["action"] == self.scenario.action
        ]
        ends = [company.log.outcomes_of(intent.seq) for intent in intents]
        said = [[str(end.body["outcome"]) for end in one] for one in ends]
        self.tally.counts["with effect"] += effect != "none"
        if effect != "none" and not intents:
            return self.tally.found("unlogged", f"{about}: {effect}, and no intent")
        if intents and said != [[TRUTH[effect]]]:
            return self.tally.found("lost", f"{about}: it is {effect}, and the log says {said}; {start.told}")
        if company.log.open_intents():
            return self.tally.found("unknown", f"{about}: {start.told}")
        self.tally.counts["reconciled"] += bool(start.told)
        assert company.log.verify().ok, about
        return None


def chosen(points: list[str], rounds: int) -> list[str]:
    """Every point in a full sweep; of an everyday run the points of the effect, and a third of the others."""
    if rounds:
        return points
    always = [point for point in points if point.partition("@")[0] in ALWAYS]
    return always + [point for point in points if point not in always][::3]


def test_every_shipped_write_has_a_scenario() -> None:
    writes = {spec.name for spec in build()[0].specs if not spec.reads}
    swept = {scenario.action for scenario in SCENARIOS.values()}
    assert writes == swept, "a new write needs a scenario in fault_scenarios.py"


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_anywhere_it_is_done_once_or_not_at_all_and_the_log_says_which(
    name: str, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    sweep = Sweep(company, SCENARIOS[name], tally)
    points = sweep.points()
    assert {*DOOR} - {point.partition("@")[0] for point in points} == set()
    order = random.Random(f"{SEED} {name}")
    for _ in range(max(ROUNDS, 1)):
        todo = chosen(points, ROUNDS)
        order.shuffle(todo)
        company.begin_anew()
        for point in todo:
            sweep.kill(point)
        sweep.end()
    if ROUNDS:
        with capsys.disabled():
            print(f"\n{name}: {len(points)} points, {tally}")
    assert not tally.failures, "\n".join(tally.failures[:20])
    assert tally.counts["kills"] == max(ROUNDS, 1) * len(chosen(points, ROUNDS))
    assert tally.counts["with effect"] > 0
    assert tally.counts["open"] == tally.counts["reconciled"] > 0
