"""``log report``: the dashboard's figures as a page, a picture, or numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from helpdesk.surfaces.cli.invocation import current
from helpdesk.surfaces.cli.log_export import asked
from helpdesk.surfaces.cli.log_options import Actions, Actors, After, Before, Targets, chosen


def report(
    output: Annotated[
        str,
        typer.Option("--output", help="The new file: a page (.html) or a picture (.svg).", metavar="FILE"),
    ] = "",
    actor: Actors = None,
    action: Actions = None,
    target: Targets = None,
    after: After = "",
    before: Before = "",
) -> int:
    """Make a page or a picture of what became of what was asked for.

    Examples:

    helpdesk log report --output march.html --after 2026-03-01 --before 2026-04-01

    helpdesk log report --after 30d --json

    It shows what was closed (with a receipt; what was abandoned is not), what was refused and by which rule, how
    long it took, what was asked for most and not met, and every day. The file needs no network, only you can read
    it, and it never takes the place of another one. Whoever you give it to reads the names of groups in it.
    """
    from pathlib import Path

    from helpdesk.errors import UsageError
    from helpdesk.gate.audit_report import report as summed
    from helpdesk.surfaces.look import clean
    from helpdesk.surfaces.report_file import check_name, save_report
    from helpdesk.surfaces.report_words import closed, group_arguments

    run = current()
    if not output and not run.flags.json:
        raise UsageError(
            "Where the report goes is missing.", hint="Add --output report.html (or .svg), or --json."
        )
    if output:
        check_name(Path(output).expanduser())
    desk = run.desk
    wanted = chosen(desk.clock(), after=after, before=before, actors=actor, actions=action, targets=target)
    told = summed(asked(run, wanted), wanted.filter, group_arguments(desk.catalog.specs))
    file = str(save_report(output, told, desk.clock())) if output else None
    words = (
        f"{closed(told.whole)} closed of {told.whole.asked} asked."
        if told.whole.asked
        else "Nothing was asked."
    )
    return run.answer({**told.plain(), "file": file}, [f"{words} The report is in {clean(file)}."])
