"""Steps that wait: for a moment, or for somebody's yes or no. Both hear when the run is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from helpdesk.actions.prepare import find_person
from helpdesk.engine import Document, Durably
from helpdesk.errors import HelpdeskError
from helpdesk.workflows.expressions import fill
from helpdesk.workflows.making import moment_of
from helpdesk.workflows.model import Step, Wait
from helpdesk.workflows.patience import failure, patiently
from helpdesk.workflows.stopping import CANCEL, Stopped, answer_topic, cancelled

if TYPE_CHECKING:
    from helpdesk.workflows.interpreter import Running
    from helpdesk.workflows.record import Record

ANSWER_WITHIN = timedelta(days=14)


async def wait(
    run: Running, step: Step, names: Mapping[str, Any], path: str, durably: Durably
) -> dict[str, Any]:
    """Wait as a step says; what it gives to the others.

    Raises:
        Stopped: nobody answered in time, there is no such moment or person, or the run was cancelled.
    """
    assert step.wait is not None
    record = run.record(step, path, state="waiting")
    try:
        if step.wait.person:
            return await _answer(run, step, step.wait, record, names, durably)
        return await _moment(run, step.wait, record, names, durably)
    except Stopped:
        record.state = "failed"
        raise


async def _moment(
    run: Running, wait: Wait, record: Record, names: Mapping[str, Any], durably: Durably
) -> dict[str, Any]:
    until = await _until(wait, record.path, names, durably)
    record.message = f"until {until:%Y-%m-%d %H:%M} UTC"
    await run.tell(durably)
    told = await durably.told(CANCEL, until)
    if told is not None:
        raise cancelled(told)
    record.state, record.outcome = "done", "done"
    return {"done": True, "outcome": "done", "message": record.message}


async def _until(wait: Wait, path: str, names: Mapping[str, Any], durably: Durably) -> datetime:
    if wait.span:
        return await durably.now() + timedelta(seconds=wait.span)
    text = str(fill(wait.moment, names) or "")
    try:
        return moment_of(text)
    except ValueError as error:
        raise Stopped(f"step {path} waits for {text!r}, which is no moment") from error


async def _answer(
    run: Running, step: Step, wait: Wait, record: Record, names: Mapping[str, Any], durably: Durably
) -> dict[str, Any]:
    """One person's yes or no; nobody else's counts, whoever tells it."""
    login, ask = str(fill(wait.person, names) or ""), str(fill(wait.ask, names))
    found = await patiently(durably, f"{record.path}:who", lambda: _who(run, login))
    if "error" in found:
        record.message = str(found["error"])
        raise Stopped(f"step {record.path} waits for {login}: {found['error']}")
    until = await durably.now() + (timedelta(seconds=step.timeout) if step.timeout else ANSWER_WITHIN)
    record.message, record.arguments = ask, {"person": found["login"], "until": until.isoformat()}
    await run.tell(durably)
    while True:
        told = await durably.told(answer_topic(record.path), until)
        if told is None:
            raise Stopped(f"step {record.path}: {found['login']} did not answer in time")
        if told.get("what") == CANCEL:
            raise cancelled(told)
        if told.get("person") == found["id"] and told.get("answer") in ("yes", "no"):
            break
    record.state, record.outcome, record.message = "done", "done", f"{ask} {told['answer']}"
    return {
        "done": True,
        "outcome": "done",
        "answer": told["answer"],
        "by": found["login"],
        "message": str(told.get("note", "")),
    }


async def _who(run: Running, login: str) -> Document:
    try:
        signed_in = await run.door.acting()
        person = await asyncio.to_thread(find_person, login, signed_in.directory)
    except HelpdeskError as error:
        return failure(error)
    return {"id": person.id, "login": person.login}
