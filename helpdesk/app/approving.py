"""Approved requests and the worker: who carries what out, and how an approver watches it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from helpdesk.errors import Exit, HelpdeskError
from helpdesk.events import ErrorInfo, Outcome, Result

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.app.workbench import Workbench
    from helpdesk.engine import RunStatus
    from helpdesk.gate.requests import Request
    from helpdesk.ports import Hearing
    from helpdesk.spec import ActionSpec
    from helpdesk.workflows.fulfil import Fulfil

WATCHED_SECONDS = 120.0
"""For so long an approver's command watches what a worker does; the request goes on without it."""
AGAIN_SECONDS = 15.0
"""How often a worker looks for requests whose approver's program died before it could ask for their run."""


class WorkersHands:
    """Implements :class:`helpdesk.actions.approve.Hands` with the worker that is configured."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def takes(self, spec: ActionSpec) -> bool:
        """What its service identity declares, but for what shows a secret: nobody stands beside a worker."""
        worker = self._parts.config.worker
        return not spec.reveals and spec.name in self._parts.config.services[worker.service].actions

    def start(self, request: Request) -> None:
        from helpdesk.app.working import engine
        from helpdesk.workflows.fulfil import run_of

        engine(self._parts).start(run_of(request))

    async def follow(self, request: Request, interaction: Hearing) -> Result | None:
        """Watch it while it goes on at once; what waits for its moment is not waited for."""
        if request.call.at:
            return None
        return await followed(self._parts, request, interaction, WATCHED_SECONDS)


async def followed(
    parts: Parts, request: Request, interaction: Hearing, within: float | None
) -> Result | None:
    """How the run of an approved request ends; ``None`` when that is not known in time."""
    from helpdesk.app.working import ENDED, follow

    try:
        status = await follow(parts, request.id, interaction, within=within)
    except HelpdeskError as error:
        return _unwatched(request, error)
    if status.state not in ENDED:
        return None
    return _ended(request, status)


def _ended(request: Request, status: RunStatus) -> Result:
    from helpdesk.workflows.fulfil import followed as result_of

    return result_of(request, status.result, status.error)


def _unwatched(request: Request, error: HelpdeskError) -> Result:
    """It is approved and kept; only the watching failed."""
    outcome = Outcome.UNREACHABLE if error.exit == Exit.UNREACHABLE else Outcome.ACCEPTED
    message = f"Request {request.id} is approved, but nobody can tell how it goes: {error.message}"
    return Result(
        outcome=outcome,
        action=request.call.action,
        arguments=dict(request.call.arguments),
        message=message,
        request=request.id,
        error=ErrorInfo(error.code, message, error.hint or f"helpdesk why {request.id}"),
    )


def run_standing(parts: Parts, id: str) -> dict[str, Any] | None:
    """How the run of a request stands, for an explanation; ``None`` where there is none, or nobody can tell; blocking."""
    if parts.engine is None:
        return None
    try:
        status = parts.engine.status(id.strip().upper())
    except HelpdeskError:
        return None
    note = status.note or {}
    return {
        "state": status.state.value,
        "worker": status.worker,
        "note": str(note.get("message", "")),
        "error": status.error,
        "updated": status.updated.isoformat(),
    }


def handler(bench: Workbench) -> Fulfil:
    """The worker's handler of approved requests; beside its runs it starts what nobody asked for yet."""
    from helpdesk.app.workbench import Beside
    from helpdesk.app.working import engine
    from helpdesk.workflows.fulfil import Fulfil, start_approved

    parts = bench.parts

    async def again() -> list[str]:
        return await asyncio.to_thread(start_approved, parts.runner, engine(parts))

    bench.beside.append(Beside("approved-requests", AGAIN_SECONDS, again))
    return Fulfil(parts.runner, bench.door())
