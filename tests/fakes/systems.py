"""Real systems under watch: every write is recorded, and each can be made to lie, break, lose or halve.

Wraps any directory and ticket queue behind the ports, so that the same faults meet the embedded directory
and a real server. Nothing here imitates a system: what is read back comes from the system itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal, cast

from helpdesk.errors import Unreachable
from helpdesk.identity import Group, Person
from helpdesk.mail import Kept, Letter, Mail, State
from helpdesk.ports import (
    ContactField,
    Directory,
    DirectoryFacts,
    DirectoryReader,
    DirectorySession,
    Ticket,
    Tickets,
)
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson

DIRECTORY_WRITES = (
    "change_own_password",
    "set_password",
    "unlock",
    "set_enabled",
    "add_member",
    "remove_member",
    "update_contact",
    "create_person",
    "set_manager",
    "set_employment",
    "add_alias",
    "remove_alias",
    "hand_over",
)
TICKET_WRITES = ("open", "comment", "close_ticket", "reopen_ticket")


class Fault(Enum):
    """What goes wrong with a write.

    ``LIE``: success is reported, nothing is written. ``HALVE``: success is reported, half is written.
    ``LOSE_REPLY``: it is written, and the answer never comes. ``BREAK_AFTER``: it is written, then the
    connector breaks. ``DROP``: nothing is written, and no answer comes. ``BREAK_BEFORE``: it breaks first.
    """

    LIE = auto()
    HALVE = auto()
    LOSE_REPLY = auto()
    BREAK_AFTER = auto()
    DROP = auto()
    BREAK_BEFORE = auto()


@dataclass(frozen=True)
class Write:
    """One write: by whom, which method, and on what."""

    by: str
    what: str
    target: str


@dataclass
class Watch:
    """What happened, in its order, and what shall go wrong.

    Attributes:
        writes: those that reached a system. tried: all of them.
        trail: one line for each thing that happened; others add theirs.
        on_write: called before each write.
    """

    fault: Fault | None = None
    writes: list[Write] = field(default_factory=list)
    tried: list[Write] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)
    on_write: Callable[[Write], None] | None = None

    def carry_out(self, write: Write, full: Callable[[], Any], half: Callable[[], Any]) -> Any:
        self.tried.append(write)
        if self.on_write is not None:
            self.on_write(write)
        match self.fault:
            case Fault.LIE:
                return None
            case Fault.DROP:
                raise Unreachable("The connection was lost.", maybe_applied=True)
            case Fault.BREAK_BEFORE:
                raise RuntimeError("the connector broke before it wrote")
        self.trail.append(f"write:{write.what}")
        self.writes.append(write)
        result = half() if self.fault is Fault.HALVE else full()
        if self.fault is Fault.LOSE_REPLY:
            raise Unreachable("The connection was lost.", maybe_applied=True)
        if self.fault is Fault.BREAK_AFTER:
            raise RuntimeError("the connector broke after it had written")
        return result


class WatchedSession:
    """A directory session whose writes are watched; everything else is the session's own."""

    def __init__(self, session: DirectorySession, watch: Watch) -> None:
        self._session = session
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def _write(
        self, what: str, target: str, full: Callable[[], Any], half: Callable[[], Any] | None = None
    ) -> None:
        write = Write(self._session.me.login, what, target)
        self._watch.carry_out(write, full, half or full)

    def change_own_password(self, new: Secret) -> None:
        self._write(
            "change_own_password", self._session.me.login, lambda: self._session.change_own_password(new)
        )

    def set_password(self, person: Person, new: Secret, *, must_change: bool) -> None:
        self._write(
            "set_password",
            person.login,
            lambda: self._session.set_password(person, new, must_change=must_change),
            lambda: self._session.set_password(person, new, must_change=False),
        )

    def unlock(self, person: Person) -> None:
        self._write("unlock", person.login, lambda: self._session.unlock(person))

    def set_enabled(self, person: Person, enabled: bool) -> None:
        self._write("set_enabled", person.login, lambda: self._session.set_enabled(person, enabled))

    def add_member(self, group: Group, person: Person) -> None:
        self._write("add_member", group.name, lambda: self._session.add_member(group, person))

    def remove_member(self, group: Group, person: Person) -> None:
        self._write("remove_member", group.name, lambda: self._session.remove_member(group, person))

    def update_contact(self, person: Person, values: Mapping[ContactField, str]) -> None:
        first = dict(list(values.items())[:1])
        self._write(
            "update_contact",
            person.login,
            lambda: self._session.update_contact(person, values),
            lambda: self._session.update_contact(person, cast(Mapping[ContactField, str], first)),
        )

    def create_person(self, new: NewPerson) -> None:
        self._write("create_person", new.login, lambda: self._session.create_person(new))

    def set_manager(self, person: Person, manager: Person | None) -> None:
        self._write("set_manager", person.login, lambda: self._session.set_manager(person, manager))

    def set_employment(self, person: Person, employment: str) -> None:
        self._write("set_employment", person.login, lambda: self._session.set_employment(person, employment))

    def add_alias(self, person: Person, address: str) -> None:
        self._write("add_alias", person.login, lambda: self._session.add_alias(person, address))

    def remove_alias(self, person: Person, address: str) -> None:
        self._write("remove_alias", person.login, lambda: self._session.remove_alias(person, address))

    def hand_over(self, group: Group, owner: Person, to: Person, *, stays: bool = False) -> None:
        self._write(
            "hand_over",
            group.name,
            lambda: self._session.hand_over(group, owner, to, stays=stays),
            lambda: self._session.hand_over(group, owner, to, stays=True),
        )


class WatchedDirectory:
    """Implements :class:`helpdesk.ports.Directory` over another one."""

    def __init__(self, directory: Directory, watch: Watch) -> None:
        self._directory = directory
        self._watch = watch

    def facts(self) -> DirectoryFacts:
        return self._directory.facts()

    def sign_in(self, login: str, password: Secret) -> DirectorySession:
        session = WatchedSession(self._directory.sign_in(login, password), self._watch)
        return cast(DirectorySession, session)

    def look_up(self) -> DirectoryReader:
        return self._directory.look_up()

    def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        return self._directory.accepts(person, password)

    def close(self) -> None:
        self._directory.close()


class WatchedTickets:
    """Implements :class:`helpdesk.ports.Tickets` over another queue."""

    def __init__(self, tickets: Tickets, watch: Watch) -> None:
        self._tickets = tickets
        self._watch = watch

    def _write(self, by: str, what: str, target: str, full: Callable[[], Ticket]) -> Ticket:
        written = self._watch.carry_out(Write(by, what, target), full, full)
        # what reports success and writes nothing reports a ticket, too
        return written or Ticket("T-0", cast(Any, ""), cast(Any, ""), by, "open", cast(Any, None))

    def open(self, subject: str, body: str, requester: str, key: str) -> Ticket:
        return self._write(
            requester, "open", subject, lambda: self._tickets.open(subject, body, requester, key)
        )

    def comment(self, id: str, author: str, text: str, key: str) -> Ticket:
        return self._write(author, "comment", id, lambda: self._tickets.comment(id, author, text, key))

    def close_ticket(self, id: str, author: str, key: str) -> Ticket:
        return self._write(author, "close_ticket", id, lambda: self._tickets.close_ticket(id, author, key))

    def reopen_ticket(self, id: str, author: str, key: str) -> Ticket:
        return self._write(author, "reopen_ticket", id, lambda: self._tickets.reopen_ticket(id, author, key))

    def get(self, id: str) -> Ticket:
        return self._tickets.get(id)

    def by_key(self, key: str) -> Ticket | None:
        return self._tickets.by_key(key)

    def of(self, requester: str) -> list[Ticket]:
        return self._tickets.of(requester)


class WatchedMail:
    """Sends over another mail, as an action does; everything else is the other one's own."""

    def __init__(self, mail: Mail, watch: Watch) -> None:
        self._mail = mail
        self._watch = watch

    @property
    def reads_back(self) -> bool:
        return self._mail.reads_back

    def send(self, letter: Letter, key: str) -> None:
        write = Write("the desk", "send", letter.to)
        self._watch.carry_out(
            write, lambda: self._mail.send(letter, key), lambda: self._mail.send(letter, key)
        )

    def state(self, key: str) -> State:
        return self._mail.state(key)

    def kept(self, key: str) -> Kept | None:
        return self._mail.kept(key)
