"""The company of :mod:`conversation_world`, with look-alike names and a door that asks for confirmation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from helpdesk.actions.call import Call
from helpdesk.conversation.questions import LEFT_OUT
from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.events import (
    Answered,
    Change,
    Confirmation,
    Confirmed,
    Finished,
    Observation,
    Outcome,
    Question,
    Result,
    Words,
)
from helpdesk.identity import Actor, Group, Person
from helpdesk.ports import DirectorySession, SignedIn
from tests.unit.conversation_specs import SPECS
from tests.unit.conversation_world import ANA, GROUPS, PEOPLE, Door, Terminal, World, person

FOLK: tuple[Person, ...] = (*PEOPLE, person("ana.b", "Ana Brandt"), person("ben", "Ben Okafor"))
SHARES: tuple[Group, ...] = (*GROUPS, Group("id-fa", "cn=finance-archive,ou=groups", "finance-archive"))
READS = {spec.name for spec in SPECS if spec.reads}
YES, NO = "yes", "no"


class Directory:
    """Finds by substring, as a directory does: a mistyped name finds nobody."""

    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        wanted = words.casefold().split()
        return [
            p for p in FOLK if wanted and all(w in f"{p.login} {p.name} {p.mail}".casefold() for w in wanted)
        ][:limit]

    def groups(self, limit: int = 1000) -> list[Group]:
        return list(SHARES)[:limit]


@dataclass
class AskingDoor(Door):
    """Previews and asks before every write, as the runner does; ``fails`` raises instead for an action.

    Attributes:
        agreed: the calls that the person confirmed, in their order: all that was carried out.
        shown: every confirmation, as often as it was shown.
    """

    agreed: list[Call] = field(default_factory=list)
    shown: list[Confirmation] = field(default_factory=list)
    fails: dict[str, HelpdeskError] = field(default_factory=dict)
    read: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def __call__(
        self, call: Call, signed_in: SignedIn, interaction: Any, *, dry_run: bool, case: str
    ) -> Result:
        self.calls.append(call)
        if call.action in self.fails:
            raise self.fails[call.action]
        target = str(next(iter(call.arguments.values()), ""))
        if call.action not in READS:
            change = Change("directory", target, call.action, "before", "after")
            confirmation = Confirmation(
                "d" * 64, call.action, f"{call.action} {target}", "ana", target, (change,)
            )
            self.shown.append(confirmation)
            try:
                await interaction.confirm(confirmation)
            except Cancelled as stop:
                return Result(Outcome.CANCELLED, call.action, stop.message, dict(call.arguments))
        self.agreed.append(call)
        read = self.read.get(call.action, (target,) if call.arguments else ())
        receipt = tuple(Observation("directory", name, "state", "as it is", "as it is") for name in read)
        result = Result(
            Outcome.DONE, call.action, f"{call.action} of {target} is done.", dict(call.arguments), receipt
        )
        interaction.emit(Finished(result))
        return result


@dataclass
class Somebody(Terminal):
    """Answers questions from ``answers`` and confirmations from ``at_confirmation`` (yes when none is left)."""

    heard: list[Words] = field(default_factory=list)
    at_confirmation: list[str] = field(default_factory=list)
    confirmations: int = 0

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        self.confirmations += 1
        said = self.at_confirmation.pop(0) if self.at_confirmation else YES
        if said == YES:
            return Confirmed(confirmation.digest, by="person")
        raise Cancelled("Cancelled; nothing was changed.", words="" if said == NO else said)

    async def ask(self, question: Question) -> Any:
        if self.heard and not question.text.endswith(LEFT_OUT):
            self.questions.append(question)
            return self.heard.pop(0)
        return await super().ask(question)

    @property
    def asked(self) -> list[str]:
        return [question.name for question in self.questions]

    @property
    def answered(self) -> list[Result]:
        return [event.result for event in self.of(Answered)]


@dataclass
class RepairWorld(World):
    """Ana's conversation in that company."""

    door: Any = field(default_factory=AskingDoor)

    async def _sign_in(self, interaction: Any) -> SignedIn:
        return self.who

    @property
    def who(self) -> SignedIn:
        return SignedIn(Actor(ANA), cast(DirectorySession, Directory()))

    def hear(
        self, words: Words, *answers: Words, confirm: Sequence[str] = (), alone: bool = False
    ) -> tuple[Result, Somebody]:
        """One turn. ``confirm``: what is said at confirmations, "yes" when none is left."""
        terminal = Somebody(None if alone else [], heard=list(answers), at_confirmation=list(confirm))
        result = asyncio.run(self.conversation.turn(words, terminal, signed_in=self.who))
        assert not terminal.heard, f"never asked for: {terminal.heard}"
        return result, terminal

    @property
    def done(self) -> list[tuple[str, dict[str, Any]]]:
        """What was carried out, in order."""
        return [(call.action, dict(call.arguments)) for call in self.door.agreed]
