"""What the conversation is given: ways to propose a call and to find out who asks. None of them decides here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from helpdesk.actions.call import Call
from helpdesk.conversation.listener import Listener
from helpdesk.conversation.vocabulary import Vocabulary
from helpdesk.errors import NotSignedIn
from helpdesk.events import Outcome, Result
from helpdesk.gate.sealed import Request
from helpdesk.ports import Clock, Interaction, SignedIn
from helpdesk.spec import ActionSpec


class Run(Protocol):
    """The one door: validates, authorises, previews, confirms, logs, carries out and reads back."""

    async def __call__(
        self, call: Call, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool, case: str
    ) -> Result: ...


class EnsureSignedIn(Protocol):
    """The session's sign-in, or a new one."""

    async def __call__(self, interaction: Interaction) -> SignedIn:
        """Raises NotSignedIn."""


class ExplainLock(Protocol):
    """The diagnosis for someone who cannot sign in: why, until when, who can help."""

    async def __call__(self, interaction: Interaction, login: str = "") -> Result: ...


Current: TypeAlias = Callable[[Interaction], Awaitable[SignedIn | None]]
"""Who is signed in already, without asking anybody; raises NotSignedIn when a kept sign-in is refused."""
MadeBy: TypeAlias = Callable[[SignedIn], Awaitable[Sequence[Request]]]
"""What somebody asked for that needs an approval, the newest first, as it stands now."""
LiveNames: TypeAlias = Callable[[SignedIn], Awaitable[Vocabulary]]


@dataclass(slots=True)
class Turn:
    """One sentence of the person, and what answering it needs.

    Attributes:
        words: what the person said, as they said it.
        said: everything they said in this conversation, this turn included: what counts as typed (L2).
        case: the conversation so far, for a handoff.
        tried: the model's calls of this turn and their arguments, whatever became of them.
        open: the model's part of the turn ended, and nothing came of it.
        one_of_several: other requests of the same sentence came before it.
        next: what the person said to a question or a confirmation, when it is a sentence for the next turn.
    """

    words: str
    interaction: Listener
    said: str = ""
    dry_run: bool = False
    signed_in: SignedIn | None = None
    case: str = ""
    tried: list[tuple[ActionSpec, Mapping[str, Any]]] = field(default_factory=list)
    open: bool = False
    one_of_several: bool = False
    next: str = ""


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways out of the conversation, bound by the application."""

    run: Run
    sign_in: EnsureSignedIn
    explain_lock: ExplainLock
    vocabulary: LiveNames
    clock: Clock
    current: Current | None = None
    requests: MadeBy | None = None

    async def ensure(self, turn: Turn) -> SignedIn:
        """Who is asking, found once a turn. Raises NotSignedIn."""
        if turn.signed_in is None:
            turn.signed_in = await self.sign_in(turn.interaction)
        return turn.signed_in

    async def already(self, turn: Turn) -> bool:
        """Whether somebody is signed in without being asked for a password now."""
        if turn.signed_in is None and self.current is not None:
            try:
                turn.signed_in = await self.current(turn.interaction)
            except NotSignedIn:
                return False
        return turn.signed_in is not None

    async def propose(self, call: Call, turn: Turn) -> Result:
        """Hand a call to the one door, as the person who is signed in."""
        signed_in = await self.ensure(turn)
        listener = turn.interaction
        listener.instead = ""
        result = await self.run(call, signed_in, listener, dry_run=turn.dry_run, case=turn.case)
        if result.outcome is Outcome.CANCELLED:
            turn.next = listener.instead
        return result
