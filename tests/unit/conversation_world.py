"""A small company in memory, a person at the terminal and a scripted model, for tests of the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from helpdesk.actions.call import Call
from helpdesk.conversation.loop import Conversation
from helpdesk.conversation.questions import LEFT_OUT
from helpdesk.errors import NotSignedIn, UsageError
from helpdesk.events import (
    Citation,
    Confirmation,
    Confirmed,
    Event,
    ModelFinished,
    ModelSaid,
    Observation,
    Outcome,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.identity import Actor, Group, Person
from helpdesk.ports import DirectorySession, Ended, Message, Model, SignedIn, TextPiece, ToolCall
from helpdesk.secrets import Secret
from helpdesk.text import Untrusted
from tests.unit.conversation_specs import SPECS

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)  # a Tuesday


def person(login: str, name: str) -> Person:
    return Person(f"id-{login}", f"uid={login},ou=people", login, name, f"{login}@example.org")


ANA = person("ana", "Ana Silva")
PEOPLE = (
    ANA,
    person("bo", "Bo Lindqvist"),
    person("creyes", "Carla Reyes"),
    person("cmoreno", "Carla Moreno"),
    person("erik", "Erik Lund"),
    person("jdoe", "John Doe"),
    person("dana", "Dana Novak"),
)
GROUPS = tuple(
    Group(f"id-{name}", f"cn={name},ou=groups", name)
    for name in ("finance-share", "finance-admins", "design-share", "vpn-users", "engineering", "hr-files")
)


class Folk:
    """The look-ups of a directory session, over the people and groups above."""

    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        wanted = words.casefold().split()
        return [
            p
            for p in PEOPLE
            if wanted and all(w in f"{p.login} {p.name} {p.mail}".casefold() for w in wanted)
        ][:limit]

    def groups(self, limit: int = 1000) -> list[Group]:
        return list(GROUPS)[:limit]


def signed_in(who: Person = ANA) -> SignedIn:
    return SignedIn(Actor(who), cast(DirectorySession, Folk()))


@dataclass
class Terminal:
    """A person with answers prepared; without ``answers`` nobody is there.

    Attributes:
        reason: the answer to an offer to say why; ``None`` passes it over, and it is not among the questions.
    """

    answers: list[str] | None = None
    events: list[Event] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    reason: str | None = None

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        raise AssertionError("the conversation never confirms")

    async def ask(self, question: Question) -> str:
        if question.text.endswith(LEFT_OUT) and self.reason is None:
            if self.answers is None:
                raise UsageError("Nobody is there to say why.")
            return ""
        self.questions.append(question)
        if self.answers is None:
            raise UsageError(f"{question.name} is needed.", hint=f"Give {question.flag}.")
        if question.text.endswith(LEFT_OUT) and self.reason is not None:
            return self.reason
        assert self.answers, f"an unexpected question: {question}"
        return self.answers.pop(0)

    async def ask_secret(self, question: Question) -> Secret:
        self.questions.append(question)
        if self.answers is None:
            raise UsageError(f"{question.name} is needed.", hint="--password-stdin")
        return Secret(self.answers.pop(0))

    def ensure_can_reveal(self) -> None:
        raise AssertionError("the conversation reveals nothing")

    async def reveal(self, secret: Secret, label: str) -> None:
        raise AssertionError("the conversation reveals nothing")

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def prose(self) -> str:
        return "".join(event.text for event in self.of(ModelSaid))

    @property
    def said(self) -> str:
        return "\n".join(event.text for event in self.of(Said))

    @property
    def warned(self) -> str:
        return "\n".join(event.text for event in self.of(Warned))

    @property
    def unproven(self) -> bool:
        return any(event.unproven for event in self.of(ModelFinished))


@dataclass
class Door:
    """Stands where the runner stands: keeps what reached it, and answers."""

    calls: list[Call] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    citations: dict[str, tuple[Citation, ...]] = field(default_factory=dict)

    async def __call__(
        self, call: Call, signed_in: SignedIn, interaction: Any, *, dry_run: bool, case: str
    ) -> Result:
        self.calls.append(call)
        self.cases.append(case)
        outcome = self.outcomes.get(call.action, Outcome.PREVIEWED if dry_run else Outcome.DONE)
        receipt = (Observation("directory", "x", "y", "z", "z"),) if outcome is Outcome.DONE else ()
        message = self.messages.get(call.action, f"{call.action} ended.")
        found = self.citations.get(call.action)
        return Result(outcome, call.action, message, dict(call.arguments), receipt=receipt, citations=found)


Script = Sequence[str | ToolCall | Ended | Exception]


@dataclass
class ScriptedModel:
    """Replies in turn; each reply is a list of texts and calls, ended as a real one would be."""

    replies: list[Script]
    name: str = "scripted"
    requests: list[tuple[list[Message], list[Mapping[str, Any]]]] = field(default_factory=list)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> AsyncIterator[TextPiece | Ended]:
        self.requests.append((list(messages), list(tools)))
        reply = self.replies.pop(0) if self.replies else ["I have nothing to add."]
        calls = tuple(item for item in reply if isinstance(item, ToolCall))
        for item in reply:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Ended):
                yield item
                return
            if isinstance(item, str):
                yield TextPiece(Untrusted(item))
        yield Ended("tool_calls" if calls else "stop", calls)

    async def close(self) -> None: ...


def propose(name: str, arguments: str = "{}", id: str = "c1") -> ToolCall:
    return ToolCall(id, name.replace(".", "__"), arguments)


@dataclass
class World:
    """One conversation of Ana's, and everything around it."""

    model: ScriptedModel | None = None
    may_see: frozenset[str] = frozenset({"words", "actions", "policies"})
    door: Door = field(default_factory=Door)
    present: bool = True
    lock_explained: list[str] = field(default_factory=list)
    signed_in_count: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    offer_all: bool = False

    def __post_init__(self) -> None:
        self.conversation = Conversation(
            specs=SPECS,
            run=self.door,
            sign_in=self._sign_in,
            explain_lock=self._explain,
            clock=lambda: NOW,
            model=cast("Model | None", self.model),
            may_see=self.may_see,
            **self.options,
        )

        if self.offer_all:
            driven = self.conversation._driven
            assert driven is not None
            driven.offered = lambda words: SPECS  # type: ignore[method-assign]

    async def _sign_in(self, interaction: Any) -> SignedIn:
        self.signed_in_count += 1
        if not self.present:
            raise NotSignedIn("Nobody is signed in.", hint="helpdesk login")
        return signed_in()

    async def _explain(self, interaction: Any, login: str = "") -> Result:
        self.lock_explained.append(login)
        return Result(Outcome.NOT_SIGNED_IN, "", "Locked until 15:20.")

    def say(
        self, words: str, *answers: str, alone: bool = False, known: bool = True, dry_run: bool = False
    ) -> tuple[Result, Terminal]:
        """One turn; ``alone``: nobody answers questions; ``known``: a session stands."""
        terminal = Terminal(None if alone else list(answers))
        who = signed_in() if known and self.present else None
        result = asyncio.run(
            self.conversation.turn(words, terminal, dry_run=dry_run, signed_in=who)  # type: ignore[arg-type]
        )
        return result, terminal

    @property
    def call(self) -> Call:
        assert len(self.door.calls) == 1, self.door.calls
        return self.door.calls[0]
