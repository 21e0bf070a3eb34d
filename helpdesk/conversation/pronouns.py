""" "Unlock her", "reset it too", "the same for ben": the words that point at what was spoken of before.

What they point at is always something that the person named or chose, or that a verified read showed (L2).
Where it may be two, or none, it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from helpdesk.actions.call import Provenance
from helpdesk.conversation import talk
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.recollection import Object, Recollection
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.vocabulary import Vocabulary, group_choices, person_choices
from helpdesk.conversation.words import fold
from helpdesk.events import Choice, Outcome, Result
from helpdesk.identity import Person
from helpdesk.spec import ActionSpec, Parameter

_SOMEBODY = re.compile(
    r"\b(?:him|her|them|he|she|they|his|their|hers|theirs|(?:that|this|the same) (?:person|colleague|user|account|one))\b"
)
_IT = re.compile(rf"\b{talk.ORDERS} (?:it|that|this|that one|this one)\b")
_TOO = re.compile(r"\b(?:too|also|as well)\b")
_GROUP = re.compile(
    r"\b(?:(?:that|this|the same) (?:group|share|folder)|(?:to|into|of|from|in|for) (?:it|there|that|this))\b"
)
_SAME = re.compile(
    r"^\W*(?:(?:and|now|then|please|ok|okay|also|do|but)\b[\s,]*)*(?:the )?(?:same|likewise|ditto|do that|do it|that|it)\b"
    r"(?: thing| again| please)*,? (?:for|with|to|in) (?P<who>.+?)(?:,? please)?[\s.!?]*$"
)
_AND_ALSO = re.compile(
    r"^\W*(?:(?:and|now|then|please|ok|okay)\b[\s,]*)*(?:also )?(?:for )?(?P<who>[\w@.+-]+(?: [\w@.+-]+)?),? (?:too|also|as well)[\s.!?]*$"
)
_ALSO = re.compile(r"^\W*(?:and )?(?:also|and) (?:for )?(?P<who>[\w@.+-]+(?: [\w@.+-]+)?)[\s.!?]*$")
_LIST = re.compile(r"\s*(?:,|;|\band\b|\bplus\b|&)\s*")
MOST_READ = 6
"""Objects of one read that a pronoun can point at."""


def same_for(words: str) -> list[str]:
    """Whom or what the last request shall be repeated for: ["ben", "dana"]; [] when the words ask for no such thing."""
    text = fold(words)
    for pattern in (_SAME, _AND_ALSO, _ALSO):
        match = pattern.match(text)
        if match and not re.match(rf"(?:{talk.ORDERS}|please|who|what|is|are|how|why|when)\b", match["who"]):
            start, end = match.span("who")
            said = words[start:end] if len(text) == len(words) else match["who"]
            return [part for part in _LIST.split(said) if part]
    return []


def points(words: str) -> bool:
    """Whether a sentence points at somebody or something instead of naming them."""
    text = fold(words)
    return any(pattern.search(text) for pattern in (_SOMEBODY, _IT, _GROUP))


async def point(
    spec: ActionSpec, words: str, clues: Clues, slots: Slots, memory: Recollection, vocabulary: Vocabulary
) -> str:
    """Fill what the words point at from what was spoken of; returns a sentence that says so, or "".

    More than one that it can be, or none, becomes a doubt: it is asked.
    """
    text = fold(words)
    notes = []
    for parameter in spec.parameters:
        if parameter.name in slots.arguments or parameter.kind not in ("login", "group"):
            continue
        if parameter.name in slots.unsure and (clues.names or clues.groups):
            continue
        match = _pointer(parameter, spec, text, slots)
        if not match:
            continue
        found = memory.spoken(parameter.kind)
        names = [name for name in found.names if name not in slots.arguments.values()] if found else []
        live = await _live(parameter.kind, names, vocabulary)
        if len(live) == 1 and found is not None:
            slots.put(parameter.name, live[0].value, found.sources[live[0].value])
            notes.append(f"“{match}” is {live[0].label}.")
        else:
            whom = "Whom" if parameter.kind == "login" else "Which group"
            slots.doubt(parameter.name, tuple(live), f"{whom} do you mean by “{match}”?")
    return " ".join(notes)


def _pointer(parameter: Parameter, spec: ActionSpec, text: str, slots: Slots) -> str:
    """The word that stands for this argument, or ""."""
    if parameter.kind == "group":
        match = _GROUP.search(text)
        return match.group().split()[-1] if match else ""
    if match := _SOMEBODY.search(text):
        return match.group()
    has_group = any(p.kind == "group" and p.name not in slots.arguments for p in spec.parameters)
    if parameter.required and not has_group and (match := _IT.search(text)):
        return match.group().split()[-1]
    match = _TOO.search(text) if parameter.required else None
    return match.group() if match else ""


async def _live(kind: Object, names: Sequence[str], vocabulary: Vocabulary) -> list[Choice]:
    """Those of the names that still exist, as choices."""
    if kind == "group":
        return list(group_choices([group for group in await vocabulary.groups() if group.name in names]))
    return list(person_choices([p for name in names if (p := await _person(name, vocabulary))]))


async def _person(login: str, vocabulary: Vocabulary) -> Person | None:
    found = await vocabulary.find_person(login)
    return next((person for person in found if fold(person.login) == fold(login)), None)


async def note_read(result: Result, spec: ActionSpec, memory: Recollection, vocabulary: Vocabulary) -> None:
    """Remember whom a verified read was about, by the objects in its receipt; each is looked up again."""
    if not spec.reads or result.outcome is not Outcome.DONE:
        return
    targets = list(dict.fromkeys(o.target for o in result.receipt if o.as_expected))[:MOST_READ]
    groups = {group.name for group in await vocabulary.groups()} if targets else set()
    for target in targets:
        person = await _person(target, vocabulary)
        if person is not None and person.login != vocabulary.me.login:
            memory.mention("login", (person.login,), Provenance.READ)
        elif target in groups:
            memory.mention("group", (target,), Provenance.READ)
