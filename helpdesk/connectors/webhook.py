"""Notices to a web server of the company's: JSON by POST, signed, so that it knows who says so.

The signature is an HMAC-SHA256 over the time and the body, in hexadecimal: ``Helpdesk-Signature: t=SECONDS,v1=…`` over
``SECONDS.BODY``. ``Helpdesk-Delivery`` is the same for the same notice, so that one that comes twice counts once.
Redirects are not followed and the environment's proxies are not used.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from helpdesk.errors import Failed, Unreachable
from helpdesk.ports import Clock
from helpdesk.secrets import Secret
from helpdesk.text import shorten, visible

CONNECT_SECONDS, WHOLE_SECONDS = 3.0, 10.0
_LONGEST_ANSWER = 4096


class Webhook:
    """One address.

    Args:
        key: what signs. context: gives the TLS context when it is needed.
    """

    def __init__(
        self, address: str, key: Secret, clock: Clock, context: Callable[[], ssl.SSLContext]
    ) -> None:
        self._address = address
        self._key = key
        self._clock = clock
        self._context = context

    @property
    def where(self) -> str:
        """The server; what follows its name may be a secret of its own."""
        parts = urlsplit(self._address)
        return f"{parts.scheme}://{parts.netloc}"

    def post(self, document: Mapping[str, Any], delivery: str) -> None:
        """Post one notice; any answer from 200 to 299 says that it was taken.

        Raises:
            Unreachable: no answer, or one that says to come again (``maybe_applied`` where it was sent).
            Failed: another answer, or a certificate that is not trusted. ConfigError: no authorities can be read.
        """
        import httpx

        body = json.dumps(document, ensure_ascii=False, sort_keys=True).encode()
        plain = self._address.startswith("http:")
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else self._context()
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "helpdesk",
            "helpdesk-delivery": delivery,
            "helpdesk-signature": self._signature(body),
        }
        try:
            with (
                httpx.Client(
                    verify=verify,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=httpx.Timeout(WHOLE_SECONDS, connect=CONNECT_SECONDS),
                ) as client,
                client.stream("POST", self._address, content=body, headers=headers) as answer,
            ):
                code, said = answer.status_code, _some(answer)
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Failed(
                    f"The certificate of {self.where} is not trusted.",
                    hint="Set [notices] ca_file to the authority that signed it.",
                    code="untrusted-certificate",
                ) from None
            raise self._silent("nobody answers there") from None
        except httpx.ConnectTimeout:
            raise self._silent("nobody answers there") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._silent(type(error).__name__, maybe_applied=True) from None
        self._judge(code, said)

    def check(self) -> str:
        """Reach the server, and post nothing; one sentence. Raises as :meth:`post` does."""
        import socket

        parts = urlsplit(self._address)
        port = parts.port or (80 if parts.scheme == "http" else 443)
        try:
            with socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS) as plain:
                if parts.scheme == "https":
                    plain.settimeout(CONNECT_SECONDS)
                    with self._context().wrap_socket(plain, server_hostname=parts.hostname):
                        return f"{self.where} answers, over TLS."
                return f"{self.where} answers, on this machine."
        except ssl.SSLCertVerificationError as error:
            raise Failed(
                f"The certificate of {self.where} is not trusted: {error.verify_message}.",
                hint="Set [notices] ca_file to the authority that signed it.",
                code="untrusted-certificate",
            ) from None
        except OSError as error:
            raise self._silent(error.strerror or "it gave no answer in time") from None

    def _judge(self, code: int, said: str) -> None:
        if 200 <= code < 300:
            return
        words = f"{code} {said}".strip()
        if code == 429 or code >= 500:
            raise Unreachable(f"{self.where} asks to try later: {words}.", hint="Look at that server.")
        if 300 <= code < 400:
            raise Failed(
                f"{self.where} sends the notice elsewhere ({code}), which is not followed.",
                hint="Set [notices] webhook to where it is now.",
            )
        raise Failed(f"{self.where} does not take the notice: {words}.", hint="Check [notices] webhook.")

    def _signature(self, body: bytes) -> str:
        now = str(int(self._clock().timestamp()))
        made = hmac.new(self._key.expose().encode(), now.encode() + b"." + body, hashlib.sha256)
        return f"t={now},v1={made.hexdigest()}"

    def _silent(self, why: str, *, maybe_applied: bool = False) -> Unreachable:
        return Unreachable(
            f"{self.where} gave no answer: {why}.",
            hint="Check [notices] webhook and that server.",
            maybe_applied=maybe_applied,
        )


def _some(answer: Any) -> str:
    """The beginning of what the server says, for a sentence of ours; the rest is not read."""
    read = b""
    for piece in answer.iter_bytes(1024):
        read += piece
        if len(read) >= _LONGEST_ANSWER:
            break
    return shorten(visible(read.decode("utf-8", "replace"), one_line=True), 120)
