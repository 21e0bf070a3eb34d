"""One line that says which entries of the log are meant, as the app takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.errors import UsageError
from helpdesk.gate.audit_filter import Filter
from helpdesk.surfaces.log_words import Chosen, chosen, spoken
from tests.unit.audit_world import START


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", Chosen(Filter())),
        ("--actor bo --actor cleo", Chosen(Filter(actors=("bo", "cleo")))),
        ("actor:bo action:password.reset", Chosen(Filter(actors=("bo",), actions=("password.reset",)))),
        (
            "--outcome=refused --target 'two words'",
            Chosen(Filter(outcomes=("refused",), targets=("two words",))),
        ),
        ("quarter close kind:read", Chosen(Filter(kinds=("read",), text="quarter close"))),
        ('--text "quarter close" more', Chosen(Filter(text="quarter close more"))),
        ("--after 7d", Chosen(Filter(since=START - timedelta(days=7)))),
        ("--after 12 before:40", Chosen(Filter(), after=12, before=40)),
        ("http://x: a:b", Chosen(Filter(text="http://x: a:b"))),
    ],
)
def test_a_line_means_what_the_flags_mean(line: str, meant: Chosen) -> None:
    assert spoken(line, START) == meant


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--who bo", "--who is unknown"),
        ("--actor", "--actor has no value"),
        ("text:'open", "not closed"),
        ("--before soon", "--before soon is no entry and no time"),
    ],
)
def test_what_is_no_filter_is_said(line: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as told:
        spoken(line, START)
    assert told.value.hint


def test_the_flags_of_the_command_line_mean_the_same() -> None:
    assert chosen(START, actors=["bo"], after="7d", text="zebra") == spoken(
        "zebra --actor bo --after 7d", START
    )
    assert not Chosen(Filter())
    assert Chosen(Filter(), after=3)
