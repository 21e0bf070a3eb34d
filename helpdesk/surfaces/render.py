"""Results as text for a person: the sentence, the receipt, and what to do next."""

from __future__ import annotations

import re

from helpdesk.events import Citation, Observation, Outcome, Result
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.telling import change_line, untrusted

GOOD = frozenset({Outcome.DONE, Outcome.PREVIEWED, Outcome.PENDING, Outcome.ACCEPTED})
"""Outcomes that are answers; the others are told on standard error."""

_SOUNDS_LIKE_US = re.compile(
    rf"\s*([|+\-*>!…•·]|logged as|confirmed by|this cannot be undone|do this\?|without --dry-run|please confirm"
    rf"|(warning|error|{'|'.join(outcome.value for outcome in Outcome)}|not signed in|model|printed|trace)\s*[:|])",
    re.IGNORECASE,
)
"""How our own lines begin. An answer that begins so too, with a name out of the directory, is marked as one."""
ANSWERS = frozenset({"no-action"})
"""Codes of what is no error but an answer in words, of which no action came."""


def result_lines(result: Result, look: Look) -> list[str]:
    """A result, its receipt or changes, and the next command. Every text is cleaned."""
    lines = [_headline(result, look)]
    lines += [f"  {change_line(change)}" for change in result.changes]
    if is_read(result):
        lines += _citations(result, look) or _sources(result, look)
    else:
        lines += [receipt_line(observation, look) for observation in result.receipt]
    step = next_step(result)
    if step:
        lines.append(look.paint(step, "dim"))
    return lines


def is_read(result: Result) -> bool:
    """Whether the result answers a question; then it has data or citations, and changed nothing."""
    return result.outcome is Outcome.DONE and (result.data is not None or result.citations is not None)


def receipt_line(observation: Observation, look: Look) -> str:
    """One observation: "  ✓ ana: account lock: not locked (read back from the directory)"."""
    what = f"{untrusted(observation.target)}: {untrusted(observation.what)}"
    observed, system = untrusted(observation.observed), untrusted(observation.system)
    if observation.as_expected:
        return f"  {look.paint('✓', 'green')} {what}: {observed} (read back from the {system})"
    mark = look.paint("✗", "red")
    return (
        f"  {mark} {what}: expected {untrusted(observation.expected)}, observed {observed} (in the {system})"
    )


def error_line(result: Result, look: Look) -> str:
    """What went wrong, why and what to do, in one line."""
    word = {Outcome.USAGE: "error", Outcome.NOT_SIGNED_IN: "not signed in"}.get(
        result.outcome, result.outcome.value
    )
    rule = f" (rule: {untrusted(result.rule)})" if result.rule else ""
    hint = untrusted(result.error.hint) if result.error else ""
    head = "" if result.error and result.error.code in ANSWERS else look.paint(f"{word}:", "red") + " "
    return f"{head}{untrusted(result.message)}{rule}" + (f" → {hint}" if hint else "")


def next_step(result: Result) -> str:
    """The next command for what changed something, or waits; "" after a read."""
    if result.outcome is Outcome.PREVIEWED:
        return "Without --dry-run it is done, once you confirm it."
    if is_read(result):
        return ""
    parts = []
    if result.entry is not None:
        parts.append(f"Logged as entry {result.entry}. helpdesk log show {result.entry}")
        if result.undoable:
            parts.append(f"helpdesk undo {result.entry}")
    if result.request is not None and result.outcome is Outcome.PENDING:
        parts.append(f"helpdesk approvals show {result.request}")
    return " · ".join(parts)


def _headline(result: Result, look: Look) -> str:
    if result.outcome not in GOOD:
        return error_line(result, look)
    message = untrusted(result.message, one_line=False).replace("\n", "\n  ")
    if is_read(result):
        return _apart("answer", message)
    mark = {Outcome.DONE: "✓", Outcome.PREVIEWED: "•", Outcome.PENDING: "…", Outcome.ACCEPTED: "…"}
    style = "green" if result.outcome is Outcome.DONE else "yellow"
    word = "" if result.outcome is Outcome.DONE else f"{result.outcome.value}: "
    return f"{look.paint(mark[result.outcome], style)} {word}{message}"


def _citations(result: Result, look: Look) -> list[str]:
    """The best passage in full, and where the others stand; a document that was asked for is shown already."""
    found = result.citations or ()
    if "\n" in result.message:
        return [look.paint(_apart("source", place(citation)), "bold") for citation in found]
    lines: list[str] = []
    for citation in found[:1]:
        lines.append(look.paint(_apart("source", place(citation)), "bold"))
        lines += [f"  {line}" for line in untrusted(citation.text, one_line=False).strip().splitlines()]
    if len(found) > 1:
        lines.append("See also:")
        lines += [f"  {place(citation)}" for citation in found[1:]]
    if found:
        file = untrusted(found[0].file)
        lines.append(look.paint(f"Read on: helpdesk policy show {quoted(file)}", "dim"))
    return lines


def quoted(word: str) -> str:
    """A word as a shell takes it."""
    import shlex

    return shlex.quote(word)


def _apart(what: str, text: str) -> str:
    """``text``, behind a word that says what it is where it begins as one of our own lines does."""
    return f"{what}: {text}" if _SOUNDS_LIKE_US.match(text) else text


def place(citation: Citation) -> str:
    """Where a passage stands: "benefits/vacation.md, Sick leave, line 12"."""
    heading = f", {untrusted(citation.heading)}" if citation.heading else ""
    return f"{untrusted(citation.file)}{heading}, line {citation.line}"


def _sources(result: Result, look: Look) -> list[str]:
    seen: dict[str, list[str]] = {}
    for observation in result.receipt:
        targets = seen.setdefault(untrusted(observation.system), [])
        if (target := untrusted(observation.target)) not in targets:
            targets.append(target)
    return [
        look.paint(f"Read from the {system}: {_some(targets)}.", "dim") for system, targets in seen.items()
    ]


def _some(targets: list[str]) -> str:
    shown = ", ".join(targets[:5])
    return f"{shown} and {len(targets) - 5} more" if len(targets) > 5 else shown
