"""What the tests of the LDAP connector share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from helpdesk.connectors.ldap.directory import LdapDirectory
from helpdesk.connectors.ldap.settings import LdapSettings, Timeouts
from helpdesk.secrets import Secret
from tests.servers.slapd import Slapd

QUICK = Timeouts(connect=1.0, receive=0.8, total=2.0, refusal=0.0)


def now() -> datetime:
    return datetime.now(UTC)


def directory(url: str, ca_file: str, **more: Any) -> LdapDirectory:
    """A directory with little patience, so that what goes wrong goes wrong soon."""
    return LdapDirectory(LdapSettings(url=url, ca_file=ca_file, **{"timeouts": QUICK, **more}), now)


def of_slapd(server: Slapd, **more: Any) -> LdapDirectory:
    """The directory that a test server is, as its layout has to be configured."""
    keys: dict[str, Any] = dict(server.directory_config())
    del keys["kind"]
    if "bind_password" in keys:
        keys["bind_password"] = Secret(keys["bind_password"])
    keys["timeouts"] = Timeouts(refusal=0.0)
    return LdapDirectory(LdapSettings(**(keys | more)), now)
