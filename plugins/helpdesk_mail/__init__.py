"""Mail: a message to somebody in the directory, at the address that the directory has of them."""

from __future__ import annotations

import hashlib
from typing import Annotated

from helpdesk.plugin import (
    ONLY_TAKEN,
    Change,
    Context,
    Failed,
    HelpdeskError,
    LetterState,
    Login,
    NotYet,
    Observation,
    Person,
    Plugin,
    Preview,
    ReadContext,
    Risk,
    shorten,
)

plugin = Plugin("mail", needs=("directory", "mail"))

_NOT_SENT, _SENT = "not sent", "sent"


@plugin.action(
    risk=Risk.MEDIUM,
    examples=(
        "send bo a mail",
        "write a message to bo",
        "mail the new colleague a welcome",
        "let gus know by mail",
    ),
    no_undo="what was read cannot be unread",
)
async def send(
    ctx: Context,
    person: Annotated[Login, "to whom; the address comes from the directory"],
    subject: Annotated[str, "what it is about, on one line"],
    body: Annotated[str, "the text"],
) -> str:
    """Send somebody a message by mail, at the address that the directory has of them."""
    user = await _reachable(ctx, person)
    await ctx.mail.send(user, subject, body, ctx.key)
    return f"The message to {user.name} ({user.mail}) is sent."


@send.preview
async def _(ctx: ReadContext, person: Login, subject: str, body: str) -> Preview:
    ctx.mail.ensure()
    user = await _reachable(ctx, person)
    change = Change("mail", user.mail, _what(subject), _NOT_SENT, _SENT)
    state = {"to": user.mail, "text": hashlib.sha256(body.encode()).hexdigest()}
    return Preview(
        f"Send {user.name} ({user.mail}) “{_short(subject)}”: {shorten(body, 200)}", (change,), state=state
    )


@send.verify
async def _(ctx: ReadContext, person: Login, subject: str, body: str) -> list[Observation] | NotYet:
    to = ctx.before.state["to"] if ctx.before else (await _reachable(ctx, person)).mail
    match await ctx.mail.state(ctx.key):
        case LetterState.ARRIVED:
            return await _read(ctx, to, subject)
        case LetterState.ACCEPTED:
            return ONLY_TAKEN
        case LetterState.NOT_SENT:
            return [Observation("mail", to, _what(subject), _SENT, _NOT_SENT)]
        case _:
            raise HelpdeskError(
                f"The mail server got a message to {to} and did not answer, or another machine sent it.",
                hint="Ask whether it arrived.",
            )


async def _read(ctx: ReadContext, to: str, subject: str) -> list[Observation]:
    kept = await ctx.mail.kept(ctx.key)
    there = kept is not None and kept.to == to
    return [Observation("mail", to, _what(subject), _SENT, _SENT if there else _NOT_SENT)]


async def _reachable(ctx: ReadContext, person: Login) -> Person:
    user = await ctx.directory.person(person)
    if not user.mail:
        raise Failed(
            f"{user.name} has no mail address in the directory.",
            hint="Set one there first.",
            code="no-address",
        )
    return user


def _what(subject: str) -> str:
    return f"message “{_short(subject)}”"


def _short(subject: str) -> str:
    return shorten(" ".join(subject.split()), 80)
