"""Where the log is known outside: which addresses the section ``[log]`` takes."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

SYSLOG_PORTS: Final = {"syslog": 601, "syslog+tls": 6514, "syslog+udp": 514}
"""The usual port of each kind of syslog address (RFC 6587, 5425, 5426)."""
STREAMS: Final = ("syslog", "syslog+tls")
"""What entries are sent over: not UDP, which loses them without telling."""


def checkpoint_problem(address: str) -> str:
    """Why checkpoints cannot be sent to an address, as it reads after the address; "" when they can."""
    if address.startswith("file:"):
        path = address.removeprefix("file://")
        usable = address.startswith("file:///") and not path.endswith("/") and path.isprintable()
        return (
            "" if usable else "must name a file with all of its folders, such as file:///mnt/log/checkpoints"
        )
    return _host_problem(address, (*SYSLOG_PORTS, "https", "http"))


def stream_problem(address: str) -> str:
    """The same for entries."""
    return _host_problem(address, STREAMS)


def store_problem(address: str) -> str:
    """Why requests and runs cannot be kept at an address; "" when they can, or when there is none."""
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if parts.scheme != "postgresql":
        return "must begin with postgresql://"
    if "@" in parts.netloc:
        return "holds a name or password, which would stand readable in the file; set user and password"
    if parts.query or parts.fragment:
        return "must end with the name of the database"
    name = parts.path.removeprefix("/")
    usable = host and port != 0 and name and "/" not in name and address.isprintable() and " " not in address
    return "" if usable else "must name a host and a database, such as postgresql://db.example.com/helpdesk"


def webhook_problem(address: str) -> str:
    """Why notices cannot be posted to an address; "" when they can, or when there is none."""
    return _host_problem(address, ("https", "http")) if address else ""


def endpoint_problem(endpoint: str) -> str:
    """Why figures cannot be served at ``host:port``, as it reads after the key; "" when they can, or need not."""
    host, _, port = endpoint.rpartition(":")
    if not endpoint or (port.isascii() and port.isdigit() and 0 < int(port) < 65536 and " " not in host):
        return ""
    return "must be a host and a port"


def _host_problem(address: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in schemes:
        return f"must begin with one of {', '.join(f'{scheme}://' for scheme in schemes if scheme != 'http')}"
    if "@" in parts.netloc:
        return "holds a name or password, which would stand readable in the file"
    if not host or port == 0 or not address.isprintable() or " " in address or parts.fragment:
        return "is no address"
    if parts.scheme.startswith("syslog") and (parts.path not in ("", "/") or parts.query):
        return "must end with the port"
    if parts.scheme == "http" and not is_loopback(host):
        return "is not encrypted; http:// is for this machine only, use https://"
    return ""


def host_key_problem(line: str) -> bool:
    """Whether a text cannot be the public key of a host: name, check digits and key, as signed notes have them."""
    return not re.fullmatch(r"[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", line)


def is_loopback(host: str) -> bool:
    """Whether this machine alone can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
