"""A model's calls before they are anything: 5,000 made-up ones, and prose that may hold one."""

from __future__ import annotations

import json
import random
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.conversation.claims import claims_completion
from helpdesk.conversation.toolcalls import ProseGate, calls_in_text, check
from helpdesk.ports import ToolCall
from tests.unit.conversation_specs import SPECS
from tests.unit.conversation_world import ScriptedModel, World

UNLOCK = next(s for s in SPECS if s.name == "password.unlock")


def _junk(dice: random.Random) -> Any:
    return dice.choice(
        [
            "".join(dice.choices(string.printable, k=dice.randrange(0, 30))),
            dice.randrange(-(10**30), 10**30),
            None,
            True,
            1.5,
            ["bo"],
            {"login": "bo"},
            "\x00",
            "\ud800",
            "x" * 20_000,
        ]
    )


@pytest.mark.req("L6")
def test_5000_fuzzed_calls_execute_nothing() -> None:
    """Unknown tools, unknown arguments and values of the wrong kind: 0 reach the door."""
    dice = random.Random(6)
    names = [s.name.replace(".", "__") for s in SPECS] + [
        "password__unlock_",
        "PASSWORD__UNLOCK",
        "",
        "eval",
        "__",
        ".",
    ]
    calls = []
    for n in range(5_000):
        arguments: dict[str, Any] = {
            dice.choice(["person", "actor", "as", "confirm", "__class__", "", "Person", "dn"]): _junk(dice)
            for _ in range(dice.randrange(0, 4))
        }
        arguments["not_an_argument"] = _junk(dice)
        text = json.dumps(arguments)
        if dice.random() < 0.2:
            text = text[: dice.randrange(1, len(text))]
        calls.append(ToolCall(f"c{n}", dice.choice(names), text))
    for call in calls:
        assert check(call, SPECS).problem, call
    for at in range(0, 5_000, 100):
        world = World(ScriptedModel([calls[at + i : at + i + 4] for i in range(0, 100, 4)]), offer_all=True)
        world.say("hello there my friend", alone=True)
        assert world.door.calls == []


@pytest.mark.req("L6")
@given(st.text(), st.text() | st.dictionaries(st.text(), st.integers() | st.text()).map(json.dumps))
def test_no_name_and_no_arguments_break_the_check(name: str, arguments: str) -> None:
    checked = check(ToolCall("c", name, arguments), SPECS)
    assert bool(checked.problem) != bool(checked.spec)


def test_a_good_call_passes_with_parsed_values() -> None:
    checked = check(ToolCall("c", "password__unlock", '{"person": " bo "}'), [UNLOCK])
    assert (checked.spec, checked.arguments, checked.problem) == (UNLOCK, {"person": "bo"}, "")


def test_a_missing_argument_is_left_to_the_person() -> None:
    checked = check(ToolCall("c", "password__unlock", "{}"), [UNLOCK])
    assert (checked.spec, checked.arguments) == (UNLOCK, {})


@given(st.text(max_size=300))
def test_looking_for_calls_in_any_text_is_safe(text: str) -> None:
    for call in calls_in_text(text):
        assert isinstance(call.name, str)


@given(st.lists(st.text(max_size=20), max_size=20), st.booleans())
def test_prose_comes_out_whole_or_is_held_back_whole(pieces: list[str], is_call: bool) -> None:
    gate = ProseGate()
    shown = "".join(gate.feed(piece) for piece in pieces)
    whole = "".join(pieces)
    assert whole.startswith(shown)
    rest = gate.rest(is_call=is_call)
    assert shown + rest == whole or is_call


def test_prose_before_a_call_is_shown_and_the_call_is_not() -> None:
    gate = ProseGate()
    text = "Let me see. <tool_call>{}</tool_call>"
    shown = "".join(gate.feed(character) for character in text)
    assert shown == "Let me see. "
    assert gate.rest(is_call=True) == ""


@pytest.mark.req("L10")
@pytest.mark.parametrize(
    ("prose", "claims"),
    [
        ("Done.", True),
        ("I've reset the password.", True),
        ("Bo has been added to finance-share.", True),
        ("Bo is now a member of finance-share.", True),
        ("Your request was submitted.", True),
        ("The operation was successful.", True),
        ("I did not find it. I have unlocked bo.", True),
        ("", False),
        ("I will unlock bo.", False),
        ("I have not unlocked bo.", False),
        ("Shall I unlock bo?", False),
        ("I'm not able to say that it has been done.", False),
    ],
)
def test_claims(prose: str, claims: bool) -> None:
    assert claims_completion(prose) is claims
