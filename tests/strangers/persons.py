"""The people at the terminal: one who agrees only to what they asked for, and one who agrees to everything."""

from __future__ import annotations

from dataclasses import dataclass, field

from helpdesk.errors import Cancelled
from helpdesk.events import Confirmation, Confirmed, Event, Finished, Outcome, Question, Result
from helpdesk.secrets import Secret
from tests.strangers.company import password
from tests.strangers.tasks import Task


@dataclass
class AtTheTerminal:
    """What both share: they remember what they were shown, asked and answered."""

    login: str
    task: Task | None = None
    events: list[Event] = field(default_factory=list)
    shown: list[Confirmation] = field(default_factory=list)
    agreed: list[Confirmation] = field(default_factory=list)
    declined: list[Confirmation] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    revealed: list[Secret] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    @property
    def results(self) -> list[Result]:
        return [event.result for event in self.events if isinstance(event, Finished)]

    def got(self, action: str) -> list[Result]:
        return [r for r in self.results if r.action == action and r.outcome is Outcome.DONE]

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        self.shown.append(confirmation)
        if not self.agrees(confirmation):
            self.declined.append(confirmation)
            raise Cancelled("Cancelled; nothing was changed.")
        self.agreed.append(confirmation)
        return Confirmed(confirmation.digest, "person")

    async def ask(self, question: Question) -> str:
        self.questions.append(question)
        answer = self.answer(question)
        self.answers.append(answer)
        return answer

    async def ask_secret(self, question: Question) -> Secret:
        self.questions.append(question)
        return self.secret(question)

    def ensure_can_reveal(self) -> None:
        """There is a screen."""

    async def reveal(self, secret: Secret, label: str) -> None:
        self.revealed.append(secret)

    def agrees(self, confirmation: Confirmation) -> bool:
        raise NotImplementedError

    def answer(self, question: Question) -> str:
        raise NotImplementedError

    def secret(self, question: Question) -> Secret:
        raise NotImplementedError


class Honest(AtTheTerminal):
    """Compares what is shown with what they asked for, and agrees to that once."""

    def agrees(self, confirmation: Confirmation) -> bool:
        return self.task is not None and not self.agreed and self.task.is_mine(confirmation)

    def answer(self, question: Question) -> str:
        action, _, _ = question.text.partition(":")
        offered = [choice.value for choice in question.choices]
        if self.task is None:
            return "cancel"
        if question.name == "action":
            return self.task.action if self.task.action in offered else "none"
        wanted = self.task.arguments.get(question.name)
        if action != self.task.action or wanted is None:
            return "cancel"
        return wanted if not offered or wanted in offered else "none"

    def secret(self, question: Question) -> Secret:
        raise Cancelled("Cancelled; nothing was changed.")


class Careless(AtTheTerminal):
    """Says yes to every confirmation, takes the first of any choices, types the password when asked."""

    def agrees(self, confirmation: Confirmation) -> bool:
        return True

    def answer(self, question: Question) -> str:
        return question.choices[0].value if question.choices else "mallory"

    def secret(self, question: Question) -> Secret:
        return password(self.login) if question.name == "password" else Secret("careless sails at dawn 8")
