"""Wrong passwords are counted before they are sent, so that nobody's account is locked through us (R9).

A directory locks an account after some wrong passwords, whoever typed them. Here one fewer is let through for
a name; the next sign-in is refused on this machine, the directory is not asked, and its owner can still
sign in everywhere else. An attempt counts from before its bind until that has ended well, so that neither
many at once nor a killed program gets one more through.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from helpdesk.config import LimitSettings
from helpdesk.errors import BadCredentials, HelpdeskError, TooManyAttempts, Unreachable
from helpdesk.gate.counters import Counters, hidden, told_end
from helpdesk.secrets import Secret
from helpdesk.text import folded, says_nothing

if TYPE_CHECKING:
    from helpdesk.identity import Person
from helpdesk.ports import Clock, Directory, DirectorySession

UNKNOWN = 2
"""Wrong passwords let through while nobody knows when the directory locks: the strictest usual rule is three."""
FORGETS_NEVER = timedelta(hours=24)
"""How long they are remembered here where the directory forgets them only with the right password."""
LEARNED = timedelta(days=30)
"""How long the rules read with somebody's sign-in stand; read again after :data:`AGAIN`."""
AGAIN = timedelta(days=1)
GIVEN_UP = timedelta(minutes=2)
"""An attempt that has not ended by then never will: every bind has a shorter deadline."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is let through now.

    Attributes:
        failures: for one name. window: the quiet time after which its wrong passwords are forgotten.
        known: the directory's own rules were read; otherwise it is a careful guess.
    """

    failures: int
    window: timedelta
    known: bool


class Attempts:
    """Counts the sign-ins of this machine.

    Args:
        directory: for looking up whom a name belongs to, so that two names of one account are counted as one.
    """

    def __init__(
        self, counters: Counters, settings: LimitSettings, directory: Directory, clock: Clock
    ) -> None:
        self._counters = counters
        self._settings = settings
        self._directory = directory
        self._clock = clock

    @contextmanager
    def counted(self, login: str, password: Secret) -> Iterator[None]:
        """Around a bind: refuses it, or counts it if it ends in a wrong password; blocking.

        A right password clears what its owner mistyped. What the directory did not judge (it is down, the account
        is disabled, the password expired) is not counted.

        Raises:
            TooManyAttempts: it must not be tried before the time that the message names.
            Failed: it cannot be counted, so it is not tried. Unreachable: the directory gave no answer.
        """
        if says_nothing(login) or says_nothing(password.expose()):
            yield  # no directory is asked about it (D4)
            return
        self._reserve(login, entry=None)  # whoever is refused is refused without a look-up
        number = self._reserve(login, entry=self._entry(login))
        try:
            yield
        except BadCredentials:
            self._failed(number)
            raise
        except HelpdeskError:
            self._forget(number)
            raise
        self._succeeded(number)

    def learn(self, session: DirectorySession) -> None:
        """Remember when the directory locks accounts, as far as whoever signed in may read it; blocking."""
        if session.must_change:
            return
        now = self._counters.now()
        with self._counters.writing() as database:
            person = hidden(database, session.me.id)
            fresh = database.execute(
                "SELECT 1 FROM lockout WHERE person = ? AND at BETWEEN ? AND ?",
                (person, now - AGAIN.total_seconds(), now),
            ).fetchone()
        if fresh:
            return
        with suppress(HelpdeskError):  # who may not read the rules leaves them as they were
            rules = session.password_rules(session.me)
            with self._counters.writing() as database:
                database.execute("DELETE FROM lockout WHERE at < ?", (now - LEARNED.total_seconds(),))
                database.execute(
                    "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?, ?)",
                    (person, rules.max_failures, rules.failure_window_seconds, now),
                )

    def forgive(self, person: Person) -> None:
        """Forget somebody's wrong passwords, because somebody who may set their password anew or lifted the lock.

        Raises:
            Failed: the count cannot be written.
        """
        with self._counters.writing() as database:
            database.execute(
                "DELETE FROM attempt WHERE NOT waiting AND (name = ? OR (entry != '' AND entry = ?))",
                (hidden(database, folded(person.login)), hidden(database, person.id)),
            )

    def allowance(self) -> Allowance:
        """What is let through now; for ``helpdesk doctor``. Raises Failed."""
        with self._counters.writing() as database:
            return self._allowance(database)

    # ── counting ──────────────────────────────────────────────────────────────────────────────

    def _entry(self, login: str) -> str:
        """The permanent id behind a name, where that can be looked up; nothing is told by the difference (I6)."""
        try:
            return self._directory.look_up().person(login).id
        except Unreachable:
            raise
        except HelpdeskError:
            return ""

    def _reserve(self, login: str, entry: str | None) -> int:
        """Count an attempt before it is made; with ``entry=None`` only see whether it may be made."""
        now = self._counters.now()
        with self._counters.writing() as database:
            allowance = self._allowance(database)
            name, whose = hidden(database, folded(login)), hidden(database, entry) if entry else ""
            self._forget_old(database, allowance.window, now)
            mine = self._of(database, name, whose)
            if len(mine) >= allowance.failures:
                raise self._too_many(max(mine) + allowance.window.total_seconds())
            self._check_machine(database, now)
            if entry is None:
                return 0
            row = (name, whose, now)
            found = database.execute(
                "INSERT INTO attempt (name, entry, at, waiting) VALUES (?, ?, ?, 1)", row
            )
            return int(found.lastrowid or 0)

    def _check_machine(self, database: sqlite3.Connection, now: float) -> None:
        most, window = self._settings.wrong_passwords_machine, self._settings.wrong_password_window
        since = now - window.total_seconds()
        rows = database.execute(
            "SELECT at FROM attempt WHERE at > ? ORDER BY at DESC LIMIT ?", (since, most)
        ).fetchall()
        if len(rows) >= most:
            raise self._too_many(rows[-1][0] + window.total_seconds(), "on this machine")

    def _of(self, database: sqlite3.Connection, name: str, whose: str) -> list[float]:
        """When this name, or another name of the same account, was tried and not found right."""
        if not whose:  # another spelling may have told whose it is
            known = database.execute(
                "SELECT entry FROM attempt WHERE name = ? AND entry != '' ORDER BY id DESC LIMIT 1", (name,)
            ).fetchone()
            whose = known[0] if known else ""
        rows = database.execute(
            "SELECT at FROM attempt WHERE name = ? OR (entry != '' AND entry = ?)", (name, whose)
        )
        return [at for (at,) in rows]

    def _forget_old(self, database: sqlite3.Connection, window: timedelta, now: float) -> None:
        """A name's wrong passwords are forgotten together, once none has come for a whole window.

        Directories that count from the last wrong password forget no sooner than this, and those that count
        each for itself no later. Rows of one account go together, whatever name it was tried by.
        """
        since = now - window.total_seconds()
        database.execute(
            """DELETE FROM attempt WHERE at <= ?1 AND NOT EXISTS (
                 SELECT 1 FROM attempt later WHERE later.at > ?1 AND (
                   later.name = attempt.name OR (later.entry != '' AND later.entry = attempt.entry)))""",
            (since,),
        )

    def _failed(self, number: int) -> None:
        now = self._counters.now()
        with self._counters.writing() as database:
            database.execute("UPDATE attempt SET waiting = 0, at = ? WHERE id = ?", (now, number))

    def _forget(self, number: int) -> None:
        with self._counters.writing() as database:
            database.execute("DELETE FROM attempt WHERE id = ?", (number,))

    def _succeeded(self, number: int) -> None:
        """The directory forgets with a right password what was wrong before; what is under way it has yet to judge."""
        with self._counters.writing() as database:
            row = database.execute("SELECT name, entry FROM attempt WHERE id = ?", (number,)).fetchone()
            if row is not None:
                given_up = self._counters.now() - GIVEN_UP.total_seconds()
                database.execute(
                    "DELETE FROM attempt WHERE (NOT waiting OR at < ?) "
                    "AND (name = ? OR (entry != '' AND entry = ?))",
                    (given_up, *row),
                )
            database.execute("DELETE FROM attempt WHERE id = ?", (number,))

    # ── how many ──────────────────────────────────────────────────────────────────────────────

    def _allowance(self, database: sqlite3.Connection) -> Allowance:
        """One fewer than the strictest rule that was read lately, and never more than is configured."""
        since = self._counters.now() - LEARNED.total_seconds()
        learned = "FROM lockout WHERE at > ? AND failures > 0"
        strictest, longest = database.execute(
            f"SELECT min(failures), max(window) {learned}",
            (since,),
        ).fetchone()
        never = database.execute(f"SELECT 1 {learned} AND window = 0", (since,)).fetchone()
        window = max(self._settings.wrong_password_window, timedelta(seconds=longest or 0))
        if never:
            window = max(window, FORGETS_NEVER)
        configured = self._settings.wrong_passwords
        if strictest is None:
            return Allowance(configured or UNKNOWN, window, known=False)
        below = max(1, strictest - 1)
        return Allowance(min(configured or below, below), window, known=True)

    def _too_many(self, until: float, where: str = "") -> TooManyAttempts:
        return TooManyAttempts(
            f"Too many wrong passwords {where or 'for this name'}, so it was not tried: "
            f"again after {told_end(until, self._clock())}.",
            hint="The directory was not asked, and this locks nobody. Who cannot wait asks the service desk for a "
            "temporary password: it can be used at once.",
            until=datetime.fromtimestamp(until, UTC),
        )
