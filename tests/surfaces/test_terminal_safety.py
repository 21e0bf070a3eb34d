"""Nothing that others wrote acts on the terminal or speaks with the program's voice, whatever command prints it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.servers.model_server import model_server, text, tool_calls
from tests.surfaces.attacks import MARK, payloads
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, finish
from tests.surfaces.hostile import WIDTH, Hostile, Told, commands
from tests.surfaces.screen import EDITOR, OWN_MOVES, Screen, forged, raw

PAYLOADS = payloads()
WHOLE = bool(os.environ.get("HELPDESK_TEST_WHOLE"))
"""Every command with every text, on a terminal and in JSON; otherwise each command meets one of the texts."""
NEEDED = {"access.request", "people.update", "ticket.open", "hostile.change"}
"""Actions whose traces other commands show."""
FOR_PROGRAMS = {("log", "export"), ("help", "--man"), ("completions", "bash")}
"""What is no JSON document and is not read on a terminal."""


def problems(told: Told, *, tty: bool, voice: bool = True) -> list[str]:
    """What of it would act on a terminal, or be taken for the program's own."""
    own = OWN_MOVES if tty else None
    found = [f"acts: {what}" for what in dict.fromkeys(raw(told.out, own) + raw(told.err, own))]
    if not found and tty and voice:
        for stream in (told.out, told.err):
            found += [f"forged: {row!a}" for row in forged(Screen(WIDTH).feed(stream.decode()).rows)]
    return found


def made(home: Path, attack: str) -> Hostile:
    hostile = Hostile(home, attack)
    stored = attack.encode("utf-8", "replace")
    one_line = stored.replace(b"\n", b" ").replace(b'"', b"'").replace(b"\0", b"")
    (home / "made.csv").write_bytes(b'person\nana\n"' + one_line + b'"\n')
    (home / "made.jsonl").write_bytes(b'{"action": "' + one_line.replace(b"\\", b"") + b'"}\n')
    (home / "made.proof").write_bytes(stored)
    (home / "made.password").write_bytes(b"wrong\n")
    return hostile


@pytest.fixture(params=range(len(PAYLOADS)))
def turn(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
def hostile(turn: int, tmp_path: Path) -> Iterator[Hostile]:
    company = made(tmp_path / "company", PAYLOADS[turn])
    yield company
    company.directory.close()


@pytest.mark.req("T1", "T2", "T3", "A5", "L10")
@pytest.mark.timeout(400)
def test_no_command_lets_others_words_act_or_speak_for_the_program(hostile: Hostile, turn: int) -> None:
    found: dict[str, list[str]] = {}
    for place, (login, words) in enumerate(commands(hostile)):
        needed = any(word in NEEDED for word in words)
        ways = [
            tty for tty, when in ((True, 3), (False, 9)) if WHOLE or place % when == turn or (tty and needed)
        ]
        for tty in ways:
            for_programs = words[:2] in FOR_PROGRAMS or "--help" in words
            arguments = words if tty or for_programs else (*words, "--json")
            told = (
                hostile.inside_as(login, *arguments, tty=tty)
                if login
                else hostile.inside(*arguments, tty=tty)
            )
            name = f"{login} {ascii(words[:3])[:80]} {'on a terminal' if tty else 'as JSON'}"
            wrong = problems(told, tty=tty, voice=words[:2] != ("log", "export"))
            if not tty and not for_programs and not told.out.isascii():
                wrong.append("JSON that is not ASCII")
            if b"Something broke inside" in told.err and "hostile.fail" not in words:
                wrong.append(ascii(told.err.decode("utf-8", "replace")[-400:]))
            if wrong:
                found[name] = wrong[:4]
    assert not found, "\n".join(f"{name}: {what}" for name, what in found.items())


@pytest.mark.req("L3", "L10", "T1")
def test_a_models_words_and_calls_stay_behind_their_label(hostile: Hostile) -> None:
    attack = hostile.attack.encode("utf-8", "replace").decode()
    prose = text(*(attack[at : at + 7] for at in range(0, len(attack), 7)))
    calls = tool_calls(
        (attack[:60], "{}"), ("access.request", f'{{"group": "{MARK}", "x\\u001b": "\\u202e"}}')
    )
    for answers in ((prose,), (calls, prose)):
        with model_server(*answers) as server:
            env = {
                "HELPDESK_LLM_KIND": "openai",
                "HELPDESK_LLM_URL": server.url,
                "HELPDESK_LLM_MODEL": "x\x1b[31m",
            }
            told = hostile.inside_as("ana", "ask", "get me into finance-share", "-v", tty=True, **env)
            assert server.received
        assert problems(told, tty=True) == []
        rows = Screen(WIDTH).feed(told.err.decode()).rows
        for row in rows:
            assert row.startswith("model │ ") or "✓" not in row, "no receipt, no tick"
        assert any(row.startswith("model │ ") and MARK in row for row in rows)
        assert (
            any("not proven" in row or "no receipt" in row for row in rows) or "done" not in attack.casefold()
        )


# ── through a terminal ────────────────────────────────────────────────────────────────────────


class Wire:
    """Every byte that the program sent to its terminal."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def flush(self) -> None:
        return


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Hostile]:
    company = made(tmp_path / "company", PAYLOADS[0])
    yield company
    company.directory.close()


def spawned(hostile: Hostile, *arguments: str, rows: int = 60) -> tuple[pexpect.spawn, Wire]:
    """The program on a terminal of its own, with everything it writes as bytes."""
    child = pexpect.spawn(
        PROGRAM[0],
        [*PROGRAM[1:], *arguments],
        cwd=str(ROOT),
        env=hostile.environment(PROMPT_TOOLKIT_NO_CPR="1"),
        timeout=30,
        dimensions=(rows, WIDTH),
    )
    child.delaybeforesend = None
    child.logfile_read = wire = Wire()
    child.expect(b"Password of")
    child.sendline(PASSWORDS["cleo"].encode())
    return child, wire


@pytest.mark.req("T1", "T3", "L3")
def test_a_confirmation_on_a_real_terminal_stands_alone(first: Hostile) -> None:
    """Names out of the directory, a plugin that prints, its preview and its label: through the kernel's terminal."""
    child, wire = spawned(first, "do", "hostile.change", "--as", "cleo")
    child.expect(rb"\[y/N\] ")
    shown = wire.data
    child.sendline(b"y")
    child.expect(b"Press Enter")
    while child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=0.3):
        child.sendline(b"")  # one that comes within half a second is ignored
    assert finish_closed(child) == 0
    assert raw(wire.data.replace(b"\r\n", b"\n"), OWN_MOVES) == []
    rows = Screen(WIDTH).feed(shown.decode()).rows
    start = next(i for i, row in enumerate(rows) if row.startswith("┌─ Please confirm: hostile.change"))
    end = rows.index("└─", start)
    assert all(row.startswith("│ ") for row in rows[start + 1 : end])
    assert rows[end + 1] == "Do this? [y/N] "
    assert sum("Please confirm" in row and row.startswith("┌") for row in rows) == 1
    assert any("is not what it looks like" in row for row in rows[start:end])
    assert forged(Screen(WIDTH).feed(wire.data.decode()).rows) == []


def finish_closed(child: pexpect.spawn) -> int:
    child.close()
    return int(child.exitstatus if child.exitstatus is not None else -1)


@pytest.mark.req("T1", "T2", "T3")
def test_the_chat_shows_hostile_names_without_obeying_them(first: Hostile) -> None:
    """Toolbar, completion menu, history, a paste, a turn and its receipt, through a terminal."""
    history = first.state / "chat-history"
    history.write_bytes(b"\n# 2026-01-01\n+old \x1b]0;t\x07 \xe2\x80\xae \xc2\x9b2J\n")
    history.chmod(0o600)
    child, wire = spawned(first, "chat", "--as", "cleo")
    child.expect("›".encode())
    child.send(b"get me into fin\t")
    child.expect(b"52;c;QQ")  # the description of a group, shown in the menu and not obeyed
    child.send(b"\x15\x1b[A")  # the sentence of the history
    child.expect(rb"\]0;t")
    child.send(b"\x15\x1b[200~paste \x1b[31m\xe2\x80\xae\xe2\x80\x8b\xc2\x9b\x07 here\x1b[201~")
    child.expect(b"here")
    child.send(b"\x15/whoami\r")
    child.expect(b"Read from the directory")
    child.expect("›".encode())
    child.send(b"\x04")
    assert finish(child) == 0
    assert raw(wire.data.replace(b"\r\n", b"\n"), _either()) == []


def _either() -> re.Pattern[str]:
    return re.compile(f"{OWN_MOVES.pattern}|{EDITOR.pattern}|\x1b\\[[\\d;]*m")
