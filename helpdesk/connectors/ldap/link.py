"""Connections bound as someone, that come back by themselves when the server has dropped them."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from helpdesk.connectors.ldap.client import Client
from helpdesk.connectors.ldap.deadline import budget
from helpdesk.connectors.ldap.messages import Answer
from helpdesk.connectors.ldap.settings import LdapSettings
from helpdesk.connectors.ldap.wire import BrokenWire, connect
from helpdesk.connectors.trust import verifying_context
from helpdesk.errors import BadCredentials, ConfigError, HelpdeskError, NotSignedIn, Unreachable
from helpdesk.secrets import Secret

T = TypeVar("T")
KNOWN = 5.0
"""Seconds for which the answer to a question about rules and rights is good for the next one as well."""
WIDTH = 4
"""Connections that one link holds at most; the second is opened when two threads ask at the same time."""


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


class _Room:
    """So many threads at a time; a semaphore of C's, as Python's own costs more than writing a request."""

    def __init__(self, many: int) -> None:
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(many):
            self._places.put(None)

    def __enter__(self) -> None:
        self._places.get()

    def __exit__(self, *_: object) -> None:
        self._places.put(None)


class Link:
    """A few connections for one identity; each is one thread's at a time.

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
        self._idle = [client] if client is not None else []
        self._room = _Room(WIDTH)
        self._turn = 0
        self._closed: HelpdeskError | None = None
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[float, Any]] = {}

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
        with budget(self._dialer.total), self._room:
            client, turn, is_new = self._ready()
            try:
                return self._asked(client, turn, ask)
            except BrokenWire as broken:
                if is_new:
                    raise self._dialer.silent(broken.reason) from None
            client, turn, _ = self._ready(fresh=True)
            try:
                return self._asked(client, turn, ask)
            except BrokenWire as broken:
                raise self._dialer.silent(broken.reason) from None

    def write(self, do: Callable[[Client], Answer]) -> Answer:
        """Do something, at most once: what was sent and not answered is never sent again.

        Raises:
            Unreachable: with ``maybe_applied`` where the request may have arrived.
        """
        with budget(self._dialer.total), self._room:
            client, turn, _ = self._ready()
            try:
                return self._asked(client, turn, do)
            except BrokenWire as broken:
                raise self._dialer.silent(broken.reason, maybe_applied=True) from None

    def renew(self, password: Secret) -> Answer:
        """Go on with another password, on a new connection bound with it."""
        with budget(self._dialer.total), self._room:
            with self._lock:
                self._password = password
                self._drop()
            client = self._dialer.client()
            answer = self._bound(client)
            self._keep(client, self._turn)
            return answer

    def close(self) -> None:
        with self._lock:
            self._drop()
            self._password = None
            self._closed = self._closed or NotSignedIn("You are signed out.", hint="helpdesk login")

    def known(self, what: tuple[str, ...], ask: Callable[[], T], seconds: float = KNOWN) -> T:
        """What whoever is bound was told lately about the server itself, its rules and rights; else asked now.

        Never for what is in people's entries. What is false, empty or zero is asked again.
        """
        when, answer = self._known.get(what, (0.0, None))
        if answer and time.monotonic() - when < seconds:
            return answer  # type: ignore[no-any-return]  # it was put there under the same name
        answer = ask()
        self._known[what] = (time.monotonic(), answer)
        return answer

    # ── the connections ───────────────────────────────────────────────────────────────────────

    def _asked(self, client: Client, turn: int, ask: Callable[[Client], T]) -> T:
        """The answer; the connection is kept for the next one, unless anything went wrong on it."""
        try:
            answer = ask(client)
        except BaseException:
            client.close()
            raise
        self._keep(client, turn)
        return answer

    def _ready(self, *, fresh: bool = False) -> tuple[Client, int, bool]:
        """A connection that stands, of which turn of passwords it is, and whether it was opened just now.

        Args:
            fresh: those that are there are not trusted any more.
        """
        while True:
            with self._lock:
                if self._closed:
                    raise self._closed
                if fresh:
                    self._drop()
                client, turn = self._idle.pop() if self._idle else None, self._turn
            if client is None:
                break
            if client.wire.is_quiet():
                return client, turn, False
            client.close()
        client = self._dialer.client()
        if self._dn:
            self._bound(client)
        return client, turn, True

    def _bound(self, client: Client) -> Answer:
        """Bind. A refusal is for ever: the same password tried again would lock its owner out."""
        try:
            answer = client.bind(self._dn, self.password)
        except BrokenWire as broken:
            client.close()
            raise self._dialer.silent(broken.reason) from None
        if not answer.ok:
            client.close()
            with self._lock:
                self._drop()
                self._password = None
                self._closed = self._refused(answer)
                raise self._closed
        return answer

    def _keep(self, client: Client, turn: int) -> None:
        """For the next one, unless the link was closed, or bound anew, while this one was in use."""
        with self._lock:
            if self._closed is None and turn == self._turn:
                self._idle.append(client)
                return
        client.close()

    def _drop(self) -> None:
        """Let go of all of them; the caller holds the lock."""
        self._turn += 1
        self._known.clear()
        for client in self._idle:
            client.close()
        self._idle.clear()


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
