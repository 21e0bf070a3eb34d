"""How names are compared, and the DNs people and groups have here."""

from __future__ import annotations

from helpdesk.connectors.ldap.escape import NotADn, folded, parsed, rdn_value
from helpdesk.connectors.names import key, says_nothing

__all__ = [
    "BASE",
    "GROUPS_BASE",
    "PEOPLE_BASE",
    "group_dn",
    "group_name_in",
    "key",
    "login_in",
    "person_dn",
    "says_nothing",
]

BASE = "o=helpdesk"
PEOPLE_BASE = f"ou=people,{BASE}"
GROUPS_BASE = f"ou=groups,{BASE}"


def person_dn(login: str) -> str:
    return f"uid={rdn_value(login)},{PEOPLE_BASE}"


def group_dn(name: str) -> str:
    return f"cn={rdn_value(name)},{GROUPS_BASE}"


def login_in(dn: str) -> str | None:
    """The login name in the DN of a person; ``None`` when it is no such DN."""
    return _named(dn, "uid", PEOPLE_BASE)


def group_name_in(dn: str) -> str | None:
    """The name in the DN of a group; ``None`` when it is no such DN."""
    return _named(dn, "cn", GROUPS_BASE)


def _named(dn: str, attribute: str, base: str) -> str | None:
    try:
        first, above = parsed(dn)[:1], folded(dn)[1:]
    except NotADn:
        return None
    if not first or len(first[0]) != 1 or first[0][0][0] != attribute or above != folded(base):
        return None
    return first[0][0][1]
