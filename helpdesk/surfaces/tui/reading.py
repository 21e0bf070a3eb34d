"""Reads for the panes: a read asks nothing and shows no progress; its result is what the pane draws."""

from __future__ import annotations

from typing import NoReturn

from helpdesk.errors import UsageError
from helpdesk.events import Confirmation, Event, Question
from helpdesk.secrets import Secret


class Quiet:
    """An interaction with nobody at the other end: what would have to be asked fails instead."""

    def emit(self, event: Event) -> None:
        """Progress of a read is not worth a line; its end is the result."""

    async def confirm(self, confirmation: Confirmation) -> NoReturn:
        raise UsageError(f"{confirmation.action} must be confirmed, and this only reads.")

    async def ask(self, question: Question) -> NoReturn:
        raise UsageError(f"{question.name} is missing, and nobody is asked while something is read.")

    async def ask_secret(self, question: Question) -> NoReturn:
        raise UsageError(f"{question.name} is missing, and nobody is asked while something is read.")

    def ensure_can_reveal(self) -> None:
        raise UsageError("This only reads, so it has no secret to show.")

    async def reveal(self, secret: Secret, label: str) -> None:  # noqa: ARG002 (a port)
        raise UsageError(f"{label} is not shown here: this only reads.")
