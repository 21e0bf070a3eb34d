"""How a call is written to the log: what stays in the chain, and what can be erased from beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from helpdesk.actions.prepare import Prepared
from helpdesk.events import Change, Observation, Outcome, Result
from helpdesk.gate.audit import AuditLog, Entry
from helpdesk.identity import Actor, Person
from helpdesk.plugin import Preview

Approvers = Sequence[tuple[str, str]]
"""Ids and logins of those who said yes; the log names three and tells the ids of all."""
_ABOUT_REQUESTS = ("request", "approval", "intent", "outcome")


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes calls to the audit log. Every method raises LogUnavailable when the entry is not durable.

    Attributes:
        told: of each call that was done, once that is logged; it raises nothing.
    """

    audit: AuditLog
    told: Callable[[Prepared, Result], None] | None = None

    def intent(
        self,
        prepared: Prepared,
        preview: Preview,
        acting: Actor,
        confirmed_by: str,
        request: str,
        rule: str = "",
        approvers: Approvers = (),
    ) -> int:
        """Before the effect (R1): enough to read an interrupted action back after a crash.

        Args:
            rule: the ``@id`` of the rule that allowed it. approvers: who said yes, where a worker carries it out.
        """
        return self.audit.append(
            "intent", *intent_of(prepared, preview, acting, confirmed_by, request, rule, approvers)
        )

    def outcome(self, prepared: Prepared, acting: Actor, result: Result, intent: int, request: str) -> int:
        body = {
            **_identities(prepared, acting),
            "key": prepared.call.key,
            "intent": intent,
            "request": request,
            "read_back": len(result.receipt),
            "as_expected": sum(seen.as_expected for seen in result.receipt),
            **_verdict(result),
        }
        personal = {
            **_names(prepared, acting),
            "receipt": _text(_plain(result.receipt)),
            "message": result.message,
        }
        entry = self.audit.append("outcome", body, personal)
        if self.told is not None and result.outcome is Outcome.DONE:
            self.told(prepared, result)
        return entry

    def answered(self, kind: str, prepared: Prepared, acting: Actor, result: Result, digest: str = "") -> int:
        """A read, a preview, or a call with nothing to change: then with the digest of that state."""
        return self.audit.append(*_answer(kind, prepared, acting, result, digest))

    def previewed(self, acting: Actor, looked: Sequence[tuple[Prepared, Result]]) -> list[int]:
        """Many previews in one commit: nothing was done, so nothing has to wait for each of them alone."""
        return self.audit.append_many(
            [_answer("preview", prepared, acting, result) for prepared, result in looked]
        )

    def rejected(self, result: Result, actor: Actor | None, arguments: dict[str, Any], case: str = "") -> int:
        """A call that ended before any effect: refused, cancelled, unusable, or out of reach."""
        kind = "cancelled" if result.outcome.value == "cancelled" else "refusal"
        body: dict[str, Any] = {"action": result.action, "request": result.request or "", **_verdict(result)}
        if case:
            body["case"] = case
        personal: dict[str, str | int] = {"arguments": _text(arguments), "message": result.message}
        if actor is not None:
            body |= {"actor_id": actor.person.id, **actor.marks}
            personal["actor"] = actor.login
        return self.audit.append(kind, body, personal)

    def requested(self, prepared: Prepared, preview: Preview, request: str, seal: str, rule: str = "") -> int:
        return self.audit.append("request", *_waiting(prepared, preview, request, seal, rule))

    def requested_together(
        self, calls: Sequence[tuple[Prepared, Preview, str]], request: str, seal: str
    ) -> list[int]:
        """Calls that wait under one request, in one commit: an entry for each, with the rule that lets it wait."""
        return self.audit.append_many(
            [
                ("request", *_waiting(prepared, preview, request, seal, rule))
                for prepared, preview, rule in calls
            ]
        )

    def decided(self, request: str, decision: str, approver: Actor, seal: str, reason: str) -> int:
        body = {"request": request, "decision": decision, "seal": seal, "actor_id": approver.person.id}
        return self.audit.append("approval", body, {"actor": approver.login, "reason": reason})

    def delegated(self, delegation: str, decision: str, giver: Actor, span: str, taker: Person | None) -> int:
        """Somebody lets somebody stand in for them, or takes that back."""
        body = {
            "delegation": delegation,
            "decision": f"delegation-{decision}",
            "actor_id": giver.person.id,
            "person_id": taker.id if taker else "",
        }
        personal: dict[str, str | int] = {"actor": giver.login, "message": span}
        if taker is not None:
            personal["target"] = taker.login
        return self.audit.append("approval", body, personal)

    def batch(self, acting: Actor, file: str, body: Mapping[str, Any]) -> int:
        """A batch is confirmed and begins, or goes on.

        Args:
            file: the digest of its bytes; of a short file they could be guessed from it, so it can be erased.
        """
        personal = {"actor": acting.login, "file": file}
        return self.audit.append("batch", {**body, "actor_id": acting.person.id, **acting.marks}, personal)

    def explained(self, acting: Actor, what: str, arguments: dict[str, Any]) -> int:
        """Somebody asked why; a read like every other."""
        body = {"action": "why", "actor_id": acting.person.id, "outcome": "done", "code": "", "rule": ""}
        personal = {"actor": acting.login, "target": what, "arguments": _text(arguments)}
        return self.audit.append("read", body, personal)

    def about_request(self, request: str, page: int = 500) -> list[Entry]:
        """What the log holds about a request since it was made, newest first; blocking."""
        found: list[Entry] = []
        before: int | None = None
        while entries := self.audit.entries(
            before=before, limit=page, newest_first=True, kinds=_ABOUT_REQUESTS
        ):
            found += [entry for entry in entries if entry.body.get("request") == request]
            if found and found[-1].kind == "request":
                break
            before = entries[-1].seq
        return found

    def begun(self, key: str, since: datetime, page: int = 500) -> list[Entry]:
        """Intents of this log with an idempotency key, newest first; blocking.

        Args:
            since: none is older than that.
        """
        found: list[Entry] = []
        before: int | None = None
        while entries := self.audit.entries(before=before, limit=page, newest_first=True, kinds=("intent",)):
            found += [entry for entry in entries if entry.body.get("key") == key]
            if entries[-1].time < since:
                break
            before = entries[-1].seq
        return found


def intent_of(
    prepared: Prepared,
    preview: Preview,
    acting: Actor,
    confirmed_by: str,
    request: str,
    rule: str = "",
    approvers: Approvers = (),
) -> tuple[dict[str, Any], dict[str, str | int]]:
    """What an intent holds, for ever and erasable: enough to read the call back, here or wherever it is kept."""
    body: dict[str, Any] = {
        **_identities(prepared, acting),
        "key": prepared.call.key,
        "digest": prepared.digest(preview),
        "confirmed_by": confirmed_by,
        "risk": prepared.spec.risk,
        "request": request,
        "rule": rule,
        "provenance": {name: str(value) for name, value in prepared.call.provenance.items()},
        "people": _people(prepared),
        "groups": {name: group.id for name, group in prepared.groups.items()},
    }
    personal: dict[str, str | int] = {
        **_names(prepared, acting),
        "before": _text({"changes": _plain(preview.changes), "state": dict(preview.state)}),
    }
    if approvers:
        body["approvers"] = [id for id, _ in approvers]
    for number, (id, login) in enumerate(approvers[:3], 1):
        name = "approver" if number == 1 else f"approver{number}"
        body[f"{name}_id"], personal[name] = id, login
    return body, personal


def _waiting(
    prepared: Prepared, preview: Preview, request: str, seal: str, rule: str
) -> tuple[dict[str, Any], dict[str, str | int]]:
    body = {
        **_identities(prepared, prepared.requester),
        "key": prepared.call.key,
        "outcome": "pending",
        "digest": prepared.digest(preview),
        "request": request,
        "seal": seal,
        "rule": rule,
    }
    personal = {
        **_names(prepared, prepared.requester),
        "before": _text({"changes": _plain(preview.changes), "state": dict(preview.state)}),
    }
    return body, personal


def _answer(
    kind: str, prepared: Prepared, acting: Actor, result: Result, digest: str = ""
) -> tuple[str, dict[str, Any], dict[str, str | int]]:
    body = {**_identities(prepared, acting), "key": prepared.call.key, **_verdict(result)}
    if digest:
        body["digest"] = digest
    return kind, body, {**_names(prepared, acting), "message": result.message}


def _identities(prepared: Prepared, acting: Actor) -> dict[str, Any]:
    undoes = {"undoes": prepared.call.undoes} if prepared.call.undoes else {}
    case = {"case": prepared.call.case} if prepared.call.case else {}
    grant = {"grant": prepared.call.ends} if prepared.call.ends else {}
    return {
        **undoes,
        **case,
        **grant,
        "action": prepared.spec.name,
        "version": prepared.spec.plugin_version,
        "actor_id": acting.person.id,
        **acting.marks,
        "requester_id": prepared.requester.person.id,
        "person_id": prepared.person.id if prepared.person else "",
        "group_id": prepared.group.id if prepared.group else "",
    }


def _people(prepared: Prepared) -> dict[str, str]:
    """Ids by the argument that names them: a login is personal, and would stay for ever here."""
    return {
        p.name: prepared.people[prepared.values[p.name]].id
        for p in prepared.spec.parameters
        if p.kind == "login" and prepared.values.get(p.name) in prepared.people
    }


def _names(prepared: Prepared, acting: Actor) -> dict[str, str | int]:
    return {
        "actor": acting.login,
        "requester": prepared.requester.login,
        "target": prepared.target,
        "arguments": _text(dict(prepared.values)),
    }


def _verdict(result: Result) -> dict[str, Any]:
    return {
        "outcome": result.outcome.value,
        "code": result.error.code if result.error else "",
        "rule": result.rule,
    }


def _plain(items: Sequence[Change | Observation]) -> list[dict[str, str]]:
    return [{one.name: getattr(item, one.name) for one in fields(item)} for item in items]


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False)


def receipt_from(receipt: str) -> tuple[Observation, ...]:
    """What an outcome was logged with. Raises ValueError, TypeError when it was erased or is unreadable."""
    return tuple(Observation(**observation) for observation in json.loads(receipt))


def preview_from(before: str) -> Preview:
    """The preview that an intent was logged with. Raises ValueError when it was erased or is unreadable."""
    document = json.loads(before)
    return Preview(
        summary="",
        changes=tuple(Change(**change) for change in document["changes"]),
        state=document["state"],
    )
