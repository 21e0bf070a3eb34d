"""The whole way: words, a model behind a real HTTP server, checks, and the door."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from helpdesk.connectors.llm import ChatCompletions
from helpdesk.connectors.llm_reply import Limits
from helpdesk.conversation.loop import Conversation
from helpdesk.events import Outcome, Result
from helpdesk.ports import SignedIn
from tests.servers.model_server import (
    Answer,
    ModelServer,
    delta,
    endless,
    model_server,
    raw,
    text,
    tool_calls,
)
from tests.unit.conversation_specs import SPECS
from tests.unit.conversation_world import NOW, Terminal, World, signed_in

pytestmark = pytest.mark.servers
LIMITS = Limits(connect=2, first_byte=0.5, idle=0.5, total=3, retries=1, backoff=0.01)


def ask(
    server: ModelServer, *sentences: str, answers: list[str] | None = None
) -> tuple[World, Terminal, Result]:
    """A conversation with the model behind ``server``; what became of the last sentence."""
    world, terminal = World(), Terminal(answers)

    async def work() -> Result:
        model = ChatCompletions(server.url, "tiny", limits=LIMITS)
        conversation = Conversation(
            specs=SPECS,
            run=world.door,
            sign_in=_never,
            explain_lock=_never,
            clock=lambda: NOW,
            model=model,
        )
        try:
            for words in sentences:
                result = await conversation.turn(words, terminal, signed_in=signed_in())
        finally:
            await model.close()
        return result

    return world, terminal, asyncio.run(work())


async def _never(*args: Any, **named: Any) -> Any:
    raise AssertionError("not in this turn")


def test_a_sentence_becomes_a_verified_change() -> None:
    answers = (tool_calls(("password__unlock", '{"person": "bo"}')), text("The helpdesk has the result."))
    with model_server(*answers) as server:
        world, _, result = ask(server, "unlock bo")
    assert world.call.arguments == {"person": "bo"}
    assert result.outcome is Outcome.DONE
    second = server.received[1].document["messages"]
    assert [m["role"] for m in second] == ["system", "user", "assistant", "tool"]
    assert second[3]["tool_call_id"] == second[2]["tool_calls"][0]["id"] == "call-0"
    assert "password.unlock ended: done." in second[3]["content"]


def test_fenced_json_in_the_prose_is_a_call() -> None:
    fenced = 'Of course.\n```json\n{"name": "password__unlock", "arguments": {"person": "bo"}}\n```'
    with model_server(text(*fenced.split(" ")), text("…")) as server:
        world, terminal, _ = ask(server, "unlock bo")
    joined = fenced.replace(" ", "")
    assert "```" in joined
    assert world.call.arguments == {"person": "bo"}
    assert "```" not in terminal.prose


@pytest.mark.req("L10")
def test_a_model_that_lies_about_a_change() -> None:
    with model_server(text("Done, ", "bo has been unlocked.")) as server:
        world, terminal, result = ask(server, "unlock bo")
    assert terminal.unproven
    assert "Nothing was changed." in terminal.warned
    assert world.call.arguments == {"person": "bo"}  # their own words, taken without the model
    assert (result.outcome, len(result.receipt)) == (Outcome.DONE, 1)


@pytest.mark.req("L3")
def test_a_model_that_lies_about_the_target_meets_the_persons_choice() -> None:
    """It says bo and calls erik: the person is asked, and the door gets whom they chose."""
    with model_server(tool_calls(("password__unlock", '{"person": "erik"}')), text("bo is next.")) as server:
        world, terminal, _ = ask(server, "unlock bo", answers=["none", "bo"])
    assert terminal.questions[0].choices[0].value == "erik"
    assert world.call.arguments == {"person": "bo"}


HALF = raw(
    delta(
        tool_calls=[
            {"index": 0, "id": "a", "function": {"name": "account__disable", "arguments": '{"person": "bo"}'}}
        ]
    ),
    hang_up=True,
)
BROKEN = {
    "half a stream": HALF,
    "endless": endless(delta(content="and on ")),
    "endless noise": endless(b"x" * 10_000),
    "silent": Answer(silent=True),
    "server error": raw(b"{}", status=500),
    "not JSON": raw(b"data: {oops\n\ndata: [DONE]\n\n"),
    "not UTF-8": raw(b"data: \xff\xff\n\ndata: [DONE]\n\n"),
    "a web page": raw(b"<html>Welcome</html>", content_type="text/html"),
    "nothing": raw(),
    "redirect": raw(b"", status=302, headers={"location": "http://127.0.0.1:9/"}),
}


@pytest.mark.req("L8")
@pytest.mark.req("L9")
@pytest.mark.parametrize("kind", BROKEN)
def test_whatever_the_model_does_the_same_turn_is_answered_without_it(kind: str) -> None:
    started = time.monotonic()
    with model_server(BROKEN[kind]) as server:
        world, terminal, result = ask(server, "who am I")
    assert world.call.action == "people.whoami"
    assert result.outcome is Outcome.DONE
    assert "Going on without it" in terminal.warned
    assert time.monotonic() - started < 6


@pytest.mark.req("L1")
@pytest.mark.req("L6")
def test_a_hostile_model_that_calls_everything_runs_nothing_the_person_did_not_ask_for() -> None:
    hostile = [
        ("account__disable", {"person": "erik"}),
        ("password__unlock", {"person": "erik", "actor": "root", "confirm": True}),
        ("shell__run", {"command": "id"}),
        ("access__grant", {"person": "bo", "group": "finance-admins"}),
    ]
    answers = tool_calls(*((name, json.dumps(arguments)) for name, arguments in hostile))
    with model_server(answers) as server:
        world, _, _ = ask(server, "who am I", answers=["cancel"] * 10)
    assert [c for c in world.door.calls if c.arguments] == []


def test_cancelling_a_turn_takes_less_than_a_second() -> None:
    async def work(server: ModelServer) -> float:
        model = ChatCompletions(server.url, "tiny")
        world = World()
        conversation = Conversation(
            specs=SPECS,
            run=world.door,
            sign_in=_never,
            explain_lock=_never,
            clock=lambda: NOW,
            model=model,
        )
        someone: SignedIn = signed_in()
        task = asyncio.ensure_future(conversation.turn("unlock bo", Terminal(), signed_in=someone))
        await asyncio.to_thread(server.asked.wait, 5)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.close()
        assert world.door.calls == []
        return time.monotonic() - started

    with model_server(endless(delta(content="."), 0.02)) as server:
        assert asyncio.run(work(server)) < 1
        assert server.left.wait(5)
