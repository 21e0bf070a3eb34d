"""What a model may see, decided in one place; ``helpdesk privacy`` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from helpdesk.conversation.prompts import SYSTEM, fenced
from helpdesk.conversation.toolcalls import tools
from helpdesk.conversation.words import without_secrets
from helpdesk.events import Result
from helpdesk.ports import Message
from helpdesk.spec import ActionSpec

CLASSES: Final[dict[str, str]] = {
    "words": "what you say to it, without what looks like a password",
    "actions": "names, descriptions and arguments of the actions that fit your words",
    "policies": "passages of the company's policies that answer you",
    "results": "the messages your requests end with",
    "people": "names and data of people, where a result holds them",
    "groups": "names and members of groups, where a result holds them",
    "tickets": "the text of tickets, where a result holds it",
}
"""The data classes of ``[llm] may_see``."""
DEFAULT_MAY_SEE: Final = frozenset({"words", "policies", "actions"})
NEEDED: Final = frozenset({"words", "actions"})
"""Without these a model has nothing to work with, and the guided conversation answers instead."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one request to the model holds.

    Attributes:
        messages, tools: exactly what is sent.
        withheld: the data classes the model may not see, with what they mean.
        sends: false when nothing at all would be sent.
    """

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    withheld: dict[str, str] = field(default_factory=dict)
    sends: bool = True


def disclosure(
    words: str,
    offered: Sequence[ActionSpec],
    may_see: frozenset[str],
    history: Sequence[Message] = (),
) -> Disclosure:
    """What a model would be sent for these words; the conversation sends exactly this."""
    withheld = {name: meaning for name, meaning in CLASSES.items() if name not in may_see}
    if not may_see >= NEEDED:
        return Disclosure((), (), withheld, sends=False)
    messages = (
        Message("system", SYSTEM),
        *history,
        Message("user", without_secrets(words)),
    )
    return Disclosure(messages, tuple(tools(offered)), withheld)


def result_for_model(result: Result, spec: ActionSpec, may_see: frozenset[str]) -> str:
    """A result as the model may see it: the outcome always, the content only where every class in it is allowed."""
    ending = f"{spec.name} ended: {result.outcome}."
    if not classes_in(result, spec) <= may_see:
        return f"{ending} The person has been shown the result. You may not see it; say nothing about its content."
    parts = [result.message]
    parts += [f"[{c.file}, {c.heading}, line {c.line}]\n{c.text}" for c in result.citations or ()]
    parts += [f"{o.system}: {o.target}, {o.what}: {o.observed}" for o in result.receipt]
    return f"{ending}\n{fenced(chr(10).join(parts))}"


def classes_in(result: Result, spec: ActionSpec) -> frozenset[str]:
    """The data classes a result of this action can hold. Errs towards more."""
    if result.citations is not None and not spec.needs:
        return frozenset({"policies"})
    classes = {"results"}
    if "tickets" in spec.needs:
        classes.add("tickets")
    if "directory" in spec.needs:
        classes.add("people")
        if (
            not spec.parameters
            or any(p.kind == "group" for p in spec.parameters)
            or spec.about == "group"
            or spec.reads
        ):
            classes.add("groups")
    return frozenset(classes)
