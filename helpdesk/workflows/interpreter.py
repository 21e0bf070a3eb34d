"""Carries a workflow out, step by step, so that it goes on wherever its process died (the kind "workflow").

Between two remembered steps nothing here depends on anything but what is remembered: the sealed plan, the results of
the steps so far, and messages that were told to the run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from helpdesk.actions.prepare import prepare
from helpdesk.actions.runner import Runner
from helpdesk.actions.schema import parse_arguments
from helpdesk.engine import Document, Durably
from helpdesk.errors import Failed, HelpdeskError, Stale
from helpdesk.events import Outcome, Result
from helpdesk.identity import Person
from helpdesk.ports import Interaction
from helpdesk.workflows.door import PATIENCE, DurableDoor
from helpdesk.workflows.expressions import evaluate, fill
from helpdesk.workflows.lockstep import in_lockstep
from helpdesk.workflows.making import Keeping, OnBehalf, SignsIn, step_call
from helpdesk.workflows.model import Step, Workflow, workflow_from
from helpdesk.workflows.patience import AS_LONG, attempt, failure, over_some_day, patiently, pause
from helpdesk.workflows.plan import Plan, Planned, difference, plan_from, step_key
from helpdesk.workflows.planner import (
    Planner,
    arguments_of,
    items_of,
    left_out,
    manager_of,
    names_of,
    output_of,
    read_for,
)
from helpdesk.workflows.probing import probed
from helpdesk.workflows.record import Record, ending, state_of
from helpdesk.workflows.settling import settle
from helpdesk.workflows.stopping import CANCEL, Stopped, cancelled
from helpdesk.workflows.taking_back import take_back
from helpdesk.workflows.waiting import wait

_NO_WAIT = datetime(2000, 1, 1, tzinfo=UTC)
_GOOD = (Outcome.DONE, Outcome.ACCEPTED)
_CHANGED = (Outcome.DONE, Outcome.ACCEPTED, Outcome.PARTIAL)
_TRIED_AGAIN = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})
_NOT_AGAIN = frozenset({"stale", "workflow-file", "expression", "plugin"})


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The handler of the kind "workflow".

    Attributes:
        acting: signs the worker's service in. patience: see :data:`helpdesk.workflows.door.PATIENCE`.
    """

    runner: Runner
    acting: SignsIn
    interaction: Interaction
    patience: float = PATIENCE

    async def __call__(self, durably: Durably, document: Document) -> Document:
        plan = plan_from(document["plan"])
        run = Running(
            durably=durably,
            workflow=workflow_from(document["definition"]),
            plan=plan,
            key=str(document["key"]),
            asked=datetime.fromisoformat(document["asked"]),
            makes=OnBehalf(
                self.runner, self.interaction, plan.run, plan.requester, str(document.get("request", ""))
            ),
            door=DurableDoor(self.runner, self.acting, self.interaction, patience=self.patience),
        )
        return await run()


@dataclass
class Running:
    """One run, as far as it has come."""

    durably: Durably
    workflow: Workflow
    plan: Plan
    key: str
    asked: datetime
    makes: OnBehalf
    door: DurableDoor
    records: list[Record] = field(default_factory=list)
    stopped: Stopped | None = None

    async def __call__(self) -> Document:
        outputs: dict[str, Any] = {}
        try:
            names = await self._looked_again()
            await self._block(self.workflow.steps, names, "", self.durably)
            outputs = {name: _plain(fill(value, names)) for name, value in self.workflow.outputs.items()}
            how, why = Outcome.DONE, ""
        except HelpdeskError as error:
            how, why = Outcome.FAILED, error.message
        except Stopped as stopped:
            how, why = stopped.how, stopped.why
        if how not in (Outcome.DONE, Outcome.UNKNOWN) and self.workflow.on_failure == "undo":
            await take_back(self)
        self._left_as_it_is(how)
        ended = ending(self.workflow.name, self.records, why, how, outputs)
        await self.durably.note({**self._note(), "ended": ended})
        kept = await patiently(self.durably, "end", lambda: settle(self, ended))
        return {**ended, "entry": kept["entry"]}

    # ── before the first effect ───────────────────────────────────────────────────────────────

    async def _looked_again(self) -> dict[str, Any]:
        """Look at the whole once more: what was agreed to is what would happen now, or nothing happens.

        Raises:
            Stopped: it is not.
        """
        looked = await patiently(self.durably, "look", self._look)
        if "error" in looked:
            raise Stopped(str(looked["error"]), Outcome(looked["outcome"]))
        return dict(looked["names"])

    async def _look(self) -> Document:
        makes, plan = self.makes, self.plan
        try:
            signed_in = await self.door.acting()
            reader = signed_in.directory
            requester = await asyncio.to_thread(makes.actor, reader)
            await asyncio.to_thread(self._allowed, requester, reader, signed_in.actor.person)
            planner = Planner(
                makes.runner, self.workflow, requester, reader, makes.interaction, plan.run, plan.today
            )
            now = await planner(plan.values)
            moved = difference(plan, now)
            if moved:
                raise Stale(f"it is not what was agreed to any more ({moved})")
            manager = await asyncio.to_thread(manager_of, requester.person, reader)
        except HelpdeskError as error:
            return failure(error)
        return {"names": names_of(self.workflow, plan.values, requester, manager, plan.today)}

    def _allowed(self, requester: Any, reader: Any, worker: Person) -> None:
        """The workflow itself, asked of the policy as it is now; blocking. Raises Refused."""
        runner = self.makes.runner
        spec, action = runner.catalog.action(self.workflow.name)
        call = step_call(self.workflow.name, self.plan.values, self.key)
        self.makes.allowed(prepare(call, spec, action, requester, reader), reader)
        for planned in self.plan.steps:
            if planned.action and planned.kind != "wait":
                self.makes.declared(worker, runner.catalog.spec(planned.action), reader)
        if self.workflow.needs_approval and self.makes.approved() is None:
            raise Stale(
                f"nobody approved it, and it needs the approval of the {self.workflow.needs_approval}"
            )

    # ── walking ───────────────────────────────────────────────────────────────────────────────

    async def _block(
        self, steps: Sequence[Step], names: dict[str, Any], prefix: str, durably: Durably
    ) -> None:
        for step in steps:
            await self._step(step, names, prefix, durably)

    async def _step(self, step: Step, names: dict[str, Any], prefix: str, durably: Durably) -> None:
        if not step.each:
            await self._once(step, names, prefix + step.id, durably)
            return
        outputs = []
        for number, item in enumerate(items_of(step, names), 1):
            inner = {**names, step.item: item}
            await self._once(step, inner, f"{prefix}{step.id}[{number}]", durably)
            outputs.append(inner.get(step.id))
        names[step.id] = {"items": outputs, "count": len(outputs), "done": True}

    async def _once(self, step: Step, names: dict[str, Any], path: str, durably: Durably) -> None:
        if self.stopped is not None:  # a branch beside this one failed
            raise self.stopped
        if step.when and not evaluate(step.when, names):
            self.record(step, path, state="left out")
            names[step.id] = left_out()
            return
        if step.steps:
            inner = dict(names)
            if step.parallel:
                await self._parallel(step, inner, path, durably)
            else:
                await self._block(step.steps, inner, f"{path}.", durably)
            names.update({one.id: inner[one.id] for one in step.steps if one.id in inner})
            names[step.id] = {"done": True, "outcome": "done", "message": ""}
            return
        await self._not_cancelled(durably, _NO_WAIT)
        if step.wait is not None:
            names[step.id] = await wait(self, step, names, path, durably)
        else:
            names[step.id] = await self._call(step, names, path, durably)

    async def _parallel(self, step: Step, names: dict[str, Any], path: str, durably: Durably) -> None:
        """Branches at the same time. One that fails stops the others before their next step, not within one."""

        async def branch(one: Step, durably: Durably) -> dict[str, Any]:
            mine = dict(names)
            try:
                await self._step(one, mine, f"{path}.", durably)
            except Stopped as stopped:
                self.stopped = self.stopped or stopped
            except HelpdeskError as error:
                self.stopped = self.stopped or Stopped(error.message)
            return mine

        branches = [lambda own, one=one: branch(one, own) for one in step.steps]
        found = await in_lockstep(durably, branches)
        if self.stopped is not None:
            raise self.stopped
        for one, mine in zip(step.steps, found, strict=True):
            names[one.id] = mine[one.id]

    async def _not_cancelled(self, durably: Durably, until: datetime) -> None:
        """Raises Stopped when somebody ended the run; waits for that until a moment."""
        told = await durably.told(CANCEL, until)
        if told is not None:
            raise cancelled(told)

    # ── a call ────────────────────────────────────────────────────────────────────────────────

    async def _call(self, step: Step, names: dict[str, Any], path: str, durably: Durably) -> dict[str, Any]:
        record = self.record(step, path, action=step.call, names=dict(names) if step.undo else {})
        try:
            record.arguments = arguments_of(step, step.arguments, names)
            planned = self._as_planned(step, path, record.arguments)
        except HelpdeskError as error:
            record.state, record.message, record.outcome = "failed", error.message, "failed"
            raise Stopped(f"step {path} ({step.call}): {error.message}") from error
        if planned.kind == "read":
            record.state, record.outcome = "done", "done"
            record.message = str(planned.output.get("message", ""))
            return dict(planned.output)
        await self.tell(durably)
        if self.makes.runner.catalog.spec(step.call).reads:
            return await self._read(step, record, durably)
        result = await self._tried(step, record, planned, durably)
        if result.outcome not in _GOOD:
            raise Stopped(f"step {path} ({step.call}): {result.message}", _stops_as(result.outcome))
        await self.tell(durably)
        return output_of(result)

    def _as_planned(self, step: Step, path: str, arguments: Mapping[str, Any]) -> Planned:
        """The step of the sealed plan. Raises Stale: the call is not the one that was agreed to."""
        planned = self.plan.step(path) or self.plan.step(unnumbered(path))
        if planned is None or planned.action != step.call:
            raise Stale("this call was not among those that were agreed to.")
        spec = self.makes.runner.catalog.spec(step.call)
        if spec.plugin_version != planned.version:
            raise Stale(f"{step.call} is another version's by now.")
        now: Mapping[str, Any] = arguments
        if planned.kind != "later":
            now = parse_arguments(spec, arguments)
        elif set(now) - set(planned.arguments) - set(planned.unknown):
            raise Stale("this call was not among those that were agreed to.")
        for name, value in planned.arguments.items():
            if now.get(name) != value:
                raise Stale(f"{name} is {now.get(name)!r} now, and {value!r} was agreed to.")
        return planned

    async def _read(self, step: Step, record: Record, durably: Durably) -> dict[str, Any]:
        """A read that had to wait for the steps before it; it is done once, and remembered."""
        makes = self.makes

        async def work() -> Document:
            try:
                signed_in = await self.door.acting()
                call = step_call(step.call, record.arguments, step_key(self.plan.run, record.path))
                prepared, _, _ = await asyncio.to_thread(makes.authorised, call, signed_in)
                return {
                    "output": await read_for(makes.runner, prepared, signed_in.directory, makes.interaction)
                }
            except HelpdeskError as error:
                return failure(error)

        kept = await patiently(durably, record.path, work)
        if "error" in kept:
            record.state, record.outcome, record.message = "failed", kept["outcome"], kept["error"]
            raise Stopped(f"step {record.path} ({step.call}): {kept['error']}")
        record.state, record.outcome = "done", "done"
        return dict(kept["output"])

    async def _tried(self, step: Step, record: Record, planned: Planned, durably: Durably) -> Result:
        """Carry a call out; again only where it is proven that nothing happened, and where that may help."""
        times = step.retry.times if step.retry else 1
        within = timedelta(seconds=step.timeout) if step.timeout else AS_LONG
        since, failed = None, 0
        for number in count(1):
            result = await self._carried_out(step, record, planned, durably, number)
            if over_some_day(result):
                wait = pause(number)
            elif _may_try_again(result) and failed + 1 < times and step.retry is not None:
                failed += 1
                wait = timedelta(seconds=step.retry.pause(failed))
            else:
                return result
            now = await durably.now()
            since = since or now
            if now + wait > since + within:
                return replace(
                    result,
                    message=f"{result.message} It was given up after {number} tries, its time was over.",
                )
            await self.tell(durably)
            await self._not_cancelled(durably, now + wait)
        raise AssertionError("it counts for ever")

    async def _carried_out(
        self, step: Step, record: Record, planned: Planned, durably: Durably, number: int
    ) -> Result:
        keeping = Keeping(durably, self.plan.run)
        name = attempt(record.path, number)
        call = step_call(step.call, record.arguments, step_key(self.plan.run, record.path))
        result = await self.door(
            keeping,
            name,
            lambda signed_in: self.makes.agreed(call, signed_in, planned),
            action=step.call,
            arguments=record.arguments,
            request=self.makes.request,
        )
        begun = keeping.kept.get(f"{name}:begin", {})
        record.kept = begun
        record.changed = "result" not in begun and result.outcome in _CHANGED
        if result.outcome in (Outcome.UNKNOWN, Outcome.ACCEPTED) and "result" not in begun:
            record.ended(result, "unknown")
            await self.tell(durably)
            result = await probed(self, record, result, durably)
            record.changed = result.outcome in _CHANGED
        record.ended(result, state_of(result.outcome))
        return result

    # ── what is told ──────────────────────────────────────────────────────────────────────────

    def record(self, step: Step, path: str, **more: Any) -> Record:
        record = Record(path, step.id, step.title, **more)
        self.records.append(record)
        return record

    def _left_as_it_is(self, how: Outcome) -> None:
        if how is Outcome.DONE:
            return
        for record in self.records:
            if record.changed and record.state == "done" and self.workflow.on_failure == "stop":
                record.why = "it stays as it is"

    async def tell(self, durably: Durably | None = None) -> None:
        """Say how far the run is."""
        await (durably or self.durably).note(self._note())

    def _note(self) -> Document:
        last = self.records[-1] if self.records else None
        return {
            "phase": "run",
            "message": f"{last.title or last.path}: {last.state}" if last else "It begins",
            "workflow": self.workflow.name,
            "steps": [
                {
                    "path": one.path,
                    "action": one.action,
                    "title": one.title,
                    "state": one.state,
                    "message": one.message,
                    "arguments": dict(one.arguments) if one.state == "waiting" else {},
                }
                for one in self.records
            ],
        }


def unnumbered(path: str) -> str:
    """The path that a plan knows a step by which it could not unfold: "revoke[3]" is "revoke[*]"."""
    return re.sub(r"\[[0-9]+\]", "[*]", path)


def _stops_as(outcome: Outcome) -> Outcome:
    if outcome is Outcome.UNKNOWN:
        return Outcome.UNKNOWN
    return Outcome.REFUSED if outcome is Outcome.REFUSED else Outcome.FAILED


def _may_try_again(result: Result) -> bool:
    code = result.error.code if result.error else ""
    return result.outcome in _TRIED_AGAIN and code not in _NOT_AGAIN


def _plain(value: Any) -> Any:
    """What an output may be: plain JSON."""
    if isinstance(value, (str, int, bool, list, dict)) or value is None:
        return value
    raise Failed("An output is no plain value.")
