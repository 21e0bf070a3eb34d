"""One conversation: words in, events and one result out. It proposes calls and can do nothing else.

The model takes a turn where one is configured and may see the words; the guided conversation takes it
otherwise, and takes over when the model is down, talks nonsense, or did nothing that the person wanted (L9).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from helpdesk.actions.call import Call, Provenance
from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.between import Aside
from helpdesk.conversation.case import Case, Draft, Kind, Memory, Stage
from helpdesk.conversation.cases import Cases
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.door import Current, Doors, EnsureSignedIn, ExplainLock, LiveNames, Run, Turn
from helpdesk.conversation.forms import form
from helpdesk.conversation.guided import Guided, cancelled
from helpdesk.conversation.keeping import Keeper, Noting
from helpdesk.conversation.listener import Listener
from helpdesk.conversation.model import Caps, ModelDriven, ModelFailed
from helpdesk.conversation.privacy import DEFAULT_MAY_SEE, NEEDED, Disclosure, disclosure
from helpdesk.conversation.proposing import Proposer
from helpdesk.conversation.recollection import Recollection
from helpdesk.conversation.repairs import Repairs
from helpdesk.conversation.resuming import fills, handoff_text, slots_of, transcript_lines
from helpdesk.conversation.routing import Router
from helpdesk.conversation.several import split
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.tally import rejected, together
from helpdesk.conversation.texts import main_text
from helpdesk.conversation.transcript import Transcript
from helpdesk.conversation.vocabulary import directory_vocabulary
from helpdesk.conversation.words import fold, without_secrets
from helpdesk.errors import Cancelled, HelpdeskError, NotSignedIn, UsageError
from helpdesk.events import Answered, Outcome, Question, Result, Said, Warned, Words, outcome_of
from helpdesk.ports import Clock, Hearing, Interaction, Model, SignedIn
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
        cases: where the conversation is kept as a case; ``None`` keeps nothing.
        case: the case to go on with, opened for whoever is signed in.
        present: who is signed in in this process; nobody is asked.
        recover: lines for what the log knows of a case and the case does not, after a crash.
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
    ) -> None:
        self.transcript = Transcript()
        self.left = ""
        self.uses_model = model is not None
        self._run, self._sign_in, self._current = run, sign_in, current
        self._present, self._recover = present, recover
        self._specs = {spec.name: spec for spec in specs}
        self._keeper = Keeper(cases, case, specs)
        self._doors = Doors(
            self._at_the_door,
            self._signed_in,
            explain_lock,
            vocabulary,
            clock,
            self._known if current is not None else None,
        )
        self._may_see = may_see
        self._router = Router(specs)
        self._recollection = Recollection()
        proposer = Proposer(self._doors, self._recollection)
        self._repairs = Repairs(proposer)
        self._guided = Guided(specs, self._doors, self._router, proposer)
        self._driven = (
            ModelDriven(specs, self._doors, self._router, proposer, model, may_see, self.transcript, caps)
            if model
            else None
        )
        self._half: Memory | None = None
        self._asking = self._unknown = self._tried = False
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

    # ── the case ──────────────────────────────────────────────────────────────────────────────

    @property
    def case_id(self) -> str:
        """The id of the case that this conversation is kept in; "" while there is none."""
        return self._keeper.id

    @property
    def half_filled(self) -> Memory | None:
        """A request that was left half filled when the case was last worked on: :meth:`go_on` asks on."""
        return self._half

    async def case(self) -> Case | None:
        """The case as it is kept; ``None`` while there is none."""
        return await self._keeper.saved()

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

    async def note(self, result: Result) -> None:
        """Keep the result of something that the surface ran beside the conversation, such as an undo."""
        self._keeper.who(self._present() if self._present else None)
        await self._keeper.ended(result)
        self.transcript.result(result)

    async def rewind(self, number: int, interaction: Hearing) -> Case:
        """Go back to the end of an earlier turn: what came after it is out of the conversation, and stays done.

        Args:
            number: of the last turn that stays; 0 for none.

        Raises:
            UsageError: there is no such turn. Stale: the case went on elsewhere meanwhile.
        """
        await self._arrived(None, interaction)
        case = await self._keeper.rewound(number)
        self._restore(case)
        return case

    def _restore(self, case: Case) -> None:
        """Take what was said and what was proposed last from the case."""
        self.transcript.lines[:] = transcript_lines(case)
        self._guided.recall(case.memory)
        self._half = case.memory if case.memory.half and case.memory.action in self._specs else None
        self._unknown = case.at_the_door

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

    async def _kept(self, turn: Turn, answer: Awaitable[Result]) -> Result:
        """Await the answer of a turn, and keep how it ended; an error is told, kept and raised on."""
        known = len(self.transcript.lines)
        self._tried = False
        try:
            result = await answer
        except HelpdeskError as error:
            await self._said(outcome_of(error), error.message, known)
            raise
        finally:
            self._keeper.complain(turn.interaction)
        self.transcript.result(result)
        if not self._tried:
            await self._said(result.outcome, result.message, known)
        if self._asking:  # it was given up, so nobody is asked for it again
            self._asking = False
            await self._keeper.remember(self._guided.memory())
        return result

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
        return together(results)

    async def _said(self, outcome: Outcome, message: str, known: int) -> None:
        prose = [line.text for line in self.transcript.lines[known:] if line.speaker == "model"]
        drafts: list[Draft] = [(Kind.MODEL, {"text": text}) for text in prose]
        await self._keeper.add(*drafts, (Kind.SAID, {"outcome": outcome.value, "message": message}))

    async def _arrived(self, signed_in: SignedIn | None, interaction: Hearing) -> None:
        """Find out whose turn it is, and what became of the case since the last one."""
        self._keeper.who(signed_in or (self._present() if self._present else None))
        elsewhere = await self._keeper.begun_elsewhere()
        if elsewhere is not None:
            self._restore(elsewhere)
            interaction.emit(Said(f"Case {elsewhere.id} went on in another window; this goes on from there."))
        case = await self._keeper.saved() if self._unknown and self._recover is not None else None
        if case is not None and self._recover is not None:
            self._unknown = False
            found = await self._recover(case)
            await self._keeper.add(*found)
            for _, body in found:
                interaction.emit(Said(f"Meanwhile: {body['action']}: {body['message']} ({body['outcome']})"))

    async def _filled(self, turn: Turn, half: Memory) -> Result | None:
        """The answer to words that complete a half-filled request; ``None`` when they are about something else."""
        spec = self._specs.get(half.action)
        signed_in = await self._doors.ensure(turn) if spec else None
        if spec is None or signed_in is None or signed_in.actor.must_change:
            return None
        slots, vocabulary = slots_of(half), await self._doors.vocabulary(signed_in)
        today = self._doors.clock().astimezone().date()
        if not await fills(turn.words, spec, slots, self._router, vocabulary, today):
            return None
        self._asking = True
        return await self._guided.go_on(turn, spec, slots)

    def _half_of(self, question: Question) -> Memory | None:
        """The call that a question is about, as it is filled by now."""
        memory = self._guided.memory()
        spec = self._specs.get(memory.action)
        if spec is None or not question.flag.startswith(f"helpdesk do {spec.name}"):
            return None
        if question.name != "which" and spec.parameter(question.name) is None:
            return None
        self._asking = True
        return replace(memory, stage=Stage.HALF, question=question.text)

    # ── the ways out, each of which the case learns of ────────────────────────────────────────

    async def _signed_in(self, interaction: Interaction) -> SignedIn:
        return await self._met(await self._sign_in(interaction))

    async def _known(self, interaction: Interaction) -> SignedIn | None:
        found = await self._current(interaction) if self._current is not None else None
        return await self._met(found) if found is not None else None

    async def _met(self, signed_in: SignedIn) -> SignedIn:
        self._keeper.who(signed_in)
        await self._keeper.add()
        return signed_in

    async def _at_the_door(
        self, call: Call, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool, case: str
    ) -> Result:
        self._keeper.who(signed_in)
        await self._keeper.proposed(call)
        self._asking, self._tried, self._unknown = False, True, True
        call = replace(call, case=self._keeper.id)
        result = await self._run(call, signed_in, interaction, dry_run=dry_run, case=case)
        await self._keeper.ended(result)
        self._unknown = False
        return result
