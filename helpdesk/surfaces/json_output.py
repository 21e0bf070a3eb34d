"""The documents that ``--json`` prints; their keys are a promise to scripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helpdesk.events import ErrorInfo, Outcome, Result
from helpdesk.results import result_document

__all__ = ["as_json", "error_document", "result_document"]


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
