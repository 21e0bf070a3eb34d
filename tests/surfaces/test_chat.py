"""The chat, through a terminal of its own: turns, corrections, history, completion, and ways to stop."""

from __future__ import annotations

import stat
from types import SimpleNamespace
from typing import Any

import pexpect
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from helpdesk.actions.catalog import build
from helpdesk.identity import Actor
from helpdesk.ports import SignedIn
from helpdesk.secrets import Secret
from helpdesk.surfaces.chat import COMMANDS
from helpdesk.surfaces.chat_commands import AFTER
from helpdesk.surfaces.chat_complete import Slash
from helpdesk.surfaces.chat_line import Names, line_session
from helpdesk.surfaces.cli.chat import status_line
from helpdesk.surfaces.slash import to_keep
from tests.surfaces.company import PASSWORDS, Company, finish

BEGUN = "Say what you need"


def begin(company: Company, login: str = "") -> pexpect.spawn:
    child = company.spawn(
        "chat",
        *(["--as", login] if login else []),
        size=(30, 100),
        PROMPT_TOOLKIT_NO_CPR="1",  # nobody here answers where the cursor stands
    )
    if login:
        child.expect("Password of")
        child.sendline(PASSWORDS[login])
    child.expect(BEGUN)
    return child


def say(child: pexpect.spawn, words: str) -> None:
    child.expect("›")
    child.send(words + "\r")


def test_turns_follow_each_other_and_the_directory_shows_what_they_did(company: Company) -> None:
    child = begin(company, "cleo")
    say(child, "give dev access to finance-share")
    child.expect("Please confirm: access.grant")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("Dev Rao is a member of finance-share now")
    assert "dev" in company.members("finance-share")
    say(child, "take dev out of finance-share")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("no longer a member")
    assert "dev" not in company.members("finance-share")
    say(child, "/quit")
    assert finish(child) == 0


@pytest.mark.req("S1")
@pytest.mark.req("S7")
def test_the_history_is_private_and_keeps_no_password(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "my password is correct-horse-77, who am I?")
    child.expect("You are Ana Ito")  # what is typed ahead of the answer is thrown away
    leave(child)
    file = company.state / "chat-history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_text()
    assert "who am I" in kept
    assert "correct-horse-77" not in kept
    assert PASSWORDS["ana"] not in kept


def test_what_becomes_of_a_request_is_told_while_a_line_is_typed_which_stays(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "get me into finance-share for the audit")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect(r"request (R-\w+) waits|Request (R-\w+) waits")
    id = child.match[1] or child.match[2]
    child.expect("›")
    child.send("who ")
    assert company.run_as("cleo", "approvals", "approve", id, "--yes").code == 0
    child.expect("was approved by Cleo Park")
    child.send("am I\r")
    child.expect("You are Ana Ito")
    say(child, "undo")
    child.expect("can be taken back")
    say(child, "why?")
    child.expect("Entry")
    leave(child)


@pytest.mark.req("R6")
def test_ctrl_c_ends_the_turn_and_not_the_chat(company: Company) -> None:
    child = begin(company, "cleo")
    say(child, "give dev access to finance-share")
    child.expect(r"\[y/N\]")
    child.sendintr()
    child.expect("Stopped")
    assert "dev" not in company.members("finance-share")
    say(child, "/whoami")
    child.expect("You are Cleo Park")
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0


def test_an_unknown_command_and_an_error_are_one_line_and_the_chat_goes_on(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "/frobnicate")
    child.expect("There is no /frobnicate")
    say(child, "unlock bo")
    child.expect("refused|not locked")
    say(child, "/help")
    child.expect("Alt\\+Enter")
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0


@pytest.mark.req("CLI-16")
def test_off_a_terminal_it_names_what_to_use_instead(company: Company) -> None:
    ran = company.run("chat")
    assert ran.code == 2
    assert "helpdesk ask" in ran.err


def test_signing_out_and_in_as_somebody_else(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "/logout")
    child.expect("signed out")
    say(child, "/login")
    child.expect("Login")
    child.sendline("bo")
    child.expect("Password of")
    child.sendline(PASSWORDS["bo"])
    child.expect("signed in as Bo Larsen")
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0


# ── the line itself, without a terminal ───────────────────────────────────────────────────────


async def completions(company: Company, text: str, login: str = "") -> set[str]:
    who = None
    if login:
        session = company.directory.sign_in(login, Secret(PASSWORDS[login]))
        who = SignedIn(Actor(session.me), session)
    names = Names(build()[0].specs, COMMANDS.items(), lambda: who)
    return {c.text async for c in names.get_completions_async(Document(text), CompleteEvent())}


@pytest.mark.parametrize(
    ("text", "login", "expected"),
    [
        ("/wh", "", {"/whoami"}),
        ("unlo", "", {"unlock bo"}),
        ("get me into fin", "ana", {"finance-share"}),
        ("unlock cle", "ana", {"cleo"}),
        ("unlock cle", "", set()),
    ],
)
def test_completion(company: Company, text: str, login: str, expected: set[str]) -> None:
    import asyncio

    found = asyncio.run(completions(company, text, login))
    assert expected <= found if expected else not found


@pytest.mark.parametrize(
    ("keys", "typed"),
    [("one\r", "one"), ("one\x1b\rtwo\r", "one\ntwo"), ("one\\\rtwo\r", "one\ntwo")],
)
def test_enter_sends_and_another_line_can_begin(company: Company, keys: str, typed: str) -> None:
    import asyncio

    async def work() -> str:
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            pipe.send_text(keys)
            names = Names((), (), lambda: None)
            line = line_session(company.state / "chat-history", names, lambda: "")
            return await line.prompt_async()

    assert asyncio.run(work()) == typed


# ── answers that are not to the question ──────────────────────────────────────────────────────


def leave(child: pexpect.spawn) -> None:
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0


def test_small_talk_is_friendly_and_a_no_to_a_ticket_is_no_error(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "hi")
    child.expect("Hello. Say what you need")
    assert "error" not in child.before
    say(child, "order me a pizza")
    child.expect("Shall I open a ticket")
    child.expect("> ")
    child.sendline("no")
    child.expect("then nothing is done")
    assert "error" not in child.before
    leave(child)


def test_a_sentence_or_a_command_at_the_offer_of_a_ticket_is_taken_as_one(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "order me a pizza")
    child.expect("Here is what I can do")
    child.expect("> ")
    child.sendline("who owns finance-share")
    child.expect("Owned by Cleo Park")
    say(child, "call me a taxi")
    child.expect("can't do that")
    child.expect("> ")
    assert "Here is what I can do" not in child.before, "the list is told once a conversation"
    child.sendline("/whoami")
    child.expect("You are Ana Ito")
    say(child, "call me a taxi")
    child.expect("> ")
    child.sendline("/quit")
    assert finish(child) == 0


def test_a_correction_at_the_confirmation_is_carried_out(company: Company) -> None:
    child = begin(company, "cleo")
    say(child, "give dev access to service-desk")
    child.expect(r"\[y/N\]")
    child.sendline("no, I meant finance-share")
    child.expect("Make Dev Rao a member of finance-share")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("Dev Rao is a member of finance-share now")
    assert "dev" in company.members("finance-share")
    assert "dev" not in company.members("service-desk")
    leave(child)


@pytest.mark.req("S1")
def test_cancel_at_a_new_password_cancels(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "change my password")
    child.expect("new password")
    child.sendline("cancel")
    child.expect("Cancelled")
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"
    leave(child)


@pytest.mark.req("S1")
def test_after_a_temporary_password_the_chat_begins_with_a_new_one(company: Company) -> None:
    new = "eve-chose-a-calm-morning-6"
    child = begin(company, "eve")
    child.expect("choose a new one first")
    child.expect("new password")
    child.sendline(new)
    child.expect("again")
    child.sendline(new)
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("Your password is changed")
    leave(child)
    assert company.accepts("eve", new) == "yes"
    history = company.state / "chat-history"
    assert not history.exists() or new not in history.read_text()


def test_ask_with_a_temporary_password_changes_it_and_nothing_else(company: Company) -> None:
    ran = company.run_as("eve", "ask", "change my password")
    assert (ran.code, "--new-password-file FILE" in ran.err) == (2, True)
    ran = company.run_as("eve", "ask", "unlock bo")
    assert (ran.code, "must choose a new password" in ran.err) == (5, True)


# ── slash commands ────────────────────────────────────────────────────────────────────────────


def test_an_action_by_its_name_is_explained_taken_back_and_found_in_the_case(company: Company) -> None:
    child = begin(company, "cleo")
    say(child, "/do access.grant dev finance-share --dry-run")
    child.expect("Without --dry-run")
    say(child, "/do access.grant dev")  # what is missing is asked
    child.expect("finance-share")
    child.expect("> ")
    child.sendline("finance-share")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect(r"Logged as entry (\d+)\.")
    entry = child.match[1]
    assert "dev" in company.members("finance-share")
    say(child, "/why")
    child.expect(f"Entry {entry}")
    say(child, "/why access.grant ana finance-share")
    child.expect("would be carried out")
    say(child, "/undo")
    child.expect(f"Undo entry {entry}")
    child.expect(r"\[y/N\]")
    child.sendline("y")
    child.expect("no longer a member")
    assert "dev" not in company.members("finance-share")
    say(child, f"/undo {entry}")
    child.expect("was undone already")
    say(child, "/case")
    child.expect(r"Case.{0,8} ?c-(\w+)")
    id = f"c-{child.match[1]}"
    child.expect("access.revoke: ")
    leave(child)
    bodies = [e["body"] for e in company.run("log", "list", "--json").document["entries"]]
    assert {body.get("case") for body in bodies if body.get("action", "").startswith("access.")} == {id}
    undone = [body for body in bodies if body.get("undoes")]
    assert {body["case"] for body in undone} == {id}


def test_cases_are_listed_begun_gone_back_in_and_closed_in_the_chat(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "who am I")
    child.expect("You are Ana Ito")
    say(child, "/do access.show --group finance-share")
    child.expect("Cleo")
    say(child, "/case rewind 1")
    child.expect("Back at the end of turn 1")
    say(child, "/case new")
    child.expect("A new case begins")
    say(child, "who am I")
    child.expect("You are Ana Ito")
    say(child, "/case list")
    child.expect(r"(c-\w+) +open .*\r\n.*?(c-\w+) +open")
    newer, older = child.match[1], child.match[2]
    say(child, "/case close")
    child.expect(f"Case {newer} is closed: answered")
    say(child, "/resume")
    child.expect(older)
    say(child, f"/case show {newer}")
    child.expect("closed: answered")
    for words, says in (
        ("/case frobnicate", "There is no /case"),
        ("/case rewind 7", "no turn 7"),
        ("/resume c-ZZZZ", "no case"),
        ("/undo x", "no number"),
        ("/do", "needs an action"),
        ("/do access.frob", "access.frob"),
        ('/do access.request "finance', "quotation mark"),
        ("/do access.request finance-share --yes", "only --dry-run"),
        ("/model on", "No model is configured"),
        ("/model", "nothing leaves"),
    ):
        say(child, words)
        child.expect(says)
    leave(child)


def test_signing_in_as_somebody_else_begins_another_conversation(company: Company) -> None:
    child = begin(company, "ana")
    say(child, "who am I")
    child.expect("You are Ana Ito")
    say(child, "/case")
    child.expect(r"Case.{0,8} ?(c-\w+)")
    id = child.match[1]
    say(child, "/login")
    child.expect("Login")
    child.sendline("bo")
    child.expect("Password of")
    child.sendline(PASSWORDS["bo"])
    child.expect("A new conversation begins")
    say(child, f"/resume {id}")
    child.expect(f"You have no case '{id}'")
    say(child, "/case")
    child.expect("Nothing is kept of this conversation")
    leave(child)


@pytest.mark.req("R6")
def test_ctrl_c_drops_a_line_and_the_second_one_at_an_idle_prompt_leaves(company: Company) -> None:
    child = begin(company, "ana")
    child.expect("›")
    child.send("unlock b")
    child.expect("unlock b")
    child.sendintr()
    child.expect("›")
    say(child, "/whoami")  # the line is gone, and the chat is not
    child.expect("You are Ana Ito")
    child.expect("›")
    child.sendintr()
    child.expect("Ctrl-C again leaves")
    child.expect("›")
    child.sendintr()
    assert finish(child) == 0


@pytest.mark.parametrize(
    ("login", "model", "uses_model", "expected"),
    [
        ("ana", "llama", True, " ana · tools.example.org · model llama · case c-7KQ2 · /help"),
        ("ana", "llama", False, " ana · tools.example.org · no model · case c-7KQ2 · /help"),
        ("", "", True, " not signed in: /login · tools.example.org · no model · case c-7KQ2 · /help"),
    ],
)
def test_the_status_line_names_who_where_what_and_the_case(
    login: str, model: str, uses_model: bool, expected: str
) -> None:
    who = SimpleNamespace(actor=SimpleNamespace(login=login)) if login else None
    directory = SimpleNamespace(kind="ldap", url="ldaps://tools.example.org:636")
    desk = SimpleNamespace(
        present=who,
        config=SimpleNamespace(directory=directory),
        model=SimpleNamespace(name=model) if model else None,
    )
    run: Any = SimpleNamespace(desk=desk, flags=SimpleNamespace(profile=""))
    talk: Any = SimpleNamespace(conversation=SimpleNamespace(uses_model=uses_model, case_id="c-7KQ2"))
    assert status_line(run, talk) == expected


SLASH = Slash(
    COMMANDS,
    build()[0].specs,
    {"people": ["dev", "ana"], "groups": ["finance-share"], "cases": ["c-AAAA", "c-7KQ2"]}.__getitem__,
    AFTER,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/re", ["/resume"]),
        ("/do access.gr", ["access.grant"]),
        ("/do access.grant a", ["ana"]),
        ("/do access.grant ana ", ["finance-share"]),
        ("/do access.grant --group fin", ["finance-share"]),
        ("/do access.request --gr", ["--group"]),
        ("/do password.change --", []),
        ("/why password.unlock d", ["dev"]),
        ("/resume ", ["c-7KQ2", "c-AAAA"]),
        ("/case show c-7", ["c-7KQ2"]),
        ("/case re", ["rewind"]),
        ("/model g", ["guided"]),
        ("/undo ", []),
    ],
)
def test_slash_commands_are_completed_from_words_that_are_there(text: str, expected: list[str]) -> None:
    assert [word for word, _, _ in SLASH(text)] == expected


@pytest.mark.req("S1")
@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("/do password.change --new-password hunter2-canary", "/do password.change"),
        ("/do password.change hunter2-canary", "/do password.change"),
        ("/do nonsense hunter2-canary", "/do"),
        ("/do access.grant dev finance-share", "/do access.grant dev finance-share"),
        ("my password is hunter2-canary", "my password is [removed]"),
        ("/why password.change hunter2-canary", "/why password.change"),
    ],
)
def test_the_history_keeps_no_value_of_an_action_that_takes_a_secret(line: str, kept: str) -> None:
    assert to_keep(line, build()[0].specs) == kept
