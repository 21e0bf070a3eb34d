"""What the core tells and asks, as it is said aloud: short, without signs, one question at a time, never a secret.

A surface that speaks says :func:`spoken`; whatever it hears goes back as :class:`helpdesk.events.Heard`.
"""

from __future__ import annotations

import re
from typing import TypeAlias, assert_never

from helpdesk.conversation.dates import MONTHS
from helpdesk.events import (
    Answered,
    Change,
    Confirmation,
    Event,
    Finished,
    ModelFinished,
    ModelSaid,
    Observation,
    Outcome,
    Previewed,
    Progress,
    Proposed,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.text import visible

Told: TypeAlias = Event | Question | Confirmation | Result

LONGEST = 400
"""Characters of one thing that is said; the rest is on the screen, and in the log."""
LONG_NAME = 80
"""Characters of a name or a value inside a sentence."""
MANY = 5
"""Choices and changes that are said one by one."""
_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_TIME = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(r"\bhttps?://\S+")
_COMMAND = re.compile(
    r"[^.;!?]*\bhelpdesk (?:do|log|login|logout|undo|approvals|policy|doctor|config|case|ask|privacy)\b[^;]*"
)
_ID = re.compile(r"\b([A-Za-z]{1,3})-(?=\w*\d)(\w+)\b")
_LONG = re.compile(r"\b[0-9a-f]{16,}\b")
_DOT = re.compile(r"(?<=\w)\.(?=\w)")
_WORDS = {
    "→": " becomes ", "&": " and ", "%": " percent ", "+": " plus ", "@": " at ", "€": " euros ", "$": " dollars ",
    "=": " is ", "…": ".", "‥": ".", "’": "'", ";": ",", ":": ",", "!": ".", "–": ",", "—": ",", "·": ",", "✓": "",
}  # fmt: skip
_OUTCOMES = {
    Outcome.DONE: "Done",
    Outcome.PREVIEWED: "Nothing was changed, this is what would happen",
    Outcome.FAILED: "It failed",
    Outcome.CANCELLED: "Cancelled",
    Outcome.USAGE: "That was not clear",
    Outcome.REFUSED: "That is not allowed",
    Outcome.PENDING: "It waits for somebody to agree",
    Outcome.ACCEPTED: "It was accepted, and is not done yet",
    Outcome.NOT_SIGNED_IN: "You are not signed in",
    Outcome.UNKNOWN: "It is not known whether it was done",
    Outcome.UNREACHABLE: "A system gave no answer",
    Outcome.PARTIAL: "A part of it was done",
    Outcome.INTERRUPTED: "It was interrupted",
}


def spoken(told: Told) -> str:
    """What is said aloud; "" for what need not be said. Only a question ends with a question mark."""
    match told:
        case Question():
            return _question(told)
        case Confirmation():
            return _confirmation(told)
        case Result():
            return _result(told)
        case Answered(result) | Finished(result):
            return _result(result)
        case Said(text):
            return _short(text)
        case ModelSaid(text):
            said = _short(text)
            return f"The model says, {said}" if said else ""
        case ModelFinished(unproven):
            return "Nothing proves what the model said." if unproven else ""
        case Proposed(action):
            return f"I take it as {_name(action)}."
        case Previewed(_, changes):
            return _join(_some(changes))
        case Progress(_, text):
            return _short(text)
        case Warned(text, hint):
            return _join(["Attention. " + _short(text), _short(hint)])
        case _:
            assert_never(told)


def speakable(text: str) -> str:
    """``text`` in words: dates and times as they are said, names and numbers without signs, commands left out."""
    text = _COMMAND.sub(" ", visible(text, one_line=True).replace("⏎", ". "))
    text = _ADDRESS.sub(" a link ", text)
    text = _MAIL.sub(lambda m: m.group().replace("@", " at ").replace(".", " dot ").replace("-", " "), text)
    text = _DATE.sub(_date, text)
    text = _TIME.sub(lambda m: f"{int(m[1])} {m[2]}" if m[2] != "00" else f"{int(m[1])} o'clock", text)
    text = _LONG.sub(" a long number ", text)
    text = _ID.sub(lambda m: f"{' '.join(m[1].upper())} {m[2]}", text)
    text = _DOT.sub(
        lambda m: "." if text[m.start() - 1].isdigit() and text[m.end()].isdigit() else " dot ", text
    )
    for sign, words in _WORDS.items():
        text = text.replace(sign, words)
    text = "".join(c if c.isalnum() or c.isspace() or c in ".,?'" else " " for c in text)
    text = re.sub(r"\s+([.,?])", r"\1", " ".join(text.split()))
    return re.sub(r"[.,]*([.?])[.,]*", r"\1", re.sub(r",+", ",", text)).strip(" ,")


def _date(match: re.Match[str]) -> str:
    year, month, day = (int(part) for part in match.groups())
    return f"{day} {MONTHS[month - 1].capitalize()} {year}" if 1 <= month <= 12 else match.group()


def _short(text: str) -> str:
    """Whole sentences as far as they fit; a question of somebody else's text is none of ours."""
    said = speakable(text).replace("?", ".")
    if len(said) > LONGEST:
        cut = said[:LONGEST]
        end = max(cut.rfind(". "), 0)
        said = f"{cut[: end + 1] if end else cut.rsplit(' ', 1)[0] + '.'} There is more on the screen."
    return said if not said or said.endswith(".") else f"{said}."


def _join(parts: list[str]) -> str:
    return " ".join(part for part in parts if part)


def _name(text: str) -> str:
    return speakable(text.replace(".", " ").replace("_", " ")).replace("?", "")


def _change(change: Change) -> str:
    before, after = (_name_of(value) or "nothing" for value in (change.before, change.after))
    return f"{_name_of(change.target)}, {_name_of(change.what)}, {before} becomes {after}."


def _name_of(text: str) -> str:
    """A name or a value inside a sentence; a long one is cut, and it is said that it was."""
    said = speakable(text).replace("?", "").rstrip(".")
    return said if len(said) <= LONG_NAME else f"{said[:LONG_NAME].rsplit(' ', 1)[0]} and so on"


def _some(changes: tuple[Change, ...]) -> list[str]:
    said = [_change(change) for change in changes[:MANY]]
    return said + [f"And {len(changes) - MANY} more, on the screen."] * (len(changes) > MANY)


def _question(question: Question) -> str:
    topic = _name(question.text.partition(": ")[0]) if ": " in question.text else ""
    asked = _short(question.text.partition(": ")[2] if topic else question.text).rstrip(".")
    asked = f"{topic}. {asked}" if topic else asked
    if question.secret:
        return f"{asked}. It is secret, so please type it. Will you do that now?"
    choices = question.choices
    if choices:
        said = ", ".join(f"{n}, {_name_of(c.label)}" for n, c in enumerate(choices[:MANY], 1))
        more = f", and {len(choices) - MANY} more on the screen" if len(choices) > MANY else ""
        return f"{asked}. The choices are {said}{more}. Which one?"
    return f"{asked}?"


def _confirmation(confirmation: Confirmation) -> str:
    parts = ["Please confirm.", _short(confirmation.summary), *_some(confirmation.changes)]
    parts += [f"Attention. {_short(warning)}" for warning in confirmation.warnings]
    if confirmation.approvers:
        parts.append(f"It then waits for {' or '.join(_name_of(name) for name in confirmation.approvers)}.")
    if confirmation.irreversible:
        parts.append("This cannot be undone, so the name must be typed.")
        return _join(parts) + f" Do you type {_name_of(confirmation.target)} now?"
    return _join(parts) + " Shall I do it, yes or no?"


def _result(result: Result) -> str:
    parts = [f"{_OUTCOMES[result.outcome]}.", _short(result.message)]
    if result.outcome is Outcome.PREVIEWED:
        parts += _some(result.changes)
    parts += [f"Not as expected. {_seen(o)}" for o in result.receipt if not o.as_expected][:MANY]
    if result.citations:
        found = result.citations[0]
        parts.append(f"It stands in {_name_of(found.file)}, {_name_of(found.heading)}, line {found.line}.")
        parts.append(_short(found.text))
    if result.outcome is Outcome.DONE and result.entry is not None:
        parts.append(f"It is entry {result.entry} of the log.")
    if result.request is not None:
        parts.append(f"The request is {_name_of(result.request)}.")
    if result.error is not None:
        parts.append(_short(result.error.hint))
    return _join(parts)


def _seen(observation: Observation) -> str:
    return (
        f"{_name_of(observation.target)}, {_name_of(observation.what)}, is {_name_of(observation.observed)}, "
        f"and should be {_name_of(observation.expected)}."
    )
