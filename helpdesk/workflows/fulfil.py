"""A worker carries out what was approved: the sealed plan, for the sealed requester, or nothing at all (V1, V3, V6).

Nothing that stands in the run decides anything but which request it is. The plan, every yes to it and who asked are read
from the request, each under the seal of a host that is believed, and are checked anew just before the effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from helpdesk.actions.approve import request_state
from helpdesk.actions.authorise import refusal
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.entitled import entitled
from helpdesk.actions.many import rows_of, together
from helpdesk.actions.plan import drifted, prepared_again
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.runner import Runner
from helpdesk.engine import Document, Durably, Engine, Run
from helpdesk.errors import Failed, HelpdeskError, Refused, Stale, Unreachable
from helpdesk.events import ErrorInfo, Outcome, Result
from helpdesk.gate.requests import Request, RequestState
from helpdesk.lanes import waited
from helpdesk.ports import SignedIn
from helpdesk.results import result_document, result_from
from helpdesk.workflows.door import DurableDoor

KIND = "request"
BY = "approval"
"""How the log says that it was confirmed."""
_PAUSES = (5.0, 300.0)
_LATER = frozenset({"unreachable", "log-unavailable", "rate-limited", "wrong-credentials", "account-locked"})
"""Codes of what is over some day: nothing was done, and it is tried again while the approval holds."""


def run_of(request: Request) -> Run:
    """The run that carries an approved request out: one, however often it is asked for."""
    at = datetime.fromisoformat(request.call.at) if request.call.at else None
    return Run(request.id, KIND, {"request": request.id, "plan": request.digest}, at=at)


def start_approved(runner: Runner, engine: Engine) -> list[str]:
    """Ask for the runs of approved requests whose approver's program died before it could; blocking."""
    waiting = runner.requests.approved()
    for request in waiting:
        engine.start(run_of(request))
    return [request.id for request in waiting]


@dataclass(frozen=True, slots=True)
class Fulfil:
    """The handler of runs of the kind "request".

    Attributes:
        pauses: seconds before the first and the longest pause before another try.
    """

    runner: Runner
    door: DurableDoor
    pauses: tuple[float, float] = _PAUSES

    async def __call__(self, durably: Durably, document: Document) -> Document:
        """Carry one request out; its result as a document."""
        taken = await durably.step("take", lambda: self._taken(document))
        if "result" in taken:
            return taken["result"]  # type: ignore[no-any-return]
        result = await self._all(durably, taken)
        result = replace(result, request=taken["request"])
        kept = await durably.step("finish", lambda: self._finished(result))
        return kept["result"]  # type: ignore[no-any-return]

    # ── the steps ─────────────────────────────────────────────────────────────────────────────

    async def _taken(self, document: Document) -> Document:
        """Make it this run's alone; a result where there is nothing to carry out."""
        id, plan = str(document.get("request", "")), document.get("plan")
        try:
            request = await waited(self.runner.requests.get, id)
            if request.digest != plan:
                raise Refused(f"The run of request {request.id} is about another plan.", code="sealed")
            await waited(self._never_begun, request)
            await waited(self.runner.requests.take, id)
        except (Unreachable, Failed):
            raise
        except HelpdeskError as error:
            result = await waited(self.runner.rejected, KIND, {}, None, error, id or None)
            return {"result": result_document(result)}
        latest = max(datetime.fromisoformat(one.expires) for one in request.approvals)
        return {
            "request": request.id,
            "at": request.call.at,
            "until": latest.isoformat(),
            "rows": len(request.call.rows),
            "action": request.call.action,
            "arguments": dict(request.call.arguments),
        }

    async def _all(self, durably: Durably, taken: Document) -> Result:
        """One call; or every row of many, once all of them are as they were."""
        if taken["at"]:
            await durably.sleep_until(datetime.fromisoformat(taken["at"]))
        if not taken["rows"]:
            return await self._carried_out(durably, taken, "request", 0)
        looked = await durably.step("look", lambda: self._looked_at(taken["request"]))
        if "result" in looked:
            return result_from(looked["result"])
        results = []
        for number in range(taken["rows"]):
            await durably.note({"phase": "execute", "message": f"Row {number + 1} of {taken['rows']}"})
            results.append(await self._carried_out(durably, taken, f"row:{number + 1}", number))
        request = await waited(self.runner.requests.get, taken["request"])
        return together(results, request)

    async def _looked_at(self, id: str) -> Document:
        """Look at every row before the first is carried out: what moved in one of them keeps all from being begun."""
        actor, number = None, 0
        try:
            acting = await self.door.acting()
            actor = acting.actor
            request = await waited(self.runner.requests.get, id)
            for number in range(len(request.call.rows)):
                await self._look(id, acting, number)
        except Unreachable as error:  # each row waits for the system by itself
            return {"away": error.message}
        except HelpdeskError as error:
            told = Stale(f"Row {number + 1}: {error.message}", hint=error.hint)
            result = await waited(self.runner.rejected, KIND, {}, actor, told, id)
            return {"result": result_document(result)}
        return {}

    async def _carried_out(self, durably: Durably, taken: Document, step: str, number: int) -> Result:
        until = datetime.fromisoformat(taken["until"])
        id = taken["request"]
        for attempt in count(1):
            name = step if attempt == 1 else f"{step}:{attempt}"
            if not taken["rows"]:
                await durably.note({"phase": "execute", "message": f"Carrying out request {id}"})
            result = await self.door(
                durably,
                name,
                lambda acting: self._look(id, acting, number),
                action=taken["action"],
                arguments=taken["arguments"],
                request=id,
            )
            code = result.error.code if result.error else ""
            if code not in _LATER or result.receipt:
                return result
            now = await durably.now()
            pause = timedelta(seconds=min(self.pauses[0] * 2 ** min(attempt - 1, 10), self.pauses[1]))
            if now + pause >= until:
                return result
            await durably.note({"phase": "wait", "message": f"Tried again in a while: {result.message}"})
            await durably.sleep_until(now + pause)
        raise AssertionError("it counts for ever")

    async def _finished(self, result: Result) -> Document:
        """The request ends as its call did. Again is once: what ended so already stays."""
        state = _ended(result)
        answer = result.message if state is RequestState.STALE else ""
        try:
            await waited(self.runner.requests.finish, str(result.request), state, result.entry, answer=answer)
        except Refused:
            now = await waited(self.runner.requests.get, str(result.request))
            if now.state is not state:
                raise
        return {"result": result_document(result)}

    # ── everything is checked again ───────────────────────────────────────────────────────────

    async def _look(self, id: str, acting: SignedIn, number: int = 0) -> Agreed:
        """The plan as it is sealed, or one row of it, held against this moment.

        Raises:
            Stale: anything moved. Refused: somebody may not, by now. Unreachable.
        """
        runner = self.runner
        request = await waited(runner.requests.get, id)
        if request.state is not RequestState.CLAIMED:
            raise Refused(f"Request {request.id} is not this run's: it is {request.state.value}.")
        request = rows_of(request)[number]
        prepared, rule = await waited(self._checked, request, acting)
        preview = await runner.preview(prepared, acting.directory, self.door.interaction)
        if preview.changes:
            moved = drifted(request, runner.authorise, prepared, preview)
            if moved is not None:
                raise moved
        approvers = [(one.approver, one.login) for one in request.approvals]
        return Agreed(prepared, preview, acting, BY, request=request.id, rule=rule, approvers=approvers)

    def _checked(self, request: Request, acting: SignedIn) -> tuple[Prepared, str]:
        """The call on today's objects, and the rule that lets it be; blocking."""
        runner, reader = self.runner, acting.directory
        prepared = prepared_again(request, runner.catalog, reader)
        worker = acting.actor.person
        refused = runner.authorise.services.refused(worker, prepared.spec, prepared.groups.values(), reader)
        if refused is not None:
            raise refusal(refused)
        now = runner.systems.clock().astimezone(UTC)
        stands_in = runner.requests.delegations.holds
        return prepared, entitled(runner.authorise, request, prepared, reader, now, stands_in)

    def _never_begun(self, request: Request) -> None:
        """This host's log remembers what was begun or denied, also where the store was put back; blocking."""
        for entry in self.runner.journal.about_request(request.id):
            if entry.kind == "intent" or entry.body.get("decision") in ("denied", "withdrawn", "stale"):
                raise Refused(
                    f"Request {request.id} was decided before: entry {entry.seq} of the log.",
                    hint="The store of requests was put back or altered; tell an administrator.",
                    code="already-decided",
                )


def _ended(result: Result) -> RequestState:
    """What never began because something moved, or may not be any more, is stale and not failed."""
    if result.outcome is Outcome.PARTIAL and result.data:
        return RequestState.PARTIAL
    if result.receipt or result.outcome in (Outcome.DONE, Outcome.UNKNOWN, Outcome.PARTIAL, Outcome.ACCEPTED):
        return request_state(result.outcome)
    code = result.error.code if result.error else ""
    moved = code == Stale.code or result.outcome in (Outcome.REFUSED, Outcome.USAGE)
    return RequestState.STALE if moved else RequestState.FAILED


def followed(request: Request, document: Document | None, error: str) -> Result:
    """How a request that a run carried out ended, for whoever watched it.

    Args:
        document: what the run returned, or ``None``. error: why it broke off.
    """
    if document is not None:
        return result_from(document)
    return Result(
        outcome=Outcome.UNKNOWN,
        action=request.call.action,
        arguments=dict(request.call.arguments),
        message=f"The run of request {request.id} broke off: {error}",
        request=request.id,
        error=ErrorInfo("run-broken", error, f"helpdesk why {request.id}"),
    )
