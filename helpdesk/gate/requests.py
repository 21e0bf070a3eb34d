"""Pending requests: they wait, sealed, until one of their approvers decides, once (V1, V2, V4, V7).

Nothing here is ever changed or taken away: where a request stands follows from the decisions about it, each
of them signed, numbered and unique. Two approvers who decide at once cannot both write the same number.
Restoring an old copy of the whole store is not seen here; the log of outcomes, which the runner asks, sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from helpdesk.database import Database, Duplicate, Session, StoreUnreachable, Unsure, settled
from helpdesk.errors import Refused
from helpdesk.events import Change
from helpdesk.gate import requests_rows as rows
from helpdesk.gate.codes import split
from helpdesk.gate.requests_looking import Looking
from helpdesk.gate.requests_schema import RELEASED
from helpdesk.gate.requests_words import closed, own_request, too_many
from helpdesk.gate.routing import open_needs
from helpdesk.gate.sealed import (
    Approval,
    Decision,
    Request,
    RequestState,
    SealedCall,
    Signer,
    decision_document,
    new_id,
    request_document,
    seal,
    tampered,
)
from helpdesk.identity import Person
from helpdesk.ports import Clock

__all__ = ["Request", "RequestState", "Requests", "SealedCall", "Signer"]

LIFETIME = timedelta(days=14)
MAX_PENDING = 3
"""Requests of one person that may wait for one approver at a time (V7)."""
_FINAL = (
    RequestState.DONE,
    RequestState.FAILED,
    RequestState.UNKNOWN,
    RequestState.DENIED,
    RequestState.STALE,
    RequestState.PARTIAL,
)
_BEGUN = (RequestState.CLAIMED, RequestState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, where the request does not name them.

    Attributes:
        name: as people call them. instead_of: the id of the approver for whom they stand in.
    """

    name: str = ""
    instead_of: str = ""


NOBODY_ELSE = Decider()


class Requests(Looking):
    """The requests of this machine, or of a company.

    Args:
        store: the database, or the folder where a file of this machine's lives.
        clock: now, in UTC. signer: the host's key, and whose seals count.

    Every method raises Unreachable or ``Failed`` (code "requests-unavailable") when the store cannot be used.
    """

    def __init__(self, store: Path | Database, clock: Clock, signer: Signer) -> None:
        super().__init__(store, clock, signer)
        self.told: Callable[[Request], None] = _nobody
        """Told of each request that was made or came to stand somewhere else; it raises nothing."""

    # ── asking ────────────────────────────────────────────────────────────────────────────────

    def create(
        self, call: SealedCall, changes: Sequence[Change], approvers: Sequence[Person], reason: str
    ) -> Request:
        """Seal a call and let it wait for its approvers, for two weeks.

        Raises:
            Refused: nobody could approve it, the requester is among the approvers (V2), or one of them
                has enough requests of this person to decide already ("too-many-requests").
        """
        if not approvers:
            raise Refused("Nobody could approve this request, so it was not made.", rule="no-approver")
        if call.requester_id in {person.id for person in approvers}:
            raise own_request()
        now = self._now()
        call = replace(call, created=now.isoformat(), expires=(now + LIFETIME).isoformat())
        about = f"requests of {call.requester_id}"
        try:
            with self._store.writing(about) as session:
                self._leave_room(session, call.requester_id, approvers)
                made = self._store_new(session, call, changes, approvers, reason)
        except Duplicate as error:
            raise Refused("This call waits for approval already.", code="already-requested") from error
        except Unsure as lost:
            made = _kept(lost, settled(self._store, about, lambda session: self._made(session, call.nonce)))
        self.told(made)
        return made

    def _store_new(
        self,
        session: Session,
        call: SealedCall,
        changes: Sequence[Change],
        approvers: Sequence[Person],
        reason: str,
    ) -> Request:
        id = new_id()
        while session.one("SELECT 1 FROM requests WHERE id = ?", id):
            id = new_id()
        document = request_document(id, call, changes, approvers, reason)
        session.run(
            "INSERT INTO requests (id, nonce, document, seal) VALUES (?, ?, ?, ?)",
            id, call.nonce, document, seal(self._signer, document),
        )  # fmt: skip
        self._rows.index_rest(session)
        return self._rows.load(session, id)

    def _made(self, session: Session, nonce: str) -> Request | None:
        row = session.one("SELECT id FROM requests WHERE nonce = ?", nonce)
        return self._rows.load(session, row[0]) if row else None

    def withdraw(self, id: str, requester_id: str) -> None:
        """Take one's own request back. Raises Refused for anyone else's, and when it is decided already."""

        def check(request: Request) -> None:
            if request.call.requester_id != requester_id:
                raise Refused(
                    f"Request {request.id} was made by {request.call.requester_login}; nobody else withdraws it.",
                    rule="not-the-requester",
                )

        still = (RequestState.PENDING, RequestState.APPROVED)
        self._decide(id, RequestState.WITHDRAWN, requester_id, check, after=still)

    # ── deciding ──────────────────────────────────────────────────────────────────────────────

    def claim(self, id: str, approver_id: str, by: Decider = NOBODY_ELSE) -> Request:
        """Make a request this approver's to carry out: of any number who try at once, one succeeds (V4).

        Raises:
            Refused: "already-decided", "expired", "sealed"; or they may not decide this one (V1, V2).
        """
        return self._decide(id, RequestState.CLAIMED, approver_id, _may_decide(approver_id, by), decider=by)

    def approve(self, id: str, approval: Approval, by: Decider = NOBODY_ELSE) -> Request:
        """Add a yes. Once nobody else is needed the request is ``APPROVED``, for a worker to carry out.

        Raises:
            Refused: as :meth:`claim` says; they said yes before; or it is a yes to something else ("sealed").
        """

        def check(request: Request) -> None:
            _may_decide(approval.approver, by)(request)
            if approval.plan != request.digest:
                raise tampered(request.id)
            if approval.approver in {one.approver for one in request.approvals if one.good_at(self._now())}:
                raise Refused(
                    f"You approved request {request.id} already; it waits for somebody else, too.",
                    code="already-decided",
                )

        def what(request: Request) -> str:
            yes = (*request.approvals, approval)
            return RELEASED if open_needs(request, yes, self._now()) else RequestState.APPROVED

        return self._decide(id, what, approval.approver, check, decider=by, approval=approval)

    def take(self, id: str) -> Request:
        """Make an approved request a worker's; again is once. Raises Refused ("already-decided", "sealed")."""
        begins = (RequestState.APPROVED, RequestState.CLAIMED)
        return self._decide(id, RequestState.CLAIMED, None, _approved, after=begins)

    def release(self, id: str) -> None:
        """Open a claimed request again: its approver gave up before anything began."""
        self._decide(id, RELEASED, None, None, after=(RequestState.CLAIMED,))

    def finish(self, id: str, state: RequestState, entry: int | None, *, answer: str = "") -> None:
        """How it ended for whoever claimed it; what was ``UNKNOWN`` can be finished again.

        Args:
            state: DONE, FAILED, PARTIAL, UNKNOWN; STALE or DENIED with the reason as ``answer``.
            entry: the log entry that holds the outcome.
        """
        if state not in _FINAL:
            raise ValueError(f"what was claimed does not end with {state}")
        after = (RequestState.CLAIMED,) if state in (RequestState.DENIED, RequestState.STALE) else _BEGUN
        self._decide(id, state, None, None, after=after, answer=answer, entry=entry)

    def deny(self, id: str, approver_id: str, reason: str, by: Decider = NOBODY_ELSE) -> None:
        """Say no. Raises as :meth:`claim` does."""
        check = _may_decide(approver_id, by)
        self._decide(id, RequestState.DENIED, approver_id, check, answer=reason, decider=by)

    def _decide(
        self,
        id: str,
        what: str | Callable[[Request], str],
        by: str | None,
        check: Callable[[Request], None] | None,
        *,
        after: tuple[RequestState, ...] = (RequestState.PENDING,),
        answer: str = "",
        entry: int | None = None,
        decider: Decider = NOBODY_ELSE,
        approval: Approval | None = None,
    ) -> Request:
        """Add one decision, if the request stands where the decision may follow. ``by`` None: as before."""
        sealed: list[bytes] = []
        id = split(id)[0]
        about = f"request {id.strip().upper()}"
        try:
            with self._store.writing(about) as session:
                request = self._rows.load(session, id)
                if check is not None:
                    check(request)
                if request.state not in after:
                    raise closed(request, self._now())
                if by is None:
                    by, decider = request.decided_by, Decider(request.decided_by_name)
                decision = replace(
                    self._next(session, request, what if isinstance(what, str) else what(request), by),
                    answer=answer,
                    entry=entry,
                    by_name=decider.name,
                    instead_of=decider.instead_of,
                    approval=asdict(approval) if approval else None,
                )
                sealed.append(self._add(session, decision))
                decided = self._rows.load(session, request.id)
        except Duplicate as error:  # somebody decided beside the program's own locks
            raise closed(self.get(id), self._now()) from error
        except Unsure as lost:
            found = settled(self._store, about, lambda session: self._decided(session, id, sealed[-1]))
            decided = _kept(lost, found)
        self.told(decided)
        return decided

    def _next(self, session: Session, request: Request, what: str, by: str) -> Decision:
        row = session.one("SELECT steps FROM requests WHERE id = ?", request.id)
        return Decision(
            request=request.id,
            nonce=request.call.nonce,
            step=(row[0] if row else 0) + 1,
            what=str(what),
            by=by,
            at=self._now().isoformat(),
        )

    def _add(self, session: Session, decision: Decision) -> bytes:
        document = decision_document(decision)
        sealed = seal(self._signer, document, decision=True)
        session.run(
            "INSERT INTO decisions (nonce, step, what, document, seal) VALUES (?, ?, ?, ?, ?)",
            decision.nonce, decision.step, decision.what, document, sealed,
        )  # fmt: skip
        session.run("UPDATE requests SET steps = ? WHERE id = ?", decision.step, decision.request)
        return sealed

    def _decided(self, session: Session, id: str, sealed: bytes) -> Request | None:
        """The connection broke at the commit: whether this very decision was kept says the store itself."""
        request = self._rows.load(session, id)
        kept = session.one("SELECT 1 FROM decisions WHERE nonce = ? AND seal = ?", request.call.nonce, sealed)
        return request if kept else None

    # ── odds and ends ─────────────────────────────────────────────────────────────────────────

    def _leave_room(self, session: Session, requester_id: str, approvers: Sequence[Person]) -> None:
        mine = self._rows.listed(
            session,
            rows.open_by(requester_id),
            lambda one: one.state is RequestState.PENDING and one.call.requester_id == requester_id,
        )
        for person in approvers:
            waiting = [request.id for request in mine if person.id in request.approver_ids]
            if len(waiting) >= MAX_PENDING:
                raise too_many(person, waiting)


def _nobody(request: Request) -> None:
    """Nobody is told."""


def _may_decide(approver_id: str, by: Decider = NOBODY_ELSE) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        if request.call.requester_id in (approver_id, by.instead_of):
            raise own_request()
        if (by.instead_of or approver_id) not in request.approver_ids:
            raise Refused(
                f"Request {request.id} waits for {' or '.join(request.approver_names)}.",
                rule="not-an-approver",
            )

    return check


def _approved(request: Request) -> None:
    """What nobody approved is nothing for a worker, whatever stands in the store."""
    if not request.approvals:
        raise Refused(f"Request {request.id} is not approved.", code="not-approved")


def _kept(lost: Unsure, found: Request | None) -> Request:
    """What the broken transaction wrote. Raises StoreUnreachable when it was not kept."""
    if found is None:
        raise StoreUnreachable(f"{lost.message} Nothing was kept.", hint="Try again.") from lost
    return found
