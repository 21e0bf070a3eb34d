"""A call looked at before it is run, and agreed to before its turn comes: one of the many of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from helpdesk.actions.prepare import Prepared
from helpdesk.errors import Refused, Stale
from helpdesk.gate.authorization import Decision, Verdict
from helpdesk.plugin import Preview

LONGEST = timedelta(hours=8)
"""How long an agreement to many calls holds, and the fresh sign-in that it was given with (R8)."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a call means now.

    Attributes:
        preview: what it would change; ``None`` for what only reads.
        digest: binds the call to the state that it was looked at on (L4).
    """

    prepared: Prepared
    decision: Decision
    preview: Preview | None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", self.prepared.digest(self.preview or Preview("")))

    @property
    def waits(self) -> bool:
        """Whether somebody else must approve it."""
        return self.decision.verdict is Verdict.NEEDS_APPROVAL


@dataclass(frozen=True, slots=True)
class Standing:
    """The agreement to one call of many, given for all of them at once.

    Attributes:
        digest: what was agreed to: this call, on the state it was previewed on.
        by: how ("person", "--yes", "--yes-plan"). at: when; the sign-in must have been fresh then.
        waits: whether somebody else's approval was announced with it.
    """

    digest: str
    by: str
    at: datetime
    waits: bool = False

    def check(self, ahead: Ahead, now: datetime) -> None:
        """Hold it against the call as it is now.

        Raises:
            Stale: something moved since it was agreed to. Refused: that is too long ago.
        """
        if ahead.digest != self.digest or (self.waits and not ahead.waits):
            raise Stale(
                f"{ahead.prepared.target or 'The state'} changed since the batch was previewed; nothing was done.",
                hint="Run the same batch again: it previews what is left.",
            )
        if not timedelta(0) <= now - self.at <= LONGEST:
            raise Refused(
                "The batch was confirmed too long ago, so this row was not carried out.",
                hint="Run the same batch again: it goes on with what is left.",
                code="agreement-expired",
            )
