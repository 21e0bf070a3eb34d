"""The documents that ``--json`` prints; their keys are a promise to scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from helpdesk.events import SCHEMA, ErrorInfo, Outcome, Result


def result_document(result: Result) -> dict[str, Any]:
    """One result as the document ``helpdesk.result/1``."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "outcome": result.outcome.value,
        "action": result.action,
        "arguments": dict(result.arguments),
        "message": result.message,
        "receipt": [asdict(observation) for observation in result.receipt],
        "entry": result.entry,
        "request": result.request,
        "error": asdict(result.error) if result.error else None,
    }
    if result.changes:
        document["changes"] = [asdict(change) for change in result.changes]
    if result.citations is not None:
        document["citations"] = [asdict(citation) for citation in result.citations]
    if result.data is not None:
        document["data"] = result.data
    if result.rule:
        document["rule"] = result.rule
    if result.undoable:
        document["undoable"] = True
    return document


def error_document(outcome: Outcome, code: str, message: str, hint: str, action: str = "") -> dict[str, Any]:
    """The document of a command that ended before there was a call."""
    return result_document(
        Result(outcome=outcome, action=action, message=message, error=ErrorInfo(code, message, hint))
    )


def as_json(document: Mapping[str, Any], *, line: bool = False) -> str:
    """A document as text: ASCII, so that it is safe for every terminal and every encoding.

    Args:
        line: on one line, where one document follows another.
    """
    text = json.dumps(document, indent=None if line else 2, ensure_ascii=True, default=str)
    return text.replace("\x7f", "\\u007f")  # the one control character that is ASCII and passes
