"""Secrets that scripts hand over: on standard input or in a file, never on the command line (S1, S8)."""

from __future__ import annotations

import sys

from helpdesk.errors import UsageError
from helpdesk.secrets import Secret

MAX_SECRET = 4096


def from_stdin(flag: str) -> Secret:
    """The next line of standard input.

    Raises:
        UsageError: standard input is a terminal, where the line would be echoed, or has no line left.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(f"{flag} reads a pipe or a file, and standard input is a terminal.")
    line = sys.stdin.buffer.readline(MAX_SECRET + 2)
    return _secret(line, flag)


def from_file(name: str, flag: str) -> Secret:
    """The first line of a file; ``-`` is standard input.

    Raises:
        UsageError: it cannot be read, or is empty.
    """
    if name == "-":
        return from_stdin(flag)
    try:
        with open(name, "rb") as file:
            line = file.readline(MAX_SECRET + 2)
    except OSError as error:
        raise UsageError(f"{flag} {name} cannot be read: {error.strerror}.") from error
    return _secret(line, flag)


def _secret(line: bytes, flag: str) -> Secret:
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{flag}: the password is not UTF-8 text.") from error
    if not text or len(text) > MAX_SECRET:
        raise UsageError(f"{flag}: there is no password in it." if not text else f"{flag}: it is too long.")
    return Secret(text)
