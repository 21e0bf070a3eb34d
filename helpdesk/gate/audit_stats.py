"""How much of what was asked for got done: figures that cannot be made to look better than they are.

Counted is every ask that would change something, once: a call that was carried out, a request that waits, a call
that was refused or that its person gave up. *Done* is only what was read back from the system of record as promised,
by the receipt of its last outcome. What was abandoned, waits, is unknown, or is called done without a receipt is not.
Reads, previews, and calls that found nothing to change are neither asked nor done.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from helpdesk.gate.audit_chain import Entry
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.requests import LIFETIME

SCHEMA = "helpdesk.log-stats/1"
STATES = ("done", "partial", "failed", "refused", "abandoned", "pending", "unknown", "unproven")
_ENDED = {
    "done": "done",
    "partial": "partial",
    "accepted": "pending",
    "pending": "pending",
    "refused": "refused",
    "cancelled": "abandoned",
    "interrupted": "abandoned",
    "unknown": "unknown",
}
BY_APPROVER = "denied by an approver"
_DECIDED = {"denied": "refused", "withdrawn": "abandoned", "approved": "pending"}


@dataclass(slots=True)
class Ask:
    """One thing that somebody wanted changed.

    Attributes:
        opened: the entry it began with. begun: when its effect was about to begin; ended: when its outcome was known.
        rule: who said no, where it was refused: a rule, the kind of an error, or :data:`BY_APPROVER`.
    """

    opened: Entry
    action: str
    state: str
    begun: datetime | None = None
    ended: datetime | None = None
    rule: str = ""

    @property
    def waited(self) -> float | None:
        """Seconds from the asking to the outcome, an approval included; ``None`` as for :attr:`seconds`."""
        if self.ended is None or self.ended < self.opened.time:
            return None
        return (self.ended - self.opened.time).total_seconds()

    @property
    def seconds(self) -> float | None:
        """From intent to outcome; ``None`` where the clock went backwards in between (R5)."""
        if self.begun is None or self.ended is None or self.ended < self.begun:
            return None
        return (self.ended - self.begun).total_seconds()


@dataclass(slots=True)
class Figures:
    """The counts of some asks."""

    states: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def count(self, ask: Ask) -> None:
        self.states[ask.state] += 1
        if ask.state == "done" and ask.seconds is not None:
            self.seconds.append(ask.seconds)

    @property
    def asked(self) -> int:
        return sum(self.states.values())

    @property
    def closure(self) -> float | None:
        """Done with a receipt, of all that was asked; ``None`` when nothing was."""
        return self.states["done"] / self.asked if self.asked else None

    @property
    def median_seconds(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    def plain(self) -> dict[str, Any]:
        closure, median = self.closure, self.median_seconds
        return {
            "asked": self.asked,
            **{state: self.states[state] for state in STATES},
            "closure": None if closure is None else round(closure, 4),
            "median_seconds": None if median is None else round(median, 3),
        }


class Reckoning:
    """Takes entries in, in their order, and knows what was asked for and how it ended by the last of them.

    Args:
        reads: names of actions that change nothing; where one was refused, nothing was to be changed.
    """

    def __init__(self, reads: Collection[str] = ()) -> None:
        self._reads = reads
        self._found: dict[str | int, Ask] = {}
        self._intents: dict[int, Ask] = {}
        self.last = 0

    def add(self, entry: Entry) -> None:
        self.last = entry.seq
        body = entry.body
        request = str(body.get("request") or "")
        if entry.kind == "request":
            self._found[request] = Ask(entry, str(body.get("action", "")), "pending")
        elif entry.kind == "intent":
            fresh = Ask(entry, str(body.get("action", "")), "unknown")
            ask = self._found.setdefault(request or entry.seq, fresh)
            ask.state, ask.begun, ask.ended = "unknown", entry.time, None
            self._intents[entry.seq] = ask
        elif entry.kind == "outcome":
            ended = self._intents.get(body.get("intent", 0))
            if ended is not None:
                ended.state, ended.ended, ended.rule = _ending(entry), entry.time, _rule(entry)
        elif entry.kind == "approval" and request in self._found:
            decision = str(body.get("decision"))
            ask = self._found[request]
            ask.state = _DECIDED.get(decision, "unknown")
            ask.rule = BY_APPROVER if decision == "denied" else ""
        elif entry.kind in ("refusal", "cancelled") and not request and body.get("action") not in self._reads:
            state = _ENDED.get(str(body.get("outcome")), "failed")
            state = "unproven" if state == "done" else state
            self._found[entry.seq] = Ask(entry, str(body.get("action", "")), state, rule=_rule(entry))

    def asks(self, now: datetime) -> list[Ask]:
        """What was asked for; a request that waited too long counts as abandoned."""
        return [
            replace(ask, state="abandoned")
            if ask.state == "pending" and ask.opened.kind == "request" and now - ask.opened.time > LIFETIME
            else ask
            for ask in self._found.values()
        ]


def asks(entries: Iterable[Entry], now: datetime, reads: Collection[str] = ()) -> list[Ask]:
    """What was asked for, with how it ended by the last that is logged about it.

    Args:
        entries: in their order. now: a request that waited too long counts as abandoned.
        reads: names of actions that change nothing; where one was refused, nothing was to be changed.
    """
    reckoning = Reckoning(reads)
    for entry in entries:
        reckoning.add(entry)
    return reckoning.asks(now)


def _rule(entry: Entry) -> str:
    """Who said no, where somebody did: the rule, or the kind of the error."""
    return str(entry.body.get("rule") or entry.body.get("code") or "")


def _ending(outcome: Entry) -> str:
    state = _ENDED.get(str(outcome.body.get("outcome")), "failed")
    return "unproven" if state == "done" and not _has_receipt(outcome) else state


def _has_receipt(outcome: Entry) -> bool:
    """Whether something was read back, and all of it as promised. The count stays when the names are erased."""
    read_back = outcome.body.get("read_back")
    if isinstance(read_back, int):
        return read_back > 0 and outcome.body.get("as_expected") == read_back
    try:
        receipt = json.loads(str(outcome.personal.get("receipt") or "[]"))
        return bool(receipt) and all(seen["expected"] == seen["observed"] for seen in receipt)
    except (ValueError, KeyError, TypeError):
        return False


def document(found: Iterable[Ask], filter: Filter) -> dict[str, Any]:
    """The figures of the asks whose beginning fits, together and for each action (``helpdesk.log-stats/1``)."""
    whole, by_action = Figures(), {}  # type: tuple[Figures, dict[str, Figures]]
    for ask in found:
        if filter.fits(ask.opened):
            whole.count(ask)
            by_action.setdefault(ask.action, Figures()).count(ask)
    return {
        "schema": SCHEMA,
        **whole.plain(),
        "actions": {name: by_action[name].plain() for name in sorted(by_action)},
    }
