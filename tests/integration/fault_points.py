"""Every boundary that a call passes on its way, from the first look-up to the end: places where a test stops it.

:func:`install` puts a hook before and after each of them, around the program's own functions; the program
itself knows nothing of it. What is stopped may be the thread that writes: the hook decides what happens.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_here = threading.local()
"""What this thread is in the middle of: the kind of an entry, a ticket's or a directory's write."""


@dataclass
class Points:
    """Counts the points as they are passed, and tells each of them to ``hook`` while it is armed.

    Attributes:
        passed: ``NAME@N`` for each, in their order; N counts the passes of one name from 1.
    """

    hook: Callable[[str], None]
    armed: bool = False
    passed: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, name: str) -> None:
        if not self.armed:
            return
        with self._lock:
            self._counts[name] += 1
            point = f"{name}@{self._counts[name]}"
            self.passed.append(point)
        self.hook(point)


def install(points: Points) -> None:
    """Hook every boundary of the door, the log, the requests and the systems, in this process, for good."""
    from helpdesk.actions import batch_state, carry_out, guard, plan, reconcile, restore, runner
    from helpdesk.actions.authorise import Authoriser
    from helpdesk.surfaces import reveal

    around = functools.partial(_around, points)
    for module in (runner, plan, restore):
        around(module, "prepare", "validate")
    around(Authoriser, "__call__", "authorise")
    around(runner.Runner, "preview", "preview")
    around(runner.Runner, "confirm", "confirm")
    around(guard.Guard, "before_effect", "limits")
    around(carry_out.CarryOut, "_execute", "execute")
    around(carry_out.CarryOut, "read_back", "verify")
    around(carry_out, "_reveal", "reveal")
    around(reconcile.Reconciler, "settle_requests", "settle")
    around(reveal.Target, "write_line", "secret")
    around(batch_state.BatchState, "revealed", "secret-noted")
    _hook_log(points)
    _hook_requests(points)
    _hook_directory(points)
    _hook_tickets(points)
    _hook_outbox(points)


# ── what is written ───────────────────────────────────────────────────────────────────────────


def _hook_log(points: Points) -> None:
    from helpdesk.gate import audit

    append = audit.AuditLog.append

    def stopping(self: Any, kind: str, *given: Any, **named: Any) -> int:
        with _inside(points, kind):
            return append(self, kind, *given, **named)

    audit.AuditLog.append = stopping  # type: ignore[method-assign]
    _hook_commits(points, audit)


def _hook_requests(points: Points) -> None:
    from helpdesk.database import sqlite
    from helpdesk.gate import requests

    for name in ("create", "claim", "release", "finish"):
        _around(points, requests.Requests, name, f"request-{name}", inside=True)
    _hook_commits(points, sqlite)


def _hook_tickets(points: Points) -> None:
    from helpdesk.connectors import tickets

    _around(points, tickets.EmbeddedTickets, "_once", "effect", inside=True)
    _hook_commits(points, tickets)


def _hook_outbox(points: Points) -> None:
    from helpdesk.connectors.mail import ledger

    _around(points, ledger.Ledger, "note", "effect", inside=True)
    _hook_commits(points, ledger)


def _hook_directory(points: Points) -> None:
    """Before a write, when its bytes are with the system, when the answer is here, and when it is understood."""
    from helpdesk.connectors.ldap.link import Link
    from helpdesk.connectors.ldap.wire import Wire

    _around(points, Link, "write", "effect", inside=True)
    for name, point in (("send", "sent"), ("receive", "answered")):
        whole = getattr(Wire, name)

        def stopping(self: Any, *given: Any, whole: Any = whole, point: str = point) -> Any:
            got = whole(self, *given)
            if _inside_of():
                points.at(f"{_inside_of()}-{point}")
            return got

        setattr(Wire, name, stopping)


def _hook_commits(points: Points, module: Any) -> None:
    """Between the last statement of a transaction and its commit, and right after that."""
    immediate = module.immediate

    @contextmanager
    def stopping(database: Any) -> Iterator[Any]:
        name = _inside_of()
        with immediate(database) as opened:
            yield opened
            if name:
                points.at(f"{name}-uncommitted")
        if name:
            points.at(f"{name}-committed")

    module.immediate = stopping


# ── how ───────────────────────────────────────────────────────────────────────────────────────


def _inside_of() -> str:
    return getattr(_here, "name", "")


@contextmanager
def _inside(points: Points, name: str) -> Iterator[None]:
    points.at(f"{name}-before")
    outer, _here.name = _inside_of(), name
    try:
        yield
    finally:
        _here.name = outer
    points.at(f"{name}-after")


def _around(points: Points, owner: Any, name: str, point: str, *, inside: bool = False) -> None:
    """Pass ``POINT-before`` and ``POINT-after`` whenever this function is called and comes back."""
    whole = getattr(owner, name)

    @functools.wraps(whole)
    def stopping(*given: Any, **named: Any) -> Any:
        if inside:
            with _inside(points, point):
                return whole(*given, **named)
        points.at(f"{point}-before")
        got = whole(*given, **named)
        points.at(f"{point}-after")
        return got

    @functools.wraps(whole)
    async def stopping_later(*given: Any, **named: Any) -> Any:
        points.at(f"{point}-before")
        got = await whole(*given, **named)
        points.at(f"{point}-after")
        return got

    setattr(owner, name, stopping_later if inspect.iscoroutinefunction(whole) else stopping)
