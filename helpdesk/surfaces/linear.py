"""Linear mode, for screen readers and dumb terminals: the same events as plain labelled lines.

Every line says at its beginning what it is. Nothing is drawn, nothing is coloured, and the cursor never moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, assert_never

from helpdesk.conversation.spoken import Told
from helpdesk.events import (
    Answered,
    Change,
    Citation,
    Confirmation,
    Event,
    Finished,
    ModelFinished,
    ModelSaid,
    Outcome,
    Previewed,
    Progress,
    Proposed,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.surfaces.look import clean
from helpdesk.surfaces.loop import interruptible
from helpdesk.surfaces.render import ANSWERS
from helpdesk.surfaces.telling import Teller
from helpdesk.surfaces.terminal import Terminal

if TYPE_CHECKING:
    from helpdesk.surfaces.tty import Tty

MODEL = "Model (not verified)"


def linear(told: Told) -> list[str]:
    """The lines of whatever the core tells or asks; each text is cleaned and carries its label."""
    match told:
        case Question():
            return list(_question(told))
        case Confirmation():
            return list(_confirmation(told))
        case Result():
            return list(_result(told))
        case Answered(result) | Finished(result):
            return list(_result(result))
        case Said(text):
            return _labelled("Helpdesk", text)
        case ModelSaid(text):
            return _labelled(MODEL, text)
        case ModelFinished(unproven):
            return ["Warning: the model's words above are not proven by any receipt."] if unproven else []
        case Proposed(action, arguments):
            given = ", ".join(f"{name} {value}" for name, value in arguments.items())
            return _labelled("Understood", f"{action}{f', {given}' if given else ''}")
        case Previewed(action, changes):
            return [f"Preview: {_one(action)}", *_changes(changes)]
        case Progress(_, text):
            return _labelled("Progress", text)
        case Warned(text, hint):
            return [*_labelled("Warning", text), *_labelled("What to do", hint)]
        case _:
            assert_never(told)


def _one(text: object) -> str:
    return clean(text)


def _labelled(label: str, text: str) -> list[str]:
    return [f"{label}: {_one(line)}" for line in text.splitlines() if line.strip()]


def _changes(changes: tuple[Change, ...]) -> Iterator[str]:
    for number, change in enumerate(changes, 1):
        before, after = _one(change.before) or "nothing", _one(change.after) or "nothing"
        yield f"Change {number}: {_one(change.target)}, {_one(change.what)}, from {before} to {after}"


def _question(question: Question) -> Iterator[str]:
    yield f"Question: {_one(question.text)}"
    for number, choice in enumerate(question.choices, 1):
        yield f"Choice {number}: {_one(choice.label)}"
    if question.default:
        yield f"Default: {_one(question.default)}"


def _confirmation(confirmation: Confirmation) -> Iterator[str]:
    yield f"Please confirm: {_one(confirmation.action)}"
    yield f"What: {_one(confirmation.summary)}"
    yield f"As: {_one(confirmation.actor)}"
    yield from _changes(confirmation.changes)
    for warning in confirmation.warnings:
        yield f"Warning: {_one(warning)}"
    if confirmation.approvers:
        yield f"Then waits for: {' or '.join(_one(name) for name in confirmation.approvers)}"
    if confirmation.irreversible:
        yield "Warning: this cannot be undone"
    yield "End of what is to be confirmed."


def _result(result: Result) -> Iterator[str]:
    first, *more = result.message.splitlines() or [""]
    yield f"{_head(result)} {_one(first)}"
    yield from (f"Text: {_one(line)}" for line in more if line.strip())
    yield from _changes(result.changes)
    if result.data is None:
        for seen in result.receipt:
            label = "Read back" if seen.as_expected else "Not as expected"
            wanted = "" if seen.as_expected else f", expected {_one(seen.expected)}"
            yield f"{label}: {_one(seen.target)}, {_one(seen.what)}, {_one(seen.observed)}{wanted}"
    for citation in result.citations or ():
        yield from _citation(citation)
    if result.rule:
        yield f"Rule: {_one(result.rule)}"
    if result.entry is not None and result.outcome is not Outcome.PREVIEWED:
        yield f"Log entry: {result.entry}"
    if result.request is not None:
        yield f"Request: {_one(result.request)}"
    if result.undoable and result.entry is not None:
        yield f"To take it back: helpdesk undo {result.entry}"
    if result.error is not None and result.error.hint:
        yield f"What to do: {_one(result.error.hint)}"


def _head(result: Result) -> str:
    """How the line of a result begins: an answer in words is none of an action, and "usage" is no word of people."""
    if result.error is not None and result.error.code in ANSWERS:
        return "Answer:"
    if result.outcome is Outcome.USAGE:
        return "Not done:"
    return f"Result: {result.outcome.value.replace('-', ' ')}."


def _citation(citation: Citation) -> Iterator[str]:
    heading = f", {_one(citation.heading)}" if citation.heading else ""
    yield f"Source: {_one(citation.file)}{heading}, line {citation.line}"
    yield from _labelled("Text", citation.text)


class LinearTeller(Teller):
    """Writes events as labelled lines. A model's words come out when a line of them is whole."""

    _prose_left = ""

    def tell(self, event: Event) -> None:
        if isinstance(event, ModelSaid):
            *whole, self._prose_left = (self._prose_left + event.text).split("\n")
            for line in whole:
                self._lines(linear(ModelSaid(event.text.__class__(line))))
            return
        self._rest()
        if isinstance(event, Proposed | Progress | Previewed | Finished) and not self._is_told(event):
            return
        self._lines(linear(event))

    def settle(self) -> None:
        self._rest()
        super().settle()

    def _is_told(self, event: Event) -> bool:
        """What a surface that can draw shows in passing is told only when it was asked for."""
        return self._verbose and not isinstance(event, Finished | Previewed)

    def _rest(self) -> None:
        rest, self._prose_left = self._prose_left, ""
        if rest:
            self._lines(_labelled(MODEL, rest))

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self.line(line)


class LinearTerminal(Terminal):
    """Asks with labelled lines and numbered choices."""

    def _show(self, confirmation: Confirmation) -> None:
        for line in linear(confirmation):
            self._say(line)

    def _asked(self, question: Question) -> list[str]:
        return linear(question)


class LinearLine:
    """The line of a chat in linear mode: what the terminal itself edits, with neither history nor completion."""

    def __init__(self, tty: Tty) -> None:
        self._tty = tty
        self.default_buffer = self
        self.text = ""

    def aside(self, tell: Callable[[], None]) -> None:
        """Say something while the line waits, and ask for it again; the terminal keeps what was typed so far."""
        self._tty.write("\n")
        tell()
        self._tty.write("You: ")

    async def prompt_async(self, *, handle_sigint: bool = True) -> str:  # noqa: ARG002
        """One line.

        Raises:
            EOFError: Ctrl-D. KeyboardInterrupt: Ctrl-C.
        """
        self._tty.write("You: ")
        task = asyncio.ensure_future(self._tty.line())
        with interruptible(task):
            try:
                line = await task
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise
                self._tty.write("\n")
                raise KeyboardInterrupt from None
        if line is None:
            self._tty.write("\n")
            raise EOFError
        return line
