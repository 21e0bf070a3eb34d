"""The one door for what outlives its process: the same phases, in two steps that are remembered.

``begin`` looks, authorises and previews, and is kept before anything happens; ``effect`` carries out, reads back and
logs. A process that finds ``begin`` kept by another one took over from it, and does not know how far that one came: it
asks the log and the system of record first, and carries out only what provably did not happen (R2, R3).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.journal import intent_of, receipt_from
from helpdesk.actions.reconcile import Reconciler
from helpdesk.actions.restore import restored
from helpdesk.actions.runner import Runner
from helpdesk.engine import Document, Durably
from helpdesk.errors import HelpdeskError, OutcomeUnknown, Stale
from helpdesk.events import ErrorInfo, Outcome, Progress, Result
from helpdesk.gate.audit import Entry
from helpdesk.ports import Interaction, SignedIn
from helpdesk.results import result_document, result_from

Look = Callable[[SignedIn], Awaitable[Agreed]]
"""Prepares, authorises, previews and checks a call, on a sign-in of now; raises HelpdeskError where it may not run."""

PATIENCE = 3600.0
"""Seconds for which a system that gives no answer is asked what became of a call, before the outcome is unknown."""
_PAUSES = (0.5, 15.0)
_CLOCKS_APART = timedelta(minutes=10)
_under_way: set[tuple[str, str, str]] = set()
"""Effects that this process began and whose results are not kept yet: (token, run, step)."""


@dataclass(frozen=True, slots=True)
class DurableDoor:
    """Carries one call of a run out.

    Args:
        acting: signs in as whoever carries out, anew or with a connection that is still good.
        token: of this process; the engine's when left out.
        patience: see :data:`PATIENCE`.
    """

    runner: Runner
    acting: Callable[[], Awaitable[SignedIn]]
    interaction: Interaction
    token: str = ""
    patience: float = PATIENCE

    async def __call__(
        self,
        durably: Durably,
        name: str,
        look: Look,
        *,
        action: str = "",
        arguments: Mapping[str, Any] | None = None,
        request: str = "",
    ) -> Result:
        """Carry out what ``look`` agrees to, once, however often the run is taken up.

        Args:
            name: of the step, unique in its run.
            look: asked again just before the effect. The key of its call must be this step's own and no other's.
            action, arguments, request: for the log, where ``look`` refuses before there is a call.

        Returns:
            how it ended; an error of ``look`` is a result, too.

        Raises:
            Stale: this worker was taken for dead, and another one goes on.
        """
        once = _Once(self, durably, name, look, action or name, dict(arguments or {}), request)
        begun = _ours(await durably.step(f"{name}:begin", once.begin), durably.id, name)
        if "result" in begun:
            return result_from(begun["result"])
        once = replace(once, begun=begun)
        kept = _ours(await durably.step(f"{name}:effect", once.effect), durably.id, name)
        _under_way.discard(once.mark)
        return result_from(kept["result"])


@dataclass(frozen=True, slots=True)
class _Once:
    """One call at one place of one run."""

    door: DurableDoor
    durably: Durably
    name: str
    look: Look
    action: str
    arguments: dict[str, Any]
    request: str
    begun: Document = field(default_factory=dict)

    @property
    def token(self) -> str:
        return self.door.token or self.durably.token

    @property
    def mark(self) -> tuple[str, str, str]:
        return (self.token, self.durably.id, self.name)

    # ── the two steps ─────────────────────────────────────────────────────────────────────────

    async def begin(self) -> Document:
        runner, signed_in = self.door.runner, None
        try:
            signed_in = await self.door.acting()
            agreed = await self.look(signed_in)
            if not agreed.preview.changes:
                result = await runner.nothing_to_do(
                    agreed.prepared, agreed.preview, agreed.acting, self.door.interaction
                )
                if agreed.ended is not None:
                    agreed.ended(result)
                return self._document(result=result_document(result))
            if agreed.prepared.spec.reveals:
                self.door.interaction.ensure_can_reveal()
        except HelpdeskError as error:
            return self._document(result=result_document(self._rejected(signed_in, error)))
        prepared, preview = agreed.prepared, agreed.preview
        actor, request = agreed.acting.actor, agreed.request
        body, personal = intent_of(
            prepared, preview, actor, agreed.by, request, agreed.rule, agreed.approvers
        )
        return self._document(
            token=self.token, at=runner.systems.clock().isoformat(), body=body, personal=personal
        )

    async def effect(self) -> Document:
        ours = self.begun["token"] == self.token and self.mark not in _under_way
        result = None if ours else await self._settled()
        if result is None or result.outcome is Outcome.FAILED:  # it provably did not happen
            result = await self._carried_out()
        return self._document(result=result_document(result))

    def _document(self, **more: Any) -> Document:
        return {"run": self.durably.id, "step": self.name, **more}

    def _rejected(self, signed_in: SignedIn | None, error: HelpdeskError) -> Result:
        actor = signed_in.actor if signed_in else None
        return self.door.runner.rejected(
            self.action, self.arguments, actor, error, request=self.request or None
        )

    # ── carrying out ──────────────────────────────────────────────────────────────────────────

    async def _carried_out(self) -> Result:
        """Look once more, and do it if everything is as it was."""
        signed_in = None
        try:
            signed_in = await self.door.acting()
            agreed = await self.look(signed_in)
            if agreed.prepared.digest(agreed.preview) != self.begun["body"]["digest"]:
                raise Stale(
                    f"{agreed.prepared.target or 'The state'} changed since it was looked at, so nothing was done."
                )
        except HelpdeskError as error:
            return self._rejected(signed_in, error)
        self.durably.still_mine()
        _under_way.add(self.mark)
        fenced = replace(agreed, fence=self.durably.still_mine)
        try:
            result = await self.door.runner.carry_out(fenced, self.door.interaction)
        except HelpdeskError as error:  # the intent was not logged, or there was no room: nothing began
            _under_way.discard(self.mark)
            return self._rejected(signed_in, error)
        if _unread(result):
            return await self._settled()
        return result

    # ── what somebody else began ──────────────────────────────────────────────────────────────

    async def _settled(self) -> Result:
        """What became of it, as the log and the system of record say; ``FAILED``: nothing happened.

        A system that is away is asked for as long as there is patience, and as this worker is the one to ask.
        """
        since = self.door.runner.systems.clock()
        deadline = time.monotonic() + self.door.patience
        pause = _PAUSES[0]
        while True:
            result = await self._read_back(since)
            if not _unread(result) or time.monotonic() + pause > deadline:
                return result
            self.door.interaction.emit(Progress("verify", f"Waiting for an answer: {result.message}"))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSES[1])
            self.durably.still_mine()

    async def _read_back(self, since: datetime) -> Result:
        """What is there now; logged here as soon as it is known, also what another host's process did."""
        runner = self.door.runner
        try:
            signed_in = await self.door.acting()
            own = await asyncio.to_thread(self._own_intent)
            ended = self._logged(own) if own is not None else None
            if ended is not None:
                return ended
            intent = own or self._kept_intent()
            prepared, before = await asyncio.to_thread(restored, runner.catalog, intent, signed_in)
            agreed = Agreed(
                prepared,
                before,
                signed_in,
                "taken-over",
                request=str(intent.body["request"]),
                begun=intent.time,
                approvers=_approvers(intent),
            )
            result = await Reconciler(runner).settled(agreed, since, self.door.interaction)
            if _unread(result) or (result.outcome is Outcome.FAILED and own is None):
                return result
            if result.outcome is Outcome.DONE:
                result = replace(result, rule=str(intent.body["rule"]), undoable=prepared.spec.undoable)
            return await asyncio.to_thread(self._log, agreed, result, own)
        except HelpdeskError as error:
            return self._unknown(error)
        except (ValueError, KeyError, TypeError):
            return self._unknown(OutcomeUnknown("it is not written as this version writes it."))

    def _own_intent(self) -> Entry | None:
        """The newest intent of this call in this host's log; blocking."""
        since = datetime.fromisoformat(self.begun["at"]) - _CLOCKS_APART
        return next(iter(self.door.runner.journal.begun(self.begun["body"]["key"], since)), None)

    def _logged(self, intent: Entry) -> Result | None:
        """How it ended as the log says, where its process died after that; ``None`` when that is not settled."""
        outcomes = self.door.runner.journal.audit.outcomes_of(intent.seq)
        outcome = outcomes[-1] if outcomes else None
        if outcome is None or outcome.body["outcome"] in (Outcome.UNKNOWN, Outcome.ACCEPTED):
            return None
        code, message = str(outcome.body.get("code", "")), str(outcome.personal.get("message") or "")
        return Result(
            outcome=Outcome(outcome.body["outcome"]),
            action=str(outcome.body["action"]),
            message=message or "It ended before; the words about it were erased from the log.",
            receipt=receipt_from(str(outcome.personal.get("receipt") or "[]")),
            entry=outcome.seq,
            error=ErrorInfo(code, message) if code else None,
            rule=str(outcome.body.get("rule", "")),
        )

    def _log(self, agreed: Agreed, result: Result, own: Entry | None) -> Result:
        """The outcome; before it the intent, where only another host's log holds one. Raises LogUnavailable; blocking."""
        journal, actor, prepared = self.door.runner.journal, agreed.acting.actor, agreed.prepared
        if own is not None:
            seq = own.seq
        else:
            seq = journal.intent(
                prepared, agreed.preview, actor, agreed.by, agreed.request, result.rule, agreed.approvers
            )
        return replace(result, entry=journal.outcome(prepared, actor, result, seq, agreed.request))

    def _kept_intent(self) -> Entry:
        """What ``begin`` kept, as the log would hold it."""
        at = datetime.fromisoformat(self.begun["at"])
        return Entry(0, at, "intent", self.begun["body"], self.begun["personal"], "")

    def _unknown(self, error: HelpdeskError) -> Result:
        """Nothing was read, so nothing is known."""
        return Result(
            outcome=Outcome.UNKNOWN,
            action=str(self.begun["body"]["action"]),
            message=f"Nobody knows yet whether it took effect: {error.message}",
            error=ErrorInfo("unknown", error.message, error.hint or "helpdesk reconcile"),
        )


def _unread(result: Result) -> bool:
    """Whether nothing could be read back; a state that is neither the old nor the promised one was."""
    return result.outcome is Outcome.UNKNOWN and not result.receipt


def _approvers(intent: Entry) -> list[tuple[str, str]]:
    names = [name for name in ("approver", "approver2", "approver3") if name in intent.personal]
    return [(str(intent.body[f"{name}_id"]), str(intent.personal[name])) for name in names]


def _ours(kept: Document, run: str, name: str) -> Document:
    """A kept document belongs to this place of this run, or it proves nothing. Raises Stale."""
    if (kept.get("run"), kept.get("step")) != (run, name):
        raise Stale(f"What was kept of step {name} of run {run} belongs to another one, so nothing was done.")
    return kept
