"""Entries for the panes that read the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helpdesk.gate.audit import AuditLog

HOSTILE = "\x1b[2J\x1b]0;gone\x07[bold red]✓ done[/] ┃ model │ \u202eevil\u202c [@click=app.leave]x[/]"
"""Text that acts on a terminal, on a markup parser, and that looks like our own marks."""


def acted(
    log: AuditLog,
    *,
    actor: str = "bo",
    target: str = "ana",
    action: str = "password.unlock",
    outcome: str = "done",
    arguments: Mapping[str, str] | None = None,
    message: str = "The account is unlocked.",
    observed: str = "not locked",
) -> int:
    """An intent and its outcome; the outcome's number."""
    change = {"system": "directory", "target": target, "what": "account lock", "before": "locked"}
    names = {"actor": actor, "requester": actor, "target": target}
    told = json.dumps(dict(arguments or {"person": target}))
    receipt = [{**change, "expected": "not locked", "observed": observed}]
    for one in receipt:
        one.pop("before")
    intent = log.append(
        "intent",
        {
            "action": action,
            "actor_id": f"id-{actor}",
            "rule": "desk-may-unlock",
            "provenance": {"person": "typed", "reason": "text"},
            "confirmed_by": "person",
        },
        {
            **names,
            "arguments": told,
            "before": json.dumps({"changes": [{**change, "after": "not locked"}], "state": {}}),
        },
    )
    body: dict[str, Any] = {
        "action": action,
        "actor_id": f"id-{actor}",
        "intent": intent,
        "outcome": outcome,
        "read_back": 1,
        "as_expected": int(observed == "not locked"),
    }
    return log.append(
        "outcome", body, {**names, "arguments": told, "receipt": json.dumps(receipt), "message": message}
    )


def refused(
    log: AuditLog, *, actor: str = "ana", action: str = "password.reset", rule: str = "not-yours"
) -> int:
    body = {"action": action, "outcome": "refused", "code": "rule", "rule": rule, "request": ""}
    return log.append(
        "refusal", body, {"actor": actor, "arguments": "{}", "message": "The policy does not allow it."}
    )
