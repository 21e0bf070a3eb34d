"""Workflow files as actions like any others: in the catalog, the forms, the model's tools, and through the one door.

Carrying one out starts a run, and reading it back reads how that run stands; what the run does, the interpreter does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpdesk.actions.authorise import refusal
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.whole import Overview, Whole
from helpdesk.engine import Engine, Run
from helpdesk.errors import Failed, HelpdeskError, NotFound, PluginFailure, Refused
from helpdesk.events import Observation, Outcome
from helpdesk.gate.authorization import Decision, Subject, Verdict
from helpdesk.plugin import NOT_YET, ONLY_TAKEN, Action, Context, NotYet, Plugin, Preview, ReadContext, Risk
from helpdesk.ports import DirectoryReader, Interaction
from helpdesk.spec import ActionSpec
from helpdesk.workflows.checking import check_calls
from helpdesk.workflows.loading import load, parameter_of
from helpdesk.workflows.model import Workflow
from helpdesk.workflows.outcomes import receipt_of, result_of_run
from helpdesk.workflows.plan import STATE, SYSTEM, Plan, plan_of, run_id
from helpdesk.workflows.planner import Planner, needs_today
from helpdesk.workflows.yaml_nodes import BadWorkflow

KIND = "workflow"
"""The kind of these runs."""
WAITS = 0.2
"""Seconds for which whoever starts a run waits for its end before it is said to be under way."""
_RISKS = ("low", "medium", "high")
_NO_WORKER = "{name} has several steps, which a worker carries out, and none is configured here."
_NO_UNDO = "each of its steps has an entry of its own, which can be undone"

EngineOf = Callable[[], Engine | None]


@dataclass
class FileProcesses:
    """Makes actions out of workflow files; each file is read when its action is used.

    Attributes:
        wake: sees to it that a worker serves; blocking.
        waits: see :data:`WAITS`. known: the actions there are, by name, once the catalog is made.
    """

    engine: EngineOf = lambda: None
    wake: Callable[[], Any] = lambda: None
    waits: float = WAITS
    known: Mapping[str, ActionSpec] = field(default_factory=dict)
    _read: dict[tuple[str, str], Workflow] = field(default_factory=dict)

    def specs(self, plugin: Plugin, known: Sequence[ActionSpec]) -> tuple[list[ActionSpec], list[str]]:
        """See :class:`helpdesk.actions.whole.Processes`."""
        actions = self.known = {spec.name: spec for spec in known if not spec.process}
        taken = {spec.name for spec in known if spec.process}
        found: dict[str, ActionSpec] = {}
        wrong: list[str] = []
        for file in sorted(plugin.workflows.glob("*.yaml")) if plugin.workflows is not None else ():
            try:
                workflow = load(file)
                check_calls(workflow, actions)
                if workflow.name in found or workflow.name in taken:
                    wrong.append(
                        f"{file}:1: {workflow.name} is in another file as well; this one is not used."
                    )
                    continue
                found[workflow.name] = spec_of_workflow(workflow, plugin, actions)
            except BadWorkflow as error:
                wrong.append(f"{error.message} {error.hint}".strip())
        return list(found.values()), wrong

    def action(self, plugin: Plugin, name: str) -> tuple[ActionSpec, Action[Any]]:
        workflow = self.workflow(plugin, name)
        spec = spec_of_workflow(workflow, plugin, self.known)
        return spec, _action(workflow, spec, self)

    def whole(self, plugin: Plugin, name: str) -> Whole:
        return LookAtAll(self.workflow(plugin, name), self)

    def workflow(self, plugin: Plugin, name: str) -> Workflow:
        """The workflow of a name. Raises PluginFailure: its file is gone, or wrong by now."""
        known = self._read.get((plugin.name, name))
        if known is not None:
            return known
        files = sorted(plugin.workflows.glob("*.yaml")) if plugin.workflows is not None else []
        for file in sorted(files, key=lambda file: file.stem != name):  # most are called as they are named
            if (plugin.name, name) in self._read:
                break
            try:
                workflow = load(file)
            except BadWorkflow as error:
                if file.stem == name:
                    raise PluginFailure(error.message, hint=error.hint) from error
                continue
            self._read[(plugin.name, workflow.name)] = workflow
        if (plugin.name, name) not in self._read:
            raise PluginFailure(f"The file of the workflow {name} is not there any more.")
        return self._read[(plugin.name, name)]


def spec_of_workflow(workflow: Workflow, plugin: Plugin, known: Mapping[str, ActionSpec]) -> ActionSpec:
    """A workflow as scripts, forms, models and policies see it.

    Args:
        known: the actions that it calls, by name.
    """
    calls = [known[step.call] for step in workflow.every_step() if step.call in known]
    risk: Any = max((spec.risk for spec in calls), key=_RISKS.index, default="low")
    parameters = tuple(parameter_of(one) for one in workflow.inputs)
    names = {(one.name, one.kind) for one in parameters}
    about: Any = "person" if ("person", "login") in names else "desk"
    if ("group", "group") in names:
        about = "group"
    return ActionSpec(
        name=workflow.name,
        plugin=plugin.name,
        plugin_version=f"{workflow.version}+{workflow.digest[:12]}",
        summary=workflow.summary,
        description=workflow.description,
        risk=risk,
        reads=False,
        about=about,
        parameters=parameters,
        examples=workflow.examples,
        allow=workflow.allow,
        needs=tuple(sorted({system for spec in calls for system in spec.needs})),
        irreversible=any(spec.irreversible for spec in calls) and about != "desk",
        no_undo=_NO_UNDO,
        process=True,
    )


def _action(workflow: Workflow, spec: ActionSpec, made_by: FileProcesses) -> Action[Any]:
    """The action: carrying it out starts the run."""

    async def begin(ctx: Context, **_values: Any) -> str:
        return await _begin(workflow, made_by, ctx)

    async def preview(_ctx: ReadContext, **_values: Any) -> Preview:
        raise PluginFailure(f"{workflow.name} is looked at as a whole.")  # the runner never comes here

    async def verify(ctx: ReadContext, **_values: Any) -> list[Observation] | NotYet:
        return await _read_back(made_by, ctx)

    action: Action[Any] = Action(
        name=workflow.name,
        function=begin,
        risk=Risk(spec.risk),
        reads=False,
        examples=workflow.examples,
        about=spec.about,
        allow=workflow.allow,
        while_must_change=False,
        reveals=False,
        irreversible=spec.irreversible,
        no_undo=_NO_UNDO,
    )
    action.preview_function, action.verify_function = preview, verify
    return action


# ── looking at the whole ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LookAtAll:
    """Prepares, authorises and previews every step; see :class:`helpdesk.actions.whole.Whole`."""

    workflow: Workflow
    made_by: FileProcesses

    async def look(
        self, runner: Any, prepared: Prepared, reader: DirectoryReader, interaction: Interaction
    ) -> Overview:
        if self.made_by.engine() is None:
            raise Refused(
                _NO_WORKER.format(name=self.workflow.name),
                hint="An administrator sets one up: [worker] in config.toml; helpdesk help operator.",
                code="no-worker",
            )
        planner = self.planner(
            runner, prepared, reader, interaction, runner.systems.clock().date().isoformat()
        )
        plan = await planner(prepared.values)
        return Overview(
            Preview(
                summary=told(self.workflow, plan, prepared),
                changes=plan.changes,
                warnings=tuple(planner.warnings),
                state={STATE: plan.text},
            ),
            tuple(planner.decisions),
        )

    def planner(
        self, runner: Any, prepared: Prepared, reader: DirectoryReader, interaction: Interaction, today: str
    ) -> Planner:
        """What looks at the steps with these rights; ``today`` counts where the workflow asks for it."""
        return Planner(
            runner=runner,
            workflow=self.workflow,
            requester=prepared.requester,
            reader=reader,
            interaction=interaction,
            run=run_id(prepared.call.key),
            today=today if needs_today(self.workflow) else "",
        )

    def decide(
        self, own: Decision, overview: Overview, prepared: Prepared, reader: DirectoryReader
    ) -> Decision:
        """One decision about the whole; see :func:`together`."""
        extra = _extra_approvers(self.workflow, overview, prepared, reader)
        return together(own, [*overview.decisions, *extra])


def told(workflow: Workflow, plan: Plan, prepared: Prepared) -> str:
    """What is about to be done, in a sentence."""
    if not plan.changes:
        return f"{workflow.summary.rstrip('.')}: nothing had to change."
    writes = [one for one in plan.steps if one.kind != "read"]
    steps = "1 step" if len(writes) == 1 else f"{len(writes)} steps"
    about = f" ({prepared.target})" if prepared.target else ""
    end = "what was done is taken back" if workflow.on_failure == "undo" else "what was done stays"
    return f"{workflow.summary.rstrip('.')}{about}: {steps}; if one fails, {end}."


def _extra_approvers(
    workflow: Workflow, overview: Overview, prepared: Prepared, reader: DirectoryReader
) -> list[Decision]:
    """The approval that the file asks for beyond what its steps need; blocking. Raises Refused: nobody can give it."""
    if not workflow.needs_approval:
        return []
    dns: list[str] = []
    if workflow.needs_approval == "manager":
        dns = [prepared.requester.person.manager_dn] if prepared.requester.person.manager_dn else []
    else:
        plan = plan_of(overview.preview.state[STATE])
        for one in plan.steps:
            group = one.arguments.get("group")
            dns += list(reader.group(str(group)).owner_dns) if group else []
    people = []
    for dn in dict.fromkeys(dns):
        try:
            people.append(reader.person_by_dn(dn))
        except NotFound:
            continue  # an owner who left; the others still count
    involved = {prepared.requester.person.id, *(person.id for person in prepared.people.values())}
    approvers = tuple(Subject(one, frozenset(), False) for one in people if one.id not in involved)
    if not approvers:
        who = "your manager" if workflow.needs_approval == "manager" else "an owner of its groups"
        raise Refused(
            f"{workflow.name} needs the approval of {who}, and nobody can give it.", code="no-approver"
        )
    rule = f"workflow:{workflow.name}"
    reason = f"The workflow asks for an approval: {workflow.needs_approval}."
    return [Decision(Verdict.NEEDS_APPROVAL, rule, reason, approvers=approvers)]


def together(own: Decision, steps: Sequence[Decision]) -> Decision:
    """One decision about the whole: one yes of somebody who may approve every step, or one yes for each of them.

    Raises:
        Refused: a step is not allowed at all.
    """
    waiting = [one for one in (own, *steps) if one.verdict is Verdict.NEEDS_APPROVAL]
    denied = next((one for one in (own, *steps) if one.verdict is Verdict.DENIED), None)
    if denied is not None:
        raise refusal(denied)
    if not waiting:
        return own
    common = {subject.person.id: subject for subject in waiting[0].approvers}
    for one in waiting[1:]:
        ids = {subject.person.id for subject in one.approvers}
        common = {id: subject for id, subject in common.items() if id in ids}
    first = waiting[0]
    if common:
        return replace(first, approvers=tuple(common.values()))
    each: dict[str, tuple[Subject, ...]] = {}
    for one in waiting:
        each.setdefault(" or ".join(subject.person.login for subject in one.approvers), one.approvers)
    everybody = {subject.person.id: subject for one in waiting for subject in one.approvers}
    return replace(first, approvers=tuple(everybody.values()), each=tuple(each.items()))


# ── carrying out, and reading back ────────────────────────────────────────────────────────────


async def _begin(workflow: Workflow, made_by: FileProcesses, ctx: Context) -> str:
    """Start the run of the plan that was agreed to, and see how it ends while somebody waits anyway.

    Raises:
        Failed: the run ended so, with what became of its steps.
    """
    engine, before = made_by.engine(), ctx.before
    if engine is None or before is None:
        raise Failed(_NO_WORKER.format(name=workflow.name), code="no-worker")
    plan = plan_of(before.state[STATE])
    document = {
        "definition": workflow.document(),
        "plan": plan.document(),
        "request": ctx.request,
        "key": ctx.key,
        "asked": ctx.now().isoformat(),
    }
    await asyncio.to_thread(engine.start, Run(plan.run, KIND, document))
    ctx.progress(f"Run {plan.run} is under way")
    try:
        await asyncio.to_thread(made_by.wake)
    except HelpdeskError as error:  # the run is kept, and waits for a worker
        ctx.progress(f"It waits for a worker: {error.message}")
    ended = await _ended(engine, plan.run, made_by.waits)
    if ended is None:
        return f"Run {plan.run} carries it out: helpdesk workflow show {plan.run}"
    if ended["outcome"] not in (Outcome.DONE, Outcome.ACCEPTED):
        raise Failed(str(ended["message"]), hint=f"helpdesk workflow show {plan.run}", code="workflow-failed")
    return str(ended["message"])


async def _ended(engine: Engine, run: str, seconds: float) -> Mapping[str, Any] | None:
    """The result of a run that ends within so many seconds; ``None`` for one that is under way still."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while True:
        found = await asyncio.to_thread(result_of_run, engine, run)
        if found is not None or time.monotonic() + pause > deadline:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.5)


async def _read_back(made_by: FileProcesses, ctx: ReadContext) -> list[Observation] | NotYet:
    engine, before = made_by.engine(), ctx.before
    if engine is None or before is None:
        return NOT_YET
    plan = plan_of(before.state[STATE])
    if not plan.changes:
        return [Observation(SYSTEM, plan.run, "steps", "nothing to do", "nothing to do")]
    try:
        ended = await asyncio.to_thread(result_of_run, engine, plan.run)
    except NotFound:
        ended = {"outcome": "failed", "message": "It never began.", "steps": []}
    if ended is None or ended["outcome"] == Outcome.ACCEPTED:
        return ONLY_TAKEN
    return receipt_of(plan, ended)
