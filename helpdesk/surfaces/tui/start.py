"""Starts the app on a terminal, and ends it in good order whatever ends it (R6)."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from helpdesk.platform import ending_signals
from helpdesk.surfaces.loop import Interrupted, exit_code

if TYPE_CHECKING:
    from helpdesk.surfaces.tui.app import HelpdeskApp


def run_app(app: HelpdeskApp) -> int:
    """Run the app to its end; the exit code.

    Raises:
        Interrupted: a signal ended it. Exception: what crashed it.
    """
    code = asyncio.run(_run(app))
    if app.broken is not None:
        raise app.broken
    if code and code > 128:
        raise Interrupted(code)
    return code or 0


async def _run(app: HelpdeskApp) -> int | None:
    loop = asyncio.get_running_loop()
    asked: list[int] = []

    def leave(number: int) -> None:
        if asked:
            _restore(app)
            os._exit(exit_code(number))
        asked.append(number)
        app.leave(exit_code(number))

    for number in (signal.SIGINT, *ending_signals()):
        loop.add_signal_handler(number, leave, number)
    return await app.run_async()


def _restore(app: HelpdeskApp) -> None:
    driver = app._driver
    if driver is not None:
        driver.stop_application_mode()
