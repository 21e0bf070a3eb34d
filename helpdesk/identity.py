"""Who is asking, and who is acted upon."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Person:
    """Someone in the directory. ``id`` (entryUUID, objectGUID) is the identity; names are labels (D7).

    Attributes:
        aliases: further mail addresses. employment: "left" for who works here no more, or the site's own word.
    """

    id: str
    dn: str
    login: str
    name: str
    mail: str = ""
    employee_number: str = ""
    phone: str = ""
    title: str = ""
    manager_dn: str = ""
    aliases: tuple[str, ...] = ()
    employment: str = ""


@dataclass(frozen=True)
class Group:
    """A group, with the people who decide about it."""

    id: str
    dn: str
    name: str
    description: str = ""
    owner_dns: tuple[str, ...] = ()
    member_dns: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccountStatus:
    """What the directory says about an account now; ``None`` means that it would not tell us.

    Attributes:
        locked_until: when the lock ends by itself; ``None`` with ``locked`` means never, or not told.
        password_changed: last change, UTC. Servers store it with one-second resolution.
    """

    locked: bool | None
    locked_until: datetime | None = None
    enabled: bool | None = True
    must_change: bool | None = None
    password_changed: datetime | None = None
    password_expires: datetime | None = None
    failures: int | None = None


@dataclass(frozen=True)
class PasswordRules:
    """The directory's password policy, as far as it can be read; ``None`` means unknown.

    Attributes:
        failure_window_seconds: a wrong password is forgotten after this time; 0: only with a right one.
    """

    min_length: int | None = None
    history: int | None = None
    max_failures: int | None = None
    failure_window_seconds: int | None = None
    lockout_seconds: int | None = None
    min_age_seconds: int | None = None
    max_age_seconds: int | None = None


@dataclass(frozen=True)
class Actor:
    """The person who is signed in, with what the directory says about them now.

    Attributes:
        roles: role names from ``[roles]`` whose groups hold this person.
        groups: DNs of the groups that hold this person.
        signed_in_at: UTC; how fresh the sign-in is decides about risky actions (R8).
        must_change: the only open action is ``password.change``.
        service: the name of the service identity that this account is declared as, or "".
    """

    person: Person
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    signed_in_at: datetime | None = None
    must_change: bool = False
    notices: tuple[str, ...] = field(default=(), compare=False)
    service: str = ""

    @property
    def login(self) -> str:
        return self.person.login

    @property
    def marks(self) -> dict[str, str]:
        """What every entry of the log about this actor says beside their id."""
        return {"service": self.service} if self.service else {}
