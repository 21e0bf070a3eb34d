"""The log of a worker: one line for each thing that happens, for a person or as JSON, and never a secret.

Only what is named here gets into a line, and of an error only the sentence that may be shown.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TextIO

from helpdesk.errors import HelpdeskError
from helpdesk.text import visible

_TEXTS: Final = {
    "serving": ("info", "Serving {kinds}"),
    "draining": ("info", "Taking nothing new up; what runs comes to the end of its step"),
    "ended": ("info", "Ended"),
    "not-drained": (
        "warning",
        "Ended before {active} runs came to the end of their step; others take them over",
    ),
    "store-away": ("warning", "The store gives no answer"),
    "store-back": ("info", "The store answers again"),
    "taken-for-dead": ("warning", "Others took this worker for dead; what it had begun is theirs now"),
    "worker-gone": ("warning", "The worker {worker} fell silent"),
    "taken-over": ("info", "Took {runs} runs over"),
    "forged": ("error", "What no trusted host wrote was refused in {run}"),
    "run-failed": ("warning", "{run} failed"),
    "step-broke": ("error", "{step} of {run} broke off"),
    "sign-in": ("warning", "The worker cannot sign in yet"),
    "beside-failed": ("warning", "{what} failed, and is tried again"),
    "health": ("info", "Health and figures are at {address}"),
    "grant": ("info", "{message}"),
    "grant-overdue": ("error", "{grant} should have ended at {ends}: {why}"),
    "notice-not-sent": ("warning", "{notice} was not sent: {why}"),
    "engine": ("warning", "The engine: {message}"),
}
_VALUES: Final = (
    "kinds",
    "active",
    "worker",
    "host",
    "runs",
    "run",
    "kind",
    "step",
    "what",
    "message",
    "address",
    "grant",
    "notice",
    "ends",
    "why",
)


class WorkerLog:
    """Call it with the name of what happened and its values.

    Args:
        out: where the lines go. clock: now, in UTC. as_json: for programs.
    """

    def __init__(self, out: TextIO, clock: Callable[[], datetime], *, as_json: bool) -> None:
        self._out = out
        self._clock = clock
        self._json = as_json
        self._lock = threading.Lock()

    def __call__(self, event: str, /, **values: Any) -> None:
        level, text = _TEXTS.get(event, ("info", event))
        level = str(values.get("level") or level)
        kept: dict[str, Any] = {name: _plain(values[name]) for name in _VALUES if name in values}
        words = text.format_map(defaultdict(lambda: "?", kept))
        error = values.get("error")
        if isinstance(error, HelpdeskError):
            kept |= {"code": error.code}
            words = f"{words}: {error.message}"
        elif isinstance(error, BaseException):
            words = f"{words}: {type(error).__name__}{_place(error)}"
        moment = self._clock().isoformat(timespec="milliseconds")
        line = f"{moment} {level} {visible(words)}"
        if self._json:
            document = {**kept, "time": moment, "level": level, "event": event, "message": words}
            line = json.dumps(document, ensure_ascii=True)
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)


def _place(error: BaseException) -> str:
    """Where a fault of the program is, without any value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" in {trace.tb_frame.f_globals.get('__name__', '?')}, line {trace.tb_lineno}"
