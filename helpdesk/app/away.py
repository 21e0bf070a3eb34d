"""Which systems cannot be reached now: a connection is opened and closed again, and nothing is said over it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from helpdesk.config import Config

SECONDS = 4.0
"""How long a system may take to accept a connection."""
_PORTS = {"ldap": 389, "ldaps": 636, "http": 80, "https": 443}


async def away(config: Config) -> tuple[str, ...]:
    """What is away, a sentence each, with what goes on without it; nothing while everything answers."""
    places = list(_places(config))
    found = await asyncio.gather(*(_answers(host, port) for _, host, port in places))
    return tuple(sentence for (sentence, _, _), there in zip(places, found, strict=True) if not there)


def _places(config: Config) -> Iterator[tuple[str, str, int]]:
    directory, llm = config.directory, config.llm
    if directory.kind == "ldap" and (place := _place(directory.url)):
        host, port = place
        yield f"The directory {host} is away: policies, requests and the log still work.", host, port
    if llm.kind == "openai" and (place := _place(config.network.proxy_for(llm.url, os.environ) or llm.url)):
        host, port = place
        yield f"The model at {host} is away: the guided conversation answers.", host, port


def _place(url: str) -> tuple[str, int] | None:
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return (parts.hostname, port) if parts.hostname and port else None


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), SECONDS)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):  # it did answer; how it takes the end is nobody's business
        await writer.wait_closed()
    return True
