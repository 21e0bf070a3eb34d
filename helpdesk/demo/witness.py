"""A second look at the directory, by another way than the one the program just used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from helpdesk.identity import AccountStatus
from helpdesk.ports import Directory, DirectorySession
from helpdesk.secrets import Secret


class Witness(Protocol):
    """What is in the directory now. It shares nothing with the sessions that made the changes."""

    def locked(self, login: str) -> bool: ...

    def enabled(self, login: str) -> bool: ...

    def must_change(self, login: str) -> bool: ...

    def member(self, login: str, group: str) -> bool: ...

    def phone(self, login: str) -> str: ...


class Colleague:
    """Someone of the service desk who has no part in the story, at a directory opened for them alone.

    Args:
        open_directory: makes that directory. login, password: theirs.
    """

    def __init__(self, open_directory: Callable[[], Directory], login: str, password: Secret) -> None:
        self._open = open_directory
        self._login = login
        self._password = password
        self._at: tuple[Directory, DirectorySession] | None = None

    def _reader(self) -> DirectorySession:
        if self._at is None:
            directory = self._open()
            self._at = directory, directory.sign_in(self._login, self._password)
        return self._at[1]

    def _status(self, login: str) -> AccountStatus:
        reader = self._reader()
        return reader.status(reader.person(login))

    def locked(self, login: str) -> bool:
        return self._status(login).locked is True

    def enabled(self, login: str) -> bool:
        return self._status(login).enabled is True

    def must_change(self, login: str) -> bool:
        return self._status(login).must_change is True

    def member(self, login: str, group: str) -> bool:
        reader = self._reader()
        return reader.person(login).dn in reader.group(group).member_dns

    def phone(self, login: str) -> str:
        return self._reader().person(login).phone

    def close(self) -> None:
        if self._at is not None:
            directory, session = self._at
            self._at = None
            session.close()
            directory.close()
