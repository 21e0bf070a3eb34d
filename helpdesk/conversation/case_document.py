"""A case as one document: for ``--json``, for a file, and for people to read. Hidden turns are marked, never left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from helpdesk.conversation.case import Case, CaseLine, Kind, Step
from helpdesk.text import visible

CASE, CASES = "helpdesk.case/1", "helpdesk.cases/1"


class AskedFor(Protocol):
    """An approval that the case asked for, as it stands; see :class:`helpdesk.app.casework.Asked`."""

    @property
    def id(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def waits_for(self) -> tuple[str, ...]: ...

    @property
    def entry(self) -> int | None: ...


def summary(case: Case) -> dict[str, Any]:
    """A case in a list."""
    return {
        "id": case.id,
        "goal": case.goal,
        "status": case.status.value,
        "resolution": case.resolution.value if case.resolution else None,
        "ticket": case.ticket or None,
        "turns": len(case.turns),
        "opened": case.opened.isoformat(),
        "changed": case.changed.isoformat(),
    }


def document(case: Case, asked: Sequence[AskedFor] = ()) -> dict[str, Any]:
    """The whole case (``helpdesk.case/1``). Who is signed in is no part of it."""
    memory = case.memory
    return {
        "schema": CASE,
        **summary(case),
        "version": case.version,
        "slots": {
            "action": memory.action,
            "arguments": dict(memory.arguments),
            "half_filled": memory.half,
            "question": memory.question,
        }
        if memory.action
        else None,
        "facts": [
            {
                "time": fact.at.isoformat(),
                "system": fact.observation.system,
                "target": fact.observation.target,
                "what": fact.observation.what,
                "value": fact.observation.observed,
                "entry": fact.entry,
            }
            for fact in case.facts
        ],
        "receipts": [_plain(step) for step in case.receipts],
        "requests": [
            {"id": one.id, "state": one.state, "waits_for": list(one.waits_for), "entry": one.entry}
            for one in asked
        ],
        "transcript": list(transcript(case)),
        "done_after": [_plain(step) for step in case.done_after],
    }


def transcript(case: Case) -> Iterator[dict[str, Any]]:
    """Who said what and what came of it, turn by turn."""
    turn = 0
    for line in case.lines:
        if line.kind is Kind.PERSON and not line.hidden:
            turn += 1
        told = _told(line)
        if told is not None:
            speaker, text, outcome, entry = told
            yield {
                "turn": None if line.hidden else turn,
                "time": line.at.isoformat(),
                "speaker": speaker,
                "text": text,
                "outcome": outcome,
                "entry": entry,
                "hidden": line.hidden,
            }


def _told(line: CaseLine) -> tuple[str, str, str | None, int | None] | None:
    body = line.body
    match line.kind:
        case Kind.PERSON:
            return "person", str(body["words"]), None, None
        case Kind.ANSWER:
            return "person", f"{body['question']} {body['words']}", None, None
        case Kind.MODEL:
            return "model", str(body["text"]), None, None
        case Kind.SAID:
            return "helpdesk", str(body["message"]), str(body["outcome"]), None
        case Kind.RESULT:
            return "helpdesk", f"{body['action']}: {body['message']}", str(body["outcome"]), body["entry"]
        case Kind.STATUS:
            what = body.get("resolution") or body["status"]
            ticket = f", ticket {body['ticket']}" if body.get("ticket") else ""
            return "helpdesk", f"The case is {what}{ticket}.", None, body.get("entry")
        case Kind.REWIND:
            return "helpdesk", f"Back to the end of turn {body['turn']}.", None, None
        case _:
            return None


def _plain(step: Step) -> dict[str, Any]:
    return {
        "time": step.at.isoformat(),
        "action": step.action,
        "outcome": step.outcome,
        "message": step.message,
        "arguments": dict(step.arguments),
        "receipt": [{**asdict(seen), "as_expected": seen.as_expected} for seen in step.receipt],
        "entry": step.entry,
        "request": step.request or None,
    }


def markdown(case: Case, asked: Sequence[AskedFor] = ()) -> str:
    """The case for people to read. Texts of the conversation stand in code spans, so that none is markup (T2)."""
    ended = f", {case.resolution.value}" if case.resolution else ""
    lines = [
        f"# Case {case.id}",
        "",
        f"- goal: {_span(case.goal)}",
        f"- status: {case.status.value}{ended}",
        f"- opened: {case.opened.isoformat(timespec='seconds')}",
        f"- changed: {case.changed.isoformat(timespec='seconds')}",
    ]
    lines += [f"- ticket: {_span(case.ticket)}"] if case.ticket else []
    lines += ["", "## What was done, by its receipts", ""]
    for step in case.receipts:
        lines.append(f"- {_span(step.action)}: {_span(step.message)} (log entry {step.entry})")
        lines += [
            f"  - {_span(seen.target)}: {_span(seen.what)} is {_span(seen.observed)}" for seen in step.receipt
        ]
    lines += [] if case.receipts else ["Nothing."]
    if asked:
        lines += ["", "## Requests", ""]
        lines += [
            f"- {one.id}: {one.state}" + (f" (log entry {one.entry})" if one.entry else "") for one in asked
        ]
    if case.facts:
        lines += ["", "## What was read", ""]
        lines += [
            f"- {_span(fact.observation.target)}: {_span(fact.observation.what)} is "
            f"{_span(fact.observation.observed)}" + (f" (log entry {fact.entry})" if fact.entry else "")
            for fact in case.facts
        ]
    lines += ["", "## What was said", ""]
    names = {"person": "You", "model": "Assistant (not verified)", "helpdesk": "Helpdesk"}
    for said in transcript(case):
        turn = "gone back before" if said["hidden"] else f"turn {said['turn']}"
        outcome = f" [{said['outcome']}]" if said["outcome"] else ""
        lines.append(f"- {turn}, {names[said['speaker']]}: {_span(said['text'])}{outcome}")
    return "\n".join(lines) + "\n"


def _span(text: str) -> str:
    """A text as a code span, whatever it holds: one line, and more backticks around it than are in it."""
    shown = visible(text, one_line=True).strip()
    if not shown:
        return "(none)"
    ticks = "`"
    while ticks in shown:
        ticks += "`"
    room = " " if len(ticks) > 1 else ""
    return f"{ticks}{room}{shown}{room}{ticks}"
