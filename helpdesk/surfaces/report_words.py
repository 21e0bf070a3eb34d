"""How the figures of the log are said, the same on the dashboard, on a page and in a picture."""

from __future__ import annotations

from collections.abc import Iterable

from helpdesk.gate.audit_report import STEPS
from helpdesk.gate.audit_stats import STATES, Figures
from helpdesk.spec import ActionSpec

STATE_WORDS = {
    "done": "done, with a receipt",
    "partial": "done in part",
    "failed": "failed",
    "refused": "refused",
    "abandoned": "abandoned",
    "pending": "waiting",
    "unknown": "unknown",
    "unproven": "called done without a receipt",
}
"""What each state is called; the order is that of the bars."""
assert tuple(STATE_WORDS) == STATES
NOTE = (
    "Done is only what was read back from the system of record as promised. What was abandoned, waits, is unknown, "
    "or is called done without a receipt is not resolved."
)


def closed(figures: Figures) -> str:
    """The share that was done, cut and never rounded up: 100% means all of it."""
    return f"{figures.states['done'] * 100 // figures.asked}%" if figures.asked else "–"


def took(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def step_words() -> list[str]:
    """What stands beside the counts of ``Report.done_within``."""
    return [*(f"up to {words}" for _, words in STEPS), f"over {STEPS[-1][1]}"]


def unmet_words(action: str, group: str) -> str:
    return f"{action} {group}".rstrip()


def group_arguments(specs: Iterable[ActionSpec]) -> dict[str, str]:
    """For each action about a group, the name of the argument that names it."""
    return {spec.name: p.name for spec in specs for p in spec.parameters if p.kind == "group"}
