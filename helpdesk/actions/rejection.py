"""How a call ends that came to no effect: one result, logged like every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from helpdesk.actions.journal import Journal
from helpdesk.actions.mask import open_arguments
from helpdesk.errors import HelpdeskError, LogUnavailable, Refused
from helpdesk.events import ErrorInfo, Result, outcome_of
from helpdesk.identity import Actor
from helpdesk.spec import ActionSpec


def rejection(
    journal: Journal,
    specs: Sequence[ActionSpec],
    action: str,
    arguments: dict[str, Any],
    actor: Actor | None,
    error: HelpdeskError,
    request: str | None = None,
    case: str = "",
) -> Result:
    """The result of a call that ended in an error before any effect.

    Args:
        arguments: as they were given; only those that the action takes in the open are told (S1).
        case: id of the case it belongs to.
    """
    arguments = open_arguments(specs, action, arguments)
    result = Result(
        outcome=outcome_of(error),
        action=action,
        arguments=arguments,
        message=error.message,
        request=request,
        error=ErrorInfo(error.code, error.message, error.hint),
        rule=error.rule if isinstance(error, Refused) else "",
    )
    if isinstance(error, LogUnavailable):
        return result
    try:
        return replace(result, entry=journal.rejected(result, actor, arguments, case))
    except LogUnavailable as log:
        return replace(result, message=f"{result.message} It could not be logged either: {log.message}")
