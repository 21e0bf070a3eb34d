"""After a crash: read back what was begun and never ended, and log what is true (R2, R3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from helpdesk.actions.approve import request_state
from helpdesk.actions.carry_out import Agreed, CarryOut
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.restore import restored
from helpdesk.actions.runner import Runner
from helpdesk.errors import HelpdeskError, NotFound, OutcomeUnknown, UsageError
from helpdesk.events import ErrorInfo, Outcome, Progress, Result, Warned
from helpdesk.gate.audit import Entry
from helpdesk.plugin import Preview
from helpdesk.ports import Interaction, SignedIn

STILL_ARRIVING = timedelta(seconds=5)
"""How long after a call was begun its request may still be under way to the system, its process dead or not."""
_PAUSE = 0.1
ABANDONED = timedelta(minutes=10)
"""A claim that has come to no intent by then never will: every step before it has a shorter deadline."""


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Probes the system of record; it never carries anything out again."""

    runner: Runner

    async def __call__(
        self, intents: Sequence[Entry], signed_in: SignedIn, interaction: Interaction
    ) -> list[Result]:
        """One result for each intent; what still cannot be told stays ``unknown`` and open."""
        results = [await self.one(intent, signed_in, interaction) for intent in intents]
        try:
            await asyncio.to_thread(self.settle_requests)
        except HelpdeskError as error:  # what was read back stands all the same
            interaction.emit(Warned(error.message, error.hint))
        return results

    def settle_requests(self) -> None:
        """Approved requests whose approver's program died: ended as the log says, or open again; blocking.

        What is being carried out elsewhere at this moment has an intent in the log, or was claimed only just.
        """
        requests, now = self.runner.requests, self.runner.systems.clock()
        for request in requests.claimed():
            if request.approvals:
                continue  # a worker's, whose run looks after it; this host's log knows nothing of that
            entries = self.runner.journal.about_request(request.id)
            outcome = next((entry for entry in entries if entry.kind == "outcome"), None)
            if outcome is not None:
                state = request_state(Outcome(outcome.body["outcome"]))
                requests.finish(request.id, state, outcome.seq)
            elif not any(entry.kind == "intent" for entry in entries):
                since = now - request.decided_at if request.decided_at else ABANDONED
                if since >= ABANDONED:
                    requests.release(request.id)

    async def one(self, intent: Entry, signed_in: SignedIn, interaction: Interaction) -> Result:
        """Read back what one intent of this log began, and log what is true."""
        try:
            prepared, before = await asyncio.to_thread(restored, self.runner.catalog, intent, signed_in)
        except HelpdeskError as error:
            return _unreadable(intent, error)
        except (ValueError, KeyError, TypeError):  # written by another version, or erased in part
            return _unreadable(intent, OutcomeUnknown("it is not written as this version writes it."))
        agreed = Agreed(prepared, before, signed_in, by="reconcile", begun=intent.time)
        result = await self.settled(agreed, intent.time, interaction)
        await self._end_promises(prepared, before, signed_in, result, interaction)
        request = str(intent.body.get("request", ""))
        entry = self.runner.journal.outcome(prepared, signed_in.actor, result, intent.seq, request)
        if request:
            try:
                self.runner.requests.finish(request, request_state(result.outcome), entry)
            except HelpdeskError as error:
                interaction.emit(Warned(error.message, error.hint))
        return replace(result, entry=entry)

    async def _end_promises(
        self,
        prepared: Prepared,
        before: Preview,
        signed_in: SignedIn,
        result: Result,
        interaction: Interaction,
    ) -> None:
        systems = self.runner.systems
        if systems.ending is None:
            return
        context = systems.reading(prepared, signed_in.directory, lambda _: None, before=before)
        try:
            await systems.ending.after_crash(prepared, context, result.outcome)
        except HelpdeskError as error:  # at its end it finds nothing to take back
            interaction.emit(Warned(error.message, error.hint))

    async def settled(self, agreed: Agreed, sent: datetime, interaction: Interaction) -> Result:
        """What is read back of an interrupted call, in words about the interruption; nothing is logged.

        The old state of a call that was begun only just is no proof: its request may be on the wire, where a
        kill does not reach it; so it is looked at again for as long as that may be.

        Args:
            sent: when it may have been sent last.
        """
        carry_out = CarryOut(self.runner.systems, self.runner.journal, self.runner.timing)
        deadline = time.monotonic() + self._may_arrive(sent)
        told = False
        while True:
            result = await carry_out.read_back(agreed, agreed.acting.directory, None, None, None, interaction)
            if result.outcome not in (Outcome.FAILED, Outcome.PARTIAL) or time.monotonic() >= deadline:
                return _reworded(result, agreed.prepared)
            if not told:
                interaction.emit(Progress("verify", "Waiting for what may still be under way"))
                told = True
            await asyncio.sleep(_PAUSE)

    def _may_arrive(self, sent: datetime) -> float:
        """For how many seconds from now; a clock that was put back counts as none that has passed."""
        age = max(self.runner.systems.clock() - sent, timedelta(0))
        left = min(STILL_ARRIVING - age, timedelta(seconds=self.runner.timing.read_back))
        return max(left.total_seconds(), 0.0)


def _reworded(result: Result, prepared: Prepared) -> Result:
    name, target = prepared.spec.name, prepared.target
    about = f"{name} for {target}" if target else name
    match result.outcome:
        case Outcome.DONE:
            message = f"{about} was interrupted after it took effect; it is done."
            if prepared.spec.reveals:
                message += " The new password was lost with the interruption: run it again for another one."
        case Outcome.FAILED:
            message = f"{about} was interrupted before it took effect; nothing changed."
        case Outcome.PARTIAL:
            message = f"{about} was interrupted half-way. {result.message}"
        case _:
            return result
    error = replace(result.error, message=message) if result.error else None
    return replace(result, message=message, error=error)


def _unreadable(intent: Entry, error: HelpdeskError) -> Result:
    gone = isinstance(error, (NotFound, UsageError))
    message = f"Entry {intent.seq} ({intent.body.get('action')}) cannot be read back: {error.message}"
    hint = "Its target is gone; look at the system by hand." if gone else error.hint
    return Result(
        outcome=Outcome.UNKNOWN,
        action=str(intent.body.get("action", "")),
        message=message,
        entry=intent.seq,
        error=ErrorInfo("unknown", message, hint),
    )
