"""The flags that work everywhere, and how output may look."""

from __future__ import annotations

import io

import pytest

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.commands import ROWS
from helpdesk.surfaces.cli.globals import Flags, split
from helpdesk.surfaces.columns import cells, table
from helpdesk.surfaces.look import Look, look_of


@pytest.mark.req("CLI-20")
@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--as", "ana", "-n", "do", "password.unlock", "bo"],
        ["do", "--json", "password.unlock", "--as=ana", "bo", "-n"],
        ["do", "password.unlock", "bo", "-n", "--as", "ana", "--json"],
    ],
)
def test_flags_are_the_same_before_and_after_the_command(words: list[str]) -> None:
    flags, rest = split(words)
    assert flags == Flags(json=True, login="ana", dry_run=True)
    assert rest == ["do", "password.unlock", "bo"]


@pytest.mark.req("CLI-20")
def test_two_dashes_end_the_flags() -> None:
    flags, rest = split(["ask", "--", "--json", "-n"])
    assert flags == Flags()
    assert rest == ["ask", "--", "--json", "-n"]


@pytest.mark.req("CLI-19")
def test_short_switches_may_stand_together_and_unknown_ones_are_left_for_the_command() -> None:
    assert split(["-nq", "x"])[0] == Flags(dry_run=True, quiet=True)
    assert split(["-nx"])[1] == ["-nx"]


@pytest.mark.req("CLI-16")
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--profile"], "--profile"),
        (["--as", "--json"], "--as"),
        (["--as="], "--as"),
        (["--color", "blue"], "--color"),
        (["--password-stdin"], "password"),
        (["--as", "ana", "--password-stdin", "--password-file", "f"], "--password-file"),
    ],
)
def test_a_flag_without_its_value_is_named(words: list[str], names: str) -> None:
    with pytest.raises(UsageError, match=names):
        split(words)


class _Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    encoding = "utf-8"


@pytest.mark.req("CLI-10")
@pytest.mark.req("CLI-11")
@pytest.mark.parametrize(
    ("flag", "environ", "terminal", "colored"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_there_is_colour(flag: str, environ: dict[str, str], terminal: bool, colored: bool) -> None:
    look = look_of(_Stream(terminal), color=flag, environ=environ)
    assert look.color is colored
    assert ("\x1b" in look.paint("x", "red")) is colored


@pytest.mark.req("CLI-14")
@pytest.mark.parametrize("command", [name for name in ROWS if name not in ("demo", "completions")])
def test_every_command_that_works_in_a_profile_is_suggested_with_it(command: str) -> None:
    line = f"entry 7 · helpdesk log show 7 · helpdesk {command} 7"
    named = f"entry 7 · helpdesk --profile demo log show 7 · helpdesk --profile demo {command} 7"
    assert Look(profile="demo").lines(line) == [named]
    assert Look().lines(line) == [line]


@pytest.mark.req("CLI-34")
def test_symbols_become_ascii_where_the_stream_takes_no_others() -> None:
    look = Look(encoding="ascii")
    assert look.fit("✓ a → b │ “c”") == '[ok] a -> b | "c"'
    look.fit("日本 é").encode("ascii")


@pytest.mark.req("CLI-34")
def test_wide_and_combining_characters_keep_columns_straight() -> None:
    lines = table(("name", "what"), [("日本", "one"), ("é", "two"), ("ab", "three")], Look(width=40))
    assert [
        cells(line[: line.index(word)])
        for line, word in zip(lines, ("what", "one", "two", "three"), strict=True)
    ] == [6] * 4


@pytest.mark.req("CLI-34")
@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_width_cuts_an_id(width: int) -> None:
    row = ("R-7K3F2Q", "pending", "access.request", "a long sentence about what will change in the directory")
    text = "\n".join(table(("id", "state", "action", "changes"), [row], Look(width=width)))
    assert "R-7K3F2Q" in text
    assert "access.request" in text
    assert "".join(row[3].split()) in "".join(text.split())


@pytest.mark.req("CLI-9")
def test_plain_is_one_record_a_line_with_nothing_drawn() -> None:
    lines = table(("a", "b"), [("x\ny", "long " * 40), ("\x1b[31mz", "t\tt")], Look(width=40, plain=True))
    assert len(lines) == 2
    assert all(line.count("\t") == 1 and "\n" not in line and "\x1b" not in line for line in lines)


@pytest.mark.req("CLI-14")
def test_a_command_that_is_suggested_names_the_profile_it_works_in() -> None:
    look = Look(profile="demo")
    assert look.lines("Read on: helpdesk log show 3 · helpdesk approvals list") == [
        "Read on: helpdesk --profile demo log show 3 · helpdesk --profile demo approvals list"
    ]
    both = "Undo it with helpdesk undo 7, or ask helpdesk why 7"
    assert look.lines(both) == [
        "Undo it with helpdesk --profile demo undo 7, or ask helpdesk --profile demo why 7"
    ]
    mixed = "helpdesk log list, then helpdesk undo 7 --profile demo"
    assert look.lines(mixed) == ["helpdesk --profile demo log list, then helpdesk undo 7 --profile demo"]
    assert look.lines("helpdesk demo --reset") == ["helpdesk demo --reset"]
    assert look.lines("helpdesk do x --profile demo") == ["helpdesk do x --profile demo"]


@pytest.mark.req("CLI-34")
def test_a_terminal_folds_at_spaces_and_never_inside_a_word_or_a_colour() -> None:
    look = Look(moves=True, color=True, width=24)
    painted = look.paint("Logged as entry 2. helpdesk log show 2", "dim")
    assert look.lines(f"  {painted}") == ["  \x1b[2mLogged as entry 2.", "    helpdesk log show 2\x1b[0m"]
    assert Look(width=24).lines("a script reads whole lines, however long") == [
        "a script reads whole lines, however long"
    ]


# ── waiting for somebody else ─────────────────────────────────────────────────────────────────


def test_wait_takes_seconds_behind_a_sign_or_none() -> None:
    flags, rest = split(["do", "access.request", "finance-share", "--wait"])
    assert (flags.wait, flags.wait_seconds, rest) == (True, None, ["do", "access.request", "finance-share"])
    flags, rest = split(["--wait=90", "do", "access.request", "30"])
    assert (flags.wait, flags.wait_seconds, rest[-1]) == (True, 90.0, "30")
    assert split(["do"])[0].wait is False


@pytest.mark.parametrize("word", ["--wait=soon", "--wait=0", "--wait=", "--wait=99999999", "--wait=1.5"])
def test_a_time_to_wait_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="--wait"):
        split(["do", "access.request", "finance-share", word])


@pytest.mark.parametrize(
    "words", [["log", "list", "--wait"], ["approvals", "approve", "R-222222", "--wait=3"]]
)
def test_wait_belongs_to_do(words: list[str]) -> None:
    with pytest.raises(UsageError, match="belongs to do"):
        split(words)


def test_a_batch_is_not_waited_for() -> None:
    with pytest.raises(UsageError, match="several"):
        split(["do", "access.grant", "--batch", "people.csv", "--wait"])
