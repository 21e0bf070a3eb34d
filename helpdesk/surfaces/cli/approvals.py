"""``approvals``: requests that wait for me, and what I asked for."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.delegate import delegate, delegations, revoke
from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.text import whole

if TYPE_CHECKING:
    from helpdesk.gate.requests import Request
    from helpdesk.ports import SignedIn


def _whole(id: str) -> str:
    return whole(id)


app = group("Requests that wait for your decision, and your own.")
PAGE = 50
"""Requests in a list where nobody says how many; each of them is opened and proven."""
Id = Annotated[
    str, typer.Argument(help="The request's id, such as R-7K3F2Q.", show_default=False, callback=_whole)
]


@app.command("list")
def list_(
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", help="At most N of each; 0 for all of them.")
    ] = PAGE,
) -> int:
    """List what waits for you, and what you asked for with where it stands."""
    from helpdesk.surfaces.columns import table

    run = current()
    _, waiting, mine = run.run(_requests(run, limit + 1 if limit else None))
    more = [title for title, found in (("waiting", waiting), ("mine", mine)) if limit and len(found) > limit]
    waiting, mine = waiting[: limit or None], mine[: limit or None]
    document = {
        "schema": "helpdesk.approvals/1",
        "waiting": [_document(request) for request in waiting],
        "mine": [_document(request) for request in mine],
        "more": more,
    }
    look = run.look
    if look.plain:
        rows = [("waiting", *_row(r)) for r in waiting] + [("mine", *_row(r)) for r in mine]
        return run.answer(document, table(_HEADERS, rows, look))
    lines: list[str] = []
    for title, requests, none in (
        ("Waiting for you", waiting, "Nothing waits for your decision."),
        ("Asked for by you", mine, "You asked for nothing."),
    ):
        lines.append(look.paint(title, "bold"))
        lines += table(_HEADERS[1:], [_row(r) for r in requests], look) or [none]
        lines.append("")
    if more:
        lines.append(f"There are more than {limit}: helpdesk approvals list --limit 0")
    if waiting:
        lines.append(f"Look at one: helpdesk approvals show {waiting[0].id}")
    return run.answer(document, lines if lines[-1] else lines[:-1])


@app.command()
def show(id: Id) -> int:
    """Show one request: what would change, who asked and why, until when, and what you can do."""
    run = current()
    signed_in, request = run.run(_one(run, id))
    return run.answer(
        {"schema": "helpdesk.approval/1", **_document(request)}, _details(run, request, signed_in)
    )


@app.command()
def approve(id: Id) -> int:
    """Approve a request: you see its present state, and your own rights carry it out.

    --yes approves this one request; --dry-run shows what it would change.
    """
    from helpdesk.events import Result

    run = current()
    password = run.password()

    async def work() -> Result:
        signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login, password=password)
        run.notices(signed_in)
        request = await asyncio.to_thread(run.desk.requests.get, id)
        run.confirms(request.call.action)
        return await run.desk.approve(request.id, signed_in, run.terminal, dry_run=run.flags.dry_run)

    return run.perform(work)


@app.command()
def deny(
    id: Id,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever asked.", show_default=False)] = "",
) -> int:
    """Say no to a request; nothing is changed."""
    from helpdesk.events import Result

    run = current()
    run.changes_at_once("approvals deny")

    async def work() -> Result:
        return await run.desk.deny(id, await run.signed_in(), run.terminal, reason=reason)

    return run.perform(work)


@app.command()
def withdraw(id: Id) -> int:
    """Take one of your own requests back."""
    from helpdesk.events import Result

    run = current()
    run.changes_at_once("approvals withdraw")

    async def work() -> Result:
        return await run.desk.withdraw(id, await run.signed_in(), run.terminal)

    return run.perform(work)


app.command("delegate")(delegate)
app.command("revoke")(revoke)
app.command("delegations")(delegations)


# ── reading ───────────────────────────────────────────────────────────────────────────────────


async def _requests(run: Invocation, limit: int | None) -> tuple[SignedIn, list[Request], list[Request]]:
    signed_in = await run.signed_in()
    me = signed_in.actor.person.id
    requests = run.desk.requests
    waiting = await asyncio.to_thread(lambda: requests.inbox(me, limit=limit))
    return signed_in, waiting, await asyncio.to_thread(lambda: requests.made_by(me, limit=limit))


async def _one(run: Invocation, id: str) -> tuple[SignedIn, Request]:
    """A request that concerns whoever is signed in.

    Raises:
        NotFound: there is none, or it is between other people.
    """
    from helpdesk.actions.why_request import RequestExplainer

    signed_in = await run.signed_in()
    request = await asyncio.to_thread(RequestExplainer(run.desk.runner).concerning, id, signed_in)
    return signed_in, request


# ── showing ───────────────────────────────────────────────────────────────────────────────────

_SHOWN = 3
"""Changes in a line of the list; a request of many rows has hundreds."""
_HEADERS = ("which", "id", "state", "action", "by", "what changes")


def _row(request: Request) -> tuple[str, ...]:
    from helpdesk.surfaces.telling import change_line

    changes = "; ".join(change_line(change) for change in request.changes[:_SHOWN])
    if len(request.changes) > _SHOWN:
        changes += f"; and {len(request.changes) - _SHOWN} more"
    return (request.id, request.state.value, request.call.action, request.call.requester_login, changes)


def _document(request: Request) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "id": request.id,
        "state": request.state.value,
        "action": request.call.action,
        "arguments": dict(request.call.arguments),
        "requester": request.call.requester_login,
        "reason": request.reason,
        "changes": [asdict(change) for change in request.changes],
        "approvers": list(request.approver_names),
        "created": request.created.isoformat(),
        "expires": request.expires.isoformat(),
        "decided_by": request.decider or None,
        "decided_at": request.decided_at.isoformat() if request.decided_at else None,
        "answer": request.answer,
        "entry": request.entry,
        "said_yes": [one.login for one in request.approvals],
        "effective_at": request.call.at or None,
        "rows": len(request.call.rows),
    }


def _details(run: Invocation, request: Request, signed_in: SignedIn) -> list[str]:
    from helpdesk.surfaces.look import clean
    from helpdesk.surfaces.telling import change_line
    from helpdesk.text import local_time

    lines = [
        f"{run.look.paint(clean(request.id), 'bold')} {clean(request.call.action)}: {request.state.value}",
        f"  asked by    {clean(request.call.requester_login)}, {local_time(request.created)}",
        f"  reason      {clean(request.reason) or '(none given)'}",
        f"  waits for   {' or '.join(clean(name) for name in request.approver_names)}",
        f"  expires     {local_time(request.expires)}",
        *(f"  changes     {change_line(change)}" for change in request.changes),
    ]
    if request.call.rows:
        lines.insert(1, f"  rows        {len(request.call.rows)}, all of them under one yes")
    if request.call.at:
        lines.append(f"  begins      {local_time(datetime.fromisoformat(request.call.at))}")
    if request.approvals and request.state.value == "pending":
        lines.append(f"  said yes    {', '.join(clean(one.login) for one in request.approvals)}")
    if request.decider:
        lines.append(f"  decided by  {clean(request.decider)}")
    if request.answer:
        lines.append(f"  answer      {clean(request.answer)}")
    if request.entry is not None:
        lines.append(f"  log entry   {request.entry}: helpdesk log show {request.entry}")
    if request.state.value == "pending":
        lines += [
            "",
            f"Where it stands: helpdesk why {request.id}",
            "What you can do:",
            *(f"  {command}" for command in _commands(request, signed_in)),
        ]
    return lines


def _commands(request: Request, signed_in: SignedIn) -> list[str]:
    if signed_in.actor.person.id == request.call.requester_id:
        return [f"helpdesk approvals withdraw {request.id}"]
    return [
        f"helpdesk approvals approve {request.id} --dry-run",
        f"helpdesk approvals approve {request.id}",
        f"helpdesk approvals deny {request.id} --reason TEXT",
    ]
