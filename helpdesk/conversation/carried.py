"""What a conversation carries on: each turn goes into its case, and what the case holds comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from helpdesk.actions.call import Call
from helpdesk.conversation.case import Case, Draft, Kind, Memory, Stage
from helpdesk.conversation.door import Current, Doors, EnsureSignedIn, Run, Turn
from helpdesk.conversation.guided import Guided
from helpdesk.conversation.keeping import Keeper
from helpdesk.conversation.recollection import Recollection
from helpdesk.conversation.resuming import fills, result_of, slots_of, transcript_lines
from helpdesk.conversation.routing import Router
from helpdesk.conversation.transcript import Transcript
from helpdesk.errors import HelpdeskError
from helpdesk.events import Outcome, Question, Result, Said, outcome_of
from helpdesk.ports import Hearing, Interaction, SignedIn
from helpdesk.spec import ActionSpec


@dataclass(slots=True)
class Ways:
    """What the application bound: the door, ways to know who is there, and the log's memory of a case."""

    run: Run
    sign_in: EnsureSignedIn
    current: Current | None = None
    present: Callable[[], SignedIn | None] | None = None
    recover: Callable[[Case], Awaitable[list[Draft]]] | None = None


class Carried:
    """The part of a conversation that knows its case.

    Attributes:
        transcript: what was said and what came of it.
    """

    _doors: Doors
    _guided: Guided
    _router: Router

    def __init__(self, specs: Sequence[ActionSpec], keeper: Keeper, ways: Ways) -> None:
        self.transcript = Transcript()
        self._specs = {spec.name: spec for spec in specs}
        self._keeper, self._ways = keeper, ways
        self._recollection = Recollection()
        self._half: Memory | None = None
        self._asking = self._unknown = self._tried = False

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

    async def note(self, result: Result) -> None:
        """Keep the result of something that the surface ran beside the conversation, such as an undo."""
        if self._keeper.who(self._ways.present() if self._ways.present else None, between=True):
            self.transcript.lines.clear()
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
        self._guided.recall(case.memory, result_of(case))
        self._half = case.memory if case.memory.half and case.memory.action in self._specs else None
        self._unknown = case.at_the_door

    async def _kept(self, turn: Turn, answer: Awaitable[Result]) -> Result:
        """Await the answer of a turn, and keep how it ended; an error is told, kept and raised on."""
        known = len(self.transcript.lines)
        self._tried = False
        try:
            result = await answer
        except HelpdeskError as error:
            await self._said(outcome_of(error), error.message, known)
            self._recollection.tell(error.message)
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

    async def _said(self, outcome: Outcome, message: str, known: int) -> None:
        prose = [line.text for line in self.transcript.lines[known:] if line.speaker == "model"]
        drafts: list[Draft] = [(Kind.MODEL, {"text": text}) for text in prose]
        await self._keeper.add(*drafts, (Kind.SAID, {"outcome": outcome.value, "message": message}))

    async def _arrived(self, signed_in: SignedIn | None, interaction: Hearing) -> None:
        """Find out whose turn it is, and what became of the case since the last one."""
        present = signed_in or (self._ways.present() if self._ways.present else None)
        if self._keeper.who(present, between=True):
            self.transcript.lines.clear()
        elsewhere = await self._keeper.begun_elsewhere()
        if elsewhere is not None:
            self._restore(elsewhere)
            interaction.emit(Said(f"Case {elsewhere.id} went on in another window; this goes on from there."))
        case = await self._keeper.saved() if self._unknown and self._ways.recover is not None else None
        if case is not None and self._ways.recover is not None:
            self._unknown = False
            found = await self._ways.recover(case)
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
        return await self._met(await self._ways.sign_in(interaction))

    async def _known(self, interaction: Interaction) -> SignedIn | None:
        found = await self._ways.current(interaction) if self._ways.current is not None else None
        return await self._met(found) if found is not None else None

    async def _met(self, signed_in: SignedIn) -> SignedIn:
        if self._keeper.who(signed_in):
            self.transcript.begin_with_last()
        await self._keeper.add()
        return signed_in

    async def _at_the_door(
        self, call: Call, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool, case: str
    ) -> Result:
        self._keeper.who(signed_in)
        await self._keeper.proposed(call)
        self._asking, self._tried, self._unknown = False, True, True
        call = replace(call, case=self._keeper.id)
        result = await self._ways.run(call, signed_in, interaction, dry_run=dry_run, case=case)
        await self._keeper.ended(result)
        self._unknown = False
        return result
