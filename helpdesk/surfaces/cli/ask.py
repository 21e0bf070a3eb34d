"""``ask``: one sentence, answered or carried out."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.invocation import current
from helpdesk.text import whole


def ask(
    words: Annotated[
        list[str] | None, typer.Argument(help="What you need; - reads it from standard input.")
    ] = None,
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on with your open case that changed last.")
    ] = False,
    case: Annotated[
        str, typer.Option("--case", help="Go on with this case of yours.", metavar="CASE", show_default=False)
    ] = "",
) -> int:
    """Ask for something in your own words.

    Examples:

    helpdesk ask "get me into finance-share for the quarter close"

    helpdesk ask "how long may I keep customer data?"

    helpdesk ask "I'm locked out"

    helpdesk ask --continue "no, I meant design-share"

    helpdesk ask --case c-7KQ2 "is it done?"

    It finds the action, asks for what is missing, shows what will change, and does it once you confirm.
    In scripts, --yes-for ACTION confirms that action and no other. Every sentence begins a case; --continue and
    --case go on with one, and without words they ask for what it still needs.
    """
    from helpdesk.events import Result

    run = current()
    if run.flags.yes:
        raise UsageError(
            "--yes confirms an action named on the command line, and a sentence names none.",
            hint="Use --yes-for ACTION, for example --yes-for access.request.",
        )
    for action in run.flags.yes_for:
        run.desk.catalog.spec(action)  # a name that is none would confirm nothing, in silence
    if go_on and case:
        raise UsageError("--continue and --case exclude each other.", hint="--continue is the latest one.")
    sentence = whole(" ".join(words or ()))
    if sentence == "-":
        if sys.stdin.isatty():
            raise UsageError("ask - reads a pipe or a file, and standard input is a terminal.")
        if run.flags.yes_for:
            raise UsageError(
                "--yes-for does not go with a sentence that is read: it could be anybody's words.",
                hint='Give the sentence on the command line: helpdesk ask "…" --yes-for ACTION.',
            )
        password = run.password()  # the first line, where --password-stdin says so
        sentence = sys.stdin.buffer.read(100_000).decode("utf-8", "replace").strip()
    else:
        password = run.password()

    async def work() -> Result:
        desk, dry_run = run.desk, run.flags.dry_run
        if not (go_on or case):
            conversation = desk.conversation(run.flags.login, password)
        else:
            signed_in = await desk.signed_in(run.terminal, login=run.flags.login, password=password)
            casework = desk.casework
            found = await (casework.get(case, signed_in) if case else casework.latest(signed_in))
            conversation = desk.conversation(run.flags.login, case=found)
        try:
            if sentence or not (go_on or case):
                return await conversation.turn(sentence, run.terminal, dry_run=dry_run)
            result = await conversation.go_on(run.terminal, dry_run=dry_run)
        finally:
            desk.words.cases([conversation.case_id] if conversation.case_id else [])
        if result is None:
            raise UsageError(
                f"Nothing is being asked in case {conversation.case_id}.",
                hint='Say what you need: helpdesk ask --continue "…"',
            )
        return result

    return run.perform(work)
