"""Workflows and a desk: where their runs are watched from, and how one is followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from helpdesk.errors import NotFound, Refused
from helpdesk.events import Event, Outcome, Progress, Result, Said

if TYPE_CHECKING:
    from helpdesk.actions.call import Call
    from helpdesk.app.parts import Parts
    from helpdesk.engine import Engine
    from helpdesk.ports import Interaction, SignedIn
    from helpdesk.workflows.runs import Runs

_LOOK_SECONDS = 0.2
_EXPLAINED = ("failed", "partial", "unknown", "waiting", "not undone")


def runs_of(parts: Parts, signed_in: SignedIn) -> Runs:
    """The runs that this person may see. Raises Refused: there is no worker, so there are no runs."""
    from helpdesk.workflows.runs import Runs

    return Runs(parts.runner, engine_for(parts), signed_in)


def engine_for(parts: Parts) -> Engine:
    engine = parts.engine
    if engine is None:
        raise Refused(
            "No worker is configured here, so no workflow runs.",
            hint="An administrator sets one up: [worker] in config.toml; helpdesk help operator.",
            code="no-worker",
        )
    return engine


def run_of(call: Call) -> str:
    """The id of the run that a call of a workflow starts."""
    from helpdesk.workflows.plan import run_id

    return run_id(call.key)


async def told(parts: Parts, call: Call, result: Result) -> Result:
    """The result of a workflow's call, with the id of its run, and with its receipt where it has ended."""
    spec = next((spec for spec in parts.catalog.specs if spec.name == call.action), None)
    if spec is None or not spec.process or parts.engine is None or result.outcome in _NEVER_BEGAN:
        return result
    from helpdesk.workflows.runs import whole_result

    run = run_of(call)
    try:
        whole = await asyncio.to_thread(whole_result, parts.engine, run)
    except NotFound:  # nothing had to change, or it was refused before it began
        return result
    if whole is None:
        return replace(result, data={"run": run})
    return replace(whole, entry=whole.entry or result.entry, request=result.request)


_NEVER_BEGAN = frozenset(
    {
        Outcome.PENDING,
        Outcome.PREVIEWED,
        Outcome.REFUSED,
        Outcome.USAGE,
        Outcome.CANCELLED,
        Outcome.NOT_SIGNED_IN,
    }
)


async def follow(
    parts: Parts, run: str, interaction: Interaction, *, within: float | None = None
) -> Result | None:
    """Tell each step of a run as it goes, to its end; ``None``: it waits for somebody, or the time is over.

    Args:
        within: seconds after which it is given up watching; the run goes on all the same.

    Raises:
        NotFound, Unreachable, Failed.
    """
    from helpdesk.app import working
    from helpdesk.workflows.runs import whole_result

    engine = engine_for(parts)
    served = asyncio.ensure_future(working.follow(parts, run, cast(Any, _Quiet()), within=within))
    seen: dict[str, str] = {}
    try:
        while not served.done():
            status = await asyncio.to_thread(engine.status, run)
            _tell(status.note or {}, seen, interaction)
            if any(state == "waiting" for state in seen.values()):
                return None  # that may take days; the run goes on, and can be followed again
            await asyncio.wait({served}, timeout=_LOOK_SECONDS)
        status = await served
        _tell(status.note or {}, seen, interaction)
    finally:
        if not served.done():
            served.cancel()
            await asyncio.gather(served, return_exceptions=True)
    return await asyncio.to_thread(whole_result, engine, run)


def _tell(note: Mapping[str, Any], seen: dict[str, str], interaction: Interaction) -> None:
    """What is new about each step, in the order of the run: a line for each that has ended or waits."""
    for step in note.get("steps", ()):
        path, state = str(step["path"]), str(step["state"])
        if seen.get(path) == state:
            continue
        seen[path] = state
        what = str(step.get("title") or step.get("action") or path)
        if state == "running":
            interaction.emit(Progress("run", what))
            continue
        more = f" ({step['message']})" if step.get("message") and state in _EXPLAINED else ""
        interaction.emit(Said(f"{what}: {state}{more}"))


class _Quiet:
    """Hears what the engine tells of itself; the steps are told instead."""

    def emit(self, event: Event, /) -> None:
        """Nothing is shown."""
