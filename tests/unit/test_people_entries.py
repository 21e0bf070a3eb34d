"""People who come, move and go, through the door: previewed, read back, taken back, and who may."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.undo import Undo
from helpdesk.events import Outcome, Result
from tests.fakes.directory import lost
from tests.unit.plugin_world import Desk, Someone

SHARE = "finance-share"
NEW = {
    "login": "nora",
    "full_name": "Nora Newcomer",
    "mail": "nora@corp.test",
    "title": "Buyer",
    "manager": "olga",
    "employee_number": "4711",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.directory.add_group("design-share", members=("olga",), owners=("olga", "bo"))
    return made


def person(desk: Desk, login: str) -> Any:
    return desk.directory.account(login).person


def owners(desk: Desk, name: str) -> set[str]:
    dns = {one.person.dn: login for one in desk.directory.accounts.values() for login in [one.person.login]}
    return {dns[dn] for dn in desk.directory.look_up().group(name).owner_dns}


def undone(desk: Desk, result: Result, login: str = "gus") -> Result:
    assert result.entry is not None
    return asyncio.run(Undo(desk.runner)(result.entry, desk.signed_in(login), Someone()))


# ── somebody comes ────────────────────────────────────────────────────────────────────────────


def test_a_newcomer_is_previewed_made_and_read_back(desk: Desk) -> None:
    someone = Someone()
    result = desk.do("gus", "people.create", NEW, someone=someone)
    assert result.outcome is Outcome.DONE, result
    assert ("nora", "account", "none", "there, disabled") in someone.previewed
    assert ("nora", "manager", "not set", "olga") in someone.previewed
    assert all(one.as_expected for one in result.receipt)
    made = person(desk, "nora")
    assert (made.name, made.mail, made.title, made.employee_number) == (
        "Nora Newcomer",
        "nora@corp.test",
        "Buyer",
        "4711",
    )
    assert desk.directory.account("nora").status.enabled is False


@pytest.mark.req("R3")
def test_the_same_newcomer_asked_for_again_is_no_second_one(desk: Desk) -> None:
    desk.do("gus", "people.create", NEW)
    desk.directory.writes.clear()
    again = desk.do("gus", "people.create", NEW)
    assert again.outcome is Outcome.DONE
    assert "nothing had to change" in again.message
    assert desk.directory.writes == []


@pytest.mark.req("R3")
def test_a_newcomer_whose_answer_was_lost_is_there_once(desk: Desk) -> None:
    desk.directory.after_write = lost
    assert desk.do("gus", "people.create", NEW).outcome is Outcome.DONE
    assert desk.directory.writes == ["create_person"]


@pytest.mark.req("D7")
@pytest.mark.parametrize("taken", [{"login": "bo"}, {"mail": "bo@corp.test"}, {"employee_number": "olga"}])
def test_nothing_of_somebody_else_goes_to_a_newcomer(desk: Desk, taken: dict[str, str]) -> None:
    result = desk.do("gus", "people.create", {**NEW, **taken})
    assert result.error is not None
    assert result.error.code == "taken"
    assert desk.directory.writes == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": "Nora"},
        {"login": "n"},
        {"login": "nora)(uid=*"},
        {"login": "n\u043era"},
        {"full_name": "Nora\x1b[31m"},
        {"mail": "nora@corp.test\nBcc: all@corp.test"},
        {"mail": "nora@elsewhere.test"},
        {"mail": "n\u043era@corp.test"},
        {"mail": "nora"},
    ],
)
def test_what_is_no_login_name_or_address_is_refused(desk: Desk, wrong: dict[str, str]) -> None:
    assert desk.do("gus", "people.create", {**NEW, **wrong}).outcome is Outcome.USAGE
    assert desk.directory.writes == []


def test_the_companys_domains_can_be_configured(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"people": {"mail_domains": ["corp.test", "shop.test"]}})
    assert desk.do("gus", "people.create", {**NEW, "mail": "nora@shop.test"}).outcome is Outcome.DONE


# ── somebody moves ────────────────────────────────────────────────────────────────────────────


def test_a_new_manager_and_the_old_one_again(desk: Desk) -> None:
    first = desk.do("gus", "people.manager", {"person": "bo", "manager": "ana"})
    second = desk.do("gus", "people.manager", {"person": "bo", "manager": "olga"})
    assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.DONE)
    assert [(one.what, one.expected, one.observed) for one in second.receipt] == [("manager", "olga", "olga")]
    assert undone(desk, second).outcome is Outcome.DONE
    assert person(desk, "bo").manager_dn == person(desk, "ana").dn


@pytest.mark.req("D7")
def test_an_old_manager_who_is_somebody_else_by_now_is_not_put_back(desk: Desk) -> None:
    desk.do("gus", "people.manager", {"person": "bo", "manager": "ana"})
    second = desk.do("gus", "people.manager", {"person": "bo", "manager": "olga"})
    del desk.directory.accounts[person(desk, "ana").id]
    desk.directory.add_person("ana", "Another Ana")
    assert undone(desk, second).outcome is Outcome.FAILED
    assert person(desk, "bo").manager_dn == person(desk, "olga").dn


def test_an_alias_comes_and_goes(desk: Desk) -> None:
    given = desk.do("gus", "people.alias", {"person": "bo", "address": "Sales@Corp.test"})
    assert (given.outcome, person(desk, "bo").aliases) == (Outcome.DONE, ("Sales@corp.test",))
    assert undone(desk, given).outcome is Outcome.DONE
    assert person(desk, "bo").aliases == ()


@pytest.mark.parametrize("address", ["ana@corp.test", "bo@corp.test"])
def test_an_address_that_reaches_somebody_is_no_new_alias(desk: Desk, address: str) -> None:
    result = desk.do("gus", "people.alias", {"person": "bo", "address": address})
    assert desk.directory.writes == []
    assert result.outcome is (Outcome.DONE if address.startswith("bo") else Outcome.FAILED)


# ── somebody goes ─────────────────────────────────────────────────────────────────────────────


def test_nobody_is_archived_whose_account_is_open(desk: Desk) -> None:
    early = desk.do("gus", "people.archive", {"person": "bo"})
    assert early.error is not None
    assert early.error.code == "still-enabled"
    desk.directory.set_status("bo", enabled=False)
    left = desk.do("gus", "people.archive", {"person": "bo"})
    assert (left.outcome, person(desk, "bo").employment) == (Outcome.DONE, "left")
    assert undone(desk, left).outcome is Outcome.DONE
    assert person(desk, "bo").employment == ""


def test_groups_change_hands_and_come_back(desk: Desk) -> None:
    someone = Someone()
    moved = desk.do("gus", "access.hand-over", {"person": "olga", "to": "bo"}, someone=someone)
    assert moved.outcome is Outcome.DONE
    assert (owners(desk, SHARE), owners(desk, "design-share")) == ({"bo"}, {"bo"})
    assert (SHARE, "ownership of bo", "not an owner", "owner") in someone.previewed
    assert undone(desk, moved).outcome is Outcome.DONE
    assert (owners(desk, SHARE), owners(desk, "design-share")) == ({"olga"}, {"olga", "bo"})


def test_one_group_changes_hands_and_its_owner_may_stay(desk: Desk) -> None:
    arguments = {"person": "olga", "to": "ana", "groups": SHARE, "stays": True}
    assert desk.do("gus", "access.hand-over", arguments).outcome is Outcome.DONE
    assert (owners(desk, SHARE), owners(desk, "design-share")) == ({"olga", "ana"}, {"olga", "bo"})
    other = desk.do("gus", "access.hand-over", {"person": "ana", "to": "bo", "groups": "design-share"})
    assert other.outcome is Outcome.USAGE


def test_nothing_to_hand_over_is_no_error(desk: Desk) -> None:
    result = desk.do("gus", "access.hand-over", {"person": "ana", "to": "bo"})
    assert result.outcome is Outcome.DONE
    assert desk.directory.writes == []


def test_an_owner_hands_their_own_group_over(desk: Desk) -> None:
    assert desk.do("olga", "access.hand-over", {"person": "olga", "to": "ana"}).outcome is Outcome.DONE
    assert owners(desk, SHARE) == {"ana"}


# ── who may ───────────────────────────────────────────────────────────────────────────────────

_CALLS: dict[str, dict[str, Any]] = {
    "people.create": NEW,
    "people.manager": {"manager": "olga"},
    "people.alias": {"address": "x@corp.test"},
    "people.unalias": {"address": "x@corp.test"},
    "people.archive": {},
    "people.restore": {},
    "access.hand-over": {"to": "ana"},
}


@pytest.mark.req("I4")
@pytest.mark.parametrize("action", _CALLS)
@pytest.mark.parametrize(("login", "on"), [("ana", "bo"), ("gus", "root"), ("gus", "gus")])
def test_only_the_service_desk_and_nobody_about_the_privileged_or_themselves(
    desk: Desk, action: str, login: str, on: str
) -> None:
    about = {} if action == "people.create" else {"person": on}
    result = desk.do(login, action, {**_CALLS[action], **about})
    own = on == login
    if login == "gus" and (action == "people.create" or (action == "access.hand-over" and own)):
        assert result.outcome is Outcome.DONE
        return
    assert result.outcome is Outcome.REFUSED
    assert result.rule
    assert desk.directory.writes == []


@pytest.mark.req("V2")
@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("people.manager", {"person": "bo", "manager": "gus"}),
        ("people.manager", {"person": "bo", "manager": "gus2"}),
        ("access.hand-over", {"person": "olga", "to": "gus"}),
        ("access.hand-over", {"person": "olga", "to": "gus2"}),
    ],
)
def test_the_service_desk_gives_itself_no_say(desk: Desk, action: str, arguments: dict[str, str]) -> None:
    desk.directory.add_person("gus2", "Gus Again", mail="gus@corp.test")
    result = desk.do("gus", action, arguments)
    assert result.outcome is Outcome.REFUSED
    assert desk.directory.writes == []


@pytest.mark.req("L10")
@pytest.mark.parametrize("action", _CALLS)
def test_a_directory_that_writes_nothing_never_yields_done(desk: Desk, action: str) -> None:
    if action == "people.archive":
        desk.directory.set_status("bo", enabled=False)
    if action == "people.unalias":
        desk.do("gus", "people.alias", {"person": "bo", "address": "x@corp.test"})
    if action == "people.restore":
        desk.directory.look_up().set_employment(person(desk, "bo"), "left")
    desk.directory.deaf = True
    about = {} if action == "people.create" else {"person": "bo"}
    result = desk.do("gus", action, {**_CALLS[action], **about})
    assert result.outcome is Outcome.FAILED, result
    assert result.error is not None
    assert result.error.code == "no-effect"
