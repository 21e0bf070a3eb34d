"""The conversation without a model: words are routed, slots filled, what is missing asked one by one (L9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from helpdesk.actions.call import Provenance
from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.asking import choose
from helpdesk.conversation.case import Memory
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.door import Doors, Turn
from helpdesk.conversation.fallback import Fallback
from helpdesk.conversation.forms import form
from helpdesk.conversation.listener import NONE
from helpdesk.conversation.live import live_clues, people_in
from helpdesk.conversation.pronouns import point
from helpdesk.conversation.proposing import Proposer
from helpdesk.conversation.recollection import LastCall
from helpdesk.conversation.requests_told import about_requests
from helpdesk.conversation.routing import COVERED, ENOUGH, Route, Router
from helpdesk.conversation.several import are_listed
from helpdesk.conversation.slips import meant, vocabulary_of
from helpdesk.conversation.slots import Slots, fill
from helpdesk.conversation.vocabulary import NoNames, Vocabulary
from helpdesk.conversation.words import correction
from helpdesk.errors import Cancelled, MustChangePassword, Unreachable, UsageError
from helpdesk.events import Choice, ErrorInfo, Outcome, Question, Result, Said
from helpdesk.ports import SignedIn
from helpdesk.spec import ActionSpec


class Guided:
    """Answers one turn after the other. It proposes calls; it can carry out, allow or confirm none."""

    def __init__(self, specs: Sequence[ActionSpec], doors: Doors, router: Router, proposer: Proposer) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._doors = doors
        self._router = router
        self._proposer = proposer
        self._recollection = proposer.recollection
        self._known = vocabulary_of(specs)
        self._fallback = Fallback(self._specs, doors, proposer, self._ensure)

    async def turn(self, turn: Turn) -> Result:
        """Route the words and see the call through to its result.

        Raises:
            NotSignedIn: the action needs someone who is signed in. Unreachable: the directory is down.
            UsageError: something is missing and nobody is there to ask; the message names the flag.
        """
        if form(turn.words) in ("cancel", "everything"):
            return cancelled("", "Nothing is under way, so there is nothing to cancel.")
        try:
            return await self._turn(turn)
        except Cancelled as stop:
            turn.next = stop.words
            return cancelled(
                self._recollection.last.spec.name if self._recollection.last else "", stop.message
            )
        except _MustChoose:
            return await self.must_choose(turn)

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
        except Cancelled as stop:
            turn.next = stop.words
            return otherwise
        except (UsageError, _MustChoose):
            return otherwise

    # ── what a case carries on (see helpdesk.conversation.case) ────────────────────────────────

    def memory(self) -> Memory:
        """The call proposed last, half filled or whole, as plain values: what :meth:`recall` begins with elsewhere."""
        if self._recollection.last is None:
            return Memory()
        slots = self._recollection.last.slots
        provenance = {name: str(value) for name, value in slots.provenance.items()}
        return Memory(self._recollection.last.spec.name, dict(slots.arguments), provenance)

    def recall(self, memory: Memory, result: Result | None = None) -> None:
        """Go on from what another conversation remembered; an action that is gone is forgotten.

        Args:
            result: how the remembered call ended, when it was carried out.
        """
        spec = self._specs.get(memory.action)
        slots = Slots(
            dict(memory.arguments), {name: Provenance(value) for name, value in memory.provenance.items()}
        )
        self._recollection.last = LastCall(spec, slots, result) if spec else None
        if spec is not None:
            self._recollection.note(spec, slots)

    async def go_on(self, turn: Turn, spec: ActionSpec, slots: Slots) -> Result:
        """Propose a call that was left half filled: what is missing is asked. Errors as of :meth:`turn`."""
        try:
            return await self._propose(turn, spec, slots, await self._vocabulary(turn))
        except Cancelled as stop:
            turn.next = stop.words
            return cancelled(spec.name, stop.message)
        except _MustChoose:
            return await self.must_choose(turn)

    def _today(self) -> date:
        return self._proposer.today()

    async def _turn(self, turn: Turn) -> Result:
        turn.words = talk.left_to_do(turn.words) or turn.words
        route = self._router.route(turn.words)
        if route.flow in answers.KINDS:
            return self._in_words(turn, route.flow)
        if route.flow == "asked":
            return await self._own_requests(turn)
        if route.flow == "supposed":
            return await self._supposed(turn)
        if route.flow == "lock":
            return await self._own_lock(turn, route)
        if route.spec is None and not route.which and turn.signed_in is None:
            return await self._fallback.decline(turn)
        vocabulary = await self._vocabulary(turn)
        try:
            clues = await live_clues(turn.words, vocabulary)
        except Unreachable:
            if not _needs_no_names(route, turn.words):
                raise
            vocabulary, clues = NoNames(await self._ensure(turn)), Clues.of(turn.words)
        route = self._router.route(turn.words, clues)
        spec = None if _asks_about_nobody(route, clues) else route.spec or await self._which(turn, route)
        if spec is None:
            mended = await self._mended(turn, clues)
            if mended:
                turn.words = mended
                return await self._turn(turn)
            return await self._fallback.decline(turn)
        if route.flow == "incident":
            found = await self._fallback.from_policies(turn)
            if found is not None:
                return await self._fallback.told_and_handed_over(turn, found)
        if route.flow in _BY_PEOPLE:
            turn.interaction.emit(Said(_BY_PEOPLE[route.flow]))
        slots = await self._filled(turn, spec, clues, vocabulary, route.flow)
        result = await self._propose(turn, spec, slots, vocabulary)
        if spec.name == phrases.MEMBERSHIP and phrases.is_yes_or_no(turn.words):
            for group in clues.groups:
                turn.interaction.emit(Said(answers.whether_among(group, result)))
        return result

    async def _own_requests(self, turn: Turn) -> Result:
        """What became of what they asked for, from where requests are kept."""
        if self._doors.requests is None:
            return answers.answer("asked", list(self._specs.values()))
        requests = await self._doors.requests(await self._ensure(turn))
        return about_requests(requests, turn.words, self._doors.clock())

    async def _filled(
        self, turn: Turn, spec: ActionSpec, clues: Clues, vocabulary: Vocabulary, flow: str
    ) -> Slots:
        """What the words tell, what they point at, and of several people the first: the others come after."""
        slots = await fill(spec, turn.words, clues, vocabulary, self._today(), flow)
        told = await point(spec, turn.words, clues, slots, self._recollection, vocabulary)
        if told:
            turn.interaction.say(told)
        sure, _ = await people_in(turn.words, vocabulary)
        self._recollection.mention("login", (person.login for person in sure), Provenance.TYPED)
        logins = [p for p in spec.parameters if p.kind == "login"]
        if len(sure) > 1 and len(logins) == 1 and are_listed([p.login for p in sure], turn.words):
            slots.put(logins[0].name, sure[0].login, Provenance.TYPED)
            turn.interaction.waiting[:0] = [f"the same for {person.login}" for person in sure[1:]]
        return slots

    async def _vocabulary(self, turn: Turn) -> Vocabulary:
        return await self._doors.vocabulary(await self._ensure(turn))

    async def _ensure(self, turn: Turn) -> SignedIn:
        """Who is asking. Raises _MustChoose when all that is open to them is a new password."""
        signed_in = await self._doors.ensure(turn)
        if signed_in.actor.must_change:
            raise _MustChoose
        return signed_in

    async def must_choose(self, turn: Turn) -> Result:
        """Propose what a sign-in with a temporary password may do, whatever was said, and look nothing up.

        Raises:
            MustChangePassword: nobody is there to choose one, and the words were about something else.
        """
        specs = [spec for spec in self._specs.values() if spec.while_must_change]
        if not specs:
            raise MustChangePassword("You must choose a new password before anything else.")
        meant = Router(specs).route(turn.words).spec
        spec = meant or specs[0]
        if meant is None:
            turn.interaction.emit(
                Said("You signed in with a temporary password, so you choose a new one first.")
            )
        signed_in = await self._doors.ensure(turn)
        try:
            return await self._propose(turn, spec, Slots(), NoNames(signed_in))
        except Cancelled as stop:
            return cancelled(spec.name, stop.message)
        except UsageError as error:
            if meant is not None:
                raise
            raise MustChangePassword(
                "You must choose a new password before anything else.", hint=error.hint
            ) from error

    async def _propose(
        self, turn: Turn, spec: ActionSpec, slots: Slots, vocabulary: Vocabulary | None
    ) -> Result:
        return await self._proposer.propose(turn, spec, slots, vocabulary)

    async def _own_lock(self, turn: Turn, route: Route) -> Result:
        """Why the person cannot sign in: from their account when a session stands, else the signed-out diagnosis."""
        if phrases.wants_reset(turn.words):
            turn.interaction.emit(Said(answers.about_own_reset(self._specs.values())))
        if not await self._doors.already(turn):
            return await self._doors.explain_lock(turn.interaction)
        await self._ensure(turn)
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
        try:
            return self._specs.get(await choose(question, turn.interaction, sentences=True))
        except UsageError as error:
            raise UsageError(
                "That may mean several things, and nobody can be asked here.", hint=names
            ) from error

    async def _mended(self, turn: Turn, clues: Clues) -> str:
        """The sentence without its slips, if the person meant that; "" otherwise. Nothing is taken for granted."""
        found = meant(turn.words, self._known, {*clues.names, *clues.groups}, self._router)
        if not found:
            return ""
        choices = (*(Choice(sentence, sentence) for sentence in found), Choice(NONE, "none of these"))
        flag = f'helpdesk ask "{found[0]}"'
        try:
            asked = Question("meant", "Do you mean this?", flag, choices)
            chosen = await choose(asked, turn.interaction, sentences=True)
        except UsageError as error:
            raise UsageError("I do not know one of these words.", hint=f"Do you mean: {flag}?") from error
        return "" if chosen == NONE else chosen

    def _in_words(self, turn: Turn, kind: str) -> Result:
        """Answer what asks for nothing to be carried out."""
        if kind == "abilities":
            self._fallback.tell_abilities(turn)
        return answers.answer(kind, list(self._specs.values()))

    async def _supposed(self, turn: Turn) -> Result:
        """A question about an action: what it does, or else what the policies say; nothing is proposed."""
        for best in self._router.rank(turn.words)[:1]:
            if best.score >= ENOUGH and best.covered >= COVERED:
                return answers.what_it_would_do(best.spec)
        return await self._fallback.decline(turn)


_BY_PEOPLE = {
    "problem": "That is something to be looked at, so a ticket is the way to someone who can.",
    "people": "That is for people to see to, so a ticket is the way to them.",
    "incident": "That should be known at once, so a ticket is the way to someone who can act.",
}


class _MustChoose(Exception):
    """Whoever is signed in must choose a new password before anything is looked up."""


def _was_tried(spec: ActionSpec, slots: Slots, turn: Turn) -> bool:
    """Whether the model proposed this very call in this turn: then its end is the answer already."""
    return any(
        tried.name == spec.name
        and all(name in given and str(given[name]) == str(value) for name, value in slots.arguments.items())
        for tried, given in turn.tried
    )


def _needs_no_names(route: Route, words: str) -> bool:
    """Whether a sentence can be answered while the directory is away: from what lies on this machine."""
    if route.spec is None:
        return not route.which and Clues.of(words).asks
    return route.spec.reads and not route.spec.needs


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
