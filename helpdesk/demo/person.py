"""The demo's people at the terminal. They agree to what the story has them ask for, in their own company only."""

from __future__ import annotations

from typing import final

from helpdesk.app import Desk
from helpdesk.demo.founding import require_demo
from helpdesk.demo.record import Record
from helpdesk.demo.story import Answers, Player
from helpdesk.errors import Refused, UsageError
from helpdesk.events import Confirmation, Confirmed, Event, Question
from helpdesk.ports import Interaction
from helpdesk.secrets import Secret

MASK = "••••••"


@final
class DemoPerson(Interaction):
    """Answers for one invented person (L5).

    It cannot be made for any Desk but one of the demo's own company, and it agrees only to what its own
    person does there: a confirmation for somebody else is refused.

    Raises:
        Refused: the Desk belongs to a real company.
    """

    def __init__(self, desk: Desk, player: Player, answers: Answers) -> None:
        require_demo(desk)
        self.record = Record()
        self.told: list[Secret] = []
        self._player = player
        self._answers = answers

    def emit(self, event: Event) -> None:
        self.record.event(event)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        if confirmation.actor != self._player.login:
            raise Refused(
                f"{self._player.name} does not agree to what {confirmation.actor} does.", rule="demo-person"
            )
        answer = confirmation.target if confirmation.irreversible else "y"
        self.record.confirmation(confirmation, answer)
        return Confirmed(confirmation.digest, "demo")

    async def ask(self, question: Question) -> str:
        answer = self._answer(question)
        if isinstance(answer, Secret):
            raise UsageError(f"The story answers {question.name} only where it is not shown.")
        self.record.question(question, answer)
        return answer

    async def ask_secret(self, question: Question) -> Secret:
        answer = self._answer(question)
        self.record.question(question, MASK)
        return answer if isinstance(answer, Secret) else Secret(answer)

    def _answer(self, question: Question) -> str | Secret:
        if question.name not in self._answers:
            raise UsageError(
                f"The story has no answer to {question.text!r}.", hint=f"On the command line: {question.flag}"
            )
        return self._answers[question.name]

    def ensure_can_reveal(self) -> None:
        """There is always a way: the secret is told to the story alone, and never printed."""

    async def reveal(self, secret: Secret, label: str) -> None:
        self.told.append(secret)
        self.record.note(f"{label}: shown once, on this screen only; told in person, not printed here.")
