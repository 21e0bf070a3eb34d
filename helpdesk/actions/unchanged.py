"""The ends of a call that change nothing: an answer, a preview, and a system that already is as asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from helpdesk.actions.by_hand import names
from helpdesk.actions.context import Systems, call_plugin
from helpdesk.actions.ending import read_back
from helpdesk.actions.journal import Journal
from helpdesk.actions.prepare import Prepared
from helpdesk.errors import PluginFailure, Stale
from helpdesk.events import Outcome, Progress, Result
from helpdesk.identity import Person
from helpdesk.plugin import Answer, NotYet, Preview
from helpdesk.ports import Interaction, SignedIn

READ_DEADLINE = 60.0


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Ends a call that has no effect, and logs that."""

    systems: Systems
    journal: Journal

    async def answered(
        self, prepared: Prepared, signed_in: SignedIn, interaction: Interaction, rule: str, case: str
    ) -> Result:
        """What an action that only reads found. ``rule``: that allowed it. Raises PluginFailure and the plugin's own."""
        context = self.systems.reading(
            prepared, signed_in.directory, reporter(interaction), actor=signed_in.actor, case=case
        )
        name = prepared.spec.name
        answer = await call_plugin(name, prepared.action.function, context, prepared.keywords, READ_DEADLINE)
        if not isinstance(answer, Answer):
            raise PluginFailure(f"{name} gave no answer that can be shown.")
        result = prepared.result(
            Outcome.DONE,
            answer.message,
            receipt=answer.receipt,
            citations=answer.citations,
            data=answer.data,
            rule=rule,
        )
        return replace(result, entry=self.journal.answered("read", prepared, signed_in.actor, result))

    async def nothing_to_do(
        self, prepared: Prepared, preview: Preview, signed_in: SignedIn, interaction: Interaction
    ) -> Result:
        """The system already is as asked: said from a read-back, like everything that is done.

        Raises:
            Stale: it moved while it was read.
        """
        context = self.systems.reading(prepared, signed_in.directory, reporter(interaction), before=preview)
        found = await read_back(self.systems, prepared, context, READ_DEADLINE)
        seen = [] if isinstance(found, NotYet) else found
        if not seen or not all(o.as_expected for o in seen):
            raise Stale("The state moved while it was read.", hint="Run it again.")
        message = preview.summary or "Nothing had to change."
        result = prepared.result(Outcome.DONE, message, receipt=tuple(seen))
        entry = self.journal.answered("read", prepared, signed_in.actor, result, prepared.digest(preview))
        return replace(result, entry=entry)

    def previewed(
        self, prepared: Prepared, preview: Preview, signed_in: SignedIn, approvers: Sequence[Person] = ()
    ) -> Result:
        """``approvers``: for whom it would wait."""
        waits = f" It would wait for {names(approvers)}." if approvers else ""
        result = prepared.result(
            Outcome.PREVIEWED,
            f"{preview.summary}{waits} Nothing was changed.",
            changes=preview.changes,
        )
        return replace(result, entry=self.journal.answered("preview", prepared, signed_in.actor, result))


def reporter(interaction: Interaction) -> Callable[[str], None]:
    """Tells the person what is being read."""
    return lambda text: interaction.emit(Progress("read", text))
