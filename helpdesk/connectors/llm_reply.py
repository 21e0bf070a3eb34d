"""Reading one reply of a model server within caps on bytes and time (L7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.connectors.llm_stream import EventDecoder, ReplyAssembler
from helpdesk.ports import Ended, TextPiece

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one reply (L7). Times in seconds.

    Attributes:
        first_byte: from the request to the first event; local models think for a while.
        idle: between two events; comments that only keep a connection open do not count.
        total: the whole reply, retries included.
        retries: after a busy or failing server, and only while nothing was received.
        backoff: the first pause between retries; it doubles.
        longest_pause: how much of a server's Retry-After is honoured.
        bytes: of the reply's body.
        tokens: asked of the server as ``max_tokens``.
    """

    connect: float = 10.0
    first_byte: float = 60.0
    idle: float = 30.0
    total: float = 180.0
    retries: int = 3
    backoff: float = 0.5
    longest_pause: float = 20.0
    bytes: int = 4_000_000
    tokens: int = 2_000


def now() -> float:
    """Seconds on the running loop's own clock."""
    return asyncio.get_running_loop().time()


class Reply:
    """Reads one body within its caps."""

    def __init__(self, limits: Limits, deadline: float) -> None:
        self._limits = limits
        self._deadline = deadline
        self._events = EventDecoder()
        self._reply = ReplyAssembler()
        self._received = 0

    async def read(self, response: httpx.Response) -> AsyncIterator[TextPiece | Ended]:
        if "json" in response.headers.get("content-type", ""):
            for piece in await self._whole(response):
                yield piece
        else:
            async for piece in self._streamed(response):
                yield piece
        yield self._reply.end(damaged=self._events.damaged)

    async def _streamed(self, response: httpx.Response) -> AsyncIterator[TextPiece]:
        wait = self._limits.first_byte
        until = now() + wait
        body = response.aiter_raw()
        while not self._reply.done:
            chunk = await self._next(body, until)
            if chunk is None:
                break
            events = self._events.feed(chunk)
            if events:
                until = now() + self._limits.idle
            for event in events:
                for piece in self._reply.chunk(event):
                    yield piece
        else:
            return
        for event in self._events.end():
            for piece in self._reply.chunk(event):
                yield piece

    async def _next(self, body: AsyncIterator[bytes], until: float) -> bytes | None:
        """The next bytes; ``None`` when the body ended, broke off, stalled or passed its cap."""
        import httpx

        try:
            async with asyncio.timeout_at(min(until, self._deadline)):
                chunk = await anext(body)
        except StopAsyncIteration:
            return None
        except (TimeoutError, httpx.HTTPError, httpx.StreamError):
            self._reply.damaged = True
            return None
        self._received += len(chunk)
        if self._received > self._limits.bytes:
            self._reply.damaged = True
            self._reply.reason = ""
            return None
        return chunk

    async def _whole(self, response: httpx.Response) -> list[TextPiece]:
        """The reply of a server that does not stream."""
        body, received = response.aiter_raw(), bytearray()
        until = now() + self._limits.first_byte
        while (chunk := await self._next(body, until)) is not None:
            received += chunk
        if self._reply.damaged:
            return []
        try:
            document = json.loads(received)
        except (ValueError, RecursionError):
            self._reply.damaged = True
            return []
        return self._reply.document(document, streamed=False)
