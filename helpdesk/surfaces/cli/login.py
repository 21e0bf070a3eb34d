"""``login``, ``logout`` and ``whoami``."""

from __future__ import annotations

from typing import Annotated

import typer

from helpdesk.surfaces.cli.invocation import current


def login(login: Annotated[str, typer.Argument(help="Your login name.", show_default=False)] = "") -> int:
    """Sign in, and stay signed in for the length of a session.

    The password is asked for, or comes with --as LOGIN --password-stdin. It is kept in the operating
    system's keyring until the session ends; without a keyring it is kept nowhere and asked each time.
    """
    from helpdesk.events import Observation, Outcome, Result

    run = current()
    run.changes_at_once("login")

    async def work() -> Result:
        signed_in = await run.desk.login(run.terminal, run.flags.login or login, run.password())
        run.notices(signed_in)
        me, where = signed_in.actor.person, run.desk.directory.facts().where
        kept = run.desk.sessions.load() is not None
        message = f"You are signed in as {me.name} ({me.login})."
        if signed_in.actor.must_change:
            message += " Choose a new password first: helpdesk do password.change"
        seen = Observation("directory", me.login, "sign-in", "accepted", "accepted")
        data = {"login": me.login, "name": me.name, "directory": where, "kept": kept}
        return Result(Outcome.DONE, "login", message, {"login": me.login}, receipt=(seen,), data=data)

    return run.perform(work)


def logout() -> int:
    """Forget the session, and the password kept for it."""
    from helpdesk.events import Outcome, Result

    run = current()
    run.changes_at_once("logout")

    async def work() -> Result:
        had = await run.desk.logout()
        message = "You are signed out." if had else "Nobody was signed in."
        return Result(Outcome.DONE, "logout", message, data={"was_signed_in": had})

    return run.perform(work)


def whoami() -> int:
    """Say who is signed in, with their roles and groups."""
    from helpdesk.events import Result

    run = current()

    async def work() -> Result:
        from helpdesk.actions.call import Call

        signed_in = await run.signed_in()
        return await run.desk.run(Call("people.whoami"), signed_in, run.terminal)

    return run.perform(work)
