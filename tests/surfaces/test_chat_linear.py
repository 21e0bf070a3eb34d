"""The chat in linear mode, on terminals of its own: labelled lines, numbered choices, and no byte that draws or moves."""

from __future__ import annotations

import io
import re

import pexpect
import pytest

from tests.surfaces.company import PASSWORDS, Company, finish

DRAWS = re.compile(r"[\u2500-\u259f]|\x1b\[[0-9;]*[A-HJKSTfm]|\x1b\[\?(?:25|1049)")


class Talk:
    """A linear chat, and everything that it wrote."""

    def __init__(self, company: Company, *flags: str, login: str = "", term: str = "xterm") -> None:
        self.written = io.StringIO()
        named = ["--as", login] if login else []
        self.child: pexpect.spawn = company.spawn("chat", *flags, *named, size=(30, 100), TERM=term)
        self.child.logfile_read = self.written
        if login:
            self.child.expect("Password of")
            self.child.sendline(PASSWORDS[login])
        self.child.expect("Helpdesk: Say what you need")

    def say(self, words: str) -> None:
        self.child.expect("You: ")
        self.child.sendline(words)

    def leave(self) -> int:
        self.child.expect("You: ")
        self.child.send("\x04")
        return finish(self.child)


def test_a_request_is_asked_for_confirmed_and_read_back_in_labelled_lines(company: Company) -> None:
    talk = Talk(company, "--linear", login="cleo")
    talk.say("give dev access to a group")
    talk.child.expect("Question: access.grant: To which group")
    talk.child.expect(r"Choice \d: finance-share")
    talk.child.expect("> ")
    talk.child.sendline("what do you mean?")
    talk.child.expect("Helpdesk: This is for access.grant")
    talk.child.expect("> ")
    talk.child.sendline("finance-share")
    talk.child.expect("Please confirm: access.grant")
    talk.child.expect("Change 1: .*membership of dev, from not a member to member")
    talk.child.expect(r"\[y/N\]")
    talk.child.sendline("yes please")
    talk.child.expect("Result: done")
    talk.child.expect("Read back: finance-share")
    assert talk.leave() == 0
    assert "dev" in company.members("finance-share")
    assert not DRAWS.search(talk.written.getvalue()), DRAWS.findall(talk.written.getvalue())


@pytest.mark.parametrize("way", ["dumb", "configured"])
def test_a_dumb_terminal_and_the_setting_get_it_without_a_flag(company: Company, way: str) -> None:
    if way == "configured":
        company.config.write_text(company.config.read_text() + "\n[ui]\nlinear = true\n")
    talk = Talk(company, login="ana", term="dumb" if way == "dumb" else "xterm")
    talk.say("who am I")
    talk.child.expect("Result: done. You are Ana Ito")
    assert talk.leave() == 0
    assert not DRAWS.search(talk.written.getvalue())


def test_a_change_of_mind_and_two_requests_in_a_real_run(company: Company) -> None:
    talk = Talk(company, "--linear", login="cleo")
    talk.say("give dev access to finance-share and give ana access to finance-share")
    talk.child.expect(r"\[y/N\]")
    talk.child.sendline("not dev, bo")
    talk.child.expect("Change 1: .*membership of bo")
    talk.child.expect(r"\[y/N\]")
    talk.child.sendline("go ahead")
    talk.child.expect("Helpdesk: Next: give ana access to finance-share")
    talk.child.expect(r"\[y/N\]")
    talk.child.sendline("actually no")
    talk.child.expect("Result: partial")
    assert talk.leave() == 0
    assert company.members("finance-share") == {"cleo", "bo"}


def test_ctrl_c_drops_the_line_and_not_the_chat(company: Company) -> None:
    talk = Talk(company, "--linear", login="ana")
    talk.child.expect("You: ")
    talk.child.sendintr()
    talk.child.expect("Ctrl-C again leaves")
    talk.say("/quit")
    assert finish(talk.child) == 0


def test_an_answer_is_one_a_long_line_breaks_at_spaces_and_news_comes_while_it_waits(
    company: Company,
) -> None:
    talk = Talk(company, "--linear", login="ana")
    talk.say("hello")
    talk.child.expect("Answer: Hello. Say what you need")
    talk.say("/frobnicate")
    talk.child.expect("Warning: There is no /frobnicate")
    talk.say("get me into finance-share for the audit")
    talk.child.expect(r"\[y/N\]")
    talk.child.sendline("y")
    talk.child.expect(r"Request: (R-\w+)")
    id = talk.child.match[1]
    talk.child.expect("You: ")
    assert company.run_as("cleo", "approvals", "approve", id, "--yes").code == 0
    talk.child.expect("Helpdesk: R-.* was approved by Cleo Park")
    assert talk.leave() == 0
    written = re.sub(
        r"\x1b\[\?2004[hl]", "", talk.written.getvalue()
    )  # it tells what is pasted, and shows nothing
    assert "usage" not in written
    assert max(map(len, written.replace("\r", "").split("\n"))) <= 100
    assert not DRAWS.search(written), DRAWS.findall(written)
