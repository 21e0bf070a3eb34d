"""Moments as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from helpdesk.errors import InvalidArgument, Refused
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.cli.invocation import Invocation

LATEST = timedelta(days=92)
"""How far ahead something may be approved."""


def moment(text: str, otherwise: time, flag: str) -> datetime:
    """A day, or a moment; in this machine's zone unless it names one.

    Args:
        otherwise: the time of a day without one.

    Raises:
        InvalidArgument: it is neither.
    """
    try:
        if len(text) == len("2026-12-31"):
            return datetime.combine(date.fromisoformat(text), otherwise).astimezone()
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidArgument(
            f"{flag} must be a day such as 2026-12-31, or with a time: 2026-12-31T18:00."
        ) from None
    return found if found.tzinfo is not None else found.astimezone()


def effective_at(run: Invocation, spec: ActionSpec | None = None) -> str:
    """When what is approved begins, as it is sealed; "" for at once.

    Raises:
        InvalidArgument: it has passed, or is too far away. Refused: nobody would carry it out then ("no-worker").
    """
    if not run.flags.effective_at:
        return ""
    at = moment(run.flags.effective_at, time(0, 0), "--effective-at").astimezone(UTC)
    now = run.desk.clock()
    if not now < at <= now + LATEST:
        raise InvalidArgument(f"--effective-at must be in the next {LATEST.days} days.")
    hands = run.desk.approvals.hands
    if hands is None or (spec is not None and not hands.takes(spec)):
        raise Refused(
            "Nobody is here to carry it out at that time: no worker is configured that takes it.",
            hint="Leave --effective-at out, or ask an administrator for [worker].",
            code="no-worker",
        )
    return at.isoformat()
