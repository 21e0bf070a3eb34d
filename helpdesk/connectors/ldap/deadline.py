"""One budget of time for one call of ours, however many connections and questions it needs (D8)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="HasTotal")

_ends: ContextVar[float | None] = ContextVar("helpdesk_ldap_deadline", default=None)


class OutOfTime(TimeoutError):
    """The budget is spent."""


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Everything inside ends within ``seconds``; inside another budget, the other one counts."""
    if _ends.get() is not None:
        yield
        return
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


class HasTotal(Protocol):
    @property
    def total(self) -> float:
        """Seconds that one call may take."""


def bounded(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """A method whose every call has the budget that its object names."""

    @functools.wraps(method)
    def within(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with budget(self.total):
            return method(self, *args, **kwargs)

    return within


def left(at_most: float) -> float:
    """Seconds that may be waited now, more than zero.

    Raises:
        OutOfTime: none are left.
    """
    ends = _ends.get()
    seconds = at_most if ends is None else min(at_most, ends - time.monotonic())
    if seconds <= 0:
        raise OutOfTime
    return seconds
