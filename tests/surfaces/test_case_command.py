"""One case, in every window: asked, gone on with in a chat, shown, taken back to a turn, closed, exported, handed off."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from contextlib import closing

import pexpect
import pytest

from helpdesk.surfaces.completions import script
from tests.json_schema import problems
from tests.surfaces.company import PASSWORDS, Company, Ran, finish
from tests.surfaces.inside import inside, inside_as


def chat(company: Company, login: str, *more: str) -> pexpect.spawn:
    child = company.spawn("chat", "--as", login, *more, size=(40, 100), PROMPT_TOOLKIT_NO_CPR="1")
    child.expect("Password of")
    child.sendline(PASSWORDS[login])
    child.expect("Say what you need")
    return child


def say(child: pexpect.spawn, words: str) -> None:
    child.expect("›")
    child.send(words + "\r")


def leave(child: pexpect.spawn) -> None:
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0


def the_case(company: Company, login: str = "ana", *more: str) -> dict[str, object]:
    """The one case that somebody has."""
    ran = inside_as(company, login, "case", "list", "--json", *more)
    (found,) = checked(ran, "cases-1")["cases"]
    return dict(found)


def checked(ran: Ran, schema: str) -> dict[str, object]:
    assert ran.code == 0, ran.err
    assert problems(ran.document, schema) == []
    return ran.document


def shown(company: Company, login: str, id: object) -> dict[str, object]:
    return checked(inside_as(company, login, "case", "show", str(id), "--json"), "case-1")


# ── one case, three windows ───────────────────────────────────────────────────────────────────


def test_what_was_asked_in_a_command_goes_on_in_a_chat_with_nothing_typed_again(company: Company) -> None:
    ran = company.run_as("cleo", "ask", "give dev access")
    assert ran.code == 2
    id = str(the_case(company, "cleo")["id"])
    child = chat(company, "cleo", "--resume", id)
    child.expect(f"Case {id}")
    child.expect("give dev access")
    child.expect("This was being asked")
    child.expect("finance-share")
    child.expect("> ")
    child.sendline("finance-share")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("Dev Rao is a member of finance-share now")
    assert "dev" in company.members("finance-share")
    leave(child)
    whole = shown(company, "cleo", id)
    (receipt,) = whole["receipts"]
    assert receipt["action"] == "access.grant"
    assert receipt["arguments"] == {"person": "dev", "group": "finance-share"} | {
        name: value for name, value in receipt["arguments"].items() if name not in ("person", "group")
    }
    entry = inside(company, "log", "show", str(receipt["entry"]), "--json").document
    assert (entry["kind"], entry["body"]["case"]) == ("outcome", id)
    intents = inside(company, "log", "list", "--kind", "intent", "--json").document["entries"]
    assert [intent["body"]["case"] for intent in intents] == [id]


def test_ask_goes_on_with_the_latest_case_and_with_a_named_one(company: Company) -> None:
    company.lock("dev")
    company.lock("ana")
    assert inside_as(company, "bo", "ask", "unlock dev", "--yes-for", "password.unlock").code == 0
    first = str(the_case(company, "bo")["id"])
    more = ("--yes-for", "password.unlock")
    assert inside_as(company, "bo", "ask", "--continue", "no, I meant ana", *more).code == 0
    assert company.is_locked("ana") is False
    assert inside_as(company, "bo", "ask", "who am I").code == 0  # a case of its own
    ran = inside_as(company, "bo", "ask", "--case", first.lower(), "which groups is she in", "--json")
    assert ran.document["arguments"] == {"person": "ana"}
    listed = checked(inside_as(company, "bo", "case", "list", "--json"), "cases-1")["cases"]
    assert [(case["id"] == first, case["turns"]) for case in listed] == [(True, 3), (False, 1)]


@pytest.mark.req("R2")
def test_what_a_kill_kept_from_the_case_is_found_in_the_log(company: Company) -> None:
    company.lock("dev")
    assert inside_as(company, "bo", "ask", "unlock dev", "--yes-for", "password.unlock").code == 0
    id = str(the_case(company, "bo")["id"])
    (whole,) = shown(company, "bo", id)["receipts"]
    with closing(sqlite3.connect(company.state / "cases.db")) as database:  # as after a kill at the door
        database.execute("DELETE FROM lines WHERE kind = 'result'")
        database.execute("UPDATE cases SET version = (SELECT max(seq) FROM lines)")
        database.commit()
    assert shown(company, "bo", id)["receipts"] == []
    ran = inside_as(company, "bo", "ask", "--continue", "who am I")
    assert "Meanwhile: password.unlock" in ran.err
    (found,) = shown(company, "bo", id)["receipts"]
    assert {**found, "time": ""} == {**whole, "time": ""}
    assert "Meanwhile" not in inside_as(company, "bo", "ask", "--continue", "who am I").err
    closed = inside_as(company, "bo", "case", "close", id, "--json")
    assert checked(closed, "case-1")["resolution"] == "resolved"


def test_clear_errors_and_exit_codes(company: Company) -> None:
    for words, code, says in (
        (["ask", "--continue", "and now?"], 2, "no open case"),
        (["ask", "--case", "c-ZZZZ", "and now?"], 2, "no case 'c-ZZZZ'"),
        (["ask", "--continue", "--case", "c-ZZZZ"], 2, "exclude each other"),
        (["ask"], 2, "nothing to answer"),
        (["chat", "--resume", "c-ZZZZ"], 2, "needs a terminal"),
        (["case", "show", "c-ZZZZ"], 2, "helpdesk case list"),
        (["case", "close", "c-ZZZZ"], 2, "no case"),
        (["case", "close", "c-ZZZZ", "--dry-run"], 2, "no preview"),
        (["case", "rewind", "c-ZZZZ", "x"], 2, "x"),
    ):
        ran = inside_as(company, "ana", *words)
        assert ran.code == code, words
        assert says in ran.err, (words, ran.err)
        assert "Traceback" not in ran.err
    assert inside(company, "case", "list").code == 5
    empty = inside_as(company, "ana", "case", "list")
    assert (empty.code, empty.out) == (0, "You have no open case.\n")
    assert checked(inside_as(company, "ana", "case", "list", "--json"), "cases-1")["cases"] == []


@pytest.mark.req("R8")
def test_nobody_opens_somebody_elses_case_however_they_sign_in(company: Company) -> None:
    inside_as(company, "ana", "ask", "who am I")
    id = str(the_case(company)["id"])
    assert inside(company, "case", "show", id).code == 5
    for words in (
        ["case", "show", id],
        ["case", "close", id],
        ["case", "export", id],
        ["case", "rewind", id, "0"],
        ["ask", "--case", id, "and now?"],
    ):
        ran = inside_as(company, "bo", *words)
        assert ran.code == 2, words
        assert f"You have no case '{id}'" in ran.err
        assert "who am I" not in ran.out + ran.err
    assert the_case(company)["turns"] == 1


# ── back, closed, exported, handed off ────────────────────────────────────────────────────────


def test_going_back_keeps_what_was_done_in_view_and_closing_tells_what_it_came_to(company: Company) -> None:
    company.lock("dev")
    inside_as(company, "bo", "ask", "who am I")
    id = str(the_case(company, "bo")["id"])
    inside_as(company, "bo", "ask", "--continue", "unlock dev", "--yes-for", "password.unlock")
    back = inside_as(company, "bo", "case", "rewind", id, "1")
    assert back.code == 0
    assert re.search(r"After this point, done:\n +password\.unlock: .*\[done\] \(log entry \d+\)", back.out)
    assert "unlock dev" not in inside_as(company, "bo", "case", "show", id).out
    assert "After this point, done" in inside_as(company, "bo", "case", "show", id).out
    closed = inside_as(company, "bo", "case", "close", id, "--json")
    assert checked(closed, "case-1")["resolution"] == "resolved"
    assert inside_as(company, "bo", "case", "close", id).code == 2
    assert "closed: resolved" in inside_as(company, "bo", "case", "list", "--all").out


@pytest.mark.req("L10")
def test_what_waits_or_was_given_up_is_not_resolved(company: Company) -> None:
    words = "get me into finance-share for the quarter close"
    assert inside_as(company, "ana", "ask", words, "--yes-for", "access.request").code == 4
    case = the_case(company)
    (request,) = shown(company, "ana", case["id"])["requests"]
    assert (request["state"], request["waits_for"]) == ("pending", ["Cleo Park"])
    ran = inside_as(company, "ana", "case", "close", str(case["id"]))
    assert "abandoned" in ran.out
    assert f"helpdesk approvals withdraw {request['id']}" in ran.out
    stats = inside(company, "log", "stats", "--json").document
    assert (stats["done"], stats["pending"]) == (0, 1)
    inside_as(company, "ana", "ask", "--case", str(case["id"]), "who am I")  # it is open again
    approved = inside_as(company, "cleo", "approvals", "approve", str(request["id"]), "--yes")
    assert approved.code == 0, approved.err
    closed = inside_as(company, "ana", "case", "close", str(case["id"]), "--json")
    assert checked(closed, "case-1")["resolution"] == "resolved"


def test_an_export_is_a_private_file_to_read_or_for_a_program(company: Company) -> None:
    inside_as(company, "ana", "ask", "who am I")
    id = str(the_case(company)["id"])
    assert inside_as(company, "ana", "case", "export", id).out.startswith(f"# Case {id}\n")
    assert (
        problems(inside_as(company, "ana", "case", "export", id, "--format", "json").document, "case-1") == []
    )
    for form in ("markdown", "json"):
        file = company.home / f"case.{form}"
        told = inside_as(company, "ana", "case", "export", id, str(file), "--format", form, "--json")
        assert checked(told, "case-export-1")["format"] == form
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        assert problems(json.loads(text), "case-1") == [] if form == "json" else "who am I" in text
        assert inside_as(company, "ana", "case", "export", id, str(file)).code == 1  # never over a file


def test_a_handoff_in_the_chat_opens_a_ticket_and_marks_the_case(company: Company) -> None:
    child = chat(company, "ana")
    say(child, "my badge does not open door 4 any more, and my pin is 8675309")
    child.expect(r"\[y/N\]|> ")
    child.sendintr()
    child.expect("Stopped")
    say(child, "/handoff")
    child.expect("The conversation so far goes with it")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect(r"Ticket (\S+) is open")
    ticket = child.match[1]
    child.expect("is handed off")
    leave(child)
    case = the_case(company, "ana", "--all")
    assert (case["status"], case["ticket"]) == ("handed-off", ticket)
    body = inside_as(company, "ana", "do", "ticket.status", "--id", ticket, "--json").document["data"]["body"]
    assert f"Case {case['id']}" in body
    assert "my badge does not open door 4" in body
    assert "8675309" not in body


@pytest.mark.req("S1")
def test_no_secret_of_a_chat_is_in_any_file(company: Company) -> None:
    canary = "brand-New-horse-99"
    child = chat(company, "ana")
    say(child, f"/do password.change --new-password {canary}")
    child.expect("A secret is asked for")
    say(child, f"/do password.change {canary}")
    child.expect("takes no further value")
    say(child, f"my password is {canary}, who am I?")
    child.expect("You are Ana Ito")
    say(child, "/do password.change")
    child.expect("Your new password: ")
    child.sendintr()
    child.expect("Stopped")
    leave(child)
    inside_as(company, "ana", "case", "export", str(the_case(company)["id"]), str(company.home / "export.md"))
    found = [
        file for file in company.home.rglob("*") if file.is_file() and canary.encode() in file.read_bytes()
    ]
    assert found == []


@pytest.mark.req("S5")
def test_erasing_a_person_takes_their_cases_away(company: Company) -> None:
    text = company.config.read_text()
    company.config.write_text(text.replace("[roles]\n", '[roles]\nauditor = ["finance-share"]\n'))
    inside_as(
        company, "dev", "ask", "get me into finance-share for CANARY-dev", "--yes-for", "access.request"
    )
    inside_as(company, "ana", "ask", "who am I")
    assert b"CANARY-dev" in b"".join(file.read_bytes() for file in company.state.glob("cases.db*"))
    gone = inside_as(company, "cleo", "log", "erase", "dev", "--yes", "--json")
    assert gone.code == 0, gone.err
    assert b"CANARY-dev" not in b"".join(file.read_bytes() for file in company.state.glob("cases.db*"))
    assert checked(inside_as(company, "dev", "case", "list", "--all", "--json"), "cases-1")["cases"] == []
    assert the_case(company)["turns"] == 1


# ── completion ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("CLI-32")
def test_the_ids_that_were_shown_are_completed(company: Company) -> None:
    inside_as(company, "ana", "ask", "who am I")
    id = str(the_case(company)["id"])
    assert "Nothing is being asked in case" in inside_as(company, "ana", "ask", "--continue").err
    words = (company.home / ".cache/helpdesk/words/cases").read_text().splitlines()
    assert words[1:] == [id]
    for shell in ("bash", "zsh", "fish", "powershell"):
        assert "cases" in script(shell)
