"""What the conversation is given: ways to propose a call and to find out who asks. None of them decides here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from helpdesk.actions.call import Call
from helpdesk.conversation.vocabulary import Vocabulary
from helpdesk.events import Result
from helpdesk.ports import Clock, Interaction, SignedIn


class Run(Protocol):
    """The one door: validates, authorises, previews, confirms, logs, carries out and reads back."""

    async def __call__(
        self, call: Call, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool, case: str
    ) -> Result: ...


class EnsureSignedIn(Protocol):
    """The session's sign-in, or a new one."""

    async def __call__(self, interaction: Interaction, *, prompt: bool = True) -> SignedIn:
        """Raises NotSignedIn; also when only asking for the password would help and ``prompt`` is false."""


class ExplainLock(Protocol):
    """The diagnosis for someone who cannot sign in: why, until when, who can help."""

    async def __call__(self, interaction: Interaction, login: str = "") -> Result: ...


LiveNames: TypeAlias = Callable[[SignedIn], Awaitable[Vocabulary]]


@dataclass(slots=True)
class Turn:
    """One sentence of the person, and what answering it needs.

    Attributes:
        words: what the person said, as they said it.
        said: everything they said in this conversation, this turn included: what counts as typed (L2).
        case: the conversation so far, for a handoff.
    """

    words: str
    interaction: Interaction
    said: str = ""
    dry_run: bool = False
    signed_in: SignedIn | None = None
    case: str = ""


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways out of the conversation, bound by the application."""

    run: Run
    sign_in: EnsureSignedIn
    explain_lock: ExplainLock
    vocabulary: LiveNames
    clock: Clock

    async def ensure(self, turn: Turn, *, prompt: bool = True) -> SignedIn:
        """Who is asking, found once a turn. Raises NotSignedIn."""
        if turn.signed_in is None:
            turn.signed_in = await self.sign_in(turn.interaction, prompt=prompt)
        return turn.signed_in

    async def propose(self, call: Call, turn: Turn) -> Result:
        """Hand a call to the one door, as the person who is signed in."""
        signed_in = await self.ensure(turn)
        return await self.run(call, signed_in, turn.interaction, dry_run=turn.dry_run, case=turn.case)
