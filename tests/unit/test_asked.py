"""Who is asked, how many must say yes, who stands in, and what happens when nobody answers (V2, V3, V7)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.config import ApprovalRule
from helpdesk.connectors.embedded import NewGroup
from helpdesk.errors import Refused
from helpdesk.events import Outcome
from helpdesk.gate.asked import Routes, chain
from helpdesk.gate.delegations import LONGEST
from helpdesk.gate.requests import Request, RequestState
from helpdesk.gate.routing import escalation, needs
from tests.unit.approvals_world import as_root, managed_by
from tests.unit.approved_world import WORKER, Company

EFFECT = [f"{WORKER} add_member finance-share"]
POLICY = """
@id("owners") permit (principal, action == Action::"access.request", resource)
when { context has approver && resource.owners.contains(context.approver) };
@id("security") permit (principal, action == Action::"access.request", resource)
when { context has approver && context.approver.roles.contains("helpdesk") };
@id("manager") permit (principal, action == Action::"access.request", resource)
when { context has approver && context.approver.roles.contains("auditor") };
"""


def rule(**more: Any) -> ApprovalRule:
    return ApprovalRule(**{"name": "finance", "actions": ("access.*",), **more})


def company(folder: Path, *rules: ApprovalRule) -> Company:
    """olga and oscar own finance-share; dana and dave are the service desk; mia is emma's manager, root is mia's."""
    found = Company(folder, policy=POLICY)
    managed_by(found.world, "emma", "mia")
    managed_by(found.world, "mia", "root")
    for site in (found.a, found.b, found.worker):
        site.runner.authorise = replace(site.runner.authorise, routes=Routes(rules))
    return found


def rerouted(found: Company, *rules: ApprovalRule) -> None:
    for site in (found.a, found.b, found.worker):
        site.runner.authorise = replace(site.runner.authorise, routes=Routes(rules))


def names_of(request: Request) -> list[str]:
    return [name.split()[0].lower() for name in request.approver_names]


# ── who is asked ──────────────────────────────────────────────────────────────────────────────


def test_the_first_rule_that_fits_by_action_and_group_counts(tmp_path: Path) -> None:
    found = company(
        tmp_path,
        rule(name="reset", actions=("password.*",), any_of=("manager",)),
        rule(name="design", groups=("design-*",), any_of=("manager",)),
        rule(name="money", groups=("FINANCE-*",), any_of=("group:service-desk",)),
        rule(name="rest", any_of=("owner",)),
    )
    asked = found.ask()
    assert (asked.call.routing["rule"], names_of(asked)) == ("money", ["dana", "dave"])
    assert [need.of for need in needs(asked)] == ["group:service-desk"]


def test_without_a_rule_the_owners_are_asked_as_always(tmp_path: Path) -> None:
    asked = company(tmp_path).ask()
    assert (asked.call.routing, names_of(asked)) == ({}, ["olga", "oscar"])


@pytest.mark.req("V3")
def test_the_policy_decides_who_of_them_may(tmp_path: Path) -> None:
    """The rule asks the manager, too, and no rule of the policy lets her say yes."""
    found = company(tmp_path, rule(any_of=("owner", "manager")))
    assert names_of(found.ask()) == ["olga", "oscar"]
    rerouted(found, rule(all_of=("owner", "manager")))
    with pytest.raises(AssertionError) as nobody:
        found.ask("bo")
    assert "no-approver" in str(nobody.value)


def test_a_group_that_is_not_there_and_an_owner_who_left_are_nobody(tmp_path: Path) -> None:
    found = company(tmp_path, rule(any_of=("group:nowhere", "owner")))
    found.world.embedded.admin.remove_person("oscar")
    assert names_of(found.ask()) == ["olga"]


def test_a_chain_of_managers_ends_where_it_closes(tmp_path: Path) -> None:
    found = company(tmp_path)
    reader = found.world.embedded.look_up()
    emma = reader.person("emma")
    assert [one.login for one in chain(emma, 5, reader)] == ["mia", "root"]
    assert [one.login for one in chain(emma, 1, reader)] == ["mia"]
    managed_by(found.world, "root", "mia")
    assert [one.login for one in chain(reader.person("emma"), 10, reader)] == ["mia", "root"]
    managed_by(found.world, "mia", "emma")
    assert [one.login for one in chain(reader.person("emma"), 10, reader)] == ["mia"]
    managed_by(found.world, "emma", "emma")
    assert chain(reader.person("emma"), 10, reader) == []


def test_the_requester_is_never_asked(tmp_path: Path) -> None:
    found = company(tmp_path, rule(any_of=("owner", "group:service-desk")))
    assert "dana" not in names_of(found.ask("dana"))


# ── how many must say yes ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def two(tmp_path: Path) -> Company:
    return company(tmp_path, rule(all_of=("owner", "group:service-desk")))


@pytest.mark.req("V1")
def test_all_of_waits_for_each_and_is_carried_out_after_the_last(two: Company) -> None:
    asked = two.ask()
    first = two.approve(asked.id, "olga")
    assert (first.outcome, "group:service-desk" in first.message) == (Outcome.PENDING, True)
    assert two.a.requests.get(asked.id).state is RequestState.PENDING
    two.work()
    assert two.writes == []
    again = two.approve(asked.id, "oscar")
    assert again.outcome is Outcome.REFUSED  # the owners have said yes
    assert two.approve(asked.id, "dave").outcome is Outcome.ACCEPTED
    two.work()
    assert two.result(asked.id).outcome is Outcome.DONE
    assert two.writes == EFFECT
    assert [one.login for one in two.a.requests.get(asked.id).approvals] == ["olga", "dave"]
    intent = two.worker.log.of("intent")[0]
    assert (intent.personal["approver"], intent.personal["approver2"]) == ("olga", "dave")


@pytest.mark.req("V3")
def test_the_first_of_two_loses_the_right_before_it_is_carried_out(two: Company) -> None:
    asked = two.ask()
    two.approve(asked.id, "olga")
    two.approve(asked.id, "dave")
    as_root(
        two.world,
        "DELETE FROM team_owner WHERE team = (SELECT id FROM team WHERE name = 'finance-share') "
        "AND person = (SELECT id FROM person WHERE login = ?)",
        "olga",
    )
    two.work()
    assert two.a.requests.get(asked.id).state is RequestState.STALE
    assert two.writes == []


@pytest.mark.req("V1")
def test_one_yes_of_two_that_is_taken_out_of_the_store_is_missing(two: Company) -> None:
    asked = two.ask()
    two.approve(asked.id, "olga")
    two.approve(asked.id, "dave")
    with closing(sqlite3.connect(two.folder / "requests.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DELETE FROM decisions WHERE step = 1")
        database.execute("UPDATE requests SET steps = 1")
        database.commit()
    two.work()
    assert two.result(asked.id).outcome is Outcome.REFUSED
    assert two.writes == []


def test_one_of_them_says_no_and_that_is_the_end(two: Company) -> None:
    import asyncio

    asked = two.ask()
    two.approve(asked.id, "olga")
    dave = two.world.signed_in("dave")
    at: Any = two.world.person("dave")
    assert asyncio.run(two.b.approvals.deny(asked.id, dave, at, reason="no")).outcome is Outcome.DONE
    assert two.a.requests.get(asked.id).state is RequestState.DENIED


def test_without_a_worker_the_last_ones_own_rights_carry_it_out(tmp_path: Path) -> None:
    found = company(tmp_path, rule(all_of=("group:service-desk", "owner")))
    found.b.approvals = replace(found.b.approvals, hands=None)
    asked = found.ask()
    assert found.approve(asked.id, "dana").outcome is Outcome.PENDING
    assert found.approve(asked.id, "olga").outcome is Outcome.DONE
    assert found.writes == ["olga add_member finance-share"]
    assert found.b.log.of("intent")[0].personal["approver"] == "dana"


@pytest.mark.req("V7")
def test_the_inbox_holds_what_waits_for_this_person_now(two: Company) -> None:
    asked = two.ask()
    people = {login: two.world.embedded.look_up().person(login).id for login in ("olga", "dave", "emma")}
    assert [one.id for one in two.b.requests.inbox(people["olga"])] == [asked.id]
    two.approve(asked.id, "olga")
    assert two.b.requests.inbox(people["olga"]) == []
    assert [one.id for one in two.b.requests.inbox(people["dave"])] == [asked.id]
    assert two.b.requests.inbox(people["emma"]) == []


# ── nobody answers ────────────────────────────────────────────────────────────────────────────


def test_when_nobody_answers_others_are_asked_and_not_before(tmp_path: Path) -> None:
    found = company(
        tmp_path,
        rule(any_of=("owner",), escalate_after=timedelta(days=2), escalate_to="group:service-desk"),
    )
    asked = found.ask()
    late = escalation(asked)
    assert late is not None
    assert (late.at, late.to) == (found.world.clock() + timedelta(days=2), "group:service-desk")
    dave = found.world.embedded.look_up().person("dave").id
    assert found.b.requests.inbox(dave) == []
    assert found.approve(asked.id, "dave").outcome is Outcome.REFUSED
    found.world.clock.advance(days=2)
    found.world._signed_in.clear()
    assert [one.id for one in found.b.requests.inbox(dave)] == [asked.id]
    assert found.approve(asked.id, "dave").outcome is Outcome.ACCEPTED
    found.work()
    assert found.writes == EFFECT


def test_owners_may_still_answer_after_the_escalation(tmp_path: Path) -> None:
    found = company(
        tmp_path,
        rule(any_of=("owner",), escalate_after=timedelta(hours=1), escalate_to="group:service-desk"),
    )
    asked = found.ask()
    found.world.clock.advance(hours=2)
    assert found.approve(asked.id, "olga").outcome is Outcome.ACCEPTED


# ── somebody stands in ────────────────────────────────────────────────────────────────────────


def stands_in(found: Company, giver: str, taker: str, days: float = 7, begins: float = 0) -> str:
    reader, now = found.world.embedded.look_up(), found.world.clock()
    made = found.a.requests.delegations.give(
        reader.person(giver), reader.person(taker), now + timedelta(days=begins), now + timedelta(days=days)
    )
    return made.id


@pytest.mark.req("V3")
def test_who_stands_in_says_yes_with_the_right_of_the_other(tmp_path: Path) -> None:
    found = company(tmp_path)
    asked = found.ask()
    assert found.approve(asked.id, "bo").outcome is Outcome.REFUSED
    stands_in(found, "olga", "bo")
    bo = found.world.embedded.look_up().person("bo").id
    assert [one.id for one in found.b.requests.inbox(bo)] == [asked.id]
    assert found.approve(asked.id, "bo").outcome is Outcome.ACCEPTED
    (yes,) = found.a.requests.get(asked.id).approvals
    assert (yes.login, yes.right) == ("bo", found.world.embedded.look_up().person("olga").id)
    assert found.a.requests.get(asked.id).decider == "Bo Test, for Olga Test"
    found.work()
    assert found.writes == EFFECT


@pytest.mark.req("V3")
@pytest.mark.parametrize("what", ["revoked", "over", "owner lost it", "not yet"])
def test_a_delegation_counts_when_it_is_carried_out_and_not_only_at_the_yes(
    tmp_path: Path, what: str
) -> None:
    found = company(tmp_path)
    asked = found.ask()
    id = stands_in(found, "olga", "bo", days=1, begins=0.5 if what == "not yet" else 0)
    if what == "not yet":
        assert found.approve(asked.id, "bo").outcome is Outcome.REFUSED
        return
    assert found.approve(asked.id, "bo").outcome is Outcome.ACCEPTED
    if what == "revoked":
        found.a.requests.delegations.revoke(id, found.world.embedded.look_up().person("olga").id)
    elif what == "over":
        found.world.clock.advance(days=2)
        found.world._signed_in.clear()
    else:
        as_root(
            found.world,
            "DELETE FROM team_owner WHERE person = (SELECT id FROM person WHERE login = ?)",
            "olga",
        )
    found.work()
    assert found.a.requests.get(asked.id).state is RequestState.STALE
    assert found.writes == []


@pytest.mark.req("V2")
@pytest.mark.parametrize(
    ("requester", "giver", "taker", "approver"),
    [
        ("emma", "olga", "emma", "emma"),  # their own request, in the owner's stead
        ("oscar", "oscar", "bo", "bo"),  # the request of whoever they stand in for
        ("emma", "emma", "olga", "olga"),  # an owner who stands in for whoever asked
    ],
)
def test_nobody_in_their_own_stead(
    tmp_path: Path, requester: str, giver: str, taker: str, approver: str
) -> None:
    found = company(tmp_path)
    if requester == "oscar":
        found.world.embedded.admin.add_group(NewGroup("other-share", owners=("olga", "oscar")))
    asked = found.ask(requester, "other-share" if requester == "oscar" else "finance-share")
    stands_in(found, giver, taker)
    refused = found.approve(asked.id, approver)
    assert (refused.outcome, refused.rule) in (
        (Outcome.REFUSED, "no-self-approval"),
        (Outcome.REFUSED, "not-an-approver"),
    )
    person = found.world.embedded.look_up().person(approver).id
    assert found.b.requests.inbox(person) == [] or approver == "olga"
    assert found.b.requests.get(asked.id).approvals == ()


@pytest.mark.req("V2")
def test_a_delegation_of_the_requester_after_the_yes_takes_it_away(tmp_path: Path) -> None:
    found = company(tmp_path)
    asked = found.ask()
    found.approve(asked.id, "olga")
    stands_in(found, "emma", "olga")
    found.work()
    assert found.writes == []


@pytest.mark.req("V1")
def test_a_delegation_that_somebody_wrote_into_the_store_lets_nobody_do_anything(tmp_path: Path) -> None:
    found = company(tmp_path)
    asked = found.ask()
    id = stands_in(found, "olga", "bo")
    oscar = found.world.embedded.look_up().person("dana").id
    with closing(sqlite3.connect(found.folder / "requests.db")) as database:
        database.execute(
            "INSERT INTO delegations SELECT 'D-222222', step, giver, ?, replace(document, 'Bo', 'Dana'), seal "
            "FROM delegations",
            (oscar,),
        )
        database.execute("UPDATE delegations SET taker = ? WHERE id = ?", (oscar, id))
        database.commit()
    assert found.b.requests.delegations.stands_in_for(oscar) == []
    assert found.approve(asked.id, "dana").outcome is Outcome.REFUSED
    assert found.approve(asked.id, "bo").outcome is Outcome.REFUSED


def test_what_is_no_delegation_is_refused_in_a_sentence(tmp_path: Path) -> None:
    found = company(tmp_path)
    for giver, taker, days in (("olga", "olga", 1), ("olga", "bo", -1), ("olga", "bo", LONGEST.days + 1)):
        with pytest.raises(Refused) as refused:
            stands_in(found, giver, taker, days=days)
        assert refused.value.code == "delegation"
    id = stands_in(found, "olga", "bo")
    with pytest.raises(Refused):
        found.a.requests.delegations.revoke(id, found.world.embedded.look_up().person("bo").id)
