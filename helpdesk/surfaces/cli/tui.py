"""``tui``: the full-screen app; ``helpdesk`` alone at a terminal is the same."""

from __future__ import annotations

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.invocation import current


def tui() -> int:
    """Open the full-screen app.

    Examples:

    helpdesk

    helpdesk tui --profile demo

    F2 to F7 change the pane, ? shows the keys, Ctrl+P finds everything, q leaves. Nothing changes before
    you have seen and confirmed it.
    """
    run = current()
    if not run.look.moves or not run.terminal.interactive:
        raise UsageError(
            "The full-screen app needs a terminal, and there is none here.",
            hint='Use helpdesk chat --linear, or helpdesk ask "…" in scripts.',
        )
    if run.flags.json or run.flags.yes or run.flags.yes_for:
        raise UsageError("--json, --yes and --yes-for do not go with the app.", hint="Use helpdesk do.")
    from helpdesk.surfaces.tui.app import HelpdeskApp
    from helpdesk.surfaces.tui.start import run_app
    from helpdesk.surfaces.tui.themes import CONFIGURED

    run.terminal.close()
    welcome = (
        _demo_people() if run.flags.profile == "demo" and (run.paths.state / "demo.json").exists() else ()
    )
    ui, color = run.desk.config.ui, run.look.color
    theme = CONFIGURED[ui.theme]
    app = HelpdeskApp(run.desk, theme=theme, color=color, animation=ui.animation, welcome=welcome)
    code = run_app(app)
    if app.case_left and not run.flags.quiet:
        run.lines([f"Your case is {app.case_left}. To go on with it: helpdesk chat --resume {app.case_left}"])
    return code


def _demo_people() -> tuple[str, ...]:
    """Whom a visitor of the demo can be; these passwords are public."""
    from helpdesk.demo.company import EMPLOYEES

    width = max(len(one.login) for one in EMPLOYEES)
    people = (f"{one.login:<{width}}  {one.words:<26} {one.part}" for one in EMPLOYEES)
    return ("This is the demo. Be anybody: Ctrl+L signs in, as somebody else too.", *people)
