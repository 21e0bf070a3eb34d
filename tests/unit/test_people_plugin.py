"""Who am I, who is that, and one's own contact data, through the door."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.events import Outcome
from tests.fakes.directory import denied, lost
from tests.unit.plugin_world import Desk, Someone


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_whoami_tells_name_roles_and_groups(desk: Desk) -> None:
    result = desk.do("gus", "people.whoami")
    assert result.outcome is Outcome.DONE
    assert result.message == (
        "You are Gus Desk (gus), with the role helpdesk. The directory has your mail gus@corp.test, phone 100. "
        "Not set: title."
    )
    assert result.data["groups"] == ["service-desk"]
    assert (result.receipt[0].system, result.receipt[0].observed) == ("directory", "Gus Desk")
    assert result.entry is not None


def test_whoami_tells_whom_one_reports_to(desk: Desk) -> None:
    assert desk.do("gus", "people.whoami").data["manager"] == ""
    ana = next(one.person for one in desk.directory.accounts.values() if one.person.login == "ana")
    for login, above, told in (
        ("nia", ana.dn, f"{ana.name} (ana)"),
        ("nils", "uid=gone,dc=corp,dc=test", ""),
    ):
        desk.directory.add_person(login, login.title(), manager_dn=above)
        assert desk.do(login, "people.whoami").data["manager"] == told


def test_find_tells_whoever_matches_every_word(desk: Desk) -> None:
    result = desk.do("ana", "people.find", {"words": "example bo"})
    assert [person["login"] for person in result.data] == ["bo"]
    assert "bo@corp.test" in result.message
    assert desk.do("ana", "people.find", {"words": "nobody here"}).data == []


def test_find_says_when_there_may_be_more(desk: Desk) -> None:
    for n in range(25):
        desk.directory.add_person(f"twin{n}", "Twin")
    result = desk.do("ana", "people.find", {"words": "twin"})
    assert len(result.data) == 20
    assert "There may be more" in result.message


def test_update_changes_only_what_differs_and_reads_it_back(desk: Desk) -> None:
    someone = Someone()
    result = desk.do("ana", "people.update", {"phone": "200", "mail": "ana@corp.test"}, someone=someone)
    assert result.outcome is Outcome.DONE
    assert someone.previewed == [("ana", "phone", "100", "200")]
    assert [(o.what, o.expected, o.observed) for o in result.receipt] == [("phone", "200", "200")]
    assert desk.directory.account("ana").person.phone == "200"


def test_update_to_what_is_there_already_writes_nothing(desk: Desk) -> None:
    result = desk.do("ana", "people.update", {"phone": "100"})
    assert result.outcome is Outcome.DONE
    assert result.receipt[0].observed == "100"
    assert desk.directory.writes == []


@pytest.mark.parametrize("value", [" 200 ", "200"])
def test_a_value_is_kept_without_spaces_around_it(desk: Desk, value: str) -> None:
    assert desk.do("ana", "people.update", {"phone": value}).outcome is Outcome.DONE
    assert desk.directory.account("ana").person.phone == "200"


@pytest.mark.parametrize("arguments", [{}, {"mail": "no address"}, {"mail": "ana"}, {"phone": "  "}])
def test_what_is_no_change_or_no_address_is_said(desk: Desk, arguments: dict[str, str]) -> None:
    result = desk.do("ana", "people.update", arguments)
    assert result.outcome is Outcome.USAGE
    assert desk.directory.writes == []


@pytest.mark.req("L6")
def test_nobody_elses_contact_data_can_be_named(desk: Desk) -> None:
    result = desk.do("gus", "people.update", {"person": "ana", "phone": "200"})
    assert result.outcome is Outcome.USAGE
    assert desk.directory.account("ana").person.phone == "100"


@pytest.mark.req("L10")
def test_a_directory_that_writes_nothing_never_yields_done(desk: Desk) -> None:
    desk.directory.deaf = True
    result = desk.do("ana", "people.update", {"phone": "200"})
    assert desk.directory.writes == ["update_contact"]
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "no-effect"


@pytest.mark.req("R3")
def test_a_lost_answer_is_settled_by_reading(desk: Desk) -> None:
    desk.directory.after_write = lost
    assert desk.do("ana", "people.update", {"phone": "200"}).outcome is Outcome.DONE


def test_the_directorys_own_rights_are_told_as_such(desk: Desk) -> None:
    desk.directory.before_write = denied
    result = desk.do("ana", "people.update", {"phone": "200"})
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.code == "directory-rights"


@pytest.mark.req("R2")
def test_what_a_crash_left_is_read_back(desk: Desk) -> None:
    desk.without_outcome("ana", "people.update", {"phone": "200"})
    [result] = desk.reconcile("ana")
    assert result.outcome is Outcome.DONE
    assert "interrupted" in result.message
