"""Access through groups: list it, ask for it, give it, take it back."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from helpdesk.plugin import (
    Answer,
    Change,
    Context,
    Group,
    GroupName,
    Login,
    NotFound,
    Observation,
    Opposite,
    Person,
    Plugin,
    Preview,
    ReadContext,
    Risk,
)

plugin = Plugin("access", needs=("directory",))

Days = Annotated[int | None, "end it so many days after it is given; for good when left out"]
Until = Annotated[date | None, "end it on this day, or at a moment such as 2026-12-02T18:00"]

_WORDS = {True: "member", False: "not a member"}


@plugin.action(
    name="list",
    reads=True,
    examples=(
        "what groups am I in",
        "what do I have access to",
        "show my access",
        "which shares can bo open",
    ),
)
async def list_(
    ctx: ReadContext, person: Annotated[Login | None, "whose access; your own when left out"] = None
) -> Answer:
    """List the groups that someone is a member of."""
    user = await ctx.directory.person(person or ctx.actor.login)
    groups = sorted(await ctx.directory.groups_of(user), key=lambda group: group.name)
    names = ", ".join(group.name for group in groups)
    who = "You are" if user.id == ctx.actor.person.id else f"{user.name} is"
    return Answer(
        f"{who} a member of {names}." if groups else f"{who} not a member of any group.",
        [{"group": group.name, "description": group.description} for group in groups],
        tuple(Observation("directory", group.name, _what(user), "member", "member") for group in groups),
    )


@plugin.action(
    name="show",
    reads=True,
    about="desk",
    examples=(
        "who owns finance-share",
        "what is finance-share for",
        "who is in charge of the design share",
        "who is the owner of vpn-users",
        "what groups are there",
        "which groups are there",
        "list all the groups that exist",
        "list all groups there are",
    ),
)
async def show(
    ctx: ReadContext, group: Annotated[GroupName | None, "which group; all of them when left out"] = None
) -> Answer:
    """Show what groups there are, or what one is for and who owns it."""
    if group is not None:
        one = await ctx.directory.group(group)
        owners = await _owners(ctx, one)
        return Answer(_about(one, owners), [_data(one, owners)], (_itself(one),))
    groups = sorted(await ctx.directory.groups(), key=lambda each: each.name)
    if not groups:
        return Answer("The directory shows you no group.", [])
    lines = [each.name + (f": {each.description}" if each.description else "") for each in groups]
    told = "\n".join(
        [f"There are {len(groups)} groups:" if len(groups) > 1 else "There is one group:", *lines]
    )
    return Answer(
        told,
        [{"group": each.name, "description": each.description} for each in groups],
        tuple(_itself(each) for each in groups),
    )


async def _owners(ctx: ReadContext, group: Group) -> list[Person]:
    """The owners that are still there, in the directory's order."""
    found = []
    for dn in group.owner_dns:
        try:
            found.append(await ctx.directory.person_by_dn(dn))
        except NotFound:
            continue  # an owner who left; the others still count
    return found


def _about(group: Group, owners: list[Person]) -> str:
    names = ", ".join(f"{person.name} ({person.login})" for person in owners)
    what = f"{group.name}: {group.description}".rstrip(".") if group.description else group.name
    return f"{what}. " + (f"Owned by {names}, who can let people in." if owners else "It has no owner.")


def _data(group: Group, owners: list[Person]) -> dict[str, object]:
    return {
        "group": group.name,
        "description": group.description,
        "owners": [{"login": person.login, "name": person.name} for person in owners],
    }


def _itself(group: Group) -> Observation:
    return Observation("directory", group.name, "group", group.name, group.name)


@plugin.action(
    risk=Risk.MEDIUM,
    about="group",
    examples=(
        "get me into finance-share",
        "I need access to the design share",
        "please add me to vpn-users",
        "request membership of a group",
        "I need to see the payroll folder for the audit",
        "I need access to the design share for two weeks",
    ),
    time_bound=True,
)
async def request(
    ctx: Context,
    group: Annotated[GroupName, "which group"],
    reason: Annotated[str, "what it is for; the approver reads it"] = "",
    days: Days = None,
    until: Until = None,
) -> str:
    """Ask to become a member of a group; its owner approves."""
    target = await ctx.directory.group(group)
    await ctx.directory.add_member(target, await ctx.directory.person(ctx.actor.login))
    return f"{ctx.actor.person.name} is a member of {target.name} now."


@request.preview
async def _(
    ctx: ReadContext, group: GroupName, reason: str = "", days: Days = None, until: Until = None
) -> Preview:
    return await _preview(ctx, group, ctx.actor.person, to=True)


@request.verify
async def _(
    ctx: ReadContext, group: GroupName, reason: str = "", days: Days = None, until: Until = None
) -> list[Observation]:
    return await _seen(ctx, group, ctx.actor.person, expected=True)


@request.undo
async def _(
    ctx: ReadContext, group: GroupName, reason: str = "", days: Days = None, until: Until = None
) -> Opposite:
    return Opposite("access.revoke", {"person": ctx.actor.login, "group": group})


@plugin.action(
    risk=Risk.MEDIUM,
    examples=(
        "give bo access to finance-share",
        "add bo to vpn-users",
        "let a colleague into my group",
        "put bo on the design share",
        "give bo access to finance-share for 5 days",
    ),
    time_bound=True,
)
async def grant(
    ctx: Context,
    person: Annotated[Login, "who gets access"],
    group: Annotated[GroupName, "to which group"],
    days: Days = None,
    until: Until = None,
) -> str:
    """Make someone a member of a group that you own."""
    user, target = await ctx.directory.person(person), await ctx.directory.group(group)
    await ctx.directory.add_member(target, user)
    return f"{user.name} is a member of {target.name} now."


@grant.preview
async def _(
    ctx: ReadContext, person: Login, group: GroupName, days: Days = None, until: Until = None
) -> Preview:
    return await _preview(ctx, group, await ctx.directory.person(person), to=True)


@grant.verify
async def _(
    ctx: ReadContext, person: Login, group: GroupName, days: Days = None, until: Until = None
) -> list[Observation]:
    return await _seen(ctx, group, await ctx.directory.person(person), expected=True)


@grant.undo
async def _(
    ctx: ReadContext, person: Login, group: GroupName, days: Days = None, until: Until = None
) -> Opposite:
    return Opposite("access.revoke", {"person": person, "group": group})


@plugin.action(
    risk=Risk.MEDIUM,
    examples=(
        "take bo out of finance-share",
        "remove bo from vpn-users",
        "bo no longer needs access to the design share",
        "I want to leave a group",
        "I do not need the design share any more",
    ),
)
async def revoke(
    ctx: Context,
    person: Annotated[Login, "who loses access"],
    group: Annotated[GroupName, "from which group"],
) -> str:
    """Take someone out of a group that you own, or leave a group yourself."""
    user, target = await ctx.directory.person(person), await ctx.directory.group(group)
    await ctx.directory.remove_member(target, user)
    return f"{user.name} is no longer a member of {target.name}."


@revoke.preview
async def _(ctx: ReadContext, person: Login, group: GroupName) -> Preview:
    return await _preview(ctx, group, await ctx.directory.person(person), to=False)


@revoke.verify
async def _(ctx: ReadContext, person: Login, group: GroupName) -> list[Observation]:
    return await _seen(ctx, group, await ctx.directory.person(person), expected=False)


@revoke.undo
async def _(ctx: ReadContext, person: Login, group: GroupName) -> Opposite:
    return Opposite("access.grant", {"person": person, "group": group})


# ── what all of them share ────────────────────────────────────────────────────────────────────


def _what(person: Person) -> str:
    return f"membership of {person.login}"


async def _is_member(ctx: ReadContext, group: Group, person: Person) -> bool:
    return group.id in {other.id for other in await ctx.directory.groups_of(person)}


async def _preview(ctx: ReadContext, group: GroupName, person: Person, *, to: bool) -> Preview:
    target = await ctx.directory.group(group)
    member = await _is_member(ctx, target, person)
    if member is to:
        return Preview(f"{person.name} is {_already(to)} {target.name}; nothing had to change.")
    verb = f"Make {person.name} a member of" if to else f"Take {person.name} out of"
    change = Change("directory", target.name, _what(person), _WORDS[member], _WORDS[to])
    return Preview(f"{verb} {target.name}.", (change,))


def _already(member: bool) -> str:
    return "already a member of" if member else "not a member of"


async def _seen(ctx: ReadContext, group: GroupName, person: Person, *, expected: bool) -> list[Observation]:
    target = await ctx.directory.group(group)
    member = await _is_member(ctx, target, person)
    return [Observation("directory", target.name, _what(person), _WORDS[expected], _WORDS[member])]
