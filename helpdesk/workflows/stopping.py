"""Why a run goes no further, and what can be told to one."""

from __future__ import annotations

from helpdesk.events import Outcome

CANCEL = "cancel"
"""The topic of the message that ends a run; what it says, too."""


class Stopped(Exception):
    """The run goes no further. ``how``: how the step ended that stopped it."""

    def __init__(self, why: str, how: Outcome = Outcome.FAILED) -> None:
        super().__init__(why)
        self.why, self.how = why, how


def answer_topic(path: str) -> str:
    """The topic of the answer that a step waits for."""
    return f"answer:{path}"


def cancelled(message: dict[str, object]) -> Stopped:
    """What such a message means."""
    return Stopped(f"{message.get('by', 'somebody')} cancelled it", Outcome.CANCELLED)
