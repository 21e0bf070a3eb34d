"""The value that an answer stands for, looked up where it is a name; what is only nearly one is offered."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

from helpdesk.actions.schema import parse_value
from helpdesk.conversation.dates import number
from helpdesk.conversation.forms import agreement
from helpdesk.conversation.live import day
from helpdesk.conversation.vocabulary import (
    Vocabulary,
    group_choices,
    is_exactly,
    near_groups,
    person_choices,
)
from helpdesk.conversation.words import fold
from helpdesk.errors import InvalidArgument
from helpdesk.events import Choice
from helpdesk.spec import Parameter

Understood: TypeAlias = tuple[Any, tuple[Choice, ...], str]
"""The value, or ``None`` with the choices and the sentence to ask again with."""


async def understood(
    parameter: Parameter, answer: str, vocabulary: Vocabulary, choices: tuple[Choice, ...], today: date
) -> Understood:
    """What an answer to the question for ``parameter`` means."""
    text = answer.strip()
    if parameter.kind == "login":
        return await _person(text, vocabulary)
    if parameter.kind == "group":
        return await _group(text, vocabulary)
    if not text:
        return None, choices, "An answer is needed; say cancel to stop."
    try:
        return parse_value(parameter, _plain(parameter, text, today)), choices, ""
    except InvalidArgument as error:
        return None, choices, error.message


def _plain(parameter: Parameter, text: str, today: date) -> Any:
    """A day, a number or a yes as people say them, as the schema has them."""
    match parameter.kind:
        case "date":
            return day(text, today) or text
        case "boolean":
            agreed = agreement(text)
            return text if agreed is None else agreed
        case "integer":
            try:
                return number(fold(text))
            except ValueError:
                return text
        case "choice":
            return next((choice for choice in parameter.choices if fold(choice) == fold(text)), text)
        case _:
            return text


async def _person(text: str, vocabulary: Vocabulary) -> Understood:
    if fold(text) in ("me", "myself", "i", "mine"):
        return vocabulary.me.login, (), ""
    found = list(await vocabulary.find_person(text)) if text else []
    exact = [p for p in found if fold(p.login) == fold(text)] or [p for p in found if is_exactly(p, text)]
    if len(exact) == 1:
        return exact[0].login, (), ""
    if found:
        return None, person_choices(exact or found), "Which of these?"
    near = await vocabulary.near_people(text) if text else ()
    closest = " These names are the closest." if near else ""
    return None, person_choices(near), f"I found nobody called {text or 'that'}.{closest}"


async def _group(text: str, vocabulary: Vocabulary) -> Understood:
    groups = await vocabulary.groups()
    exact = [group for group in groups if fold(group.name) == fold(text)]
    if len(exact) == 1:
        return exact[0].name, (), ""
    near = near_groups(text, groups)
    return None, group_choices(near), f"There is no group called {text or 'that'}."
