"""A language model behind any OpenAI-compatible chat completions endpoint, over httpx."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from helpdesk.connectors.llm_reply import Limits, Reply, now
from helpdesk.connectors.trust import Trust, verifying_context
from helpdesk.errors import ConfigError, Unreachable
from helpdesk.ports import Ended, Message, TextPiece
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    import httpx

_HINT = "Helpdesk works without a model; check [llm] url with: helpdesk doctor"
_BUSY = {408, 429, 500, 502, 503, 504, 529}


class _Busy(Exception):
    """The server may do better in a moment."""

    def __init__(self, why: str, pause: float | None = None) -> None:
        super().__init__(why)
        self.pause = pause


class ChatCompletions:
    """Implements :class:`helpdesk.ports.Model`.

    The key goes to the configured address and nowhere else: redirects are not followed, and proxies and
    certificate authorities come from the arguments, never from the environment (S9).

    Args:
        url: the API's address, such as ``https://llm.example.org/v1``; https, or http on loopback.
        model: the model's name as the server knows it.
        api_key: sent as a bearer token; ``None`` for servers that need none.
        proxy: the address of a proxy.
        ca_file, trust: see :func:`verifying_context`.

    Raises:
        ConfigError: the address is not one that words and keys may be sent to.
    """

    def __init__(
        self,
        url: str,
        model: str,
        api_key: Secret | None = None,
        *,
        limits: Limits | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        trust: Trust = "system",
    ) -> None:
        self._url = _endpoint(url)
        self._host = urlsplit(self._url).netloc
        self._model = model
        self._key = api_key
        self._limits = limits or Limits()
        self._proxy = proxy
        self._ca_file = ca_file
        self._trust: Trust = trust
        self._client: httpx.AsyncClient | None = None

    @property
    def name(self) -> str:
        return self._model

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> AsyncIterator[TextPiece | Ended]:
        """Stream one reply; exactly one ``Ended`` comes last.

        A reply that breaks off, stalls or passes a cap ends with ``Ended("cut")`` and no calls (L7, L8).

        Raises:
            Unreachable: no reply began, within the time-outs and retries.
        """
        deadline = now() + self._limits.total
        body = json.dumps(self._body(messages, tools)).encode()
        async with contextlib.AsyncExitStack() as stack:
            response = await self._opened(body, deadline, stack)
            reply = Reply(self._limits, deadline)
            async for piece in reply.read(response):
                yield piece

    def _body(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [_message(message) for message in messages],
            "stream": True,
            "temperature": 0,
            "max_tokens": self._limits.tokens,
        }
        if tools:
            body["tools"] = list(tools)
        return body

    # ── one request, retried while nothing was received ───────────────────────────────────────

    async def _opened(self, body: bytes, deadline: float, stack: contextlib.AsyncExitStack) -> httpx.Response:
        pause = self._limits.backoff
        for attempt in range(self._limits.retries + 1):
            try:
                return await self._attempt(body, deadline, stack)
            except _Busy as busy:
                wait = min(busy.pause if busy.pause is not None else pause, self._limits.longest_pause)
                wait += random.uniform(0, wait / 4)  # noqa: S311 - spreads retries, guards nothing
                if attempt == self._limits.retries or now() + wait >= deadline:
                    raise Unreachable(f"The model at {self._host} {busy}.", hint=_HINT) from busy
                await asyncio.sleep(wait)
                pause *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(
        self, body: bytes, deadline: float, stack: contextlib.AsyncExitStack
    ) -> httpx.Response:
        import httpx

        client = self._connected()
        request = client.build_request("POST", self._url, content=body, headers=self._headers())
        limit = min(deadline, now() + self._limits.connect + self._limits.first_byte)
        try:
            async with asyncio.timeout_at(limit):
                response = await client.send(request, stream=True, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if _is_certificate(error):
                raise Unreachable(
                    f"The certificate of the model server {self._host} is not trusted.",
                    hint="Set [network] ca_file to the authority that signed it.",
                ) from error
            raise _Busy("cannot be reached") from error
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise _Busy("broke the connection off") from error
        except TimeoutError:
            raise Unreachable(
                f"The model at {self._host} gave no answer within {self._limits.first_byte:.0f} seconds.",
                hint=_HINT,
            ) from None
        except httpx.HTTPError as error:
            raise Unreachable(f"The model at {self._host} cannot be used: {type(error).__name__}.") from error
        stack.push_async_callback(response.aclose)
        return self._accepted(response)

    def _accepted(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if status in _BUSY:
            raise _Busy(f"is busy or failing (HTTP {status})", _retry_after(response))
        if 300 <= status < 400:
            raise Unreachable(
                f"The model at {self._host} redirects elsewhere, which is never followed.",
                hint="Set [llm] url to the address itself.",
            )
        if status in (401, 403):
            raise Unreachable(
                f"The model at {self._host} does not accept the key (HTTP {status}).",
                hint="Look at [llm] api_key.",
            )
        if status != 200:
            raise Unreachable(f"The model at {self._host} answered HTTP {status}.", hint=_HINT)
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise Unreachable(f"The model at {self._host} sent a compressed reply that was not asked for.")
        return response

    def _headers(self) -> dict[str, str]:
        headers = {
            "accept": "text/event-stream, application/json",
            "accept-encoding": "identity",
            "content-type": "application/json",
        }
        if self._key:
            headers["authorization"] = f"Bearer {self._key.expose()}"
        return headers

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(
                verify=self._context(),
                trust_env=False,
                follow_redirects=False,
                proxy=None if _is_loopback(urlsplit(self._url).hostname or "") else self._proxy,
                timeout=httpx.Timeout(None, connect=self._limits.connect),
            )
        return self._client

    def _context(self) -> ssl.SSLContext:
        if self._url.startswith("https:"):
            return verifying_context(self._trust, self._ca_file)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # plain loopback: it would believe nobody


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.role == "tool":
        wire["tool_call_id"] = message.call_id
    return wire


def _endpoint(url: str) -> str:
    """The address to post to. Raises ConfigError for one that words must not be sent to."""
    hint = "Set [llm] url, for example to https://llm.example.org/v1 or http://127.0.0.1:8080/v1."
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise ConfigError(f"{url!r} is not an address.", hint=hint) from None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ConfigError(f"{url!r} is not the address of a model server.", hint=hint)
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            "The address of a model server holds no name or password.", hint="Use [llm] api_key."
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(f"{host} is another machine, so its address must begin with https.", hint=hint)
    path = url.rstrip("/")
    return path if path.endswith("/chat/completions") else path + "/chat/completions"


def _is_loopback(host: str) -> bool:
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds the server asks to wait for (RFC 9110, section 10.2.3)."""
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value[:6])
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return max((when.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)


def _is_certificate(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)
