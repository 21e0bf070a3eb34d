"""A person at the other end, who does as the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from helpdesk.errors import Cancelled, HelpdeskError, UsageError
from helpdesk.events import Confirmation, Confirmed, Event, Finished, Progress, Question, Warned
from helpdesk.secrets import Secret


@dataclass
class Person:
    """Implements :class:`helpdesk.ports.Interaction`.

    Attributes:
        agrees: what they answer to a confirmation. password: for a fresh sign-in; ``None``: nobody is there.
        before_answer: happens while they decide. digest: what they confirm instead of what they were shown.
        trail: gets a line for each thing that happens here.
    """

    agrees: bool = True
    password: str | None = field(default=None, repr=False)
    can_reveal: bool = True
    reveal_error: HelpdeskError | None = None
    before_answer: Callable[[], object] | None = None
    digest: str | None = None
    trail: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    revealed: list[tuple[Secret, str]] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Progress):
            self.trail.append(event.phase)
        if isinstance(event, Finished):
            self.trail.append("finished")

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        self.confirmations.append(confirmation)
        self.trail.append("confirm")
        if self.before_answer is not None:
            self.before_answer()
        if not self.agrees:
            raise Cancelled("Nothing was done.")
        return Confirmed(self.digest or confirmation.digest, "person")

    async def ask(self, question: Question) -> str:
        raise UsageError(f"nobody answers {question.name}")

    async def ask_secret(self, question: Question) -> Secret:
        self.questions.append(question)
        self.trail.append("password")
        if self.password is None:
            raise UsageError("Nobody is there to ask.", hint=question.flag)
        return Secret(self.password)

    def ensure_can_reveal(self) -> None:
        self.trail.append("can-reveal")
        if not self.can_reveal:
            raise UsageError("A generated password would have nowhere to go.", hint="--reveal-to FILE")

    async def reveal(self, secret: Secret, label: str) -> None:
        self.trail.append("reveal")
        if self.reveal_error is not None:
            raise self.reveal_error
        self.revealed.append((secret, label))

    def again(self, **changes: Any) -> Person:
        """The same person with nothing seen yet."""
        fresh: dict[str, Any] = {"events": [], "confirmations": [], "questions": [], "revealed": []}
        return replace(self, **fresh, **changes)

    @property
    def warned(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, Warned))
