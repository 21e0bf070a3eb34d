"""What a notice says: plain text without a link, in our words; the words of others are quoted (T1, T2).

A message that asks somebody to click is what they are taught to distrust. So it holds a code to type: the request's id,
and a check that only the sealed request gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.actions.grant import Grant, told
from helpdesk.gate.codes import code_of
from helpdesk.gate.requests import Request
from helpdesk.text import outside, shorten
from helpdesk.workflows.notices import Notice, Told

_NO_LINK = "There is never a link in a message of ours, and no message of ours asks for a password."
_MOST = 20
_LINK = re.compile(r"(?i)(?<=[a-z0-9])(://|\.(?=[a-z]{2}))")


@dataclass(frozen=True, slots=True)
class Text:
    subject: str
    body: str
    document: dict[str, Any]
    """What a webhook is told: the same, as values."""


def of_request(notice: Notice, request: Request) -> Text:
    """About one request, to whoever decides or whoever asked."""
    code, call = code_of(request), request.call
    who = _safe(call.requester_login)
    title = _safe(call.summary or call.action)
    changes = [
        f"    {_safe(f'{c.target}: {c.what}: {c.before} -> {c.after}')}" for c in request.changes[:_MOST]
    ]
    if len(request.changes) > _MOST:
        changes.append(f"    … and {len(request.changes) - _MOST} more")
    match notice.told:
        case Told.WAITS:
            subject, first = (
                f"{request.id} waits for you",
                [f"{who} asks for something that needs your yes.", ""],
            )
            last = ["See it, and decide, in a terminal:", "", f"    helpdesk approvals show {code}"]
        case Told.APPROVED:
            subject, first = f"{request.id} is approved", ["What you asked for is approved.", ""]
            last = ["It is carried out now. Where it stands:", "", f"    helpdesk why {request.id}"]
        case Told.DENIED:
            subject, first = (
                f"{request.id} is denied",
                ["What you asked for is denied. Nothing was changed.", ""],
            )
            last = _quoted("The reason", request.answer)
        case Told.DONE:
            subject, first = f"{request.id} is done", ["What you asked for is done, and was read back.", ""]
            last = ["The receipt:", "", f"    helpdesk why {request.id}"]
        case Told.STALE:
            subject = f"{request.id} was not carried out"
            first = ["What you asked for was not carried out: things changed since. Nothing was done.", ""]
            last = [*_quoted("Why", request.answer), "", "Ask again if you still need it."]
        case Told.FAILED:
            subject, first = f"{request.id} failed", ["What you asked for was approved, and failed.", ""]
            last = ["What happened:", "", f"    helpdesk why {request.id}"]
        case _:
            subject = f"{request.id}: nobody knows yet"
            first = ["What you asked for was begun, and nobody knows yet whether it took effect.", ""]
            last = ["Whoever looks after the helpdesk finds out with:", "", "    helpdesk reconcile"]
    reason = _quoted("The reason given", request.reason) if notice.told is Told.WAITS else []
    body = _letter(notice, [*first, f"    {title}", *changes, *([""] if reason else []), *reason, "", *last])
    return Text(subject, body, _document(notice, subject, code, title, [c.strip() for c in changes]))


def of_many(notice: Notice, requests: Sequence[Request]) -> Text:
    """About several together: those that wait, or those that were answered lately."""
    waits = notice.told is Told.MANY_WAIT
    count = len(requests)
    subject = f"{count} requests wait for you" if waits else "Your requests"
    lines = [
        f"    {code_of(one)}  {_safe(one.call.requester_login)}: {_safe(one.call.summary or one.call.action)}"
        if waits
        else f"    {one.id}  {one.state.value}: {_safe(one.call.summary or one.call.action)}"
        for one in requests[:_MOST]
    ]
    if count > _MOST:
        lines.append(f"    … and {count - _MOST} more")
    first = f"{count} requests wait for your decision:" if waits else "How your requests stand:"
    body = _letter(notice, [first, "", *lines, "", "All of them:", "", "    helpdesk approvals list"])
    return Text(subject, body, _document(notice, subject, "", first, [line.strip() for line in lines]))


def of_grant(notice: Notice, grant: Grant, *, mine: bool) -> Text:
    """About access that ends, to whoever has it (``mine``), or to those who look after it."""
    who = "Your access" if mine else f"The access of {_safe(grant.person.title or grant.person.name)}"
    what = f"{who} to {_safe(grant.target)}"
    match notice.told:
        case Told.ENDS_SOON:
            subject = f"{what} ends on {told(grant.ends)}"
            last = ["If it is needed for longer:", "", f"    helpdesk grants extend {grant.id}"]
        case Told.ENDED:
            subject, last = f"{what} has ended", [*_quoted("How", _first(notice))]
        case _:
            subject = f"{what} should have ended and has not"
            last = [
                *_quoted("Why", _first(notice)),
                "",
                "It is tried again until it is gone. Where it stands:",
            ]
            last += ["", "    helpdesk grants list"]
    ends = f"It was given until {told(grant.ends)}."
    body = _letter(notice, [f"{subject}.", ends, "", *last])
    return Text(subject, body, _document(notice, subject, grant.id, ends, list(map(_safe, notice.facts))))


def of_change(notice: Notice) -> Text:
    """About somebody's own account, to every address of theirs (I5)."""
    subject = "Your account was changed"
    lines = [f"    {_safe(fact)}" for fact in notice.facts]
    last = ["If that was not you, and nobody told you of it, tell the service desk at once."]
    body = _letter(notice, ["Your account was changed just now:", "", *lines, "", *last])
    return Text(subject, body, _document(notice, subject, "", notice.about, [line.strip() for line in lines]))


def _letter(notice: Notice, lines: Sequence[str]) -> str:
    hello = f"Hello {_safe(notice.name)}," if notice.name else "Hello,"
    return "\n".join([hello, "", *lines, "", "-- ", f"IT helpdesk. {_NO_LINK}"]) + "\n"


def _document(notice: Notice, subject: str, code: str, what: str, lines: Sequence[str]) -> dict[str, Any]:
    return {
        "schema": "helpdesk.notice/1",
        "id": notice.id,
        "kind": notice.told.value,
        "about": notice.about,
        "subject": subject,
        "code": code,
        "what": what,
        "lines": list(lines),
    }


def _quoted(title: str, words: str) -> list[str]:
    """Others' words, told as such; nothing where there are none."""
    if not words.strip():
        return []
    lines = [_safe(line) for line in shorten(words, 600).splitlines()[:8]]
    return [f"{title}, in their own words:", *(f"> {line}" for line in lines)]


def _safe(words: str) -> str:
    """Others' words on one line, in which nothing acts on a screen and no mail program finds a link."""
    return _LINK.sub(lambda found: f"[{found[0]}]", outside(shorten(words, 300), one_line=True))


def _first(notice: Notice) -> str:
    return notice.facts[0] if notice.facts else ""


Compose = Callable[[Notice], "Text | None"]
"""What a notice says now; ``None`` where there is nothing to say any more."""
