"""Filling an action's arguments from the person's words and the live directory. What is unsure is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from helpdesk.actions.call import Provenance
from helpdesk.conversation.clues import Clues, candidates
from helpdesk.conversation.dates import COUNT, find_date, number
from helpdesk.conversation.texts import find_text
from helpdesk.conversation.vocabulary import (
    Vocabulary,
    by_login,
    group_choices,
    is_named,
    near_groups,
    person_choices,
)
from helpdesk.conversation.words import fold, occurs, stands, tokens
from helpdesk.events import Choice
from helpdesk.identity import Person
from helpdesk.spec import ActionSpec, Parameter

_ME = re.compile(r"\b(?:me|my|myself|i)\b")


@dataclass(slots=True)
class Slots:
    """The arguments found so far.

    Attributes:
        unsure: arguments with several readings, or names that nothing has: to be asked, never guessed.
        notes: one sentence for the person before an unsure argument is asked.
        left_out: arguments that the person was asked for and wants no value for.
    """

    arguments: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Provenance] = field(default_factory=dict)
    unsure: dict[str, tuple[Choice, ...]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def put(self, name: str, value: Any, provenance: Provenance) -> None:
        self.arguments[name] = value
        self.provenance[name] = provenance
        self.unsure.pop(name, None)
        self.notes.pop(name, None)

    def leave_out(self, name: str) -> None:
        """The person wants no value for it."""
        self.left_out.add(name)
        self.arguments.pop(name, None)
        self.provenance.pop(name, None)
        self.unsure.pop(name, None)
        self.notes.pop(name, None)

    def doubt(self, name: str, choices: tuple[Choice, ...], note: str) -> None:
        self.unsure[name] = choices
        self.notes[name] = note


async def fill(
    spec: ActionSpec, words: str, clues: Clues, vocabulary: Vocabulary, today: date, flow: str = ""
) -> Slots:
    """Everything the words tell about the arguments of ``spec``; the rest stays open."""
    slots = Slots()
    await _people(spec, words, clues, vocabulary, slots)
    await _groups(spec, words, clues, vocabulary, slots)
    for parameter in spec.parameters:
        value = plain_value(parameter, spec, words, clues, today, flow)
        if value is not None:
            slots.put(parameter.name, value, Provenance.TYPED)
    return slots


async def _people(spec: ActionSpec, words: str, clues: Clues, vocabulary: Vocabulary, slots: Slots) -> None:
    open_ones = [p for p in spec.parameters if p.kind == "login"]
    if not open_ones:
        return
    sure, perhaps = await look_up(clues, vocabulary)
    if len(sure) > len(open_ones):
        slots.doubt(open_ones[0].name, person_choices(sure), "That fits more than one person.")
        return
    for parameter, person in zip(open_ones, sure, strict=False):
        slots.put(parameter.name, person.login, Provenance.TYPED)
    near = [] if sure or perhaps or not clues.names else await near_names(clues, vocabulary)
    for parameter in open_ones[len(sure) :]:
        _unnamed(parameter, spec, words, clues, vocabulary.me, perhaps, near, slots)


async def near_names(clues: Clues, vocabulary: Vocabulary) -> list[Person]:
    """People whose names are the closest to those of the sentence, which nobody has."""
    found: dict[str, Person] = {}
    for name in sorted(clues.names):
        found |= {person.id: person for person in await vocabulary.near_people(name)}
    return list(found.values())


async def look_up(clues: Clues, vocabulary: Vocabulary) -> tuple[list[Person], list[Person]]:
    """The live people that the words name beyond doubt, in the order named, and those they may mean."""
    sure: dict[str, Person] = {}
    perhaps: dict[str, Person] = {}
    for word in candidates(clues):
        found = await vocabulary.find_person(word)
        exact = [person for person in found if is_named(person, clues.told)]
        for person in exact:
            sure.setdefault(person.id, person)
        if not exact and word in clues.names | set(_initial(found)):
            perhaps |= {person.id: person for person in found}
    logins = [person for person in sure.values() if by_login(person, clues.told, [*sure.values()])]
    return logins or list(sure.values()), [p for p in perhaps.values() if p.id not in sure]


def _initial(people: Sequence[Person]) -> set[str]:
    """The first and last names of the people found: a word that is one of them was meant as a name."""
    return {token for person in people for token in tokens(person.name)}


def _unnamed(
    parameter: Parameter,
    spec: ActionSpec,
    words: str,
    clues: Clues,
    me: Person,
    perhaps: Sequence[Person],
    near: Sequence[Person],
    slots: Slots,
) -> None:
    """An argument for a person that no exact name was found for."""
    if perhaps:
        if spec.reads and len(perhaps) == 1:
            slots.put(parameter.name, perhaps[0].login, Provenance.TYPED)
            return
        note = "Let me make sure who you mean."
        slots.doubt(parameter.name, person_choices(perhaps), note)
    elif clues.names:
        named = ", ".join(sorted(clues.names))
        closest = " These names are the closest." if near else ""
        slots.doubt(parameter.name, person_choices(near), f"I found nobody called {named}.{closest}")
    elif parameter.required and _ME.search(fold(words)) and not clues.about_other:
        slots.put(parameter.name, me.login, Provenance.TYPED)


async def _groups(spec: ActionSpec, words: str, clues: Clues, vocabulary: Vocabulary, slots: Slots) -> None:
    wanted = [p for p in spec.parameters if p.kind == "group"]
    if not wanted:
        return
    live = await vocabulary.groups()
    alike = [group for group in live if occurs(group.name, clues.told)]
    exact = [group for group in alike if stands(group.name, clues.told)] or alike
    for parameter, group in zip(wanted, exact if len(exact) <= len(wanted) else [], strict=False):
        slots.put(parameter.name, group.name, Provenance.TYPED)
    for parameter in wanted:
        if parameter.name in slots.arguments or not (parameter.required or clues.groups):
            continue
        if len(exact) > len(wanted):
            slots.doubt(parameter.name, group_choices(exact), "That fits more than one group.")
        elif near := near_groups(words, live):
            note = (
                f"There is no group called {clues.groups[0]}."
                if clues.groups and clues.groups[0] not in {group.name for group in live}
                else "Let me make sure which group."
            )
            slots.doubt(parameter.name, group_choices(near), note)
        elif clues.groups:
            slots.doubt(parameter.name, (), f"There is no group called {clues.groups[0]}.")


def plain_value(
    parameter: Parameter, spec: ActionSpec, words: str, clues: Clues, today: date, flow: str
) -> Any:
    """The value of an argument that needs no look-up; ``None`` when the words hold none."""
    match parameter.kind:
        case "text":
            return find_text(parameter, spec, words, clues, flow) or None
        case "date":
            if parameter.moment and (days := spec.parameter("days")) and _integer(days, words) is not None:
                return None  # "for two weeks" is counted from when it is given, and is no day
            found = find_date(words, today)
            return found.isoformat() if found else None
        case "integer":
            return _integer(parameter, words)
        case "choice":
            return _choice(parameter, words)
        case "boolean":
            return _boolean(parameter, words)
        case _:
            return None


def _integer(parameter: Parameter, words: str) -> int | None:
    counted = [(number(m["n"]), m["unit"] or "") for m in COUNT.finditer(fold(words))]
    name = parameter.name.rstrip("s")
    for count, unit in counted:
        if unit.rstrip("s") == name:
            return count
        if name == "day" and unit.rstrip("s") == "week":
            return count * 7
    return counted[0][0] if parameter.required and len(counted) == 1 else None


def _choice(parameter: Parameter, words: str) -> str | None:
    said = [choice for choice in parameter.choices if occurs(choice, words)]
    return said[0] if len(said) == 1 else None


def _boolean(parameter: Parameter, words: str) -> bool | None:
    name = re.escape(parameter.name.replace("_", " "))
    text = fold(words)
    if re.search(rf"\b(?:without|no|not|don't|do not) (?:\w+ )?{name}", text):
        return False
    return True if re.search(rf"\b(?:with|also|and) {name}", text) else None
