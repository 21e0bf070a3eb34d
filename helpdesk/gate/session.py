"""The sign-in that outlives a command: the password in the keyring, who and when in a private file.

The moment of the sign-in stands in both: nobody makes a kept session fresh again by editing the file (R8).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.errors import Failed
from helpdesk.identity import Person
from helpdesk.platform import read_private, sync_folder, write_private
from helpdesk.ports import Clock, Keychain
from helpdesk.secrets import Secret

VERSION = 1
_STILL_THERE = "still-in-keyring"


@dataclass(frozen=True, slots=True)
class Saved:
    """A kept sign-in. ``signed_in_at``: when the password was typed, UTC."""

    login: str
    password: Secret
    person_id: str
    signed_in_at: datetime


class SessionStore:
    """Keeps one sign-in until it is idle or old, signed out, or refused (R8).

    Args:
        folder: for who and when; never for the password.
        idle, absolute: how long it may lie unused, and how long it may last at all.
        enabled: false keeps nothing, and forgets what was kept before that was configured.
    """

    def __init__(
        self,
        folder: Path,
        keychain: Keychain,
        clock: Clock,
        *,
        idle: timedelta,
        absolute: timedelta,
        enabled: bool,
    ) -> None:
        self._file = folder / "session.json"
        self._keychain = keychain
        self._clock = clock
        self._idle = idle
        self._absolute = absolute
        self._enabled = enabled
        place = hashlib.sha256(str(folder.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
        self._name = f"session {place[:16]}"

    def save(self, person: Person, password: Secret) -> str:
        """Keep a sign-in; returns why it is not kept, as one clause, or "" when it is.

        Whatever was kept before is forgotten first, so that no name ever meets another one's password.

        Raises:
            Failed: the file cannot be written.
        """
        if not self._ended():
            return "the keyring still holds the last one, and does not let go of it"
        if not self._enabled:
            return "the configuration keeps no session"
        reason = self._keychain.available()
        if reason:
            return reason
        now = self._clock().isoformat()
        self._write({"login": person.login, "person_id": person.id, "signed_in_at": now, "last_used": now})
        try:
            self._keychain.set(self._name, Secret(f"{now}\n{password.expose()}"))
        except Failed as error:
            self._ended()
            return f"the keyring refused it ({error.message.removesuffix('.')})"
        return ""

    def load(self) -> Saved | None:
        """The kept sign-in, unless it has expired, which deletes its password.

        An expired one whose keyring is locked is over too; the next look tries again to delete it.

        Raises:
            Failed: the file is not ours, or cannot be used.
        """
        found = self._read()
        if found is None:
            return None
        if not self._enabled or not self._is_open(found):
            self._ended()
            return None
        if self._keychain.available():
            return None  # locked now; it may be open at the next command
        kept = self._keychain.get(self._name)
        moment, _, password = kept.expose().partition("\n") if kept else ("", "", "")
        if not password or moment != found["signed_in_at"]:
            self._ended()
            return None
        return Saved(
            login=found["login"],
            password=Secret(password),
            person_id=found["person_id"],
            signed_in_at=datetime.fromisoformat(found["signed_in_at"]),
        )

    def touch(self) -> None:
        """It was used now."""
        found = self._read()
        if found is not None and self._is_open(found):
            self._write({**found, "last_used": self._clock().isoformat()})

    def forget(self) -> None:
        """Delete the password and what belongs to it; safe when nothing is kept.

        Raises:
            Failed: the keyring would not delete it. The session counts as ended all the same, and the
                next one to look tries again.
        """
        if not os.path.lexists(self._file):
            return  # the file is written before the password is, so there is none
        try:
            self._keychain.delete(self._name)
        except Failed as error:
            self._write({})
            raise Failed(
                f"You are signed out, but your password is still in the keyring. {error.message}",
                hint="Unlock the keyring and run: helpdesk logout",
                code=_STILL_THERE,
            ) from error
        try:
            self._file.unlink(missing_ok=True)
            sync_folder(self._file.parent)
        except OSError as error:
            raise Failed(f"{self._file} cannot be deleted: {error.strerror}.", code="files") from error

    def _ended(self) -> bool:
        """Forget; false when the keyring would not let go of the password."""
        try:
            self.forget()
        except Failed as error:
            if error.code != _STILL_THERE:
                raise
            return False
        return True

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    def _is_open(self, found: dict[str, Any]) -> bool:
        """Not idle too long, not too old, and not from a time that is yet to come (R5)."""
        try:
            begun = datetime.fromisoformat(found["signed_in_at"])
            used = datetime.fromisoformat(found["last_used"])
            known = isinstance(found["login"], str) and isinstance(found["person_id"], str)
            now, none = self._clock(), timedelta(0)
            idle, age = now - used, now - begun
        except (KeyError, TypeError, ValueError):
            return False
        return known and none <= idle < self._idle and none <= age < self._absolute and begun <= used

    def _read(self) -> dict[str, Any] | None:
        """What the file says; an empty dictionary when it says nothing of use, ``None`` without a file."""
        try:
            document = json.loads(read_private(self._file))
        except FileNotFoundError:
            return None
        except ValueError:
            return {}
        usable = isinstance(document, dict) and document.pop("version", None) == VERSION
        return document if usable else {}

    def _write(self, document: dict[str, Any]) -> None:
        write_private(self._file, json.dumps({**document, "version": VERSION}).encode())
