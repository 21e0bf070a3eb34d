"""Corrections: "no, I meant finance-archive", "make it 30 days", "not ana, ana.b", "the reason is the audit"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from helpdesk.actions.call import Provenance
from helpdesk.actions.schema import parse_value
from helpdesk.conversation import talk
from helpdesk.conversation.live import day, groups_in, named_in, people_in
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.vocabulary import Vocabulary, group_choices, near_groups, person_choices
from helpdesk.conversation.words import correction, fold, tokens
from helpdesk.errors import InvalidArgument
from helpdesk.events import Choice
from helpdesk.spec import ActionSpec, Parameter

_LEAD = r"^(?:(?:no|nope|sorry|wait|oops|ah|oh|yes|yeah|ok|okay|but|and|actually|correction|i mean(?:t)?|make (?:it|that)|please|rather|it'?s|it is)\b[\s,.:;!–-]*)*"
_NOT_THIS = re.compile(
    rf"{_LEAD}not (?:for |to |into |in )?(?P<wrong>[^,;]{{1,60}}?)(?:\s*[,;–]\s*(?:but |rather )?|\s+but\s+)(?P<right>.+?)[.!\s]*$",
    re.I,
)
_RATHER_THAN = re.compile(
    rf"{_LEAD}(?P<right>.+?)(?:\s*,\s*(?:and )?not|\s+(?:instead of|rather than|and not))\s+(?:for |to )?(?P<wrong>[^,;]{{1,60}}?)[.!\s]*$",
    re.I,
)
_ONLY_NOT = re.compile(rf"{_LEAD}not (?P<wrong>[\w.@+-]+(?: [\w.@+-]+)?)[.!\s]*$", re.I)
_INSTEAD = re.compile(rf"{_LEAD}(?:use |take |try |say |choose |put )?(?P<right>.+?) instead[.!\s]*$", re.I)
_SET = re.compile(
    rf"{_LEAD}(?:change|set|switch|correct|make) (?:the |my )?(?P<name>[a-z][a-z _-]{{0,30}}?) (?:to|into|be|as)?\s*(?P<right>\S.*?)[.!\s]*$",
    re.I,
)
_IS = re.compile(
    rf"{_LEAD}(?:the |my )?(?P<name>[a-z][a-z _-]{{0,30}}?)(?: (?:is|should be|must be|was|will be)\b|\s*[:=])\s*(?P<right>\S.*?)[.!\s]*$",
    re.I,
)
_AFTER_YES = re.compile(
    r"^(?:yes|yeah|ok|okay|sure|fine)\b[\s,.]*(?:but|only|except)?\s*(?P<rest>(?:make|change|let|until|for|not|with)\b.+)$",
    re.I,
)
_ORDER = re.compile(
    rf"^(?:to |please |you to )*{talk.ORDERS}\b(?! (?:it|that|the \w+|my \w+) (?:to|into|be|as)\b)", re.I
)


@dataclass(frozen=True, slots=True)
class Contrast:
    """A correction: what shall stand instead, what was wrong ("" when it was not said), and of which argument."""

    right: str
    wrong: str = ""
    name: str = ""


def contrast(text: str, spec: ActionSpec | None = None) -> Contrast | None:
    """The correction in ``text``; ``None`` when it is none. With ``spec`` its arguments can be called by name."""
    text = text.strip()
    for pattern in (_NOT_THIS, _RATHER_THAN):
        if match := pattern.match(text):
            return Contrast(match["right"].strip(), match["wrong"].strip())
    for pattern in (_SET, _IS):
        match = pattern.match(text)
        if match and spec and (named := _parameter(match["name"], spec)):
            return Contrast(match["right"].strip(), name=named.name)
    if match := _ONLY_NOT.match(text):
        return Contrast("", match["wrong"].strip())
    if match := _AFTER_YES.match(text):
        return contrast(match["rest"], spec) or Contrast(match["rest"].strip())
    if (right := correction(text)) is not None:
        return Contrast(right)
    match = _INSTEAD.match(text)
    return Contrast(match["right"].strip()) if match else None


def denies(text: str, name: str) -> bool:
    """Whether a sentence says that a name is not meant: "not ana, ana.b", "anybody but ana"."""
    said = rf"\b(?:not|never|except|but|other than|instead of|rather than) (?:for |to |with |from )?{re.escape(fold(name))}(?![\w@-]|\.\w)"
    return re.search(said, fold(text)) is not None


def is_order(text: str) -> bool:
    """Whether a correction's words are an order of their own: "no, I want to change my password"."""
    return bool(_ORDER.match(text.strip()))


def _parameter(name: str, spec: ActionSpec) -> Parameter | None:
    wanted = fold(name.strip()).replace("_", " ").replace("-", " ")
    return next((p for p in spec.parameters if p.name.replace("_", " ") == wanted), None)


async def amend(
    said: Contrast, spec: ActionSpec, slots: Slots, vocabulary: Vocabulary, today: date
) -> list[str]:
    """Put what a correction names in its arguments' place, as typed; returns the arguments.

    A name that is almost one becomes a doubt, to be asked; what corrects nothing changes nothing.
    """
    if is_order(said.right):
        return []
    if said.name:
        parameter = spec.parameter(said.name)
        assert parameter is not None
        return await _put(parameter, said.right, slots, vocabulary, today)
    wrong = _holding(said.wrong, spec, slots) if said.wrong else None
    if wrong is not None:
        return await _put(wrong, said.right, slots, vocabulary, today)
    if not said.right:
        return []
    found = await named_in(said.right, spec, vocabulary, today, bare=True)
    for name, value in found.items():
        slots.put(name, value, Provenance.TYPED)
    return list(found) or await _nearly(said.right, spec, slots, vocabulary)


def _holding(wrong: str, spec: ActionSpec, slots: Slots) -> Parameter | None:
    """The argument that has the value which was called wrong."""
    return next(
        (p for p in spec.parameters if fold(str(slots.arguments.get(p.name, "\0"))) == fold(wrong)), None
    )


async def _put(
    parameter: Parameter, text: str, slots: Slots, vocabulary: Vocabulary, today: date
) -> list[str]:
    value: Any = None
    choices: Sequence[Choice] = ()
    note = f"There is no {parameter.name} called {text}." if text else "Then which one?"
    if parameter.kind == "login" and text:
        sure, perhaps = await people_in(text, vocabulary)
        value = sure[0].login if len(sure) == 1 else None
        choices = person_choices(sure or perhaps or await vocabulary.near_people(text))
    elif parameter.kind == "group" and text:
        exact = await groups_in(text, vocabulary)
        value = exact[0].name if len(exact) == 1 else None
        choices = group_choices(exact or near_groups(text, await vocabulary.groups()))
    elif parameter.kind == "date":
        value = day(text, today)
    elif text:
        try:
            value = parse_value(parameter, text)
        except InvalidArgument as error:
            note = error.message
    if value is not None:
        slots.put(parameter.name, value, Provenance.TYPED)
    else:
        slots.arguments.pop(parameter.name, None)
        slots.doubt(parameter.name, tuple(choices), note)
    return [parameter.name]


async def _nearly(text: str, spec: ActionSpec, slots: Slots, vocabulary: Vocabulary) -> list[str]:
    """A correction that is almost somebody's name, or a group's: offered, never acted upon."""
    if len(tokens(text)) > 2:
        return []
    for parameter in spec.parameters:
        if parameter.kind == "login":
            sure, perhaps = await people_in(text, vocabulary)
            choices = person_choices(sure or perhaps or await vocabulary.near_people(text))
        elif parameter.kind == "group":
            choices = group_choices(near_groups(text, await vocabulary.groups()))
        else:
            continue
        if choices:
            slots.arguments.pop(parameter.name, None)
            slots.doubt(parameter.name, choices, f"I found nothing called {text}.")
            return [parameter.name]
    return []
