"""Questions made from an action's schema, and what they mean in other words."""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.conversation.texts import REASONS
from helpdesk.conversation.vocabulary import Vocabulary
from helpdesk.events import Change, Choice, Confirmation, Question
from helpdesk.spec import ActionSpec, Parameter

_VALUES = {
    "login": "LOGIN",
    "group": "NAME",
    "text": "TEXT",
    "integer": "NUMBER",
    "date": "DATE",
    "choice": "CHOICE",
    "boolean": "yes",
}
_ANSWERS = {
    "login": "a login, a mail address or a whole name",
    "group": "the name of a group",
    "text": "a few words of your own",
    "integer": "a whole number, such as 7",
    "date": "a day, such as 2026-12-31, friday or 30 days",
    "choice": "one of the choices",
    "boolean": "yes or no",
}


LEFT_OUT = "(Enter alone leaves it out)"


def question(
    parameter: Parameter, spec: ActionSpec, choices: tuple[Choice, ...], *, secret: bool = False
) -> Question:
    """The question for one argument."""
    what = parameter.help or parameter.name.replace("_", " ")
    text = f"{what[:1].upper()}{what[1:]}".rstrip(".?:") + (":" if secret else "?")
    default = None
    if parameter.name in REASONS and not parameter.required:
        text, default = f"A reason, if you like: {what.rstrip('.?:')} {LEFT_OUT}", ""
    if parameter.kind == "choice" and not choices:
        choices = tuple(Choice(choice, choice) for choice in parameter.choices)
    return Question(
        parameter.name,
        f"{spec.name}: {text}",
        _way(parameter, spec),
        choices,
        secret=secret,
        repeat=secret,
        default=default,
        kind=parameter.kind,
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


async def explanation(
    parameter: Parameter, spec: ActionSpec, choices: Sequence[Choice], vocabulary: Vocabulary
) -> str:
    """Why an argument is asked for and what can be answered, from the schema and the live names."""
    what = parameter.help or parameter.name.replace("_", " ")
    needed = (
        "It cannot be done without it"
        if parameter.required
        else "It can be left out, but your words leave it open, and nothing is guessed"
    )
    examples = await _examples(parameter, choices, vocabulary)
    such = f", such as {' or '.join(examples)}" if examples and parameter.kind in ("login", "group") else ""
    listed = " Or answer with the number of a choice." if choices else ""
    stop = "Say cancel to stop." if parameter.required else "Say skip to leave it out, or cancel to stop."
    return (
        f"This is for {spec.name}: {spec.summary.rstrip('.')}. I need: {what}. {needed}. "
        f"Answer with {_ANSWERS[parameter.kind]}{such}.{_one_of(parameter)}{listed} {stop}"
    )


def _one_of(parameter: Parameter) -> str:
    return f" These are: {', '.join(parameter.choices)}." if parameter.choices else ""


async def _examples(parameter: Parameter, choices: Sequence[Choice], vocabulary: Vocabulary) -> Sequence[str]:
    offered = [choice.value for choice in choices if choice.value != "none"][:2]
    if offered or parameter.kind not in ("login", "group"):
        return offered
    if parameter.kind == "group":
        return [group.name for group in await vocabulary.groups()][:2]
    return [vocabulary.me.login]


def choices_explained(asked: Question) -> str:
    """What a question with choices wants."""
    labels = "; ".join(f"{number}, {choice.label}" for number, choice in enumerate(asked.choices, 1))
    return f"One of these is needed, and nothing happens before you choose: {labels}. Say cancel to stop."


def confirmation_explained(confirmation: Confirmation, spec: ActionSpec | None) -> str:
    """What a confirmation asks for, in other words; all of it from the canonical call (L3)."""
    what = f" {spec.summary}" if spec is not None else ""
    back = (
        " It cannot be taken back."
        if confirmation.irreversible
        else " It can be taken back afterwards."
        if spec is not None and spec.undoable
        else ""
    )
    changes = "; ".join(_change(change) for change in confirmation.changes)
    return (
        f"This is {confirmation.action}.{what} Nothing has changed so far. If you agree: {changes or confirmation.summary}."
        f"{back} Say yes to do it, no to leave it, or correct it, such as “make it …” or “not …, but …”."
    )


def _change(change: Change) -> str:
    return f"{change.target}, {change.what}: {change.before or 'nothing'} becomes {change.after or 'nothing'}"
