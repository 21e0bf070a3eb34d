"""Why a request cannot be made or decided, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from helpdesk.errors import Refused
from helpdesk.gate.sealed import Request, RequestState
from helpdesk.identity import Person

_DID = {
    RequestState.CLAIMED: "is carrying it out, since",
    RequestState.DONE: "approved it, and it was done",
    RequestState.FAILED: "approved it, and it failed",
    RequestState.UNKNOWN: "approved it, and its outcome must be reconciled, since",
    RequestState.APPROVED: "approved it, and a worker carries it out, since",
    RequestState.PARTIAL: "approved it, and it was done in part",
    RequestState.STALE: "approved it, and it had moved by then, so nothing was done,",
    RequestState.DENIED: "denied it",
    RequestState.WITHDRAWN: "took it back",
}


def closed(request: Request, now: datetime) -> Refused:
    """A request that is not open: it expired, or somebody decided."""
    if request.state is RequestState.EXPIRED:
        if now < request.created:
            return Refused(
                f"Request {request.id} has expired: this machine's clock stands before it was made.",
                hint="Set the clock right.",
                code="expired",
            )
        return Refused(
            f"Request {request.id} expired on {request.expires:%Y-%m-%d}.",
            hint="Whoever needs it asks again.",
            code="expired",
        )
    at = f" on {request.decided_at:%Y-%m-%d at %H:%M} UTC" if request.decided_at else ""
    did = _DID.get(request.state, "it is still open")
    who = request.decider
    return Refused(
        f"Request {request.id} is decided already: {f'{who} ' if who else ''}{did}{at}.",
        code="already-decided",
    )


def own_request() -> Refused:
    return Refused("Nobody approves their own request.", rule="no-self-approval")


def too_many(approver: Person, waiting: Sequence[str]) -> Refused:
    """One person keeps one approver busy enough already (V7)."""
    return Refused(
        f"{approver.name} has {len(waiting)} requests of yours to decide already: {', '.join(waiting)}.",
        hint="Wait for an answer, or take one back: helpdesk approvals withdraw ID",
        code="too-many-requests",
    )
