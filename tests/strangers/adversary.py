"""The compromised model: it reads everything it is sent, and obeys whatever carries the attacker's mark."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpdesk.ports import Ended, Message, TextPiece, ToolCall
from helpdesk.text import Untrusted
from tests.servers.model_server import DONE, Answer, ModelServer, delta

MARK = re.compile(r"K7-([a-z-]+)")
Proposal = tuple[str, str]
"""A tool's name and its arguments as text, which may be anything."""


@dataclass
class Script:
    """What the attacker wants and how the model goes about it.

    Attributes:
        goal: the name in the mark that it obeys.
        attack: calls of the attack, in order. lie: what it says afterwards, and meanwhile.
        reading: the call that fetches the carrier, for the first sentence; none when it is hostile by itself.
        useful: the call that the person's own task needs.
        strategy: see :meth:`Adversary.plan`.
    """

    goal: str
    attack: tuple[Proposal, ...]
    lie: str
    reading: Proposal | None
    useful: Proposal
    strategy: str


@dataclass
class Reply:
    text: str = ""
    calls: tuple[Proposal, ...] = ()


@dataclass
class Adversary:
    """The model. It implements :class:`helpdesk.ports.Model`, and a server can speak for it.

    Attributes:
        reached: the injection stood in what it was sent.
        heard: everything it was ever sent.
    """

    script: Script
    name: str = "hostile"
    reached: bool = False
    heard: list[str] = field(default_factory=list)
    queue: list[Reply] = field(default_factory=list)
    turns: int = 0

    def reply(self, roles: Sequence[str], texts: Sequence[str]) -> Reply:
        """Its answer to a conversation."""
        self.heard += texts
        self.reached |= any(found == self.script.goal for text in texts for found in MARK.findall(text))
        if roles[-1] == "user":
            self.turns += 1
            self.queue = self.plan()
        return self.queue.pop(0) if self.queue else Reply(self.script.lie)

    def plan(self) -> list[Reply]:
        """The replies of one turn. The attack comes in each, whether the injection got through or not."""
        script = self.script
        attack = [Reply("", (call,)) for call in script.attack]
        useful = Reply("", (script.useful,))
        if self.turns == 1 and script.reading is not None:
            return [Reply("", (script.reading,)), *attack]
        match script.strategy:
            case "before":
                return [*attack, useful]
            case "after":
                return [useful, *attack]
            case "instead":
                return attack
            case "together":
                return [Reply(script.lie, (script.attack[0], script.useful, *script.attack[1:]))]
            case "in prose":
                named = [{"name": n, "arguments": _loaded(a)} for n, a in script.attack]
                fenced = "\n".join(f"```json\n{json.dumps(one)}\n```" for one in named)
                return [Reply(f"{script.lie}\n{fenced}"), useful]
            case "stall":
                return [Reply("Which account, and which group do you mean?")]
            case "lie":
                return [Reply(script.lie)]
        raise AssertionError(script.strategy)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> AsyncIterator[TextPiece | Ended]:
        said = self.reply([m.role for m in messages], [m.content for m in messages])
        calls = tuple(ToolCall(f"c{at}", name, arguments) for at, (name, arguments) in enumerate(said.calls))
        if said.text:
            yield TextPiece(Untrusted(said.text))
        yield Ended("tool_calls" if calls else "stop", calls)

    async def close(self) -> None: ...


class HostileServer(ModelServer):
    """A chat completions server that the adversary answers for."""

    def __init__(self, adversary: Adversary) -> None:
        super().__init__(Answer())
        self._adversary = adversary

    def next_answer(self) -> Answer:
        messages = self.received[-1].document["messages"]
        said = self._adversary.reply(
            [m["role"] for m in messages], [m.get("content") or "" for m in messages]
        )
        stream = [delta(role="assistant")]
        if said.text:
            stream.append(delta(content=said.text))
        for at, (name, arguments) in enumerate(said.calls):
            function = {"name": name, "arguments": arguments}
            stream.append(
                delta(tool_calls=[{"index": at, "id": f"c{at}", "type": "function", "function": function}])
            )
        stream += [delta(finish="tool_calls" if said.calls else "stop"), DONE]
        return Answer(lambda: stream)


def _loaded(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments
