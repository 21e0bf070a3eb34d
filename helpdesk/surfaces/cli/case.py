"""``case``: what you are working on, to be gone on with anywhere, closed, or kept as a file."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from helpdesk.surfaces.cli.commands import group
from helpdesk.surfaces.cli.invocation import Invocation, current

if TYPE_CHECKING:
    from helpdesk.app.casework import Asked
    from helpdesk.conversation.case import Case

app = group("What you are working on: every conversation is a case, and goes on in any other window.")
Id = Annotated[str, typer.Argument(help="The case's id, such as c-7KQ2.", show_default=False, metavar="CASE")]


class Form(StrEnum):
    MARKDOWN = "markdown"
    JSON = "json"


@app.command("list")
def list_(
    all: Annotated[bool, typer.Option("--all", help="Also those that were closed or handed off.")] = False,
) -> int:
    """List your open cases, the one that changed last first.

    Examples:

    helpdesk case list

    helpdesk case list --all --json
    """
    from helpdesk.conversation.case_document import CASES, summary
    from helpdesk.surfaces.case_lines import list_lines

    run = current()

    async def work() -> list[Case]:
        return await run.desk.casework.mine(await run.signed_in(), all=all)

    found = run.run(work())
    document = {"schema": CASES, "cases": [summary(case) for case in found]}
    lines = list_lines(found, run.look)
    if found and not run.look.plain:
        lines += ["", f"Go on with one: helpdesk chat --resume {found[0].id}"]
    return run.answer(document, lines or ["" if run.look.plain else "You have no open case."])


@app.command()
def show(id: Id) -> int:
    """Show one of your cases: what was said, what was done with its log entries, and what waits.

    Example:

    helpdesk case show c-7KQ2
    """
    from helpdesk.conversation.case_document import document
    from helpdesk.surfaces.case_lines import case_lines

    run = current()
    case, asked = run.run(_one(run, id))
    lines = case_lines(case, asked, run.look)
    if not run.look.plain:
        lines += ["", f'Go on: helpdesk chat --resume {case.id} · helpdesk ask --case {case.id} "…"']
    return run.answer(document(case, asked), lines)


@app.command()
def close(id: Id) -> int:
    """Close a case. Resolved is only what its receipts show; given up is not resolved, and is said so.

    Example:

    helpdesk case close c-7KQ2

    A sentence in it opens it again.
    """
    from helpdesk.conversation.case import Resolution
    from helpdesk.conversation.case_document import document

    run = current()
    run.changes_at_once("case close")

    async def work() -> tuple[Case, list[Asked], Resolution]:
        closed, resolution = await run.desk.casework.close(id, await run.signed_in())
        return closed, await run.desk.casework.asked(closed), resolution

    case, asked, resolution = run.run(work())
    told = {
        Resolution.RESOLVED: "resolved: the last receipt shows it.",
        Resolution.ANSWERED: "answered: only questions were asked.",
        Resolution.ABANDONED: "abandoned: no receipt shows that what you wanted was done, so it does not count as resolved.",
    }
    waits = [
        f"Request {one.id} still waits: helpdesk approvals withdraw {one.id}" for one in asked if one.open
    ]
    return run.answer(document(case, asked), [f"Case {case.id} is closed, {told[resolution]}", *waits])


@app.command()
def rewind(
    id: Id,
    turn: Annotated[int, typer.Argument(min=0, help="The last turn that stays; 0 for none.", metavar="TURN")],
) -> int:
    """Go back to the end of an earlier turn. What was really done since stays done, and stays in view.

    Example:

    helpdesk case rewind c-7KQ2 2
    """
    from helpdesk.conversation.case_document import document
    from helpdesk.surfaces.case_lines import done_after_lines

    run = current()
    run.changes_at_once("case rewind")

    async def work() -> tuple[Case, list[Asked]]:
        case = await run.desk.casework.rewind(id, turn, await run.signed_in())
        return case, await run.desk.casework.asked(case)

    case, asked = run.run(work())
    lines = [f"Case {case.id} is back at the end of turn {turn}.", *done_after_lines(case, run.look)]
    return run.answer(document(case, asked), lines)


@app.command()
def export(
    id: Id,
    file: Annotated[
        str, typer.Argument(help="The file to make; - is standard output.", metavar="FILE")
    ] = "-",
    form: Annotated[Form, typer.Option("--format", help="To read, or for a program.")] = Form.MARKDOWN,
) -> int:
    """Copy a case into a file of its own, to read or for a program.

    Examples:

    helpdesk case export c-7KQ2

    helpdesk case export c-7KQ2 case.json --format json

    The copy holds what was said; passwords were never in it.
    """
    from pathlib import Path

    from helpdesk.conversation.case_document import document, markdown
    from helpdesk.platform import create_private
    from helpdesk.surfaces.json_output import as_json
    from helpdesk.surfaces.look import clean

    run = current()
    case, asked = run.run(_one(run, id))
    whole = document(case, asked)
    if file == "-":
        if form is Form.JSON or run.flags.json:
            run.document(whole)
        else:
            run.lines(markdown(case, asked).splitlines())
        return 0
    text = as_json(whole) + "\n" if form is Form.JSON else markdown(case, asked)
    create_private(Path(file), text.encode())
    told = {"schema": "helpdesk.case-export/1", "case": case.id, "file": file, "format": form.value}
    return run.answer(told, [f"Case {case.id} is in {clean(file)}."])


async def _one(run: Invocation, id: str) -> tuple[Case, list[Asked]]:
    """A case of whoever is signed in. Raises NotFound."""
    case = await run.desk.casework.get(id, await run.signed_in())
    return case, await run.desk.casework.asked(case)
