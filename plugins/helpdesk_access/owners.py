"""Groups change hands: whoever goes leaves none behind that nobody decides about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdesk.plugin import (
    Change,
    Context,
    Group,
    InvalidArgument,
    Login,
    Observation,
    Opposite,
    Person,
    Preview,
    ReadContext,
    Refused,
    Risk,
    Stale,
)
from helpdesk_access.actions import plugin

_OWNS = {True: "owner", False: "not an owner"}
_BETWEEN = ";"


@plugin.action(
    name="hand-over",
    risk=Risk.HIGH,
    about="person",
    examples=(
        "hand the groups of bo over to gus",
        "bo leaves, gus takes over their groups",
        "make gus the owner of bo's groups",
    ),
)
async def hand_over(
    ctx: Context,
    person: Annotated[Login, "who owns them now"],
    to: Annotated[Login, "who owns them from now on"],
    groups: Annotated[str | None, "which ones, with semicolons between; all of them when left out"] = None,
    stays: Annotated[bool, "the one who owns them now stays an owner too"] = False,
) -> str:
    """Make somebody the owner of the groups that another person owns."""
    hands = await _hands(ctx, person, to, groups)
    seen = ctx.before.state if ctx.before else {}
    for group in hands.groups:
        if seen and seen.get(f"group {group.name}") != group.id:
            raise Stale(f"The group {group.name} was not previewed, so nothing more was handed over.")
        await ctx.directory.hand_over(group, hands.old, hands.new, stays=stays)
    return f"{hands.new.name} owns {', '.join(group.name for group in hands.groups)} now."


@hand_over.preview
async def _(
    ctx: ReadContext, person: Login, to: Login, groups: str | None = None, stays: bool = False
) -> Preview:
    hands = await _hands(ctx, person, to, groups)
    if hands.old.id == hands.new.id:
        raise InvalidArgument("That is one and the same person.")
    if hands.old.id != ctx.actor.person.id and _same(hands.new, ctx.actor.person):
        raise Refused(
            "Nobody makes themselves the owner of other people's groups.",
            hint="Have a colleague hand them over.",
            rule="never-your-own-groups",
        )
    changes = _changes(hands, stays)
    if not changes:
        return Preview(f"{hands.old.name} has no group to hand over; nothing had to change.")
    moved = list(dict.fromkeys(change.target for change in changes))
    state = {f"group {group.name}": group.id for group in hands.groups if group.name in moved}
    state["owned before"] = _BETWEEN.join(sorted(name for name in hands.both if name in moved))
    names = ", ".join(moved)
    also = f"; {hands.old.login} stays an owner" if stays else ""
    return Preview(
        f"Make {hands.new.name} ({hands.new.login}) the owner of {names}{also}.", changes, state=state
    )


@hand_over.verify
async def _(
    ctx: ReadContext, person: Login, to: Login, groups: str | None = None, stays: bool = False
) -> list[Observation]:
    old, new = await ctx.directory.person(person), await ctx.directory.person(to)
    promised = ctx.before.changes if ctx.before else ()
    if not promised:  # there was nothing to hand over: what is there now is told
        hands = await _hands(ctx, person, to, groups)
        promised = _changes(hands, stays)
        here = hands.groups
        if not promised:
            return [Observation("directory", old.login, "groups to hand over", "none", "none")] + [
                Observation("directory", group.name, _what(new), _OWNS[True], _OWNS[True]) for group in here
            ]
    owned = {who.login: {one.name for one in await ctx.directory.groups_owned(who)} for who in (old, new)}
    names = {_what(who): who.login for who in (old, new)}
    return [
        Observation("directory", one.target, one.what, one.after, _OWNS[one.target in owned[names[one.what]]])
        for one in promised
        if one.what in names
    ]


@hand_over.undo
async def _(
    ctx: ReadContext, person: Login, to: Login, groups: str | None = None, stays: bool = False
) -> list[Opposite]:
    before = ctx.before
    moved = dict.fromkeys(change.target for change in before.changes) if before else {}
    both = [name for name in (before.state["owned before"] if before else "").split(_BETWEEN) if name]
    alone = [name for name in moved if name not in both]
    back = {"person": to, "to": person}
    calls = []
    if alone:
        calls.append(Opposite("access.hand-over", {**back, "groups": _BETWEEN.join(alone)}))
    if both:
        calls.append(Opposite("access.hand-over", {**back, "groups": _BETWEEN.join(both), "stays": True}))
    return calls


@dataclass(frozen=True, slots=True)
class _Hands:
    """From whom to whom; ``both`` are the names of those that belong to both already."""

    old: Person
    new: Person
    groups: tuple[Group, ...]
    both: frozenset[str]


async def _hands(ctx: ReadContext, person: Login, to: Login, groups: str | None) -> _Hands:
    old, new = await ctx.directory.person(person), await ctx.directory.person(to)
    owned = await ctx.directory.groups_owned(old)
    both = frozenset(group.name for group in await ctx.directory.groups_owned(new))
    if groups is None:
        return _Hands(old, new, tuple(owned), both)
    by_name = {group.name.casefold(): group for group in owned}
    wanted = [name.strip() for name in groups.split(_BETWEEN) if name.strip()]
    missing = [name for name in wanted if name.casefold() not in by_name]
    if missing or not wanted:
        raise InvalidArgument(
            f"{old.name} does not own {', '.join(missing) or 'that'}.",
            hint=f"{old.login} owns: {', '.join(group.name for group in owned) or 'no group'}.",
        )
    return _Hands(old, new, tuple(by_name[name.casefold()] for name in dict.fromkeys(wanted)), both)


def _changes(hands: _Hands, stays: bool) -> tuple[Change, ...]:
    found = []
    for group in hands.groups:
        if group.name not in hands.both:
            found.append(Change("directory", group.name, _what(hands.new), _OWNS[False], _OWNS[True]))
        if not stays:
            found.append(Change("directory", group.name, _what(hands.old), _OWNS[True], _OWNS[False]))
    return tuple(found)


def _what(person: Person) -> str:
    return f"ownership of {person.login}"


def _same(one: Person, other: Person) -> bool:
    """One human being, also with two accounts, as far as numbers and addresses tell."""
    if one.id == other.id:
        return True
    pairs = ((one.employee_number, other.employee_number), (one.mail, other.mail))
    return any(mine and mine.casefold() == theirs.casefold() for mine, theirs in pairs)
