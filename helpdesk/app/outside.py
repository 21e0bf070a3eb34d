"""The places outside that get to know the log, from the configuration."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.config import Config
from helpdesk.errors import LogUnavailable
from helpdesk.ports import Clock

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.gate.shipping import Shipping

EVERY = 15.0
"""Seconds between two looks at what must go outside: with the wait after a failure, less than a minute."""


def shipping_of(config: Config, folder: Path, clock: Clock) -> Shipping:
    """What sends the log of a folder where ``[log]`` says; false where it says nowhere."""
    from helpdesk.gate.shipping import Shipping

    settings = config.log
    if not settings.checkpoints and not settings.stream:
        return Shipping(folder, clock, ())
    from helpdesk.connectors.checkpoint_sinks import checkpoint_sink, entry_sink

    context = _context(config)
    return Shipping(
        folder,
        clock,
        [
            checkpoint_sink(address, context, config.network.proxy_for(address, os.environ))
            for address in settings.checkpoints
        ],
        entry_sink(settings.stream, context) if settings.stream else None,
        personal=settings.stream_personal,
    )


async def keep_informed(desk: Parts, every: float = EVERY) -> None:
    """While a program stays open: what it logs is signed and sent outside in time, though nothing happens.

    Runs until it is cancelled, or ends at once where nothing is sent anywhere. Files and network are used in other
    threads. What is wrong with a place is kept for ``log verify``.

    Args:
        every: seconds between two looks.
    """
    shipping = desk.shipping
    if not shipping:
        return
    while True:
        if "audit" in desk.__dict__:  # else this process has logged nothing
            with suppress(LogUnavailable):  # whoever adds the next entry is told why
                await asyncio.to_thread(desk.audit.sign_due)
        shipping.again()
        await asyncio.sleep(every)


def _context(config: Config) -> Callable[[], ssl.SSLContext]:
    def context() -> ssl.SSLContext:
        from helpdesk.connectors.trust import verifying_context

        return verifying_context(
            config.network.trust, config.log.ca_file or config.network.ca_file, section="log"
        )

    return context
