"""The figures of the dashboard and the report: counted as ``log stats`` counts, and no other way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_report import STEPS, Report, report
from helpdesk.gate.audit_stats import BY_APPROVER, Reckoning, asks, document
from helpdesk.gate.requests import LIFETIME
from tests.json_schema import problems
from tests.unit.audit_world import START, Clock, open_log

RECEIPT = [{"system": "directory", "target": "bo", "what": "lock", "expected": "no", "observed": "no"}]
NOW = START + timedelta(hours=1)
GROUPS = {"access.request": "group"}


class World:
    """A log whose clock is set by the test."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        self.log: AuditLog = open_log(root, self.clock)

    def pass_by(self, **span: float) -> None:
        self.clock.now += timedelta(**span)

    def intent(self, action: str = "password.unlock", request: str = "") -> int:
        return self.log.append("intent", {"action": action, "request": request}, {"actor": "bo"})

    def outcome(
        self, intent: int, ending: str = "done", receipt: Sequence[Any] = RECEIPT, **body: Any
    ) -> None:
        self.log.append(
            "outcome", {"intent": intent, "outcome": ending, **body}, {"receipt": json.dumps(receipt)}
        )

    def done(self, action: str = "password.unlock") -> None:
        self.outcome(self.intent(action))

    def refused(
        self, rule: str = "", code: str = "rule", action: str = "access.request", group: str = ""
    ) -> None:
        body = {"action": action, "outcome": "refused", "rule": rule, "code": code}
        self.log.append("refusal", body, {"actor": "ana", "arguments": json.dumps({"group": group})})

    def request(self, id: str, group: str = "finance") -> None:
        body = {"action": "access.request", "request": id, "outcome": "pending"}
        self.log.append("request", body, {"actor": "ana", "arguments": json.dumps({"group": group})})

    def report(self, **how: Any) -> Report:
        now = how.pop("now", NOW)
        return report(asks(self.log.entries(limit=10_000), now, **how), Filter(), GROUPS)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_report_has_the_figures_of_log_stats(world: World) -> None:
    world.done()
    world.refused("not-owner", group="finance")
    world.request("R-1")
    found = asks(world.log.entries(limit=100), NOW)
    told, stats = report(found, Filter(), GROUPS).plain(), document(found, Filter())
    assert {name: told[name] for name in stats if name != "schema"} == {
        name: stats[name] for name in stats if name != "schema"
    }
    assert problems({**told, "file": None}, "log-report-1") == []


@pytest.mark.req("L10")
def test_what_was_abandoned_or_has_no_receipt_is_not_closed(world: World) -> None:
    world.done()
    world.outcome(world.intent(), receipt=[])
    world.request("R-1")
    world.log.append("approval", {"request": "R-1", "decision": "withdrawn"}, {})
    world.request("R-2")
    world.log.append("cancelled", {"action": "password.unlock", "outcome": "cancelled"}, {})
    told = world.report(now=NOW + LIFETIME)
    assert told.whole.states == {"done": 1, "unproven": 1, "abandoned": 3}
    assert told.whole.closure == 0.2
    assert {(one.action, one.group): dict(one.states) for one in told.unmet} == {
        ("access.request", "finance"): {"abandoned": 2},
        ("password.unlock", ""): {"abandoned": 1, "unproven": 1},
    }


def test_refusals_say_which_rule_or_who(world: World) -> None:
    for rule in ("not-owner", "self-approval", "not-owner"):
        world.refused(rule)
    world.refused(code="directory-rights")
    world.request("R-1")
    world.log.append("approval", {"request": "R-1", "decision": "denied"}, {"actor": "cleo"})
    world.outcome(world.intent(), "refused", [], code="directory-rights")
    assert world.report().refusals == [
        ("directory-rights", 2),
        ("not-owner", 2),
        (BY_APPROVER, 1),
        ("self-approval", 1),
    ]


def test_a_denied_request_that_is_carried_out_later_is_no_refusal(world: World) -> None:
    world.request("R-1")
    world.log.append("approval", {"request": "R-1", "decision": "approved"}, {"actor": "cleo"})
    world.outcome(world.intent("access.request", "R-1"))
    told = world.report()
    assert (told.refusals, told.unmet, told.whole.states) == ([], [], {"done": 1})


def test_time_to_done_counts_from_the_asking(world: World) -> None:
    for minutes in (0.0, 5.0, 5.0, 90.0):
        asked = world.intent()
        world.pass_by(minutes=minutes)
        world.outcome(asked)
    world.request("R-1")
    world.pass_by(days=2)
    world.log.append("approval", {"request": "R-1", "decision": "approved"}, {"actor": "cleo"})
    world.outcome(world.intent("access.request", "R-1"))
    told = world.report(now=NOW + timedelta(days=3))
    assert dict(zip([words for _, words in STEPS] + ["later"], told.done_within, strict=True)) == {
        "1 s": 1,
        "10 s": 0,
        "1 min": 0,
        "10 min": 2,
        "1 h": 0,
        "1 day": 1,
        "later": 1,
    }
    assert told.median_waited == 301
    assert told.most_waited is not None
    assert told.most_waited > 2 * 86400


def test_a_clock_that_went_back_gives_no_time(world: World) -> None:
    asked = world.intent()
    world.pass_by(hours=-5)
    world.outcome(asked)
    told = world.report()
    assert (told.whole.states["done"], list(told.waited), told.median_waited) == (1, [], None)


def test_days_are_those_on_which_it_was_asked(world: World) -> None:
    world.done()
    world.pass_by(days=1)
    world.refused("not-owner")
    world.done()
    told = world.report(now=NOW + timedelta(days=2))
    assert list(told.days.values()) == [(1, 1), (2, 1)]
    first, last = told.days
    assert (last - first).days == 1


def test_nothing_asked_is_nothing_closed(world: World) -> None:
    told = world.report()
    assert (told.whole.closure, told.first, told.days, told.median_waited) == (None, None, {}, None)
    assert problems({**told.plain(), "file": None}, "log-report-1") == []


def test_arguments_that_are_erased_or_strange_name_no_group(world: World) -> None:
    for arguments in ("no json", "[1]", "{}", json.dumps({"group": None})):
        body = {"action": "access.request", "outcome": "refused", "rule": "not-owner"}
        world.log.append("refusal", body, {"arguments": arguments})
    [one] = world.report().unmet
    assert (one.group, one.count) == ("", 4)


def test_a_log_that_grows_adds_up_as_one_that_is_read_at_once(world: World) -> None:
    reckoning = Reckoning()
    for step in (
        world.done,
        lambda: world.request("R-1"),
        lambda: world.refused("x"),
        world.intent,
        world.done,
    ):
        step()
        for entry in world.log.entries(reckoning.last, 100):
            reckoning.add(entry)
        assert [ask.state for ask in reckoning.asks(NOW)] == [
            ask.state for ask in asks(world.log.entries(limit=100), NOW)
        ]
    later = reckoning.asks(NOW + LIFETIME + timedelta(hours=1))
    assert [ask.state for ask in later].count("abandoned") == 1
    assert [ask.state for ask in reckoning.asks(NOW)].count("abandoned") == 0
