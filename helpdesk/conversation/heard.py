"""The person at the surface, with an ear for what they say at a confirmation instead of yes or no."""

from __future__ import annotations

from helpdesk.errors import Cancelled
from helpdesk.events import Confirmation, Confirmed, Event, Question
from helpdesk.ports import Interaction
from helpdesk.secrets import Secret


class Heard:
    """Passes everything on; ``instead`` is what was said at a confirmation ("no, I meant …"), or ""."""

    def __init__(self, person: Interaction) -> None:
        self._person = person
        self.instead = ""

    def emit(self, event: Event) -> None:
        self._person.emit(event)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        try:
            return await self._person.confirm(confirmation)
        except Cancelled as stop:
            self.instead = stop.words
            raise

    async def ask(self, question: Question) -> str:
        return await self._person.ask(question)

    async def ask_secret(self, question: Question) -> Secret:
        return await self._person.ask_secret(question)

    def ensure_can_reveal(self) -> None:
        self._person.ensure_can_reveal()

    async def reveal(self, secret: Secret, label: str) -> None:
        await self._person.reveal(secret, label)
