"""Where the directory is and how to reach it: plain values, as configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from helpdesk.errors import ConfigError
from helpdesk.secrets import Secret

Kind: TypeAlias = Literal["auto", "openldap", "active-directory"]
Trust: TypeAlias = Literal["system", "bundled"]

_PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True)
class Timeouts:
    """Seconds. ``total`` bounds one call of ours, whatever the server does (D8).

    Attributes:
        connect: to find an address that answers, all of them together.
        receive: to wait for one piece of an answer.
        total: for everything one call needs: connecting, TLS, binding, asking.
        refusal: a sign-in is refused no sooner than this, so that its time tells nothing (I6).
    """

    connect: float = 5.0
    receive: float = 8.0
    total: float = 9.5
    refusal: float = 0.15


@dataclass(frozen=True)
class LdapSettings:
    """What an administrator may configure; what is left empty is asked of the server.

    Attributes:
        url: ``ldaps://host[:port]``, or ``ldap://host[:port]``, which means StartTLS.
        start_tls: ``None`` follows the URL. There is no way to switch TLS off (D1).
        login_dn: a template such as ``uid={login},ou=people,dc=corp,dc=test``.
        server_hashes: an OpenLDAP server hashes a password that is written plainly.
        new_people_base, new_person_name, new_person_classes: where a new entry goes, what it is called, such as
            ``cn={name}``, and what it is made of.
        new_person_attributes: more that it holds, as ``name=value``, such as the policy for its password.
        bind_dn, bind_password: the account for look-ups, where nobody may search anonymously.
    """

    url: str
    base: str = ""
    ca_file: str | None = None
    start_tls: bool | None = None
    people_base: str = ""
    groups_base: str = ""
    login_attribute: str = ""
    login_dn: str = ""
    bind_dn: str = ""
    bind_password: Secret | None = None
    server_hashes: bool = False
    new_people_base: str = ""
    new_person_name: str = ""
    new_person_classes: tuple[str, ...] = ()
    new_person_attributes: tuple[str, ...] = ()
    kind: Kind = "auto"
    trust: Trust = "system"
    timeouts: Timeouts = Timeouts()

    def __post_init__(self) -> None:
        self.endpoint()
        if self.login_dn and "{login}" not in self.login_dn:
            raise ConfigError(
                "[directory] login_dn does not say where the login name goes.",
                hint="Write it as a template: uid={login},ou=people,dc=example,dc=com.",
            )
        if self.new_person_name and ("=" not in self.new_person_name or "{" not in self.new_person_name):
            raise ConfigError(
                "[directory] new_person_name does not say what a new entry is called.",
                hint="Write it as a template: uid={login} or cn={name}.",
            )
        if any("=" not in one.strip().strip("=") for one in self.new_person_attributes):
            raise ConfigError(
                "[directory] new_person_attributes holds one without a value.",
                hint="Write each as name=value: loginShell=/bin/bash.",
            )
        if self.bind_dn and not self.bind_password:
            raise ConfigError(
                "[directory] bind_dn is set without a bind_password.",
                hint="Set bind_password to a keyring: or env: reference.",
            )

    def endpoint(self) -> Endpoint:
        """The URL taken apart.

        Raises:
            ConfigError: it is no LDAP address, or asks for a connection without TLS.
        """
        hint = "Set [directory] url to something like ldaps://ldap.example.com."
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise ConfigError(f"[directory] url is no address: {self.url!r}.", hint=hint) from None
        if "@" in self.url:
            raise ConfigError(
                "[directory] url holds a name or a password, which belong elsewhere.", hint=hint
            )
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError(f"[directory] url is no LDAP address: {self.url!r}.", hint=hint)
        if parts.scheme == "ldap" and self.start_tls is False:
            raise ConfigError(
                "[directory] start_tls = false with an ldap:// address would send passwords in the clear.",
                hint="Leave start_tls out, or use an ldaps:// address.",
            )
        if parts.scheme == "ldaps" and self.start_tls:
            raise ConfigError(
                "[directory] start_tls needs an ldap:// address; ldaps:// is encrypted from the first byte.",
                hint="Leave start_tls out.",
            )
        return Endpoint(parts.hostname, port or _PORTS[parts.scheme], start_tls=parts.scheme == "ldap")


@dataclass(frozen=True)
class Endpoint:
    """A host, a port, and how TLS begins there."""

    host: str
    port: int
    start_tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldap' if self.start_tls else 'ldaps'}://{host}:{self.port}"

    @property
    def transport(self) -> str:
        return "StartTLS" if self.start_tls else "LDAPS"
