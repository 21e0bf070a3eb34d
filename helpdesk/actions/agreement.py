"""Agreement to one call, given by whoever is there, and only for a while.

A confirmation that lies open on a screen outlives the sign-in that it was made with, and whoever sits down at it
hours later is perhaps somebody else: it is asked for again then (R8).
"""

from __future__ import annotations

import time
from datetime import timedelta

from helpdesk.errors import Cancelled, Refused
from helpdesk.events import Confirmation, Confirmed
from helpdesk.ports import Clock, Interaction

ANSWER_WITHIN = timedelta(minutes=10)
"""How long a confirmation may stay open."""


async def agreement(confirmation: Confirmation, interaction: Interaction, clock: Clock) -> Confirmed:
    """Show a confirmation, and come back with the agreement to exactly this.

    Raises:
        Cancelled: they did not agree, or to something else. Refused: they took too long ("agreement-expired").
    """
    shown, begun = clock(), time.monotonic()
    confirmed = await interaction.confirm(confirmation)
    if confirmed.digest != confirmation.digest:
        raise Cancelled("The confirmation was for something else; nothing was done.")
    waited = timedelta(seconds=time.monotonic() - begun)  # neither clock alone: one can be set, one can sleep
    if max(abs(clock() - shown), waited) > ANSWER_WITHIN:
        raise Refused(
            f"The confirmation was open for more than {ANSWER_WITHIN.seconds // 60} minutes, so nothing was done.",
            hint="Run it again, and confirm what is true now.",
            code="agreement-expired",
        )
    return confirmed
