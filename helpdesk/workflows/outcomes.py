"""How a run ended, and what its steps read back, against what its plan promised."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from helpdesk.engine import Engine, RunState
from helpdesk.events import Observation, Outcome
from helpdesk.workflows.plan import SYSTEM, Plan

_ITEM = re.compile(r"\[[0-9]+\]")


def result_of_run(engine: Engine, run: str) -> Mapping[str, Any] | None:
    """How a run ended; ``None`` while it is under way; blocking. Raises NotFound."""
    status = engine.status(run)
    if status.state is RunState.DONE and status.result is not None:
        return status.result
    if status.note is not None and "ended" in status.note:
        ended: Mapping[str, Any] = status.note["ended"]
        return ended
    if status.state in (RunState.FAILED, RunState.CANCELLED):
        steps = status.note.get("steps", []) if status.note else []
        why = status.error or "it was ended from outside"
        return {"outcome": Outcome.UNKNOWN.value, "message": f"Run {run} broke off: {why}.", "steps": steps}
    return None


def receipt_of(plan: Plan, ended: Mapping[str, Any]) -> list[Observation]:
    """What each step read back, against what the plan promised."""
    stands: dict[tuple[str, str, str], str] = {}
    more: list[Observation] = []
    done = _by_planned_path(plan, ended["steps"])
    promised = {(change.system, change.target, change.what): change for change in plan.changes}
    for planned in plan.steps:
        for change in planned.shown:
            step = done.get(planned.path, {})
            key = (change.system, change.target, change.what)
            stands[key] = _stands(step, change.before, change.after, key, stands.get(key))
    for step in ended["steps"]:
        for one in step.get("receipt", ()) if step["state"] == "done" else ():
            seen = Observation(**one)
            if (seen.system, seen.target, seen.what) not in promised:
                more.append(seen)
    told = [
        Observation(*key, change.after, stands.get(key, change.before)) for key, change in promised.items()
    ]
    return [*told, *more]


def _by_planned_path(plan: Plan, steps: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Steps by the path that the plan knows them by: what it could not unfold stands in it as "revoke[*]"."""
    found: dict[str, Mapping[str, Any]] = {step["path"]: step for step in steps}
    for planned in (one for one in plan.steps if "[*]" in one.path):
        mine = [step for step in steps if _ITEM.sub("[*]", step["path"]) == planned.path]
        good = all(step["state"] in ("done", "left out") for step in mine)
        worst = next((step for step in mine if step["state"] not in ("done", "left out")), None)
        found[planned.path] = {"state": "done"} if good else {**(worst or {}), "receipt": []}
    return found


def _stands(
    step: Mapping[str, Any], before: str, after: str, key: tuple[str, str, str], so_far: str | None
) -> str:
    """What is there now, as the step that changes it read it back."""
    state = step.get("state", "not begun")
    if state == "left out" and key[0] == SYSTEM:
        return after
    if state in ("not begun", "left out", "failed", "undone"):
        return before if so_far is None or state == "undone" else so_far
    seen = next(
        (
            one["observed"]
            for one in step.get("receipt", ())
            if (one["system"], one["target"], one["what"]) == key
        ),
        None,
    )
    if seen is not None:
        return str(seen)
    if key[0] == SYSTEM:
        return after if state == "done" else state
    return after if state == "done" else "not known"
