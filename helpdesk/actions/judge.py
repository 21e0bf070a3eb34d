"""From what was read back to an outcome. This is the only place that says "done" (L10)."""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.actions.grant import SYSTEM
from helpdesk.events import Change, Observation, Outcome
from helpdesk.plugin import Preview

Key = tuple[str, str, str]


def judge(preview: Preview, observations: Sequence[Observation]) -> Outcome:
    """Compare the receipt with what was promised.

    ``done`` when every promised change was read back as promised; ``failed`` when every one still has
    its old value; ``partial`` when some have the new and the rest the old; anything else is ``unknown``.
    What was not given has no end either, however its end was kept. An observation that promises less than the preview did counts as not read back, and one about
    something that was not promised is no evidence of success.
    """
    promised = {_key(change) for change in preview.changes}
    states = {_state(change, observations) for change in preview.changes}
    given = {_state(change, observations) for change in preview.changes if change.system != SYSTEM}
    surprised = any(not o.as_expected for o in observations if _key(o) not in promised)
    if not states or "other" in states or surprised:
        return Outcome.UNKNOWN
    if given == {"old"}:
        return Outcome.FAILED
    if states == {"new"}:
        return Outcome.DONE
    return Outcome.PARTIAL if "new" in states else Outcome.FAILED


def as_promised(preview: Preview, observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """The receipt: every promised change stands in it, also one that was not read back."""
    seen = {_key(o) for o in observations}
    missing = tuple(
        Observation(change.system, change.target, change.what, change.after, "not read back")
        for change in preview.changes
        if _key(change) not in seen
    )
    return tuple(observations) + missing


def _key(item: Change | Observation) -> Key:
    return (item.system, item.target, item.what)


def _state(change: Change, observations: Sequence[Observation]) -> str:
    seen = {o for o in observations if _key(o) == _key(change)}
    if len(seen) != 1:  # not read back, or read back as two different things
        return "other"
    (observation,) = seen
    if observation.expected != change.after:
        return "other"
    if observation.as_expected:
        return "new"
    return "old" if observation.observed == change.before else "other"
