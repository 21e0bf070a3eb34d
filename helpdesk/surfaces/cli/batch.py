"""``do --batch``: reads the file, plans every row, has the plan confirmed once, and carries it out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from helpdesk.actions.agreement import agreement
from helpdesk.actions.batch import WINDOW, Batch, log_previews, settled_past
from helpdesk.actions.batch_past import batch_id
from helpdesk.actions.batch_plan import Plan, Planner
from helpdesk.actions.batch_rows import MAX_BYTES, BadRow, BatchFile, read_batch
from helpdesk.actions.batch_state import BatchState
from helpdesk.errors import Exit, HelpdeskError, Refused, Stale, UsageError
from helpdesk.ports import SignedIn
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.cli.batch_output import (
    BatchOutput,
    bad_lines,
    confirmation,
    plan_lines,
    summary,
    tally_lines,
)
from helpdesk.surfaces.cli.invocation import Invocation
from helpdesk.surfaces.cli.moments import effective_at
from helpdesk.surfaces.output import results_only, stdout


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for."""

    run: Invocation
    action: str
    shared: Mapping[str, Any]
    file: BatchFile
    stop_after: int
    effective_at: str = ""


def perform_batch(
    run: Invocation, specs: Sequence[ActionSpec], action: str, shared: Mapping[str, Any]
) -> int:
    """Carry out a batch; the exit code of the whole.

    Args:
        action: the one action of every row; "" where each row names its own. shared: what every row has.

    Raises:
        UsageError: the command line or the file as a whole is off.
    """
    stop_after = _number(run.flags.stop_after)
    _check_confirming(run, action)
    password = run.password()  # the first line of standard input is the password's
    file = read_batch(_bytes(run.flags.batch), specs, action, shared)
    asked = _Asked(run, action, shared, file, stop_after, effective_at(run))

    async def work() -> int:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * WINDOW, "helpdesk-row"))
        signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login, password=password)
        run.notices(signed_in)
        flags = run.flags
        batch = batch_id(file.digest, signed_in.actor.person.id, action, dict(shared), flags.run_name)
        state = BatchState(run.paths.state / "batches", batch)
        try:
            return await _whole(asked, signed_in, batch, state)
        finally:
            state.close()

    run.out = stdout()
    assert run.look is not None  # it is of the real standard output
    try:
        with results_only():  # what a plugin prints must not get between the results
            return run.run(work())
    finally:
        run.out = None


def _number(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise UsageError("--stop-after takes a whole number from 1.")
    return int(text)


def _check_confirming(run: Invocation, action: str) -> None:
    """``--yes`` confirms the action that stands on the command line, and no other (L5)."""
    flags = run.flags
    if flags.yes_for:
        raise UsageError("--yes-for belongs to ask.", hint="Use --yes, or --yes-plan DIGEST.")
    if flags.yes and not action:
        raise UsageError(
            "--yes confirms the one action named on the command line, and none is.",
            hint="See the plan with --dry-run, then confirm exactly that: --yes-plan DIGEST",
        )
    if flags.yes and flags.yes_plan:
        raise UsageError("--yes and --yes-plan exclude each other.")
    if not (flags.yes or flags.yes_plan or flags.dry_run or run.terminal.interactive):
        raise UsageError(
            "A batch must be confirmed, and nobody can be asked here; nothing was changed.",
            hint="See the plan with --dry-run, then confirm exactly that: --yes-plan DIGEST",
            code="confirmation-needed",
        )


def _bytes(name: str) -> bytes:
    if name == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("--batch - reads a pipe or a file, and standard input is a terminal.")
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--batch {name} cannot be read: {error.strerror}.") from error


async def _whole(asked: _Asked, signed_in: SignedIn, batch: str, state: BatchState) -> int:
    run, runner = asked.run, asked.run.desk.runner
    begun = runner.systems.clock()
    past = await settled_past(runner, batch, signed_in, run.terminal)
    planner = Planner(runner, signed_in, run.terminal, WINDOW)
    plan, bad = await planner(batch, asked.file.digest, asked.file.rows, past)
    if bad or asked.file.bad:
        return _refused(run, signed_in, asked.file.bad, bad)
    if asked.effective_at:
        _check_waits(plan)
    if run.flags.dry_run:
        log_previews(runner, signed_in.actor, plan)
        return _shown(run, plan)
    try:
        return await _carried_out(asked, plan, signed_in, begun, state)
    except HelpdeskError as error:  # before the first effect: refused, stale, or the person said no
        runner.rejected(asked.action or "batch", {}, signed_in.actor, error)
        raise


async def _carried_out(
    asked: _Asked, plan: Plan, signed_in: SignedIn, begun: datetime, state: BatchState
) -> int:
    run, runner = asked.run, asked.run.desk.runner
    _check_plan(run, plan)
    output = BatchOutput(run, state, _place(run, plan, state))
    output.total = len(plan.rows)
    acting = signed_in
    if any(item.ahead and item.ahead.prepared.spec.risk == "high" for item in plan.left):
        acting = await runner.fresh(signed_in, run.terminal, None if run.terminal.interactive else begun)
    try:
        by, at = await _confirmed(asked, plan, acting, begun)
        hands = run.desk.approvals.hands
        batched = Batch(
            runner, acting, run.terminal, output, asked.stop_after, hands=hands, at=asked.effective_at
        )
        tally = await batched(plan, by, at)
    finally:
        if acting is not signed_in:
            acting.directory.close()
    run.teller.settle()
    run.complain(tally_lines(run, tally, output.lost))
    return int(tally.exit)


def _refused(run: Invocation, signed_in: SignedIn, unread: Sequence[BadRow], unfit: Sequence[BadRow]) -> int:
    """Nothing was done: every bad row is told, and logged where it was a call."""
    logged = {
        item.row.number: run.desk.runner.rejected(
            item.row.action, dict(item.row.arguments), signed_in.actor, item.error
        )
        for item in unfit
    }
    bad_lines(run, [*unread, *unfit], logged)
    count = len(unread) + len(unfit)
    run.complain([f"{count} row{'s' if count > 1 else ''} cannot be carried out, so nothing was done."])
    return int(Exit.USAGE)


def _shown(run: Invocation, plan: Plan) -> int:
    """The plan: a document for scripts, a table for a person."""
    if run.flags.json or run.out is None or not run.out.isatty():
        run.document({**plan.document(), "summary": summary(plan)})
    else:
        run.lines(plan_lines(plan), page=True)
    run.complain([summary(plan), f"Nothing was changed. To confirm exactly this: --yes-plan {plan.digest}"])
    return 0


def _check_waits(plan: Plan) -> None:
    """Raises UsageError where a row would be carried out at once."""
    at_once = next(
        (item for item in plan.left if item.changes and not (item.ahead and item.ahead.waits)), None
    )
    if at_once is not None:
        raise UsageError(
            f"Row {at_once.row.number} needs no approval, so it would be carried out at once; nothing was done.",
            hint="Leave --effective-at out, or put such rows into a file of their own.",
            code="no-approval-needed",
        )


def _check_plan(run: Invocation, plan: Plan) -> None:
    wanted = run.flags.yes_plan.strip().lower()
    if wanted and wanted != plan.digest:
        raise Stale(
            "The plan is not the one that was confirmed: the file or the state has changed; nothing was done.",
            hint="See it again with --dry-run.",
        )


def _place(run: Invocation, plan: Plan, state: BatchState) -> Any:
    """Where secrets go, open before anything changes (S4)."""
    if not any(item.ahead and item.ahead.prepared.spec.reveals for item in plan.left):
        return None
    target = run.target
    if target is None:
        raise Refused(
            "The batch makes passwords, and they need a place to go; nothing was changed.",
            hint="Say where: --reveal-to FILE, or --reveal-to fd:N",
            code="nowhere-to-reveal",
        )
    target.open_for_many(state.is_ours)
    return target


async def _confirmed(asked: _Asked, plan: Plan, acting: SignedIn, begun: datetime) -> tuple[str, datetime]:
    """How and when exactly this plan was agreed to. Raises Cancelled when the person says no."""
    run = asked.run
    if run.flags.yes_plan:
        return "--yes-plan", begun
    if run.flags.yes or not plan.left:
        return "--yes", begun
    specs = run.desk.catalog.specs
    clock = run.desk.runner.systems.clock
    shown = confirmation(plan, asked.action, acting.actor.login, specs)
    answer = await agreement(shown, run.terminal, clock)
    if answer.digest != plan.digest:
        raise Stale("The confirmation was for something else; nothing was done.")
    run.desk.runner.guard.confirmed(acting.actor, answer.by)
    return answer.by, clock()
