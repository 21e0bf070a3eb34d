"""How Postgres is reached: every setting is given by name, so that nothing around the program decides instead (D1, S9).

libpq takes what it is not told from ``PG…`` variables and files in the home folder; a host, a mode of TLS or a password
that came from there would not be the company's. A server on another machine is reached with TLS only, and its
certificate must name it; on this machine, or over a socket in a folder, there is no wire to listen on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from helpdesk.config.addresses import is_loopback
from helpdesk.connectors.trust import Trust, bundle
from helpdesk.errors import ConfigError
from helpdesk.secrets import Secret

PORT = 5432
_KEEPALIVE = {
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
_NOT_FROM_OUTSIDE = (
    "hostaddr", "sslcert", "sslkey", "sslcrl", "sslcrldir", "sslpassword", "requirepeer", "options", "krbsrvname",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """Where the store is and who asks.

    Attributes:
        url: ``postgresql://host[:port]/database``, with no name, password or query; a socket's folder is written
            as the host, percent-encoded. user: "" for the name of the account that runs this.
        ca_file: only these authorities; ``None``: those of ``trust``.
        connect_seconds, statement_seconds: how long a server may take to answer.
    """

    url: str
    user: str = ""
    password: Secret | None = None
    ca_file: str | None = None
    trust: Trust = "system"
    connect_seconds: int = 5
    statement_seconds: int = 15
    schema: str = field(default="helpdesk")

    @property
    def host(self) -> str:
        parts = urlsplit(self.url)
        named = parts.netloc.rpartition("@")[2]
        if named.lower().startswith("%2f"):
            return unquote(named.partition(":")[0])
        return parts.hostname or ""

    @property
    def place(self) -> str:
        """Host and database, for a person."""
        return f"{self.host}{urlsplit(self.url).path}"

    @property
    def local(self) -> bool:
        """There is no wire between here and the server."""
        return self.host.startswith("/") or is_loopback(self.host)


def options(settings: PostgresSettings) -> dict[str, Any]:
    """Every keyword for libpq. Raises ConfigError where no authority can be used."""
    parts = urlsplit(settings.url)
    chosen: dict[str, Any] = {
        "host": settings.host,
        "port": str(parts.port or PORT),
        "dbname": unquote(parts.path.removeprefix("/")),
        "user": settings.user or _account(),
        "password": settings.password.expose() if settings.password else "",
        "passfile": os.devnull,
        "connect_timeout": settings.connect_seconds,
        "application_name": "helpdesk",
        "client_encoding": "UTF8",
        "target_session_attrs": "read-write",
        "gssencmode": "disable",
        "channel_binding": "prefer",
        **_KEEPALIVE,
        **dict.fromkeys(_NOT_FROM_OUTSIDE, ""),
    }
    if settings.local:
        return {**chosen, "sslmode": "disable"}
    return {
        **chosen,
        "sslmode": "verify-full",
        "sslrootcert": bundle(settings.trust, settings.ca_file, section="store"),
        "ssl_min_protocol_version": "TLSv1.2",
    }


def _account() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise ConfigError(
            "Nobody is named who asks the store.",
            hint="Set [store] user to the name that the database knows.",
        ) from None
