"""The chat, through a terminal of its own: turns, corrections, history, completion, and ways to stop."""

from __future__ import annotations

import stat

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
from helpdesk.surfaces.chat_line import Names, line_session
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
