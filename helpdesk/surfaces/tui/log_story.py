"""What belongs to one entry of the log, and how it reads: what was intended, how it ended, what was read back, the proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content

from helpdesk.actions.journal import preview_from, receipt_from
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.surfaces.log_words import ending, subject, who
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.card import change_table, read_back
from helpdesk.surfaces.tui.log_row import MARKS
from helpdesk.surfaces.tui.paint import safe, safe_lines
from helpdesk.surfaces.why_lines import PROVENANCE

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.gate.audit import AuditLog, Entry
    from helpdesk.gate.proof_check import Proved

ERASED = "(erased)"
_STYLES = {"log--good": "$success", "log--bad": "$error", "log--open": "$warning", "log--dim": "$text-muted"}
_TOLD = {"action", "outcome", "rule", "code", "request", "provenance", "intent", "undoes", "case", "decision"}
"""Parts of an entry that have a place of their own; the others are listed below."""
_FIRST = {"actor", "requester", "target", "arguments", "message", "reason", "receipt", "before"}


@dataclass(frozen=True, slots=True)
class Story:
    """One entry, with the intent and the outcome that it belongs to; one of the two may be the entry itself."""

    entry: Entry
    intent: Entry | None = None
    outcome: Entry | None = None

    @property
    def acted(self) -> Entry:
        """The entry that can be taken back, or asked about."""
        return self.outcome or self.entry


def story(log: AuditLog, number: int) -> Story:
    """Read it; blocking. Raises NotFound, LogUnavailable."""
    entry = log.entry(number)
    intent = outcome = None
    if entry.kind == "outcome":
        outcome = entry
        try:
            intent = log.entry(int(entry.body.get("intent") or 0))
        except (NotFound, ValueError, TypeError):
            intent = None
    elif entry.kind == "intent":
        intent = entry
        outcome = next(iter(log.outcomes_of(number)[-1:]), None)
    return Story(entry, intent, outcome)


def proof(desk: Desk, number: int) -> Proved:
    """The proof that an entry is under the signed checkpoint, made and checked; blocking.

    Raises:
        NotFound, Failed, LogUnavailable: there is none, or it does not hold.
    """
    from helpdesk.gate.proof_check import check_proof

    document = desk.audit.prove(number)
    return check_proof(json.dumps(document), desk.host_key.public)


def story_lines(told: Story, room: int) -> list[Content]:
    """Everything there is, for so many columns. Every text of the log in it is cleaned."""
    entry = told.entry
    said = told.outcome or entry
    outcome = ending(said) or str(entry.body.get("decision") or "")
    mark, style = MARKS.get(outcome, ("✗", "log--bad"))
    title = Content.assemble(
        (f"Entry {entry.seq}  ", "bold"), (untrusted(entry.kind), "$accent"), f"  {untrusted(subject(entry))}"
    )
    lines = [title]
    if outcome:
        lines.append(Content.styled(f"{mark} {untrusted(outcome)}", f"{_STYLES.get(style, '')} bold".strip()))
    message = said.personal.get("message", entry.personal.get("message", ""))
    lines += safe_lines(ERASED if message is None else message) if message != "" else []
    lines += _facts(told)
    lines += _arguments(told)
    lines += _changes(told, room)
    lines += _receipt(told)
    return lines + _rest(entry)


def proof_lines(proved: Proved | HelpdeskError | None, entry: int) -> list[Content]:
    """How the proof went; ``None`` while it is being made."""
    lines = [_head("Proof")]
    if proved is None:
        return [*lines, Content.styled("Being made and checked …", "$text-muted")]
    if isinstance(proved, HelpdeskError):
        return [*lines, safe(f"✗ {proved.message}", "$error"), safe(f"→ {proved.hint}")]
    signed = proved.signed.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return [
        *lines,
        Content.assemble(
            ("✓ ", "$success"),
            f"It is one of the {proved.size} entries under the checkpoint that was signed on {signed}.",
        ),
        Content.styled(f"to hand it out: helpdesk log show {entry} --proof", "$text-muted"),
    ]


def _head(text: str) -> Content:
    return Content.styled(f"\n{text}", "bold $accent")


def _field(name: str, value: object) -> list[Content]:
    if value in ("", (), {}) or value == []:
        return []
    return [Content.assemble((f"{name:<9} ", "$text-muted"), untrusted(ERASED if value is None else value))]


def _facts(told: Story) -> list[Content]:
    entry, intent = told.entry, told.intent
    behind = " (the clock was behind)" if entry.behind else ""
    lines = _field("when", f"{entry.time.astimezone().strftime('%Y-%m-%d %H:%M:%S %Z')}{behind}")
    lines += _field("who", None if entry.personal.get("actor", "") is None else who(entry))
    requester = entry.personal.get("requester", "")
    lines += _field("for", requester) if requester != entry.personal.get("actor") else []
    lines += _field("target", entry.personal.get("target", ""))
    body = {**(intent.body if intent is not None else {}), **{k: v for k, v in entry.body.items() if v != ""}}
    lines += _field("rule", body.get("rule", ""))
    lines += _field("code", body.get("code", ""))
    lines += _field("reason", entry.personal.get("reason", ""))
    lines += _field("request", body.get("request", ""))
    lines += _field("case", body.get("case", ""))
    lines += _field("undoes", f"entry {body['undoes']}" if body.get("undoes") else "")
    if intent is not None and intent is not entry:
        lines += _field("intent", f"entry {intent.seq}, {_moment(intent)}")
    if told.outcome is not None and told.outcome is not entry:
        lines += _field("outcome", f"entry {told.outcome.seq}, {_moment(told.outcome)}")
    if entry.kind == "intent" and told.outcome is None:
        lines.append(
            Content.styled("outcome   none is logged: it goes on, or was interrupted", "$text-warning")
        )
    return lines


def _moment(entry: Entry) -> str:
    return entry.time.astimezone().strftime("%H:%M:%S")


def _arguments(told: Story) -> list[Content]:
    """The arguments, each with where its value came from."""
    source = told.intent or told.entry
    text = source.personal.get("arguments", "")
    if text is None:
        return [_head("Arguments"), safe(ERASED, "$text-muted")]
    values = _json(text)
    if not isinstance(values, Mapping) or not values:
        return []
    known = source.body.get("provenance")
    provenance = known if isinstance(known, Mapping) else {}
    lines = [_head("Arguments")]
    for name, value in values.items():
        told_from = PROVENANCE.get(str(provenance.get(name, "")), "")
        lines.append(
            Content.assemble(
                (f"{untrusted(name)}  ", "$text-muted"), untrusted(value), (f"  {told_from}", "$text-muted")
            )
        )
    return lines


def _changes(told: Story, room: int) -> list[Content]:
    source = told.intent or told.entry
    try:
        changes = preview_from(str(source.personal.get("before") or "")).changes
    except (ValueError, KeyError, TypeError):
        return (
            [_head("Intended"), safe(ERASED, "$text-muted")]
            if source.personal.get("before", "") is None
            else []
        )
    return [_head("Intended"), *change_table(changes, room)] if changes else []


def _receipt(told: Story) -> list[Content]:
    if told.outcome is None:
        return []
    text = told.outcome.personal.get("receipt", "")
    if text is None:
        body = told.outcome.body
        counted = (
            f"{body.get('as_expected', 0)} of {body.get('read_back', 0)} as promised; what it was is erased"
        )
        return [_head("Read back"), safe(counted, "$text-muted")]
    try:
        receipt = receipt_from(str(text or "[]"))
    except (ValueError, TypeError):
        return [_head("Read back"), Content.styled("The receipt cannot be read.", "$text-warning")]
    if not receipt:
        return [_head("Read back"), Content.styled("nothing: there is no receipt", "$text-muted")]
    return [_head("Read back"), *map(read_back, receipt)]


def _rest(entry: Entry) -> list[Content]:
    lines = [_head("In the log")]
    for name, value in (*entry.body.items(), *entry.personal.items()):
        if name not in _TOLD and name not in _FIRST and value not in ("", {}, []):
            lines += _plain(name, value)
    return [*lines, *_plain("hash", entry.hash)]


def _plain(name: str, value: Any) -> list[Content]:
    told = ERASED if value is None else value
    return [Content.assemble((f"{untrusted(name)}  ", "$text-muted"), (untrusted(told), "$text-muted"))]


def _json(text: object) -> Any:
    try:
        return json.loads(str(text or "{}"))
    except ValueError:
        return None
