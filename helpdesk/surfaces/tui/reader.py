"""The reader beside the panes: a policy at its cited lines, or why something ended as it did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from helpdesk.events import Citation
from helpdesk.surfaces.tui.blocks import Line
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.paint import safe, safe_lines
from helpdesk.text import visible

_NUMBERED = re.compile(r" *[0-9]{1,7} {2,}(?=\S)")
_NAMED = re.compile(r" *[a-z][a-z ]{0,15}? {2,}(?=\S)")


@dataclass(slots=True)
class TextLine:
    """One line of a text; a marked one is what was cited, and what is our own was cleaned where it was made."""

    text: str
    marked: bool = False
    own: bool = False
    version: int = 0
    selectable: bool = False

    def lines(self, width: int) -> list[Line]:
        """The text wrapped beside what it begins with: the number of the line, or the name of a value."""
        style = "$text-accent bold" if self.marked else ""
        bar = Content.styled("▌ ", "$accent") if self.marked else Content("  ")
        begins = (_NAMED if self.own else _NUMBERED).match(self.text)
        head = begins[0] if begins is not None and len(begins[0]) < width // 2 else ""
        rest = self.text.removeprefix(head)
        parts = [Content(visible(rest, one_line=True))] if self.own else safe_lines(rest, style)
        if not head:
            return [Line(part, bar) for part in parts]
        wrapped = [line for part in parts for line in part.wrap(max(width - 2 - len(head), 1))]
        first = Content.assemble(bar, (head, style))
        return [
            Line(line, Content.assemble(bar, " " * len(head)) if n else first)
            for n, line in enumerate(wrapped)
        ]


def cited(lines: Sequence[str], citation: Citation) -> range:
    """Indexes of the numbered lines of a document that a citation is about."""
    last = citation.line + citation.text.strip().count("\n")
    numbers = [_number(line) for line in lines]
    found = [index for index, number in enumerate(numbers) if citation.line <= number <= last]
    return range(found[0], found[-1] + 1) if found else range(0)


def _number(line: str) -> int:
    word = line.split(maxsplit=1)[:1]
    return int(word[0]) if word and word[0].isascii() and word[0].isdigit() else 0


class Text(Feed):
    """What is read: nothing in it can be undone or opened."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        return action != "act"


class Reader(Vertical):
    """Shows one text; Esc closes it."""

    class Closed(Message):
        """It is gone; the pane beside it has the room again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close")]

    def compose(self) -> ComposeResult:
        yield Static(id="reader-title", markup=False)
        yield Text(id="reader-text")

    def on_mount(self) -> None:
        self.display = False

    def open(self, title: str, lines: Sequence[str], marked: range = range(0), *, own: bool = False) -> None:
        """Show lines under a title.

        Args:
            marked: indexes of lines that are cited; the first of them is brought into sight.
            own: the lines are the program's, with what is others' in them cleaned already.
        """
        self.query_one("#reader-title", Static).update(safe(title, "bold"))
        text = self.query_one("#reader-text", Feed)
        self.display = True
        self.screen.add_class("reading")
        text.show(
            [TextLine(line, index in marked, own) for index, line in enumerate(lines)],
            marked.start if marked else 0,
        )
        text.focus()

    def action_close(self) -> None:
        self.display = False
        self.screen.remove_class("reading")
        self.query_one("#reader-text", Feed).clear()
        self.post_message(self.Closed())
