"""``privacy``: what a model would be sent, word for word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.invocation import current
from helpdesk.text import whole

if TYPE_CHECKING:
    from helpdesk.conversation.privacy import Disclosure
    from helpdesk.surfaces.look import Look

SCHEMA = "helpdesk.privacy/1"


def privacy(
    words: Annotated[
        list[str] | None, typer.Argument(help="What you would say; left out: only the data classes.")
    ] = None,
) -> int:
    """Show exactly what a language model would be sent for your words. Nothing is sent.

    Examples:

    helpdesk privacy

    helpdesk privacy "get me into finance-share"
    """
    from helpdesk.conversation.privacy import CLASSES

    run = current()
    sentence = whole(" ".join(words or ())).strip()
    settings = run.desk.config.llm
    found = run.desk.conversation().disclosure(sentence) if sentence else None
    sends = settings.kind == "openai" and (found is None or found.sends)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": settings.kind,
        "url": settings.url,
        "model": settings.model,
        "may_see": list(settings.may_see),
        "withheld": [name for name in CLASSES if name not in settings.may_see],
        "sends": sends,
    }
    if found is not None:
        document["messages"] = _messages(found) if sends else []
        document["tools"] = list(found.tools) if sends else []
    lines = _classes(document, CLASSES, run.look)
    if found is not None:
        lines += [
            "",
            *(_sent(found, run.look) if sends else ["For these words nothing at all would be sent."]),
        ]
    return run.answer(document, lines)


def _messages(found: Disclosure) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in found.messages]


def _classes(document: dict[str, Any], meanings: dict[str, str], look: Look) -> list[str]:
    from helpdesk.surfaces.columns import table
    from helpdesk.surfaces.look import clean

    rows = [
        (name, "may be sent" if name in document["may_see"] else "never sent", meaning)
        for name, meaning in meanings.items()
    ]
    if look.plain:
        return table(("class", "sent", "meaning"), rows, look)
    if document["kind"] == "guided":
        head = "No model is configured, so nothing is sent to any. With one, [llm] may_see would decide:"
    elif not document["sends"]:
        head = "The model may see too little to work with, so nothing is sent, and the guided conversation answers."
    else:
        head = f"The model {clean(document['model'])} at {clean(document['url'])} may see:"
    return [head, "", *table(("class", "sent", "meaning"), rows, look)]


def _sent(found: Disclosure, look: Look) -> list[str]:
    from helpdesk.surfaces.look import clean

    lines = [look.paint("For these words it would be sent, exactly:", "bold")]
    for message in found.messages:
        lines += ["", look.paint(f"{message.role}:", "bold")]
        lines += [f"  {line}" for line in clean(message.content, one_line=False).split("\n")]
    lines += ["", look.paint("actions it may propose:", "bold")]
    lines += _tools(found.tools) or ["  none"]
    return lines


def _tools(tools: Sequence[dict[str, Any]]) -> list[str]:
    from helpdesk.surfaces.look import clean

    lines = []
    for tool in tools:
        function = tool["function"]
        arguments = ", ".join(function["parameters"]["properties"]) or "no arguments"
        lines.append(f"  {clean(function['name'])} ({clean(arguments)}): {clean(function['description'])}")
    return lines
