"""Access through groups, through the door: list, ask, approve, give, take back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpdesk.events import Outcome
from tests.fakes.directory import denied, lost
from tests.unit.plugin_world import Desk, Someone

SHARE = "finance-share"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def member(desk: Desk, login: str) -> bool:
    session = desk.directory.look_up()
    return SHARE in {group.name for group in session.groups_of(session.person(login))}


def test_list_says_whose_groups_with_the_directory_as_source(desk: Desk) -> None:
    assert desk.do("ana", "access.list").message == "You are not a member of any group."
    result = desk.do("gus", "access.list", {"person": "olga"})
    assert result.message == "Olga Owner is a member of finance-share."
    assert result.receipt[0].target == SHARE
    assert result.data == [{"group": SHARE, "description": "The finance-share group"}]


@pytest.mark.parametrize("login", ["ana", "gus", "olga"])
def test_everyone_sees_which_groups_there_are_and_who_owns_one(desk: Desk, login: str) -> None:
    every = desk.do(login, "access.show")
    assert every.outcome is Outcome.DONE
    assert f"{SHARE}: The {SHARE} group" in every.message
    assert SHARE in {row["group"] for row in every.data}
    assert [o.target for o in every.receipt] == [row["group"] for row in every.data]
    one = desk.do(login, "access.show", {"group": SHARE})
    assert "Owned by Olga Owner (olga)" in one.message
    assert one.data[0]["owners"][0] == {"login": "olga", "name": "Olga Owner"}
    assert "ana" not in one.message, "who is in a group is not told"


def test_a_request_waits_for_the_owner_and_is_granted_by_them(desk: Desk) -> None:
    someone = Someone()
    asked = desk.do("ana", "access.request", {"group": SHARE, "reason": "quarter close"}, someone=someone)
    assert asked.outcome is Outcome.PENDING
    assert "Olga Owner" in asked.message
    assert someone.previewed == [(SHARE, "membership of ana", "not a member", "member")]
    assert not member(desk, "ana")
    assert asked.request is not None
    granted = desk.approve("olga", asked.request)
    assert granted.outcome is Outcome.DONE
    assert granted.receipt[0].observed == "member"
    assert member(desk, "ana")


@pytest.mark.req("V2")
@pytest.mark.parametrize("login", ["ana", "bo", "gus"])
def test_nobody_else_approves(desk: Desk, login: str) -> None:
    asked = desk.do("ana", "access.request", {"group": SHARE})
    assert asked.request is not None
    assert desk.approve(login, asked.request).outcome is Outcome.REFUSED
    assert not member(desk, "ana")


def test_an_owner_gives_and_takes(desk: Desk) -> None:
    given = desk.do("olga", "access.grant", {"person": "ana", "group": SHARE})
    assert (given.outcome, member(desk, "ana")) == (Outcome.DONE, True)
    assert [(o.target, o.what, o.observed) for o in given.receipt] == [(SHARE, "membership of ana", "member")]
    taken = desk.do("olga", "access.revoke", {"person": "ana", "group": SHARE})
    assert (taken.outcome, member(desk, "ana")) == (Outcome.DONE, False)
    assert "no longer" in taken.message


@pytest.mark.parametrize(
    ("login", "action", "person"),
    [
        ("ana", "access.grant", "bo"),
        ("olga", "access.grant", "olga"),
        ("bo", "access.revoke", "olga"),
    ],
)
def test_whoever_does_not_own_the_group_is_refused(desk: Desk, login: str, action: str, person: str) -> None:
    result = desk.do(login, action, {"person": person, "group": SHARE})
    assert result.outcome is Outcome.REFUSED
    assert result.rule
    assert desk.directory.writes == []


def test_the_service_desk_gives_access_with_an_owners_approval(desk: Desk) -> None:
    result = desk.do("gus", "access.grant", {"person": "ana", "group": SHARE})
    assert result.outcome is Outcome.PENDING
    assert desk.directory.writes == []


def test_everyone_may_leave(desk: Desk) -> None:
    desk.do("olga", "access.grant", {"person": "ana", "group": SHARE})
    assert desk.do("ana", "access.revoke", {"person": "ana", "group": SHARE}).outcome is Outcome.DONE
    assert not member(desk, "ana")


@pytest.mark.parametrize(
    ("login", "action", "arguments"),
    [
        ("olga", "access.grant", {"person": "bo"}),
        ("olga", "access.revoke", {"person": "ana"}),
        ("bo", "access.request", {}),
    ],
)
def test_what_is_so_already_is_read_and_not_written(
    desk: Desk, login: str, action: str, arguments: dict[str, Any]
) -> None:
    desk.do("olga", "access.grant", {"person": "bo", "group": SHARE})
    desk.directory.writes.clear()
    result = desk.do(login, action, {**arguments, "group": SHARE})
    assert result.outcome is Outcome.DONE
    assert "nothing had to change" in result.message
    assert result.receipt[0].as_expected
    assert desk.directory.writes == []


@pytest.mark.req("L10")
@pytest.mark.parametrize("action", ["access.grant", "access.revoke"])
def test_a_directory_that_writes_nothing_never_yields_done(desk: Desk, action: str) -> None:
    if action == "access.revoke":
        desk.do("olga", "access.grant", {"person": "ana", "group": SHARE})
    desk.directory.deaf = True
    result = desk.do("olga", action, {"person": "ana", "group": SHARE})
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "no-effect"


@pytest.mark.req("L10")
def test_an_approval_that_writes_nothing_never_yields_done(desk: Desk) -> None:
    asked = desk.do("ana", "access.request", {"group": SHARE})
    desk.directory.deaf = True
    assert asked.request is not None
    assert desk.approve("olga", asked.request).outcome is Outcome.FAILED


@pytest.mark.req("R3")
def test_a_lost_answer_is_settled_by_reading(desk: Desk) -> None:
    desk.directory.after_write = lost
    result = desk.do("olga", "access.grant", {"person": "ana", "group": SHARE})
    assert result.outcome is Outcome.DONE


def test_the_directorys_own_rights_are_told_as_such(desk: Desk) -> None:
    desk.directory.before_write = denied
    result = desk.do("olga", "access.grant", {"person": "ana", "group": SHARE})
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.code == "directory-rights"
    assert not member(desk, "ana")


@pytest.mark.req("L4")
def test_a_membership_that_changes_while_the_person_decides_is_stale(desk: Desk) -> None:
    session = desk.directory.look_up()
    someone = Someone(on_confirm=lambda: session.add_member(session.group(SHARE), session.person("ana")))
    result = desk.do("olga", "access.grant", {"person": "ana", "group": SHARE}, someone=someone)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "stale"


@pytest.mark.req("D7")
def test_a_group_replaced_by_another_of_its_name_is_not_touched(desk: Desk) -> None:
    def replaced() -> None:
        del desk.directory.teams[desk.directory.look_up().group(SHARE).id]
        desk.directory.add_group(SHARE, owners=("olga",))

    result = desk.do(
        "olga", "access.grant", {"person": "ana", "group": SHARE}, someone=Someone(on_confirm=replaced)
    )
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "stale"
    assert not member(desk, "ana")


@pytest.mark.req("R2")
@pytest.mark.parametrize("applied", [True, False])
def test_what_a_crash_left_is_read_back(desk: Desk, applied: bool) -> None:
    desk.directory.deaf = not applied
    desk.without_outcome("olga", "access.grant", {"person": "ana", "group": SHARE})
    [result] = desk.reconcile("olga")
    assert result.outcome is (Outcome.DONE if applied else Outcome.FAILED)
