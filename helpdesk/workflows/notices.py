"""Who is told what, and when: of requests that wait and that were decided, of access that ends, of changed accounts.

A notice is a few plain values. What it says is read when it is sent, so that it is true then. Each has an id of its
own: the same event told twice is one notice. Nobody is flooded: three requests that wait are told one by one, more of
them together, once an hour (V7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from helpdesk.actions.grant import Grant
from helpdesk.engine import Document, Engine, Run
from helpdesk.gate.requests import Request, Requests, RequestState
from helpdesk.gate.routing import escalation, needs
from helpdesk.identity import Person
from helpdesk.ports import Clock

KIND = "notice"
ASKS_AT_ONCE = 3
"""Requests that wait for one person, of each of which they are told alone (V7)."""
EVENTS_AT_ONCE = 10
"""Likewise, requests of one person in an hour, of the end of each of which they are told alone."""
_HOUR = timedelta(hours=1)
AHEAD = timedelta(days=1)
"""How long before access ends it is said."""
_SHORTEST = timedelta(hours=4)


class Told(StrEnum):
    """What a notice is about."""

    WAITS = "request-waits"
    APPROVED = "request-approved"
    DENIED = "request-denied"
    DONE = "request-done"
    FAILED = "request-failed"
    STALE = "request-stale"
    UNKNOWN = "request-unknown"
    MANY_WAIT = "requests-wait"
    MANY_ENDED = "requests-ended"
    ENDS_SOON = "access-ends-soon"
    ENDED = "access-ended"
    OVERDUE = "access-overdue"
    CHANGED = "account-changed"


_OF_STATE = {
    RequestState.APPROVED: Told.APPROVED,
    RequestState.DENIED: Told.DENIED,
    RequestState.DONE: Told.DONE,
    RequestState.FAILED: Told.FAILED,
    RequestState.STALE: Told.STALE,
    RequestState.PARTIAL: Told.FAILED,
    RequestState.UNKNOWN: Told.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that one person is told.

    Attributes:
        id: the same for the same thing. about: the id of a request or a grant, or the name of an action.
        to: the person's permanent id, or "" for whoever is reached at ``addresses`` alone.
        addresses: where they are told; empty: where the directory says.
        facts: lines that are known now, and may not be read later.
        at: not before then; ``None``: at once.
    """

    id: str
    told: Told
    about: str
    to: str
    name: str = ""
    addresses: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    at: datetime | None = field(default=None, compare=False)

    def document(self) -> Document:
        plain = asdict(self)
        del plain["at"]
        return plain | {
            "told": self.told.value,
            "addresses": list(self.addresses),
            "facts": list(self.facts),
        }

    def run(self) -> Run:
        return Run(self.id, KIND, self.document(), at=self.at)


def notice_from(document: Document) -> Notice:
    """Raises ValueError, KeyError, TypeError: it is none of ours."""
    fields: dict[str, Any] = dict(document)
    fields["told"] = Told(fields["told"])
    fields |= {name: tuple(map(str, fields[name])) for name in ("addresses", "facts")}
    return Notice(**fields)


class Post(Protocol):
    """Takes notices on; it raises nothing: what is told never fails because of it."""

    def __call__(self, notice: Notice) -> None: ...


@dataclass(frozen=True, slots=True)
class Notices:
    """Decides who is told. Every method is blocking, and raises nothing of its own.

    Args:
        requests: to see how many wait for somebody. operator: the address of whoever looks after the program, or "".
    """

    post: Post
    requests: Requests
    clock: Clock
    operator: str = ""

    # ── requests ──────────────────────────────────────────────────────────────────────────────

    def request(self, request: Request) -> None:
        """A request was made, or came to stand somewhere else."""
        if request.state is RequestState.PENDING:
            late = escalation(request)
            first = {id for need in needs(request) for id in need.people}
            for id, name in zip(request.approver_ids, request.approver_names, strict=False):
                self._asked(request, id, name, late.at if late is not None and id not in first else None)
        elif (told := _OF_STATE.get(request.state)) is not None:
            self._answered(request, told)

    def _asked(self, request: Request, approver: str, name: str, at: datetime | None) -> None:
        """``at``: when they are asked, where that is only once nobody else has answered."""
        waiting = len(self.requests.waiting_for(approver, limit=ASKS_AT_ONCE + 1))
        if waiting <= ASKS_AT_ONCE:
            self.post(self._of(Told.WAITS, request.id, approver, name, at=at))
        else:
            self._together(Told.MANY_WAIT, approver, name)

    def _answered(self, request: Request, told: Told) -> None:
        requester, login = request.call.requester_id, request.call.requester_login
        if request.decided_by == requester:
            return
        lately = self.requests.made_by(requester, limit=EVENTS_AT_ONCE + 1)
        since = self.clock() - _HOUR
        if len(lately) > EVENTS_AT_ONCE and datetime.fromisoformat(lately[-1].call.created) > since:
            self._together(Told.MANY_ENDED, requester, login)
        else:
            self.post(self._of(told, request.id, requester, login))

    def _together(self, told: Told, person: str, name: str) -> None:
        """One for all that happens until the hour is full; many events are the one notice."""
        now = self.clock()
        full = now.replace(minute=0, second=0, microsecond=0) + _HOUR
        self.post(self._of(told, f"{full:%Y%m%d%H}", person, name, at=full))

    # ── access that ends ──────────────────────────────────────────────────────────────────────

    def granted(self, grant: Grant) -> None:
        """Something was given that ends: whoever has it is told in time."""
        length = grant.ends - grant.given
        if length < _SHORTEST:
            return  # they will remember
        at = grant.ends - min(AHEAD, length / 4)
        self.post(self._of(Told.ENDS_SOON, grant.id, grant.person.id, _called(grant), at=at))

    def ended(self, grant: Grant, how: str) -> None:
        self.post(self._of(Told.ENDED, grant.id, grant.person.id, _called(grant), facts=(how,)))

    def overdue(self, grant: Grant, why: str, owners: Iterable[Person] = ()) -> None:
        """Something should be gone and is not: whoever has it, the owners and the operator are told."""
        for id, name in {grant.person.id: _called(grant), **{one.id: one.name for one in owners}}.items():
            self.post(self._of(Told.OVERDUE, grant.id, id, name, facts=(why,)))
        if self.operator:
            self.post(self._of(Told.OVERDUE, grant.id, "", "", addresses=(self.operator,), facts=(why,)))

    # ── accounts ──────────────────────────────────────────────────────────────────────────────

    def changed(
        self, person: Person, action: str, key: str, facts: Sequence[str], more: Sequence[str] = ()
    ) -> None:
        """Somebody's account was changed: they are told at every address they have and had (I5).

        Args:
            more: addresses that are theirs since the change.
        """
        every = dict.fromkeys(one for one in (person.mail, *person.aliases, *more) if one)
        for address in every:
            notice = self._of(
                Told.CHANGED,
                action,
                person.id,
                person.name,
                addresses=(address,),
                facts=tuple(facts),
                key=key,
            )
            self.post(notice)

    def _of(
        self,
        told: Told,
        about: str,
        to: str,
        name: str,
        *,
        at: datetime | None = None,
        addresses: tuple[str, ...] = (),
        facts: tuple[str, ...] = (),
        key: str = "",
    ) -> Notice:
        said = "\n".join((told, about, to, key, *addresses))
        id = f"N-{hashlib.sha256(said.encode()).hexdigest()[:24]}"
        return Notice(id, told, about, to, name, addresses, facts, at)


def _called(grant: Grant) -> str:
    return grant.person.title or grant.person.name


class Durable:
    """Implements :class:`Post` with the engine: a worker sends it, however long the mail server is away.

    Args:
        failed: told what could not be asked for. wake: sees to it that a worker goes on.
    """

    def __init__(
        self,
        engine: Callable[[], Engine],
        failed: Callable[[Notice, Exception], None],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._failed = failed
        self._wake = wake

    def __call__(self, notice: Notice) -> None:
        try:
            self._engine().start(notice.run())
            self._wake()
        except Exception as error:  # noqa: BLE001 - whatever it is, what was to be told about stands
            self._failed(notice, error)
