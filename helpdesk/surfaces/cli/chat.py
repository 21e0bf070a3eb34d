"""``chat``: a conversation at the terminal."""

from __future__ import annotations

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.invocation import current


def chat() -> int:
    """Talk to helpdesk, turn after turn.

    Examples:

    helpdesk chat

    helpdesk chat --dry-run

    Enter sends, Alt+Enter begins another line, Tab completes, Ctrl-D leaves. Nothing changes before you have
    seen and confirmed it.
    """
    run = current()
    if not run.terminal.interactive:
        raise UsageError(
            "A chat needs a terminal, and there is none here.", hint='Use helpdesk ask "…" in scripts.'
        )
    if run.flags.json or run.flags.yes or run.flags.yes_for:
        raise UsageError("--json, --yes and --yes-for do not go with a chat.", hint="Use helpdesk ask.")

    async def work() -> None:
        from prompt_toolkit.output.defaults import create_output

        from helpdesk.events import Result
        from helpdesk.surfaces.chat import COMMANDS, Chat
        from helpdesk.surfaces.chat_line import Names, line_session
        from helpdesk.surfaces.output import stdout

        desk = run.desk

        def toolbar() -> str:
            who = desk.present
            name = who.actor.login if who else "not signed in"
            backend = run.desk.model.name if run.desk.model else "guided"
            profile = f" · {run.flags.profile}" if run.flags.profile else ""
            return f" {name}{profile} · {backend} · /help"

        def show(result: Result) -> None:
            run.finish(result)

        if run.flags.login:
            await run.signed_in()
        else:
            await desk.current(run.terminal)
        names = Names(desk.catalog.specs, COMMANDS.items(), lambda: desk.present)

        def keeps() -> bool:
            who = desk.present
            return who is None or not who.actor.must_change

        screen = create_output(stdout())
        line = line_session(run.paths.state / "chat-history", names, toolbar, keeps=keeps, screen=screen)
        await Chat(desk, run.terminal, line, show, dry_run=run.flags.dry_run).run()

    run.run(work())
    return 0
