"""Systems that are away for a while: a run waits for them, and nothing of it is lost or given up."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from helpdesk.engine import Document, Durably, Work
from helpdesk.events import Result

if TYPE_CHECKING:
    from helpdesk.errors import HelpdeskError

LATER = frozenset({"unreachable", "log-unavailable", "rate-limited", "wrong-credentials", "account-locked"})
"""Codes of what is over some day; nothing was done, and it is tried again."""
AS_LONG = timedelta(days=1)
"""How long a run waits so at one place before that counts as a failure."""
_FIRST, _LONGEST = 5, 300


def attempt(name: str, number: int) -> str:
    """What a step is called when it is tried again."""
    return name if number == 1 else f"{name}#{number}"


def pause(number: int) -> timedelta:
    """How long to wait after so many tries."""
    return timedelta(seconds=min(_FIRST * 2 ** min(number - 1, 10), _LONGEST))


def failure(error: HelpdeskError) -> Document:
    """An error as what a step keeps."""
    from helpdesk.events import outcome_of

    return {"error": error.message, "outcome": outcome_of(error).value, "code": error.code}


def over_some_day(result: Result) -> bool:
    """Whether a call never began because a system was away."""
    return result.error is not None and result.error.code in LATER and not result.receipt


async def patiently(durably: Durably, name: str, work: Work) -> Document:
    """Do a step, and again later while a system that it needs is away.

    Args:
        work: keeps :func:`failure` where it fails.
    """
    begun = None
    for number in count(1):
        kept = await durably.step(attempt(name, number), work)
        if kept.get("code") not in LATER:
            return kept
        now = await durably.now()
        begun = begun or now
        if now + pause(number) - begun > AS_LONG:
            return kept
        await durably.sleep_until(now + pause(number))
    raise AssertionError("it counts for ever")
