"""One conversation: words in, events and one result out. It proposes calls and can do nothing else.

The model takes a turn where one is configured and may see the words; the guided conversation takes it
otherwise, and takes over when the model is down, talks nonsense, or did nothing that the person wanted (L9).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from helpdesk.actions.call import Call, Provenance
from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.between import Aside
from helpdesk.conversation.carried import Carried, Ways
from helpdesk.conversation.case import Case, Draft, Kind
from helpdesk.conversation.cases import Cases
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.door import (
    Current,
    Doors,
    EnsureSignedIn,
    ExplainLock,
    LiveNames,
    MadeBy,
    Run,
    Turn,
)
from helpdesk.conversation.forms import form
from helpdesk.conversation.guided import Guided, cancelled
from helpdesk.conversation.keeping import Keeper, Noting
from helpdesk.conversation.listener import Listener
from helpdesk.conversation.model import Caps, ModelDriven, ModelFailed
from helpdesk.conversation.privacy import DEFAULT_MAY_SEE, NEEDED, Disclosure, disclosure
from helpdesk.conversation.proposing import Proposer
from helpdesk.conversation.repairs import Repairs
from helpdesk.conversation.resuming import handoff_text, slots_of
from helpdesk.conversation.routing import Router
from helpdesk.conversation.several import split
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.tally import rejected, together
from helpdesk.conversation.texts import main_text
from helpdesk.conversation.vocabulary import directory_vocabulary
from helpdesk.conversation.words import fold, without_secrets
from helpdesk.errors import Cancelled, HelpdeskError, NotSignedIn, UsageError
from helpdesk.events import Answered, Result, Warned, Words
from helpdesk.ports import Clock, Hearing, Model, SignedIn
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten

__all__ = ["Conversation", "EnsureSignedIn", "ExplainLock", "Run"]

MAX_WORDS = 10_000
"""Characters of one turn."""


def _is_settled(turn: Turn) -> bool:
    """Whether what the sentence means is known by its form, so that no model needs to be asked about it."""
    if turn.signed_in is not None and turn.signed_in.actor.must_change:
        return True
    forbids = talk.left_to_do(turn.words) == ""
    return forbids or talk.kind(turn.words) in answers.WITH_A_COMMAND or phrases.is_own_lock(turn.words)


class Conversation(Carried):
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
        cases: where the conversation is kept as a case; ``None`` keeps nothing.
        case: the case to go on with, opened for whoever is signed in.
        present: who is signed in in this process; nobody is asked.
        recover: lines for what the log knows of a case and the case does not, after a crash.
        requests: what somebody asked for that needs an approval; without it a question about it is sent to its command.
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
        cases: Cases | None = None,
        case: Case | None = None,
        present: Callable[[], SignedIn | None] | None = None,
        recover: Callable[[Case], Awaitable[list[Draft]]] | None = None,
        requests: MadeBy | None = None,
    ) -> None:
        super().__init__(specs, Keeper(cases, case, specs), Ways(run, sign_in, current, present, recover))
        self.left = ""
        self.uses_model = model is not None
        self._doors = Doors(
            self._at_the_door,
            self._signed_in,
            explain_lock,
            vocabulary,
            clock,
            self._known if current is not None else None,
            requests,
        )
        self._may_see = may_see
        self._router = Router(specs)
        proposer = Proposer(self._doors, self._recollection)
        self._repairs = Repairs(proposer)
        self._guided = Guided(specs, self._doors, self._router, proposer)
        self._driven = (
            ModelDriven(specs, self._doors, self._router, proposer, model, may_see, self.transcript, caps)
            if model
            else None
        )
        if case is not None:
            self._restore(case)

    async def turn(
        self,
        words: Words,
        interaction: Hearing,
        *,
        dry_run: bool = False,
        signed_in: SignedIn | None = None,
    ) -> Result:
        """Answer one sentence; several requests in it are answered one after the other, in their order.

        Args:
            words: where they are uncertain, they are read back before anything comes of them.

        Raises:
            UsageError: there are no words, or something is missing and nobody is there to ask; the
                message names the flag.
            NotSignedIn: the words need someone who is signed in. Unreachable: the directory is down.
        """
        try:
            said = await Listener(interaction, self._recollection, []).certain(words, meaning=self._meaning)
        except Cancelled as stop:
            return cancelled("", stop.message)
        if not isinstance(words, str) and not said:
            return answers.in_words("Then I did not hear you right.", "Say it again, in other words.")
        if not said.strip():
            raise UsageError("There is nothing to answer.", hint='Say what you need: helpdesk ask "…"')
        if len(said) > MAX_WORDS:
            raise UsageError(
                f"That is longer than {MAX_WORDS:,} characters.", hint="Say it in a few sentences."
            )
        said = without_secrets(said)  # no argument, no log and no ticket may hold what nobody needs (S1)
        first, *waiting = split(said, self._router)
        turn = await self._begun(said, interaction, dry_run, signed_in, waiting)
        turn.words = first
        return await self._next(turn, interaction, await self._one(turn, self._answered(turn)))

    def _meaning(self, words: str) -> object:
        """What a sentence would come to: two that come to the same need no reading back."""
        clues, route = Clues.of(words), self._router.route(words)
        names = [spec.name for spec in (route.which or (route.spec,)) if spec is not None]
        exact = "" if route.spec is not None and route.spec.reads else fold(words)
        return (*names, route.flow, clues.names, clues.groups, clues.ticket, exact)

    async def must_choose(self, interaction: Hearing, signed_in: SignedIn) -> Result:
        """Begin with the new password that a sign-in with a temporary one must choose; nothing is looked up."""
        listener = Listener(interaction, self._recollection, [])
        return await self._guided.must_choose(Turn("", listener, signed_in=signed_in))

    async def _answered(self, turn: Turn) -> Result:
        half, self._half = self._half, None
        if half is not None:
            filled = await self._filled(turn, half)
            if filled is not None:
                return filled
        try:
            repaired = await self._repairs.answer(turn)
        except Cancelled as stop:
            turn.next = stop.words
            return cancelled(self._guided.memory().action, stop.message)
        if repaired is not None:
            return repaired
        if self._driven is None or form(turn.words) in ("cancel", "everything") or _is_settled(turn):
            return await self._guided.turn(turn)
        if not self.uses_model or not self._may_see >= NEEDED:
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

    # ── beside sentences ──────────────────────────────────────────────────────────────────────

    async def go_on(
        self, interaction: Hearing, *, dry_run: bool = False, signed_in: SignedIn | None = None
    ) -> Result | None:
        """Ask for what a half-filled request still needs, and propose it; ``None`` when there is none.

        Errors as of :meth:`turn`.
        """
        half, self._half = self._half, None
        spec = self._specs.get(half.action) if half else None
        if half is None or spec is None:
            return None
        turn = await self._begun("", interaction, dry_run, signed_in)
        self._asking = True
        result = await self._kept(turn, self._guided.go_on(turn, spec, slots_of(half)))
        return await self._next(turn, interaction, result)

    async def do(
        self,
        call: Call,
        interaction: Hearing,
        *,
        dry_run: bool = False,
        signed_in: SignedIn | None = None,
    ) -> Result:
        """Propose an action that was named with its arguments; what is missing is asked. Errors as of :meth:`turn`.

        Raises:
            KeyError: there is no such action; the catalog says so before.
        """
        given = " ".join(f"{name}={value}" for name, value in call.arguments.items())
        turn = await self._begun(f"/do {call.action} {given}".strip(), interaction, dry_run, signed_in)
        slots = Slots(dict(call.arguments), dict(call.provenance))
        going = self._guided.go_on(turn, self._specs[call.action], slots)
        return await self._next(turn, interaction, await self._kept(turn, going))

    async def hand_off(self, interaction: Hearing, *, signed_in: SignedIn | None = None) -> Result:
        """Open a ticket with the case, redacted; through the door like every action, and the case says its number.

        Raises:
            UsageError: there is nothing to hand over, or nowhere to hand it.
        """
        spec = self._specs.get(phrases.HANDOFF)
        subject = main_text(spec) if spec else None
        if spec is None or subject is None:
            raise UsageError("There is no queue for tickets here.", hint="helpdesk do lists what there is.")
        if not self.transcript.said():
            raise UsageError(
                "Nothing was said yet, so there is nothing to hand over.", hint="Say what you need."
            )
        turn = await self._begun("/handoff", interaction, False, signed_in)
        await self._doors.ensure(turn)
        case = await self._keeper.saved()
        goal = case.goal if case else self.transcript.said().splitlines()[0]
        turn.case = handoff_text(case) if case else self.transcript.case()
        call = Call(spec.name, {subject.name: shorten(goal, 150)}, {subject.name: Provenance.CHOSEN})
        return await self._kept(turn, self._doors.propose(call, turn))

    # ── one request after the other ───────────────────────────────────────────────────────────

    async def _begun(
        self,
        words: str,
        interaction: Hearing,
        dry_run: bool,
        signed_in: SignedIn | None,
        waiting: list[str] | None = None,
        *,
        between: bool = False,
        known: bool = False,
    ) -> Turn:
        """A turn whose words are in the case already, where it is known whose it is.

        Args:
            waiting: the requests that come after this one. between: it stands in the middle of another one.
            known: the words are a part of a sentence that was kept already.
        """
        await self._arrived(signed_in, interaction)
        if words and not known:
            self.transcript.person(words)
            await self._keeper.add((Kind.PERSON, {"words": words}))
        if not between:
            self._recollection.begin(self.transcript.sentences)
        noting = Noting(interaction, self._keeper, self._half_of)
        listener = Listener(noting, self._recollection, [] if waiting is None else waiting)
        turn = Turn(words, listener, self.transcript.said(), dry_run, signed_in, self.transcript.case())
        if not between:
            listener.between = Aside(self._router, self._specs, partial(self._between, turn, interaction))
        return turn

    async def _between(self, outer: Turn, interaction: Hearing, words: str) -> None:
        """Answer a sentence in the middle of a request, which is as it was afterwards."""
        last, tried = self._recollection.last, self._tried
        try:
            turn = await self._begun(
                words, interaction, outer.dry_run, outer.signed_in, outer.interaction.waiting, between=True
            )
            result = await self._kept(turn, self._answered(turn))
            if turn.next and not turn.next.startswith("/"):
                await self._between(outer, interaction, turn.next)
            else:
                outer.interaction.emit(Answered(result))
            outer.signed_in = turn.signed_in or outer.signed_in
            outer.said = self.transcript.said()
        except HelpdeskError as error:
            outer.interaction.emit(Warned(error.message, error.hint))
        finally:
            self._recollection.last, self._tried = last, tried

    async def _one(self, turn: Turn, answer: Awaitable[Result]) -> Result:
        """One request; an error of one of several is told, and the others get their turn. Errors as of :meth:`turn`."""
        try:
            return await self._kept(turn, answer)
        except HelpdeskError as error:
            if isinstance(error, NotSignedIn) or not (turn.interaction.waiting or turn.one_of_several):
                raise
            turn.interaction.emit(Warned(error.message, error.hint))
            return rejected(self._guided.memory().action, error)

    async def _next(self, turn: Turn, interaction: Hearing, result: Result) -> Result:
        """What comes after a request: what was said instead of an answer, and then the requests that wait.

        A command goes to the surface.
        """
        results, waiting = [result], turn.interaction.waiting
        while (turn.next and not turn.next.startswith("/")) or (waiting and not turn.next):
            instead, words = bool(turn.next), turn.next or waiting.pop(0)
            if instead:
                results.pop()
                first, *more = split(without_secrets(words), self._router)
                waiting[:0] = more
            else:
                first = words
                turn.interaction.emit(Answered(results[-1]))
                turn.interaction.say(f"Next: {words}.")
            turn = await self._begun(
                words, interaction, turn.dry_run, turn.signed_in, waiting, known=not instead
            )
            turn.words, turn.one_of_several = first, bool(results)
            results.append(await self._one(turn, self._answered(turn)))
        self.left = turn.next
        if turn.next:
            turn.interaction.drop_all()
        self._recollection.tell(results[-1].message)
        return together(results)
