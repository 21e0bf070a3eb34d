"""Looking at a workflow before it begins: every step is prepared, authorised and previewed as far as that can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpdesk.actions.authorise import refusal
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.context import call_plugin
from helpdesk.actions.prepare import Prepared, find_person, prepare
from helpdesk.actions.runner import Runner
from helpdesk.actions.unchanged import READ_DEADLINE
from helpdesk.errors import Failed, HelpdeskError, NotFound, PluginFailure
from helpdesk.events import Outcome, Progress, Result
from helpdesk.gate.authorization import Decision, Verdict
from helpdesk.identity import Actor, Person
from helpdesk.lanes import waited
from helpdesk.plugin import Answer
from helpdesk.ports import DirectoryReader, Interaction
from helpdesk.results import result_document
from helpdesk.workflows.expressions import MAX_ITEMS, evaluate, fill, uses
from helpdesk.workflows.imagining import decision_ahead
from helpdesk.workflows.model import Step, Value, Workflow
from helpdesk.workflows.plan import Plan, Planned, step_key

MAX_CALLS = 500
"""Of one run; a bigger one is several."""


def names_of(
    workflow: Workflow, values: Mapping[str, Any], requester: Actor, manager: str, today: str
) -> dict[str, Any]:
    """What expressions may speak of before the first step."""
    known: dict[str, Any] = {one.name: values.get(one.name, one.default) for one in workflow.inputs}
    person = requester.person
    known["requester"] = {"login": person.login, "name": person.name, "mail": person.mail, "manager": manager}
    known["today"] = today
    return known


def manager_of(person: Person, reader: DirectoryReader) -> str:
    """The login of whom somebody reports to, or ""; blocking."""
    if not person.manager_dn:
        return ""
    try:
        return reader.person_by_dn(person.manager_dn).login
    except NotFound:
        return ""


def needs_today(workflow: Workflow) -> bool:
    """Whether any expression asks for the date, which then is part of what is agreed to."""
    return any("today" in uses(text) for text in _texts(workflow))


def _texts(workflow: Workflow) -> list[str]:
    found: list[Any] = [*workflow.outputs.values()]
    for step in workflow.every_step():
        found += [step.arguments, f"${{{step.when}}}", f"${{{step.each}}}"]
        found += [step.undo.arguments] if step.undo else []
        found += [step.wait.person, step.wait.ask, step.wait.moment] if step.wait else []
    texts = [value for one in found for value in (one.values() if isinstance(one, Mapping) else (one,))]
    return [text for text in texts if isinstance(text, str)]


def arguments_of(step: Step, given: Mapping[str, Value], names: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call, filled in; what came to nothing is left out. Raises Failed, naming the step."""
    try:
        found = {name: fill(value, names) for name, value in given.items()}
    except HelpdeskError as error:
        raise Failed(f"Step {step.id}: {error.message}", hint=error.hint, code=error.code) from error
    return {name: value for name, value in found.items() if value is not None and value != ""}


@dataclass
class Planner:
    """Walks a workflow with what is known now.

    Attributes:
        reader: whose rights the look-ups have. run: the id that the run would get.
    """

    runner: Runner
    workflow: Workflow
    requester: Actor
    reader: DirectoryReader
    interaction: Interaction
    run: str
    today: str = ""
    planned: list[Planned] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    async def __call__(self, values: Mapping[str, Any]) -> Plan:
        """The plan with these values.

        Raises:
            Refused: a step's call is not allowed. HelpdeskError: one cannot be made as things are; both name the step.
        """
        manager = await waited(manager_of, self.requester.person, self.reader)
        names = names_of(self.workflow, values, self.requester, manager, self.today)
        await self._block(self.workflow.steps, names, "", frozenset())
        return Plan(
            workflow=self.workflow.name,
            version=self.workflow.version,
            definition=self.workflow.digest,
            run=self.run,
            requester=self.requester.person.id,
            values=dict(values),
            today=self.today,
            steps=tuple(self.planned),
        )

    # ── walking ───────────────────────────────────────────────────────────────────────────────

    async def _block(
        self, steps: Sequence[Step], names: dict[str, Any], prefix: str, unknown: frozenset[str]
    ) -> frozenset[str]:
        """Plan steps; returns the names that are not known afterwards."""
        for step in steps:
            known = await self._step(step, names, prefix, unknown)
            if not known:
                unknown |= {step.id, *(one.id for one in step.whole())}
        return unknown

    async def _step(self, step: Step, names: dict[str, Any], prefix: str, unknown: frozenset[str]) -> bool:
        """Plan one step; whether what it gives is known now."""
        if not step.each:
            return await self._once(step, names, prefix + step.id, unknown)
        if unknown & uses(f"${{{step.each}}}"):
            await self._unfolded(step, names, prefix, unknown)
            return False
        items, outputs, known = items_of(step, names), [], True
        for number, item in enumerate(items, 1):
            inner = {**names, step.item: item}
            path = f"{prefix}{step.id}[{number}]"
            known = await self._once(step, inner, path, unknown) and known
            outputs.append(inner.get(step.id))
        if known:
            names[step.id] = {"items": outputs, "count": len(outputs), "done": True}
        return known

    async def _unfolded(
        self, step: Step, names: dict[str, Any], prefix: str, unknown: frozenset[str]
    ) -> None:
        """A for-each whose list is not known yet: its calls stand in the plan once, for however many."""
        inner = unknown | {step.item}
        await self._once(replace(step, each=""), names, f"{prefix}{step.id}[*]", inner)

    async def _once(self, step: Step, names: dict[str, Any], path: str, unknown: frozenset[str]) -> bool:
        condition = ""
        if step.when:
            if unknown & uses(f"${{{step.when}}}"):
                condition = step.when
            elif not _truth(step, names):
                names[step.id] = left_out()
                return True
        if step.steps:
            inner = dict(names)
            after = await self._block(
                step.steps, inner, f"{path}.", unknown | ({"?"} if condition else set())
            )
            names.update({one.id: inner[one.id] for one in step.steps if one.id in inner})
            names[step.id] = {"done": True, "outcome": "done", "message": ""}
            return not any(one.id in after for one in step.steps)
        if step.wait is not None:
            self._wait(step, names, path, unknown)
            return False
        return await self._call(step, names, path, unknown, condition)

    def _wait(self, step: Step, names: Mapping[str, Any], path: str, unknown: frozenset[str]) -> None:
        wait = step.wait
        assert wait is not None
        told = {"person": wait.person, "ask": wait.ask, "moment": wait.moment}
        given, later = {}, {}
        for name, text in ((name, text) for name, text in told.items() if text):
            if unknown & uses(text):
                later[name] = text
            else:
                given[name] = fill(text, names)
        if wait.span:
            given["span"] = f"{wait.span}s"
        if "person" in given:
            person = find_person(str(given["person"]), self.reader)
            given["person"] = person.login
        self.planned.append(Planned(path, "wait", "wait", "", given, later))

    # ── calls ─────────────────────────────────────────────────────────────────────────────────

    async def _call(
        self, step: Step, names: dict[str, Any], path: str, unknown: frozenset[str], condition: str
    ) -> bool:
        if len(self.planned) >= MAX_CALLS:
            raise Failed(f"{self.workflow.name} would make more than {MAX_CALLS} calls.", hint="Split it.")
        given = {name: value for name, value in step.arguments.items() if not unknown & uses(value)}
        later = {name: str(value) for name, value in step.arguments.items() if name not in given}
        arguments = arguments_of(step, given, names)
        builds_on = bool(later or condition or "?" in unknown or set(step.after) & self._writes())
        try:
            spec, action = self.runner.catalog.action(step.call)
            if builds_on:
                decision = await waited(
                    decision_ahead, self.runner, spec, action, arguments, later, self.requester, self.reader
                )
                if decision is not None:
                    self._decided(decision)
                self.planned.append(
                    Planned(
                        path, "later", step.call, spec.plugin_version, arguments, later, condition=condition
                    )
                )
                return False
            call = Call(
                step.call,
                arguments,
                dict.fromkeys(arguments, Provenance.FILE),
                key=step_key(self.run, path),
            )
            prepared = await waited(prepare, call, spec, action, self.requester, self.reader)
            await waited(self._authorised, prepared)
            if spec.reads:
                names[step.id] = output = await read_for(self.runner, prepared, self.reader, self.interaction)
                self._add(path, "read", prepared, output=output)
                return True
            preview = await self.runner.preview(prepared, self.reader, self.interaction)
        except HelpdeskError as error:
            error.message = f"Step {path} ({step.call}): {error.message}"
            error.args = (error.message,)
            raise
        self.warnings += [f"{path}: {text}" for text in preview.warnings]
        self._add(path, "call", prepared, digest=prepared.digest(preview), changes=preview.changes)
        return False

    def _writes(self) -> set[str]:
        """The steps that this one builds on and that are not left out."""
        planned = {
            one.path.rpartition(".")[2].partition("[")[0] for one in self.planned if one.kind != "read"
        }
        blocks = {one.id for one in self.workflow.every_step() if one.steps}
        return planned | blocks

    def _add(self, path: str, kind: Any, prepared: Prepared, **more: Any) -> None:
        call = prepared.call
        self.planned.append(
            Planned(
                path, kind, prepared.spec.name, prepared.spec.plugin_version, dict(prepared.values), **more
            )
        )
        assert call.key

    def _authorised(self, prepared: Prepared) -> None:
        self._decided(self.runner.authorise(prepared, self.reader))

    def _decided(self, decision: Decision) -> None:
        if decision.verdict is Verdict.DENIED:
            raise refusal(decision)
        self.decisions.append(decision)


def _truth(step: Step, names: Mapping[str, Any]) -> bool:
    try:
        return bool(evaluate(step.when, names))
    except HelpdeskError as error:
        raise Failed(f"Step {step.id}: when: {error.message}", hint=error.hint, code=error.code) from error


def items_of(step: Step, names: Mapping[str, Any]) -> list[Any]:
    """The items of a for-each. Raises Failed: it is no list, or too long."""
    try:
        found = evaluate(step.each, names)
    except HelpdeskError as error:
        raise Failed(
            f"Step {step.id}: for-each: {error.message}", hint=error.hint, code=error.code
        ) from error
    if found is None or found == "":
        return []
    if isinstance(found, str):
        return [part.strip() for part in found.split(",") if part.strip()]
    if not isinstance(found, list):
        raise Failed(f"Step {step.id}: for-each needs a list, and {step.each} is none.", code="expression")
    if len(found) > MAX_ITEMS:
        raise Failed(f"Step {step.id}: for-each has {len(found):,} items; {MAX_ITEMS} is the most.")
    return found


def left_out() -> dict[str, Any]:
    """What a step gives that was left out by its condition."""
    return {
        "done": False,
        "outcome": "left out",
        "message": "",
        "receipt": [],
        "data": None,
        "items": [],
        "count": 0,
    }


def output_of(result: Result) -> dict[str, Any]:
    """What a call gives to the steps after it."""
    document = result_document(result)
    return {
        "done": result.outcome in (Outcome.DONE, Outcome.ACCEPTED),
        "outcome": result.outcome.value,
        "message": result.message,
        "receipt": document["receipt"],
        "data": document.get("data"),
    }


async def read_for(
    runner: Runner, prepared: Prepared, reader: DirectoryReader, interaction: Interaction
) -> dict[str, Any]:
    """Run a read for whoever asked for the workflow, with the reader's rights."""
    context = runner.systems.reading(prepared, reader, lambda text: interaction.emit(Progress("read", text)))
    answer = await call_plugin(
        prepared.spec.name, prepared.action.function, context, prepared.keywords, READ_DEADLINE
    )
    if not isinstance(answer, Answer):
        raise PluginFailure(f"{prepared.spec.name} gave no answer that can be used.")
    result = prepared.result(Outcome.DONE, answer.message, receipt=answer.receipt, data=answer.data)
    return output_of(result)
