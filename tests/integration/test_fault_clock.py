"""Clocks that jump a year, forward and back, around a kill and around an approval, against slapd (R5)."""

from __future__ import annotations

import pytest

from tests.integration.fault_scenarios import SCENARIOS, Turn
from tests.integration.fault_world import Company, company, server, starter

__all__ = ["company", "server", "starter"]

pytestmark = [pytest.mark.servers, pytest.mark.req("R5"), pytest.mark.timeout(120)]

YEAR = 365 * 24 * 3600


@pytest.mark.req("R2")
@pytest.mark.parametrize(("then", "now"), [(YEAR, 0), (-YEAR, 0), (0, YEAR), (0, -YEAR)])
@pytest.mark.parametrize(
    ("point", "outcome"), [("intent-committed@1", "failed"), ("outcome-before@1", "done")]
)
def test_what_was_killed_is_told_truly_however_the_clock_jumped(
    company: Company, point: str, outcome: str, then: int, now: int
) -> None:
    """Two writes are judged by the clock and not among them: by a clock that jumped a lock has ended by itself,
    and when a password was set cannot be told from a beginning that seems to lie before it."""
    for name in ("access.grant", "ticket.open", "account.disable"):
        scenario, turn = SCENARIOS[name], Turn(1)
        scenario.prepare(company, turn)
        todo = scenario.todo(company, turn)
        turn.since, turn.after = company.server.offset(), company.last_entry()
        assert company.start(scenario.part, later=then).go(point=point, **todo).at == point
        company.start(scenario.part, later=now).go()
        assert scenario.effect(company, turn) == ("whole" if outcome == "done" else "none")
        (ended,) = company.entries(turn.after, "outcome")
        assert ended.body["outcome"] == outcome, name
        assert company.log.open_intents() == []
    numbers = [entry.seq for entry in company.entries(0)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert company.log.verify().ok


@pytest.mark.req("V1")
@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_request_is_not_granted_by_a_clock_that_jumped(company: Company, jump: int) -> None:
    scenario, turn = SCENARIOS["approve"], Turn(1)
    scenario.prepare(company, turn)
    turn.since = company.server.offset()
    ended = company.start("owner", later=jump).go(**scenario.todo(company, turn)).ended
    assert ended["ended"] == "refused", ended
    assert scenario.effect(company, turn) == "none"


@pytest.mark.req("R8")
@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_sign_in_is_not_fresh_for_ever(company: Company, jump: int) -> None:
    """A clock that jumps right after the sign-in makes a risky action ask again; it is carried out once."""
    scenario, turn = SCENARIOS["account.disable"], Turn(1)
    scenario.prepare(company, turn)
    turn.since = company.server.offset()
    ended = company.start(scenario.part).go(jump=jump, **scenario.todo(company, turn)).ended
    assert ended["ended"] == "done", ended
    assert ended["asked"] == ["password"]
    assert scenario.effect(company, turn) == "whole"
