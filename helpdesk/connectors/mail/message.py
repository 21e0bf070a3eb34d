"""A letter as the bytes that go over the wire: headers that nobody can add to, and a text in UTF-8."""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from helpdesk.mail import Letter, MailRefused

_DOT = re.compile(rb"^\.", re.MULTILINE)


def envelope(address: str) -> str:
    """The address as a server takes it: its domain in ASCII, where it is written in other letters.

    Raises:
        MailRefused: its domain cannot be written so.
    """
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise MailRefused(f"The domain of {address} cannot be written as servers write it.") from error


def written(letter: Letter, sender: str, sender_name: str, message_id: str, now: datetime) -> bytes:
    """The whole message, with the line ends and the doubled dots of SMTP, without the last word."""
    to = envelope(letter.to)
    message = EmailMessage(policy=SMTP if to.isascii() else SMTPUTF8)
    message["From"] = Address(sender_name, addr_spec=sender)
    message["To"] = Address(letter.name, *_parts(to))
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    if letter.by_itself:
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.body + "\n", subtype="plain", charset="utf-8", cte="quoted-printable")
    lines = message.as_bytes()
    return _DOT.sub(b"..", lines if lines.endswith(b"\r\n") else lines + b"\r\n")


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain
