"""The app on a real terminal: how it begins, how it ends, and that the terminal is as it was afterwards."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest

from tests.surfaces.company import ROOT, Company

ALTERNATE_ON, ALTERNATE_OFF = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_ON = "\x1b[?25h"
MOUSE_OFF = "\x1b[?1000l"
PASTE_OFF = "\x1b[?2004l"
LEAVE = "\x11"
CTRL_C = "\x03"


class Opened:
    """The program on a terminal of its own.

    Attributes:
        before: the terminal's settings before the program changed them.
        gone: the terminal itself was closed.
    """

    def __init__(self, child: pexpect.spawn) -> None:
        self.child = child
        self.before: Any = None
        self.gone = False

    def wait_for(self, text: str) -> None:
        self.child.expect_exact(text)

    def end(self) -> tuple[int, str]:
        """How it ended, and everything that it wrote to the terminal on its way out."""
        self.child.expect(pexpect.EOF)
        rest = str(self.child.before)
        return finish_code(self.child), rest


def finish_code(child: pexpect.spawn) -> int:
    child.close()
    return child.exitstatus if child.exitstatus is not None else 128 + (child.signalstatus or 0)


@pytest.fixture
def app(company: Company) -> Iterator[Opened]:
    child = company.spawn(size=(24, 80))
    opened = Opened(child)
    opened.before = termios.tcgetattr(child.child_fd)
    opened.wait_for("What do you need?")
    yield opened
    if not opened.gone:
        child.close(force=True)


def assert_restored(rest: str) -> None:
    for sequence in (ALTERNATE_OFF, CURSOR_ON, MOUSE_OFF, PASTE_OFF):
        assert sequence in rest, f"{sequence!r} is missing"
    assert rest.rindex(ALTERNATE_OFF) > rest.rfind(ALTERNATE_ON)


@pytest.mark.req("CLI-37")
@pytest.mark.parametrize(
    "keys", [LEAVE, CTRL_C, "\x1b" + "pause" + "q"], ids=["ctrl-q", "ctrl-c", "esc then q"]
)
def test_helpdesk_alone_opens_the_app_and_three_ways_lead_out(app: Opened, keys: str) -> None:
    for part in keys.partition("pause"):
        if part == "pause":
            app.wait_for("Why")  # the line has lost the focus to the feed
        elif part:
            app.child.send(part)
    code, rest = app.end()
    assert code == 0
    assert_restored(rest)


@pytest.mark.req("CLI-37")
def test_it_follows_the_size_of_the_terminal_down_to_40_by_12_and_shows_its_keys(app: Opened) -> None:
    for rows, columns in ((40, 120), (12, 40)):
        app.child.setwinsize(rows, columns)
        app.wait_for("F2 Ask" if rows > 20 else "not signed in")
    app.child.send("\x1bOP")
    app.wait_for("Enter")
    app.child.send("\x1bOP")  # the same key closes them; Esc and the next key could be read as one
    app.child.send(LEAVE)
    code, rest = app.end()
    assert code == 0
    assert_restored(rest)


@pytest.mark.req("R6")
@pytest.mark.req("T3")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_ends_it_with_its_code_and_the_terminal_as_it_was(
    app: Opened, number: int, code: int
) -> None:
    os.kill(app.child.pid, number)
    ended, rest = app.end()
    assert ended == code
    assert_restored(rest)


@pytest.mark.req("R6")
def test_it_ends_when_its_terminal_goes_away(app: Opened) -> None:
    pid = app.child.pid
    os.close(app.child.child_fd)
    app.gone = True
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found, _ = os.waitpid(pid, os.WNOHANG)
        if found:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("it lived on without a terminal")


@pytest.mark.req("S2")
def test_a_crash_shows_one_sentence_no_locals_and_a_terminal_as_it_was(company: Company) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tests.surfaces.tui.crashing"],
        env=company.environment(PYTHONPATH=f"{ROOT}:{ROOT / 'plugins'}"),
        cwd=str(ROOT),
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 80),
    )
    child.expect_exact("What do you need?")
    child.send("\x1bOP")
    child.expect(pexpect.EOF)
    rest = str(child.before)
    assert finish_code(child) == 1
    assert_restored(rest)
    assert "Something broke inside helpdesk (RuntimeError)" in rest
    assert "canary" not in rest
    [kept] = (company.state / "crashes").iterdir()
    assert "this key is broken" in kept.read_text()
    assert "canary-in" not in kept.read_text().replace('password = "canary-in-a-local-variable"', "")


@pytest.mark.req("CLI-4")
def test_off_a_terminal_helpdesk_alone_is_the_help_and_tui_says_what_to_use_instead(company: Company) -> None:
    alone = company.run()
    assert alone.code == 0
    assert "helpdesk ask" in alone.out
    refused = company.run("tui")
    assert refused.code == 2
    assert "needs a terminal" in refused.err
    assert "chat --linear" in refused.err
