"""Explanations as lines for a person. Every text is cleaned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from helpdesk.actions.why import CallWhy, EntryWhy, RuleSaid
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.render import receipt_line
from helpdesk.surfaces.telling import change_line, untrusted
from helpdesk.text import local_time

_VERDICTS = {
    "allowed": ("✓", "green", "It would be carried out, once it is confirmed."),
    "needs-approval": ("…", "yellow", "It would wait for an approval."),
    "denied": ("✗", "red", "It would be refused."),
}
PROVENANCE = {
    "typed": "typed by the person",
    "chosen": "chosen from a list",
    "default": "left out, so the default",
    "text": "taken from a text: a model, a ticket or a document",
    "log": "from the entry that it undoes",
    "file": "from a row of the batch file",
    "read": "pointed at in what was read before",
}


_CONFIRMED = {
    "person": "by them, after they had seen what it would change",
    "--yes": "by them, in the command itself (--yes)",
}


def _moment(time: str) -> str:
    """The time of an entry as a person says it; what is none stays as it is written."""
    try:
        return local_time(datetime.fromisoformat(time))
    except ValueError:
        return time


def call_lines(why: CallWhy, look: Look) -> list[str]:
    """What would happen now."""
    return list(_call(why, look))


def entry_lines(why: EntryWhy, look: Look) -> list[str]:
    """What happened, and why."""
    return list(_entry(why, look))


def _call(why: CallWhy, look: Look) -> Iterator[str]:
    mark, style, sentence = _VERDICTS[why.verdict]
    reads = why.verdict == "allowed" and not why.needs
    yield f"{look.paint(mark, style)} {untrusted(why.action)}: {'It would be read.' if reads else sentence}"
    yield from _field("as", why.actor)
    yield from _field("about", why.target)
    yield from _field("rule", why.rule)
    yield from _field("because", why.reason)
    if why.obstacle is not None:
        yield from _field("but", f"{why.obstacle.message} {why.obstacle.hint}".strip())
    for change in why.changes:
        yield f"  would change  {change_line(change)}"
    yield from _field("approval", " or ".join(why.approvers))
    yield from _field("can do it", " or ".join(why.able))
    if why.needs:
        yield from _field("needs", "; ".join(why.needs))
    yield from _rules(why, look)
    yield from _unblock(why.unblock, look)


def _entry(why: EntryWhy, look: Look) -> Iterator[str]:
    title = " ".join(part for part in (why.action, why.target) if part) or why.kind
    yield f"{look.paint(f'Entry {why.explains}', 'bold')}: {untrusted(title)}: {untrusted(why.outcome)}"
    yield from _field("when", _moment(why.time))
    yield from _field("by", why.actor if why.actor is not None else "(erased)")
    if why.requester and why.requester != why.actor:
        yield from _field("for", f"{why.requester}, who asked")
    yield from _arguments(why.arguments, why.provenance)
    yield from _field("rule", why.rule)
    yield from _field("because", why.reason)
    yield from _field("said", why.message)
    yield from _field("confirmed", _CONFIRMED.get(why.confirmed_by, why.confirmed_by))
    yield from _field("request", why.request)
    for decision in why.decisions:
        reason = f": {decision.reason}" if decision.reason else ""
        yield from _field(
            "decision", f"{decision.decision} by {decision.actor}{reason} (entry {decision.entry})"
        )
    for change in why.changes:
        yield f"  was to change  {change_line(change)}"
    yield from (receipt_line(observation, look) for observation in why.receipt)
    if why.intent is not None:
        ended = f", ended by entry {why.ended}" if why.ended is not None else ", without an outcome yet"
        yield from _field("entries", f"begun by entry {why.intent}{ended}")
    yield from _field("undoes", f"entry {why.undoes}" if why.undoes else "")
    yield from _field("undone by", f"entry {why.undone_by}" if why.undone_by else "")
    if why.now is not None:
        yield look.paint("The same call today", "bold")
        yield from call_lines(why.now, look)
    else:
        yield from _field("today", why.now_error)
        yield from _unblock(why.unblock, look)


def _rules(why: CallWhy, look: Look) -> Iterator[str]:
    if not why.rules:
        return
    awaited = why.rule if why.verdict == "needs-approval" else ""
    yield look.paint("Rules that could decide", "bold")
    for rule in why.rules:
        how = "applies once it is approved" if rule.rule == awaited else _how(rule)
        yield f"  {untrusted(rule.rule)} ({rule.effect}): {how}"
        for condition in rule.conditions:
            mark = look.paint("✓", "green") if condition.holds else look.paint("✗", "red")
            yield f"    {mark} {untrusted(condition.words)}"


def _how(rule: RuleSaid) -> str:
    if rule.applies:
        return "applies"
    return "does not apply" if rule.conditions else "is about something else"


def _unblock(sentences: tuple[str, ...], look: Look) -> Iterator[str]:
    if sentences:
        yield look.paint("What would make it possible", "bold")
        yield from (f"  {untrusted(sentence)}" for sentence in sentences)


def _arguments(arguments: Mapping[str, Any] | None, provenance: Mapping[str, str]) -> Iterator[str]:
    if arguments is None:
        yield from _field("arguments", "(erased)")
    for name, value in (arguments or {}).items():
        source = PROVENANCE.get(provenance.get(name, ""), "")
        yield from _field(name, f"{value} ({source})" if source else str(value))


def _field(name: str, value: str) -> Iterator[str]:
    if value:
        yield f"  {untrusted(name):<10}  {untrusted(value)}"
