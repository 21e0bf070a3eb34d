"""How a run ends that did not end with a result: an error, a signal, a crash."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

from helpdesk.errors import Exit, Failed, HelpdeskError, Refused
from helpdesk.events import ErrorInfo, Outcome, Result, outcome_of
from helpdesk.surfaces.cli.invocation import Invocation

_MASK = "••••••"
_TRACE = "trace │ "
"""Stands in front of every line of a traceback: the texts in it are anybody's."""


def failed(invocation: Invocation, error: HelpdeskError) -> int:
    """Tell an error; its exit code."""
    if invocation.flags.debug:
        _show_traceback(invocation, error)
    return _end(
        invocation,
        Result(
            outcome=outcome_of(error),
            action=invocation.named,
            message=error.message,
            error=ErrorInfo(error.code, error.message, error.hint),
            rule=error.rule if isinstance(error, Refused) else "",
        ),
        error.exit,
    )


def interrupted(invocation: Invocation, code: int) -> int:
    """Tell that a signal ended the run; what had begun was finished and logged before (R6)."""
    message = "Interrupted." if code == Exit.INTERRUPTED else "Ended by a signal."
    hint = "What was carried out until then is in the log: helpdesk log list"
    result = Result(
        outcome=Outcome.INTERRUPTED,
        action=invocation.named,
        message=message,
        error=ErrorInfo("interrupted", message, hint),
    )
    return _end(invocation, result, code)


def crashed(invocation: Invocation, error: BaseException) -> int:
    """Keep the traceback in a private file, and say where (S2, CLI-30)."""
    kept = _keep(invocation, error)
    if invocation.flags.debug:
        _show_traceback(invocation, error)
    message = f"Something broke inside helpdesk ({type(error).__name__})."
    result = Result(
        outcome=Outcome.FAILED,
        action=invocation.named,
        message=message,
        error=ErrorInfo(
            "internal", message, f"{kept} helpdesk log list shows what was carried out before.".strip()
        ),
    )
    return _end(invocation, result, Exit.FAILED)


def _end(invocation: Invocation, result: Result, code: int) -> int:
    """Print a result, unless this run's one document is out already; then only the sentence."""
    from helpdesk.surfaces.render import error_line

    if "terminal" in invocation.__dict__:
        invocation.terminal.restore()
    if invocation.flags.json and invocation.printed:
        invocation.complain([error_line(result, invocation.error_look)])
        return code
    try:
        invocation.finish(result)
    except Failed as error:  # standard output itself is broken
        invocation.complain([error.message])
        return code or Exit.FAILED
    return code


def _traceback(invocation: Invocation, error: BaseException) -> str:
    """The frames without their variables, and without any secret this run was given."""
    text = "".join(traceback.format_exception(error))
    known = invocation.terminal.known if "terminal" in invocation.__dict__ else []
    for secret in known:
        if secret:
            text = text.replace(secret.expose(), _MASK)
    return text


def _show_traceback(invocation: Invocation, error: BaseException) -> None:
    from helpdesk.surfaces.look import clean

    text = clean(_traceback(invocation, error).rstrip(), one_line=False)
    invocation.complain([f"{_TRACE}{line}" for line in text.split("\n")])


def _keep(invocation: Invocation, error: BaseException) -> str:
    from helpdesk.platform import private_folder, write_private

    try:
        folder = invocation.paths.state / "crashes"
        private_folder(folder)
        path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.txt"
        write_private(path, _traceback(invocation, error).encode("utf-8", "backslashreplace"))
    except HelpdeskError as unkept:
        return f"The details could not be kept: {unkept.message}"
    return f"The details are in {path} (no passwords in it); please send it to whoever looks after helpdesk."
