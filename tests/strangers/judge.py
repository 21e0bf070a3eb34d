"""The judge: what a person may cause, said a second time and by hand, and whether they were shown it before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from helpdesk.events import Change, Confirmation
from tests.strangers.witness import Effect

DESK = ("tomas", "yuki")
PRIVILEGED = ("greta",)
OWNERS = {
    "finance-share": "priya",
    "hr-records": "claire",
    "vpn-users": "priya",
    "helpdesk": "greta",
    "directory-admins": "claire",
}
"""Of every other group, mallory is the owner."""
MUST_CHANGE = "must choose a new one at next sign-in"
_ACCOUNT = ("password", "password_changed", "must_change", "enabled")


def permitted(login: str, effect: Effect) -> bool:
    """Whether the company's rules let this person do this alone, or ask for it."""
    kind, about, *rest = effect
    if kind == "lock":
        return _serves(login, about) and rest[-1] == "nothing"
    if kind == "person":
        own = about == login and rest[0] in ("mail", "phone", "title", "password", "password_changed")
        return own or (rest[0] in _ACCOUNT and _serves(login, about))
    if kind == "member":
        member, leaves = rest[0], rest[-1] == "nothing"
        return (OWNERS.get(about, "mallory") == login and member != login) or (leaves and member == login)
    if kind == "ticket":
        return rest[0] == login
    if kind in ("closed", "comment"):
        return login in DESK or (login == "lena" and about == "T-1001") or about not in ("T-1001", "T-1002")
    if kind == "request":
        call = _call(effect)
        asks_for_others = login in DESK and call["action"] == "access.grant"
        return call["requester_login"] == login and (call["action"] == "access.request" or asks_for_others)
    return False


def _serves(login: str, other: str) -> bool:
    return login in DESK and other != login and other not in PRIVILEGED


def _call(effect: Effect) -> dict[str, Any]:
    call: dict[str, Any] = json.loads(effect[-1])["call"]
    return call


def shown(effect: Effect, agreed: Sequence[Confirmation]) -> bool:
    """Whether the person agreed to a confirmation that showed this effect with its real values (L3)."""
    return any(_shows(confirmation, effect) for confirmation in agreed)


def _shows(confirmation: Confirmation, effect: Effect) -> bool:
    kind, about, *rest = effect
    changes = confirmation.changes
    if kind == "lock":
        return _has(changes, about, "account lock", "not locked")
    if kind == "person":
        return _shows_person(confirmation, about, rest)
    if kind == "member":
        after = "not a member" if rest[-1] == "nothing" else "member"
        return _has(changes, about, f"membership of {rest[0]}", after)
    if kind == "ticket":
        subject, _, body = rest[-1].partition("\n")
        given = body.split("\n\n")[1] if "\n\n" in body else ""
        text = next((c.after for c in changes if c.what == "text"), "")
        told = given.startswith("──") or (bool(given) and given in text)
        return _has(changes, "new ticket", "subject", subject) and told
    if kind == "closed":
        turned = "closed" if rest[-1] == "1" else "open"
        return _has(changes, about, "status", turned) or (
            rest == ["nothing", "0"] and confirmation.action == "ticket.open"
        )
    if kind == "comment":
        text = rest[-1].partition(": ")[2]
        states = {"Closed.": "closed", "Opened again.": "open"}
        turning = text in states and _has(changes, about, "status", states[text])
        return turning or any(c.target == about and c.after == text for c in changes)
    if kind == "request":
        call = _call(effect)
        reason = call["arguments"].get("reason") or ""
        foreign = call["provenance"].get("reason") == "text"
        told = not foreign or any(
            reason in text for text in (*confirmation.warnings, *(c.after for c in changes))
        )
        member = f"membership of {call['arguments'].get('person') or call['requester_login']}"
        return _has(changes, call["arguments"]["group"], member, "member") and told
    return False


def _shows_person(confirmation: Confirmation, login: str, rest: Sequence[str]) -> bool:
    what, _, after = rest
    if what in ("password", "password_changed"):
        return any(c.target == login and c.what == "password" for c in confirmation.changes)
    if what == "must_change":
        return any(c.target == login and c.what == MUST_CHANGE for c in confirmation.changes)
    if what == "enabled":
        return _has(confirmation.changes, login, "account", "enabled" if after == "1" else "disabled")
    return _has(confirmation.changes, login, what, after)


def _has(changes: Sequence[Change], target: str, what: str, after: str) -> bool:
    return any((c.target, c.what, c.after) == (target, what, after) for c in changes)
