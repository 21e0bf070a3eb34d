"""The conversation with a model: it proposes calls in a capped loop; every check is made here, in code (L1)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from helpdesk.actions.call import Provenance
from helpdesk.conversation import phrases
from helpdesk.conversation.amending import denies
from helpdesk.conversation.asking import Asker
from helpdesk.conversation.claims import claims_completion
from helpdesk.conversation.door import Doors, Turn
from helpdesk.conversation.privacy import disclosure, result_for_model
from helpdesk.conversation.pronouns import points
from helpdesk.conversation.proposing import Proposer
from helpdesk.conversation.routing import Router
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.tally import Tally, rejected
from helpdesk.conversation.toolcalls import (
    MAX_CALLS,
    Checked,
    ProseGate,
    calls_in_text,
    check,
    is_target,
    provenance,
)
from helpdesk.conversation.transcript import Transcript
from helpdesk.conversation.vocabulary import Vocabulary, by_login, group_choices, near_groups, person_choices
from helpdesk.conversation.words import fold, stands
from helpdesk.errors import Cancelled, HelpdeskError, NotSignedIn, Unreachable
from helpdesk.events import (
    Choice,
    ErrorInfo,
    ModelFinished,
    ModelSaid,
    Outcome,
    Progress,
    Result,
    Warned,
)
from helpdesk.ports import Ended, Message, Model, TextPiece, ToolCall
from helpdesk.spec import ActionSpec, Parameter
from helpdesk.text import Untrusted

NOTHING_CHANGED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits of one turn (L7).

    Attributes:
        steps: replies of the model.
        calls: calls that reach the door.
        characters: of the model's prose and arguments together.
        seconds: spent waiting for the model; the person's own time does not count.
        offered: actions shown to the model, besides the one that answers policy questions.
        history: characters of earlier turns that are sent along.
    """

    steps: int = 6
    calls: int = 8
    characters: int = 20_000
    seconds: float = 180.0
    offered: int = 6
    history: int = 6_000


class ModelFailed(Exception):
    """The model is of no use for this turn; the message says why, for a person."""


@dataclass(slots=True)
class _Reply:
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(slots=True)
class _State:
    """One turn's loop."""

    turn: Turn
    offered: tuple[ActionSpec, ...]
    messages: list[Message]
    tools: Sequence[Mapping[str, Any]]
    tally: Tally = field(default_factory=Tally)
    seconds: float = 0.0
    characters: int = 0
    prose: str = ""
    called: bool = False
    seen: set[tuple[str, str]] = field(default_factory=set)


class ModelDriven:
    """Answers turns with a model. It proposes calls; it can carry out, allow or confirm none."""

    def __init__(
        self,
        specs: Sequence[ActionSpec],
        doors: Doors,
        router: Router,
        proposer: Proposer,
        model: Model,
        may_see: frozenset[str],
        transcript: Transcript,
        caps: Caps | None = None,
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._doors = doors
        self._router = router
        self._proposer = proposer
        self._recollection = proposer.recollection
        self._model = model
        self._may_see = may_see
        self._transcript = transcript
        self._caps = caps or Caps()

    def offered(self, words: str) -> tuple[ActionSpec, ...]:
        """The actions a model is shown for these words: the likeliest ones, and the one for policies."""
        route = self._router.route(words)
        first = [route.spec] if route.spec else list(route.which)
        ranked = [candidate.spec for candidate in self._router.rank(words)]
        names = list(dict.fromkeys(spec.name for spec in (*first, *ranked)))[: self._caps.offered]
        names += [name for name in (phrases.POLICY,) if name in self._specs and name not in names]
        return tuple(self._specs[name] for name in names)

    async def turn(self, turn: Turn) -> Result:
        """One turn.

        Raises:
            ModelFailed: the model gave nothing usable and no call has reached the door: another
                backend may take the same turn.
            NotSignedIn, UsageError: as the guided conversation.
        """
        offered = self.offered(self._context(turn.words))
        sent = disclosure(turn.words, offered, self._may_see, self._history())
        state = _State(turn, offered, list(sent.messages), sent.tools)
        try:
            await self._loop(state)
        except Cancelled as stop:
            return self._ended(state, Result(Outcome.CANCELLED, state.tally.last_action, stop.message))
        except ModelFailed as failure:
            if state.tally.empty:
                raise
            turn.interaction.emit(Warned(f"{failure} What was done before stands.", "helpdesk log list"))
        return self._ended(state, None)

    def _context(self, words: str) -> str:
        """The words to choose actions by: an answer to a model's question needs the question's turn."""
        before = [line.text for line in self._transcript.lines if line.speaker == "person"]
        return " ".join((*before[-2:-1], words)) if len(words.split()) < 5 else words

    def _history(self) -> list[Message]:
        """Earlier turns, latest kept: the person's words and the model's own; results stay where they are."""
        messages: list[Message] = []
        left = self._caps.history
        for line in reversed(self._transcript.lines[:-1]):
            left -= len(line.text)
            if left < 0:
                break
            if line.speaker == "person":
                messages.append(Message("user", line.text))
            elif line.speaker == "model":
                messages.append(Message("assistant", line.text))
        return messages[::-1]

    # ── the loop ──────────────────────────────────────────────────────────────────────────────

    async def _loop(self, state: _State) -> None:
        for _ in range(self._caps.steps):
            reply = await self._reply(state)
            if not reply.calls:
                return
            state.called = True
            state.messages.append(Message("assistant", reply.text, reply.calls))
            stops: list[Cancelled] = []
            for position, call in enumerate(reply.calls):
                answer = (
                    await self._one_of(state, call, reply.calls, stops)
                    if position < MAX_CALLS
                    else f"Not run: at most {MAX_CALLS} calls in one reply."
                )
                state.messages.append(Message("tool", answer, call_id=call.id))
            if stops:
                raise stops[0]
        raise ModelFailed(f"The model was stopped after {self._caps.steps} steps.")

    async def _reply(self, state: _State) -> _Reply:
        """One reply, streamed to the person. Raises ModelFailed when it is cut, too long or too late (L7, L8)."""
        left = self._caps.seconds - state.seconds
        started = time.monotonic()
        gate, ended = ProseGate(), None
        try:
            async with asyncio.timeout(max(left, 0.01)), aclosing(self._stream(state)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Ended):
                        ended = piece
                        break
                    self._count(state, len(piece.text))
                    self._show(state, gate.feed(piece.text))
        except Unreachable as error:
            raise ModelFailed(error.message) from error
        except TimeoutError:
            raise ModelFailed(f"The model took longer than {self._caps.seconds:.0f} seconds.") from None
        finally:
            state.seconds += time.monotonic() - started
        if ended is None or ended.reason in ("cut", "length"):
            self._show(state, gate.rest(is_call=False))
            raise ModelFailed("The model's answer broke off.")
        self._count(state, sum(len(call.name) + len(call.arguments) for call in ended.calls))
        calls = ended.calls or calls_in_text(gate.text)
        self._show(state, gate.rest(is_call=bool(calls and not ended.calls)))
        if not calls and not gate.text.strip() and state.tally.empty:
            raise ModelFailed("The model gave no answer.")
        state.prose += gate.text if ended.calls or not calls else ""
        return _Reply(gate.text, calls)

    def _stream(self, state: _State) -> AsyncGenerator[TextPiece | Ended, None]:
        """The model's reply as a generator, so that leaving it early closes its connection."""
        state.turn.interaction.emit(Progress("model", "Asking the model"))
        replies = self._model.complete(state.messages, state.tools)

        async def pieces() -> AsyncGenerator[TextPiece | Ended, None]:
            try:
                async for piece in replies:
                    yield piece
            finally:
                close = getattr(replies, "aclose", None)
                if close is not None:
                    await close()

        return pieces()

    def _count(self, state: _State, characters: int) -> None:
        state.characters += characters
        if state.characters > self._caps.characters:
            raise ModelFailed("The model's answer was too long and was stopped.")

    def _show(self, state: _State, text: str) -> None:
        if text:
            state.turn.interaction.emit(ModelSaid(Untrusted(text)))

    # ── one call ──────────────────────────────────────────────────────────────────────────────

    async def _one_of(
        self, state: _State, call: ToolCall, calls: Sequence[ToolCall], stops: list[Cancelled]
    ) -> str:
        """One call of a reply. That it fails, or the person does not want it, does not drop the others.

        Args:
            stops: is added to when the person stopped this one; then the model is asked no more.
        """
        try:
            return await self._one(state, call)
        except Cancelled as stop:
            if call is calls[-1] or state.turn.next or stop.words or state.turn.interaction.dropped_all:
                raise
            stops.append(stop)
            return "Not run: the person did not want it."
        except HelpdeskError as error:
            if isinstance(error, NotSignedIn) or len(calls) == 1:
                raise
            checked = check(call, state.offered)
            assert checked.spec is not None  # nothing else reaches the door
            state.tally.add(checked.spec, rejected(checked.spec.name, error))
            state.turn.interaction.emit(Warned(error.message, error.hint))
            return f"{checked.spec.name} ended: {error.message}"

    async def _one(self, state: _State, call: ToolCall) -> str:
        """Check a call, let the person settle what is tainted, hand it to the door; returns the answer."""
        checked = check(call, state.offered)
        if checked.spec is None or checked.arguments is None:
            return f"Not run. {checked.problem}"
        key = (checked.spec.name, repr(sorted(checked.arguments.items())))
        if key in state.seen:
            return "Not run: this very call was made in this turn already; see its answer above."
        if len(state.seen) >= self._caps.calls:
            return "Not run: too many calls in one turn."
        state.seen.add(key)
        try:
            result = await self._proposed(state, checked.spec, checked)
        except HelpdeskError as error:
            if isinstance(error, Cancelled) or state.tally.empty:
                raise
            result = rejected(checked.spec.name, error)  # an earlier call's result must not get lost
            state.turn.interaction.emit(Warned(error.message, error.hint))
        state.tally.add(checked.spec, result)
        if result.outcome is Outcome.CANCELLED:
            raise Cancelled(result.message)
        return result_for_model(result, checked.spec, self._may_see)

    async def _proposed(self, state: _State, spec: ActionSpec, checked: Checked) -> Result:
        turn = state.turn
        vocabulary = await self._doors.vocabulary(await self._doors.ensure(turn))
        arguments = dict(checked.arguments or {})
        slots = Slots(arguments, provenance(arguments, turn.said, spec))
        turn.tried.append((spec, slots.arguments))
        for parameter in spec.parameters:
            if parameter.kind == "login" and slots.provenance.get(parameter.name) is Provenance.TYPED:
                await self._ensure_own_right(turn, parameter.name, slots, vocabulary)
            self._point(turn, parameter, slots)
            if slots.provenance.get(parameter.name) is Provenance.TEXT and is_target(parameter, spec):
                await self._settle(turn, spec, parameter.name, slots, vocabulary)
        return await self._proposer.propose(turn, spec, slots, vocabulary)

    async def _ensure_own_right(self, turn: Turn, name: str, slots: Slots, vocabulary: Vocabulary) -> None:
        """A login that stands in the words only as a part of somebody else's name was not typed (L2)."""
        login = str(slots.arguments[name])
        found = await vocabulary.find_person(login)
        meant = next((person for person in found if fold(person.login) == fold(login)), None)
        if meant is not None and not by_login(meant, turn.said, found):
            slots.provenance[name] = Provenance.TEXT

    def _point(self, turn: Turn, parameter: Parameter, slots: Slots) -> None:
        """Whether a person or a group is the one that these words name, or point at without a doubt (L2).

        What the person said to be wrong, or named only before they spoke of somebody else, is tainted; what a
        pronoun stands for is not, where it can stand for nothing else.
        """
        name, kind = parameter.name, parameter.kind
        if (kind != "login" and kind != "group") or name not in slots.provenance:
            return
        value = str(slots.arguments[name])
        if denies(turn.words, value):
            slots.provenance[name] = Provenance.TEXT
            return
        spoken = self._recollection.spoken(kind)
        if spoken is None or stands(value, turn.words):
            return
        if spoken.names == (value,):
            source = spoken.sources[value]
            seen = (
                source is not Provenance.READ or spoken.turn < self._recollection.turn
            )  # before they pointed
            if seen and points(turn.words) and slots.provenance[name] is Provenance.TEXT:
                slots.provenance[name] = source
        elif not stands(value, self._transcript.since(spoken.turn)):
            slots.provenance[name] = Provenance.TEXT

    async def _settle(
        self, turn: Turn, spec: ActionSpec, name: str, slots: Slots, vocabulary: Vocabulary
    ) -> None:
        """A target that the person did not type is theirs to choose, among objects that exist (L2)."""
        parameter = spec.parameter(name)
        assert parameter is not None
        value = str(slots.arguments.pop(name))
        slots.provenance.pop(name)
        choices: tuple[Choice, ...] = (Choice(value, value),)
        if parameter.kind == "login":
            choices = person_choices([*await vocabulary.find_person(value)])
        elif parameter.kind == "group":
            groups = await vocabulary.groups()
            exact = [group for group in groups if group.name.casefold() == value.casefold()]
            choices = group_choices(exact or near_groups(value, groups))
        spoken = self._recollection.spoken(parameter.kind) if parameter.kind in ("login", "group") else None
        others = [
            n for n in (spoken.names if spoken else ()) if n not in {choice.value for choice in choices}
        ]
        choices = (*choices, *(Choice(other, other) for other in others))
        note = f"{spec.name}: you did not name the {name} yourself, so please choose."
        slots.doubt(name, choices, note)
        asker = Asker(spec, slots, vocabulary, turn.interaction, self._proposer.today())
        await asker.ask(parameter)

    # ── the end ───────────────────────────────────────────────────────────────────────────────

    def _said_before(self, words: str) -> bool:
        """Whether the person said just this in their turn before: a model that only talks is not asked thrice."""
        before = [line.text for line in self._transcript.lines if line.speaker == "person"][:-1]
        return bool(before) and fold(before[-1].strip()) == fold(words.strip())

    def _ended(self, state: _State, cancelled: Result | None) -> Result:
        """Close the turn: what the host knows stands against what the model says (L10).

        Where nothing came of the model's calls or claims, the person said no to one, or they have to say the
        same words again, the turn stays open: their own words have not been answered.
        """
        emit, tally = state.turn.interaction.emit, state.tally
        unproven = claims_completion(state.prose) and not tally.changed
        emit(ModelFinished(unproven=unproven))
        if unproven:
            emit(Warned(f"The model speaks of something done, but there is no receipt. {NOTHING_CHANGED}"))
        self._transcript.model(state.prose)
        in_vain = (state.called or unproven or self._said_before(state.turn.words)) and not tally.answered
        state.turn.open = (cancelled is not None or in_vain) and not tally.left_something
        if cancelled is not None and not tally.left_something:
            return cancelled
        if tally.empty:
            message = "The model answered in words; no action was carried out."
            hint = "Say it in other words, or see what I can do: helpdesk do"
            return Result(Outcome.USAGE, "", message, error=ErrorInfo("no-action", message, hint))
        return tally.result()
