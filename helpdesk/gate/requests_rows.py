"""Sealed rows of requests: how they are found, opened and proven."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from helpdesk.database import Row, Session
from helpdesk.errors import NotFound, Refused
from helpdesk.gate.requests_schema import RELEASED
from helpdesk.gate.sealed import (
    Decision,
    Request,
    RequestState,
    Signer,
    open_decision,
    opened,
    read_request,
    tampered,
)
from helpdesk.ports import Clock

COLUMNS = "r.id, r.nonce, r.document, r.seal, r.steps"
ALL = f"SELECT {COLUMNS} FROM requests r"  # noqa: S608 - our own words
_REMEMBERED = 4096
_AT_ONCE = 200
"""Rows that are opened together: one question for the decisions of all of them."""
_INDEXED, _UNREADABLE = 1, 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listing:
    """A question that finds requests in an order, a page after the other.

    Attributes:
        sql: ends where "AND" may follow. order: its two columns, the second unique. newest: descending.
    """

    sql: str
    values: tuple[object, ...]
    order: str
    newest: bool = False

    def page(self, after: tuple[object, ...], many: int) -> tuple[str, tuple[object, ...]]:
        """The rows after some place in the order; ``after`` is empty at the beginning."""
        first, second = self.order.split(", ")
        down = " DESC" if self.newest else ""
        beyond = f" AND ({first}, {second}) {'<' if self.newest else '>'} (?, ?)" if after else ""
        text = f"{self.sql}{beyond} ORDER BY {first}{down}, {second}{down} LIMIT ?"
        return text, (*self.values, *after, many)


def microseconds(moment: datetime) -> int:
    """Since 1970, UTC: a number that sorts alike in every database."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def waiting_for(people: Sequence[str], now: datetime) -> Listing:
    marks = ", ".join("?" for _ in people)
    return Listing(
        f"SELECT {COLUMNS}, w.ends FROM request_waits w JOIN requests r ON r.id = w.id "  # noqa: S608
        f"WHERE w.person IN ({marks}) AND w.waits = 1 AND w.ends > ?",
        (*people, microseconds(now)),
        "w.ends, w.id",
    )


def made_by(person: str) -> Listing:
    return Listing(
        f"SELECT {COLUMNS}, r.made FROM requests r WHERE r.requester = ?",  # noqa: S608
        (person,),
        "r.made, r.id",
        newest=True,
    )


def open_by(person: str) -> Listing:
    return Listing(
        f"SELECT {COLUMNS}, r.ends FROM requests r "  # noqa: S608
        f"WHERE r.requester = ? AND r.last IN ('{RELEASED}', 'claimed', 'approved')",
        (person,),
        "r.ends, r.id",
    )


def approved() -> Listing:
    """Requests that wait for a worker to take them."""
    return Listing(f"SELECT {COLUMNS}, r.ends FROM requests r WHERE r.last = 'approved'", (), "r.ends, r.id")  # noqa: S608


def standing(last: str, after: datetime | None = None) -> Listing:
    """Requests whose last decision this is, and that end after some time."""
    return Listing(
        f"SELECT {COLUMNS}, r.ends FROM requests r "  # noqa: S608
        "WHERE r.last = ? AND r.last IN ('released', 'claimed') AND r.ends > ?",
        (last, microseconds(after) if after else 0),
        "r.ends, r.id",
    )


class Remembering:
    """A signer that proves the same seal of the same words once: a list that is looked at again is cheap."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._proven: dict[bytes, None] = {}

    def sign(self, message: bytes, /) -> bytes:
        return self._signer.sign(message)

    def sealed_by(self, seal: bytes, /) -> str:
        return self._signer.sealed_by(seal)

    def verify(self, message: bytes, signature: bytes, /) -> bool:
        both = hashlib.sha256(len(signature).to_bytes(4, "big") + signature + message).digest()
        if both in self._proven:
            return True
        proven = self._signer.verify(message, signature)
        if proven:
            if len(self._proven) >= _REMEMBERED:
                self._proven.pop(next(iter(self._proven)), None)
            self._proven[both] = None
        return proven


class SealedRows:
    """Opens rows. What comes out is as it was written, or it is refused.

    Args:
        clock: now, in UTC. signer: says whose seals count.
    """

    def __init__(self, clock: Clock, signer: Signer) -> None:
        self._clock = clock
        self._signer: Signer = Remembering(signer)

    def load(self, session: Session, id: str) -> Request:
        """One request. Raises NotFound; Refused ("sealed") when anything of it was altered."""
        row = session.one(f"{ALL} WHERE r.id = ?", id.strip().upper())
        if row is None:
            raise _missing(id)
        return self._read(row, self._decisions(session, [row])[row[1]])

    def opened(self, session: Session, rows: Iterable[Row]) -> tuple[list[Request], list[str]]:
        """The requests of some rows, in their order, and the ids of those that were altered."""
        intact, altered = [], []
        rows = list(rows)
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            decisions = self._decisions(session, some)
            for row in some:
                try:
                    intact.append(self._read(row, decisions[row[1]]))
                except Refused:
                    altered.append(str(row[0]))
        return intact, altered

    def listed(
        self,
        session: Session,
        listing: Listing,
        wanted: Callable[[Request], bool],
        *,
        limit: int | None = None,
        after: str = "",
    ) -> list[Request]:
        """What a listing finds and proves to be wanted.

        Args:
            limit: no more than so many. after: id of the request that the page before ended with.
        """
        found: dict[str, Request] = {}
        place = self._place(session, listing, after)
        while limit is None or len(found) < limit:
            many = _AT_ONCE if limit is None else min(_AT_ONCE, limit - len(found) + 8)
            sql, values = listing.page(place, many)
            rows = session.all(sql, *values)
            for request in self.opened(session, (row[:5] for row in rows))[0]:
                if wanted(request) and (limit is None or len(found) < limit):
                    found.setdefault(request.id, request)
            if len(rows) < many:
                break
            place = (rows[-1][5], rows[-1][0])
        return list(found.values())

    def altered(self, session: Session) -> list[str]:
        """Ids of all that were altered; every row is opened."""
        found: list[str] = []
        last = ""
        while rows := session.all(f"{ALL} WHERE r.id > ? ORDER BY r.id LIMIT ?", last, _AT_ONCE):
            found += self.opened(session, rows)[1]
            last = rows[-1][0]
        return found

    # ── what narrows a search ─────────────────────────────────────────────────────────────────

    def complete(self, session: Session) -> bool:
        """No older program stored something that lists would not find."""
        return session.one("SELECT 1 FROM requests WHERE indexed = 0 LIMIT 1") is None

    def index_rest(self, session: Session) -> None:
        """Let lists find what was stored and is not found yet, as it says of itself; nothing is proven by that."""
        last: object = ""
        query = "SELECT id, document, last FROM requests WHERE indexed = 0 AND id > ? ORDER BY id LIMIT ?"
        while found := session.all(query, last, _AT_ONCE):
            for id, text, decided in found:
                try:
                    _index(session, id, json.loads(text), waits=int(decided == RELEASED))
                except (ValueError, TypeError, KeyError):
                    session.run("UPDATE requests SET indexed = ? WHERE id = ?", _UNREADABLE, id)
            last = found[-1][0]

    def _place(self, session: Session, listing: Listing, after: str) -> tuple[object, ...]:
        if not after:
            return ()
        column = listing.order.split(", ")[0].partition(".")[2]
        row = session.one(f"SELECT {column}, id FROM requests WHERE id = ?", after.strip().upper())  # noqa: S608
        if row is None:
            raise _missing(after)
        return row

    # ── opening ───────────────────────────────────────────────────────────────────────────────

    def _read(self, row: Row, stored: Sequence[Row]) -> Request:
        """One row, with every decision about it. Raises Refused ("sealed") when anything was altered."""
        id, nonce, text, signature, steps = row
        try:
            document = opened(self._signer, text, signature)
            decisions = [self._decision(one) for one in stored]
            numbers = [decision.step for decision in decisions]
            if (document["id"], document["call"]["nonce"]) != (id, nonce):
                raise tampered(str(id))
            if numbers != list(range(1, len(numbers) + 1)) or steps != len(numbers):
                raise tampered(str(id))
        except Refused as error:
            raise tampered(str(id)) from error
        last = decisions[-1] if decisions else None
        request = read_request(document, text, RequestState.PENDING, decisions)
        return replace(request, state=self._state(request, last))

    def _decisions(self, session: Session, rows: Sequence[Row]) -> dict[object, list[Row]]:
        """The stored decisions of some requests, in their order, by nonce."""
        marks = ", ".join("?" for _ in rows)
        found: dict[object, list[Row]] = defaultdict(list)
        for one in session.all(
            f"SELECT nonce, step, what, document, seal FROM decisions WHERE nonce IN ({marks}) ORDER BY step",  # noqa: S608
            *(row[1] for row in rows),
        ):
            found[one[0]].append(one)
        return found

    def _decision(self, row: Row) -> Decision:
        nonce, step, what, text, signature = row
        decision = open_decision(self._signer, text, signature)
        if (decision.nonce, decision.step, decision.what) != (nonce, step, what):
            raise tampered()
        return decision

    def _state(self, request: Request, last: Decision | None) -> RequestState:
        if last is not None and last.what != RELEASED:
            return RequestState(last.what)
        return RequestState.PENDING if self._in_time(request) else RequestState.EXPIRED

    def _in_time(self, request: Request) -> bool:
        """A clock from before the request was made proves nothing, so that the request counts as expired."""
        return request.created <= self._clock().astimezone(UTC) < request.expires


def _missing(id: str) -> NotFound:
    return NotFound(f"There is no request {id!r}.", hint="helpdesk approvals list shows the open ones.")


def _index(session: Session, id: object, document: dict[str, Any], *, waits: int) -> None:
    """Raises ValueError, TypeError, KeyError for a document that is none."""
    call = document["call"]
    made, ends = (microseconds(datetime.fromisoformat(call[name])) for name in ("created", "expires"))
    people = dict.fromkeys(str(person) for person, _ in document["approvers"])
    session.run(
        "UPDATE requests SET requester = ?, made = ?, ends = ?, indexed = ? WHERE id = ?",
        str(call["requester_id"]), made, ends, _INDEXED, id,
    )  # fmt: skip
    for person in people:
        session.run(
            "INSERT INTO request_waits (id, person, waits, ends) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id, person) DO UPDATE SET waits = excluded.waits, ends = excluded.ends",
            id, person, waits, ends,
        )  # fmt: skip
