"""From what was read back to an outcome. This is the only place that says "done" (L10)."""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.events import Change, Observation, Outcome
from helpdesk.plugin import Preview

Key = tuple[str, str, str]


def judge(preview: Preview, observations: Sequence[Observation]) -> Outcome:
    """Compare the receipt with what was promised.

    ``done`` when every promised change was read back as promised; ``failed`` when every one still has
    its old value; ``partial`` when some have the new and the rest the old; anything else is ``unknown``.
    An observation that promises less than the preview did counts as not read back.
    """
    seen = {_key(o): o for o in observations}
    states = [_state(change, seen.get(_key(change))) for change in preview.changes]
    extra = [o for o in observations if _key(o) not in {_key(change) for change in preview.changes}]
    states += ["new" if o.as_expected else "other" for o in extra]
    if not states or "other" in states:
        return Outcome.UNKNOWN
    if all(state == "new" for state in states):
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


def _state(change: Change, observation: Observation | None) -> str:
    if observation is None or observation.expected != change.after:
        return "other"
    if observation.as_expected:
        return "new"
    return "old" if observation.observed == change.before else "other"
