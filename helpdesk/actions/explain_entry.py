"""Why an entry stands in the log: who, by which rule, from where each value came, and what was read back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.explain import Explainer
from helpdesk.actions.journal import preview_from, receipt_from
from helpdesk.actions.runner import Runner
from helpdesk.actions.why import CallWhy, DecisionSaid, EntryWhy
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.events import Change, Observation
from helpdesk.gate.audit import Entry
from helpdesk.gate.requests import Request, RequestState
from helpdesk.identity import Actor
from helpdesk.ports import SignedIn

_CARRIED_OUT = ("intent", "outcome")
_ASKED = ("request", "approval")
_RULE_DECIDED = ("rule", "")
"""Codes of errors where a rule may have said no; the directory's own refusal is none of them."""


@dataclass(frozen=True, slots=True)
class _Call:
    """Everything that the log holds about the call of one entry.

    Attributes:
        intent, outcome: where it was carried out. asked: where it was requested first.
        decisions: about its request.
    """

    entry: Entry
    intent: Entry | None = None
    outcome: Entry | None = None
    asked: Entry | None = None
    decisions: tuple[Entry, ...] = ()
    request: Request | None = None
    undone_by: int | None = None

    @property
    def waits(self) -> bool:
        """It is a request that nobody has decided about yet."""
        pending = self.request is not None and self.request.state is RequestState.PENDING
        return pending and self.entry.kind == "request"


@dataclass(frozen=True, slots=True)
class EntryExplainer:
    """Explains entries of the log; each question is logged as a read."""

    runner: Runner

    async def __call__(self, seq: int, signed_in: SignedIn) -> EntryWhy:
        """Everything known about one entry.

        Raises:
            NotFound: there is none. LogUnavailable: the log cannot be read, or the question not be logged.
        """
        try:
            call = await asyncio.to_thread(self._call, seq)
            why = self._said(call)
            if call.entry.body.get("outcome") == "refused" or call.waits:
                why = await asyncio.to_thread(self._with_today, why, call, signed_in)
        except HelpdeskError as error:
            self.runner.rejected("why", {}, signed_in.actor, error)
            raise
        return replace(why, entry=self.runner.journal.explained(signed_in.actor, f"entry {seq}", {}))

    # ── what the log holds ────────────────────────────────────────────────────────────────────

    def _call(self, seq: int) -> _Call:
        journal = self.runner.journal
        entry = journal.audit.entry(seq)
        intent = outcome = None
        if entry.kind in _CARRIED_OUT:
            intent = entry if entry.kind == "intent" else journal.audit.entry(int(entry.body["intent"]))
            ends = journal.audit.outcomes_of(intent.seq)
            outcome = entry if entry.kind == "outcome" else (ends[-1] if ends else None)
        about = journal.about_request(str(entry.body["request"])) if entry.body.get("request") else []
        if entry.kind in _ASKED:
            intent = next((one for one in about if one.kind == "intent"), None)
            outcome = next((one for one in about if one.kind == "outcome"), None)
        undoing = journal.audit.undoing(outcome.seq) if outcome is not None else []
        return _Call(
            entry,
            intent,
            outcome,
            asked=next((one for one in about if one.kind == "request"), None),
            decisions=tuple(one for one in reversed(about) if one.kind == "approval"),
            request=self._request(str(entry.body.get("request") or "")),
            undone_by=self._undone_by(undoing),
        )

    def _request(self, id: str) -> Request | None:
        try:
            return self.runner.requests.get(id) if id else None
        except HelpdeskError:  # the file of requests is another one, or cannot be read; the log still tells
            return None

    def _undone_by(self, undoing: list[Entry]) -> int | None:
        for entry in undoing:
            for end in self.runner.journal.audit.outcomes_of(entry.seq):
                if end.body.get("outcome") == "done":
                    return end.seq
        return None

    # ── what it says ──────────────────────────────────────────────────────────────────────────

    def _said(self, call: _Call) -> EntryWhy:
        entry, intent, outcome = call.entry, call.intent, call.outcome
        known: dict[str, Any] = {}
        personal: dict[str, Any] = {}
        for one in (call.asked, intent, outcome, entry):
            known |= {k: v for k, v in (one.body if one else {}).items() if v not in ("", None)}
            personal |= {k: v for k, v in (one.personal if one else {}).items() if v not in ("", None)}
        action, rule = str(known.get("action", "")), str(known.get("rule", ""))
        reason, hint = self.runner.authorise.authorization.sentences(rule, action)
        approvers = call.request.approver_names if call.request is not None else ()
        wait = f"It waits for {' or '.join(approvers)}: helpdesk approvals show {known.get('request')}"
        return EntryWhy(
            explains=entry.seq,
            kind=entry.kind,
            time=entry.time.isoformat(),
            actor=_text(personal.get("actor")),
            requester=_text(personal.get("requester")),
            action=action,
            target=str(personal.get("target") or ""),
            arguments=_json(personal.get("arguments")) if "arguments" in entry.personal else {},
            outcome=str(known.get("outcome") or known.get("decision") or ""),
            code=str(entry.body.get("code") or ""),
            message=str(personal.get("message") or ""),
            rule=rule,
            reason=reason,
            hint=hint,
            confirmed_by=str(known.get("confirmed_by", "")),
            intent=intent.seq if intent else None,
            ended=outcome.seq if outcome else None,
            provenance=_provenance(call, known),
            changes=_changes(personal.get("before")),
            receipt=_receipt(personal.get("receipt")),
            request=str(known.get("request", "")),
            approvers=tuple(approvers),
            decisions=tuple(map(_decision, call.decisions)),
            unblock=(wait,) if call.waits else (),
            undoes=known.get("undoes"),
            undone_by=call.undone_by,
        )

    def _with_today(self, why: EntryWhy, call: _Call, signed_in: SignedIn) -> EntryWhy:
        """How the same call stands now: the log keeps the rule that decided, not what was so at that moment."""
        if why.code not in _RULE_DECIDED:
            return why
        try:
            now = self._today(why, call, signed_in)
        except HelpdeskError as error:
            return replace(why, now_error=error.message)
        return replace(why, now=now, unblock=(*why.unblock, *(() if why.unblock else now.unblock)))

    def _today(self, why: EntryWhy, call: _Call, signed_in: SignedIn) -> CallWhy:
        if why.arguments is None:
            raise NotFound("Its arguments were erased.")
        known = call.asked or call.entry
        id = str(known.body.get("requester_id") or known.body.get("actor_id") or "")
        mine = id == signed_in.actor.person.id
        requester = signed_in.actor if mine else Actor(person=signed_in.directory.person_by_id(id))
        explainer = Explainer(self.runner)
        given = Call(why.action, why.arguments, {n: Provenance(p) for n, p in why.provenance.items()})
        prepared = explainer.prepared(given, requester, signed_in.directory)
        return explainer.explained(prepared, signed_in.directory, "you" if mine else requester.login)


def _provenance(call: _Call, known: Mapping[str, Any]) -> dict[str, str]:
    logged = known.get("provenance")
    if isinstance(logged, Mapping):
        return {str(name): str(value) for name, value in logged.items()}
    return dict(call.request.call.provenance) if call.request is not None else {}


def _decision(entry: Entry) -> DecisionSaid:
    reason = _text(entry.personal.get("reason")) or ""
    return DecisionSaid(
        entry.seq, str(entry.body.get("decision", "")), _text(entry.personal.get("actor")) or "?", reason
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _json(text: Any) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, TypeError):
        return None  # erased, or from another version
    return document if isinstance(document, dict) else None


def _changes(before: Any) -> tuple[Change, ...]:
    try:
        return preview_from(before).changes
    except (ValueError, KeyError, TypeError):
        return ()


def _receipt(receipt: Any) -> tuple[Observation, ...]:
    try:
        return receipt_from(receipt)
    except (ValueError, KeyError, TypeError):
        return ()
