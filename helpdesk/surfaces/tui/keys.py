"""``?``: the keys of the pane in sight, and the ones that work everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

EVERYWHERE = (
    ("F2 … F7", "the panes; 1 … 6 too, outside of a line to type in"),
    ("Ctrl+P", "find any action, pane or setting"),
    ("Tab, Shift+Tab", "to the next part of the screen, and back"),
    ("F1 or ?", "these keys"),
    ("Ctrl+L", "sign in, as somebody else too"),
    ("Esc", "back, or no"),
    ("Ctrl+C", "stop what is going on; twice leaves"),
    ("q, Ctrl+Q", "leave"),
)
CONFIRMING = (
    ("y", "do exactly what is shown (deaf for half a second, and to pastes)"),
    ("n, Esc", "do nothing"),
    ("c", "change something about it"),
    ("Up, Down", "the rest of what changes, where it does not fit"),
)


_NAMES = {"question_mark": "?", "slash": "/", "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn"}


def key_name(key: str) -> str:
    """A key as a person reads it: "ctrl+y" is "Ctrl+Y", "f1" is "F1"; a letter alone stays as it is typed."""
    *held, last = key.split(",")[0].split("+")
    letter = last.upper() if held else last
    last = _NAMES.get(last, letter if len(last) == 1 else last.title())
    return "+".join([*(part.title() for part in held), last])


class Keys(ModalScreen[None]):
    """A list of keys; any of Esc, Enter, q and ? closes it.

    Args:
        title: the pane's. own: its keys.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,f1,ctrl+c", "dismiss", "Close", priority=True)
    ]

    def __init__(self, title: str, own: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._own = own

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="keys"):
            for title, keys in (
                (self._title, self._own),
                ("Everywhere", EVERYWHERE),
                ("A question in yellow", CONFIRMING),
            ):
                if keys:
                    yield Static(Content.styled(title, "bold $accent"))
                    for key, what in keys:
                        with Horizontal():
                            yield Static(Content.styled(key, "bold"), classes="key")
                            yield Static(Content(what), classes="what")
