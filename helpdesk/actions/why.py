"""What an explanation says: plain values, ready for a screen and for ``--json`` (``helpdesk.why/1``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from helpdesk.events import Change, ErrorInfo, Observation

SCHEMA = "helpdesk.why/1"


@dataclass(frozen=True, slots=True)
class ConditionSaid:
    """One condition of a rule: as the policy has it, in words, and whether it is so."""

    cedar: str
    words: str
    holds: bool


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """One rule that could speak about the call.

    Attributes:
        applies: it does, for this call as things are. line: in the policy file; 0 for a generated rule.
    """

    rule: str
    effect: str
    applies: bool
    reason: str
    hint: str
    line: int
    conditions: tuple[ConditionSaid, ...]


@dataclass(frozen=True, slots=True)
class CallWhy:
    """What would happen to a call now, and why.

    Attributes:
        verdict: "allowed", "needs-approval" or "denied". rule, reason, hint: of the deciding rule.
        rules: those that were looked at. approvers: who could approve. able: who could do it themselves.
        unblock: what would make it possible, a sentence each.
        needs: what it asks for on the way. changes: what it would change.
        obstacle: why it would end without an effect although the policy lets it, or ``None``.
    """

    action: str
    arguments: Mapping[str, Any]
    actor: str
    target: str
    verdict: str
    rule: str
    reason: str
    hint: str = ""
    rules: tuple[RuleSaid, ...] = ()
    approvers: tuple[str, ...] = ()
    able: tuple[str, ...] = ()
    unblock: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    obstacle: ErrorInfo | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    entry: int | None = None

    def plain(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "about": "action", **asdict(self)}


@dataclass(frozen=True, slots=True)
class DecisionSaid:
    """What somebody decided about the request that the entry belongs to."""

    entry: int
    decision: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class EntryWhy:
    """What the log holds about one entry, and what belongs to it.

    Attributes:
        explains: the entry's number. intent, ended: the intent and the outcome it belongs to, or ``None``.
        actor: who carried it out. requester: whose call it was. confirmed_by: "person", "--yes" …, or "".
        rule, reason, hint: who said so, as far as the log and today's policy tell.
        provenance: argument → where its value came from, where that was logged.
        receipt: what was read back. undoes, undone_by: entries.
        now: how the same call stands today, for what was refused or waits; ``None`` for the rest.
        now_error: why that cannot be told.
        entry: the number of the entry that this explanation was logged as.
    """

    explains: int
    kind: str
    time: str
    actor: str | None
    requester: str | None
    action: str
    target: str
    arguments: Mapping[str, Any] | None
    outcome: str
    code: str
    message: str
    rule: str
    reason: str
    hint: str
    confirmed_by: str = ""
    intent: int | None = None
    ended: int | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    receipt: tuple[Observation, ...] = ()
    request: str = ""
    approvers: tuple[str, ...] = ()
    decisions: tuple[DecisionSaid, ...] = ()
    unblock: tuple[str, ...] = ()
    undoes: int | None = None
    undone_by: int | None = None
    now: CallWhy | None = None
    now_error: str = ""
    entry: int | None = None

    def plain(self) -> dict[str, Any]:
        now = self.now.plain() if self.now else None
        return {"schema": SCHEMA, "about": "entry", **asdict(self), "now": now}
