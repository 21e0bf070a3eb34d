"""What is said and offered where no action fits: the policies' answer, what is in scope, a ticket for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from helpdesk.actions.call import Provenance
from helpdesk.conversation import answers, phrases, talk
from helpdesk.conversation.asking import agree
from helpdesk.conversation.clues import Clues
from helpdesk.conversation.door import Doors, Turn
from helpdesk.conversation.proposing import Proposer
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.texts import main_text
from helpdesk.conversation.words import content
from helpdesk.errors import Cancelled, NotSignedIn, UsageError
from helpdesk.events import ErrorInfo, Outcome, Result, Said
from helpdesk.ports import SignedIn
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten


class Fallback:
    """The end of a turn for which there is no action.

    Args:
        specs: by name. ensure: who is asking, and that they may ask for anything yet.
    """

    def __init__(
        self,
        specs: Mapping[str, ActionSpec],
        doors: Doors,
        proposer: Proposer,
        ensure: Callable[[Turn], Awaitable[SignedIn]],
    ) -> None:
        self._specs, self._doors, self._proposer, self._ensure = specs, doors, proposer, ensure
        self._told = False

    def tell_abilities(self, turn: Turn) -> None:
        self._told = True
        specs = self._specs.values()
        text = (
            f"Say what you need, such as {answers.examples(specs)}. What I can do: {answers.abilities(specs)}"
        )
        turn.interaction.emit(Said(text))

    async def decline(self, turn: Turn) -> Result:
        """Nothing fits: a question may still be one to the policies; else say what is in scope, and offer a ticket."""
        if talk.is_foreign(turn.words):
            return answers.english_only(self._specs)
        answer = await self.from_policies(turn) if Clues.of(turn.words).asks else None
        if answer is not None:
            return answer
        if not content(turn.words):
            return answers.in_words("Say what you need, in a few words.", "What I can do: helpdesk do")
        message = "I can't do that."
        hint = "See what I can do: helpdesk do"
        handoff = self._specs.get(phrases.HANDOFF)
        if handoff is not None and content(turn.words):
            hint += f" – or hand it to people: helpdesk do {handoff.name}"
            wanted = await self._wants_handoff(turn, self._what_instead(message))
            if wanted:
                return await self._hand_off(turn, handoff)
            if wanted is False:
                return answers.in_words("All right, then nothing is done.", "What I can do: helpdesk do")
        return Result(Outcome.USAGE, "", message, error=ErrorInfo("out-of-scope", message, hint))

    async def from_policies(self, turn: Turn) -> Result | None:
        """What the policies say to a sentence that no action answers; ``None`` when they are silent."""
        spec = self._specs.get(phrases.POLICY)
        question = main_text(spec) if spec else None
        if spec is None or question is None:
            return None
        slots = Slots()
        slots.put(question.name, turn.words.strip(), Provenance.TYPED)
        try:
            await self._ensure(turn)
        except NotSignedIn as error:
            if error.code != NotSignedIn.code:
                raise
            return None  # nobody is there to sign in, and the question may be about anything
        result = await self._proposer.propose(turn, spec, slots, None)
        return result if result.citations else None

    def _what_instead(self, message: str) -> str:
        """The offer of a ticket; what else can be done is told once a conversation."""
        able = "" if self._told else f" Here is what I can do: {answers.abilities(self._specs.values())}"
        self._told = True
        return f"{message}{able} Shall I open a ticket with your words?"

    async def _wants_handoff(self, turn: Turn, text: str) -> bool | None:
        """Whether the person takes the offer; ``None`` when nobody is there to say so.

        Raises:
            Cancelled: they said something else instead, which is the next turn.
        """
        labels = ("yes, open a ticket", "no")
        try:
            return await agree(
                text, f"helpdesk do {phrases.HANDOFF}", labels, turn.interaction, name="handoff"
            )
        except UsageError:
            return None
        except Cancelled as stop:
            if stop.words:
                raise
            return False

    async def told_and_handed_over(self, turn: Turn, found: Result) -> Result:
        """What the policies say about an incident, and the offer to tell people of it as well."""
        handoff = self._specs[phrases.HANDOFF]
        best = (found.citations or ())[0]
        passage = shorten(" ".join(str(best.text).split()), 400)
        turn.interaction.emit(Said(f"The policies say ({best.file}, line {best.line}): {passage}"))
        wanted = await self._wants_handoff(
            turn, "Shall I also open a ticket with your words, so that people know?"
        )
        if wanted is None:
            turn.interaction.emit(Said(f'To tell people as well: helpdesk do {handoff.name} "…"'))
        return await self._hand_off(turn, handoff) if wanted else found

    async def _hand_off(self, turn: Turn, spec: ActionSpec) -> Result:
        vocabulary = await self._doors.vocabulary(await self._ensure(turn))
        slots = Slots()
        subject = main_text(spec)
        if subject is not None:
            slots.put(subject.name, turn.words.strip(), Provenance.CHOSEN)
        return await self._proposer.propose(turn, spec, slots, vocabulary)
