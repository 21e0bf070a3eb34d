"""Ctrl-C, SIGTERM, SIGHUP and a terminal that is closed, in every phase of ``do`` and of the chat (R6).

The program runs on a terminal of its own, as a whole process, against slapd; a point of ``fault_points.py``
holds it in a phase until the signal has come. ``HELPDESK_TEST_FAULTS=1`` meets every phase with every ending.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.fault_scenarios import SCENARIOS, Turn
from tests.integration.fault_world import Company, Start, company, server, starter

__all__ = ["company", "server", "starter"]

pytestmark = [pytest.mark.servers, pytest.mark.req("R6"), pytest.mark.timeout(180)]

WHOLE = bool(os.environ.get("HELPDESK_TEST_FAULTS"))
CLOSE = 0
ENDINGS = {"sigint": signal.SIGINT, "sigterm": signal.SIGTERM, "sighup": signal.SIGHUP, "closed": CLOSE}
CODES = {"sigint": 130, "sigterm": 143, "sighup": 129, "closed": 129}
BEFORE = (
    "sign-in-before",
    "validate-before",
    "authorise-before",
    "preview-before",
    "confirm-before",
    "limits-before",
)
BEGUN = (
    "intent-before",
    "intent-uncommitted",
    "intent-committed",
    "execute-before",
    "effect-before",
    "effect-sent",
    "effect-answered",
    "verify-before",
    "outcome-before",
    "outcome-uncommitted",
    "outcome-after",
    "reveal-before",
)
LAST = ("outcome", "reveal")
"""Nothing is waited for from here on, so a signal may come when all is done and told: then the exit code is the result's."""
GRANT = SCENARIOS["access.grant"]


class Terminal:
    """A terminal, and everything that was ever written to it."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        self.name = os.ttyname(self._slave)
        self._before = termios.tcgetattr(self._slave)
        self._seen = bytearray()
        self._ends = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._ends.is_set():
            if select.select([self._master], [], [], 0.02)[0]:
                self._seen += os.read(self._master, 65536)

    @property
    def seen(self) -> str:
        return self._seen.decode("utf-8", "replace")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def answer(self, text: str, done: Callable[[], Any]) -> None:
        """Type it, again where it came so soon after the question that it was thrown away (T3)."""
        typed = 0.0

        def answered() -> bool:
            nonlocal typed
            if done():
                return True
            if time.monotonic() - typed > 0.6:
                typed = time.monotonic()
                self.type(text)
            return False

        until(answered, lambda: self.seen[-2000:])

    def expect(self, text: str, times: int = 1) -> None:
        until(lambda: self.seen.count(text) >= times, lambda: self.seen[-2000:])

    def hang_up(self) -> None:
        """Close it, as a window is closed."""
        if not self._ends.is_set():
            self._ends.set()
            self._reader.join()
            os.close(self._master)

    def is_as_it_was(self) -> bool:
        """Echo and the rest are as they were found, and what was switched on is off again."""
        pairs = (("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?2004h", "\x1b[?2004l"))
        balanced = all(self.seen.rfind(on) <= self.seen.rfind(off) for on, off in pairs)
        return balanced and termios.tcgetattr(self._slave) == self._before

    def close(self) -> None:
        self.hang_up()
        os.close(self._slave)


def until(true: Callable[[], Any], told: Callable[[], Any] = lambda: "") -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, told()
        time.sleep(0.005)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def begin(company: Company, terminal: Terminal, part: str, *words: str, pause: str = "") -> Start:
    """A command line on the terminal, by whoever plays this part."""
    file = company.folder / f"{part}.password"
    file.touch(mode=0o600)
    file.write_text(company.passwords[part] + "\n")
    named = [*words, "--as", company.login(part), "--password-file", str(file)]
    environ = {**company.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    return company.start(part, words=named, environ=environ, tty=terminal.name, armed=True, pause=pause)


def end(begun: Start, terminal: Terminal, ending: str) -> None:
    if ending == "closed":
        terminal.hang_up()
    else:
        os.kill(begun.pid, ENDINGS[ending])


def nothing_is_left_of(begun: Start) -> bool:
    """No process of its session lives on."""
    try:
        os.killpg(begun.pid, 0)
    except ProcessLookupError:
        return True
    return False


def phases(ending: str) -> list[str]:
    """Every phase in a full run; else a quarter of them for each ending, and all of the effect's."""
    every = [f"{name}@1" for name in (*BEFORE, *BEGUN)]
    if WHOLE:
        return every
    number = list(ENDINGS).index(ending)
    return sorted({*every[number::4], "effect-sent@1"}, key=every.index)


def check(company: Company, turn: Turn, phase: str) -> None:
    """What had begun is finished, and logged by the process itself; what had not, left nothing."""
    effect = GRANT.effect(company, turn)
    begun = phase.partition("@")[0] in BEGUN
    if phase.startswith(
        "limits"
    ):  # in a thread of its own, which may be through before the signal is looked at
        begun = effect == "whole"
    assert effect == ("whole" if begun else "none"), phase
    intents, outcomes = (company.entries(turn.after, kind) for kind in ("intent", "outcome"))
    assert [entry.body["outcome"] for entry in outcomes] == ["done"] * len(intents), phase
    assert len(intents) == begun, phase
    assert company.log.open_intents() == [], phase


@pytest.mark.parametrize("ending", ENDINGS)
def test_do_finishes_and_logs_what_had_begun(company: Company, ending: str) -> None:
    words = ("do", "access.grant", company.login("target"), company.group, "--yes")
    for phase in phases(ending):
        terminal, turn = Terminal(), Turn(1)
        GRANT.prepare(company, turn)
        turn.since, turn.after = company.server.offset(), company.last_entry()
        begun = begin(company, terminal, "owner", *words, pause=phase)
        begun.wait_for("paused")
        end(begun, terminal, ending)
        begun.go_on()
        told = 1 if ending == "closed" else 0  # the result of what was done could not be printed, or was
        codes = (CODES[ending], told) if phase.startswith(LAST) else (CODES[ending],)
        assert begun.status in codes, (phase, terminal.seen, begun.server.errors())
        check(company, turn, phase)
        assert ending == "closed" or terminal.is_as_it_was(), (phase, terminal.seen)
        assert "Traceback" not in terminal.seen
        assert nothing_is_left_of(begun)
        terminal.close()
    assert company.log.verify().ok


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_chat_finishes_and_logs_what_had_begun(company: Company, ending: str) -> None:
    """Ctrl-C ends the turn, and not the chat; everything else ends it all."""
    for phase in phases(ending)[1 :: 1 if WHOLE else 2]:
        terminal, turn = Terminal(), Turn(1)
        GRANT.prepare(company, turn)
        turn.since, turn.after = company.server.offset(), company.last_entry()
        begun = begin(company, terminal, "owner", "chat", pause=phase)
        terminal.expect("Say what you need")
        terminal.expect("›")
        terminal.type(f"give {company.login('target')} access to {company.group}\r")
        speaks, seen = begun.server.speaks, terminal
        until(lambda speaks=speaks, seen=seen: speaks() or "[y/N]" in seen.seen, lambda seen=seen: seen.seen)
        if not speaks():
            terminal.answer("y\n", speaks)
        begun.wait_for("paused")
        end(begun, terminal, ending)
        if ending == "sigint":
            begun.gate.touch()
            terminal.expect("Stopped.")
            terminal.type("/whoami\r")
            terminal.expect("You are Owner")
            terminal.answer("\x04", speaks)
            begun.wait()
            assert begun.status == 0
        else:
            begun.go_on()
            assert begun.status == CODES[ending], (phase, terminal.seen)
        check(company, turn, phase)
        assert ending == "closed" or terminal.is_as_it_was(), (phase, terminal.seen)
        assert "Traceback" not in terminal.seen
        assert nothing_is_left_of(begun)
        terminal.close()


@pytest.mark.parametrize("ending", ["sigterm", "sighup", "closed"])
def test_a_chat_where_nothing_goes_on_ends_at_once(company: Company, terminal: Terminal, ending: str) -> None:
    begun = begin(company, terminal, "owner", "chat")
    terminal.expect("Say what you need")
    terminal.expect("›")
    end(begun, terminal, ending)
    begun.wait()
    assert begun.status == CODES[ending], terminal.seen + begun.server.errors()
    assert ending == "closed" or terminal.is_as_it_was()
    assert nothing_is_left_of(begun)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_secret_that_is_shown_is_wiped_and_its_outcome_is_logged(
    company: Company, terminal: Terminal, ending: str
) -> None:
    scenario, turn = SCENARIOS["password.reset"], Turn(1)
    scenario.prepare(company, turn)
    turn.since = company.server.offset()
    begun = begin(company, terminal, "desk", "do", "password.reset", company.login("target"), "--yes")
    terminal.expect("Press Enter to wipe")
    end(begun, terminal, ending)
    begun.wait()
    assert begun.status == CODES[ending], terminal.seen + begun.server.errors()
    assert scenario.effect(company, turn) == "whole"
    assert [entry.body["outcome"] for entry in company.entries(0, "outcome")] == ["done"]
    assert ending == "closed" or terminal.is_as_it_was()
    assert nothing_is_left_of(begun)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_question_that_is_never_answered_changes_nothing(
    company: Company, terminal: Terminal, ending: str
) -> None:
    turn = Turn(1)
    GRANT.prepare(company, turn)
    turn.since = company.server.offset()
    begun = begin(company, terminal, "owner", "do", "access.grant", company.login("target"), company.group)
    terminal.expect("[y/N]")
    end(begun, terminal, ending)
    begun.wait()
    assert begun.status == CODES[ending], terminal.seen + begun.server.errors()
    check(company, turn, "confirm-before@1")
    assert ending == "closed" or terminal.is_as_it_was()
    assert nothing_is_left_of(begun)
