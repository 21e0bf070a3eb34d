"""What became of requests for approval, as sentences: the answer to "was my request approved?", and news of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from helpdesk.events import Observation, Outcome, Result
from helpdesk.gate.sealed import Request, RequestState
from helpdesk.text import local_time

MOST = 3
"""Requests that an answer tells of, the newest first; the rest is counted."""
_ID = re.compile(r"\bR-[0-9A-Z]{4,10}\b", re.IGNORECASE)


def told(request: Request) -> str:
    """Where a request stands, in a sentence that begins with its id."""
    by = f" by {request.decider}" if request.decider else ""
    entry = f" (log entry {request.entry})" if request.entry is not None else ""
    names = " or ".join(request.approver_names)
    ends = {
        RequestState.PENDING: f"waits for {names}.",
        RequestState.APPROVED: f"was approved{by}, and is carried out next.",
        RequestState.CLAIMED: f"was approved{by}, and is being carried out.",
        RequestState.DONE: f"was approved{by} and carried out{entry}.",
        RequestState.DENIED: f"was denied{by}{f': {request.answer}' if request.answer else '.'}",
        RequestState.FAILED: f"was approved{by}, but could not be carried out{entry}.",
        RequestState.PARTIAL: f"was approved{by} and carried out in part{entry}.",
        RequestState.UNKNOWN: f"was approved{by}; whether it was carried out is not known yet{entry}.",
        RequestState.STALE: "was approved, but what it would change is different now, so nothing was done. Ask again.",
        RequestState.EXPIRED: "ended without a decision. Ask again if you still need it.",
        RequestState.WITHDRAWN: "was taken back.",
    }
    return f"{request.id} ({what(request)}) {ends[request.state]}"


def what(request: Request) -> str:
    """What a request is about, in a few words: its first change, or its action."""
    first = next(iter(request.changes), None)
    return f"{first.target}: {first.what}" if first is not None else request.call.action


def about_requests(requests: Sequence[Request], words: str, now: datetime) -> Result:
    """The answer to a question about one's own requests.

    Args:
        requests: everything that this person asked for, the newest first.
        words: the question; an id in it names the one that is meant.
    """
    named = {id.upper() for id in _ID.findall(words)}
    wanted = [request for request in requests if not named or request.id.upper() in named]
    if not wanted:
        which = f" called {' or '.join(sorted(named))}" if named else ""
        message = f"You have made no request{which} that needs somebody's approval."
    else:
        sentences = [told(request) for request in wanted[:MOST]]
        if len(wanted) > MOST:
            sentences.append(f"There are {len(wanted) - MOST} older ones: helpdesk approvals list")
        message = "\n".join(sentences)
    seen = tuple(
        Observation("requests", request.id, "state", request.state.value, request.state.value)
        for request in wanted[:MOST]
    )
    data = [
        {"request": request.id, "state": request.state.value, "asked": local_time(request.created, now)}
        for request in wanted[:MOST]
    ]
    return Result(Outcome.DONE, "", message, receipt=seen, data=data)
