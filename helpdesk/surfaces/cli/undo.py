"""``undo``: take a done action back, by its entry in the log."""

from __future__ import annotations

from typing import Annotated

import typer

from helpdesk.surfaces.cli.invocation import current


def undo(
    entry: Annotated[
        int,
        typer.Argument(min=1, help="The entry that says it was done.", show_default=False, metavar="ENTRY"),
    ],
) -> int:
    """Take a done action back: you see the opposite change, confirm it, and it is read back and logged.

    Every right is asked again. It is refused when the action has no way back, was taken back already, or
    when somebody changed the same thing since. --dry-run shows what it would change.
    """
    from helpdesk.events import Result

    run = current()
    password = run.password()

    async def work() -> Result:
        signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login, password=password)
        run.notices(signed_in)
        return await run.desk.undo(
            entry, signed_in, run.terminal, dry_run=run.flags.dry_run, chosen=run.confirms
        )

    return run.perform(work)
