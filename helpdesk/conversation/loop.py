"""One conversation: words in, events and one result out. It proposes calls and can do nothing else.

The model takes a turn where one is configured and may see the words; the guided conversation takes it
otherwise, and takes over when the model is down, talks nonsense, or did nothing that the person wanted (L9).
"""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.door import Current, Doors, EnsureSignedIn, ExplainLock, LiveNames, Run, Turn
from helpdesk.conversation.guided import Guided
from helpdesk.conversation.model import Caps, ModelDriven, ModelFailed
from helpdesk.conversation.privacy import DEFAULT_MAY_SEE, NEEDED, Disclosure, disclosure
from helpdesk.conversation.routing import Router
from helpdesk.conversation.transcript import Transcript
from helpdesk.conversation.vocabulary import directory_vocabulary
from helpdesk.conversation.words import is_cancel, without_secrets
from helpdesk.errors import UsageError
from helpdesk.events import Result, Warned
from helpdesk.ports import Clock, Interaction, Model, SignedIn
from helpdesk.spec import ActionSpec

__all__ = ["Conversation", "EnsureSignedIn", "ExplainLock", "Run"]

MAX_WORDS = 10_000
"""Characters of one turn."""


def _is_settled(turn: Turn) -> bool:
    """Whether what the sentence means is known by its form, so that no model needs to be asked about it."""
    if turn.signed_in is not None and turn.signed_in.actor.must_change:
        return True
    forbids = talk.left_to_do(turn.words) == ""
    return forbids or talk.kind(turn.words) in answers.WITH_A_COMMAND or phrases.is_own_lock(turn.words)


class Conversation:
    """A conversation with one person.

    Attributes:
        left: a command of the surface ("/help") that the person gave to a question, for the surface to run.

    Args:
        specs: the actions that can be proposed.
        run: the one door.
        sign_in: finds out who asks; called only when an action needs it.
        explain_lock: the diagnosis for someone who cannot sign in.
        model: ``None`` for the guided conversation alone.
        may_see: the data classes a model may see; see :data:`helpdesk.conversation.privacy.CLASSES`.
        vocabulary: the live names for someone who is signed in.
        current: who is signed in already; without it only the ``signed_in`` of a turn counts as that.
        caps: limits of a model's turn.
    """

    def __init__(
        self,
        *,
        specs: Sequence[ActionSpec],
        run: Run,
        sign_in: EnsureSignedIn,
        explain_lock: ExplainLock,
        clock: Clock,
        model: Model | None = None,
        may_see: frozenset[str] = DEFAULT_MAY_SEE,
        vocabulary: LiveNames = directory_vocabulary,
        current: Current | None = None,
        caps: Caps | None = None,
    ) -> None:
        self.transcript = Transcript()
        self.left = ""
        doors = Doors(run, sign_in, explain_lock, vocabulary, clock, current)
        self._may_see = may_see
        self._router = Router(specs)
        self._guided = Guided(specs, doors, self._router)
        self._driven = (
            ModelDriven(specs, doors, self._router, model, may_see, self.transcript, caps) if model else None
        )

    async def turn(
        self,
        words: str,
        interaction: Interaction,
        *,
        dry_run: bool = False,
        signed_in: SignedIn | None = None,
    ) -> Result:
        """Answer one sentence.

        Raises:
            UsageError: there are no words, or something is missing and nobody is there to ask; the
                message names the flag.
            NotSignedIn: the words need someone who is signed in. Unreachable: the directory is down.
        """
        if not words.strip():
            raise UsageError("There is nothing to answer.", hint='Say what you need: helpdesk ask "…"')
        if len(words) > MAX_WORDS:
            raise UsageError(
                f"That is longer than {MAX_WORDS:,} characters.", hint="Say it in a few sentences."
            )
        words = without_secrets(words)  # no argument, no log and no ticket may hold what nobody needs (S1)
        self.transcript.person(words)
        turn = Turn(words, interaction, self.transcript.said(), dry_run, signed_in, self.transcript.case())
        result = await self._answered(turn)
        self.transcript.result(result)
        if turn.next and not turn.next.startswith("/"):
            return await self.turn(turn.next, interaction, dry_run=dry_run, signed_in=turn.signed_in)
        self.left = turn.next
        return result

    async def must_choose(self, interaction: Interaction, signed_in: SignedIn) -> Result:
        """Begin with the new password that a sign-in with a temporary one must choose; nothing is looked up."""
        return await self._guided.must_choose(Turn("", interaction, signed_in=signed_in))

    async def _answered(self, turn: Turn) -> Result:
        if self._driven is None or is_cancel(turn.words) or _is_settled(turn):
            return await self._guided.turn(turn)
        if not self._may_see >= NEEDED:
            return await self._guided.turn(turn)
        try:
            result = await self._driven.turn(turn)
        except ModelFailed as failure:
            turn.interaction.emit(
                Warned(f"{failure} Going on without it.", "Check [llm] url: helpdesk doctor")
            )
            return await self._guided.turn(turn)
        return await self._guided.instead(turn, result) if turn.open and not turn.next else result

    def disclosure(self, words: str) -> Disclosure:
        """What a model would be sent for these words, were they said now."""
        offered = self._driven.offered(words) if self._driven else ()
        return disclosure(words, offered, self._may_see)
