"""Results as documents, and back: what ``--json`` prints is also what a durable step keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from helpdesk.events import SCHEMA, Change, Citation, ErrorInfo, Observation, Outcome, Result


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


def result_from(document: Mapping[str, Any]) -> Result:
    """The result behind a document that :func:`result_document` made.

    Raises:
        ValueError, KeyError, TypeError: it is none of ours.
    """
    if document["schema"] != SCHEMA:
        raise ValueError(f"this is no {SCHEMA}")
    citations = document.get("citations")
    return Result(
        outcome=Outcome(document["outcome"]),
        action=document["action"],
        message=document["message"],
        arguments=dict(document["arguments"]),
        receipt=tuple(Observation(**one) for one in document["receipt"]),
        entry=document["entry"],
        request=document["request"],
        error=ErrorInfo(**document["error"]) if document["error"] else None,
        changes=tuple(Change(**one) for one in document.get("changes", ())),
        citations=None if citations is None else tuple(Citation(**one) for one in citations),
        data=document.get("data"),
        rule=document.get("rule", ""),
        undoable=document.get("undoable", False),
    )
