"""One yes to many rows: all of them are looked at, shown and bound by it, or none is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from helpdesk.actions.agreement import agreement
from helpdesk.actions.many import rows_of
from helpdesk.actions.plan import drifted, prepared_again
from helpdesk.errors import Refused, Stale
from helpdesk.events import Confirmation, Outcome, Previewed, Progress, Result
from helpdesk.gate.requests import Decider, Request
from helpdesk.ports import Interaction, SignedIn

if TYPE_CHECKING:
    from helpdesk.actions.approve import Approvals


async def approve_many(
    approvals: Approvals,
    request: Request,
    signed_in: SignedIn,
    by: Decider,
    interaction: Interaction,
    *,
    dry_run: bool,
) -> Result:
    """Say yes to every row of a request at once; a worker carries them out.

    Raises:
        Refused: no worker takes the action, or the approver may not decide some row.
        Stale: a row moved since it was asked for; the request has ended with no effect.
    """
    runner, hands = approvals.runner, approvals.hands
    spec, _ = runner.catalog.action(request.call.action)
    if hands is None or not hands.takes(spec):
        raise Refused(
            f"Request {request.id} is about many rows, and no worker takes {spec.name}.",
            hint="An administrator can declare it in [services], for the service of [worker].",
            code="no-worker",
        )
    rule = await _looked_at(approvals, request, signed_in, by, interaction, ends=not dry_run)
    count = len(request.call.rows)
    result = Result(
        Outcome.PREVIEWED,
        request.call.action,
        f"Approving {request.id} would change this, in {count} rows. Nothing was changed.",
        request=request.id,
        changes=request.changes,
    )
    if dry_run:
        return result
    acting = await runner.fresh(signed_in, interaction)
    try:
        interaction.emit(Previewed(spec.name, request.changes))
        confirmation = Confirmation(
            digest=request.digest,
            action=spec.name,
            summary=f"{request.call.requester_login} asks for {count} rows. You approve request {request.id}.",
            actor=acting.actor.login,
            target=f"{count} rows",
            changes=request.changes,
            irreversible=spec.irreversible,
        )
        confirmed = await agreement(confirmation, interaction, runner.systems.clock)
        runner.guard.confirmed(acting.actor, confirmed.by)
        await asyncio.to_thread(approvals.never_begun, request)
        await _looked_at(approvals, request, acting, by, interaction, ends=True)
        approval = approvals.approval(request, acting.actor, rule, by)
        return await approvals.handed_on(request, approval, acting.actor, by, interaction)
    finally:
        if acting is not signed_in:
            acting.directory.close()


async def _looked_at(
    approvals: Approvals,
    request: Request,
    acting: SignedIn,
    by: Decider,
    interaction: Interaction,
    *,
    ends: bool,
) -> str:
    """The rule that lets them, once every row is as it was. ``ends``: a row that moved ends the request."""
    rule = ""
    try:
        for number, row in enumerate(rows_of(request), 1):
            interaction.emit(Progress("preview", f"Looking at row {number} of {len(request.call.rows)}"))
            rule = await _row(approvals, row, number, acting, by, interaction)
    except Stale as moved:
        if ends:
            await asyncio.to_thread(approvals.end_stale, request, acting.actor, by, moved)
        raise
    return rule


async def _row(
    approvals: Approvals, row: Request, number: int, acting: SignedIn, by: Decider, interaction: Interaction
) -> str:
    """The rule that lets them decide one row. Raises Stale when it moved, Refused."""
    runner = approvals.runner
    try:
        prepared = await asyncio.to_thread(prepared_again, row, runner.catalog, acting.directory)
        preview = await runner.preview(prepared, acting.directory, interaction)
        moved = drifted(row, runner.authorise, prepared, preview) if preview.changes else None
    except Stale as gone:
        moved = gone
    if moved is not None:
        raise Stale(f"Row {number}: {moved.message}", hint="Run the batch again: it asks for what is left.")
    return await approvals.check_rights(prepared, acting, by)
