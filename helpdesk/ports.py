"""What the core needs from the outside: protocols that connectors and surfaces implement.

Directory calls are plain, blocking functions; the core runs them in a worker thread with a deadline.
Every method raises the errors of :mod:`helpdesk.errors`, worded for a person, and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from helpdesk.events import Confirmation, Confirmed, Event, Question, Words
from helpdesk.identity import AccountStatus, Actor, Group, PasswordRules, Person
from helpdesk.secrets import Secret
from helpdesk.staffing import ReadsOwners, Staffing
from helpdesk.text import Untrusted

Clock = Callable[[], datetime]
"""Now, in UTC, with a time zone."""

ContactField = Literal["mail", "phone", "title"]


# ── directory ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What kind of directory this is and what it can do; shown by ``helpdesk doctor``.

    Attributes:
        kind: "embedded", "openldap" or "active-directory".
        where: its address, or the file it lives in.
        assertion_control: the server offers RFC 4528, so a write can carry the state it was previewed on.
    """

    kind: str
    where: str
    base: str = ""
    people_base: str = ""
    groups_base: str = ""
    assertion_control: bool = False
    transport: str = ""


class DirectoryReader(ReadsOwners, Protocol):
    """Look-ups with the rights of whoever is bound (nobody, a look-up account, or a person)."""

    def person(self, login: str) -> Person:
        """The one person with this login name.

        Raises:
            NotFound: nobody has it. Ambiguous: more than one entry answers (D6).
        """

    def person_by_id(self, id: str) -> Person: ...

    def person_by_dn(self, dn: str) -> Person: ...

    def find_people(self, words: str, limit: int = 20) -> list[Person]:
        """People whose login, name, mail or employee number contains every word."""

    def people_called(self, name: str) -> list[Person]:
        """Everybody whose login, mail address or employee number is exactly this; two are enough to know."""

    def group(self, name: str) -> Group:
        """The one group with this name (directly under the groups base), or with this DN."""

    def groups(self, limit: int = 1000) -> list[Group]: ...

    def groups_of(self, person: Person) -> list[Group]:
        """Groups that hold the person, nested ones included where the server can tell."""

    def status(self, person: Person) -> AccountStatus:
        """The account's state, read now; parts the reader has no right to see are ``None``."""

    def password_rules(self, person: Person) -> PasswordRules: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Somebody at one moment: their entry, the state of their account, and the groups that hold them."""

    person: Person
    status: AccountStatus
    groups: tuple[Group, ...]


@runtime_checkable
class ReadsMany(Protocol):
    """A reader that can look at many people at once. Whoever it leaves out must be looked at alone."""

    def called(self, names: Sequence[str]) -> Mapping[str, Sequence[Person]]:
        """What ``people_called`` says of each of these names."""

    def snapshots(self, ids: Sequence[str]) -> Mapping[str, Snapshot]:
        """The people with these ids, by id."""


@runtime_checkable
class AtHand(Protocol):
    """A reader that has read some things already, and tells them without waiting for anything."""

    def at_hand(self, kind: Literal["id", "status"], id: str) -> Any | None:
        """The person with this id, or the status of their account; ``None`` where it was not read yet."""


@runtime_checkable
class ProvesMany(Protocol):
    """A directory that can prove many passwords without connecting anew for each."""

    def proving(self) -> AbstractContextManager[None]:
        """While it is open, the connections of :meth:`Directory.accepts` are kept for the next one."""


class DirectorySession(DirectoryReader, Staffing, Protocol):
    """A directory connection bound as one person: the directory's own rights decide what it may do.

    Writes raise ``Refused(code="directory-rights")`` when the server denies them, ``PasswordRejected``
    for its password rules, ``Unreachable(maybe_applied=True)`` when a sent write got no answer, and
    ``Stale`` when the target is no longer the entry with the given id. Servers with RFC 4528 check the id
    in the same operation; for others it is read just before.
    """

    @property
    def me(self) -> Person: ...

    @property
    def must_change(self) -> bool: ...

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences from the sign-in ("your password expires in 3 days")."""

    def change_own_password(self, new: Secret) -> None:
        """Change the bound person's password (RFC 3062 with the old one) and go on bound with the new one."""

    def set_password(self, person: Person, new: Secret, *, must_change: bool) -> None: ...

    def unlock(self, person: Person) -> None: ...

    def set_enabled(self, person: Person, enabled: bool) -> None: ...

    def add_member(self, group: Group, person: Person) -> None:
        """Add; a person who is a member already is not an error."""

    def remove_member(self, group: Group, person: Person) -> None:
        """Remove; a person who is no member is not an error.

        Raises:
            Failed: the group's class allows no empty group and this is its last member.
        """

    def update_contact(self, person: Person, values: Mapping[ContactField, str]) -> None: ...

    def close(self) -> None: ...


class Directory(Protocol):
    """Where people, groups and passwords live."""

    def facts(self) -> DirectoryFacts: ...

    def sign_in(self, login: str, password: Secret) -> DirectorySession:
        """Bind as one person and prove who that is (D4, D7).

        Raises:
            BadCredentials, AccountLocked, AccountDisabled, PasswordExpired, Unreachable.
        """

    def look_up(self) -> DirectoryReader:
        """A reader for when nobody is signed in: anonymous, or bound as the configured look-up account."""

    def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        """Whether a bind with this password succeeds: the proof that a reset took effect.

        A "no" counts against the lockout; call it only with a password that was just set.
        """

    def close(self) -> None: ...


# ── the person at the surface ─────────────────────────────────────────────────────────────────


class Hearing(Protocol):
    """The person at the other end of a surface that may not be sure of their words, as one that listens."""

    def emit(self, event: Event) -> None: ...

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        """Ask for agreement to exactly this.

        Raises:
            Cancelled: the person said no; its ``words`` are what they said instead, if anything.
            UsageError: nobody is there to ask; the message names the flag.
        """

    async def ask(self, question: Question) -> Words:
        """Ask one question; same errors as :meth:`confirm`."""

    async def ask_secret(self, question: Question) -> Secret: ...

    def ensure_can_reveal(self) -> None:
        """Fail now, before anything changes, when a generated secret would have nowhere safe to go."""

    async def reveal(self, secret: Secret, label: str) -> None:
        """Show a generated secret once (S4)."""


class Interaction(Hearing, Protocol):
    """The person at the other end of a surface. The core asks and tells through this, and only this."""

    async def ask(self, question: Question) -> str:
        """Ask one question; same errors as :meth:`confirm`. The words of the answer are certain."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A proven sign-in: who, and the directory connection bound as them."""

    actor: Actor
    directory: DirectorySession


class SignIn(Protocol):
    """The one place where people sign in: binds, proves who it is, reads their roles, and logs it."""

    async def __call__(self, login: str, password: Secret) -> SignedIn:
        """Raises NotSignedIn (and its kinds), Unreachable, LogUnavailable."""


# ── keychain ──────────────────────────────────────────────────────────────────────────────────


class Keychain(Protocol):
    """The operating system's store for secrets; never a file of ours (S6)."""

    def available(self) -> str | None:
        """``None`` when usable; otherwise the reason, as one clause for a person."""

    def get(self, name: str) -> Secret | None: ...

    def set(self, name: str, secret: Secret) -> None: ...

    def delete(self, name: str) -> None: ...


# ── language model ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model proposes. Arguments are raw JSON text until the core has parsed them."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class TextPiece:
    text: Untrusted


@dataclass(frozen=True, slots=True)
class Ended:
    """``reason``: "stop", "tool_calls", "length", or "cut" when the stream broke off (L8)."""

    reason: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model, in the words of the chat completions API."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


class Model(Protocol):
    """A language model behind a chat completions endpoint."""

    @property
    def name(self) -> str: ...

    def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> AsyncIterator[TextPiece | Ended]:
        """Stream one reply; exactly one ``Ended`` comes last.

        Raises:
            Unreachable: no answer, or too many errors, within the time-outs and retries.
        """

    async def close(self) -> None: ...


# ── tickets ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TicketComment:
    author: str
    at: datetime
    text: Untrusted


@dataclass(frozen=True, slots=True)
class Ticket:
    id: str
    subject: Untrusted
    body: Untrusted
    requester: str
    status: Literal["open", "closed"]
    opened: datetime
    comments: tuple[TicketComment, ...] = field(default=())


@runtime_checkable
class Tickets(Protocol):
    """A ticket queue. Writes take an idempotency key: the same key never makes a second effect (R3)."""

    def open(self, subject: str, body: str, requester: str, key: str) -> Ticket: ...

    def comment(self, id: str, author: str, text: str, key: str) -> Ticket: ...

    def close_ticket(self, id: str, author: str, key: str) -> Ticket: ...

    def reopen_ticket(self, id: str, author: str, key: str) -> Ticket: ...

    def get(self, id: str) -> Ticket:
        """Raises NotFound."""

    def by_key(self, key: str) -> Ticket | None:
        """The ticket that ``open`` made for this key: how an interrupted call is probed."""

    def of(self, requester: str) -> list[Ticket]: ...


# ── where the log is known outside ────────────────────────────────────────────────────────────


@runtime_checkable
class CheckpointSink(Protocol):
    """A place outside that keeps signed checkpoints. Attributes: see :class:`EntrySink`."""

    @property
    def address(self) -> str: ...

    @property
    def confirms(self) -> bool: ...

    def send(self, note: bytes) -> None:
        """Hand over one signed note; it arrived when this returns. Raises Unreachable, Failed, ConfigError."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """An entry of the log on its way out.

    Attributes:
        time: RFC 3339, UTC. hash: in hexadecimal. text: one JSON document.
    """

    seq: int
    time: str
    kind: str
    hash: str
    text: str


@runtime_checkable
class EntrySink(Protocol):
    """A place outside that takes every entry.

    Attributes:
        address: as configured; the name that it is shown and remembered by.
        confirms: that something was sent means that it arrived.
    """

    @property
    def address(self) -> str: ...

    @property
    def confirms(self) -> bool: ...

    def send(self, lines: Sequence[LogLine]) -> None:
        """Hand over entries in their order; they all arrived when this returns.

        Raises:
            Unreachable, Failed, ConfigError: perhaps some of them did; they will be sent again.
        """
