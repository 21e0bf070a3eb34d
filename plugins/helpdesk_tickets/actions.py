"""The ticket actions. A ticket belongs to who opened it; only they and the service desk may touch it."""

from __future__ import annotations

from typing import Annotated, Any

from helpdesk.plugin import (
    Answer,
    Change,
    Context,
    NotFound,
    Observation,
    Opposite,
    Plugin,
    Preview,
    ReadContext,
    Refused,
    Risk,
    Ticket,
    local_time,
    shorten,
)
from helpdesk_tickets.handoff import mark, name_of, one_line, whole_body

plugin = Plugin("ticket", needs=("tickets",))

_NEW = "new ticket"
_NOTHING = "no ticket"
_ABSENT = "not there"
_LISTED = 20
TicketId = Annotated[str, "the ticket's number"]


# ── open ──────────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    name="open",
    risk=Risk.LOW,
    allow="anyone",
    examples=(
        "open a ticket: the lift is stuck",
        "my keyboard is broken",
        "the printer does not print",
        "hand this over to a person",
        "I want to report a problem to the service desk",
    ),
    no_undo="a ticket stays in the queue; helpdesk do ticket.close closes it",
)
async def open_(
    ctx: Context,
    subject: Annotated[str, "what it is about, in a few words"],
    body: Annotated[str, "the details"] = "",
) -> str:
    """Open a ticket for the people of the service desk.

    From a conversation it carries what was said and what was tried.
    """
    text = whole_body(ctx.actor.person, body, ctx.case)
    ticket = await ctx.tickets.open(one_line(subject), text, ctx.actor.person.id, ctx.key)
    return f"Ticket {ticket.id} is open; helpdesk do ticket.status --id {ticket.id} says how it stands."


@open_.preview
async def _(ctx: ReadContext, subject: str, body: str = "") -> Preview:
    subject = one_line(subject)
    text = whole_body(ctx.actor.person, body, ctx.case)
    state = {"body": mark(text)}
    existing = await ctx.tickets.by_key(ctx.key)
    if existing is not None:
        return Preview(f"Ticket {existing.id} is open already; nothing had to change.", state=state)
    changes = [
        Change("tickets", _NEW, "subject", _NOTHING, subject),
        Change("tickets", _NEW, "requester", _NOTHING, ctx.actor.login),
        Change("tickets", _NEW, "text", _NOTHING, _told(body, ctx.case)),
    ]
    warnings = ("The conversation so far goes with it; the service desk will read it.",) if ctx.case else ()
    return Preview(f"Open a ticket: {shorten(subject, 80)}", tuple(changes), warnings, state)


@open_.verify
async def _(ctx: ReadContext, subject: str, body: str = "") -> list[Observation]:
    promised = {change.what: change.after for change in ctx.before.changes} if ctx.before else {}
    expected = {
        "subject": one_line(subject),
        "requester": ctx.actor.login,
        "text": promised.get("text", _told(body, ctx.case)),
    }
    ticket = await ctx.tickets.by_key(ctx.key)
    if ticket is None:
        return [Observation("tickets", _NEW, what, value, _NOTHING) for what, value in expected.items()]
    wanted = ctx.before.state.get("body") if ctx.before else None
    same = mark(ticket.body) == (wanted or mark(whole_body(ctx.actor.person, body, ctx.case)))
    mine = ticket.requester == ctx.actor.person.id
    observed = {
        "subject": ticket.subject,
        "requester": ctx.actor.login if mine else "somebody else",
        "text": expected["text"] if same else "another text",
    }
    seen = [Observation("tickets", _NEW, what, expected[what], observed[what]) for what in expected]
    return [*seen, Observation("tickets", ticket.id, "number", ticket.id, ticket.id)]


def _told(body: str, case: str) -> str:
    """What goes into a ticket, as the person is shown it; the conversation they have seen already."""
    words = body.strip()
    if not case.strip():
        return words or "no details"
    return f"{words} + the conversation so far" if words else "the conversation so far"


# ── comment ───────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.LOW,
    allow="anyone",
    examples=(
        "add to ticket T-1: it is urgent",
        "tell them on ticket T-1 that a restart helped",
        "add a note to my ticket",
    ),
    no_undo="what was said in a ticket stays",
)
async def comment(ctx: Context, id: TicketId, text: Annotated[str, "the comment"]) -> str:
    """Add a comment to a ticket of yours."""
    ticket = await _allowed(ctx, id)
    await ctx.tickets.comment(ticket.id, name_of(ctx.actor.person), text, ctx.key)
    return f"Your comment stands in {ticket.id}."


@comment.preview
async def _(ctx: ReadContext, id: str, text: str) -> Preview:
    ticket = await _allowed(ctx, id)
    author = name_of(ctx.actor.person)
    return Preview(
        f"Add a comment to {ticket.id}: {shorten(ticket.subject, 60)}",
        (Change("tickets", ticket.id, _comment_of(ctx), _ABSENT, text),),
        warnings=("The ticket is closed.",) if ticket.status == "closed" else (),
        state={"ticket": ticket.id, "author": author, "same_before": str(_same(ticket, author, text))},
    )


@comment.verify
async def _(ctx: ReadContext, id: str, text: str) -> list[Observation]:
    state = ctx.before.state if ctx.before else {}
    ticket = await ctx.tickets.get(state.get("ticket", id))
    author = state.get("author") or name_of(ctx.actor.person)
    there = _same(ticket, author, text) > int(state.get("same_before", "0"))
    return [Observation("tickets", ticket.id, _comment_of(ctx), text, text if there else _ABSENT)]


def _comment_of(ctx: ReadContext) -> str:
    return f"comment of {ctx.actor.login}"


def _same(ticket: Ticket, author: str, text: str) -> int:
    """How many comments of this person say exactly this: one more proves that it was added."""
    return sum(one.author == author and mark(one.text) == mark(text) for one in ticket.comments)


# ── close, and open again ─────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.LOW,
    allow="anyone",
    examples=("close ticket T-1", "my problem is solved, close the ticket", "T-1 is fixed, it can be closed"),
)
async def close(ctx: Context, id: TicketId) -> str:
    """Close a ticket of yours."""
    ticket = await _allowed(ctx, id)
    await ctx.tickets.close(ticket.id, name_of(ctx.actor.person), ctx.key)
    return f"{ticket.id} is closed."


@close.preview
async def _(ctx: ReadContext, id: str) -> Preview:
    return await _turn(ctx, id, "Close", to="closed")


@close.verify
async def _(ctx: ReadContext, id: str) -> list[Observation]:
    return await _turned(ctx, id, to="closed")


@close.undo
async def _(ctx: ReadContext, id: str) -> Opposite:
    return Opposite("ticket.reopen", {"id": ctx.before.state.get("ticket", id) if ctx.before else id})


@plugin.action(
    risk=Risk.LOW,
    allow="anyone",
    examples=(
        "reopen ticket T-1",
        "T-1 is not solved after all, open it again",
        "my ticket was closed too early",
    ),
)
async def reopen(ctx: Context, id: TicketId) -> str:
    """Open a closed ticket of yours again."""
    ticket = await _allowed(ctx, id)
    await ctx.tickets.reopen(ticket.id, name_of(ctx.actor.person), ctx.key)
    return f"{ticket.id} is open again."


@reopen.preview
async def _(ctx: ReadContext, id: str) -> Preview:
    return await _turn(ctx, id, "Reopen", to="open")


@reopen.verify
async def _(ctx: ReadContext, id: str) -> list[Observation]:
    return await _turned(ctx, id, to="open")


@reopen.undo
async def _(ctx: ReadContext, id: str) -> Opposite:
    return Opposite("ticket.close", {"id": ctx.before.state.get("ticket", id) if ctx.before else id})


async def _turn(ctx: ReadContext, id: str, verb: str, *, to: str) -> Preview:
    ticket = await _allowed(ctx, id)
    state = {"ticket": ticket.id}
    if ticket.status == to:
        return Preview(f"{ticket.id} is {to} already; nothing had to change.", state=state)
    change = Change("tickets", ticket.id, "status", ticket.status, to)
    return Preview(f"{verb} {ticket.id}: {shorten(ticket.subject, 60)}", (change,), state=state)


async def _turned(ctx: ReadContext, id: str, *, to: str) -> list[Observation]:
    ticket = await ctx.tickets.get(ctx.before.state.get("ticket", id) if ctx.before else id)
    return [Observation("tickets", ticket.id, "status", to, ticket.status)]


# ── status ────────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    reads=True,
    allow="anyone",
    examples=("how does ticket T-1 stand", "my open tickets", "any news on my ticket", "list my tickets"),
)
async def status(
    ctx: ReadContext, id: Annotated[str | None, "the ticket's number; all of yours when left out"] = None
) -> Answer:
    """Say how a ticket stands, or list yours."""
    if id is not None:
        ticket = await _allowed(ctx, id)
        return Answer(_sentence(ctx, ticket), _data(ticket), (_itself(ticket),))
    tickets = await ctx.tickets.of(ctx.actor.person.id)
    tickets = sorted(tickets, key=lambda ticket: (ticket.status == "closed", -ticket.opened.timestamp()))
    if not tickets:
        return Answer("You have no tickets.", [], (Observation("tickets", "yours", "number", "0", "0"),))
    lines = "\n".join(_sentence(ctx, ticket) for ticket in tickets[:_LISTED])
    more = f"\n… and {len(tickets) - _LISTED} more." if len(tickets) > _LISTED else ""
    return Answer(lines + more, [_data(ticket) for ticket in tickets], tuple(map(_itself, tickets)))


def _sentence(ctx: ReadContext, ticket: Ticket) -> str:
    said = f"{ticket.id} is {ticket.status}: {shorten(ticket.subject, 80)} (opened {local_time(ticket.opened, ctx.now())})."
    if not ticket.comments:
        return said
    last = ticket.comments[-1]
    when = local_time(last.at, ctx.now())
    return f"{said} Last comment, {when}, by {shorten(last.author, 60)}: {shorten(last.text, 200)}"


def _data(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "subject": ticket.subject,
        "body": ticket.body,
        "status": ticket.status,
        "opened": ticket.opened.isoformat(),
        "comments": [
            {"author": one.author, "at": one.at.isoformat(), "text": one.text} for one in ticket.comments
        ],
    }


def _itself(ticket: Ticket) -> Observation:
    return Observation("tickets", ticket.id, "status", ticket.status, ticket.status)


# ── whose ticket ──────────────────────────────────────────────────────────────────────────────


async def _allowed(ctx: ReadContext, id: str) -> Ticket:
    """The ticket, if it is the actor's own, or the actor is of the service desk.

    Raises:
        Refused: it is not, or there is no such ticket: nobody learns which numbers exist.
        NotFound: there is none, said to the service desk only.
    """
    of_the_desk = "helpdesk" in ctx.actor.roles
    try:
        ticket = await ctx.tickets.get(id)
    except NotFound:
        if of_the_desk:
            raise
        raise _not_yours(id) from None
    if not of_the_desk and ticket.requester != ctx.actor.person.id:
        raise _not_yours(id)
    return ticket


def _not_yours(id: str) -> Refused:
    return Refused(
        f"You have no ticket {shorten(id, 40)!r}.",
        hint="helpdesk do ticket.status lists yours.",
        rule="your-own-tickets",
    )
