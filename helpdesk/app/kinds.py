"""Who carries out which kind of run; each is made from the worker's bench when the worker opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpdesk.app.workbench import Workbench
    from helpdesk.engine import Handler


def request(bench: Workbench) -> Handler | None:
    """Approved requests."""
    from helpdesk.app.approving import handler

    return handler(bench)


def expiry(bench: Workbench) -> Handler | None:
    """The ends of what was given for a time."""
    from helpdesk.app.granting import expiry as made

    return made(bench)


def workflow(bench: Workbench) -> Handler | None:
    """Processes of several steps."""
    from helpdesk.workflows.interpreter import Interpreter

    return Interpreter(bench.parts.runner, bench.acting, bench.interaction)


def notice(bench: Workbench) -> Handler | None:
    """Mails and webhooks."""
    from helpdesk.app.noticing import handler

    return handler(bench)
