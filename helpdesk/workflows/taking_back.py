"""What was done is taken back, newest first, each through the one door; what cannot be is said."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.journal import receipt_from
from helpdesk.actions.restore import restored
from helpdesk.actions.undo import Done, Undo
from helpdesk.engine import Document
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.events import Outcome, Result
from helpdesk.ports import SignedIn
from helpdesk.workflows.expressions import fill
from helpdesk.workflows.making import Keeping, step_call
from helpdesk.workflows.model import Undo as HowToUndo
from helpdesk.workflows.patience import AS_LONG, attempt, failure, over_some_day, patiently, pause
from helpdesk.workflows.probing import kept_intent

if TYPE_CHECKING:
    from helpdesk.workflows.interpreter import Running
    from helpdesk.workflows.record import Record


async def take_back(run: Running) -> None:
    """Take back every step that changed something."""
    for record in reversed([one for one in run.records if one.changed and one.state in ("done", "accepted")]):
        await _take_back(run, record)
        await run.tell()


async def _take_back(run: Running, record: Record) -> None:
    step = run.workflow.step(record.id)
    how = (step.undo if step else None) or HowToUndo("auto")
    if how.how == "none":
        record.state, record.why = "not undone", how.why or "the workflow says that it stays"
        return
    found = await patiently(run.durably, f"{record.path}:opposite", lambda: _opposites(run, record, how))
    if "error" in found:
        record.state, record.why = "not undone", str(found["error"])
        return
    for number, document in enumerate(found["calls"], 1):
        call = Call(
            action=document["action"],
            arguments=document["arguments"],
            provenance=dict.fromkeys(document["arguments"], Provenance.LOG),
            key=f"{run.plan.run}/{record.path}/undo/{number}",
            undoes=document["undoes"],
            pinned=document["pinned"],
        )
        result = await _through_the_door(run, call, f"{record.path}:undo{number}")
        if result.outcome is not Outcome.DONE:
            record.state, record.why = "not undone", f"{call.action}: {result.message}"
            return
    if how.how == "call":  # it stands, and something else makes up for it
        record.state, record.why = "made good", how.action
    else:
        record.state = "undone"


async def _through_the_door(run: Running, call: Call, name: str) -> Result:
    """Carry it out; a system that is away is waited for."""

    async def look(signed_in: SignedIn) -> Agreed:
        return await run.makes.agreed(call, signed_in, None)

    begun = None
    for number in count(1):
        result = await run.door(
            Keeping(run.durably, run.plan.run),
            attempt(name, number),
            look,
            action=call.action,
            arguments=call.arguments,
            request=run.makes.request,
        )
        if not over_some_day(result):
            return result
        now = await run.durably.now()
        begun = begun or now
        if now + pause(number) - begun > AS_LONG:
            return result
        await run.durably.sleep_until(now + pause(number))
    raise AssertionError("it counts for ever")


async def _opposites(run: Running, record: Record, how: HowToUndo) -> Document:
    """The calls that take a step back, as documents; or why there are none."""
    try:
        if how.how == "call":
            arguments = {name: fill(value, _names(run, record)) for name, value in how.arguments.items()}
            return {"calls": [_document(step_call(how.action, arguments, ""), {})]}
        spec = run.makes.runner.catalog.spec(record.action)
        if not spec.undoable:
            return {"error": spec.no_undo or "its author gives no way back"}
        signed_in = await run.door.acting()
        done = await asyncio.to_thread(_done, run, record, signed_in)
        requester = await asyncio.to_thread(run.makes.actor, signed_in.directory)
        calls = await Undo(run.makes.runner).opposites_of(done, signed_in, requester.person)
        return {"calls": [_document(call, call.pinned) for call in calls]}
    except HelpdeskError as error:
        return failure(error)
    except (ValueError, KeyError, TypeError):
        return {"error": "what was kept about it cannot be read any more"}


def _document(call: Call, pinned: Any) -> dict[str, Any]:
    return {
        "action": call.action,
        "arguments": dict(call.arguments),
        "undoes": call.undoes,
        "pinned": dict(pinned),
    }


def _names(run: Running, record: Record) -> dict[str, Any]:
    """What an ``undo`` with a call of its own may speak of: the inputs, and its own step."""
    step = run.workflow.step(record.id)
    values = {one.name: run.plan.values.get(one.name, one.default) for one in run.workflow.inputs}
    output = {"done": True, "outcome": record.outcome, "message": record.message, "receipt": record.receipt}
    return {**values, **dict(record.names), **({step.id: output} if step else {})}


def _done(run: Running, record: Record, signed_in: Any) -> Done:
    """A step as something that can be taken back; blocking."""
    intent = kept_intent(record)
    prepared, before = restored(run.makes.runner.catalog, intent, signed_in)
    return Done(_own_entry(run, record), intent.time, prepared, before, _receipt(record))


def _own_entry(run: Running, record: Record) -> int:
    """The outcome's number, where this host's log has it; blocking."""
    if record.entry is None:
        return 0
    try:
        entry = run.makes.runner.journal.audit.entry(record.entry)
    except (NotFound, HelpdeskError):
        return 0
    return record.entry if entry.body.get("key") == record.kept["body"]["key"] else 0


def _receipt(record: Record) -> Any:
    import json

    return receipt_from(json.dumps(record.receipt))
