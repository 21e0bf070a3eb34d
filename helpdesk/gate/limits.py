"""How many changes one person, one target, one service and one machine get in an hour (R9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from helpdesk.config import LimitSettings
from helpdesk.errors import Refused
from helpdesk.gate.counters import Counters, told_end
from helpdesk.ports import Clock

HOUR = timedelta(hours=1)
CODE = "rate-limited"


@dataclass(frozen=True, slots=True)
class Write:
    """One change that is about to happen.

    Attributes:
        actor: the permanent id of whoever carries it out.
        target: what is changed, by permanent id: an account, or one person in one group; "" for neither.
        called: the target, as a person names it. high: it is of high risk.
        service: the service identity that carries it out, or "". per_hour: the most it may do.
    """

    actor: str
    target: str
    called: str
    high: bool
    service: str = ""
    per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class _Limit:
    """One counter that a change stands in. ``who`` begins the sentence about it."""

    scope: str
    most: int
    rule: str
    who: str


class Limits:
    """Counts changes in windows that slide: what is older than an hour does not count."""

    def __init__(self, counters: Counters, settings: LimitSettings, clock: Clock) -> None:
        self._counters = counters
        self._settings = settings
        self._clock = clock

    def check(self, write: Write) -> None:
        """Whether there is room for it, so that nobody is asked about what cannot happen; blocking.

        Raises:
            Refused: "rate-limited". Failed: the counters cannot be used.
        """
        with self._counters.writing() as database:
            self._check(database, write)

    def take(self, write: Write) -> None:
        """Count it just before it happens, whatever becomes of it: of any number at once, none is one too many.

        Raises:
            Refused: "rate-limited". Failed: it cannot be counted.
        """
        with self._counters.writing() as database:
            self._check(database, write)
            now = self._counters.now()
            database.execute("DELETE FROM change WHERE at <= ?", (now - HOUR.total_seconds(),))
            database.executemany(
                "INSERT INTO change VALUES (?, ?)", [(limit.scope, now) for limit in self._limits(write)]
            )

    def counted(self) -> int:
        """Changes on this machine within the last hour; for ``helpdesk doctor``."""
        with self._counters.writing() as database:
            (found,) = database.execute(
                "SELECT count(*) FROM change WHERE scope = 'machine' AND at > ?",
                (self._counters.now() - HOUR.total_seconds(),),
            ).fetchone()
            return int(found)

    def _check(self, database: sqlite3.Connection, write: Write) -> None:
        now = self._counters.now()
        for limit in self._limits(write):
            row = database.execute(
                "SELECT at FROM change WHERE scope = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?",
                (limit.scope, now - HOUR.total_seconds(), limit.most - 1),
            ).fetchone()
            if row is not None:  # with this one there are as many as there may be
                raise Refused(
                    f"{limit.who} {_times(limit.most)} within an hour, the most that [{limit.rule.replace('.', '] ', 1)} "
                    f"allows: again after {told_end(row[0] + HOUR.total_seconds(), self._clock())}.",
                    hint="Wait, or have an administrator raise the limit.",
                    code=CODE,
                    rule=limit.rule,
                )

    def _limits(self, write: Write) -> Iterator[_Limit]:
        settings = self._settings
        if write.service and write.per_hour is not None:
            name = f"services.{write.service}"
            yield _Limit(
                f"service {write.service}",
                write.per_hour,
                f"{name}.per_hour",
                f"{write.service} changed something",
            )
        for kind, high in (("changes", False), ("high_risk", True)):
            if high and not write.high:
                continue
            what = "something of high risk" if high else "something"
            mark = "high " if high else ""
            yield _Limit(
                f"{mark}actor {write.actor}",
                getattr(settings, f"{kind}_per_actor"),
                f"limits.{kind}_per_actor",
                f"You changed {what}",
            )
            if write.target:
                yield _Limit(
                    f"{mark}target {write.target}",
                    getattr(settings, f"{kind}_per_target"),
                    f"limits.{kind}_per_target",
                    f"{write.called} was changed{' with high risk' if high else ''}",
                )
            yield _Limit(
                f"{mark}machine",
                getattr(settings, f"{kind}_per_machine"),
                f"limits.{kind}_per_machine",
                f"On this machine {what} was changed",
            )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
