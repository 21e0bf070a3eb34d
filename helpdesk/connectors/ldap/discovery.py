"""What the server tells about itself, and where people and groups are."""

from __future__ import annotations

from dataclasses import dataclass

from helpdesk.connectors.ldap import active_directory, openldap
from helpdesk.connectors.ldap.client import PASSWORD_MODIFY
from helpdesk.connectors.ldap.controls import ASSERTION
from helpdesk.connectors.ldap.escape import (
    NotADn,
    filter_and,
    filter_equal,
    filter_or,
    filter_present,
    parsed,
)
from helpdesk.connectors.ldap.link import Link
from helpdesk.connectors.ldap.messages import Entry
from helpdesk.connectors.ldap.settings import LdapSettings
from helpdesk.connectors.ldap.style import Accounts, Names
from helpdesk.errors import ConfigError

_AD = "1.2.840.113556.1.4.800"
_WANTED = (
    "namingContexts",
    "defaultNamingContext",
    "supportedControl",
    "supportedExtension",
    "supportedCapabilities",
)
_GROUPS = ("groups", "group")
_PEOPLE = ("people", "users")
_UNITS = ("organizationalUnit", "container", "nsContainer")


@dataclass(frozen=True, slots=True)
class Layout:
    """One directory, as found or configured.

    Attributes:
        kind: "openldap" or "active-directory".
        groups_base: where bare group names resolve; empty until it is known.
        assertion: a write can carry the state it was decided on (RFC 4528).
    """

    kind: str
    names: Names
    accounts: Accounts
    base: str
    people_base: str
    groups_base: str
    login_attribute: str
    assertion: bool
    password_modify: bool


def discover(link: Link, settings: LdapSettings) -> Layout:
    """Read the root DSE; what is configured goes before what is found.

    Raises:
        Unreachable: no answer. ConfigError: it does not tell where its entries are.
    """
    found = link.read(
        lambda client: client.search("", filter_present("objectClass"), _WANTED, scope="BASE", limit=1)
    )
    root = found.entries[0] if found.entries else Entry("", {})
    kind = settings.kind
    if kind == "auto":
        kind = "active-directory" if _AD in root.texts("supportedCapabilities") else "openldap"
    names = active_directory.NAMES if kind == "active-directory" else openldap.NAMES
    accounts: Accounts = (
        active_directory.ActiveDirectoryAccounts()
        if kind == "active-directory"
        else openldap.OpenLdapAccounts(settings.server_hashes)
    )
    base = settings.base or _base(root, settings)
    extensions = root.texts("supportedExtension")
    return Layout(
        kind=kind,
        names=names,
        accounts=accounts,
        base=base,
        people_base=settings.people_base or base,
        groups_base=settings.groups_base or (base if names.groups_anywhere else ""),
        login_attribute=settings.login_attribute or _of_template(settings.login_dn) or names.login,
        assertion=ASSERTION in root.texts("supportedControl"),
        password_modify=PASSWORD_MODIFY in extensions,
    )


def _base(root: Entry, settings: LdapSettings) -> str:
    named = root.text("defaultNamingContext")
    if named:
        return named
    contexts = [dn for dn in root.texts("namingContexts") if dn and not dn.lower().startswith("cn=")]
    if len(contexts) == 1:
        return contexts[0]
    what = "holds several trees" if contexts else "does not tell where its entries are"
    raise ConfigError(
        f"The directory {settings.endpoint()} {what}.",
        hint="Set [directory] base, such as dc=example,dc=com.",
    )


def _of_template(template: str) -> str:
    """The login attribute that a ``login_dn`` template shows: ``uid`` of ``uid={login},ou=people``."""
    try:
        first = parsed(template)[:1]
    except NotADn:
        return ""
    return next((name for name, value in (first[0] if first else ()) if value == "{login}"), "")


def find_new_people_base(link: Link, layout: Layout) -> str:
    """Where new people go: the place that people are looked for in, or a unit called so under the base.

    Raises:
        ConfigError: there is no such one place.
    """
    if layout.people_base != layout.base:
        return layout.people_base
    units = _units_called(link, layout, _PEOPLE)
    if len(units) == 1:
        return units[0]
    raise ConfigError(
        "Nobody can tell where in the directory new people go.",
        hint="Set [directory] new_people_base, such as ou=people,dc=example,dc=com.",
    )


def _units_called(link: Link, layout: Layout, names: tuple[str, ...]) -> list[str]:
    """The DNs of the units directly under the base that are called so, two at most."""
    units = filter_or(filter_equal("objectClass", name) for name in _UNITS)
    called = filter_or(filter_equal(kind, name) for kind in ("ou", "cn") for name in names)
    found = link.read(
        lambda client: client.search(
            layout.base, filter_and([units, called]), ["1.1"], scope="LEVEL", limit=2
        )
    )
    return [entry.dn for entry in found.entries]


def find_groups_base(link: Link, layout: Layout) -> str:
    """The one place where groups are: a unit called so under the base, else where all groups are.

    Raises:
        ConfigError: there is no such one place.
    """
    units = _units_called(link, layout, _GROUPS)
    if len(units) == 1:
        return units[0]
    groups = link.read(
        lambda client: client.search(layout.base, layout.names.group_filter, ["1.1"], limit=200)
    )
    parents = {_parent(entry.dn) for entry in groups.entries}
    if len(parents) == 1:
        return parents.pop()
    what = "in several places" if parents else "nowhere to be seen"
    raise ConfigError(
        f"The directory's groups are {what}, so a group's bare name says too little.",
        hint="Set [directory] groups_base, such as ou=groups,dc=example,dc=com.",
    )


def _parent(dn: str) -> str:
    """Everything after the first comma that is not escaped."""
    escaped = False
    for position, character in enumerate(dn):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            return dn[position + 1 :]
    return ""
