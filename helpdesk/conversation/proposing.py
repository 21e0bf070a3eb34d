"""From an action and what is known of its arguments to a call at the door: what is missing is asked before."""

from __future__ import annotations

from datetime import date

from helpdesk.actions.call import Call, Provenance
from helpdesk.conversation.asking import Asker
from helpdesk.conversation.door import Doors, Turn
from helpdesk.conversation.pronouns import note_read
from helpdesk.conversation.recollection import LastCall, Recollection
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.vocabulary import Vocabulary
from helpdesk.events import Proposed, Result
from helpdesk.spec import ActionSpec


class Proposer:
    """Proposes calls, whoever found them: the guided conversation, a model, or a repair of the last call."""

    def __init__(self, doors: Doors, recollection: Recollection) -> None:
        self.doors = doors
        self.recollection = recollection

    def today(self) -> date:
        return self.doors.clock().astimezone().date()

    async def propose(
        self, turn: Turn, spec: ActionSpec, slots: Slots, vocabulary: Vocabulary | None
    ) -> Result:
        """Ask for what is missing, and hand the call to the door.

        Args:
            vocabulary: ``None`` where nothing can be missing.

        Raises:
            Cancelled: the person stopped. UsageError: nobody is there to ask.
        """
        last = self.recollection.last = LastCall(spec, slots)
        secrets = {}
        if vocabulary is not None:
            secrets = await Asker(spec, slots, vocabulary, turn.interaction, self.today()).complete()
        self.recollection.note(spec, slots)
        turn.interaction.emit(Proposed(spec.name, dict(slots.arguments)))
        call = Call(spec.name, dict(slots.arguments), dict(slots.provenance), secrets)
        last.result = await self.doors.propose(call, turn)
        if vocabulary is not None and Provenance.TEXT not in slots.provenance.values():
            # what a model looked up by words of its own shows nobody that the person asked to see (L2)
            await note_read(last.result, spec, self.recollection, vocabulary)
        self.recollection.last = last  # a question in between had a call of its own
        return last.result
