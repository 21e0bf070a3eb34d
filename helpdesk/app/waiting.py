"""Waiting for what somebody else decides: told as it comes, and left at any time without any harm."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from helpdesk.errors import HelpdeskError
from helpdesk.events import ErrorInfo, Observation, Outcome, Result, Said, Warned
from helpdesk.gate.requests import Request, RequestState
from helpdesk.gate.routing import open_needs

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.ports import Hearing

LOOK_SECONDS = 0.5
"""Between two looks at whether anything was decided."""
_OPEN = (RequestState.PENDING, RequestState.APPROVED, RequestState.CLAIMED)
_OUTCOMES = {
    RequestState.DONE: Outcome.DONE,
    RequestState.FAILED: Outcome.FAILED,
    RequestState.STALE: Outcome.FAILED,
    RequestState.PARTIAL: Outcome.PARTIAL,
    RequestState.EXPIRED: Outcome.FAILED,
    RequestState.UNKNOWN: Outcome.UNKNOWN,
    RequestState.DENIED: Outcome.REFUSED,
    RequestState.WITHDRAWN: Outcome.CANCELLED,
}


async def wait(parts: Parts, asked: Result, interaction: Hearing, within: float | None = None) -> Result:
    """How a request ends that was just made; the result that it was asked with, when the time is over before.

    Args:
        asked: what the call ended with: pending. within: seconds; ``None``: as long as it takes.

    Ctrl-C ends the waiting alone.
    """
    id = str(asked.request)
    deadline = None if within is None else time.monotonic() + within
    interaction.emit(Said(f"{asked.message} Ctrl-C leaves it waiting."))
    try:
        return await _ended(parts, id, asked, interaction, deadline)
    except asyncio.CancelledError:
        interaction.emit(Warned(f"Request {id} goes on waiting without you.", f"helpdesk why {id}"))
        raise


async def _ended(
    parts: Parts, id: str, asked: Result, interaction: Hearing, deadline: float | None
) -> Result:
    told, marks = "", None
    request = await asyncio.to_thread(parts.requests.get, id)
    while True:
        found = await asyncio.to_thread(parts.requests.marks)
        if found != marks or request.state is not RequestState.PENDING:
            marks = found
            with suppress(HelpdeskError):  # the store is away: looked at again
                request = await asyncio.to_thread(parts.requests.get, id)
        if request.state not in _OPEN:
            return await asyncio.to_thread(_result, parts, request, asked)
        if parts.clock() >= request.expires and request.state is RequestState.PENDING:
            marks = None
        news = await asyncio.to_thread(_news, parts, request)
        if news != told:
            told = news
            interaction.emit(Said(news))
        if deadline is not None and time.monotonic() >= deadline:
            return asked
        await asyncio.sleep(LOOK_SECONDS)


def _news(parts: Parts, request: Request) -> str:
    """Where it stands, in a sentence; blocking."""
    if request.state is RequestState.PENDING:
        if not request.approvals:
            return f"Waiting for {' or '.join(request.approver_names)}"
        said = ", ".join(one.login for one in request.approvals)
        missing = open_needs(request, request.approvals, parts.clock())
        waits = " and ".join(need.of or "another approver" for need in missing)
        return f"{said} said yes; waiting for {waits}"
    if request.state is RequestState.APPROVED:
        when = f" at {request.call.at}" if request.call.at else ""
        return f"{request.decider} said yes; a worker takes it up{when}"
    from helpdesk.app.approving import run_standing

    run = run_standing(parts, request.id)
    return str(run["note"]) if run and run["note"] else f"{request.decider} said yes; it is carried out"


def _result(parts: Parts, request: Request, asked: Result) -> Result:
    """How it ended: as its run says, or as this machine's log does; blocking."""
    found = _of_run(parts, request)
    if found is not None:
        return found
    outcome = _OUTCOMES[request.state]
    message = request.answer or _words(request)
    bad = outcome is not Outcome.DONE
    return Result(
        outcome=outcome,
        action=request.call.action,
        arguments=dict(request.call.arguments),
        message=message,
        receipt=() if bad else _receipt(parts, request),
        entry=request.entry,
        request=request.id,
        error=ErrorInfo(request.state.value, message, f"helpdesk why {request.id}") if bad else None,
        rule=asked.rule,
    )


def _of_run(parts: Parts, request: Request) -> Result | None:
    if parts.engine is None or not request.approvals:
        return None
    from helpdesk.workflows.fulfil import followed

    try:
        status = parts.engine.status(request.id)
    except HelpdeskError:
        return None
    return followed(request, status.result, status.error) if status.result is not None else None


def _receipt(parts: Parts, request: Request) -> tuple[Observation, ...]:
    """What was read back, where this machine's log holds it."""
    from helpdesk.actions.journal import receipt_from

    if request.entry is None:
        return ()
    try:
        entry = parts.audit.entry(request.entry)
        if entry.body.get("request") != request.id:
            return ()  # the number is of another host's log
        return receipt_from(str(entry.personal.get("receipt") or "[]"))
    except (HelpdeskError, ValueError, TypeError):
        return ()


def _words(request: Request) -> str:
    who = request.decider
    match request.state:
        case RequestState.DONE:
            return f"{who} said yes to request {request.id}, and it is done."
        case RequestState.DENIED:
            return f"{who} said no to request {request.id}. Nothing was changed."
        case RequestState.WITHDRAWN:
            return f"Request {request.id} was taken back. Nothing was changed."
        case RequestState.EXPIRED:
            return f"Nobody said yes to request {request.id} in time. Nothing was changed."
        case RequestState.FAILED:
            return f"{who} said yes to request {request.id}, and it failed."
        case _:
            return f"Request {request.id} is {request.state.value}."
