"""Where a configuration says that a secret is kept, and the secret itself (S1)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from helpdesk.errors import ConfigError
from helpdesk.platform import read_private
from helpdesk.secrets import Secret

if TYPE_CHECKING:
    from helpdesk.ports import Keychain

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""The folder that systemd makes for the credentials of one service; nobody else may read it."""


def referenced(reference: str, keychain: Callable[[], Keychain], environ: Mapping[str, str]) -> Secret | None:
    """The secret behind ``keyring:NAME``, ``env:NAME``, ``file:/PATH`` or ``credential:NAME``.

    Returns:
        ``None`` for an empty reference.

    Raises:
        ConfigError: it is not there. Failed: a file that others may read, or that is somebody else's.
    """
    if not reference:
        return None
    kind, _, name = reference.partition(":")
    match kind:
        case "keyring":
            found, place = keychain().get(name), f"Store it in the keyring as {name}."
        case "env":
            found, place = Secret(environ.get(name, "")), f"Store it in the environment as {name}."
        case "file":
            found, place = _first_line(Path(name)), f"Write it into {name}, a file of mode 0600."
        case _:
            folder = environ.get(CREDENTIALS, "")
            found = _first_line(Path(folder) / name) if os.path.isabs(folder) else None
            place = f"Give it to the service: LoadCredential={name}:/PATH in its systemd unit."
    if not found:
        raise ConfigError(f"The secret {reference} of the configuration is not there.", hint=place)
    return found


def _first_line(path: Path) -> Secret | None:
    """A file's text up to its line end; ``None`` where there is no such file. Raises Failed."""
    try:
        text = read_private(path).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise ConfigError(
            f"{path} holds no text.", hint="Write the secret into it, and nothing else."
        ) from None
    return Secret(text.removesuffix("\n").removesuffix("\r"))
