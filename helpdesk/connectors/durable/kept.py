"""Errors as documents: a step that failed fails in the same way when its run is taken up again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from helpdesk import errors
from helpdesk.engine import Document
from helpdesk.errors import Failed, HelpdeskError

_EXTRAS = ("rule", "words", "maybe_applied", "until")
_NEEDED: dict[str, dict[str, Any]] = {"TooManyAttempts": {"until": datetime.max.replace(tzinfo=UTC)}}


def kept_error(error: Exception) -> Document:
    """What is kept of an error: the sentence that a person would read, never a traceback."""
    if not isinstance(error, HelpdeskError):
        error = broken(error)
    document: Document = {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
    }
    for name in _EXTRAS:
        value = getattr(error, name, None)
        if value:
            document[name] = value.isoformat() if isinstance(value, datetime) else value
    return document


def broken(error: Exception) -> HelpdeskError:
    """An error that nobody expected, as one that may be shown; its own text could hold anything."""
    return Failed(
        f"A step broke off with {type(error).__name__}.",
        hint="This is a fault of the program; the worker's log names the place.",
        code="broken",
    )


def raised(document: Document) -> HelpdeskError:
    """The error that was kept; of a kind that this version does not know, a plain failure."""
    kind = getattr(errors, str(document.get("type", "")), None)
    if not (isinstance(kind, type) and issubclass(kind, HelpdeskError)):
        kind = Failed
    error: HelpdeskError = kind(
        str(document.get("message", "")), hint=str(document.get("hint", "")), **_NEEDED.get(kind.__name__, {})
    )
    error.code = str(document.get("code") or error.code)
    for name in _EXTRAS:
        if name in document and hasattr(error, name):
            value = document[name]
            setattr(error, name, datetime.fromisoformat(value) if name == "until" else value)
    return error
