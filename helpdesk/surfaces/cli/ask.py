"""``ask``: one sentence, answered or carried out."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.invocation import current


def ask(
    words: Annotated[
        list[str] | None, typer.Argument(help="What you need; - reads it from standard input.")
    ] = None,
) -> int:
    """Ask for something in your own words.

    Examples:

    helpdesk ask "get me into finance-share for the quarter close"

    helpdesk ask "how long may I keep customer data?"

    helpdesk ask "I'm locked out"

    It finds the action, asks for what is missing, shows what will change, and does it once you confirm.
    In scripts, --yes-for ACTION confirms that action and no other.
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
    sentence = " ".join(words or ())
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
        conversation = run.desk.conversation(run.flags.login, password)
        return await conversation.turn(sentence, run.terminal, dry_run=run.flags.dry_run)

    return run.perform(work)
