"""The processes that come with the program, carried out on the shipped plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpdesk.events import Outcome
from helpdesk.workflows.plan import run_id
from tests.fakes.engine import Death
from tests.fakes.systems import Fault
from tests.unit.approvals_world import as_root
from tests.unit.workflow_world import Staffed

SHARE = "finance-share"
OFFBOARD = run_id("people.offboard-dana")


@pytest.fixture
def flows(tmp_path: Path) -> Staffed:
    return Staffed(tmp_path)


def leave(flows: Staffed, **more: Any) -> dict[str, Any]:
    return flows.run("dana", "people.offboard", person="mia", **more)


def test_who_leaves_is_locked_out_first_and_loses_every_group(flows: Staffed) -> None:
    ended = leave(flows)
    assert ended["outcome"] == "done", ended["message"]
    assert flows.status("mia").enabled is False
    assert not flows.is_member("mia")
    order = [entry.body["action"] for entry in flows.log.of("intent")]
    assert order == ["people.offboard", "account.disable", "access.revoke", "people.archive", "ticket.open"]
    assert ended["outputs"]["ticket"].startswith("T-")
    assert flows.embedded.look_up().person("mia").employment == "left"


def test_the_groups_that_they_own_go_to_somebody_else(flows: Staffed) -> None:
    ended = flows.run("dana", "people.offboard", person="olga", successor="emma")
    assert ended["outcome"] == "done", ended["message"]
    reader = flows.embedded.look_up()
    emma, olga = reader.person("emma").dn, reader.person("olga").dn
    owners = {group.name: group.owner_dns for group in reader.groups()}
    assert emma in owners[SHARE]
    assert olga not in owners[SHARE]


@pytest.mark.req("R2", "R3")
def test_killed_anywhere_an_offboarding_ends_once(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir(mode=0o700)
    first = Staffed(tmp_path / "whole")
    leave(first)
    names = [step.name for step in first.engine.steps(OFFBOARD)]
    effects = [number for number, name in enumerate(names, 1) if name.endswith(":effect")]
    for number in effects:
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        flows = Staffed(folder)
        flows.ask("dana", "people.offboard", person="mia")
        flows.engine.die_at(number, Death.LOST)
        flows.work()
        flows.later(seconds=30)
        assert flows.ended(OFFBOARD)["outcome"] == "done", names[number - 1]
        assert not flows.is_member("mia")
        mia = flows.embedded.look_up().person("dana").id
        assert len(flows.queue.of(mia)) == 1, names[number - 1]  # one ticket, in the name of whoever asked


def breaking(flows: Staffed, what: str, target: str = "") -> None:
    """From now on this kind of write breaks before anything is written."""

    def before(write: Any) -> None:
        breaks = write.what == what and target in write.target
        flows.watch.fault = Fault.BREAK_BEFORE if breaks else None

    flows.watch.on_write = before


def test_the_account_stays_closed_when_a_later_step_fails_and_it_goes_on_from_there(flows: Staffed) -> None:
    breaking(flows, "open")
    flows.ask("dana", "people.offboard", person="mia")
    flows.work()
    ended = flows.ended(OFFBOARD)
    assert ended["outcome"] == "partial"
    assert flows.states(OFFBOARD)["equipment_back"] == "failed"
    assert flows.status("mia").enabled is False
    assert not flows.is_member("mia")
    flows.watch.on_write, flows.watch.fault = None, None
    number = next(one.number for one in flows.engine.steps(OFFBOARD) if one.name == "equipment_back:begin")
    again = flows.engine.retry(OFFBOARD, number)
    flows.work()
    assert flows.ended(again)["outcome"] == "done"
    assert len(flows.queue.of(flows.embedded.look_up().person("dana").id)) == 1


def test_who_may_not_disable_accounts_offboards_nobody(flows: Staffed) -> None:
    result, _ = flows.ask("emma", "people.offboard", person="mia")
    assert result.outcome is Outcome.REFUSED
    assert flows.done == []


def test_a_slip_in_a_name_is_told_before_anything_happens(flows: Staffed) -> None:
    result, _ = flows.ask("dana", "people.offboard", person="nobody")
    assert result.outcome is Outcome.USAGE
    assert flows.done == []


# ── somebody new ──────────────────────────────────────────────────────────────────────────────

NEW = {
    "login": "nina",
    "full_name": "Nina New",
    "mail": "nina@corp.test",
    "manager": "bo",
    "alias": "n.new@corp.test",
    "first_day": "2026-04-01",
}
ONBOARD = run_id("people.onboard-dana")


def test_somebody_new_has_everything_and_their_manager_knows(flows: Staffed) -> None:
    ended = flows.run("dana", "people.onboard", **NEW)
    assert ended["outcome"] == "done", ended["message"]
    nina = flows.embedded.look_up().person("nina")
    assert flows.status("nina").enabled is False  # nobody signs in before the first day
    assert nina.aliases == ("n.new@corp.test",)
    assert {(letter.to, letter.subject) for letter in flows.outbox.letters()} == {
        ("nina@corp.test", "Welcome, Nina New"),
        ("bo@corp.test", "Everything is ready for Nina New"),
    }
    (ticket,) = flows.queue.of(flows.embedded.look_up().person("dana").id)
    assert "First day: 2026-04-01" in ticket.body
    assert ended["outputs"] == {"login": "nina", "ticket": ticket.id}


def test_what_builds_on_the_new_entry_is_shown_as_the_call_it_will_be(flows: Staffed) -> None:
    person = flows.person("dana")
    flows.do("dana", "people.onboard", at=person, key="k", **NEW)
    (shown,) = person.confirmations
    later = {change.target: change for change in shown.changes if change.system == "workflow"}
    assert set(later) == {"address", "welcome"}
    assert later["address"].what == "people.alias person=nina address=n.new@corp.test"
    assert (later["address"].before, later["address"].after) == ("not done", "done")
    previewed = {change.system for change in shown.changes}
    assert previewed == {"directory", "tickets", "mail", "workflow"}


@pytest.mark.req("V1", "V2")
def test_groups_wait_for_their_owner_and_one_yes_covers_the_whole(flows: Staffed) -> None:
    result, id = flows.ask("dana", "people.onboard", groups=SHARE, **NEW)
    assert result.outcome is Outcome.PENDING
    assert result.request is not None
    request = flows.requests.get(result.request)
    assert sorted(request.approver_names) == ["Olga Test", "Oscar Test"]
    assert flows.done == []
    approved = flows.approve("olga", result.request)
    assert approved.outcome is Outcome.ACCEPTED, approved
    flows.work()
    assert flows.ended(id)["outcome"] == "done", flows.ended(id)["message"]
    assert flows.is_member("nina")
    flows.work()
    assert flows.requests.get(result.request).state.value in ("done", "unknown")


@pytest.mark.req("V2")
def test_groups_of_two_owners_need_a_yes_of_each(flows: Staffed) -> None:
    as_root(
        flows,
        "UPDATE team_owner SET person = (SELECT id FROM person WHERE login = ?) "
        "WHERE team = (SELECT id FROM team WHERE name = 'design-share')",
        "bo",
    )
    new = {**NEW, "manager": "emma"}
    result, id = flows.ask("dana", "people.onboard", groups=f"{SHARE}, design-share", **new)
    assert result.outcome is Outcome.PENDING, result
    assert result.request is not None
    flows.approve("oscar", result.request)
    flows.work()
    assert flows.done == []
    flows.approve("bo", result.request)
    flows.work()
    assert flows.ended(id)["outcome"] == "done", flows.ended(id)["message"]
    assert flows.is_member("nina", "design-share")


def test_an_onboarding_that_fails_is_taken_back_and_says_what_stays(flows: Staffed) -> None:
    breaking(flows, "open")
    flows.ask("dana", "people.onboard", **NEW)
    flows.work()
    ended = flows.ended(ONBOARD)
    assert ended["outcome"] == "partial"
    assert flows.states(ONBOARD)["account"] == "made good"
    assert flows.states(ONBOARD)["address"] == "undone"
    assert flows.embedded.look_up().person("nina").employment == "left"
    assert flows.embedded.look_up().person("nina").aliases == ()
    assert "Made up for: account (people.create) with people.archive." in ended["message"]
    assert flows.outbox.letters() == []


@pytest.mark.req("R2", "R3")
def test_an_onboarding_killed_at_each_effect_ends_once(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir(mode=0o700)
    first = Staffed(tmp_path / "whole")
    first.run("dana", "people.onboard", **NEW)
    names = [step.name for step in first.engine.steps(ONBOARD)]
    for number, name in enumerate(names, 1):
        if not name.endswith(":effect"):
            continue
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        flows = Staffed(folder)
        flows.ask("dana", "people.onboard", **NEW)
        flows.engine.die_at(number, Death.LOST)
        flows.work()
        flows.later(seconds=30)
        assert flows.ended(ONBOARD)["outcome"] == "done", (name, flows.ended(ONBOARD)["message"])
        assert len(flows.outbox.letters()) == 2, name
        assert len(flows.queue.of(flows.embedded.look_up().person("dana").id)) == 1, name


# ── somebody moves ────────────────────────────────────────────────────────────────────────────


def test_somebody_moves_to_another_team(flows: Staffed) -> None:
    result, id = flows.ask(
        "dana", "people.move", person="mia", manager="bo", gets="design-share", leaves=SHARE
    )
    assert result.outcome is Outcome.PENDING
    assert result.request is not None
    flows.approve("olga", result.request)
    flows.work()
    assert flows.ended(id)["outcome"] == "done", flows.ended(id)["message"]
    assert flows.is_member("mia", "design-share")
    assert not flows.is_member("mia")
    reader = flows.embedded.look_up()
    assert reader.person("mia").manager_dn == reader.person("bo").dn
    assert [letter.to for letter in flows.outbox.letters()] == ["bo@corp.test"]


def test_a_move_that_fails_leaves_everything_as_it_was(flows: Staffed) -> None:
    breaking(flows, "remove_member", SHARE)
    result, id = flows.ask(
        "dana", "people.move", person="mia", manager="bo", gets="design-share", leaves=SHARE
    )
    assert result.request is not None
    flows.approve("olga", result.request)
    flows.work()
    for _ in range(3):
        flows.later(seconds=40)
    ended = flows.ended(id)
    assert ended["outcome"] == "failed", ended["message"]
    assert flows.is_member("mia")
    assert flows.embedded.look_up().person("mia").manager_dn == ""


# ── production, for a day ─────────────────────────────────────────────────────────────────────


def test_production_opens_with_an_approval(flows: Staffed) -> None:
    result, id = flows.ask("emma", "access.production", group=SHARE, reason="an incident")
    assert result.outcome is Outcome.PENDING, result
    assert result.request is not None
    flows.approve("olga", result.request)
    flows.work()
    assert flows.ended(id)["outcome"] == "done", flows.ended(id)["message"]
    assert flows.is_member("emma")
