"""Lines to type in that keep what does not belong in them, or out of them, away."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class TypedInput(Input):
    """A line that only takes what is typed: neither pastes nor drops."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()

    def action_paste(self) -> None:
        """The clipboard is pasted as well."""


class SecretInput(Input):
    """A line for a secret: it is not shown, and no key puts it on the clipboard, which other programs read (S1)."""

    def __init__(self, *, id: str) -> None:
        super().__init__(password=True, id=id)

    def action_copy(self) -> None:
        """The secret stays here."""

    def action_cut(self) -> None:
        """The secret stays here."""
