"""Somebody comes: a new person in the directory, shut out until somebody lets them in."""

from __future__ import annotations

import re
from typing import Annotated

from helpdesk.plugin import (
    Change,
    Context,
    Failed,
    InvalidArgument,
    Login,
    NewPerson,
    NotFound,
    Observation,
    Person,
    Preview,
    ReadContext,
    Risk,
)
from helpdesk_people.actions import plugin
from helpdesk_people.addresses import checked_address

_ACCOUNT = "account"
_NONE, _NEW = "none", "there, disabled"
_NOT_SET = "not set"
_LOGIN = re.compile(r"[a-z][a-z0-9._-]{0,30}[a-z0-9]")
_LONGEST = 128


@plugin.action(
    risk=Risk.MEDIUM,
    examples=(
        "create an account for a new colleague",
        "add a new employee to the directory",
        "somebody new starts on monday and needs an account",
    ),
    no_undo="an entry is not deleted, because other records name it; people.archive marks it as left",
)
async def create(
    ctx: Context,
    login: Annotated[str, "the new login name: small letters, digits, dots and dashes"],
    full_name: Annotated[str, "their name"],
    mail: Annotated[str, "their mail address"],
    title: Annotated[str | None, "their job title"] = None,
    manager: Annotated[Login | None, "whom they report to"] = None,
    employee_number: Annotated[str | None, "their number in the personnel files"] = None,
) -> str:
    """Add somebody new to the directory, with an account that is disabled until somebody enables it."""
    await ctx.directory.create_person(
        await _wanted(ctx, login, full_name, mail, title, manager, employee_number)
    )
    return (
        f"{full_name} ({login}) is in the directory, with a disabled account. "
        f"On the first day: helpdesk do account.enable {login}, then helpdesk do password.reset {login}."
    )


@create.preview
async def _(
    ctx: ReadContext,
    login: str,
    full_name: str,
    mail: str,
    title: str | None = None,
    manager: Login | None = None,
    employee_number: str | None = None,
) -> Preview:
    new = await _wanted(ctx, login, full_name, mail, title, manager, employee_number)
    there = await _there(ctx, login)
    if there is not None and _described(there, await _manager_of(ctx, there)) == _promised(new):
        return Preview(f"{new.name} ({login}) is in the directory already; nothing had to change.")
    for name in filter(None, (new.login, new.mail, new.employee_number)):
        if await ctx.directory.people_called(name):
            raise Failed(
                f"{name!r} belongs to somebody in the directory already.",
                hint=f"See who it is: helpdesk do people.find {name}",
                code="taken",
            )
    changes = [Change("directory", login, _ACCOUNT, _NONE, _NEW)]
    changes += [
        Change("directory", login, what, _NOT_SET, value) for what, value in _promised(new).items() if value
    ]
    return Preview(f"Add {new.name} ({login}) to the directory, with a disabled account.", tuple(changes))


@create.verify
async def _(
    ctx: ReadContext,
    login: str,
    full_name: str,
    mail: str,
    title: str | None = None,
    manager: Login | None = None,
    employee_number: str | None = None,
) -> list[Observation]:
    new = await _wanted(ctx, login, full_name, mail, title, manager, employee_number)
    there = await _there(ctx, login)
    promised = {what: value for what, value in _promised(new).items() if value}
    if there is None:
        gone = [Observation("directory", login, _ACCOUNT, _NEW, _NONE)]
        return gone + [
            Observation("directory", login, what, value, _NOT_SET) for what, value in promised.items()
        ]
    status = await ctx.directory.status(there)
    account = {False: _NEW, True: "there, enabled", None: "could not be read back"}[status.enabled]
    found = _described(there, await _manager_of(ctx, there))
    seen = [Observation("directory", login, _ACCOUNT, _NEW, account)]
    return seen + [
        Observation("directory", login, what, value, found[what] or _NOT_SET)
        for what, value in promised.items()
    ]


async def _wanted(
    ctx: ReadContext,
    login: str,
    full_name: str,
    mail: str,
    title: str | None,
    manager: Login | None,
    employee_number: str | None,
) -> NewPerson:
    if not _LOGIN.fullmatch(login):
        raise InvalidArgument(
            f"{login!r} is no login name.",
            hint="Two to 32 small letters, digits, dots and dashes, beginning with a letter.",
        )
    name, job, number = (
        _line(what, text or "")
        for what, text in (("name", full_name), ("title", title), ("employee number", employee_number))
    )
    if not name:
        raise InvalidArgument("A new person needs a name.", hint="Add --full-name.")
    above = await ctx.directory.person(manager) if manager else None
    address = checked_address(ctx, mail, above)
    return NewPerson(login, name, address, job, number, above)


def _line(what: str, text: str) -> str:
    plain = " ".join(text.split())
    if not plain.isprintable() or len(plain) > _LONGEST:
        raise InvalidArgument(
            f"The {what} is no plain line of text.", hint=f"At most {_LONGEST} characters, on one line."
        )
    return plain


async def _there(ctx: ReadContext, login: str) -> Person | None:
    try:
        return await ctx.directory.person(login)
    except NotFound:
        return None


async def _manager_of(ctx: ReadContext, person: Person) -> str:
    if not person.manager_dn:
        return ""
    try:
        return (await ctx.directory.person_by_dn(person.manager_dn)).login
    except NotFound:
        return ""


def _promised(new: NewPerson) -> dict[str, str]:
    return {
        "name": new.name,
        "mail": new.mail,
        "title": new.title,
        "employee number": new.employee_number,
        "manager": new.manager.login if new.manager else "",
    }


def _described(person: Person, manager: str) -> dict[str, str]:
    return {
        "name": person.name,
        "mail": person.mail,
        "title": person.title,
        "employee number": person.employee_number,
        "manager": manager,
    }
