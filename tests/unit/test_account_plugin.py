"""Accounts switched off and on, through the door."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.events import Outcome
from tests.fakes.directory import denied, lost
from tests.unit.plugin_world import Desk, Someone


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def enabled(desk: Desk, login: str = "ana") -> bool | None:
    return desk.directory.account(login).status.enabled


def prepared(desk: Desk, action: str) -> None:
    desk.directory.set_status("ana", enabled=action == "account.disable")


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [("account.disable", "enabled", "disabled"), ("account.enable", "disabled", "enabled")],
)
def test_the_service_desk_switches_and_it_is_read_back(
    desk: Desk, action: str, before: str, after: str
) -> None:
    prepared(desk, action)
    someone = Someone()
    result = desk.do("gus", action, {"person": "ana"}, someone=someone)
    assert result.outcome is Outcome.DONE
    assert someone.previewed == [("ana", "account", before, after)]
    assert [(o.what, o.expected, o.observed) for o in result.receipt] == [("account", after, after)]
    assert enabled(desk) is (after == "enabled")


def test_disabling_asks_for_the_name_and_tells_the_way_back(desk: Desk) -> None:
    someone = Someone()
    result = desk.do("gus", "account.disable", {"person": "ana"}, someone=someone)
    assert someone.asked[0].irreversible
    assert someone.asked[0].target == "ana"
    assert "account.enable ana" in result.message


@pytest.mark.parametrize("action", ["account.disable", "account.enable"])
def test_what_is_so_already_is_read_and_not_written(desk: Desk, action: str) -> None:
    desk.directory.set_status("ana", enabled=action == "account.enable")
    result = desk.do("gus", action, {"person": "ana"})
    assert result.outcome is Outcome.DONE
    assert "already" in result.message
    assert desk.directory.writes == []


@pytest.mark.req("I4")
@pytest.mark.parametrize(
    ("login", "person"), [("bo", "ana"), ("ana", "ana"), ("gus", "root"), ("gus", "gus"), ("olga", "bo")]
)
def test_everyone_else_is_refused(desk: Desk, login: str, person: str) -> None:
    result = desk.do(login, "account.disable", {"person": person})
    assert result.outcome is Outcome.REFUSED
    assert result.rule
    assert desk.directory.writes == []


@pytest.mark.req("L10")
@pytest.mark.parametrize("action", ["account.disable", "account.enable"])
def test_a_directory_that_writes_nothing_never_yields_done(desk: Desk, action: str) -> None:
    prepared(desk, action)
    desk.directory.deaf = True
    result = desk.do("gus", action, {"person": "ana"})
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "no-effect"


@pytest.mark.req("L10")
def test_a_directory_that_does_not_tell_yields_unknown(desk: Desk) -> None:
    desk.directory.untold = frozenset({"enabled"})
    result = desk.do("gus", "account.disable", {"person": "ana"})
    assert result.outcome is Outcome.UNKNOWN
    assert result.receipt[0].observed == "could not be read back"


@pytest.mark.req("R3")
def test_a_lost_answer_is_settled_by_reading(desk: Desk) -> None:
    desk.directory.after_write = lost
    assert desk.do("gus", "account.disable", {"person": "ana"}).outcome is Outcome.DONE


def test_the_directorys_own_rights_are_told_as_such(desk: Desk) -> None:
    desk.directory.before_write = denied
    result = desk.do("gus", "account.disable", {"person": "ana"})
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.code == "directory-rights"


@pytest.mark.req("D9")
def test_a_desk_member_disabled_since_the_sign_in_may_not_act(desk: Desk) -> None:
    someone = Someone(on_confirm=lambda: desk.directory.set_status("gus", enabled=False))
    result = desk.do("gus", "account.disable", {"person": "ana"}, someone=someone)
    assert result.outcome is Outcome.REFUSED
    assert enabled(desk)


@pytest.mark.req("R2")
@pytest.mark.parametrize("applied", [True, False])
def test_what_a_crash_left_is_read_back(desk: Desk, applied: bool) -> None:
    desk.directory.deaf = not applied
    desk.without_outcome("gus", "account.disable", {"person": "ana"})
    [result] = desk.reconcile("gus")
    assert result.outcome is (Outcome.DONE if applied else Outcome.FAILED)
