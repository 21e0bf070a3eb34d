"""The log in the words of OCSF, the open schema that security teams' tools read.

A sign-in is an Authentication event, a change of an account or its password an Account Change, and everything else
an API Activity. What OCSF has no word for stands in ``unmapped``. The mapping is described in docs/operator.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from helpdesk import __version__
from helpdesk.gate.audit_chain import Entry

VERSION = "1.3.0"
_AUTHENTICATION, _ACCOUNT_CHANGE, _API_ACTIVITY = 3002, 3001, 6003
_CATEGORIES = {3: "Identity & Access Management", 6: "Application Activity"}
_CLASSES = {3001: "Account Change", 3002: "Authentication", 6003: "API Activity"}
_OTHER = 99
_ACCOUNT = {
    "account.enable": (2, "Enable"),
    "password.change": (3, "Password Change"),
    "password.reset": (4, "Password Reset"),
    "account.disable": (5, "Disable"),
    "password.unlock": (_OTHER, "Unlock"),
    "people.update": (_OTHER, "Update"),
}
_CREATE, _READ, _UPDATE, _DELETE = (1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")
_KINDS = {"read": _READ, "preview": _READ, "request": _CREATE, "erasure": _DELETE, "retention": _DELETE}
_STATUS = {
    "done": (1, "Success"),
    "previewed": (1, "Success"),
    "approved": (1, "Success"),
    "denied": (1, "Success"),
    "withdrawn": (1, "Success"),
    "unknown": (0, "Unknown"),
}
_FAILED = {"failed", "refused", "cancelled", "usage", "not-signed-in", "unreachable", "interrupted"}
_INFORMATIONAL, _LOW, _MEDIUM = (1, "Informational"), (2, "Low"), (3, "Medium")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event(entry: Entry) -> dict[str, Any]:
    """An entry as one OCSF event, with plain JSON values only."""
    body, personal = entry.body, entry.personal
    uid, (activity, activity_name) = _class_of(entry)
    status, status_name = _status(entry)
    severity, severity_name = _severity(entry)
    category = uid // 1000
    document: dict[str, Any] = {
        "class_uid": uid,
        "class_name": _CLASSES[uid],
        "category_uid": category,
        "category_name": _CATEGORIES[category],
        "activity_id": activity,
        "activity_name": activity_name,
        "type_uid": uid * 100 + activity,
        "type_name": f"{_CLASSES[uid]}: {activity_name}",
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "time": (entry.time - _EPOCH) // timedelta(milliseconds=1),
        "metadata": {
            "version": VERSION,
            "uid": entry.hash,
            "sequence": entry.seq,
            "log_name": "helpdesk",
            "product": {"name": "Helpdesk", "vendor_name": "Helpdesk", "version": __version__},
        },
        "actor": {"user": _user(personal.get("actor") or personal.get("requester"), _actor_id(body))},
        "message": str(personal.get("message") or f"{entry.kind} {body.get('action') or ''}".strip()),
        "unmapped": {"kind": entry.kind, "body": dict(body)},
    }
    if body.get("code") or body.get("rule"):
        document["status_detail"] = " ".join(str(body[name]) for name in ("code", "rule") if body.get(name))
    return document | _about(entry, uid)


def _class_of(entry: Entry) -> tuple[int, tuple[int, str]]:
    if entry.kind == "sign-in":
        return _AUTHENTICATION, (1, "Logon")
    account = _ACCOUNT.get(str(entry.body.get("action")))
    if account and entry.kind in ("intent", "outcome", "refusal", "cancelled"):
        return _ACCOUNT_CHANGE, account
    return _API_ACTIVITY, _KINDS.get(entry.kind, _UPDATE)


def _status(entry: Entry) -> tuple[int, str]:
    ending = str(entry.body.get("outcome") or entry.body.get("decision") or "")
    if ending in _FAILED:
        return 2, "Failure"
    return _STATUS.get(ending) or ((_OTHER, ending) if ending else (0, "Unknown"))


def _severity(entry: Entry) -> tuple[int, str]:
    """What somebody should look at: an effect that is not known, then what was refused."""
    ending = entry.body.get("outcome")
    if ending in ("unknown", "partial") or entry.kind in ("erasure", "retention"):
        return _MEDIUM
    return _LOW if ending in ("refused", "failed", "unreachable") else _INFORMATIONAL


def _about(entry: Entry, uid: int) -> dict[str, Any]:
    """What the event's class asks for beyond what every event has."""
    body, personal = entry.body, entry.personal
    if uid == _AUTHENTICATION:
        return {
            "user": _user(personal.get("actor"), body.get("actor_id")),
            "service": {"name": "directory"},
        }
    target = personal.get("target")
    if uid == _ACCOUNT_CHANGE:
        return {"user": _user(target, body.get("person_id"))}
    about: dict[str, Any] = {
        "api": {"operation": str(body.get("action") or entry.kind), "service": {"name": "helpdesk"}},
        "src_endpoint": {"name": "helpdesk"},
    }
    for name, kind in (("person_id", "user"), ("group_id", "group")):
        if body.get(name):
            about.setdefault("resources", []).append({"uid": str(body[name]), "type": kind})
    if target and about.get("resources"):
        about["resources"][-1]["name"] = str(target)
    return about


def _actor_id(body: Mapping[str, Any]) -> Any:
    return body.get("actor_id") or body.get("requester_id")


def _user(name: Any, uid: Any) -> dict[str, str]:
    """A user as OCSF wants one: at least a name or an id, and both where they are known."""
    found = {key: str(value) for key, value in (("name", name), ("uid", uid)) if value}
    return found or {"name": "unknown"}
