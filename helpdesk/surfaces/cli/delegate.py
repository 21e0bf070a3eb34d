"""``approvals delegate``: somebody says yes in one's stead, from a day to a day."""

from __future__ import annotations

import asyncio
from datetime import datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.invocation import current
from helpdesk.surfaces.cli.moments import moment

if TYPE_CHECKING:
    from helpdesk.gate.delegations import Delegation

SCHEMA = "helpdesk.delegations/1"
_HEADERS = ("which", "id", "stands in", "for", "from", "until", "state")
_BEGINS, _ENDS = time(0, 0), time(23, 59)


def delegate(
    login: Annotated[str, typer.Argument(help="Who stands in for you.", show_default=False)],
    until: Annotated[
        str, typer.Option("--until", metavar="WHEN", help="The last day, or a moment.", show_default=False)
    ],
    begins: Annotated[
        str, typer.Option("--from", metavar="WHEN", help="The first day, or a moment; now when left out.")
    ] = "",
) -> int:
    """Let somebody approve in your stead, with your right, until a day.

    helpdesk approvals delegate bo --from 2026-12-20 --until 2027-01-03

    They approve nothing of their own, and nothing of yours. It can be taken back: helpdesk approvals revoke ID
    """
    from helpdesk.actions.delegate import GIVE, Delegating
    from helpdesk.events import Result

    run = current()
    run.confirms(GIVE)
    ends = moment(until, _ENDS, "--until")
    start = moment(begins, _BEGINS, "--from") if begins else run.desk.clock().astimezone()

    async def work() -> Result:
        signed_in = await run.signed_in()
        return await Delegating(run.desk.runner).give(
            login, start, ends, signed_in, run.terminal, dry_run=run.flags.dry_run
        )

    return run.perform(work)


def revoke(id: Annotated[str, typer.Argument(help="Such as D-7K3F2Q.", show_default=False)]) -> int:
    """Let somebody stand in for you no more."""
    from helpdesk.actions.delegate import REVOKE, Delegating
    from helpdesk.events import Result

    run = current()
    run.confirms(REVOKE)

    async def work() -> Result:
        signed_in = await run.signed_in()
        return await Delegating(run.desk.runner).revoke(
            id, signed_in, run.terminal, dry_run=run.flags.dry_run
        )

    return run.perform(work)


def delegations() -> int:
    """List who stands in for you, and for whom you do."""
    from helpdesk.actions.delegate import document
    from helpdesk.surfaces.columns import table

    run = current()

    async def work() -> tuple[list[Delegation], list[Delegation]]:
        me = (await run.signed_in()).actor.person.id
        kept = run.desk.requests.delegations
        return await asyncio.to_thread(kept.given_by, me), await asyncio.to_thread(kept.given_to, me)

    given, held = run.run(work())
    now = run.desk.clock()
    answer: dict[str, Any] = {
        "schema": SCHEMA,
        "given": [document(one) for one in given],
        "held": [document(one) for one in held],
    }
    rows = [("given", *_row(one, now)) for one in given] + [("held", *_row(one, now)) for one in held]
    return run.answer(answer, table(_HEADERS, rows, run.look) or ["Nobody stands in for anybody here."])


def _row(one: Delegation, now: datetime) -> tuple[str, ...]:
    from helpdesk.text import local_time

    state = "revoked" if one.revoked else "now" if one.holds_at(now) else _when(one, now)
    begins, ends = datetime.fromisoformat(one.begins), datetime.fromisoformat(one.ends)
    return (one.id, one.taker_name, one.giver_name, local_time(begins), local_time(ends), state)


def _when(one: Delegation, now: datetime) -> str:
    return "later" if now < datetime.fromisoformat(one.begins) else "over"
