"""Passwords, through the door: reset, change, unlock, and what the matter is."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk.events import Outcome, Result
from helpdesk.secrets import Secret
from tests.fakes.directory import denied, lost
from tests.unit.plugin_world import Desk, Someone

NEW = "correct horse battery"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.now += timedelta(days=1)  # passwords were set yesterday
    return desk


def reset(desk: Desk, someone: Someone | None = None, person: str = "ana") -> Result:
    return desk.do("gus", "password.reset", {"person": person}, someone=someone)


def change(desk: Desk, new: str = NEW) -> Result:
    return desk.do("ana", "password.change", secrets={"new_password": Secret(new)})


def observed(result: Result) -> dict[str, str]:
    return {o.what: o.observed for o in result.receipt}


# ── reset ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_reset_reveals_one_password_that_opens_the_account_and_must_be_changed(desk: Desk) -> None:
    someone = Someone()
    result = reset(desk, someone)
    assert result.outcome is Outcome.DONE
    [(secret, label)] = someone.revealed
    account = desk.directory.account("ana")
    assert account.password == secret.expose()
    assert account.status.must_change
    assert "Ana Example" in label
    assert observed(result) == {
        "password": "a new temporary one",
        "must choose a new one at next sign-in": "yes",
    }


@pytest.mark.req("S1")
def test_the_password_is_in_no_result_event_or_log(desk: Desk) -> None:
    someone = Someone()
    result = reset(desk, someone)
    value = someone.revealed[0][0].expose()
    desk.audit.close()
    everything = json.dumps(asdict(result), default=str) + repr(someone.events)
    files = b"".join(path.read_bytes() for path in desk.folder.rglob("*") if path.is_file())
    assert value not in everything
    assert value.encode() not in files
    assert b"password.reset" in files  # the log is among them


def test_reset_shows_the_lock_that_it_lifts(desk: Desk) -> None:
    desk.directory.set_status("ana", locked=True, locked_until=desk.now + timedelta(minutes=20))
    someone = Someone()
    result = reset(desk, someone)
    assert ("ana", "account lock", "not locked") in [(t, w, after) for t, w, _, after in someone.previewed]
    assert observed(result)["account lock"] == "not locked"


@pytest.mark.req("L10")
def test_a_reset_that_writes_nothing_is_failed_and_reveals_nothing(desk: Desk) -> None:
    desk.directory.deaf = True
    someone = Someone()
    result = reset(desk, someone)
    assert result.outcome is Outcome.FAILED
    assert someone.revealed == []


@pytest.mark.req("R3")
def test_a_reset_whose_answer_is_lost_is_settled_by_a_bind(desk: Desk) -> None:
    desk.directory.after_write = lost
    someone = Someone()
    assert reset(desk, someone).outcome is Outcome.DONE
    assert desk.directory.account("ana").password == someone.revealed[0][0].expose()


def test_a_reset_the_directory_denies_is_refused_and_reveals_nothing(desk: Desk) -> None:
    desk.directory.before_write = denied
    someone = Someone()
    result = reset(desk, someone)
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.code == "directory-rights"
    assert someone.revealed == []


@pytest.mark.req("I4")
@pytest.mark.parametrize(
    ("login", "person"), [("bo", "ana"), ("gus", "root"), ("gus", "gus"), ("ana", "ana")]
)
def test_only_the_service_desk_resets_and_never_privileged_accounts(
    desk: Desk, login: str, person: str
) -> None:
    result = desk.do(login, "password.reset", {"person": person})
    assert result.outcome is Outcome.REFUSED
    assert desk.directory.writes == []


@pytest.mark.req("R2")
@pytest.mark.parametrize("applied", [True, False])
def test_an_interrupted_reset_is_told_by_the_time_of_the_last_change(desk: Desk, applied: bool) -> None:
    desk.directory.deaf = not applied
    desk.without_outcome("gus", "password.reset", {"person": "ana"})
    desk.now += timedelta(minutes=1)
    [result] = desk.reconcile("gus")
    assert result.outcome is (Outcome.DONE if applied else Outcome.FAILED), result.message
    assert ("lost with the interruption" in result.message) is applied


# ── change ────────────────────────────────────────────────────────────────────────────────────


def test_change_is_proved_by_a_bind(desk: Desk) -> None:
    result = change(desk)
    assert result.outcome is Outcome.DONE
    assert observed(result) == {"password": "the new one"}
    assert desk.directory.account("ana").password == NEW


@pytest.mark.req("L10")
def test_a_change_that_writes_nothing_is_failed(desk: Desk) -> None:
    desk.directory.deaf = True
    assert change(desk).outcome is Outcome.FAILED


@pytest.mark.req("R3")
def test_a_change_whose_answer_is_lost_is_settled_by_a_bind(desk: Desk) -> None:
    desk.directory.after_write = lost
    assert change(desk).outcome is Outcome.DONE


def test_nobody_changes_another_persons_password(desk: Desk) -> None:
    result = desk.do("gus", "password.change", {"person": "ana"}, secrets={"new_password": Secret(NEW)})
    assert result.outcome is Outcome.USAGE
    assert desk.directory.account("ana").password == "pw"


# ── unlock ────────────────────────────────────────────────────────────────────────────────────


def test_unlock_lifts_the_lock_and_reads_it_back(desk: Desk) -> None:
    desk.directory.set_status("ana", locked=True)
    someone = Someone()
    result = desk.do("gus", "password.unlock", {"person": "ana"}, someone=someone)
    assert result.outcome is Outcome.DONE
    assert someone.previewed == [("ana", "account lock", "locked", "not locked")]
    assert desk.directory.account("ana").status.locked is False
    assert desk.directory.account("ana").password == "pw"


@pytest.mark.req("R9")
def test_whoever_is_unlocked_is_not_held_up_here_either(desk: Desk) -> None:
    forgiven: list[str] = []
    desk.runner.systems = replace(desk.runner.systems, password_set=lambda one: forgiven.append(one.login))
    desk.directory.set_status("ana", locked=True)
    assert desk.do("gus", "password.unlock", {"person": "ana"}).outcome is Outcome.DONE
    assert forgiven == ["ana"]


def test_unlock_of_what_is_not_locked_writes_nothing(desk: Desk) -> None:
    result = desk.do("gus", "password.unlock", {"person": "ana"})
    assert result.outcome is Outcome.DONE
    assert "not locked" in result.message
    assert desk.directory.writes == []


def test_unlock_of_a_disabled_account_says_what_it_needs(desk: Desk) -> None:
    desk.directory.set_status("ana", locked=True, enabled=False)
    result = desk.do("gus", "password.unlock", {"person": "ana"})
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert "account.enable ana" in result.error.hint


@pytest.mark.req("L10")
def test_an_unlock_that_writes_nothing_is_failed_and_one_nobody_can_read_back_is_unknown(desk: Desk) -> None:
    desk.directory.set_status("ana", locked=True)
    desk.directory.deaf = True
    assert desk.do("gus", "password.unlock", {"person": "ana"}).outcome is Outcome.FAILED
    desk.directory.untold = frozenset({"locked"})
    assert desk.do("gus", "password.unlock", {"person": "ana"}).outcome is Outcome.UNKNOWN


@pytest.mark.req("R2")
def test_an_interrupted_unlock_is_read_back(desk: Desk) -> None:
    desk.directory.set_status("ana", locked=True)
    desk.without_outcome("gus", "password.unlock", {"person": "ana"})
    [result] = desk.reconcile("gus")
    assert result.outcome is Outcome.DONE


# ── status ────────────────────────────────────────────────────────────────────────────────────


def test_status_says_the_matter_and_what_to_do(desk: Desk) -> None:
    mine = desk.do("ana", "password.status")
    assert mine.message.startswith("Your account is not locked.")
    assert "at least 12 characters" in mine.message
    desk.directory.set_status("ana", locked=True, locked_until=desk.now + timedelta(minutes=20))
    theirs = desk.do("gus", "password.status", {"person": "ana"})
    assert "Ana Example's account is locked until" in theirs.message
    assert "service desk can lift it" in theirs.message
    assert theirs.data["locked"] is True
    desk.directory.set_status("ana", enabled=False)
    assert "disabled" in desk.do("gus", "password.status", {"person": "ana"}).message


def test_the_status_of_a_colleague_is_the_service_desks(desk: Desk) -> None:
    assert desk.do("bo", "password.status", {"person": "ana"}).outcome is Outcome.REFUSED
