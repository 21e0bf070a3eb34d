"""The places outside that get to know the log, from the configuration."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.config import Config
from helpdesk.ports import Clock

if TYPE_CHECKING:
    from helpdesk.gate.shipping import Shipping


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


def _context(config: Config) -> Callable[[], ssl.SSLContext]:
    def context() -> ssl.SSLContext:
        from helpdesk.connectors.trust import verifying_context

        return verifying_context(
            config.network.trust, config.log.ca_file or config.network.ca_file, section="log"
        )

    return context
