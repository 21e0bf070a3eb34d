"""``doctor``: what works here, what does not, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpdesk.surfaces.cli.invocation import Invocation, current

if TYPE_CHECKING:
    from helpdesk.app.checkup import Check
    from helpdesk.surfaces.look import Look

SCHEMA = "helpdesk.doctor/1"
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


def doctor() -> int:
    """Check the configuration, the directory, the keyring, the model, the log and the plugins.

    Nothing is changed. With --as LOGIN --password-stdin the groups of the roles are looked up with that
    person's rights. Exit code 1 when something is a problem.
    """
    from dataclasses import asdict

    run = current()
    run.changes_at_once("doctor")
    checks = run.run(_examine(run))
    problems = [check for check in checks if check.state == "problem"]
    document = {
        "schema": SCHEMA,
        "ok": not problems,
        "checks": [{**asdict(check), "facts": dict(check.facts)} for check in checks],
    }
    return run.answer(document, _lines(checks, run.look), code=1 if problems else 0)


async def _examine(run: Invocation) -> list[Check]:
    from helpdesk.app import Desk
    from helpdesk.app.checkup import Check, examined, local_checks, state_folder
    from helpdesk.app.checkup_systems import system_checks
    from helpdesk.errors import HelpdeskError
    from helpdesk.events import Progress

    found = await examined("state", lambda: state_folder(run.paths))
    try:
        desk = Desk.open(profile=run.flags.profile, environ=run.environ)
    except HelpdeskError as error:
        hint = error.hint or "Correct the file; the other checks need it."
        return [Check("config", "problem", error.message, hint, {"code": error.code}), *found]
    run.terminal.emit(Progress("doctor", "Looking at the log, the directory, the keyring and the model"))
    try:
        found += await local_checks(desk)
        signed_in = None
        if run.flags.login:
            try:
                signed_in = await desk.signed_in(run.terminal, login=run.flags.login, password=run.password())
            except HelpdeskError as error:
                found.append(Check("sign-in", "problem", error.message, error.hint, {"code": error.code}))
        return found + await system_checks(desk, signed_in)
    finally:
        desk.close()


def _lines(checks: Sequence[Check], look: Look) -> list[str]:
    from helpdesk.surfaces.columns import pad, table, wrap
    from helpdesk.surfaces.look import clean

    if look.plain:
        return table(
            ("check", "state", "found", "what to do"),
            [(c.name, c.state, c.message, c.hint) for c in checks],
            look,
        )
    width = max(len(check.name) for check in checks) + 1
    indent = " " * (width + 3)
    lines: list[str] = []
    for check in checks:
        mark, style = _MARKS[check.state]
        first, *more = wrap(clean(check.message), max(look.width - width - 3, 20))
        lines.append(f"{look.paint(mark, style)} {pad(clean(check.name), width)} {first}")
        lines += [indent + line for line in more]
        if check.hint and check.state != "ok":
            lines += [
                indent + line for line in wrap(f"→ {clean(check.hint)}", max(look.width - width - 3, 20))
            ]
    counts = {state: sum(check.state == state for check in checks) for state in _MARKS}
    lines.append(f"{counts['ok']} ok, {counts['warning']} to look at, {counts['problem']} to repair.")
    return lines
