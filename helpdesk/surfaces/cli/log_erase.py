"""``log erase``: a person's names leave the log."""

from __future__ import annotations

from typing import Annotated

import typer

from helpdesk.surfaces.cli.invocation import current
from helpdesk.surfaces.cli.log_progress import counting


def erase(
    person: Annotated[
        str, typer.Argument(help="Login or permanent id.", show_default=False, metavar="PERSON")
    ],
) -> int:
    """Erase a person's names and texts from the log, for good; what was done, and by which id, stays.

    Only auditors may ([roles] auditor), never for themselves. It is shown first, confirmed by typing the
    login, and logged. --dry-run shows what would go. The log stays whole. Their cases on this machine go too.
    """
    from helpdesk.actions.erase import ACTION
    from helpdesk.events import Outcome, Result, Warned

    run = current()
    run.confirms(ACTION)

    async def work() -> Result:
        signed_in = await run.signed_in()
        with counting(run, "Reading the log") as tell:
            result: Result = await run.desk.erasure(
                person, signed_in, run.terminal, dry_run=run.flags.dry_run, tell=tell
            )
        if result.outcome is Outcome.DONE:
            kept = run.desk.words.forget_people()  # the shell completes names from it
            if kept:
                run.terminal.emit(Warned(kept, "Delete it: it may hold the name."))
            if result.entry is not None:
                await run.desk.casework.erased(result.entry)
        return result

    return run.perform(work)
