"""A step whose outcome nobody knows: it is read back again later, and never carried out a second time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.reconcile import Reconciler
from helpdesk.actions.restore import restored
from helpdesk.engine import Document, Durably
from helpdesk.errors import HelpdeskError
from helpdesk.events import Outcome, Result
from helpdesk.gate.audit import Entry
from helpdesk.results import result_document, result_from

if TYPE_CHECKING:
    from helpdesk.workflows.interpreter import Running
    from helpdesk.workflows.record import Record

PAUSES = (5, 60, 600)
"""Seconds before each further look."""
_OPEN = (Outcome.UNKNOWN, Outcome.ACCEPTED)
_CLOCKS_APART = timedelta(minutes=10)


async def probed(run: Running, record: Record, result: Result, durably: Durably) -> Result:
    """What became of a step, as far as further looks can tell; the same result where they cannot."""
    intent = kept_intent(record)

    async def look() -> Document:
        try:
            return {"result": result_document(await _read_back(run, intent))}
        except (HelpdeskError, ValueError, KeyError, TypeError) as error:
            return {"error": str(error)}

    pauses = (
        PAUSES if result.outcome is Outcome.UNKNOWN else PAUSES[:1]
    )  # what was taken may never be to be read
    for number, pause in enumerate(pauses, 1):
        await durably.sleep_until(await durably.now() + timedelta(seconds=pause))
        found = await durably.step(f"{record.path}:probe{number}", look)
        if "result" in found and (told := result_from(found["result"])).outcome not in _OPEN:
            return told
    return result


def kept_intent(record: Record) -> Entry:
    """What the door kept before the effect, as the log would hold it."""
    kept = record.kept
    at = datetime.fromisoformat(kept["at"])
    return Entry(0, at, "intent", kept["body"], kept["personal"], "")


async def _read_back(run: Running, intent: Entry) -> Result:
    runner, interaction = run.makes.runner, run.makes.interaction
    signed_in = await run.door.acting()
    since = intent.time - _CLOCKS_APART
    own = await asyncio.to_thread(runner.journal.begun, intent.body["key"], since)
    if own:  # this host's log has it: what is found is logged there as well
        return await Reconciler(runner).one(own[0], signed_in, interaction)
    prepared, before = await asyncio.to_thread(restored, runner.catalog, intent, signed_in)
    agreed = Agreed(prepared, before, signed_in, "probe", begun=intent.time)
    return await Reconciler(runner).settled(agreed, intent.time, interaction)
