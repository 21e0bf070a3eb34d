"""``[mail]`` and ``[notices]``: what only makes sense together, checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from helpdesk.config.addresses import webhook_problem
from helpdesk.config.model import MailSettings, NoticeSettings
from helpdesk.errors import ConfigError

Origins = Mapping[str, str]


def mail(values: dict[str, Any], directory: str, origins: Origins) -> MailSettings:
    """The settings of mail: an outbox beside an embedded directory, a server where one is named.

    Raises:
        ConfigError: no such server, one without TLS on another machine, or no sender.
    """
    url = values.get("url", "")
    usual = "smtp" if url else ("embedded" if directory == "embedded" else "none")
    kind = values.setdefault("kind", usual)
    if values.get("ca_file") is not None:
        values["ca_file"] = str(values["ca_file"])
    settings = MailSettings(**values)
    if kind != "smtp":
        return settings
    problem = _mail_problem(url)
    if problem:
        raise _wrong(origins, "mail.url", problem, 'Set it to something like "smtp://mail.example.com".')
    parts = urlsplit(url)
    if not settings.start_tls and not (parts.scheme == "smtp" and _loopback(parts.hostname or "")):
        raise _wrong(
            origins,
            "mail.start_tls",
            "= false would send mail in the clear",
            "Leave it out; only a server on this machine itself may do without.",
        )
    if not _address(settings.sender):
        raise _wrong(origins, "mail.sender", "must be a mail address", 'Such as "helpdesk@example.com".')
    if bool(settings.user) != bool(settings.password):
        raise _wrong(origins, "mail.user", "and password belong together", "Set both, or neither.")
    if settings.user and not settings.start_tls:
        raise _wrong(origins, "mail.user", "would send a password in the clear", "Leave start_tls out.")
    return settings


def notices(values: dict[str, Any], origins: Origins) -> NoticeSettings:
    """The settings of notices. Raises ConfigError: no such address, or nothing that signs."""
    if values.get("ca_file") is not None:
        values["ca_file"] = str(values["ca_file"])
    settings = NoticeSettings(**values)
    problem = webhook_problem(settings.webhook)
    if problem:  # the address is not repeated: its path may be a secret
        raise _wrong(origins, "notices.webhook", f"has an address that {problem}", "Correct the address.")
    if settings.webhook and not settings.webhook_key:
        raise _wrong(
            origins,
            "notices.webhook",
            "has no webhook_key, so its server could not tell who posts there",
            'Set webhook_key to a reference, such as "keyring:helpdesk-webhook".',
        )
    if settings.operator and not _address(settings.operator):
        raise _wrong(origins, "notices.operator", "must be a mail address", 'Such as "it@example.com".')
    return settings


def _mail_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("smtp", "smtps"):
        return "must begin with smtp:// or smtps://"
    if "@" in parts.netloc:
        return "holds a name or password, which would stand readable in the file; set user and password"
    usable = host and port != 0 and parts.path in ("", "/") and not parts.query and not parts.fragment
    return "" if usable and url.isprintable() and " " not in url else "is no address"


def _address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    plain = text.isascii() and text.isprintable() and not any(letter in ' <>()[]\\,;:"' for letter in text)
    return bool(at and local and domain) and plain and "@" not in local


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wrong(origins: Origins, name: str, what: str, hint: str) -> ConfigError:
    section, _, key = name.partition(".")
    where = origins.get(name) or next((o for n, o in origins.items() if n.startswith(f"{section}.")), "")
    return ConfigError(f"{where + ': ' if where else ''}[{section}] {key} {what}.", hint=hint)
