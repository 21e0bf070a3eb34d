"""``workflow``: the processes there are, what is wrong with a file, and the runs: look at, follow, cancel, go on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.text import whole

if TYPE_CHECKING:
    from helpdesk.actions.catalog import Catalog
    from helpdesk.events import Result
    from helpdesk.spec import ActionSpec
    from helpdesk.workflows.model import Workflow
    from helpdesk.workflows.runs import Runs, RunView


def _whole(text: str) -> str:
    return whole(text)


app = group("Processes of several steps: what there is, and what is under way.")
Name = Annotated[
    str,
    typer.Argument(
        help="A workflow's name, such as people.offboard.",
        metavar="NAME",
        show_default=False,
        callback=_whole,
    ),
]
RunId = Annotated[
    str,
    typer.Argument(
        help="A run's id, such as W-7K3F2QPM.", metavar="RUN", show_default=False, callback=_whole
    ),
]


# ── what there is ─────────────────────────────────────────────────────────────────────────────


@app.command("list")
def list_() -> int:
    """List the workflows that are installed; each is an action: helpdesk do NAME."""
    from helpdesk.surfaces.columns import table
    from helpdesk.surfaces.look import clean

    run = current()
    catalog = _catalog(run)
    specs = [spec for spec in catalog.specs if spec.process]
    wrong = [problem for problem in catalog.problems if ".yaml:" in problem.message]
    document = {
        "schema": "helpdesk.workflows/1",
        "workflows": [_short(spec) for spec in specs],
        "problems": [problem.message for problem in wrong],
    }
    lines = table(("name", "version", "what it does"), [_row(spec) for spec in specs], run.look) or ["none"]
    lines += [f"not used: {clean(problem.message)}" for problem in wrong]
    return run.answer(document, lines)


def _row(spec: ActionSpec) -> tuple[str, ...]:
    return (spec.name, spec.plugin_version.partition("+")[0], spec.summary)


def _short(spec: ActionSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "version": spec.plugin_version.partition("+")[0],
        "summary": spec.summary,
        "risk": spec.risk,
    }


@app.command()
def show(
    what: Annotated[
        str,
        typer.Argument(
            help="A workflow's name, or a run's id.", metavar="NAME|RUN", show_default=False, callback=_whole
        ),
    ],
    follow: Annotated[bool, typer.Option("--follow", help="Watch a run to its end.")] = False,
) -> int:
    """Show a workflow with its inputs and steps, or a run with what became of each step.

    A run's exit code is 0 while it goes on and when it is done, and otherwise that of its outcome.
    """
    run = current()
    if _is_run(what):
        return _followed(run, what) if follow else _show_run(run, what)
    workflow, spec = _workflow(run, what)
    from helpdesk.workflows.graph import as_rows, as_text

    document = {
        "schema": "helpdesk.workflow/1",
        **_short(spec),
        "description": workflow.description,
        "inputs": [_input(one) for one in workflow.inputs],
        "steps": as_rows(workflow),
        "on_failure": workflow.on_failure,
        "needs_approval": workflow.needs_approval or None,
    }
    return run.answer(document, _about(run, workflow, as_text(workflow)))


def _input(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.kind,
        "required": one.required,
        "ask": one.ask,
        "default": one.default,
        "choices": list(one.choices),
    }


def _about(run: Invocation, workflow: Workflow, picture: list[str]) -> list[str]:
    from helpdesk.surfaces.look import clean

    lines = [run.look.paint(clean(workflow.name), "bold") + f", version {clean(workflow.version)}"]
    lines += [clean(workflow.summary), *clean(workflow.description, one_line=False).split("\n"), ""]
    for one in workflow.inputs:
        needed = (
            "required"
            if one.required
            else f"default {one.default}"
            if one.default is not None
            else "optional"
        )
        lines.append(f"  --{one.name.replace('_', '-')}  {clean(one.ask or one.kind)} ({needed})")
    lines += ["", *(clean(line) for line in picture[1:]), "", f"helpdesk do {clean(workflow.name)} runs it."]
    return lines


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A workflow file (YAML).", metavar="FILE", show_default=False)],
) -> int:
    """Say everything that is wrong with a workflow file, each with its line. Exit code 2: something is."""
    from helpdesk.surfaces.look import clean
    from helpdesk.workflows.loading import problems_of

    run = current()
    known = {spec.name: spec for spec in _catalog(run).specs if not spec.process}
    workflow, mistakes = problems_of(file, known)
    document = {
        "schema": "helpdesk.workflow-check/1",
        "file": str(file),
        "good": workflow is not None,
        "workflow": workflow.name if workflow is not None else None,
        "mistakes": [{"line": one.line, "message": one.message, "hint": one.hint} for one in mistakes],
    }
    if workflow is not None:
        steps = sum(1 for _ in workflow.every_step())
        lines = [f"{clean(file)}: {clean(workflow.name)} is good ({steps} step{'s' if steps != 1 else ''})."]
    else:
        lines = [clean(str(one)) for one in mistakes]
        lines.append(f"{len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}.")
    return run.answer(document, lines, code=0 if workflow is not None else 2)


@app.command()
def graph(
    what: Annotated[
        str,
        typer.Argument(
            help="A workflow's name, a workflow file, or a run's id.",
            metavar="NAME|FILE|RUN",
            show_default=False,
            callback=_whole,
        ),
    ],
    svg: Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Write it as SVG to a new FILE.", show_default=False),
    ] = None,
) -> int:
    """Draw a workflow, in text or as SVG; for a run with the state of each step."""
    from helpdesk.surfaces.look import clean
    from helpdesk.workflows.graph import as_rows, as_svg, as_text

    run = current()
    workflow, states = _drawn(run, what)
    document = {
        "schema": "helpdesk.workflow-graph/1",
        "workflow": workflow.name,
        "nodes": as_rows(workflow, states),
        "svg": str(svg) if svg is not None else None,
    }
    if svg is None:
        return run.answer(document, [clean(line) for line in as_text(workflow, states)])
    from helpdesk.platform import create_private

    create_private(svg.expanduser(), as_svg(workflow, states).encode())
    return run.answer(document, [f"The picture is in {clean(svg)}."])


def _drawn(run: Invocation, what: str) -> tuple[Workflow, dict[str, str] | None]:
    if _is_run(what):
        from helpdesk.workflows.model import workflow_from

        found, definition = run.run(_looked_at(run, what))
        return workflow_from(definition), {step["path"]: str(step["state"]) for step in found.steps}
    if what.endswith((".yaml", ".yml")) or "/" in what:
        from helpdesk.workflows.loading import load

        return load(Path(what)), None
    return _workflow(run, what)[0], None


# ── runs ──────────────────────────────────────────────────────────────────────────────────────


@app.command()
def runs(
    every: Annotated[
        bool, typer.Option("--all", help="Everybody's; for the service desk and auditors.")
    ] = False,
    over: Annotated[bool, typer.Option("--ended", help="Those that have ended, too.")] = False,
) -> int:
    """List the runs of workflows: yours, newest first."""
    from helpdesk.surfaces.columns import table
    from helpdesk.text import local_time

    run = current()

    async def work() -> list[RunView]:
        mine = await _runs(run)
        return await asyncio.to_thread(lambda: mine.list(every=every))

    found = [one for one in run.run(work()) if over or not one.over]
    document = {"schema": "helpdesk.runs/1", "runs": [one.document() for one in found]}
    rows = [(one.id, one.workflow, one.state, one.by, local_time(one.created), _stands(one)) for one in found]
    lines = table(("run", "workflow", "state", "asked by", "since", "how it stands"), rows, run.look)
    return run.answer(document, lines or ["No workflow is under way."])


def _stands(one: RunView) -> str:
    """Where it is, in a few words."""
    waits = one.waits_for
    if waits is not None:
        person = (waits.get("arguments") or {}).get("person")
        return f"{person}: {waits['message']}" if person else f"{waits['path']} {waits['message']}"
    if one.over:
        return one.message
    done = sum(1 for step in one.steps if step["state"] in ("done", "left out"))
    return f"{done} of {len(one.steps)} steps"


@app.command()
def cancel(run_id: RunId) -> int:
    """Let a run stop before its next step; what was done is taken back, unless its file says that it stays."""
    run = current()
    run.changes_at_once("workflow cancel")

    async def work() -> Result:
        mine = await _runs(run)
        return await asyncio.to_thread(mine.cancel, run_id)

    return run.perform(work)


@app.command()
def answer(
    run_id: RunId,
    answer: Annotated[str, typer.Argument(help="yes or no.", metavar="yes|no", show_default=False)],
    note: Annotated[str, typer.Option("--note", help="What goes with it.", show_default=False)] = "",
) -> int:
    """Answer the question that a run asks you."""
    from helpdesk.errors import UsageError

    run = current()
    run.changes_at_once("workflow answer")
    if answer.lower() not in ("yes", "no"):
        raise UsageError(f"The answer is yes or no, not {answer!r}.")

    async def work() -> Result:
        mine = await _runs(run)
        return await asyncio.to_thread(mine.answer, run_id, answer.lower(), whole(note))

    return run.perform(work)


@app.command()
def retry(
    run_id: RunId,
    step: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STEP",
            help="The step that it goes on from.",
            show_default=False,
            callback=_whole,
        ),
    ],
) -> int:
    """Go on with a run that stopped, from one of its steps; what was done before stays, and is not done again."""
    from dataclasses import replace

    run = current()
    run.changes_at_once("workflow retry")

    async def work() -> Result:
        from helpdesk.app.flows import follow

        mine = await _runs(run)
        result, new = await asyncio.to_thread(mine.retry, run_id, step)
        if not run.terminal.interactive and not getattr(run.flags, "wait", False):
            from helpdesk.events import Outcome

            return replace(result, outcome=Outcome.ACCEPTED, data={"run": new})
        return await follow(run.desk, new, run.terminal) or result

    return run.perform(work)


def _show_run(run: Invocation, id: str) -> int:
    found, _ = run.run(_looked_at(run, id))
    return run.answer(
        {"schema": "helpdesk.run/1", **found.document()}, _details(run, found), code=_exit(found)
    )


def _followed(run: Invocation, id: str) -> int:
    async def work() -> None:
        from helpdesk.app.flows import follow

        mine = await _runs(run)
        found = await asyncio.to_thread(mine.one, id)
        await follow(run.desk, found.id, run.terminal)

    run.run(work())
    return _show_run(run, id)


def _exit(found: RunView) -> int:
    from helpdesk.events import Outcome

    ended = {one.value: int(one.exit) for one in Outcome}
    return ended.get(found.state, 6 if found.state == "broken off" else 0)


def _details(run: Invocation, found: RunView) -> list[str]:
    from helpdesk.surfaces.look import clean
    from helpdesk.text import local_time
    from helpdesk.workflows.graph import MARKS

    lines = [f"{run.look.paint(clean(found.id), 'bold')} {clean(found.workflow)}: {clean(found.state)}"]
    lines.append(f"  asked by  {clean(found.by or '(not in the directory)')}, {local_time(found.created)}")
    if found.message:
        lines.append(f"  {clean(found.message)}")
    lines.append("")
    for step in found.steps:
        mark = MARKS.get(step["state"], " ")
        name = clean(step.get("title") or step.get("action") or "")
        said = f": {clean(step['message'])}" if step.get("message") else ""
        entry = f" (log entry {step['entry']})" if step.get("entry") else ""
        lines.append(f"  {mark} {clean(step['path'])}  {name} - {clean(step['state'])}{said}{entry}")
        if step.get("why"):
            lines.append(f"      {clean(step['why'])}")
    waits = found.waits_for
    if waits is not None and (waits.get("arguments") or {}).get("person"):
        lines += [
            "",
            f"{clean(waits['arguments']['person'])} answers: helpdesk workflow answer {found.id} yes|no",
        ]
    if not found.over:
        lines += ["", f"helpdesk workflow cancel {found.id} stops it."]
    return lines


# ── ───────────────────────────────────────────────────────────────────────────────────────────


def _is_run(what: str) -> bool:
    return what.upper().startswith("W-")


def _catalog(run: Invocation) -> Catalog:
    from helpdesk.workflows.installed import catalog_of

    return catalog_of(run.paths.cache)


def _workflow(run: Invocation, name: str) -> tuple[Workflow, ActionSpec]:
    from helpdesk.workflows.installed import workflow_of

    return workflow_of(_catalog(run), name)


async def _runs(run: Invocation) -> Runs:
    from helpdesk.app.flows import engine_for, runs_of

    engine_for(run.desk)  # before anybody signs in
    return runs_of(run.desk, await run.signed_in())


async def _looked_at(run: Invocation, id: str) -> tuple[RunView, dict[str, Any]]:
    mine = await _runs(run)
    found = await asyncio.to_thread(mine.one, id)
    status = await asyncio.to_thread(mine.engine.status, found.id)
    return found, status.document["definition"]
