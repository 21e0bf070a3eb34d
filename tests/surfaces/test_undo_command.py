"""``helpdesk undo``: what a receipt suggests, it does; off a terminal it is one document with its exit code."""

from __future__ import annotations

import pytest

from tests.surfaces.company import PASSWORDS, Company, finish


@pytest.mark.req("CLI-14")
def test_a_receipt_suggests_the_undo_and_the_undo_takes_it_back(company: Company) -> None:
    granted = company.run_as("cleo", "do", "access.grant", "ana", "finance-share", "--yes")
    assert granted.code == 0, granted.err
    command = granted.out.rpartition("· helpdesk ")[2].split()
    assert command[0] == "undo"
    assert "ana" in company.members("finance-share")

    undone = company.run_as("cleo", *command, "--yes")
    assert undone.code == 0, undone.err
    assert f"Undo entry {command[1]} of the log: Take Ana Ito out of finance-share." in undone.err
    assert "membership of ana: not a member (read back" in undone.out
    assert "ana" not in company.members("finance-share")


@pytest.mark.req("CLI-8", "CLI-14", "CLI-15")
def test_undo_with_json_is_the_opposites_result(company: Company) -> None:
    done = company.run_as("ana", "--json", "do", "people.update", "--phone", "77", "--yes").document
    assert done["undoable"] is True
    entry = str(done["entry"])
    seen = company.run_as("ana", "--json", "-n", "undo", entry)
    assert (seen.code, seen.document["outcome"]) == (0, "previewed")
    undone = company.run_as("ana", "--json", "undo", entry, "--yes")
    assert undone.code == 0, undone.err
    assert undone.document["arguments"] == {"clear": "phone"}
    assert undone.document["receipt"][0]["observed"] == "not set"
    again = company.run_as("ana", "--json", "undo", entry, "--yes")
    assert again.code == 3
    assert again.document["error"]["code"] == "undone-already"


@pytest.mark.req("CLI-16", "CLI-17")
def test_an_undo_is_confirmed_like_any_change(company: Company) -> None:
    done = company.run_as("ana", "--json", "do", "people.update", "--phone", "77", "--yes").document
    ran = company.run_as("ana", "--json", "undo", str(done["entry"]))
    assert ran.code == 2
    assert ran.document["error"]["code"] == "confirmation-needed"
    assert company.directory.look_up().person("ana").phone == "77"


def test_the_receipt_of_what_has_no_way_back_suggests_none(company: Company) -> None:
    company.lock("ana")
    ran = company.run_as("bo", "do", "password.unlock", "ana", "--yes")
    assert ran.code == 0
    assert "undo" not in ran.out
    entry = ran.out.rpartition("log show ")[2].split()[0]
    refused = company.run_as("bo", "undo", entry, "--yes")
    assert refused.code == 3
    assert "only the directory locks an account" in refused.err


@pytest.mark.parametrize(("entry", "code"), [("0", 2), ("x", 2), ("9999", 2)])
def test_an_entry_that_is_none_is_a_usage_error(company: Company, entry: str, code: int) -> None:
    ran = company.run_as("ana", "--json", "undo", entry)
    assert ran.code == code
    assert ran.document["outcome"] == "usage"


@pytest.mark.req("CLI-15")
def test_a_person_is_asked_at_the_terminal(company: Company) -> None:
    done = company.run_as("cleo", "--json", "do", "access.grant", "dev", "finance-share", "--yes").document
    child = company.spawn("undo", str(done["entry"]), "--as", "cleo")
    child.expect("Password")
    child.sendline(PASSWORDS["cleo"])
    child.expect("Please confirm: access.revoke")
    child.expect(r"\[y/N\]|yes")
    child.sendline("yes")
    assert finish(child) == 0
    assert "dev" not in company.members("finance-share")


@pytest.mark.req("CLI-14")
def test_what_a_refusal_suggests_works_in_the_same_profile_in_json_too(company: Company) -> None:
    ran = company.run("--json", "--profile", "other", "chat")
    assert "helpdesk --profile other ask" in ran.document["error"]["hint"]
    assert "--profile" not in company.run("--json", "chat").document["error"]["hint"]
