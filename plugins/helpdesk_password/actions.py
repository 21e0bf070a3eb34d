"""The four password actions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from helpdesk.plugin import (
    AccountStatus,
    Answer,
    Context,
    Login,
    Observation,
    PasswordRules,
    Person,
    Plugin,
    Preview,
    ReadContext,
    Refused,
    Risk,
    Secret,
    local_time,
)
from helpdesk_password import states

plugin = Plugin("password", needs=("directory",))


# ── reset ─────────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.HIGH,
    reveals=True,
    examples=(
        "reset the password of bo",
        "give bo a new password",
        "bo forgot their password",
        "set a temporary password for a colleague",
        "new starter cannot remember her password, please reset it",
    ),
    no_undo="nobody knows the password that was there before",
)
async def reset(ctx: Context, person: Annotated[Login, "who gets a new password"]) -> str:
    """Give someone a temporary password, which they must change at next sign-in.

    It also lifts a lock. The temporary password is shown once, to you: tell it to them in person.
    """
    user = await ctx.directory.person(person)
    password = ctx.new_password()
    ctx.reveal_once(password, f"Temporary password for {user.name} ({user.login})")
    await ctx.directory.set_password(user, password, must_change=True)
    return f"{user.name} has a temporary password and must choose a new one at next sign-in."


@reset.preview
async def _(ctx: ReadContext, person: Login) -> Preview:
    user = await ctx.directory.person(person)
    status = await ctx.directory.status(user)
    changes = [
        states.change(user, states.PASSWORD, states.age(status), states.NEW),
        states.change(user, states.MUST_CHANGE, states.yes_no(status.must_change), "yes"),
    ]
    if status.locked:
        changes.append(states.change(user, states.LOCK, states.lock(status, ctx.now()), "not locked"))
    return Preview(
        f"Give {user.name} ({user.login}) a temporary password.",
        tuple(changes),
        warnings=("Their present password stops working at once.",),
        state={
            "password_changed": states.remembered(status),
            "locked": "" if status.locked is None else str(status.locked),
        },
    )


@reset.verify
async def _(ctx: ReadContext, person: Login) -> list[Observation]:
    user = await ctx.directory.person(person)
    status = await ctx.directory.status(user)
    before = ctx.before.state if ctx.before else {}
    old = {change.what: change.before for change in ctx.before.changes} if ctx.before else {}
    is_set, must_change = await _proof(ctx, user, status, before.get("password_changed", ""))
    password = states.NEW if is_set else (old.get(states.PASSWORD, "") if is_set is False else states.UNTOLD)
    seen = [
        states.seen(user, states.PASSWORD, states.NEW, password),
        states.seen(user, states.MUST_CHANGE, "yes", states.yes_no(must_change)),
    ]
    if states.LOCK in old:
        seen.append(states.seen(user, states.LOCK, "not locked", states.lock(status, ctx.now())))
    return seen


async def _proof(
    ctx: ReadContext, user: Person, status: AccountStatus, before: str
) -> tuple[bool | None, bool | None]:
    """Whether the new password is in force, and whether it must be changed.

    With the password at hand one bind is the proof; after a crash the time of the last change is.
    """
    if ctx.new_secret is None:
        return states.changed_since(status, before, ctx.begun), status.must_change
    answer = await ctx.accepts(user, ctx.new_secret)
    if answer == "no":
        return False, status.must_change
    return True, status.must_change if status.must_change is not None else answer == "must-change"


# ── change ────────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.HIGH,
    about="self",
    while_must_change=True,
    examples=(
        "change my password",
        "I want a new password",
        "my password expires soon, let me pick another one",
        "update my own password",
    ),
    no_undo="a password is kept nowhere, so the old one cannot be put back",
)
async def change(ctx: Context, new_password: Annotated[Secret, "your new password"]) -> str:
    """Change your own password."""
    await ctx.directory.change_own_password(new_password)
    return "Your password is changed. Sign in with the new one from now on."


@change.preview
async def _(ctx: ReadContext, new_password: Secret) -> Preview:
    status = await _own_status(ctx)
    me = ctx.actor.person
    return Preview(
        "Change your own password.",
        (states.change(me, states.PASSWORD, states.age(status), states.OWN),),
        state={"password_changed": states.remembered(status)},
    )


@change.verify
async def _(ctx: ReadContext, new_password: Secret) -> list[Observation]:
    me = ctx.actor.person
    before = ctx.before.state.get("password_changed", "") if ctx.before else ""
    begun = ctx.begun if ctx.new_secret is None else ctx.now()
    is_set = states.changed_since(await _own_status(ctx), before, begun)
    if ctx.new_secret is not None:  # the old password opens the account too, where the new one is the same
        is_set = is_set is not False and await ctx.accepts(me, ctx.new_secret) == "yes"
    old = ctx.before.changes[0].before if ctx.before and ctx.before.changes else ""
    observed = states.OWN if is_set else (old if is_set is False else states.UNTOLD)
    return [states.seen(me, states.PASSWORD, states.OWN, observed)]


async def _own_status(ctx: ReadContext) -> AccountStatus:
    if ctx.actor.must_change:  # such a sign-in may not even read its own entry
        return AccountStatus(locked=None, must_change=True)
    return await ctx.directory.status(ctx.actor.person)


# ── unlock ────────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    risk=Risk.MEDIUM,
    examples=(
        "unlock bo",
        "bo is locked out, please lift the lock",
        "my colleague typed the password wrong too often",
        "lift the account lock of a colleague",
    ),
    no_undo="only the directory locks an account, after wrong passwords",
)
async def unlock(ctx: Context, person: Annotated[Login, "whose account is locked"]) -> str:
    """Lift the lock that too many wrong passwords put on an account."""
    user = await ctx.directory.person(person)
    await ctx.directory.unlock(user)
    return f"{user.name} can sign in again, with the same password as before."


@unlock.preview
async def _(ctx: ReadContext, person: Login) -> Preview:
    user = await ctx.directory.person(person)
    status = await ctx.directory.status(user)
    if status.enabled is False:
        raise Refused(
            f"{user.name}'s account is disabled, not locked.",
            hint=f"helpdesk do account.enable {user.login}",
            code="directory-rights",
        )
    if status.locked is False:
        return Preview(f"{user.name}'s account is not locked; nothing had to change.")
    return Preview(
        f"Lift the lock on {user.name}'s account ({user.login}).",
        (states.change(user, states.LOCK, states.lock(status, ctx.now()), "not locked"),),
    )


@unlock.verify
async def _(ctx: ReadContext, person: Login) -> list[Observation]:
    user = await ctx.directory.person(person)
    status = await ctx.directory.status(user)
    return [states.seen(user, states.LOCK, "not locked", states.lock(status, ctx.now()))]


# ── status ────────────────────────────────────────────────────────────────────────────────────


@plugin.action(
    reads=True,
    examples=(
        "why can I not sign in",
        "is my account locked",
        "when does my password expire",
        "what is wrong with bo's account",
        "is bo locked",
        "why is bo disabled",
        "password status",
    ),
)
async def status(
    ctx: ReadContext, person: Annotated[Login | None, "whose account; your own when left out"] = None
) -> Answer:
    """Say what state an account and its password are in, and what to do about it."""
    user = await ctx.directory.person(person or ctx.actor.login)
    state = await ctx.directory.status(user)
    rules = await ctx.directory.password_rules(user)
    own = user.id == ctx.actor.person.id
    seen = [
        states.seen(user, "account", word := _enabled(state), word),
        states.seen(user, states.LOCK, word := states.lock(state, ctx.now()), word),
    ]
    return Answer(_sentence(ctx, user, state, rules, own), _data(user, state, rules), tuple(seen))


def _enabled(state: AccountStatus) -> str:
    return {True: "enabled", False: "disabled", None: states.UNTOLD}[state.enabled]


def _sentence(ctx: ReadContext, user: Person, state: AccountStatus, rules: PasswordRules, own: bool) -> str:
    whose = "Your account" if own else f"{user.name}'s account"
    if state.enabled is False:
        return f"{whose} is disabled; the service desk can tell why and enable it again."
    if state.locked:
        until = f" until {local_time(state.locked_until, ctx.now())}" if state.locked_until else ""
        return f"{whose} is locked{until} after too many wrong passwords; the service desk can lift it."
    parts = [f"{whose} is {'not locked' if state.locked is False else 'enabled'}."]
    if state.password_changed:
        parts.append(f"The password was set {local_time(state.password_changed, ctx.now())}.")
    if state.password_expires:
        parts.append(f"It expires {local_time(state.password_expires, ctx.now())}.")
    if state.must_change:
        parts.append("A new one must be chosen at next sign-in.")
    if rules.min_length:
        parts.append(f"A new one needs at least {rules.min_length} characters.")
    return " ".join(parts)


def _data(user: Person, state: AccountStatus, rules: PasswordRules) -> dict[str, Any]:
    plain = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in asdict(state).items()
    }
    return {"login": user.login, "name": user.name, **plain, "rules": asdict(rules)}
