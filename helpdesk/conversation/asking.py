"""Asking the person: one question at a time, with "cancel" and "no, I meant …" understood at each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from helpdesk.actions.call import Provenance
from helpdesk.actions.schema import parse_value
from helpdesk.conversation import talk
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.vocabulary import (
    Vocabulary,
    group_choices,
    is_exactly,
    near_groups,
    person_choices,
)
from helpdesk.conversation.words import correction, fold, is_cancel, is_cancel_word
from helpdesk.errors import Cancelled, InvalidArgument
from helpdesk.events import Choice, Question, Said
from helpdesk.ports import Interaction
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec, Parameter

TRIES = 4
"""Answers to one question before the conversation gives up."""
NONE = "none"
"""The value of the choice that declines all others."""
_VALUES = {
    "login": "LOGIN",
    "group": "NAME",
    "text": "TEXT",
    "integer": "NUMBER",
    "date": "DATE",
    "choice": "CHOICE",
    "boolean": "yes",
}
FEW = 20
"""Groups that are listed where one is asked for; more are left to be typed."""


async def complete(
    spec: ActionSpec, slots: Slots, vocabulary: Vocabulary, interaction: Interaction
) -> dict[str, Secret]:
    """Ask for every argument that is missing or unsure, into ``slots``; returns the secret ones.

    Raises:
        Cancelled: the person stopped, or no answer could be used.
        UsageError: nobody is there to ask; the message names the flag.
    """
    for parameter in spec.parameters:
        if parameter.kind == "secret":
            continue
        missing = parameter.required and parameter.name not in slots.arguments
        if missing or parameter.name in slots.unsure:
            await ask(parameter, spec, slots, vocabulary, interaction)
    if _says_nothing(spec, slots):
        await _ask_which(spec, slots, vocabulary, interaction)
    return await secrets_of(spec, interaction)


async def secrets_of(spec: ActionSpec, interaction: Interaction) -> dict[str, Secret]:
    """Ask for the secret arguments; the word "cancel" cancels, and is nobody's secret. Errors as :func:`complete`."""
    secrets = {}
    for parameter in spec.parameters:
        if parameter.kind == "secret" and parameter.required:
            secret = await interaction.ask_secret(_question(parameter, spec, (), secret=True))
            if is_cancel_word(secret.expose()):
                raise Cancelled("Cancelled; nothing was changed.")
            secrets[parameter.name] = secret
    return secrets


async def ask(
    parameter: Parameter,
    spec: ActionSpec,
    slots: Slots,
    vocabulary: Vocabulary,
    interaction: Interaction,
    choices: tuple[Choice, ...] = (),
) -> None:
    """Ask for one argument until the answer can be used; the answer counts as the person's choice."""
    choices = choices or slots.unsure.get(parameter.name, ())
    if parameter.kind == "group" and not choices and len(groups := await vocabulary.groups()) <= FEW:
        choices = group_choices(groups, most=FEW)
    if note := slots.notes.get(parameter.name):
        interaction.emit(Said(note))
    for _ in range(TRIES):
        answer = await interaction.ask(_question(parameter, spec, _with_way_out(choices)))
        if is_cancel(answer):
            raise Cancelled("Cancelled; nothing was changed.")
        if answer.startswith("/") and parameter.kind in ("login", "group"):
            raise Cancelled("Cancelled; nothing was changed.", words=answer)
        if choices and fold(answer.strip()) == NONE:
            choices = ()
            continue
        instead = correction(answer)
        if instead is not None and await _corrects(parameter, instead, spec, slots, vocabulary, interaction):
            continue
        value, choices, note = await _understood(parameter, instead or answer, vocabulary, choices)
        if value is not None:
            slots.put(parameter.name, value, Provenance.CHOSEN)
            return
        interaction.emit(Said(note))
    raise Cancelled(f"{spec.name} needs {parameter.name}, and no answer could be used; nothing was changed.")


def _with_way_out(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    return (*choices, Choice(NONE, "none of these")) if choices else ()


def _question(
    parameter: Parameter, spec: ActionSpec, choices: tuple[Choice, ...], *, secret: bool = False
) -> Question:
    what = parameter.help or parameter.name.replace("_", " ")
    text = f"{what[:1].upper()}{what[1:]}".rstrip(".?:") + (":" if secret else "?")
    if parameter.kind == "choice" and not choices:
        choices = tuple(Choice(choice, choice) for choice in parameter.choices)
    return Question(
        parameter.name, f"{spec.name}: {text}", _way(parameter, spec), choices, secret=secret, repeat=secret
    )


def _way(parameter: Parameter, spec: ActionSpec) -> str:
    """The command that takes the argument where nobody can be asked: a sentence has no flags for it."""
    value = (
        f"{parameter.flag}-file FILE"
        if parameter.kind == "secret"
        else f"{parameter.flag} {_VALUES[parameter.kind]}"
    )
    others = any(p.required and p is not parameter for p in spec.parameters)
    return f"helpdesk do {spec.name} {'… ' if others else ''}{value}"


async def _understood(
    parameter: Parameter, answer: str, vocabulary: Vocabulary, choices: tuple[Choice, ...]
) -> tuple[Any, tuple[Choice, ...], str]:
    """The value an answer stands for, or the choices and the sentence to ask again with."""
    text = answer.strip()
    by_label = {fold(choice.label): choice.value for choice in choices}
    text = by_label.get(fold(text), text)
    if parameter.kind == "login":
        return await _understood_person(text, vocabulary)
    if parameter.kind == "group":
        return await _understood_group(text, vocabulary)
    if not text:
        return None, choices, "An answer is needed; say cancel to stop."
    try:
        return parse_value(parameter, text), choices, ""
    except InvalidArgument as error:
        return None, choices, error.message


async def _understood_person(text: str, vocabulary: Vocabulary) -> tuple[Any, tuple[Choice, ...], str]:
    if fold(text) in ("me", "myself", "i"):
        return vocabulary.me.login, (), ""
    found = list(await vocabulary.find_person(text)) if text else []
    exact = [p for p in found if fold(p.login) == fold(text)] or [p for p in found if is_exactly(p, text)]
    if len(exact) == 1:
        return exact[0].login, (), ""
    if found:
        return None, person_choices(exact or found), "Which of these?"
    return None, (), f"I found nobody called {text or 'that'}."


async def _understood_group(text: str, vocabulary: Vocabulary) -> tuple[Any, tuple[Choice, ...], str]:
    groups = await vocabulary.groups()
    exact = [group for group in groups if fold(group.name) == fold(text)]
    if len(exact) == 1:
        return exact[0].name, (), ""
    near = near_groups(text, groups)
    return None, group_choices(near), f"There is no group called {text or 'that'}."


async def _corrects(
    asked: Parameter,
    instead: str,
    spec: ActionSpec,
    slots: Slots,
    vocabulary: Vocabulary,
    interaction: Interaction,
) -> bool:
    """Whether a correction was about an argument given before; then that one is replaced."""
    if asked.kind in ("login", "group"):
        return False
    name = await corrected(instead, spec, slots, vocabulary)
    if name:
        interaction.emit(Said(f"{name} is now {slots.arguments[name]}."))
    return bool(name)


async def corrected(instead: str, spec: ActionSpec, slots: Slots, vocabulary: Vocabulary) -> str:
    """Put a live name that the person gave as a correction in its argument's place; returns the argument."""
    text = instead.strip(" .!?")
    for parameter in spec.parameters:
        if parameter.kind == "group":
            value, _, _ = await _understood_group(text, vocabulary)
        elif parameter.kind == "login":
            value, _, _ = await _understood_person(text, vocabulary)
        else:
            continue
        if value is not None:
            slots.put(parameter.name, value, Provenance.TYPED)
            return parameter.name
    return ""


def _says_nothing(spec: ActionSpec, slots: Slots) -> bool:
    """A write whose arguments are all optional, and none is given: it would change nothing."""
    open_ones = [p for p in spec.parameters if p.kind != "secret"]
    return bool(
        not spec.reads
        and open_ones
        and not any(p.required for p in spec.parameters)
        and all(p.default is None for p in open_ones)
        and not slots.arguments
    )


async def _ask_which(
    spec: ActionSpec, slots: Slots, vocabulary: Vocabulary, interaction: Interaction
) -> None:
    open_ones = [p for p in spec.parameters if p.kind != "secret"]
    choices = tuple(Choice(p.name, p.help or p.name) for p in open_ones)
    flags = f"helpdesk do {spec.name} with {' or '.join(p.flag for p in open_ones)}"
    name = await choose(
        Question("which", f"{spec.name}: what shall be changed?", flags, choices), interaction
    )
    parameter = spec.parameter(name)
    if parameter is not None:
        await ask(parameter, spec, slots, vocabulary, interaction)


async def choose(question: Question, interaction: Interaction, *, sentences: bool = False) -> str:
    """The value of the choice the person made. Raises Cancelled and UsageError as :func:`complete` does.

    Args:
        sentences: what is no choice but a sentence ends the question; Cancelled carries it in ``words``.
    """
    for _ in range(TRIES):
        answer = (await interaction.ask(question)).strip()
        if is_cancel(answer):
            break
        said = _YES_OR_NO.sub(lambda match: {"y": "yes", "n": "no"}[match[1][0]], fold(answer))
        for choice in question.choices:
            if said in (fold(choice.value), fold(choice.label)):
                return choice.value
        if answer.startswith("/") or (sentences and _is_sentence(answer)):
            raise Cancelled("Cancelled; nothing was changed.", words=answer)
        interaction.emit(Said("Please answer with one of the choices, or say cancel."))
    raise Cancelled("Cancelled; nothing was changed.")


_YES_OR_NO = re.compile(r"^(y|yes|n|no|nope)(?:,? (?:please|thanks|thank you))?[.!]*$")


def _is_sentence(answer: str) -> bool:
    return len(answer.split()) > 1 or bool(talk.kind(answer))


async def agree(
    text: str, flag: str, labels: Sequence[str], interaction: Interaction, *, name: str = "choice"
) -> bool:
    """A plain yes or no that confirms nothing but the question itself."""
    choices = (Choice("yes", labels[0]), Choice("no", labels[1]))
    return await choose(Question(name, text, flag, choices), interaction, sentences=True) == "yes"
