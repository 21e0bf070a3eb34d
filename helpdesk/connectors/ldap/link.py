"""A connection bound as someone, that comes back by itself when the server has dropped it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from typing import TypeVar

from helpdesk.connectors.ldap.client import Client
from helpdesk.connectors.ldap.deadline import budget
from helpdesk.connectors.ldap.messages import Answer
from helpdesk.connectors.ldap.settings import LdapSettings
from helpdesk.connectors.ldap.wire import BrokenWire, connect
from helpdesk.connectors.trust import verifying_context
from helpdesk.errors import BadCredentials, ConfigError, HelpdeskError, NotSignedIn, Unreachable
from helpdesk.secrets import Secret

T = TypeVar("T")


class Dialer:
    """Opens verified connections to the configured server."""

    def __init__(self, settings: LdapSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None

    @property
    def total(self) -> float:
        """Seconds that one call of ours may take."""
        return self._settings.timeouts.total

    def client(self) -> Client:
        """Raises Unreachable, ConfigError."""
        settings = self._settings
        if self._context is None:
            self._context = verifying_context(settings.trust, settings.ca_file, section="directory")
        return Client(connect(settings.endpoint(), self._context, settings.timeouts))

    def silent(self, reason: str, *, maybe_applied: bool = False) -> Unreachable:
        """The error for a server that went away or made no sense in the middle of a talk."""
        hint = "Check [directory] url and the server, then try again."
        if maybe_applied:
            hint = "Look at the present state before trying again: helpdesk reconcile"
        return Unreachable(
            f"The directory {self._settings.endpoint()} gave no answer: {reason}.",
            hint=hint,
            maybe_applied=maybe_applied,
        )


class Link:
    """One connection for one identity, for one thread at a time (a lock sees to that).

    Args:
        dialer: opens the connections.
        dn, password: whom to bind as; empty for nobody.
        refused: makes the error for a bind that the server refuses.
        client: a connection that is bound already.
    """

    def __init__(
        self,
        dialer: Dialer,
        dn: str = "",
        password: Secret | None = None,
        *,
        refused: Callable[[Answer], HelpdeskError] | None = None,
        client: Client | None = None,
    ) -> None:
        self._dialer = dialer
        self._dn = dn
        self._password = password
        self._refused = refused or _no_longer
        self._client = client
        self._closed: HelpdeskError | None = None
        self._lock = threading.RLock()

    @property
    def password(self) -> Secret:
        """What this link is bound with; kept for the length of the session only."""
        if self._password is None:
            raise NotSignedIn("You are signed out.", hint="helpdesk login")
        return self._password

    def read(self, ask: Callable[[Client], T]) -> T:
        """Ask something; once more on a new connection, where the old one had died.

        Raises:
            Unreachable: no answer. NotSignedIn: the link is closed, or may not bind again.
        """
        with self._lock, budget(self._dialer.total):
            old = self._client
            client = self._ready()
            try:
                return ask(client)
            except BrokenWire as broken:
                self._drop()
                if client is not old:
                    raise self._dialer.silent(broken.reason) from None
            client = self._ready()
            try:
                return ask(client)
            except BrokenWire as broken:
                self._drop()
                raise self._dialer.silent(broken.reason) from None

    def write(self, do: Callable[[Client], Answer]) -> Answer:
        """Do something, at most once: what was sent and not answered is never sent again.

        Raises:
            Unreachable: with ``maybe_applied`` where the request may have arrived.
        """
        with self._lock, budget(self._dialer.total):
            client = self._ready()
            try:
                return do(client)
            except BrokenWire as broken:
                self._drop()
                raise self._dialer.silent(broken.reason, maybe_applied=True) from None

    def renew(self, password: Secret) -> Answer:
        """Go on with another password, on a new connection bound with it."""
        with self._lock, budget(self._dialer.total):
            self._password = password
            self._drop()
            client = self._dialer.client()
            answer = self._bound(client)
            self._client = client
            return answer

    def close(self) -> None:
        with self._lock:
            self._drop()
            self._password = None
            self._closed = self._closed or NotSignedIn("You are signed out.", hint="helpdesk login")

    # ── the connection ────────────────────────────────────────────────────────────────────────

    def _ready(self) -> Client:
        if self._closed:
            raise self._closed
        if self._client is not None and self._client.wire.is_quiet():
            return self._client
        self._drop()
        client = self._dialer.client()
        if self._dn:
            self._bound(client)
        self._client = client
        return client

    def _bound(self, client: Client) -> Answer:
        """Bind. A refusal is for ever: the same password tried again would lock its owner out."""
        try:
            answer = client.bind(self._dn, self.password)
        except BrokenWire as broken:
            client.close()
            raise self._dialer.silent(broken.reason) from None
        if not answer.ok:
            client.close()
            self._password = None
            self._closed = self._refused(answer)
            raise self._closed
        return answer

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _no_longer(_: Answer) -> HelpdeskError:
    return BadCredentials(
        "The directory no longer accepts the password of this session.", hint="Sign in again: helpdesk login"
    )


def look_up_refused(answer: Answer) -> HelpdeskError:
    """The configured look-up account was not accepted."""
    return ConfigError(
        f"The directory does not accept the account for look-ups (code {answer.code}).",
        hint="Check [directory] bind_dn and bind_password.",
    )
