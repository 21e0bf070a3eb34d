"""What a feed is made of: what somebody said, and cards of actions. Plain values, drawn only when they are seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from textual.content import Content

from helpdesk.surfaces.tui.paint import MODEL_BAR, safe, safe_lines
from helpdesk.text import visible


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph: ``body`` is wrapped beside ``bar``, which is drawn again on each line of it."""

    body: Content
    bar: Content = field(default_factory=Content.empty)


_LONG = 1_000
"""Characters of a model's words that are wrapped together."""


class Block(Protocol):
    """One thing in a feed.

    Attributes:
        version: counts up whenever what is drawn may have changed.
        selectable: the keys of the feed act upon it.
    """

    version: int

    @property
    def selectable(self) -> bool: ...

    def lines(self, width: int) -> list[Line]:
        """What is drawn, for this many columns."""
        ...


@dataclass(slots=True)
class Words:
    """Somebody's words: the person's ("you"), the program's ("") or a warning ("warning")."""

    text: str
    who: str = ""
    hint: str = ""
    version: int = 0
    selectable: bool = False

    def lines(self, width: int) -> list[Line]:  # noqa: ARG002 (the feed wraps)
        if self.who == "you":
            bar = Content.styled("› ", "$accent bold")
            return [Line(Content.empty()), *(Line(part, bar) for part in safe_lines(self.text, "bold"))]
        if self.who == "warning":
            bar = Content.styled("! ", "$warning bold")
            lines = [Line(part, bar) for part in safe_lines(self.text, "$text-warning")]
            return [*lines, Line(safe(self.hint, "$text-muted"), Content("  "))] if self.hint else lines
        return [Line(part, Content("  ")) for part in safe_lines(self.text)]


@dataclass(slots=True)
class Own:
    """Lines that the program made and cleaned: a case, an explanation."""

    text: tuple[str, ...]
    version: int = 0
    selectable: bool = False

    def lines(self, width: int) -> list[Line]:  # noqa: ARG002 (the feed wraps)
        return [Line(Content(visible(line, one_line=True)), Content("  ")) for line in self.text]


@dataclass(slots=True)
class Prose:
    """A model's words as they come. They stand behind a mark that nothing else uses (L10)."""

    text: str = ""
    unproven: bool = False
    version: int = 0
    selectable: bool = False

    def add(self, piece: str) -> None:
        self.text += piece
        self.version += 1

    @property
    def is_long(self) -> bool:
        """What follows goes into a block of its own: wrapping a text anew for each piece of it must stay cheap."""
        end = self.text.endswith("\n")
        return len(self.text) >= (_LONG if end else 4 * _LONG)

    def finish(self, unproven: bool) -> None:
        self.unproven = unproven
        self.version += 1

    def lines(self, width: int) -> list[Line]:  # noqa: ARG002 (the feed wraps)
        bar = Content.styled(MODEL_BAR, "$primary")
        lines = [Line(part, bar) for part in safe_lines(self.text)]
        if self.unproven:
            note = "The model's words above are not proven by any receipt."
            lines.append(Line(Content.styled(note, "$text-warning"), Content.styled("! ", "$warning bold")))
        return lines
