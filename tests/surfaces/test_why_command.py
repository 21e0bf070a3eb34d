"""``helpdesk why``: for the signed-in person, off a terminal too; one document with ``--json``; nothing changes."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.why import CallWhy, EntryWhy
from tests.surfaces.company import Company

PAGE = (Path(__file__).parents[2] / "docs" / "it-staff.md").read_text("utf-8")


@pytest.mark.req("CLI-8")
def test_why_an_action_is_one_document_with_its_rules(company: Company) -> None:
    ran = company.run_as("ana", "--json", "why", "access.grant", "dev", "finance-share")
    assert ran.code == 0, ran.err
    found = ran.document
    assert (found["schema"], found["about"], found["verdict"]) == ("helpdesk.why/1", "action", "denied")
    assert found["able"] == ["Cleo Park (cleo)"]
    rule = next(r for r in found["rules"] if r["rule"] == "owners-decide-about-their-groups")
    assert rule["conditions"] == [
        {
            "cedar": "resource.owners.contains(principal)",
            "words": "you are an owner of finance-share",
            "holds": False,
        }
    ]
    assert "dev" not in company.members("finance-share")


def test_a_person_reads_what_fails_and_who_can_do_it(company: Company) -> None:
    ran = company.run_as("ana", "why", "access.grant", "dev", "finance-share")
    assert ran.code == 0, ran.err
    assert "access.grant: It would be refused." in ran.out
    assert "✗ you are an owner of finance-share" in ran.out
    assert "Cleo Park (cleo) can do it." in ran.out


def test_what_is_asked_about_is_named_as_with_do(company: Company) -> None:
    one = company.run_as(
        "ana", "--json", "why", "access.grant", "--group", "finance-share", "--person", "dev"
    )
    assert one.document["arguments"] == {"group": "finance-share", "person": "dev"}
    short = company.run_as("ana", "--json", "why", "access.grant", "dev")
    assert (short.code, short.document["error"]["code"]) == (2, "missing-argument")
    wrong = company.run_as("ana", "--json", "why", "access.gront", "dev")
    assert (wrong.code, wrong.document["error"]["code"]) == (2, "unknown-action")


def test_why_an_entry_tells_the_whole_story(company: Company) -> None:
    done = company.run_as("cleo", "--json", "do", "access.grant", "ana", "finance-share", "--yes").document
    found = company.run_as("dev", "--json", "why", str(done["entry"])).document
    assert (found["schema"], found["about"], found["explains"]) == ("helpdesk.why/1", "entry", done["entry"])
    assert (found["actor"], found["rule"]) == ("cleo", "owners-decide-about-their-groups")
    assert found["confirmed_by"] == "--yes"
    assert found["provenance"] == {"group": "typed", "person": "typed"}
    assert found["receipt"][0]["observed"] == "member"
    shown = company.run_as("dev", "why", str(done["entry"]))
    assert "person      ana (typed by the person)" in shown.out
    assert "membership of ana: member (read back" in shown.out


def test_a_refused_entry_shows_how_it_stands_today(company: Company) -> None:
    refused = company.run_as("ana", "--json", "do", "password.unlock", "dev", "--yes").document
    shown = company.run_as("ana", "why", str(refused["entry"]))
    assert "The same call today" in shown.out
    assert "✗ you have the role helpdesk (a member of service-desk)" in shown.out


@pytest.mark.req("CLI-1")
def test_nobody_signed_in_learns_nothing(company: Company) -> None:
    ran = company.run("--json", "why", "people.whoami")
    assert ran.code == 5
    assert company.run("--json", "why", "1").code == 5


def test_yes_has_nothing_to_confirm_and_no_entry_is_a_usage_error(company: Company) -> None:
    assert company.run_as("ana", "--json", "why", "people.whoami", "--yes").code == 2
    assert company.run_as("ana", "--json", "why", "4711").code == 2
    assert company.run_as("ana", "--json", "why").code == 2


def test_help_lists_the_actions_and_an_actions_own_arguments(company: Company) -> None:
    listed = company.run("why", "--help")
    assert listed.code == 0
    assert "ENTRY | REQUEST | ACTION" in listed.out
    assert "access.grant PERSON GROUP" in listed.out
    assert "--group" in company.run("why", "access.grant", "--help").out


@pytest.mark.parametrize("kind", [CallWhy, EntryWhy])
def test_every_key_of_the_documents_is_on_the_page(kind: Any) -> None:
    section = PAGE.partition("## Why\n")[2].partition("\n## ")[0]
    assert "`helpdesk.why/1`" in section
    for field in fields(kind):
        assert f"`{field.name}`" in section, field.name


def test_a_text_from_the_directory_cannot_act_on_the_screen(company: Company) -> None:
    given = "\x1b[31mred"
    ran = company.run_as("ana", "why", "ticket.comment", "T-1", given)
    assert "\x1b[31m" not in ran.out + ran.err
    document = company.run_as("ana", "--json", "why", "ticket.comment", "T-1", given)
    assert json.loads(document.out)["arguments"]["text"] == given
    assert not re.search(r"[^\x20-\x7e\n]", document.out)
