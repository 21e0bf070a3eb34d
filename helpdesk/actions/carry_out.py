"""From a confirmed call to a logged outcome: intent → execute → verify by reading back → outcome → reveal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeGuard

from helpdesk.actions.context import Systems, call_plugin
from helpdesk.actions.ending import read_back
from helpdesk.actions.grant import Grant
from helpdesk.actions.journal import Approvers, Journal
from helpdesk.actions.judge import as_promised, judge
from helpdesk.actions.mask import result_without
from helpdesk.actions.prepare import Prepared
from helpdesk.errors import HelpdeskError, LogUnavailable, Refused, Unreachable
from helpdesk.events import ErrorInfo, Observation, Outcome, Progress, Result, Warned
from helpdesk.lanes import waited
from helpdesk.plugin import ONLY_TAKEN, Context, NotYet, Preview, ReadContext
from helpdesk.ports import DirectoryReader, Interaction, SignedIn
from helpdesk.secrets import Secret


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds.

    Attributes:
        execute: for the plugin's function.
        read_back: how long an accepted change is polled before the outcome is ``accepted``.
        poll: the first pause between two read-backs; each next one is twice as long, up to a second.
    """

    execute: float = 60.0
    read_back: float = 10.0
    poll: float = 0.05


@dataclass(frozen=True, slots=True)
class Agreed:
    """A call that was previewed and agreed to, and who carries it out.

    Attributes:
        by: how it was confirmed ("person", "--yes").
        request: id of the approval request it fulfils, or "".
        rule: the ``@id`` of the rule that allowed it.
        begun: when the call that is read back after a crash was logged.
        look: what was read just before, for the plugin to read from while it acts; the writes check it themselves.
        ended: told the outcome as soon as it is logged, also when a Ctrl-C ends the waiting for it.
        approvers: ids and logins of those who said yes, where a worker carries it out.
        fence: asked just before the effect; it raises Stale where somebody else carries it out by now.
    """

    prepared: Prepared
    preview: Preview
    acting: SignedIn
    by: str
    request: str = ""
    rule: str = ""
    case: str = ""
    begun: datetime | None = None
    look: DirectoryReader | None = None
    ended: Callable[[Result], None] | None = None
    fence: Callable[[], None] | None = None
    approvers: Approvers = ()


@dataclass(frozen=True, slots=True)
class CarryOut:
    systems: Systems
    journal: Journal
    timing: Timing = Timing()

    async def __call__(self, item: Agreed, interaction: Interaction) -> Result:
        """Carry it out whole: once the intent is logged, a Ctrl-C waits for the outcome (R6).

        Raises:
            LogUnavailable: the intent could not be made durable; nothing was done (R1).
        """
        task = asyncio.ensure_future(self._whole(item, interaction))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
            interaction.emit(Warned("Finishing what was begun, so that its outcome is known…"))
            await task
            raise

    async def _whole(self, item: Agreed, interaction: Interaction) -> Result:
        prepared = item.prepared
        report = _reporter(interaction, "execute")
        intent = await waited(
            self.journal.intent,
            prepared,
            item.preview,
            item.acting.actor,
            item.by,
            item.request,
            item.rule,
            item.approvers,
        )
        context = self.systems.writing(
            prepared,
            item.acting.directory,
            report,
            case=item.case,
            before=item.preview,
            look=item.look,
            request=item.request,
        )
        interaction.emit(Progress("execute", f"Carrying out {prepared.spec.name}"))
        looking = self.systems.reading(prepared, item.acting.directory, report, before=item.preview)
        grant, error = await self._promised(item, looking, intent)
        returned = None
        if error is None:
            returned, error = await self._execute(item, context)
        if error is None:
            error = await self._given(prepared, looking)
        interaction.emit(Progress("verify", "Reading the result back"))
        result = await self.read_back(
            item, item.acting.directory, context.new_secret, returned, error, interaction
        )
        secrets = [*prepared.call.secrets.values(), context.new_secret, *(one for one, _ in context.revealed)]
        if result.outcome is Outcome.DONE:
            result = replace(result, rule=item.rule, undoable=prepared.spec.undoable)
        result = await waited(self._logged, item, result_without(secrets, result), intent)
        await self._settled(prepared, grant, result, interaction)
        if item.ended is not None:
            try:
                item.ended(result)
            except HelpdeskError as late:  # the outcome stands in the log; reconciling brings it over
                interaction.emit(Warned(late.message, "helpdesk reconcile"))
        return await _reveal(context, result, interaction)

    # ── what ends by itself ───────────────────────────────────────────────────────────────────

    async def _promised(
        self, item: Agreed, looking: ReadContext, intent: int
    ) -> tuple[Grant | None, HelpdeskError | None]:
        """The end is kept before anything is given; what cannot end is not given (V5)."""
        if self.systems.ending is None:
            return None, None
        try:
            if item.fence is not None:
                item.fence()
            kept = self.systems.ending.promise(
                item.prepared, looking, item.acting, item.request, intent, item.approvers
            )
            return await kept, None
        except HelpdeskError as error:
            return None, error

    async def _given(self, prepared: Prepared, looking: ReadContext) -> HelpdeskError | None:
        if self.systems.ending is None:
            return None
        try:
            await self.systems.ending.given(prepared, looking)
        except HelpdeskError as error:
            return error
        return None

    async def _settled(
        self,
        prepared: Prepared,
        grant: Grant | None,
        result: Result,
        interaction: Interaction,
    ) -> None:
        if self.systems.ending is None:
            return
        try:
            await self.systems.ending.settle(prepared, grant, result)
        except HelpdeskError as late:  # ends look after themselves: one about nothing takes nothing back
            interaction.emit(Warned(late.message, late.hint))

    # ── the effect ────────────────────────────────────────────────────────────────────────────

    async def _execute(self, item: Agreed, context: Context) -> tuple[Any, HelpdeskError | None]:
        prepared = item.prepared
        try:
            if item.fence is not None:
                item.fence()
            value = await call_plugin(
                prepared.spec.name,
                prepared.action.function,
                context,
                prepared.keywords,
                self.timing.execute,
            )
        except HelpdeskError as error:
            return None, error
        return value, None

    async def read_back(
        self,
        item: Agreed,
        reader: DirectoryReader,
        secret: Secret | None,
        returned: Any,
        error: HelpdeskError | None,
        interaction: Interaction,
    ) -> Result:
        """Ask the system of record what is there now, and judge it; errors of the effect do not decide."""
        prepared = item.prepared
        if secret is None:
            secret = next((given for given in prepared.call.secrets.values() if given), None)
        context = self.systems.reading(
            prepared,
            reader,
            _reporter(interaction, "verify"),
            before=item.preview,
            result=returned,
            new_secret=secret,
            begun=item.begun,
        )
        try:
            observations = await self._observe(item, context, error)
        except HelpdeskError as unread:
            return _unread(prepared, error or unread)
        if observations is None:
            said = returned if prepared.spec.process and isinstance(returned, str) else ""
            return prepared.result(
                Outcome.ACCEPTED, said or "The system took it; its effect cannot be read back yet."
            )
        outcome = judge(item.preview, observations)
        if outcome is Outcome.FAILED and _may_still_come(error):
            return _unread(prepared, error)
        receipt = as_promised(item.preview, observations)
        return _judged(prepared, outcome, receipt, returned, error)

    async def _observe(
        self, item: Agreed, context: ReadContext, error: HelpdeskError | None
    ) -> list[Observation] | None:
        """Read back until there is something to see; ``None`` when there is nothing by the deadline.

        What got no answer may still come: the old state is looked at again until the deadline, too.
        """
        deadline = time.monotonic() + self.timing.read_back
        pause = self.timing.poll
        while True:
            left = max(deadline - time.monotonic(), 1.0)
            seen = await read_back(self.systems, item.prepared, context, left + 20.0)
            if seen is ONLY_TAKEN:
                return None
            observations = None if isinstance(seen, NotYet) else seen
            waits = observations is None or (
                _may_still_come(error) and judge(item.preview, observations) is Outcome.FAILED
            )
            if not waits or time.monotonic() + pause > deadline:
                return observations
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    def _logged(self, item: Agreed, result: Result, intent: int) -> Result:
        try:
            entry = self.journal.outcome(item.prepared, item.acting.actor, result, intent, item.request)
        except LogUnavailable as error:
            return replace(
                result,
                outcome=Outcome.UNKNOWN,
                entry=intent,
                message=f"It was carried out, but its outcome could not be logged: {error.message}",
                error=ErrorInfo(error.code, error.message, "Make room for the log, then: helpdesk reconcile"),
            )
        return replace(result, entry=entry)


def _reporter(interaction: Interaction, phase: str) -> Callable[[str], None]:
    return lambda text: interaction.emit(Progress(phase, text))


async def _reveal(context: Context, result: Result, interaction: Interaction) -> Result:
    """Secrets come out once the outcome is known, unless the effect is known not to exist."""
    if result.outcome in (Outcome.FAILED, Outcome.REFUSED):
        return result
    doubt = "" if result.outcome is Outcome.DONE else " (not proven: it may not be in force)"
    try:
        for secret, label in context.revealed:
            await interaction.reveal(secret, label + doubt)
    except HelpdeskError as error:
        return _not_shown(result, error)
    return result


def _not_shown(result: Result, error: HelpdeskError) -> Result:
    """The effect stands, and nobody has seen the secret: only part of what was asked for."""
    message = f"{result.message} But the secret could not be shown, and is lost: {error.message}"
    info = ErrorInfo("not-revealed", message, "Run it again for another one.")
    outcome = Outcome.PARTIAL if result.outcome is Outcome.DONE else result.outcome
    return replace(result, outcome=outcome, message=message, error=info)


def _may_still_come(error: HelpdeskError | None) -> TypeGuard[Unreachable]:
    return isinstance(error, Unreachable) and error.maybe_applied


def _unread(prepared: Prepared, error: HelpdeskError) -> Result:
    return prepared.result(
        Outcome.UNKNOWN,
        f"Nobody knows yet whether it took effect: {error.message}",
        error=ErrorInfo("unknown", error.message, "When the system answers again: helpdesk reconcile"),
    )


def _judged(
    prepared: Prepared,
    outcome: Outcome,
    receipt: tuple[Observation, ...],
    returned: Any,
    error: HelpdeskError | None,
) -> Result:
    if outcome is Outcome.DONE:
        message = returned if isinstance(returned, str) and returned else f"{prepared.spec.name} is done."
        return prepared.result(outcome, message, receipt=receipt)
    wrong = next((o for o in receipt if not o.as_expected), None)
    seen = "it was read back as something else than was promised"
    if wrong:
        seen = f"{wrong.target}: {wrong.what} is {wrong.observed!r}, not {wrong.expected!r}"
    if outcome is Outcome.FAILED:
        final = Outcome.REFUSED if isinstance(error, Refused) else Outcome.FAILED
        message = (
            error.message if error else f"Nothing changed, although the system reported success ({seen})."
        )
        code = error.code if error and not isinstance(error, Unreachable) else "no-effect"
        info = ErrorInfo(code, message, error.hint if error else "helpdesk doctor checks the connection.")
        return prepared.result(final, message, receipt=receipt, error=info)
    if outcome is Outcome.PARTIAL:
        message = f"Only part of it took effect ({seen})." + (f" {error.message}" if error else "")
        info = ErrorInfo(
            "partial", message, error.hint if error and error.hint else "Run it again to finish."
        )
        return prepared.result(outcome, message, receipt=receipt, error=info)
    message = f"What was read back is neither the old state nor the new one ({seen})."
    info = ErrorInfo("unknown", message, "Look at it by hand, then: helpdesk reconcile")
    return prepared.result(outcome, message, receipt=receipt, error=info)
