"""``helpdesk why R-…``: who can say yes now, who did, what it waits for, and what would move it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.delegate import Delegating
from helpdesk.actions.why_request import RequestExplainer, RequestWhy
from helpdesk.errors import NotFound
from helpdesk.events import Outcome
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.why_request_lines import request_lines
from tests.fakes.terminal import Person
from tests.json_schema import problems
from tests.unit.approvals_world import as_root
from tests.unit.approved_world import Company
from tests.unit.test_asked import company, rule, stands_in


def why(found: Company, id: str, login: str = "emma") -> RequestWhy:
    at: Any = Person()
    who = found.world.signed_in(login)
    explained = asyncio.run(RequestExplainer(found.a.runner)(id, who, at))
    assert problems(explained.plain(), "why-request-1") == []
    return explained


def text(explained: RequestWhy) -> str:
    return "\n".join(request_lines(explained, Look(color=False)))


@pytest.fixture
def two(tmp_path: Path) -> Company:
    return company(
        tmp_path,
        rule(all_of=("owner", "group:service-desk"), escalate_after=timedelta(days=3), escalate_to="manager"),
    )


def test_it_says_who_can_say_yes_and_who_did(two: Company) -> None:
    asked = two.ask()
    first = why(two, asked.id)
    assert first.waits == "It waits for a yes of owner and of group:service-desk."
    assert {p.login for need in first.needs for p in need.people if p.may} == {
        "olga",
        "oscar",
        "dana",
        "dave",
    }
    assert f"olga or oscar: helpdesk approvals approve {asked.id}" in first.unblock
    two.approve(asked.id, "olga")
    then = why(two, asked.id)
    assert [need.met for need in then.needs] == [True, False]
    assert then.waits == "It waits for a yes of group:service-desk."
    assert [p.login for p in then.needs[0].people if p.said] == ["olga"]
    assert "olga" not in " ".join(then.unblock)
    two.approve(asked.id, "dave")
    assert why(two, asked.id).waits == "It waits for a worker to take it up."
    two.work()
    done = why(two, asked.id)
    assert done.waits == "It waits for nothing: it is done."
    assert done.unblock == ()
    assert [one["login"] for one in done.plain()["approvals"]] == ["olga", "dave"]


def test_it_says_who_may_not_and_why(two: Company) -> None:
    asked = two.ask()
    as_root(
        two.world,
        "DELETE FROM team_owner WHERE team = (SELECT id FROM team WHERE name = 'finance-share') "
        "AND person = (SELECT id FROM person WHERE login = ?)",
        "oscar",
    )
    as_root(two.world, "UPDATE person SET enabled = 0 WHERE login = ?", "olga")
    explained = why(two, asked.id)
    owners = {person.login: person for person in explained.needs[0].people}
    assert not owners["oscar"].may
    assert "oscar" in owners["oscar"].because
    assert "disabled" in owners["olga"].because
    assert "Nobody may say yes as owner" in " ".join(explained.unblock)
    assert "disabled" in text(explained)


def test_it_says_what_moved(two: Company) -> None:
    asked = two.ask()
    two.world.embedded.admin.remove_group("finance-share")
    explained = why(two, asked.id)
    assert "finance-share" in explained.drift
    assert explained.unblock == ("emma asks again, and sees the present state.",)


def test_it_says_when_it_expires_and_escalates_and_who_stands_in(two: Company) -> None:
    asked = two.ask()
    stands_in(two, "olga", "bo")
    explained = why(two, asked.id)
    assert explained.escalates is None  # the manager may not say yes by the policy, so nobody is asked
    assert explained.plain()["expires"] == asked.expires.isoformat()
    assert "Bo Test may stand in" in text(explained)


def test_it_is_nobody_elses_business(two: Company) -> None:
    asked = two.ask()
    with pytest.raises(NotFound):
        why(two, asked.id, "mia")
    stands_in(two, "olga", "mia")
    assert why(two, asked.id, "mia").request.id == asked.id
    assert why(two, asked.id, "dave").request.id == asked.id


def test_a_delegation_is_confirmed_logged_and_read_back(two: Company) -> None:
    now = two.world.clock()
    olga, at = two.world.signed_in("olga"), two.world.person("olga")
    give: Any = Delegating(two.a.runner).give
    result = asyncio.run(give("bo", now, now + timedelta(days=5), olga, at))
    assert (result.outcome, at.confirmations[0].target) == (Outcome.DONE, "bo")
    (entry,) = [one for one in two.a.log.of("approval") if one.body["decision"] == "delegation-given"]
    assert (entry.personal["actor"], entry.personal["target"]) == ("olga", "bo")
    asked = two.ask()
    assert two.approve(asked.id, "bo").outcome is Outcome.PENDING
    revoke: Any = Delegating(two.a.runner).revoke
    assert asyncio.run(revoke(result.data["id"], two.world.signed_in("dana"), at)).outcome is Outcome.USAGE
    taken = asyncio.run(revoke(result.data["id"], olga, at))
    assert (taken.outcome, taken.receipt[0].observed) == (Outcome.DONE, "no")
    no: Any = Person(agrees=False)
    assert asyncio.run(give("bo", now, now + timedelta(days=5), olga, no)).outcome is Outcome.CANCELLED


@pytest.mark.req("R1")
def test_a_delegation_that_cannot_be_logged_does_not_hold(two: Company) -> None:
    now = two.world.clock()
    two.a.log.down = {"approval"}
    give: Any = Delegating(two.a.runner).give
    olga, at = two.world.signed_in("olga"), two.world.person("olga")
    assert asyncio.run(give("bo", now, now + timedelta(days=5), olga, at)).outcome is Outcome.FAILED
    assert two.a.requests.delegations.stands_in_for(two.world.embedded.look_up().person("bo").id) == []
