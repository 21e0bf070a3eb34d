"""Signing in: find exactly one entry, bind as it, and have the server say that this is who is bound."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn

from helpdesk.connectors.ldap.client import Client
from helpdesk.connectors.ldap.deadline import budget
from helpdesk.connectors.ldap.discovery import Layout
from helpdesk.connectors.ldap.escape import filled, filter_present, looks_like_dn
from helpdesk.connectors.ldap.link import Dialer, Link
from helpdesk.connectors.ldap.messages import Answer
from helpdesk.connectors.ldap.reader import LdapReader, Places
from helpdesk.connectors.ldap.session import LdapSession
from helpdesk.connectors.ldap.wire import BrokenWire
from helpdesk.connectors.names import key, says_nothing
from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    BadCredentials,
    Failed,
    HelpdeskError,
    MustChangePassword,
    NotFound,
    PasswordExpired,
    Refused,
)
from helpdesk.identity import AccountStatus, Person
from helpdesk.secrets import Secret
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.ports import Clock

_DAY = 86400
UNTOLD_ID = "dn:"
"""Begins the id of somebody who must change the password where nobody may read their entry before."""


class Spare:
    """Connections of proofs that are over. Each is bound anew before it is asked anything else.

    Without :meth:`proving` none is kept.
    """

    def __init__(self) -> None:
        self._idle: list[Client] = []
        self._open = 0
        self._lock = threading.Lock()

    @contextmanager
    def proving(self) -> Iterator[None]:
        """See :class:`helpdesk.ports.ProvesMany`."""
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                old, self._idle = (self._idle, []) if not self._open else ([], self._idle)
            for client in old:
                client.close()

    def take(self) -> Client | None:
        """One that stands, where there is one."""
        with self._lock:
            client = self._idle.pop() if self._idle else None
        if client is not None and not client.wire.is_quiet():
            client.close()
            return None
        return client

    def put(self, client: Client) -> None:
        with self._lock:
            if self._open:
                self._idle.append(client)
                return
        client.close()


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way in, for all sign-ins to one directory."""

    dialer: Dialer
    places: Places
    clock: Clock
    link: Link
    reader: LdapReader
    spare: Spare = field(default_factory=Spare)

    def __call__(self, login: str, password: Secret) -> LdapSession:
        """Raises BadCredentials and its siblings, Ambiguous, Refused, Unreachable, ConfigError."""
        if _nothing(login) or _nothing(password.expose()):
            raise BadCredentials("Signing in needs a login name and a password.")
        begun = time.monotonic()
        try:
            with budget(self.dialer.total):
                return self._attempt(login, password)
        except BadCredentials:
            # An unknown name and a wrong password take the same time, whatever the server does for each (I6).
            time.sleep(max(0.0, begun + self.places.settings.timeouts.refusal - time.monotonic()))
            raise

    def _attempt(self, login: str, password: Secret) -> LdapSession:
        layout = self.places.layout(self.link)
        claimed, name = self._claimed(login)
        client = self.dialer.client()
        try:
            if not name:
                _pretend(client, layout, password)
            answer = client.bind(name, password)
            reason = layout.accounts.bind_reason(answer)
            if not answer.ok:
                self._refuse(reason, claimed)
            _prove(client, layout, name, claimed.login if claimed else login)
            return self._session(client, name, password, claimed, login, answer)
        except BrokenWire as broken:
            client.close()
            raise self.dialer.silent(broken.reason) from None
        except BaseException:
            client.close()
            raise

    def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        """Whether this very entry (by id, not by name) opens with this password."""
        if _nothing(password.expose()):
            return "no"
        with budget(self.dialer.total):
            layout = self.places.layout(self.link)
            spare = self.spare.take()
            if spare is not None:
                try:
                    return self._opens(spare, layout, person, password)
                except BrokenWire:
                    pass  # the server had let go of it: once more, on a new one
            try:
                return self._opens(self.dialer.client(), layout, person, password)
            except BrokenWire as broken:
                raise self.dialer.silent(broken.reason) from None

    def _opens(
        self, client: Client, layout: Layout, person: Person, password: Secret
    ) -> Literal["yes", "must-change", "no"]:
        """See :meth:`accepts`. Raises BrokenWire."""
        try:
            answer = client.bind(person.dn, password)
            restricted = layout.accounts.bind_reason(answer) == "must-change"
            if not answer.ok:
                same = restricted
            elif not layout.accounts.proves(client, person.dn, person.login):
                same = False
            elif restricted or person.id.startswith(UNTOLD_ID):
                same = self._is_still(person)
            else:
                same = _own_id(client, layout, person.dn) == person.id
        except BaseException:
            client.close()
            raise
        self.spare.put(client)
        if not same:
            return "no"
        return "must-change" if restricted else "yes"

    # ── before the bind ───────────────────────────────────────────────────────────────────────

    def _claimed(self, login: str) -> tuple[Person | None, str]:
        """Whose password this should be: the entry where it can be looked up, and the name to bind with."""
        template = self.places.settings.login_dn
        if not template:
            try:
                person = self.reader.person(login)
            except NotFound:
                return None, ""
            except Refused as error:
                raise Refused(
                    error.message,
                    hint="Set [directory] login_dn, or bind_dn and bind_password.",
                    code=error.code,
                ) from None
            return person, person.dn
        try:
            claimed: Person | None = self.reader.person(login)
        except (NotFound, Refused):
            claimed = None
        if looks_like_dn(template):
            return claimed, filled(template, login)
        return claimed, template.replace("{login}", login)

    # ── after the bind ────────────────────────────────────────────────────────────────────────

    def _session(
        self,
        client: Client,
        name: str,
        password: Secret,
        claimed: Person | None,
        login: str,
        answer: Answer,
    ) -> LdapSession:
        layout = self.places.layout(self.link)
        must_change = layout.accounts.bind_reason(answer) == "must-change"
        link = Link(self.dialer, name, password, client=client)
        if must_change:  # it may not even read its own entry
            me = claimed or Person(id=f"{UNTOLD_ID}{name}", dn=name, login=login, name=login)
        else:
            me = self._me(LdapReader(link, self.places, self.clock), name, login)
            if claimed and claimed.id != me.id:
                raise _not_accepted()
        return LdapSession(
            link,
            self.places,
            self.clock,
            me=me,
            must_change=must_change,
            notices=self._notices(answer),
            others=self.reader,
        )

    def _me(self, reader: LdapReader, name: str, login: str) -> Person:
        try:
            me = reader.person_by_dn(name) if looks_like_dn(name) else reader.person(login)
        except NotFound:
            raise Failed(
                "Your password was accepted, but your own entry cannot be read, so nobody can tell who you are.",
                hint="Check [directory] login_dn and people_base, and that people may read their own entry.",
            ) from None
        if key(login) != key(me.login) and not looks_like_dn(name):
            raise _not_accepted()
        return me

    def _notices(self, answer: Answer) -> tuple[str, ...]:
        policy = answer.policy
        if policy.grace_left is not None:
            return (
                f"Your password has expired; {_count(policy.grace_left, 'more sign-in')} to change it in.",
            )
        if policy.expires_in is not None:
            days = policy.expires_in // _DAY
            soon = f"in {_count(days, 'day')}" if days else "within a day"
            return (f"Your password expires {soon}.",)
        return ()

    # ── refused ───────────────────────────────────────────────────────────────────────────────

    def _refuse(self, reason: str, claimed: Person | None) -> NoReturn:
        if reason == "locked":
            status = self._status(claimed)
            if status and status.enabled is False:
                reason = "disabled"
            else:
                until = status.locked_until if status else None
                when = f" until {local_time(until, self.clock())}" if until else ""
                raise AccountLocked(
                    f"The account is locked{when}; the service desk can lift it.",
                    hint="Ask the service desk to unlock it.",
                    until=until,
                )
        if reason == "disabled":
            raise AccountDisabled("Your account is disabled.", hint="Ask the service desk.")
        if reason == "account-expired":
            raise AccountDisabled("Your account has expired.", hint="Ask the service desk.")
        if reason == "expired":
            raise PasswordExpired(
                "Your password has expired.", hint="The service desk can set a temporary one."
            )
        if reason == "must-change":
            raise MustChangePassword(
                "You must choose a new password, and this directory lets you do that only at a workstation.",
                hint="Sign in at a workstation of the domain, or ask the service desk.",
            )
        raise _not_accepted()

    def _status(self, claimed: Person | None) -> AccountStatus | None:
        """What may be read about the lock before anybody is signed in."""
        try:
            return self.reader.status(claimed) if claimed else None
        except HelpdeskError:
            return None  # the lock is told without its end

    def _is_still(self, person: Person) -> bool:
        """Whether the entry with this DN still has this id, as far as a look-up can tell.

        It is bound under this very name, so an entry is there: who may not see it cannot contradict.
        """
        if person.id.startswith(UNTOLD_ID):
            return True
        try:
            return self.reader.person_by_dn(person.dn).id == person.id
        except (NotFound, Refused):
            return True


def _nothing(text: str) -> bool:
    return says_nothing(text) or "\0" in text


def _pretend(client: Client, layout: Layout, password: Secret) -> NoReturn:
    """Bind as an entry that cannot exist, so that an unknown name costs what a known one does (I6)."""
    client.bind(f"{layout.login_attribute}={secrets.token_hex(16)},{layout.people_base}", password)
    raise _not_accepted()


def _prove(client: Client, layout: Layout, name: str, login: str) -> None:
    """The server itself must say that this entry is bound: a bind can succeed for nobody at all (D4)."""
    if not layout.accounts.proves(client, name, login):
        raise _not_accepted()


def _own_id(client: Client, layout: Layout, dn: str) -> str:
    found = client.search(dn, filter_present("objectClass"), [layout.names.id], scope="BASE", limit=1)
    return layout.names.entry_id(found.entries[0]) if len(found.entries) == 1 else ""


def _not_accepted() -> BadCredentials:
    return BadCredentials("The login name or the password is wrong.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
