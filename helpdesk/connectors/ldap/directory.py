"""An LDAP directory behind the port."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal

from helpdesk.connectors.ldap.link import Dialer, Link, look_up_refused
from helpdesk.connectors.ldap.reader import LdapReader, Places
from helpdesk.connectors.ldap.settings import LdapSettings
from helpdesk.connectors.ldap.signing_in import SignIn
from helpdesk.errors import ConfigError, Refused
from helpdesk.identity import Person
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.ports import Clock, DirectoryFacts, DirectoryReader, DirectorySession

__all__ = ["LdapDirectory", "LdapSettings"]


class LdapDirectory:
    """Implements :class:`helpdesk.ports.Directory` and :class:`helpdesk.ports.ProvesMany` on any LDAP server. Connects when first asked."""

    def __init__(self, settings: LdapSettings, clock: Clock) -> None:
        self._settings = settings
        self._places = Places(settings)
        dialer = Dialer(settings)
        self._link = Link(dialer, settings.bind_dn, settings.bind_password, refused=look_up_refused)
        self._reader = LdapReader(self._link, self._places, clock, anonymous=not settings.bind_dn)
        self._sign_in = SignIn(dialer, self._places, clock, self._link, self._reader)

    def facts(self) -> DirectoryFacts:
        layout = self._places.layout(self._link)
        endpoint = self._settings.endpoint()
        try:
            groups_base = self._places.groups_base(self._link)
        except (ConfigError, Refused):
            groups_base = ""  # not told to strangers; whoever signs in may see it
        from helpdesk.ports import DirectoryFacts

        return DirectoryFacts(
            kind=layout.kind,
            where=str(endpoint),
            base=layout.base,
            people_base=layout.people_base,
            groups_base=groups_base,
            assertion_control=layout.assertion,
            transport=endpoint.transport,
        )

    def sign_in(self, login: str, password: Secret) -> DirectorySession:
        return self._sign_in(login, password)

    def look_up(self) -> DirectoryReader:
        return self._reader

    def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        return self._sign_in.accepts(person, password)

    def proving(self) -> AbstractContextManager[None]:
        return self._sign_in.spare.proving()

    def close(self) -> None:
        self._link.close()
