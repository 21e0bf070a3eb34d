"""``chat``: a conversation at the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.invocation import Invocation, current

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit import PromptSession

    from helpdesk.conversation.case import Case
    from helpdesk.surfaces.chat import Chat
    from helpdesk.surfaces.linear import LinearLine


def chat(
    resume: Annotated[
        str,
        typer.Option("--resume", help="Go on with this case of yours.", metavar="CASE", show_default=False),
    ] = "",
    go_on: Annotated[
        bool, typer.Option("--continue", help="Go on with your open case that changed last.")
    ] = False,
    linear: Annotated[
        bool,
        typer.Option("--linear", help="Plain labelled lines with numbered choices, for screen readers."),
    ] = False,
) -> int:
    """Talk to helpdesk, turn after turn.

    Examples:

    helpdesk chat

    helpdesk chat --resume c-7KQ2

    helpdesk chat --dry-run

    helpdesk chat --linear

    Enter sends, Alt+Enter begins another line, Tab completes, Ctrl-D leaves, /help tells more. Nothing changes
    before you have seen and confirmed it.
    """
    run = current()
    if resume and go_on:
        raise UsageError("--resume and --continue exclude each other.", hint="--continue is the latest one.")
    if sys.stdin.isatty():
        run.go_linear(linear)
    if not run.terminal.interactive:
        raise UsageError(
            "A chat needs a terminal, and there is none here.", hint='Use helpdesk ask "…" in scripts.'
        )
    if run.flags.json or run.flags.yes or run.flags.yes_for:
        raise UsageError("--json, --yes and --yes-for do not go with a chat.", hint="Use helpdesk ask.")

    async def work() -> None:
        import asyncio

        from helpdesk.app.outside import keep_informed
        from helpdesk.surfaces.chat import Chat

        desk = run.desk

        if run.flags.login or resume or go_on:
            await run.signed_in()
        else:
            await desk.current(run.terminal)
        case = await _case(run, resume) if resume or go_on else None
        talk: Chat = Chat(
            desk,
            run.terminal,
            _line(run, lambda: talk),
            lambda result: _ignored(run.finish(result)),
            write=run.lines,
            look=run.look,
            dry_run=run.flags.dry_run,
        )
        outside = asyncio.ensure_future(keep_informed(desk))
        try:
            await talk.run(case)
        finally:
            outside.cancel()

    run.run(work())
    return 0


async def _case(run: Invocation, id: str) -> Case:
    signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login)
    return await (run.desk.casework.get(id, signed_in) if id else run.desk.casework.latest(signed_in))


def _line(run: Invocation, chat: Callable[[], Chat]) -> PromptSession[str] | LinearLine:
    """The line to type in: what completes it, what stands below it, and what its history keeps."""
    if run.linear and run.terminal.tty is not None:
        from helpdesk.surfaces.linear import LinearLine

        return LinearLine(run.terminal.tty)
    from prompt_toolkit.output.defaults import create_output

    from helpdesk.surfaces.chat_commands import AFTER, COMMANDS
    from helpdesk.surfaces.chat_complete import Slash
    from helpdesk.surfaces.chat_line import Names, line_session
    from helpdesk.surfaces.output import stdout
    from helpdesk.surfaces.slash import to_keep

    desk = run.desk
    specs = desk.catalog.specs

    def keeps() -> bool:
        who = desk.present
        return who is None or not who.actor.must_change

    slash = Slash(COMMANDS, specs, lambda name: desk.words.read(name)[1], AFTER)
    return line_session(
        run.paths.state / "chat-history",
        Names(specs, COMMANDS.items(), lambda: desk.present, slash),
        lambda: status_line(run, chat()),
        keeps=keeps,
        cleaned=lambda line: to_keep(line, specs),
        screen=create_output(stdout()),
    )


def status_line(run: Invocation, chat: Chat) -> str:
    """The line below: who, in which directory, what answers, and which case."""
    desk, conversation = run.desk, chat.conversation
    who = desk.present
    settings = desk.config.directory
    model = desk.model if conversation.uses_model else None
    parts = [
        who.actor.login if who else "not signed in: /login",
        f"profile {run.flags.profile}" if run.flags.profile else "",
        "" if settings.kind == "embedded" else urlsplit(settings.url).hostname or "no directory",
        f"model {model.name}" if model else "no model",
        f"case {conversation.case_id}" if conversation.case_id else "",
        "/help",
    ]
    return " " + " · ".join(part for part in parts if part)


def _ignored(_: int) -> None:
    """A chat has one exit code, whatever its turns end with."""
