"""Locked out and signed out: told why, until when, who can help, and what to do now; and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from helpdesk.connectors.embedded import Rules
from helpdesk.errors import BadCredentials, LogUnavailable, Unreachable
from helpdesk.events import Outcome, Result
from helpdesk.secrets import Secret, temporary_password
from helpdesk.text import local_time
from tests.unit.signin_world import BO, DEE, WRONG, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def lock(world: World, login: str = "bo") -> None:
    for _ in range(3):
        with pytest.raises(BadCredentials):
            world.enter(login, WRONG)


def test_a_lock_is_explained_with_its_end_and_who_can_help(world: World) -> None:
    lock(world)
    until = local_time(world.now.replace(minute=15), world.now)
    result = world.asked("bo", BO)
    assert result.outcome is Outcome.DONE
    assert "locked after too many wrong passwords" in result.message
    assert f"ends by itself at {until}" in result.message
    assert "Dee Desk" in result.message
    assert "temporary" in result.message
    (seen,) = result.receipt
    assert (seen.target, seen.what, seen.observed) == ("bo", "account lock", f"locked until {until}")
    assert seen.as_expected


def test_several_of_the_service_desk_are_named(tmp_path: Path) -> None:
    world = World(tmp_path, desk=("dee", "eli"))
    lock(world)
    assert "The service desk (Dee Desk or Eli Desk) can lift it now." in world.asked("bo", BO).message
    world.close()


def test_a_service_desk_nobody_can_see_is_still_the_service_desk(world: World) -> None:
    world.roles.groups_of_role = {"helpdesk": ["renamed since"]}
    lock(world)
    assert "The service desk can lift it now." in world.asked("bo", BO).message


def test_a_lock_without_an_end_says_so(world: World) -> None:
    world.directory.admin.set_rules(Rules(max_failures=3, lockout_seconds=0))
    lock(world)
    result = world.asked("bo", BO)
    assert "does not say when the lock ends" in result.message
    assert "Or wait" not in result.message
    assert result.receipt[0].observed == "locked"


def test_who_is_not_locked_is_told_that_too(world: World) -> None:
    result = world.asked("bo", BO)
    assert result.outcome is Outcome.DONE
    assert "not locked" in result.message
    assert result.receipt[0].observed == "not locked"


def test_a_temporary_password_is_told_its_next_step(world: World) -> None:
    dee, temporary = world.enter("dee", DEE), temporary_password()
    dee.directory.set_password(dee.directory.person("bo"), temporary, must_change=True)
    assert "helpdesk do password.change" in world.asked("bo", temporary).message


def test_a_disabled_account_is_no_lock(world: World) -> None:
    dee = world.enter("dee", DEE)
    dee.directory.set_enabled(dee.directory.person("bo"), False)
    result = world.asked("bo", BO)
    assert "disabled" in result.message
    assert "Dee Desk" in result.message
    assert "lock" not in result.message
    assert (result.receipt[0].what, result.receipt[0].observed) == ("account", "disabled")


def test_an_expired_password_is_no_lock_and_no_mistake_of_the_keyboard(world: World) -> None:
    world.directory.admin.set_rules(replace(Rules(), max_age=60))
    world.later(minutes=2)
    result = world.asked("bo", BO)
    assert "expired" in result.message
    assert "Dee Desk) can give you a temporary one" in result.message
    assert "keyboard" not in result.message
    assert (result.receipt[0].what, result.receipt[0].observed) == ("password", "expired")


@pytest.mark.req("I6")
def test_a_wrong_password_and_an_unknown_name_get_one_answer(world: World) -> None:
    def told(login: str) -> Result:
        return replace(world.asked(login, WRONG), arguments={}, entry=0)

    for attempt in range(3):
        wrong, unknown = told("bo"), told("nobody")
        assert wrong == unknown, attempt
        assert wrong.outcome is Outcome.NOT_SIGNED_IN
        assert wrong.receipt == ()
        assert "does not report a lock" in wrong.message
    locked, as_if = (replace(told(login), receipt=()) for login in ("bo", "nobody"))
    assert locked == as_if  # the same also once it has locked
    assert "is locked" in locked.message


def test_asking_opens_no_door(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    real = world.directory.sign_in

    def watched(login: str, password: Secret) -> object:
        session = real(login, password)
        monkeypatch.setattr(session, "close", lambda: closed.append(login))
        return session

    monkeypatch.setattr(world.directory, "sign_in", watched)
    world.asked("bo", BO)
    assert closed == ["bo"]


def test_one_question_is_one_attempt(world: World) -> None:
    world.asked("bo", WRONG)
    dee = world.enter("dee", DEE)
    assert dee.directory.status(dee.directory.person("bo")).failures == 1


@pytest.mark.req("R1")
def test_every_answer_is_logged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lock(world)
    result = world.asked("bo", BO)
    entry = world.entries()[-1]
    assert result.entry == entry.seq
    assert (entry.kind, entry.body["action"], entry.body["outcome"]) == ("read", "password.status", "done")
    assert entry.personal["target"] == "bo"

    def full(*_: object) -> int:
        raise LogUnavailable("The log cannot be written.")

    monkeypatch.setattr(world.audit, "append", full)
    with pytest.raises(LogUnavailable):
        world.asked("bo", BO)


@pytest.mark.req("D10")
def test_a_dead_directory_is_not_explained_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: object) -> object:
        raise Unreachable("The directory gives no answer.")

    monkeypatch.setattr(world.directory, "sign_in", dead)
    with pytest.raises(Unreachable):
        world.asked("bo", BO)


@pytest.mark.req("I6")
@pytest.mark.parametrize("login", ["\ud800", "x" * 100_000])
def test_a_name_that_is_none_gets_the_same_answer(world: World, login: str) -> None:
    result = world.asked(login, WRONG)
    assert result.outcome is Outcome.NOT_SIGNED_IN
    assert result.message == world.asked("nobody", WRONG).message
