"""Pending requests: they wait, sealed, until one of their approvers decides, once (V1, V2, V4, V7).

Nothing here is ever changed or taken away: where a request stands follows from the decisions about it, each
of them signed, numbered and unique. Two approvers who decide at once cannot both write the same number.
Restoring an old copy of the whole file is not seen here; the log of outcomes, which the runner asks, sees it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.errors import NotFound, Refused
from helpdesk.events import Change
from helpdesk.gate.sealed import (
    Decision,
    Request,
    RequestState,
    SealedCall,
    Signer,
    decision_document,
    new_id,
    opened,
    read_request,
    request_document,
    seal,
    tampered,
)
from helpdesk.identity import Person
from helpdesk.ports import Clock
from helpdesk.store import immediate, in_database

__all__ = ["Request", "RequestState", "Requests", "SealedCall", "Signer"]

LIFETIME = timedelta(days=14)
MAX_PENDING = 3
"""Requests of one person that may wait for one approver at a time (V7)."""
RELEASED = "released"
_FINAL = (RequestState.DONE, RequestState.FAILED, RequestState.UNKNOWN, RequestState.DENIED)
_BEGUN = (RequestState.CLAIMED, RequestState.UNKNOWN)
VERSION = 1

_TABLES = """
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  nonce TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL,
  seal BLOB NOT NULL,
  steps INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE decisions (
  nonce TEXT NOT NULL,
  step INTEGER NOT NULL,
  what TEXT NOT NULL,
  document TEXT NOT NULL,
  seal BLOB NOT NULL,
  UNIQUE (nonce, step)
);
CREATE TRIGGER requests_stay BEFORE DELETE ON requests
  BEGIN SELECT RAISE(ABORT, 'requests are never deleted'); END;
CREATE TRIGGER requests_sealed BEFORE UPDATE OF id, nonce, document, seal ON requests
  BEGIN SELECT RAISE(ABORT, 'requests are sealed'); END;
CREATE TRIGGER decisions_stay BEFORE DELETE ON decisions
  BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;
CREATE TRIGGER decisions_sealed BEFORE UPDATE ON decisions
  BEGIN SELECT RAISE(ABORT, 'decisions are sealed'); END;
"""
_ALL = "SELECT id, nonce, document, seal, steps FROM requests"
_OPEN = f"""{_ALL} r WHERE coalesce(
  (SELECT what FROM decisions d WHERE d.nonce = r.nonce ORDER BY step DESC LIMIT 1), '{RELEASED}') = ?"""  # noqa: S608


class Requests:
    """The requests of this machine.

    Args:
        folder: where their database lives. clock: now, in UTC. signer: the host's key.

    Every method raises ``Failed(code="requests-unavailable")`` when the file cannot be used.
    """

    def __init__(self, folder: Path, clock: Clock, signer: Signer) -> None:
        self._path = folder / "requests.db"
        self._clock = clock
        self._signer = signer

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
            raise _own_request()
        now = self._now()
        call = replace(call, created=now.isoformat(), expires=(now + LIFETIME).isoformat())
        with self._database() as database, immediate(database):
            self._leave_room(database, call.requester_id, approvers)
            id = new_id()
            while database.execute("SELECT 1 FROM requests WHERE id = ?", (id,)).fetchone():
                id = new_id()
            document = request_document(id, call, changes, approvers, reason)
            row = (id, call.nonce, document, seal(self._signer, document))
            try:
                database.execute("INSERT INTO requests (id, nonce, document, seal) VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise Refused("This call waits for approval already.", code="already-requested") from error
            return self._load(database, id)

    def withdraw(self, id: str, requester_id: str) -> None:
        """Take one's own request back. Raises Refused for anyone else's, and when it is decided already."""

        def check(request: Request) -> None:
            if request.call.requester_id != requester_id:
                raise Refused(
                    f"Request {request.id} was made by {request.call.requester_login}; nobody else withdraws it.",
                    rule="not-the-requester",
                )

        self._decide(id, RequestState.WITHDRAWN, requester_id, check)

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    def get(self, id: str) -> Request:
        """One request, in upper or lower case. Raises NotFound; Refused ("sealed") when it was altered."""
        with self._database() as database:
            return self._load(database, id)

    def waiting_for(self, person_id: str) -> list[Request]:
        """Open requests that this person may decide, oldest first."""
        return [request for request in self.all_pending() if person_id in request.approver_ids]

    def made_by(self, person_id: str) -> list[Request]:
        """Everything this person asked for, newest first."""
        mine = [r for r in self._listed(_ALL)[0] if r.call.requester_id == person_id]
        return sorted(mine, key=lambda request: request.call.created, reverse=True)

    def all_pending(self) -> list[Request]:
        """Open requests that have not expired, oldest first; altered ones are left out (:meth:`altered`)."""
        with self._database() as database:
            return self._pending(database)

    def claimed(self) -> list[Request]:
        """Requests whose approver began to carry them out and did not end; normally none for long."""
        return self._listed(_OPEN, RequestState.CLAIMED.value)[0]

    def altered(self) -> list[str]:
        """Ids of stored requests whose seal does not match; for ``helpdesk doctor``."""
        return self._listed(_ALL)[1]

    def marks(self) -> tuple[int, ...]:
        """Changes whenever any process wrote a request or a decision; nothing is opened to tell."""
        marks: list[int] = []
        for name in (self._path.name, f"{self._path.name}-wal"):
            try:
                found = self._path.with_name(name).stat()
            except FileNotFoundError:
                continue
            marks += (found.st_mtime_ns, found.st_size)
        return tuple(marks)

    # ── deciding ──────────────────────────────────────────────────────────────────────────────

    def claim(self, id: str, approver_id: str) -> Request:
        """Make a request this approver's to carry out: of any number who try at once, one succeeds (V4).

        Raises:
            Refused: "already-decided", "expired", "sealed"; or they may not decide this one (V1, V2).
        """
        return self._decide(id, RequestState.CLAIMED, approver_id, _may_decide(approver_id))

    def release(self, id: str) -> None:
        """Open a claimed request again: its approver gave up before anything began."""
        self._decide(id, RELEASED, None, None, after=(RequestState.CLAIMED,))

    def finish(self, id: str, state: RequestState, entry: int | None, *, answer: str = "") -> None:
        """How it ended for whoever claimed it; what was ``UNKNOWN`` can be finished again.

        Args:
            state: DONE, FAILED, UNKNOWN, or DENIED with the reason as ``answer``.
            entry: the log entry that holds the outcome.
        """
        if state not in _FINAL:
            raise ValueError(f"what was claimed does not end with {state}")
        after = (RequestState.CLAIMED,) if state is RequestState.DENIED else _BEGUN
        self._decide(id, state, None, None, after=after, answer=answer, entry=entry)

    def deny(self, id: str, approver_id: str, reason: str) -> None:
        """Say no. Raises as :meth:`claim` does."""
        self._decide(id, RequestState.DENIED, approver_id, _may_decide(approver_id), answer=reason)

    def _decide(
        self,
        id: str,
        what: str,
        by: str | None,
        check: Callable[[Request], None] | None,
        *,
        after: tuple[RequestState, ...] = (RequestState.PENDING,),
        answer: str = "",
        entry: int | None = None,
    ) -> Request:
        """Add one decision, if the request stands where the decision may follow. ``by`` None: as before."""
        with self._database() as database, immediate(database):
            request = self._load(database, id)
            if check is not None:
                check(request)
            if request.state not in after:
                raise self._closed(request)
            (steps,) = database.execute("SELECT steps FROM requests WHERE id = ?", (request.id,)).fetchone()
            decision = Decision(
                request=request.id,
                nonce=request.call.nonce,
                step=steps + 1,
                what=str(what),
                by=request.decided_by if by is None else by,
                at=self._now().isoformat(),
                answer=answer,
                entry=entry,
            )
            document = decision_document(decision)
            row = (
                decision.nonce,
                decision.step,
                decision.what,
                document,
                seal(self._signer, document, decision=True),
            )
            database.execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?)", row)
            database.execute("UPDATE requests SET steps = ? WHERE id = ?", (decision.step, request.id))
            return self._load(database, request.id)

    # ── reading sealed rows ───────────────────────────────────────────────────────────────────

    def _load(self, database: sqlite3.Connection, id: str) -> Request:
        name = id.strip().upper()
        row = database.execute(f"{_ALL} WHERE id = ?", (name,)).fetchone()
        if row is None:
            raise NotFound(
                f"There is no request {id!r}.", hint="helpdesk approvals list shows the open ones."
            )
        return self._read(database, row)

    def _read(self, database: sqlite3.Connection, row: tuple[Any, ...]) -> Request:
        """One row, with every decision about it. Raises Refused ("sealed") when anything was altered."""
        id, nonce, text, signature, steps = row
        try:
            document = opened(self._signer, text, signature)
            decisions = self._decisions(database, nonce)
            numbers = [decision.step for decision in decisions]
            if (document["id"], document["call"]["nonce"]) != (id, nonce):
                raise tampered(str(id))
            if numbers != list(range(1, len(numbers) + 1)) or steps != len(numbers):
                raise tampered(str(id))
        except Refused as error:
            raise tampered(str(id)) from error
        last = decisions[-1] if decisions else None
        request = read_request(document, text, RequestState.PENDING, last)
        return replace(request, state=self._state(request, last))

    def _decisions(self, database: sqlite3.Connection, nonce: object) -> list[Decision]:
        rows = database.execute(
            "SELECT step, what, document, seal FROM decisions WHERE nonce = ? ORDER BY step", (nonce,)
        ).fetchall()
        found = []
        for step, what, text, signature in rows:
            decision = Decision(**opened(self._signer, text, signature, decision=True))
            if (decision.nonce, decision.step, decision.what) != (nonce, step, what):
                raise tampered()
            found.append(decision)
        return found

    def _state(self, request: Request, last: Decision | None) -> RequestState:
        if last is not None and last.what != RELEASED:
            return RequestState(last.what)
        return RequestState.PENDING if self._in_time(request) else RequestState.EXPIRED

    def _in_time(self, request: Request) -> bool:
        """A clock from before the request was made proves nothing, so that the request counts as expired."""
        return request.created <= self._now() < request.expires

    def _listed(self, query: str, *values: str) -> tuple[list[Request], list[str]]:
        with self._database() as database:
            return self._sorted_out(database, query, *values)

    def _sorted_out(
        self, database: sqlite3.Connection, query: str, *values: str
    ) -> tuple[list[Request], list[str]]:
        intact, altered = [], []
        for row in database.execute(query, values).fetchall():
            try:
                intact.append(self._read(database, row))
            except Refused:
                altered.append(str(row[0]))
        return sorted(intact, key=lambda request: request.call.created), altered

    def _pending(self, database: sqlite3.Connection) -> list[Request]:
        requests, _ = self._sorted_out(database, _OPEN, RELEASED)
        return [request for request in requests if request.state is RequestState.PENDING]

    # ── odds and ends ─────────────────────────────────────────────────────────────────────────

    def _leave_room(
        self, database: sqlite3.Connection, requester_id: str, approvers: Sequence[Person]
    ) -> None:
        mine = [r for r in self._pending(database) if r.call.requester_id == requester_id]
        for person in approvers:
            waiting = [request.id for request in mine if person.id in request.approver_ids]
            if len(waiting) >= MAX_PENDING:
                raise Refused(
                    f"{person.name} has {len(waiting)} requests of yours to decide already: {', '.join(waiting)}.",
                    hint="Wait for an answer, or take one back: helpdesk approvals withdraw ID",
                    code="too-many-requests",
                )

    def _closed(self, request: Request) -> Refused:
        if request.state is RequestState.EXPIRED:
            early = self._now() < request.created
            why = (
                "this machine's clock stands before it was made"
                if early
                else f"on {request.expires:%Y-%m-%d}"
            )
            return Refused(
                f"Request {request.id} has expired: {why}."
                if early
                else f"Request {request.id} expired {why}.",
                hint="Set the clock right." if early else "Whoever needs it asks again.",
                code="expired",
            )
        at = f" on {request.decided_at:%Y-%m-%d at %H:%M} UTC" if request.decided_at else ""
        did = _DID.get(request.state, "it is still open")
        who = request.decider
        return Refused(
            f"Request {request.id} is decided already: {f'{who} ' if who else ''}{did}{at}.",
            code="already-decided",
        )

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def _database(self) -> AbstractContextManager[sqlite3.Connection]:
        return in_database(self._path, self._prepare, "requests", "requests-unavailable")

    def _prepare(self, database: sqlite3.Connection) -> None:
        if database.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return
        with immediate(database):
            if database.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _TABLES.split(";\nCREATE "):
                    text = statement.strip().removeprefix("CREATE ").removesuffix(";")
                    database.execute(f"CREATE {text}")
                database.execute(f"PRAGMA user_version = {VERSION}")


_DID = {
    RequestState.CLAIMED: "is carrying it out, since",
    RequestState.DONE: "approved it, and it was done",
    RequestState.FAILED: "approved it, and it failed",
    RequestState.UNKNOWN: "approved it, and its outcome must be reconciled, since",
    RequestState.DENIED: "denied it",
    RequestState.WITHDRAWN: "took it back",
}


def _may_decide(approver_id: str) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        if approver_id == request.call.requester_id:
            raise _own_request()
        if approver_id not in request.approver_ids:
            raise Refused(
                f"Request {request.id} waits for {' or '.join(request.approver_names)}.",
                rule="not-an-approver",
            )

    return check


def _own_request() -> Refused:
    return Refused("Nobody approves their own request.", rule="no-self-approval")
