"""At a terminal: prompts, confirmations, the other screen, and every way to leave, through a pty."""

from __future__ import annotations

import signal
import socket
import termios
import time
from pathlib import Path

import pexpect
import pytest

from helpdesk.secrets import Secret
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company, finish

OTHER_SCREEN, BACK = "\x1b[?1049h", "\x1b[?1049l"


class Recorded:
    """Everything a terminal showed."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        return


def watch(child: pexpect.spawn) -> Recorded:
    child.logfile_read = Recorded()
    return child.logfile_read


def echoes(child: pexpect.spawn) -> bool:
    """Whether the terminal echoes now, as whoever uses it next finds it."""
    return bool(termios.tcgetattr(child.child_fd)[3] & termios.ECHO)


def until(condition: object, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def sign_in(child: pexpect.spawn, login: str) -> None:
    child.expect("Password of")
    until(lambda: not echoes(child))
    child.sendline(PASSWORDS[login])


@pytest.fixture
def locked(company: Company) -> Company:
    company.lock("ana")
    assert company.is_locked("ana")
    return company


@pytest.mark.req("S8")
@pytest.mark.req("CLI-18")
def test_a_password_is_asked_without_echo_and_the_echo_comes_back(company: Company) -> None:
    child = company.spawn("whoami")
    seen = watch(child)
    child.expect("Login")
    child.sendline("ana")
    sign_in(child, "ana")
    child.expect("You are Ana Ito")
    child.expect(pexpect.EOF)
    assert echoes(child)
    assert finish(child) == 0
    assert PASSWORDS["ana"] not in seen.text


@pytest.mark.req("S1")
@pytest.mark.req("CLI-18")
def test_a_password_stands_neither_in_the_arguments_nor_in_the_environment(locked: Company) -> None:
    child = locked.spawn("do", "password.unlock", "ana", "--as", "bo")
    sign_in(child, "bo")
    child.expect("Please confirm")
    process = Path("/proc") / str(child.pid)
    for name in ("cmdline", "environ"):
        assert PASSWORDS["bo"].encode() not in (process / name).read_bytes()
    child.sendintr()
    assert finish(child) == 130


@pytest.mark.req("CLI-15")
@pytest.mark.req("L3")
def test_a_confirmation_shows_the_real_values_and_yes_carries_it_out(locked: Company) -> None:
    child = locked.spawn("do", "password.unlock", "ana", "--as", "bo")
    sign_in(child, "bo")
    child.expect("Please confirm: password.unlock")
    child.expect("as bo")
    child.expect("ana: account lock: locked.* → not locked")
    child.expect_exact("Do this? [y/N]")
    child.sendline("y")
    child.expect("✓.*ana: account lock: not locked")
    child.expect(r"helpdesk log show \d+")
    assert finish(child) == 0
    assert not locked.is_locked("ana")


@pytest.mark.req("T3")
@pytest.mark.req("L5")
def test_what_is_typed_before_or_within_half_a_second_confirms_nothing(locked: Company) -> None:
    child = locked.spawn("do", "password.unlock", "ana", "--as", "bo")
    sign_in(child, "bo")
    child.sendline("y")
    child.expect("Please confirm")
    child.sendline("y")
    child.send("y")
    child.expect_exact("Do this? [y/N]")
    child.sendline("")
    child.expect("[Cc]ancelled")
    assert finish(child) == 1
    assert locked.is_locked("ana")


@pytest.mark.req("L5")
def test_a_pasted_yes_confirms_nothing(locked: Company) -> None:
    child = locked.spawn("do", "password.unlock", "ana", "--as", "bo")
    sign_in(child, "bo")
    for _ in range(3):
        child.expect_exact("\x1b[?2004h")
        child.expect_exact("Do this? [y/N]")
        child.send("\x1b[200~y\r\x1b[201~")
        child.expect("pasted answer does not count")
    assert finish(child) == 1
    assert locked.is_locked("ana")


@pytest.mark.req("CLI-15")
@pytest.mark.parametrize("answer", ["n", "", "maybe", "yess", "\x04"])
def test_anything_but_yes_is_no(locked: Company, answer: str) -> None:
    child = locked.spawn("do", "password.unlock", "ana", "--as", "bo")
    sign_in(child, "bo")
    child.expect_exact("Do this? [y/N]")
    child.send(answer if answer == "\x04" else f"{answer}\r")
    child.expect("nothing was changed")
    assert finish(child) == 1
    assert locked.is_locked("ana")


@pytest.mark.req("S4")
def test_a_temporary_password_is_shown_once_on_the_other_screen(company: Company) -> None:
    child = company.spawn("do", "password.reset", "ana", "--as", "bo", "--yes")
    seen = watch(child)
    sign_in(child, "bo")
    child.expect_exact(OTHER_SCREEN)
    child.expect(r"\n    (\S+)\r\n")
    password = child.match.group(1)
    child.expect("Press Enter")
    time_shown = time.monotonic()
    child.sendline("")  # type-ahead: the screen must not vanish before it can be read
    child.expect(pexpect.TIMEOUT, timeout=0.3)
    until(lambda: time.monotonic() - time_shown > 0.6)
    child.sendline("")
    child.expect_exact(BACK)
    child.expect("must choose a new one")
    assert finish(child) == 0
    assert seen.text.count(password) == 1
    before_back = seen.text[: seen.text.index(BACK)]
    assert before_back.rstrip().endswith("\x1b[2J\x1b[3J\x1b[H")
    assert company.accepts("ana", password) == "must-change"
    for file in company.home.rglob("*"):
        assert not file.is_file() or password.encode() not in file.read_bytes()


@pytest.mark.req("CLI-15")
@pytest.mark.parametrize(("typed", "disabled"), [("y", False), ("dex", False), ("dev", True)])
def test_what_cannot_be_undone_needs_the_name_typed(company: Company, typed: str, disabled: bool) -> None:
    child = company.spawn("do", "account.disable", "dev", "--as", "bo")
    sign_in(child, "bo")
    child.expect_exact("Type dev to go on:")
    child.sendline(typed)
    assert finish(child) == (0 if disabled else 1)
    desk = company.directory.sign_in("bo", Secret(PASSWORDS["bo"]))
    assert desk.status(desk.person("dev")).enabled is not disabled
    desk.close()


@pytest.mark.req("CLI-24")
def test_ctrl_c_ends_at_once_while_a_server_is_silent(company: Company) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        company.config.write_text(
            f'[directory]\nurl = "ldaps://127.0.0.1:{silent.getsockname()[1]}"\nbase = "dc=example,dc=com"\n'
        )
        child = company.spawn("whoami", "--as", "ana")
        sign_in(child, "ana")
        silent.settimeout(20)
        connection, _ = silent.accept()
        begun = time.monotonic()
        child.sendintr()
        child.expect(pexpect.EOF)
        assert time.monotonic() - begun < 2
        assert finish(child) == 130
        connection.close()


def slow_directory(company: Company, seconds: float) -> str:
    """A folder for PYTHONPATH that makes setting a password take its time."""
    folder = company.home / "slow"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import time\n"
        "from helpdesk.connectors.embedded.session import EmbeddedSession as Session\n"
        "real = Session.set_password\n"
        "def slow(self, *given, **named):\n"
        f"    time.sleep({seconds})\n"
        "    return real(self, *given, **named)\n"
        "Session.set_password = slow\n"
    )
    return str(folder)


@pytest.mark.req("R6")
@pytest.mark.req("CLI-24")
def test_ctrl_c_waits_for_the_outcome_of_what_was_begun(company: Company) -> None:
    slow = slow_directory(company, 1.0)
    child = company.spawn("do", "password.reset", "ana", "--as", "bo", "--yes", PYTHONPATH=slow)
    sign_in(child, "bo")
    child.expect("Carrying out")
    child.sendintr()
    child.expect("Finishing what was begun")
    child.expect(r"\n    (\S+)\r\n")  # the password is set, so it must be shown
    password = child.match.group(1)
    child.expect("Press Enter")
    until(lambda: _enter(child, BACK))
    assert finish(child) == 130
    assert company.accepts("ana", password) == "must-change"
    entries = company.run("log", "list", "--json").document["entries"]
    assert [e["body"]["outcome"] for e in entries if e["kind"] == "outcome"] == ["done"]


def _enter(child: pexpect.spawn, wanted: str) -> bool:
    """Press Enter, and tell whether the wanted text came."""
    child.sendline("")
    return bool(child.expect_exact([pexpect.TIMEOUT, wanted], timeout=0.3))


@pytest.mark.req("CLI-24")
def test_a_second_ctrl_c_does_not_wait_and_what_was_left_is_found(company: Company) -> None:
    slow = slow_directory(company, 30.0)
    child = company.spawn("do", "password.reset", "ana", "--as", "bo", "--yes", PYTHONPATH=slow)
    sign_in(child, "bo")
    child.expect("Carrying out")
    child.sendintr()
    child.expect("Finishing what was begun")
    child.sendintr()
    child.expect(pexpect.EOF)
    assert echoes(child)
    assert finish(child) == 130
    found = company.run_as("bo", "reconcile", "--json")
    assert company.accepts("ana", PASSWORDS["ana"]) == "yes"
    entries = company.run("log", "list", "--json").document["entries"]
    assert [e["body"]["outcome"] for e in entries if e["kind"] == "outcome"] == ["failed"], found.out


@pytest.mark.req("R6")
@pytest.mark.req("CLI-24")
@pytest.mark.req("CLI-25")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_while_a_secret_is_shown_restores_the_terminal_and_the_outcome_is_logged(
    company: Company, number: signal.Signals, code: int
) -> None:
    child = company.spawn("do", "password.reset", "ana", "--as", "bo", "--yes")
    seen = watch(child)
    sign_in(child, "bo")
    child.expect("Press Enter")
    child.kill(number)
    child.expect(pexpect.EOF)
    assert echoes(child)
    assert finish(child) == code
    assert seen.text.count(OTHER_SCREEN) == seen.text.count(BACK) == 1
    entries = company.run("log", "list", "--json").document["entries"]
    assert [e["body"]["outcome"] for e in entries if e["kind"] == "outcome"] == ["done"]


@pytest.mark.req("CLI-24")
@pytest.mark.req("CLI-25")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("where", ["password", "confirmation"])
def test_a_signal_at_a_prompt_ends_it_with_the_echo_on(
    locked: Company, number: signal.Signals, code: int, where: str
) -> None:
    child = locked.spawn("do", "password.unlock", "ana", "--as", "bo")
    seen = watch(child)
    child.expect("Password of")
    until(lambda: not echoes(child))
    if where == "confirmation":
        child.sendline(PASSWORDS["bo"])
        child.expect_exact("Do this? [y/N]")
    child.kill(number)
    child.expect(pexpect.EOF)
    assert echoes(child)
    assert finish(child) == code
    assert "Traceback" not in seen.text
    assert seen.text.count("\x1b[?2004h") == seen.text.count("\x1b[?2004l")
    assert locked.is_locked("ana")


@pytest.mark.req("CLI-16")
def test_no_input_asks_nothing_at_a_terminal_either(company: Company) -> None:
    child = company.spawn("whoami", "--no-input")
    child.expect("not signed in")
    child.expect("--password-stdin")
    assert finish(child) == 5


@pytest.mark.req("CLI-22")
def test_progress_is_told_at_a_terminal_and_taken_away(company: Company) -> None:
    child = company.spawn("whoami", "--as", "ana")
    sign_in(child, "ana")
    child.expect_exact("\r\x1b[K")
    child.expect("You are Ana Ito")
    assert finish(child) == 0


@pytest.mark.req("CLI-17")
def test_a_missing_argument_is_asked_for_at_a_terminal(locked: Company) -> None:
    child = locked.spawn("do", "password.unlock", "--as", "bo", "--yes")
    sign_in(child, "bo")
    child.expect("account is locked")
    child.sendline("ana")
    child.expect("✓")
    assert finish(child) == 0
    assert not locked.is_locked("ana")


@pytest.mark.req("CLI-18")
def test_a_new_password_is_asked_twice(company: Company) -> None:
    child = company.spawn("do", "password.change", "--as", "ana", "--yes")
    sign_in(child, "ana")
    for words in ("one-thing-is-certain-1", "another-thing-is-not-2"):
        child.expect("password.*: ")
        until(lambda: not echoes(child))
        child.sendline(words)
    child.expect("The two differ")
    for _ in range(2):
        child.expect("password.*: ")
        until(lambda: not echoes(child))
        child.sendline("quiet-rivers-run-deep-9")
    child.expect("✓")
    assert finish(child) == 0
    assert company.accepts("ana", "quiet-rivers-run-deep-9") == "yes"


@pytest.mark.req("L3")
@pytest.mark.req("CLI-2")
def test_what_is_confirmed_is_seen_although_standard_error_goes_elsewhere(locked: Company) -> None:
    words = " ".join(PROGRAM)
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", f"{words} do password.unlock ana --as bo 2>/dev/null"],
        env=locked.environment(),
        cwd=str(ROOT),
        encoding="utf-8",
        timeout=30,
    )
    child.delaybeforesend = None
    sign_in(child, "bo")
    child.expect("Please confirm: password.unlock")
    child.expect("ana: account lock: locked")
    child.expect_exact("Do this? [y/N]")
    child.sendline("y")
    child.expect("✓")
    assert finish(child) == 0


@pytest.mark.req("CLI-16")
def test_a_numbered_answer_stands_for_its_choice(company: Company) -> None:
    child = company.spawn("ask", "bake me a cake", "--as", "ana", "--dry-run")
    child.expect("Shall I open a ticket")
    child.expect(r"1\) yes")
    child.expect(r"2\) no")
    child.expect("> ")
    child.sendline("²")  # a digit to Unicode, and no number
    child.expect("one of the choices")
    child.expect("> ")
    child.sendline("2")
    child.expect("then nothing is done")
    assert finish(child) == 2


@pytest.mark.req("R6")
@pytest.mark.req("S4")
def test_ctrl_z_does_not_leave_a_password_on_the_screen(company: Company) -> None:
    child = company.spawn("do", "password.reset", "ana", "--as", "bo", "--yes")
    seen = watch(child)
    sign_in(child, "bo")
    child.expect("Press Enter to wipe")
    shown = time.monotonic()
    until(lambda: time.monotonic() - shown > 0.6 and not echoes(child))
    child.send("\x1a")
    child.sendline("")
    assert finish(child) == 0
    assert seen.text.count(BACK) == 1
