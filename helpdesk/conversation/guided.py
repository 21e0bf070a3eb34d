"""The conversation without a model: words are routed, slots filled, what is missing asked one by one (L9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from helpdesk.actions.call import Call, Provenance
from helpdesk.conversation import phrases
from helpdesk.conversation.asking import NONE, agree, choose, complete, corrected
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.door import Doors, Turn
from helpdesk.conversation.routing import Route, Router
from helpdesk.conversation.slots import Slots, fill, look_up
from helpdesk.conversation.texts import main_text
from helpdesk.conversation.vocabulary import Vocabulary
from helpdesk.conversation.words import content, correction, is_cancel
from helpdesk.errors import Cancelled, NotSignedIn, UsageError
from helpdesk.events import Choice, ErrorInfo, Outcome, Proposed, Question, Result, Said
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec


@dataclass(slots=True)
class _Last:
    """The call proposed last, kept for "no, I meant …"."""

    spec: ActionSpec
    slots: Slots


class Guided:
    """Answers one turn after the other. It proposes calls; it can carry out, allow or confirm none."""

    def __init__(self, specs: Sequence[ActionSpec], doors: Doors, router: Router) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._doors = doors
        self._router = router
        self._last: _Last | None = None

    async def turn(self, turn: Turn) -> Result:
        """Route the words and see the call through to its result.

        Raises:
            NotSignedIn: the action needs someone who is signed in. Unreachable: the directory is down.
            UsageError: something is missing and nobody is there to ask; the message names the flag.
        """
        if is_cancel(turn.words):
            return cancelled("", "Nothing is under way, so there is nothing to cancel.")
        try:
            return await self._turn(turn)
        except Cancelled as stop:
            return cancelled(self._last.spec.name if self._last else "", stop.message)

    async def instead(self, turn: Turn, otherwise: Result) -> Result:
        """Take the person's own words after a model's turn of which nothing came; else ``otherwise`` stands.

        A model that was talked into something else must not keep the person from what they asked for. What
        they have just been asked about, and said no to, they are not asked again. Errors as of :meth:`turn`.
        """
        if correction(turn.words) is not None:
            return otherwise
        route = self._router.route(turn.words)
        if route.flow == "lock" or not (route.spec or route.which):
            return otherwise
        try:
            vocabulary = await self._vocabulary(turn)
            clues = await live_clues(turn.words, vocabulary)
            route = self._router.route(turn.words, clues)
            spec = None if _asks_about_nobody(route, clues) else route.spec or await self._which(turn, route)
            if spec is None:
                return otherwise
            slots = await fill(spec, turn.words, clues, vocabulary, self._today(), route.flow)
            if _was_tried(spec, slots, turn):
                return otherwise
            turn.interaction.emit(Said(f"Your own words, without the model, come to {spec.name}."))
            return await self._propose(turn, spec, slots, vocabulary)
        except (Cancelled, UsageError):
            return otherwise

    def _today(self) -> date:
        return self._doors.clock().astimezone().date()

    async def _turn(self, turn: Turn) -> Result:
        instead = correction(turn.words)
        if instead is not None and self._last is not None:
            result = await self._again(turn, instead, self._last)
            if result is not None:
                return result
        route = self._router.route(turn.words)
        if route.flow == "lock":
            return await self._own_lock(turn, route)
        if route.spec is None and not route.which and turn.signed_in is None:
            return await self._decline(turn)
        vocabulary = await self._vocabulary(turn)
        clues = await live_clues(turn.words, vocabulary)
        route = self._router.route(turn.words, clues)
        spec = None if _asks_about_nobody(route, clues) else route.spec or await self._which(turn, route)
        if spec is None:
            return await self._decline(turn)
        if route.flow == "problem":
            turn.interaction.emit(
                Said("That is something to be looked at, so a ticket is the way to someone who can.")
            )
        slots = await fill(spec, turn.words, clues, vocabulary, self._today(), route.flow)
        return await self._propose(turn, spec, slots, vocabulary)

    async def _vocabulary(self, turn: Turn) -> Vocabulary:
        return await self._doors.vocabulary(await self._doors.ensure(turn))

    async def _propose(
        self, turn: Turn, spec: ActionSpec, slots: Slots, vocabulary: Vocabulary | None
    ) -> Result:
        self._last = _Last(spec, slots)
        secrets: dict[str, Secret] = {}
        if vocabulary is not None:
            secrets = await complete(spec, slots, vocabulary, turn.interaction)
        turn.interaction.emit(Proposed(spec.name, dict(slots.arguments)))
        call = Call(spec.name, dict(slots.arguments), dict(slots.provenance), secrets)
        return await self._doors.propose(call, turn)

    async def _again(self, turn: Turn, instead: str, last: _Last) -> Result | None:
        """The last call with one argument corrected; ``None`` when the words correct nothing of it."""
        vocabulary = await self._vocabulary(turn)
        slots = Slots(dict(last.slots.arguments), dict(last.slots.provenance))
        if not await corrected(instead, last.spec, slots, vocabulary):
            return None
        return await self._propose(turn, last.spec, slots, vocabulary)

    async def _own_lock(self, turn: Turn, route: Route) -> Result:
        """Why the person cannot sign in: from their account when a session stands, else the signed-out diagnosis."""
        if not await self._doors.already(turn):
            return await self._doors.explain_lock(turn.interaction)
        assert route.spec is not None
        return await self._propose(turn, route.spec, Slots(), None)

    async def _which(self, turn: Turn, route: Route) -> ActionSpec | None:
        if not route.which:
            return None
        choices = tuple(Choice(spec.name, f"{spec.summary} ({spec.name})") for spec in route.which)
        names = " or ".join(f"helpdesk do {spec.name}" for spec in route.which)
        question = Question(
            "action", "Which of these do you mean?", names, (*choices, Choice(NONE, "none of these"))
        )
        return self._specs.get(await choose(question, turn.interaction))

    async def _decline(self, turn: Turn) -> Result:
        """Nothing fits: a question may still be one to the policies; else say what is in scope, and offer a ticket."""
        answer = await self._from_policies(turn)
        if answer is not None:
            return answer
        message = "I can't do that."
        hint = "See what I can do: helpdesk do"
        handoff = self._specs.get(phrases.HANDOFF)
        if handoff is not None and content(turn.words):
            hint += f" – or hand it to people: helpdesk do {handoff.name}"
            if await self._wants_handoff(turn, message):
                return await self._hand_off(turn, handoff)
        return Result(Outcome.USAGE, "", message, error=ErrorInfo("out-of-scope", message, hint))

    async def _from_policies(self, turn: Turn) -> Result | None:
        """What the policies say to a question that no action answers; ``None`` when they are silent."""
        spec = self._specs.get(phrases.POLICY)
        question = main_text(spec) if spec else None
        if spec is None or question is None or not Clues.of(turn.words).asks:
            return None
        slots = Slots()
        slots.put(question.name, turn.words.strip(), Provenance.TYPED)
        try:
            await self._doors.ensure(turn)
        except NotSignedIn as error:
            if error.code != NotSignedIn.code:
                raise
            return None  # nobody is there to sign in, and the question may be about anything
        result = await self._propose(turn, spec, slots, None)
        return result if result.citations else None

    async def _wants_handoff(self, turn: Turn, message: str) -> bool:
        text = f"{message} Here is what I can do: {self.abilities()} Shall I open a ticket with your words?"
        labels = ("yes, open a ticket", "no")
        try:
            return await agree(
                text, f"helpdesk do {phrases.HANDOFF}", labels, turn.interaction, name="handoff"
            )
        except UsageError:
            return False
        except Cancelled:
            return False

    async def _hand_off(self, turn: Turn, spec: ActionSpec) -> Result:
        vocabulary = await self._vocabulary(turn)
        slots = Slots()
        subject = main_text(spec)
        if subject is not None:
            slots.put(subject.name, turn.words.strip(), Provenance.CHOSEN)
        return await self._propose(turn, spec, slots, vocabulary)

    def abilities(self) -> str:
        """What can be asked for, in one sentence a plugin."""
        by_plugin: dict[str, list[str]] = {}
        for spec in self._specs.values():
            by_plugin.setdefault(spec.plugin, []).append(spec.name.partition(".")[2])
        return "; ".join(f"{plugin}: {', '.join(names)}" for plugin, names in by_plugin.items()) + "."


async def live_clues(words: str, vocabulary: Vocabulary) -> Clues:
    """The clues of a sentence, with the names in it checked against the live directory."""
    groups = [group.name for group in await vocabulary.groups()]
    clues = Clues.of(words, groups=groups)
    sure, perhaps = await look_up(clues, vocabulary)
    known = [label for person in (*sure, *perhaps) for label in (person.login, *person.name.split())]
    if known:
        return Clues.of(words, people=known, groups=groups)
    return replace(clues, names_nobody=bool(clues.names))


def _was_tried(spec: ActionSpec, slots: Slots, turn: Turn) -> bool:
    """Whether the model proposed this very call in this turn: then its end is the answer already."""
    return any(
        tried.name == spec.name
        and all(name in given and str(given[name]) == str(value) for name, value in slots.arguments.items())
        for tried, given in turn.tried
    )


def _asks_about_nobody(route: Route, clues: Clues) -> bool:
    """A question whose only reason for an action on somebody is a word that is nobody's name."""
    spec = route.spec
    return bool(spec and not spec.reads and clues.asks and clues.names_nobody)


def cancelled(action: str, message: str) -> Result:
    return Result(
        Outcome.CANCELLED,
        action,
        message or "Cancelled; nothing was changed.",
        error=ErrorInfo("cancelled", message or "Cancelled; nothing was changed."),
    )
