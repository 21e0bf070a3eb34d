"""The plan of a run: every call that a workflow would make, as it was seen before it begins.

It is what is shown, agreed to and sealed. A call whose step builds on what an earlier one does first cannot be
previewed yet; it stands in the plan as the call itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from helpdesk.canonical import canonical
from helpdesk.events import Change
from helpdesk.text import shorten

SYSTEM = "workflow"
NOT_DONE, DONE, IF_NEEDED = "not done", "done", "done, or not needed"
STATE = "plan"
"""Under which name a preview's state holds the plan."""
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

PlannedKind = Literal["call", "later", "read", "wait"]


def run_id(key: str) -> str:
    """The id of the run that a call starts ("W-7K3F2QPM"): the same call, the same run (R3)."""
    number = int.from_bytes(hashlib.sha256(f"helpdesk run {key}".encode()).digest()[:8], "big")
    text = ""
    for _ in range(8):
        number, digit = divmod(number, len(_ALPHABET))
        text += _ALPHABET[digit]
    return f"W-{text}"


def step_key(run: str, path: str) -> str:
    """The idempotency key of one step's call."""
    return f"{run}/{path}"


@dataclass(frozen=True, slots=True)
class Planned:
    """One step as it was seen ahead.

    Attributes:
        path: of the step in its run: "revoke[2]" is the second item of the step "revoke".
        kind: "call" was previewed; "later" could not be; "read" was read; "wait" waits.
        unknown: arguments that only an earlier step can tell, as their expressions.
        digest: of the call on the state that it was previewed on.
        output: what a read gave.
    """

    path: str
    kind: PlannedKind
    action: str = ""
    version: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    changes: tuple[Change, ...] = ()
    output: Mapping[str, Any] = field(default_factory=dict)
    condition: str = ""

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "changes": [asdict(change) for change in self.changes]}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Planned:
        return cls(**{**document, "changes": tuple(Change(**one) for one in document["changes"])})

    @property
    def call_text(self) -> str:
        """The call in one line, for a person."""
        given = {**self.arguments, **self.unknown}
        words = " ".join(f"{name}={shorten(str(value), 60)}" for name, value in given.items())
        condition = f" (if {self.condition})" if self.condition else ""
        return shorten(f"{self.action} {words}".strip() + condition, 240)

    @property
    def as_change(self) -> Change:
        """A step that shows no change of its own, as something that will be done."""
        return Change(SYSTEM, self.path, self.call_text, NOT_DONE, IF_NEEDED if self.condition else DONE)

    @property
    def shown(self) -> tuple[Change, ...]:
        if self.kind == "call":
            return self.changes
        return () if self.kind == "read" else (self.as_change,)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that was agreed to.

    Attributes:
        definition: the digest of the workflow. today: its date, where the workflow asks for it, or "".
    """

    workflow: str
    version: str
    definition: str
    run: str
    requester: str
    values: Mapping[str, Any]
    today: str
    steps: tuple[Planned, ...]

    def step(self, path: str) -> Planned | None:
        return next((one for one in self.steps if one.path == path), None)

    def document(self) -> dict[str, Any]:
        return {
            "workflow": self.workflow,
            "version": self.version,
            "definition": self.definition,
            "run": self.run,
            "requester": self.requester,
            "values": dict(self.values),
            "today": self.today,
            "steps": [one.document() for one in self.steps],
        }

    @property
    def text(self) -> str:
        """Its canonical form, which a preview's state holds."""
        return canonical(self.document()).decode()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Everything that will be different; what two steps change is told from before the first to after the last."""
        found: dict[tuple[str, str, str], Change] = {}
        for change in (change for one in self.steps for change in one.shown):
            key = (change.system, change.target, change.what)
            first = found.get(key)
            found[key] = change if first is None else Change(*key, first.before, change.after)
        return tuple(change for change in found.values() if change.before != change.after)


def plan_from(document: Mapping[str, Any]) -> Plan:
    """Raises ValueError, KeyError, TypeError: it is none of ours."""
    return Plan(**{**document, "steps": tuple(Planned.of(one) for one in document["steps"])})


def plan_of(text: str) -> Plan:
    """The plan that a preview's state holds."""
    return plan_from(json.loads(text))


def difference(sealed: Plan, now: Plan) -> str:
    """Where two plans part, in words; "" where they are the same."""
    if sealed.document() == now.document():
        return ""
    before, after = {one.path: one for one in sealed.steps}, {one.path: one for one in now.steps}
    for path, one in before.items():
        other = after.get(path)
        if other is None:
            return f"step {path} ({one.action or one.kind}) is not among them any more"
        if other.document() != one.document():
            what = "would read something else" if one.kind == "read" else "would do something else"
            return f"step {path} ({one.action or one.kind}) {what} now"
    new = next((path for path in after if path not in before), "")
    return f"step {new} is new" if new else "the workflow is another one now"
