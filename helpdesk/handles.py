"""The systems as plugin code sees them: each call in a worker thread, with a deadline, on pinned objects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from helpdesk.errors import ConfigError, Failed, Stale, Unreachable
from helpdesk.identity import AccountStatus, Group, PasswordRules, Person
from helpdesk.lanes import in_lane, waited
from helpdesk.mail import Kept, Letter, Mail, State
from helpdesk.ports import AtHand, ContactField, DirectoryReader, DirectorySession, Ticket, Tickets
from helpdesk.secrets import Secret
from helpdesk.staffing import NewPerson

_T = TypeVar("_T")


async def _in_thread(deadline: float, what: str, call: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    try:
        return await asyncio.wait_for(asyncio.to_thread(call, *args, **kwargs), deadline)
    except TimeoutError:
        raise Unreachable(
            f"{what} gave no answer within {deadline:.0f} seconds.", maybe_applied=True
        ) from None


class ReadsBoth(Protocol):
    """A reader that can tell who somebody is and the state of their account in one answer."""

    def person_and_status(self, id: str) -> tuple[Person, AccountStatus] | None:
        """The person with this id, and their account; ``None`` where each must be asked for alone."""


class ReadDirectory:
    """The directory as an action sees it while nothing may change: previews, read-backs and reads.

    People named in the call are pinned: whoever the runner resolved is who comes back, by id (D7).
    """

    def __init__(
        self,
        reader: DirectoryReader,
        pinned_people: Mapping[str, Person],
        pinned_groups: Mapping[str, Group],
        deadline: float = 30.0,
    ) -> None:
        self._reader = reader
        # Told by its one method: isinstance() takes ten times as long, and every row asks three times.
        self._at_hand: AtHand | None = reader if hasattr(reader, "at_hand") else None  # type: ignore[assignment]
        # Nothing may be told from before a change, so who can make one asks for each alone.
        both = hasattr(reader, "person_and_status") and not isinstance(self, WriteDirectory)
        self._both: ReadsBoth | None = reader if both else None  # type: ignore[assignment]
        self._came_along: dict[str, AccountStatus] = {}
        self._people = pinned_people
        self._groups = pinned_groups
        self._deadline = deadline

    async def _call(self, call: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
        if in_lane():  # the directory has deadlines of its own
            return call(*args, **kwargs)
        return await _in_thread(self._deadline, "The directory", call, *args, **kwargs)

    async def person(self, login: str) -> Person:
        """The person now; NotFound when the entry that was named is gone."""
        pinned = self._people.get(login)
        if pinned is not None:
            read: Person | None = self._at_hand.at_hand("id", pinned.id) if self._at_hand else None
            if read is None and self._both is not None:
                read = await self._with_status(pinned.id)
            return read if read is not None else await self._call(self._reader.person_by_id, pinned.id)
        return await self._call(self._reader.person, login)

    async def _with_status(self, id: str) -> Person | None:
        """The state of the account, which is nearly always asked for next, comes along; it is told once."""
        assert self._both is not None
        found = await self._call(self._both.person_and_status, id)
        if found is None:
            return None
        person, self._came_along[id] = found
        return person

    async def person_by_dn(self, dn: str) -> Person:
        return await self._call(self._reader.person_by_dn, dn)

    async def find_people(self, words: str, limit: int = 20) -> list[Person]:
        return await self._call(self._reader.find_people, words, limit)

    async def group(self, name: str) -> Group:
        """The group now, members and owners included; Stale when another group took its name."""
        group = await self._call(self._reader.group, name)
        pinned = self._groups.get(name)
        if pinned is not None and pinned.id != group.id:
            raise Stale(f"The group {name} was replaced by another one of the same name.")
        return group

    async def groups(self, limit: int = 1000) -> list[Group]:
        return await self._call(self._reader.groups, limit)

    async def groups_of(self, person: Person) -> list[Group]:
        return await self._call(self._reader.groups_of, person)

    async def groups_owned(self, person: Person) -> list[Group]:
        """Every group that the person owns, by name."""
        return await self._call(self._reader.groups_owned, person)

    async def people_called(self, name: str) -> list[Person]:
        """Everybody whose login, mail address or employee number is exactly this."""
        return await self._call(self._reader.people_called, name)

    async def status(self, person: Person) -> AccountStatus:
        read: AccountStatus | None = self._at_hand.at_hand("status", person.id) if self._at_hand else None
        read = self._came_along.pop(person.id, read)
        return read if read is not None else await self._call(self._reader.status, person)

    async def password_rules(self, person: Person) -> PasswordRules:
        return await self._call(self._reader.password_rules, person)


class WriteDirectory(ReadDirectory):
    """The directory while an action is carried out, with the rights of whoever carries it out."""

    def __init__(
        self,
        session: DirectorySession,
        pinned_people: Mapping[str, Person],
        pinned_groups: Mapping[str, Group],
        deadline: float = 30.0,
        look: DirectoryReader | None = None,
        password_set: Callable[[Person], None] | None = None,
    ) -> None:
        super().__init__(look or session, pinned_people, pinned_groups, deadline)
        self._session = session
        self._password_set = password_set

    async def change_own_password(self, new: Secret) -> None:
        await self._call(self._session.change_own_password, new)

    async def set_password(self, person: Person, new: Secret, *, must_change: bool) -> None:
        await self._call(self._session.set_password, person, new, must_change=must_change)
        if self._password_set is not None:
            await waited(self._password_set, person)

    async def unlock(self, person: Person) -> None:
        await self._call(self._session.unlock, person)
        if self._password_set is not None:
            await waited(self._password_set, person)

    async def set_enabled(self, person: Person, enabled: bool) -> None:
        await self._call(self._session.set_enabled, person, enabled)

    async def add_member(self, group: Group, person: Person) -> None:
        await self._call(self._session.add_member, group, person)

    async def remove_member(self, group: Group, person: Person) -> None:
        await self._call(self._session.remove_member, group, person)

    async def update_contact(self, person: Person, values: Mapping[ContactField, str]) -> None:
        await self._call(self._session.update_contact, person, values)

    async def create_person(self, new: NewPerson) -> None:
        await self._call(self._session.create_person, new)

    async def set_manager(self, person: Person, manager: Person | None) -> None:
        await self._call(self._session.set_manager, person, manager)

    async def set_employment(self, person: Person, employment: str) -> None:
        await self._call(self._session.set_employment, person, employment)

    async def add_alias(self, person: Person, address: str) -> None:
        await self._call(self._session.add_alias, person, address)

    async def remove_alias(self, person: Person, address: str) -> None:
        await self._call(self._session.remove_alias, person, address)

    async def hand_over(self, group: Group, owner: Person, to: Person, *, stays: bool = False) -> None:
        await self._call(self._session.hand_over, group, owner, to, stays=stays)


class ReadTickets:
    """The ticket queue while nothing may change."""

    def __init__(self, tickets: Tickets, deadline: float = 30.0) -> None:
        self._tickets = tickets
        self._deadline = deadline

    async def _call(self, call: Callable[..., _T], *args: Any) -> _T:
        return await _in_thread(self._deadline, "The ticket queue", call, *args)

    async def get(self, id: str) -> Ticket:
        return await self._call(self._tickets.get, id)

    async def by_key(self, key: str) -> Ticket | None:
        return await self._call(self._tickets.by_key, key)

    async def of(self, requester: str) -> list[Ticket]:
        return await self._call(self._tickets.of, requester)


class WriteTickets(ReadTickets):
    """The ticket queue while an action is carried out; ``key`` is the call's idempotency key (R3)."""

    async def open(self, subject: str, body: str, requester: str, key: str) -> Ticket:
        return await self._call(self._tickets.open, subject, body, requester, key)

    async def comment(self, id: str, author: str, text: str, key: str) -> Ticket:
        return await self._call(self._tickets.comment, id, author, text, key)

    async def close(self, id: str, author: str, key: str) -> Ticket:
        return await self._call(self._tickets.close_ticket, id, author, key)

    async def reopen(self, id: str, author: str, key: str) -> Ticket:
        return await self._call(self._tickets.reopen_ticket, id, author, key)


class ReadMail:
    """What is known of letters that were handed over, while nothing may be sent."""

    def __init__(self, mail: Mail | None, deadline: float = 90.0) -> None:
        self._mail = mail
        self._deadline = deadline

    async def _call(self, call: Callable[..., _T], *args: Any) -> _T:
        return await _in_thread(self._deadline, "The mail server", call, *args)

    @property
    def _there(self) -> Mail:
        if self._mail is None:
            raise ConfigError(
                "No mail server is configured, so nothing can be sent.",
                hint="An administrator sets [mail] url and sender.",
            )
        return self._mail

    def ensure(self) -> None:
        """Raises ConfigError where no mail server is configured."""
        _ = self._there

    @property
    def reads_back(self) -> bool:
        """Letters can be read once they were handed over."""
        return self._there.reads_back

    async def state(self, key: str) -> State:
        return await self._call(self._there.state, key)

    async def kept(self, key: str) -> Kept | None:
        return await self._call(self._there.kept, key)


class WriteMail(ReadMail):
    """Mail while an action is carried out; ``key`` is the call's idempotency key (R3)."""

    async def send(self, person: Person, subject: str, body: str, key: str) -> None:
        """A letter to somebody at the address that the directory has of them."""
        if not person.mail:
            raise Failed(
                f"{person.name} has no mail address in the directory.",
                hint="Set one there first.",
                code="no-address",
            )
        await self._call(self._there.send, Letter(person.mail, person.name, subject, body), key)
