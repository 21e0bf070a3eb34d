"""Repairs of what was said before, known by their form, with a model or without: corrections, "the same for …",
"say that again" and "what do you mean?" between two requests.

None of them asks a model: what it would be told is what the host knows already.
"""

from __future__ import annotations

from helpdesk.actions.call import Provenance
from helpdesk.conversation import answers
from helpdesk.conversation.amending import Contrast, amend, contrast, is_order
from helpdesk.conversation.door import Turn
from helpdesk.conversation.forms import form
from helpdesk.conversation.live import groups_in, people_in
from helpdesk.conversation.pronouns import same_for
from helpdesk.conversation.proposing import Proposer
from helpdesk.conversation.recollection import LastCall
from helpdesk.conversation.slots import Slots
from helpdesk.conversation.vocabulary import Vocabulary, group_choices, near_groups, person_choices
from helpdesk.events import Choice, Result, Said
from helpdesk.spec import Parameter


class Repairs:
    """Answers the turns that mend the one before."""

    def __init__(self, proposer: Proposer) -> None:
        self._proposer = proposer
        self._recollection = proposer.recollection

    async def answer(self, turn: Turn) -> Result | None:
        """The answer to a repair; ``None`` for every other sentence.

        Raises:
            Cancelled: the person stopped. NotSignedIn, Unreachable, UsageError: as of every turn.
        """
        said = form(turn.words)
        if said == "repeat":
            return self._again()
        last = self._recollection.last
        if last is None:
            return None
        if said == "explain" and turn.words.strip(" ?"):
            return answers.what_it_would_do(last.spec) if turn.words.strip().casefold() not in _HELP else None
        others = same_for(turn.words)
        if others:
            return await self._same(turn, last, others)
        mended = contrast(turn.words, last.spec)
        return await self._corrected(turn, last, mended) if mended is not None else None

    def _again(self) -> Result | None:
        told = self._recollection.again()
        return answers.in_words("\n".join(told)) if told else None

    async def _vocabulary(self, turn: Turn) -> Vocabulary | None:
        """The live names; ``None`` for whoever has a new password to choose first."""
        signed_in = await self._proposer.doors.ensure(turn)
        if signed_in.actor.must_change:
            return None
        return await self._proposer.doors.vocabulary(signed_in)

    async def _corrected(self, turn: Turn, last: LastCall, mended: Contrast) -> Result | None:
        """The last call with some of its arguments corrected; ``None`` when the words correct nothing of it."""
        if is_order(mended.right) or (vocabulary := await self._vocabulary(turn)) is None:
            return None
        slots = _copy(last)
        names = await amend(mended, last.spec, slots, vocabulary, self._proposer.today())
        if not names:
            return None
        if last.stands and last.result is not None:
            back = f" helpdesk undo {last.result.entry} takes it back." if last.result.undoable else ""
            turn.interaction.emit(Said(f"What was done before stands.{back} This is a new request."))
        return await self._proposer.propose(turn, last.spec, slots, vocabulary)

    async def _same(self, turn: Turn, last: LastCall, others: list[str]) -> Result | None:
        """The last call once more for somebody else, or for another group; what it was for stays the same."""
        vocabulary = await self._vocabulary(turn)
        if vocabulary is None:
            return None
        slots = _copy(last)
        first, *rest = others
        if not await self._put_other(first, last, slots, vocabulary):
            return None
        turn.interaction.waiting[:0] = [f"the same for {other}" for other in rest]
        return await self._proposer.propose(turn, last.spec, slots, vocabulary)

    async def _put_other(self, name: str, last: LastCall, slots: Slots, vocabulary: Vocabulary) -> bool:
        """Whether ``name`` can stand in the last call: a person, a group, or what is almost one and so is asked."""
        logins = [p for p in last.spec.parameters if p.kind == "login"]
        groups = [p for p in last.spec.parameters if p.kind == "group"]
        exact = await groups_in(name, vocabulary) if groups else []
        if len(exact) == 1:
            slots.put(groups[0].name, exact[0].name, Provenance.TYPED)
            return True
        sure, perhaps = await people_in(name, vocabulary) if logins else ([], [])
        if len(sure) == 1:
            slots.put(logins[0].name, sure[0].login, Provenance.TYPED)
            return True
        if logins:
            near = sure or perhaps or await vocabulary.near_people(name)
            _doubt(logins[0], slots, person_choices(near), f"I found nobody called {name}.")
            if near or not groups:
                return True
        if groups:
            close = group_choices(near_groups(name, await vocabulary.groups()))
            _doubt(groups[0], slots, close, f"There is no group called {name}.")
        return bool(logins or groups)


_HELP = ("help", "help me", "what", "which")


def _doubt(parameter: Parameter, slots: Slots, choices: tuple[Choice, ...], note: str) -> None:
    slots.arguments.pop(parameter.name, None)
    slots.doubt(parameter.name, choices, note)


def _copy(last: LastCall) -> Slots:
    return Slots(dict(last.slots.arguments), dict(last.slots.provenance))
