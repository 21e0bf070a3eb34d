"""A real inference engine that we did not write, with a tiny real model: the protocol holds end to end.

SmolLM2 with 135 million parameters calls well-formed tools and chooses them badly; so these tests ask
what must hold whatever a model says, and never whether it said something clever.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from helpdesk.actions.call import Provenance
from helpdesk.actions.schema import tool_schema
from helpdesk.connectors.llm import ChatCompletions
from helpdesk.events import ModelSaid, Outcome, Proposed
from helpdesk.ports import Ended, Message, TextPiece
from tests.servers.engine import engine
from tests.unit.conversation_specs import SPECS
from tests.unit.conversation_world import World

pytestmark = pytest.mark.servers
UNLOCK = next(spec for spec in SPECS if spec.name == "password.unlock")


class MustCall(ChatCompletions):
    """The same client, asking the engine to answer with a tool call."""

    def _body(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return super()._body(messages, tools) | ({"tool_choice": "required"} if tools else {})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engine(tmp_path_factory.mktemp("engine")) as address:
        yield address


def complete(
    model: ChatCompletions, words: str, tools: Sequence[Mapping[str, Any]] = ()
) -> tuple[str, Ended]:
    async def work() -> list[TextPiece | Ended]:
        try:
            messages = [Message("system", "You help employees."), Message("user", words)]
            return [piece async for piece in model.complete(messages, tools)]
        finally:
            await model.close()

    *pieces, ended = asyncio.run(work())
    assert isinstance(ended, Ended)
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)), ended


@pytest.mark.req("L8")
def test_prose_streams_to_its_end(url: str) -> None:
    text, ended = complete(ChatCompletions(url, "smollm2"), "Say hello in five words.")
    assert text.strip()
    assert (ended.reason, ended.calls) == ("stop", ())


@pytest.mark.req("L8")
def test_a_tool_call_arrives_whole_and_names_a_tool_that_was_offered(url: str) -> None:
    _, ended = complete(MustCall(url, "smollm2"), "Please unlock bo.", [tool_schema(UNLOCK)])
    assert ended.reason == "tool_calls"
    assert [call.name for call in ended.calls] == ["password__unlock"]
    assert "person" in json.loads(ended.calls[0].arguments)


@pytest.mark.req("L1")
@pytest.mark.req("L10")
@pytest.mark.parametrize("kind", [ChatCompletions, MustCall])
def test_whatever_it_says_only_the_door_says_done(url: str, kind: type[ChatCompletions]) -> None:
    """The whole conversation over the real engine: every call went through the door, as typed or chosen."""
    world = World(model=kind(url, "smollm2"))  # type: ignore[arg-type]
    result, terminal = world.say("please unlock bo", *["bo"] * 12)
    proposed = [(event.action, event.arguments) for event in terminal.of(Proposed)]
    assert [(call.action, dict(call.arguments)) for call in world.door.calls] == proposed
    assert all(name in {spec.name for spec in SPECS} for name, _ in proposed)
    if result.outcome is Outcome.DONE:
        assert result.receipt
        assert world.door.calls
    for call in world.door.calls:
        assert call.arguments.get("person", "bo") == "bo"
        assert Provenance.TEXT not in {call.provenance.get("person"), call.provenance.get("group")}
    assert terminal.of(ModelSaid) or proposed or terminal.warned or terminal.questions
