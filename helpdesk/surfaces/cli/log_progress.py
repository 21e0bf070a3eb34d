"""How far a long look at the log is, on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpdesk.gate.audit_verify import Tell
    from helpdesk.surfaces.cli.invocation import Invocation

_MOVES = 0.2
_LINES = 10.0
"""Seconds between two looks at it: on a line that is drawn over, and where each is a line of its own."""


@contextmanager
def counting(run: Invocation, what: str) -> Iterator[Tell]:
    """Something to tell the progress to; nothing is shown of what is over at once.

    Args:
        what: is being done, as in "Checking the log".
    """
    from helpdesk.events import Progress

    moves = run.error_look.moves
    pause = _MOVES if moves else _LINES
    due = time.monotonic() + pause

    def tell(done: int, of: int) -> None:
        nonlocal due
        if time.monotonic() < due or run.flags.quiet:
            return
        due = time.monotonic() + pause
        text = f"{what}: {done:,} of {of:,} entries"
        if moves:
            run.teller.tell(Progress("log", text))
        else:
            run.complain([f"· {text}"])

    try:
        yield tell
    finally:
        run.teller.settle()


@contextmanager
def searching(run: Invocation) -> Iterator[None]:
    """Shows how far the index of the log is, while it catches up."""
    from helpdesk.gate.audit_verify import quiet

    with counting(run, "Indexing the log, once") as tell:
        run.desk.log_search.tell = tell
        try:
            yield
        finally:
            run.desk.log_search.tell = quiet
