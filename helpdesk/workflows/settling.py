"""The end of a run: its outcome stands in the log of whoever started it, and the request it fulfils is finished."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from helpdesk.actions.approve import request_state
from helpdesk.actions.judge import as_promised
from helpdesk.actions.restore import restored
from helpdesk.engine import Document
from helpdesk.errors import HelpdeskError, LogUnavailable, Unreachable
from helpdesk.events import ErrorInfo, Outcome, Warned
from helpdesk.gate.requests import RequestState
from helpdesk.workflows.outcomes import receipt_of
from helpdesk.workflows.patience import failure

if TYPE_CHECKING:
    from helpdesk.workflows.interpreter import Running

_CARRIED_OUT = (Outcome.DONE, Outcome.ACCEPTED)
_CLOCKS_APART = timedelta(minutes=10)


async def settle(run: Running, ended: Mapping[str, Any]) -> Document:
    """Log how the whole ended, where this host's log has its beginning and nobody waits for the end any more."""
    entry = None
    try:
        signed_in = await run.door.acting()
        entry = await asyncio.to_thread(_logged, run, ended, signed_in)
        if run.makes.request and entry is not None:
            outcome = Outcome(ended["outcome"])
            state = RequestState.DONE if outcome in _CARRIED_OUT else request_state(outcome)
            await asyncio.to_thread(run.makes.runner.requests.finish, run.makes.request, state, entry)
    except (Unreachable, LogUnavailable) as away:  # asked again while a system is away
        return {**failure(away), "entry": entry}
    except (
        HelpdeskError,
        ValueError,
        KeyError,
        TypeError,
    ) as error:  # each step stands in the log all the same
        message = (
            error.message if isinstance(error, HelpdeskError) else "what was kept cannot be read any more"
        )
        run.makes.interaction.emit(Warned(f"The end of run {run.plan.run} was not logged: {message}"))
    return {"entry": entry}


def _logged(run: Running, ended: Mapping[str, Any], signed_in: Any) -> int | None:
    """The number of the outcome; ``None`` where another host's log has the intent, or whoever began logs it."""
    journal = run.makes.runner.journal
    found = journal.begun(run.key, run.asked - _CLOCKS_APART)
    if not found:
        return None
    intent = found[0]
    outcomes = journal.audit.outcomes_of(intent.seq)
    if not outcomes:
        return None
    if outcomes[-1].body["outcome"] not in (Outcome.ACCEPTED, Outcome.UNKNOWN):
        return outcomes[-1].seq
    prepared, before = restored(run.makes.runner.catalog, intent, signed_in)
    outcome = Outcome(ended["outcome"])
    error = None if outcome in _CARRIED_OUT else ErrorInfo("workflow-failed", str(ended["message"]))
    receipt = as_promised(before, receipt_of(run.plan, ended))
    result = prepared.result(outcome, str(ended["message"]), receipt=receipt, error=error)
    return journal.outcome(prepared, signed_in.actor, result, intent.seq, str(intent.body.get("request", "")))
