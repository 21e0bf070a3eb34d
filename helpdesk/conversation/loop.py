"""One conversation: words in, events and one result out. It proposes calls and can do nothing else.

The model takes a turn where one is configured and may see the words; the guided conversation takes it
otherwise, and takes over when the model is down, talks nonsense, or did nothing that the person wanted (L9).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from helpdesk.actions.call import Call, Provenance
from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.case import Case, Draft, Kind, Memory, Stage
from helpdesk.conversation.cases import Cases
from helpdesk.conversation.door import Current, Doors, EnsureSignedIn, ExplainLock, LiveNames, Run, Turn
from helpdesk.conversation.guided import Guided
from helpdesk.conversation.keeping import Keeper, Noting
from helpdesk.conversation.model import Caps, ModelDriven, ModelFailed
from helpdesk.conversation.privacy import DEFAULT_MAY_SEE, NEEDED, Disclosure, disclosure
from helpdesk.conversation.resuming import fills, handoff_text, slots_of, transcript_lines
from helpdesk.conversation.routing import Router
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.texts import main_text
from helpdesk.conversation.transcript import Transcript
from helpdesk.conversation.vocabulary import directory_vocabulary
from helpdesk.conversation.words import is_cancel, without_secrets
from helpdesk.errors import HelpdeskError, UsageError
from helpdesk.events import Outcome, Question, Result, Said, Warned, outcome_of
from helpdesk.ports import Clock, Interaction, Model, SignedIn
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
        self._guided = Guided(specs, self._doors, self._router)
        self._driven = (
            ModelDriven(specs, self._doors, self._router, model, may_see, self.transcript, caps)
            if model
            else None
        )
        self._half: Memory | None = None
        self._asking = self._unknown = self._tried = False
        if case is not None:
            self._restore(case)

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
        turn = await self._begun(words, interaction, dry_run, signed_in)
        result = await self._kept(turn, self._answered(turn))
        return await self._next(turn, interaction, result)

    async def must_choose(self, interaction: Interaction, signed_in: SignedIn) -> Result:
        """Begin with the new password that a sign-in with a temporary one must choose; nothing is looked up."""
        return await self._guided.must_choose(Turn("", interaction, signed_in=signed_in))

    async def _answered(self, turn: Turn) -> Result:
        half, self._half = self._half, None
        if half is not None:
            filled = await self._filled(turn, half)
            if filled is not None:
                return filled
        if self._driven is None or is_cancel(turn.words) or _is_settled(turn):
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
        self, interaction: Interaction, *, dry_run: bool = False, signed_in: SignedIn | None = None
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
        interaction: Interaction,
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

    async def hand_off(self, interaction: Interaction, *, signed_in: SignedIn | None = None) -> Result:
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

    async def rewind(self, number: int, interaction: Interaction) -> Case:
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
        self, words: str, interaction: Interaction, dry_run: bool, signed_in: SignedIn | None
    ) -> Turn:
        """A turn whose words are in the case already, where it is known whose it is."""
        await self._arrived(signed_in, interaction)
        if words:
            self.transcript.person(words)
            await self._keeper.add((Kind.PERSON, {"words": words}))
        noting = Noting(interaction, self._keeper, self._half_of)
        return Turn(words, noting, self.transcript.said(), dry_run, signed_in, self.transcript.case())

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

    async def _next(self, turn: Turn, interaction: Interaction, result: Result) -> Result:
        """What was said to a question instead of an answer: a sentence is the next turn, a command the surface's."""
        if turn.next and not turn.next.startswith("/"):
            return await self.turn(turn.next, interaction, dry_run=turn.dry_run, signed_in=turn.signed_in)
        self.left = turn.next
        return result

    async def _said(self, outcome: Outcome, message: str, known: int) -> None:
        prose = [line.text for line in self.transcript.lines[known:] if line.speaker == "model"]
        drafts: list[Draft] = [(Kind.MODEL, {"text": text}) for text in prose]
        await self._keeper.add(*drafts, (Kind.SAID, {"outcome": outcome.value, "message": message}))

    async def _arrived(self, signed_in: SignedIn | None, interaction: Interaction) -> None:
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
