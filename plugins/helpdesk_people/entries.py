"""Somebody moves, or goes: whom they report to, further addresses, and the mark of having left."""

from __future__ import annotations

from typing import Annotated

from helpdesk.plugin import (
    LEFT,
    Change,
    Context,
    Failed,
    InvalidArgument,
    Login,
    NotFound,
    Observation,
    Opposite,
    Person,
    Preview,
    ReadContext,
    Refused,
    Risk,
)
from helpdesk_people.actions import plugin
from helpdesk_people.addresses import checked_address

_NOBODY = "nobody"
_WORKS = "works here"
_REACHED = {True: "reaches them", False: "does not reach them"}


# ── whom they report to ───────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.HIGH,
    examples=(
        "bo reports to gus now",
        "change the manager of bo",
        "bo moved to another team, set the manager",
    ),
)
async def manager(
    ctx: Context,
    person: Annotated[Login, "whose entry"],
    manager: Annotated[Login | None, "whom they report to; nobody when left out"] = None,
) -> str:
    """Say in the directory whom somebody reports to."""
    user, above = await _both(ctx, person, manager)
    await ctx.directory.set_manager(user, above)
    return f"{user.name} reports to {above.name} now." if above else f"{user.name} reports to nobody now."


@manager.preview
async def _(ctx: ReadContext, person: Login, manager: Login | None = None) -> Preview:
    user, above = await _both(ctx, person, manager)
    if above is not None and _same(above, user):
        raise InvalidArgument("Nobody reports to themselves.")
    if above is not None and _same(above, ctx.actor.person):
        raise Refused(
            "Nobody makes themselves somebody's manager.",
            hint="A manager approves what their people ask for: have a colleague enter it.",
            rule="never-your-own-report",
        )
    now = await _manager_of(ctx, user)
    before, after = now.login if now else _NOBODY, above.login if above else _NOBODY
    if (now.id if now else "") == (above.id if above else ""):
        return Preview(f"{user.name} reports to {after} already; nothing had to change.")
    state = {"manager": now.login, "manager id": now.id} if now else {}
    change = Change("directory", user.login, "manager", before, after)
    return Preview(f"Let {user.name} ({user.login}) report to {after}.", (change,), state=state)


@manager.verify
async def _(ctx: ReadContext, person: Login, manager: Login | None = None) -> list[Observation]:
    user, above = await _both(ctx, person, manager)
    now = await _manager_of(ctx, user)
    wanted, found = above.login if above else _NOBODY, now.login if now else _NOBODY
    return [Observation("directory", user.login, "manager", wanted, found)]


@manager.undo
async def _(ctx: ReadContext, person: Login, manager: Login | None = None) -> Opposite:
    state = ctx.before.state if ctx.before else {}
    if not state.get("manager"):
        return Opposite("people.manager", {"person": person})
    was = state["manager"]
    return Opposite("people.manager", {"person": person, "manager": was}, ids={was: state["manager id"]})


async def _both(ctx: ReadContext, person: Login, manager: Login | None) -> tuple[Person, Person | None]:
    return await ctx.directory.person(person), await ctx.directory.person(manager) if manager else None


async def _manager_of(ctx: ReadContext, person: Person) -> Person | None:
    if not person.manager_dn:
        return None
    try:
        return await ctx.directory.person_by_dn(person.manager_dn)
    except NotFound:
        return None


def _same(one: Person, other: Person) -> bool:
    """One human being, also with two accounts, as far as numbers and addresses tell."""
    if one.id == other.id:
        return True
    pairs = ((one.employee_number, other.employee_number), (one.mail, other.mail))
    return any(mine and mine.casefold() == theirs.casefold() for mine, theirs in pairs)


# ── further addresses ─────────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.MEDIUM,
    examples=(
        "give bo another mail address",
        "add a mail alias for bo",
        "let a second address reach a mailbox",
    ),
)
async def alias(
    ctx: Context,
    person: Annotated[Login, "whose mailbox"],
    address: Annotated[str, "the further address"],
) -> str:
    """Give somebody one more mail address."""
    user, address = await _addressed(ctx, person, address)
    await ctx.directory.add_alias(user, address)
    return f"Mail to {address} reaches {user.name} too."


@alias.preview
async def _(ctx: ReadContext, person: Login, address: str) -> Preview:
    user, address = await _addressed(ctx, person, address)
    if not user.mail:
        raise Failed(
            f"{user.name} has no mail address of their own yet, so there is nothing to add another one to."
        )
    if _has(user, address):
        return Preview(f"{address} reaches {user.name} already; nothing had to change.")
    if await ctx.directory.people_called(address):
        raise Failed(f"{address} belongs to somebody else already.", code="taken")
    change = Change("directory", user.login, _mail_to(address), _REACHED[False], _REACHED[True])
    return Preview(f"Let mail to {address} reach {user.name} ({user.login}).", (change,))


@alias.verify
async def _(ctx: ReadContext, person: Login, address: str) -> list[Observation]:
    user, address = await _addressed(ctx, person, address)
    seen = _REACHED[_has(user, address)]
    return [Observation("directory", user.login, _mail_to(address), _REACHED[True], seen)]


@alias.undo
async def _(ctx: ReadContext, person: Login, address: str) -> Opposite:
    return Opposite("people.unalias", {"person": person, "address": address})


@plugin.action(
    risk=Risk.MEDIUM,
    examples=("take a mail alias away from bo", "remove the second address of a mailbox"),
)
async def unalias(
    ctx: Context,
    person: Annotated[Login, "whose mailbox"],
    address: Annotated[str, "the further address that goes"],
) -> str:
    """Take a further mail address away from somebody; their own one stays."""
    user, address = await _addressed(ctx, person, address)
    await ctx.directory.remove_alias(user, address)
    return f"Mail to {address} does not reach {user.name} any more."


@unalias.preview
async def _(ctx: ReadContext, person: Login, address: str) -> Preview:
    user, address = await _addressed(ctx, person, address)
    if address.casefold() == user.mail.casefold():
        raise InvalidArgument(f"{address} is {user.name}'s own address, and no further one.")
    if not _has(user, address):
        return Preview(f"{address} does not reach {user.name}; nothing had to change.")
    change = Change("directory", user.login, _mail_to(address), _REACHED[True], _REACHED[False])
    return Preview(f"Let mail to {address} not reach {user.name} ({user.login}) any more.", (change,))


@unalias.verify
async def _(ctx: ReadContext, person: Login, address: str) -> list[Observation]:
    user, address = await _addressed(ctx, person, address)
    seen = _REACHED[_has(user, address)]
    return [Observation("directory", user.login, _mail_to(address), _REACHED[False], seen)]


@unalias.undo
async def _(ctx: ReadContext, person: Login, address: str) -> Opposite:
    return Opposite("people.alias", {"person": person, "address": address})


async def _addressed(ctx: ReadContext, person: Login, address: str) -> tuple[Person, str]:
    user = await ctx.directory.person(person)
    return user, checked_address(ctx, address, user)


def _mail_to(address: str) -> str:
    return f"mail to {address}"


def _has(person: Person, address: str) -> bool:
    return address.casefold() in {one.casefold() for one in (person.mail, *person.aliases)}


# ── who left ──────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.MEDIUM,
    examples=("bo has left, archive the entry", "mark a colleague as left", "archive the account of bo"),
)
async def archive(ctx: Context, person: Annotated[Login, "who has left"]) -> str:
    """Mark somebody as having left; the account must be disabled first, and the entry stays."""
    user = await ctx.directory.person(person)
    await ctx.directory.set_employment(user, LEFT)
    return f"{user.name} is marked as having left."


@archive.preview
async def _(ctx: ReadContext, person: Login) -> Preview:
    user = await ctx.directory.person(person)
    if user.employment == LEFT:
        return Preview(f"{user.name} is marked as having left already; nothing had to change.")
    enabled = (await ctx.directory.status(user)).enabled
    if enabled:
        raise Failed(
            f"{user.name}'s account is still enabled, so they have not left yet.",
            hint=f"First: helpdesk do account.disable {user.login}",
            code="still-enabled",
        )
    warnings = () if enabled is False else ("The directory does not tell whether the account is disabled.",)
    change = Change("directory", user.login, "employment", user.employment or _WORKS, LEFT)
    state = {"employment": user.employment}
    return Preview(f"Mark {user.name} ({user.login}) as having left.", (change,), warnings, state)


@archive.verify
async def _(ctx: ReadContext, person: Login) -> list[Observation]:
    user = await ctx.directory.person(person)
    return [Observation("directory", user.login, "employment", LEFT, user.employment or _WORKS)]


@archive.undo
async def _(ctx: ReadContext, person: Login) -> Opposite:
    was = ctx.before.state.get("employment", "") if ctx.before else ""
    return Opposite("people.restore", {"person": person, **({"employment": was} if was else {})})


@plugin.action(
    risk=Risk.MEDIUM,
    examples=("bo is back with us, take the mark of having left away", "restore an archived entry"),
)
async def restore(
    ctx: Context,
    person: Annotated[Login, "who is back"],
    employment: Annotated[str | None, "what the entry says of their employment instead"] = None,
) -> str:
    """Take the mark of having left away; the account stays as it is."""
    user = await ctx.directory.person(person)
    await ctx.directory.set_employment(user, employment or "")
    return f"{user.name} works here again, as the directory has it; the account stays as it is."


@restore.preview
async def _(ctx: ReadContext, person: Login, employment: str | None = None) -> Preview:
    user = await ctx.directory.person(person)
    if employment == LEFT or len(employment or "") > 64 or not (employment or "").isprintable():
        raise InvalidArgument(f"{employment!r} does not say that somebody works here.")
    if user.employment != LEFT:
        return Preview(f"{user.name} is not marked as having left; nothing had to change.")
    change = Change("directory", user.login, "employment", LEFT, employment or _WORKS)
    return Preview(f"Take the mark of having left away from {user.name} ({user.login}).", (change,))


@restore.verify
async def _(ctx: ReadContext, person: Login, employment: str | None = None) -> list[Observation]:
    user = await ctx.directory.person(person)
    return [
        Observation("directory", user.login, "employment", employment or _WORKS, user.employment or _WORKS)
    ]


@restore.undo
async def _(ctx: ReadContext, person: Login, employment: str | None = None) -> Opposite:
    return Opposite("people.archive", {"person": person})
