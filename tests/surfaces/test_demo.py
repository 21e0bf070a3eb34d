"""``helpdesk demo`` as a visitor meets it: founded, found again, begun anew, and nobody else's files touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pexpect
import pytest

from helpdesk.demo.company import EMPLOYEES, employee
from tests.surfaces.company import PROGRAM, ROOT, Ran, finish

OWN = Path(".config/helpdesk/profiles/demo")
STATE = Path(".local/state/helpdesk/profiles/demo")


class Visitor:
    """Somebody with an empty home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.temporary = home.parent / "temporary"
        home.mkdir()
        self.temporary.mkdir()

    def environment(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH")}
        own = {"HOME": str(self.home), "TMPDIR": str(self.temporary)}
        return {**kept, **own, "TERM": "xterm", "LC_ALL": "C.UTF-8", **more}

    def run(self, *arguments: str, stdin: str = "", **more: str) -> Ran:
        done = subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin.encode(),
            capture_output=True,
            env=self.environment(**more),
            cwd=ROOT,
            start_new_session=True,
            timeout=90,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_as(self, login: str, *arguments: str) -> Ran:
        password = employee(login).words
        return self.run(
            *arguments, "--profile", "demo", "--as", login, "--password-stdin", stdin=password + "\n"
        )

    def spawn(self, *arguments: str) -> pexpect.spawn:
        child = pexpect.spawn(
            PROGRAM[0],
            [*PROGRAM[1:], *arguments],
            env=self.environment(PROMPT_TOOLKIT_NO_CPR="1"),
            cwd=str(ROOT),
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 120),
        )
        child.delaybeforesend = None
        return child


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    return Visitor(tmp_path / "visitor")


def test_the_company_is_founded_found_again_and_begun_anew(visitor: Visitor) -> None:
    first = visitor.run("demo")
    assert first.code == 0, first.err
    assert "founded just now" in first.out
    for one in EMPLOYEES:
        assert one.words in first.out, "the visitor must be able to be anyone"
    assert (visitor.home / OWN / "config.toml").is_file()
    assert (visitor.home / STATE).stat().st_mode & 0o077 == 0

    changed = visitor.run_as("lena", "do", "people.update", "--phone", "+49 30 5550 900", "--yes")
    assert changed.code == 0, changed.err
    again = visitor.run("demo")
    assert "is as you left it" in again.out
    assert "+49 30 5550 900" in visitor.run_as("yuki", "do", "people.find", "lena", "--json").out

    anew = visitor.run("demo", "--reset")
    assert anew.code == 0, anew.err
    assert "founded anew" in anew.out
    assert "+49 30 5550 900" not in visitor.run_as("yuki", "do", "people.find", "lena", "--json").out


def test_the_commands_it_suggests_work(visitor: Visitor) -> None:
    assert visitor.run("demo").code == 0
    asked = visitor.run_as(
        "oskar",
        "ask",
        "get me into finance-share for the quarter close",
        "--yes-for",
        "access.request",
        "--json",
    )
    assert asked.code == 4, asked.err
    waiting = visitor.run_as("priya", "approvals", "list")
    assert asked.document["request"] in waiting.out
    refused = visitor.run_as("tomas", "do", "password.reset", "greta")
    assert refused.code == 3
    assert "never-privileged-accounts" in refused.err
    cited = visitor.run_as("jonas", "ask", "how long may I keep customer data?", "--json")
    assert cited.document["citations"][0]["file"].endswith("data-retention.md")
    assert visitor.run("log", "verify", "--profile", "demo").code == 0


@pytest.mark.parametrize("arguments", [("demo",), ("demo", "--reset")])
def test_a_profile_that_is_somebodys_own_is_left_alone(visitor: Visitor, arguments: tuple[str, ...]) -> None:
    own = visitor.home / OWN / "config.toml"
    own.parent.mkdir(parents=True, mode=0o700)
    own.write_text('[directory]\nkind = "embedded"\n')
    done = visitor.run(*arguments)
    assert done.code == 1
    assert "not made by helpdesk demo" in done.err
    assert own.read_text() == '[directory]\nkind = "embedded"\n'


@pytest.mark.req("L5")
def test_no_flag_and_no_variable_brings_the_demos_people_elsewhere(visitor: Visitor, tmp_path: Path) -> None:
    for flags in (["--profile", "work"], ["--as", "tomas"], ["--yes"], ["--dry-run"], ["--yes-for", "x.y"]):
        done = visitor.run("demo", "--script", *flags)
        assert done.code == 2, (flags, done.out, done.err)
    site = tmp_path / "site.toml"
    site.write_text('[directory]\nurl = "ldaps://127.0.0.1:1"\n')
    done = visitor.run(
        "demo",
        "--script",
        "--json",
        HELPDESK_CONFIG=str(site),
        HELPDESK_DIRECTORY_URL="ldaps://127.0.0.1:1",
        XDG_STATE_HOME=str(visitor.home / "elsewhere"),
    )
    assert done.code == 0, done.err
    assert not any(visitor.home.iterdir()), "the script touches nobody's own files"
    assert not any(visitor.temporary.iterdir()), "and leaves none of its own"


@pytest.mark.req("R6")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_script_that_is_interrupted_leaves_nothing_behind(visitor: Visitor, ending: signal.Signals) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--script"],
        env=visitor.environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while not process.stdout.readline().startswith("2. "):
        assert process.poll() is None
    process.send_signal(ending)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 128 + ending
    assert "interrupted" in told
    assert not any(visitor.temporary.iterdir())


def test_its_json_is_one_document(visitor: Visitor) -> None:
    found = visitor.run("demo", "--json")
    assert json.loads(found.out)["people"][0]["login"] == "ines"
    assert json.loads(found.out)["new"] is True


def test_on_a_terminal_it_tells_shows_and_lets_go(visitor: Visitor) -> None:
    child = visitor.spawn("demo")
    child.expect("violet-anchor-seven-kites")
    child.expect("What now")
    child.expect("> ")
    child.send("\r")
    child.expect("1\\. Locked out")
    child.expect("Enter for the next scene")
    child.expect("q to stop")
    child.send("\r")
    child.expect("2\\. The service desk lifts the lock")
    child.expect("q to stop")
    child.send("q\r")
    child.expect("What now")
    assert not any(visitor.temporary.iterdir()), "the copy is gone"
    child.send("5\r")
    assert finish(child) == 0


def test_one_step_locks_somebody_out_who_is_told_why_and_let_in_again(visitor: Visitor) -> None:
    child = visitor.spawn("demo")
    child.expect("What now")
    child.send("4\r")
    child.expect("until the directory locked her account")
    child.expect("What now")
    child.send("3\r")
    child.expect("›")
    child.send("I'm locked out\r")
    child.expect("Login")
    child.send("ines\r")
    child.expect("Password of")
    child.send(f"{employee('ines').words}\r")
    child.expect("Your account is locked.*can lift it")
    unlocked = visitor.run_as("tomas", "do", "password.unlock", "ines", "--yes")
    assert unlocked.code == 0, unlocked.err
    child.expect("›")
    child.send("I'm locked out\r")
    child.expect("Login")
    child.send("ines\r")
    child.expect("Password of")
    child.send(f"{employee('ines').words}\r")
    child.expect("you are signed in now")
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0


def test_the_greeting_fits_a_screen_of_24_lines_with_the_question(visitor: Visitor) -> None:
    child = pexpect.spawn(
        PROGRAM[0], [*PROGRAM[1:], "demo"], env=visitor.environment(), cwd=str(ROOT), encoding="utf-8",
        timeout=60, dimensions=(24, 80),
    )  # fmt: skip
    child.expect("Lanternfield")
    child.expect(r"\[story\] > ")
    assert child.before is not None
    assert child.before.count("\n") < 24, child.before
    child.send("5\r")
    assert finish(child) == 0


def test_the_demo_has_somebody_who_may_close_a_segment_of_the_log(visitor: Visitor) -> None:
    assert visitor.run("demo").code == 0
    refused = visitor.run_as("tomas", "log", "rotate", "--yes")
    assert refused.code != 0
    closed = visitor.run_as("rosa", "log", "rotate", "--yes")
    assert closed.code == 0, closed.err


def test_on_a_terminal_it_leads_into_the_app_which_says_whom_one_can_be(visitor: Visitor) -> None:
    child = visitor.spawn("demo")
    child.expect("What now")
    child.send("2\r")
    child.expect("This is the demo")
    child.expect("violet-anchor-seven-kites")
    child.send("\x11")
    assert finish(child) == 0


def test_on_a_terminal_it_leads_into_the_chat(visitor: Visitor) -> None:
    child = visitor.spawn("demo")
    child.expect("What now")
    child.send("3\r")
    child.expect("/help")
    child.expect("›")
    child.send("\x04")
    assert finish(child) == 0
