"""``do`` alone: the actions, what each needs, and which of them the person may run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from helpdesk.errors import HelpdeskError, NotSignedIn, Unreachable
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.cli.do import grouped, synopsis
from helpdesk.surfaces.cli.invocation import Invocation
from helpdesk.surfaces.columns import table
from helpdesk.surfaces.look import clean

_SIGNED_OUT = "Nobody is signed in, so these are all actions; helpdesk login shows the ones you may run."


def list_actions(run: Invocation, specs: Sequence[ActionSpec]) -> int:
    """Print the list; signed out it says so and lists everything."""
    known, note = run.run(_known(run, specs))
    shown = [(spec, allowed) for spec, allowed in known if allowed is not False]
    document = {
        "schema": "helpdesk.actions/1",
        "signed_in": not note,
        "note": note,
        "actions": [
            {
                "name": spec.name,
                "summary": spec.summary,
                "risk": spec.risk,
                "reads": spec.reads,
                "allowed": allowed,
                "parameters": [asdict(parameter) for parameter in spec.parameters],
            }
            for spec, allowed in known
        ],
    }
    return run.answer(document, _lines(run, [spec for spec, _ in shown], note))


async def _known(
    run: Invocation, specs: Sequence[ActionSpec]
) -> tuple[list[tuple[ActionSpec, bool | None]], str]:
    """Every action and whether the person may run it; ``None`` while nobody is signed in, with a note."""
    everything: list[tuple[ActionSpec, bool | None]] = [(spec, None) for spec in specs]
    try:
        if run.flags.login:
            signed_in = await run.signed_in()
        else:
            kept = await run.desk.current(run.terminal)
            if kept is None:
                return everything, _SIGNED_OUT
            signed_in = kept
        return list(await run.desk.may_run(signed_in)), ""
    except (NotSignedIn, Unreachable) as error:
        if run.flags.login:
            raise
        return everything, f"{error.message} These are all actions."
    except HelpdeskError as error:
        if run.flags.login or error.code != "config":
            raise
        return everything, f"{error.message} These are all actions."


def _lines(run: Invocation, specs: Sequence[ActionSpec], note: str) -> list[str]:
    if run.flags.plain:
        return table(("action", "does"), [(synopsis(spec), spec.summary) for spec in specs], run.look)
    lines: list[str] = []
    for plugin, members in grouped(specs).items():
        lines.append(run.look.paint(clean(plugin.capitalize()), "bold"))
        for spec in members:
            lines += [f"  {clean(synopsis(spec))}", f"      {clean(spec.summary)}"]
    lines.append("")
    if note:
        lines.append(note)
    lines.append("More about one of them: helpdesk do ACTION --help")
    return lines
