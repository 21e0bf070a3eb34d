"""Accounts: switch one off, and on again."""

from __future__ import annotations

from typing import Annotated

from helpdesk.plugin import (
    AccountStatus,
    Change,
    Context,
    Login,
    Observation,
    Opposite,
    Person,
    Plugin,
    Preview,
    ReadContext,
    Risk,
)

plugin = Plugin("account", needs=("directory",))

_WHAT = "account"
_WORDS = {True: "enabled", False: "disabled", None: "not told by the directory"}


@plugin.action(
    risk=Risk.HIGH,
    irreversible=True,
    examples=(
        "disable the account of bo",
        "bo has left the company, switch the account off",
        "block a stolen account",
        "deactivate a user",
    ),
)
async def disable(ctx: Context, person: Annotated[Login, "whose account"]) -> str:
    """Switch an account off, so that nobody can sign in with it."""
    user = await ctx.directory.person(person)
    await ctx.directory.set_enabled(user, False)
    return f"{user.name}'s account is disabled; helpdesk do account.enable {user.login} brings it back."


@disable.preview
async def _(ctx: ReadContext, person: Login) -> Preview:
    return await _preview(ctx, person, to=False)


@disable.verify
async def _(ctx: ReadContext, person: Login) -> list[Observation]:
    return await _seen(ctx, person, expected=False)


@disable.undo
async def _(ctx: ReadContext, person: Login) -> Opposite:
    return Opposite("account.enable", {"person": person})


@plugin.action(
    risk=Risk.HIGH,
    examples=(
        "enable the account of bo",
        "bo is back from leave, switch the account on again",
        "reactivate a user",
    ),
)
async def enable(ctx: Context, person: Annotated[Login, "whose account"]) -> str:
    """Switch an account on again."""
    user = await ctx.directory.person(person)
    await ctx.directory.set_enabled(user, True)
    return f"{user.name}'s account is enabled."


@enable.preview
async def _(ctx: ReadContext, person: Login) -> Preview:
    return await _preview(ctx, person, to=True)


@enable.verify
async def _(ctx: ReadContext, person: Login) -> list[Observation]:
    return await _seen(ctx, person, expected=True)


@enable.undo
async def _(ctx: ReadContext, person: Login) -> Opposite:
    return Opposite("account.disable", {"person": person})


async def _preview(ctx: ReadContext, person: Login, *, to: bool) -> Preview:
    user, status = await _now(ctx, person)
    word = _WORDS[to]
    if status.enabled is to:
        return Preview(f"{user.name}'s account is {word} already; nothing had to change.")
    change = Change("directory", user.login, _WHAT, _WORDS[status.enabled], word)
    return Preview(f"Make the account of {user.name} ({user.login}) {word}.", (change,))


async def _seen(ctx: ReadContext, person: Login, *, expected: bool) -> list[Observation]:
    user, status = await _now(ctx, person)
    observed = "could not be read back" if status.enabled is None else _WORDS[status.enabled]
    return [Observation("directory", user.login, _WHAT, _WORDS[expected], observed)]


async def _now(ctx: ReadContext, person: Login) -> tuple[Person, AccountStatus]:
    user = await ctx.directory.person(person)
    return user, await ctx.directory.status(user)
