"""Looking at requests: lists that find by plain columns and show what was opened and proven."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from helpdesk.database import Database
from helpdesk.database.sqlite import SqliteDatabase
from helpdesk.gate import requests_rows as rows
from helpdesk.gate.codes import check_code, split
from helpdesk.gate.delegations import Delegations
from helpdesk.gate.requests_schema import RELEASED
from helpdesk.gate.routing import may_answer
from helpdesk.gate.schema import FAMILIES
from helpdesk.gate.sealed import Request, RequestState, Signer
from helpdesk.ports import Clock

_OPEN = (RequestState.PENDING, RequestState.APPROVED, RequestState.CLAIMED)
_CLAIMED = RequestState.CLAIMED.value


class Looking:
    """The half of :class:`helpdesk.gate.requests.Requests` that changes nothing.

    Args: as there.
    """

    def __init__(self, store: Path | Database, clock: Clock, signer: Signer) -> None:
        self._store: Database = (
            SqliteDatabase(store / "requests.db", FAMILIES) if isinstance(store, Path) else store
        )
        self._clock = clock
        self._signer = signer
        self._rows = rows.SealedRows(clock, signer)

    def get(self, id: str) -> Request:
        """One request, by its id or the code of a message about it, in upper or lower case.

        Raises:
            NotFound. Refused: it was altered ("sealed"), or the code is another's ("wrong-code").
        """
        id, check = split(id)
        with self._store.reading() as session:
            request = self._rows.load(session, id)
        check_code(request, check)
        return request

    def waiting_for(self, *people: str, limit: int | None = None, after: str = "") -> list[Request]:
        """Open requests that one of these people may decide; what ends first comes first.

        Args:
            people: their ids. limit, after: a page, and the id of the request that the page before ended with.
        """

        def wanted(request: Request) -> bool:
            now = self._now()
            return request.state is RequestState.PENDING and any(
                may_answer(request, person, now) for person in people if person in request.approver_ids
            )

        return self._listed(rows.waiting_for(people, self._now()), wanted, limit, after)

    def inbox(self, person_id: str, *, limit: int | None = None, after: str = "") -> list[Request]:
        """What waits for this person: for their own yes, or for that of somebody for whom they stand in now."""
        givers = [one.giver for one in self.delegations.stands_in_for(person_id)]
        found = self.waiting_for(person_id, *givers, limit=limit, after=after)
        return [request for request in found if request.call.requester_id not in (person_id, *givers)]

    @property
    def delegations(self) -> Delegations:
        """Who stands in for whom; in the same store."""
        return Delegations(self._store, self._clock, self._signer)

    def made_by(self, person_id: str, *, limit: int | None = None, after: str = "") -> list[Request]:
        """Everything this person asked for, newest first; ``limit`` and ``after`` as :meth:`waiting_for`."""

        def wanted(request: Request) -> bool:
            return request.call.requester_id == person_id

        return self._listed(rows.made_by(person_id), wanted, limit, after)

    def open_by(self, person_id: str) -> list[Request]:
        """What this person asked for and nobody has ended; what ends first comes first."""

        def wanted(request: Request) -> bool:
            return request.state in _OPEN and request.call.requester_id == person_id

        return self._listed(rows.open_by(person_id), wanted)

    def all_pending(self) -> list[Request]:
        """Open requests that have not expired, oldest first; altered ones are left out (:meth:`altered`)."""
        return self._listed(
            rows.standing(RELEASED, self._now()), lambda request: request.state is RequestState.PENDING
        )

    def count_pending(self) -> int:
        """How many seem to be open; nothing is opened to tell."""
        with self._store.reading() as session:
            row = session.one(
                "SELECT count(*) FROM requests WHERE last = ? AND ends > ?",
                RELEASED, rows.microseconds(self._now()),
            )  # fmt: skip
        return int(row[0]) if row else 0

    def claimed(self) -> list[Request]:
        """Requests whose approver began to carry them out and did not end; normally none for long."""
        return self._listed(rows.standing(_CLAIMED), lambda request: request.state is RequestState.CLAIMED)

    def approved(self) -> list[Request]:
        """Requests that everybody needed said yes to and no worker has taken; what ends first comes first."""
        return self._listed(rows.approved(), lambda request: request.state is RequestState.APPROVED)

    def altered(self) -> list[str]:
        """Ids of stored requests whose seal does not match; for ``helpdesk doctor``."""
        with self._store.reading() as session:
            return self._rows.altered(session)

    def marks(self) -> tuple[int, ...]:
        """Changes whenever any process wrote a request or a decision; nothing is opened to tell."""
        return self._store.marks()

    def _listed(
        self,
        listing: rows.Listing,
        wanted: Callable[[Request], bool],
        limit: int | None = None,
        after: str = "",
    ) -> list[Request]:
        with self._store.reading() as session:
            if self._rows.complete(session):
                return self._rows.listed(session, listing, wanted, limit=limit, after=after)
        self._find_all()
        with self._store.reading() as session:
            return self._rows.listed(session, listing, wanted, limit=limit, after=after)

    def _find_all(self) -> None:
        """An older program beside this one stores requests that lists would not find."""
        with self._store.writing("requests index") as session:
            self._rows.index_rest(session)

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)
