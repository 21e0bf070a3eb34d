"""People: who am I, who is that, and my own contact data."""

from __future__ import annotations

from typing import Annotated, Any

from helpdesk.plugin import (
    Answer,
    Change,
    Context,
    InvalidArgument,
    NotFound,
    Observation,
    Opposite,
    Person,
    Plugin,
    Preview,
    ReadContext,
    Risk,
)

plugin = Plugin("people", needs=("directory",))

_LIMIT = 20
_FIELDS = ("mail", "phone", "title")
_NOT_SET = "not set"


@plugin.action(
    reads=True,
    examples=(
        "who am I",
        "what do you know about me",
        "show my details",
        "what is my login",
        "which phone number do I have",
    ),
)
async def whoami(ctx: ReadContext) -> Answer:
    """Say who is signed in, with their roles and groups."""
    me = await ctx.directory.person(ctx.actor.login)
    groups = sorted(group.name for group in await ctx.directory.groups_of(me))
    roles = sorted(ctx.actor.roles)
    as_roles = f", with the role {', '.join(roles)}" if roles else ""
    return Answer(
        " ".join((f"You are {me.name} ({me.login}){as_roles}.", *_contact(me))),
        {**_data(me), "manager": await _manager(ctx, me), "roles": roles, "groups": groups},
        (_itself(me),),
    )


async def _manager(ctx: ReadContext, person: Person) -> str:
    """Whom somebody reports to, as "Name (login)"; "" where nobody is named, or the entry cannot be read."""
    if not person.manager_dn:
        return ""
    try:
        manager = await ctx.directory.person_by_dn(person.manager_dn)
    except NotFound:
        return ""
    return f"{manager.name} ({manager.login})"


@plugin.action(
    reads=True,
    examples=(
        "who is bo",
        "find a colleague",
        "what is the phone number of gus",
        "what is the mail address of gus",
        "look up someone by mail or employee number",
    ),
)
async def find(
    ctx: ReadContext, words: Annotated[str, "part of a name, a login, a mail address or an employee number"]
) -> Answer:
    """Find people by name, login, mail or employee number."""
    people = await ctx.directory.find_people(words, _LIMIT)
    if not people:
        return Answer(f"Nobody in the directory matches {words!r}.", [])
    lines = "; ".join(", ".join(filter(None, (f"{p.name} ({p.login})", p.mail, p.phone))) for p in people)
    more = " There may be more; add another word." if len(people) == _LIMIT else ""
    return Answer(f"{lines}.{more}", [_data(person) for person in people], tuple(map(_itself, people)))


@plugin.action(
    risk=Risk.MEDIUM,
    about="self",
    examples=(
        "change my phone number",
        "my job title is wrong",
        "update my mail address",
        "correct my contact data",
    ),
)
async def update(
    ctx: Context,
    phone: Annotated[str | None, "your new telephone number"] = None,
    title: Annotated[str | None, "your new job title"] = None,
    mail: Annotated[str | None, "your new mail address"] = None,
    clear: Annotated[str | None, "what to take out: mail, phone or title; several with commas"] = None,
) -> str:
    """Change your own contact data: telephone number, job title, mail address."""
    await ctx.directory.update_contact(ctx.actor.person, _wanted(phone, title, mail, clear))
    return "Your contact data is updated."


@update.preview
async def _(
    ctx: ReadContext,
    phone: str | None = None,
    title: str | None = None,
    mail: str | None = None,
    clear: str | None = None,
) -> Preview:
    wanted = _wanted(phone, title, mail, clear)
    if not wanted:
        raise InvalidArgument("Nothing to change was given.", hint="Add --phone, --title, --mail or --clear.")
    me = await ctx.directory.person(ctx.actor.login)
    was = {name: getattr(me, name) for name, value in wanted.items() if getattr(me, name) != value}
    changes = tuple(
        Change("directory", me.login, name, old or _NOT_SET, wanted[name] or _NOT_SET)
        for name, old in was.items()
    )
    summary = "Change your contact data." if changes else "Your contact data is as you want it already."
    return Preview(summary, changes, state=was)


@update.verify
async def _(
    ctx: ReadContext,
    phone: str | None = None,
    title: str | None = None,
    mail: str | None = None,
    clear: str | None = None,
) -> list[Observation]:
    me = await ctx.directory.person(ctx.actor.login)
    promised = {change.what for change in ctx.before.changes} if ctx.before and ctx.before.changes else None
    return [
        Observation("directory", me.login, name, value or _NOT_SET, getattr(me, name) or _NOT_SET)
        for name, value in _wanted(phone, title, mail, clear).items()
        if promised is None or name in promised
    ]


@update.undo
async def _(
    ctx: ReadContext,
    phone: str | None = None,
    title: str | None = None,
    mail: str | None = None,
    clear: str | None = None,
) -> Opposite:
    was = ctx.before.state if ctx.before else {}
    old: dict[str, str] = {name: was[name] for name in _FIELDS if was.get(name)}
    gone = ",".join(name for name in _FIELDS if was.get(name) == "")
    return Opposite("people.update", {**old, "clear": gone} if gone else old)


def _wanted(phone: str | None, title: str | None, mail: str | None, clear: str | None) -> dict[Any, str]:
    """Field → its new value; "" takes it out."""
    values = {"mail": mail, "phone": phone, "title": title}
    if mail is not None and ("@" not in mail or " " in mail):
        raise InvalidArgument(f"{mail!r} is not a mail address.", hint="Write it as name@company.example.")
    wanted = {name: value.strip() for name, value in values.items() if value is not None}
    for name in (part.strip() for part in (clear or "").split(",") if part.strip()):
        if name not in _FIELDS or name in wanted:
            raise InvalidArgument(
                f"{name!r} cannot be taken out here.", hint=f"--clear takes: {', '.join(_FIELDS)}, each once."
            )
        wanted[name] = ""
    return wanted


def _contact(me: Person) -> list[str]:
    """What the directory holds of one's contact data, in a sentence, and what it does not."""
    has = [f"{name} {getattr(me, name)}" for name in _FIELDS if getattr(me, name)]
    lacks = [name for name in _FIELDS if not getattr(me, name)]
    told = [f"The directory has your {', '.join(has)}."] if has else []
    return [*told, f"Not set: {', '.join(lacks)}."] if lacks else told


def _data(person: Person) -> dict[str, str]:
    return {
        "login": person.login,
        "name": person.name,
        "mail": person.mail,
        "phone": person.phone,
        "title": person.title,
        "employee_number": person.employee_number,
    }


def _itself(person: Person) -> Observation:
    return Observation("directory", person.login, "name", person.name, person.name)
