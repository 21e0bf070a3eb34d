"""``grants``: access that ends by itself: who has it until when, keep it longer, give it back, end it, look it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.text import whole

if TYPE_CHECKING:
    from datetime import datetime

    from helpdesk.ports import SignedIn
    from helpdesk.surfaces.look import Look
    from helpdesk.workflows.grants import Kept
    from helpdesk.workflows.review import Reviewed


def _whole(id: str) -> str:
    return whole(id)


app = group("Access that ends by itself: yours, and on groups that you own.")
Id = Annotated[
    str,
    typer.Argument(
        help="The grant's id, such as G-7K3F2Q-X4NMWB.", metavar="ID", show_default=False, callback=_whole
    ),
]
Days = Annotated[
    int | None,
    typer.Option("--days", metavar="N", help="So many days from when it is granted.", show_default=False),
]
Until = Annotated[
    str,
    typer.Option(
        "--until",
        metavar="DATE",
        help="To the end of this day, or to a moment: 2026-12-02T18:00.",
        show_default=False,
        callback=_whole,
    ),
]


@app.command("list")
def list_(
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over, too.")] = False,
    person: Annotated[
        str, typer.Option("--person", metavar="LOGIN", help="Only this person's.", show_default=False)
    ] = "",
    group: Annotated[
        str, typer.Option("--group", metavar="GROUP", help="Only on this group.", show_default=False)
    ] = "",
) -> int:
    """List access that ends by itself: yours, that on your groups, and all of it for the service desk.

    What should be gone and is not stands first, and the exit code is 8 then.

    Examples:

    helpdesk grants list --group finance-share

    helpdesk grants list --ended --json
    """
    run = current()
    _, kept = run.run(_visible(run, ended=ended))
    kept = [one for one in kept if _fits(one, person, group)]
    document = {"schema": "helpdesk.grants/1", "grants": [_short(one) for one in kept]}
    return run.answer(document, _table(kept, run.look, run.desk.clock()), code=_code(kept))


@app.command()
def show(id: Id) -> int:
    """Show one grant: who has what until when, by whose leave, and how it ended. Exit code 8: it is overdue."""
    run = current()
    signed_in, kept = run.run(_one(run, id))
    return run.answer(
        {"schema": "helpdesk.grant/1", **_document(kept)}, _details(run, kept, signed_in), code=_code([kept])
    )


@app.command()
def extend(
    id: Id,
    days: Days = None,
    until: Until = "",
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; the approver reads it.", show_default=False)
    ] = "",
) -> int:
    """Ask for a later end, as for new access: with every right, and an approval where one is needed.

    --days counts from when the extension is granted. The later end holds from then on.

    Examples:

    helpdesk grants extend G-7K3F2Q-X4NMWB --days 14 --reason "the audit goes on"

    helpdesk grants extend G-7K3F2Q-X4NMWB --until 2026-12-02T18:00
    """
    from helpdesk.errors import UsageError
    from helpdesk.events import Result

    run = current()
    if days is None and not until:
        raise UsageError(
            "It is not said until when it shall last.",
            hint="Give --days N or --until DATE.",
            code="missing-end",
        )
    password = run.password()

    async def work() -> Result:
        from helpdesk.app.granting import granted_of

        signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login, password=password)
        run.notices(signed_in)
        granted = granted_of(run.desk)
        call = await granted.extension(id, signed_in, days=days, until=until or None, reason=reason)
        run.confirms(call.action)
        return await run.desk.run(call, signed_in, run.terminal, dry_run=run.flags.dry_run)

    return run.perform(work)


@app.command("return")
def return_(id: Id) -> int:
    """Give your own access back before its end; the worker takes it back, and that is read back.

    Exit code 4: it is logged, and the worker has not done it yet.
    """
    return _end(id, own=True)


@app.command()
def revoke(id: Id) -> int:
    """End somebody's access before its time; for owners of the group and the service desk.

    Exit code 4: it is logged, and the worker has not done it yet.
    """
    return _end(id, own=False)


@app.command()
def review(
    group: Annotated[
        str,
        typer.Option(
            "--group",
            metavar="GROUP",
            help="Everybody in this group, with and without an end.",
            show_default=False,
        ),
    ] = "",
) -> int:
    """Look over who has what: since when, by whose approval, until when, and whether the directory says so now.

    Whether access is still used is known to no directory; the review says what can be told instead.

    Examples:

    helpdesk grants review

    helpdesk grants review --group finance-share --json
    """
    from helpdesk.surfaces.columns import table

    run = current()
    found = run.run(_reviewed(run, group))
    document = {"schema": "helpdesk.grants-review/1", "reviewed": [_reviewed_document(one) for one in found]}
    lines = table(_REVIEW, [_review_row(one) for one in found], run.look)
    return run.answer(document, lines or ["There is nothing to look over."])


# ── doing ─────────────────────────────────────────────────────────────────────────────────────


def _end(id: str, *, own: bool) -> int:
    from helpdesk.events import Result

    run = current()
    password = run.password()

    async def work() -> Result:
        from helpdesk.app.granting import granted_of

        signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login, password=password)
        run.notices(signed_in)
        granted = granted_of(run.desk)
        kept = await granted.one(id, signed_in)
        run.confirms(kept.grant.undo)
        return await granted.end(id, signed_in, run.terminal, own=own, dry_run=run.flags.dry_run)

    return run.perform(work)


async def _visible(run: Invocation, *, ended: bool) -> tuple[SignedIn, list[Kept]]:
    from helpdesk.app.granting import granted_of

    signed_in = await run.signed_in()
    if not run.desk.config.worker.configured:
        return signed_in, []
    return signed_in, await granted_of(run.desk).visible(signed_in, ended=ended)


async def _one(run: Invocation, id: str) -> tuple[SignedIn, Kept]:
    from helpdesk.app.granting import granted_of

    signed_in = await run.signed_in()
    return signed_in, await granted_of(run.desk).one(id, signed_in)


async def _reviewed(run: Invocation, group: str) -> list[Reviewed]:
    from helpdesk.app.granting import review_of

    signed_in = await run.signed_in()
    found = review_of(run.desk)
    return await (found.group(group, signed_in) if group else found.grants(signed_in))


# ── showing ───────────────────────────────────────────────────────────────────────────────────

_HEADERS = ("id", "state", "who", "access to", "ends", "approved by")
_REVIEW = ("who", "access to", "since", "approved by", "ends", "now", "used", "to look at")


def _fits(kept: Kept, person: str, group: str) -> bool:
    from helpdesk.text import folded

    who, target = folded(kept.grant.person.name), folded(kept.grant.target)
    return folded(person) in ("", who) and folded(group) in ("", target)


def _code(kept: list[Kept]) -> int:
    from helpdesk.errors import Exit

    return Exit.PARTIAL if any(one.standing == "overdue" for one in kept) else Exit.OK


def _utc(moment: datetime) -> str:
    from datetime import UTC

    return moment.astimezone(UTC).isoformat()


def _short(kept: Kept) -> dict[str, Any]:
    """What ``list --json`` promises of each grant: these six and no other."""
    grant = kept.grant
    return {
        "id": grant.id,
        "subject": grant.person.name,
        "target": grant.target,
        "granted_at": _utc(grant.given),
        "expires_at": _utc(grant.ends),
        "approved_by": ", ".join(grant.approved_by),
    }


def _document(kept: Kept) -> dict[str, Any]:
    grant = kept.grant
    return {
        **_short(kept),
        "state": kept.standing.value,
        "action": grant.action,
        "requester": grant.requester.name,
        "request": grant.request or None,
        "ended_by": grant.ended_by or None,
        "how": kept.how,
        "trouble": kept.trouble,
        "entry": kept.entry,
    }


def _table(kept: list[Kept], look: Look, now: datetime) -> list[str]:
    from helpdesk.surfaces.columns import table

    if not kept:
        return ["No access that you may see ends by itself."]
    rows = [(one.grant.id, _state(one, now), *_row(one)) for one in kept]
    lines = table(_HEADERS, rows, look)
    late = sum(one.standing == "overdue" for one in kept)
    if late:
        lines += [
            "",
            f"{late} should be gone and {'is' if late == 1 else 'are'} not: helpdesk grants show {kept[0].grant.id}",
        ]
    return lines


def _state(kept: Kept, now: datetime) -> str:
    from helpdesk.workflows.granted import late_by

    if kept.standing != "overdue":
        return kept.standing.value
    seconds = late_by(kept, now)
    long = (
        f"{seconds // 3600} h"
        if seconds >= 7200
        else f"{seconds // 60} min"
        if seconds >= 120
        else f"{seconds} s"
    )
    return f"OVERDUE by {long}"


def _row(kept: Kept) -> tuple[str, ...]:
    from helpdesk.text import local_time

    grant = kept.grant
    return (grant.person.name, grant.target, local_time(grant.ends), ", ".join(grant.approved_by))


def _details(run: Invocation, kept: Kept, signed_in: SignedIn) -> list[str]:
    from helpdesk.actions.grant import told
    from helpdesk.surfaces.look import clean

    grant = kept.grant
    state = _state(kept, run.desk.clock())
    by = ", ".join(clean(name) for name in grant.approved_by)
    lines = [
        f"{run.look.paint(clean(grant.id), 'bold')} {clean(grant.target)}: {state}",
        f"  who has it   {clean(grant.person.title)} ({clean(grant.person.name)})",
        f"  granted      {told(grant.given.astimezone())}, approved by {by}",
        f"  ends         {told(grant.ends.astimezone())}",
    ]
    if grant.request:
        lines.append(f"  request      {clean(grant.request)}")
    if grant.ended_by:
        lines.append(f"  ended early  by {clean(grant.ended_by)}")
    if kept.trouble:
        lines.append(f"  trouble      {clean(kept.trouble)}")
    if kept.how:
        lines.append(f"  how it ended {clean(kept.how)}")
    if kept.entry is not None:
        lines.append(f"  log entry    {kept.entry}, in the log of the worker's host")
    if kept.live:
        lines += ["", "What you can do:", *(f"  {command}" for command in _commands(kept, signed_in))]
    return lines


def _commands(kept: Kept, signed_in: SignedIn) -> list[str]:
    id = kept.grant.id
    mine = kept.grant.person.id == signed_in.actor.person.id
    return [f"helpdesk grants extend {id} --days N", f"helpdesk grants {'return' if mine else 'revoke'} {id}"]


def _reviewed_document(one: Reviewed) -> dict[str, Any]:
    return {
        "subject": one.person,
        "target": one.target,
        "since": _utc(one.since) if one.since else None,
        "approved_by": ", ".join(one.approved_by),
        "grant": one.grant or None,
        "expires_at": _utc(one.expires) if one.expires else None,
        "member": one.member,
        "account_enabled": one.enabled,
        "used": one.used,
        "entry": one.entry,
        "flags": list(one.flags),
    }


def _review_row(one: Reviewed) -> tuple[str, ...]:
    from helpdesk.text import local_time

    now = {True: "has it", False: "has it no more", None: "not read"}[one.member]
    return (
        one.person,
        one.target,
        local_time(one.since) if one.since else "not known",
        ", ".join(one.approved_by) or "not known",
        local_time(one.expires) if one.expires else "never",
        now,
        one.used,
        " ".join(one.flags),
    )
