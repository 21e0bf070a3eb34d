"""What a person and the host say to each other in one scene, written down for the visitor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from helpdesk.events import Change, Confirmation, Event, Question, Said, Warned
from helpdesk.text import visible

Speaker: TypeAlias = Literal["host", "person", "note"]


@dataclass(frozen=True, slots=True)
class Line:
    """``note`` is neither of them: what happens beside the conversation."""

    speaker: Speaker
    text: str

    def to_json(self) -> Mapping[str, Any]:
        return {"speaker": self.speaker, "text": self.text}


@dataclass(slots=True)
class Record:
    """The lines of one scene. It only writes down; it answers nothing and agrees to nothing."""

    lines: list[Line] = field(default_factory=list)

    def _add(self, speaker: Speaker, text: str) -> None:
        self.lines.append(Line(speaker, visible(text)))

    def event(self, event: Event) -> None:
        """Progress and previews are left out: the confirmation and the result show the same."""
        if isinstance(event, Said):
            self._add("host", event.text)
        elif isinstance(event, Warned):
            self._add("host", f"{event.text} {event.hint}".strip())

    def confirmation(self, confirmation: Confirmation, answer: str) -> None:
        """In the words of a terminal's confirmation."""
        self._add("host", f"Please confirm: {confirmation.action}")
        self._add("host", confirmation.summary)
        self._add("host", f"as {confirmation.actor}")
        for change in confirmation.changes:
            self._add("host", described(change))
        for warning in confirmation.warnings:
            self._add("host", f"! {warning}")
        if confirmation.approvers:
            self._add("host", f"it then waits for {' or '.join(confirmation.approvers)}")
        target = f"This cannot be undone. Type {confirmation.target} to go on:"
        ask = target if confirmation.irreversible else "Do this? [y/N]"
        self._add("host", ask)
        self._add("person", answer)

    def question(self, question: Question, answer: str) -> None:
        self._add("host", question.text)
        self._add("person", answer)

    def note(self, text: str) -> None:
        self._add("note", text)


def described(change: Change) -> str:
    return f"- {change.target}: {change.what}: {change.before} → {change.after}"
