"""The way in: signing in, looking up, and the administration."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Literal

from helpdesk.connectors.embedded.admin import Administration
from helpdesk.connectors.embedded.attempts import Lock, count_failure, lift, lock_of
from helpdesk.connectors.embedded.hashing import Cost, cost_of, hashed, matches, matches_nobody
from helpdesk.connectors.embedded.names import BASE, GROUPS_BASE, PEOPLE_BASE, says_nothing
from helpdesk.connectors.embedded.reader import EmbeddedReader
from helpdesk.connectors.embedded.rules import Rules
from helpdesk.connectors.embedded.session import EmbeddedSession
from helpdesk.connectors.embedded.tables import Tables, as_person, moment, person_row_by_login, rules_in
from helpdesk.errors import AccountDisabled, AccountLocked, BadCredentials, NotSignedIn, PasswordExpired
from helpdesk.identity import Person
from helpdesk.ports import Clock, DirectoryFacts, DirectoryReader, DirectorySession
from helpdesk.secrets import Secret
from helpdesk.text import local_time


class EmbeddedDirectory:
    """Implements :class:`helpdesk.ports.Directory` on one SQLite file.

    Args:
        path: the file; it and its folder are private, and made when they are first needed.
        clock: now, in UTC; every lock, age and expiry follows it.
        cost: of new password hashes; an older hash is renewed when its owner signs in.
    """

    def __init__(self, path: Path, clock: Clock, *, cost: Cost | None = None) -> None:
        self._tables = Tables(path)
        self._clock = clock
        self._cost = cost or Cost()

    @property
    def admin(self) -> Administration:
        """Filling the directory: for whoever owns the file, not for people who sign in."""
        return Administration(self._tables, self._clock, self._cost)

    def facts(self) -> DirectoryFacts:
        return DirectoryFacts(
            kind="embedded",
            where=str(self._tables.path),
            base=BASE,
            people_base=PEOPLE_BASE,
            groups_base=GROUPS_BASE,
            transport="a file on this machine",
        )

    def look_up(self) -> DirectoryReader:
        return EmbeddedReader(self._tables, self._clock)

    def accepts(self, person: Person, password: Secret) -> Literal["yes", "must-change", "no"]:
        try:
            session = self.sign_in(person.login, password)
        except NotSignedIn:
            return "no"
        if session.me.id != person.id:
            return "no"
        return "must-change" if session.must_change else "yes"

    def close(self) -> None:
        self._tables.close()

    # ── signing in ────────────────────────────────────────────────────────────────────────────

    def sign_in(self, login: str, password: Secret) -> DirectorySession:
        if says_nothing(login) or says_nothing(password.expose()):
            raise BadCredentials("Signing in needs a login name and a password.")
        with self._tables.reading() as database:
            row = person_row_by_login(database, login)
            stored = row["password"] if row else None
        # One comparison each time, also for a locked or unknown name: its time tells nothing (I6).
        right = matches(password, stored) if stored else matches_nobody(password, self._cost)
        renewed = hashed(password, self._cost) if right and stored and cost_of(stored) != self._cost else ""
        with self._tables.writing() as database:
            now, rules = self._clock(), rules_in(database)
            lock = lock_of(database, login, rules, now)
            row = person_row_by_login(database, login)
            changed = (row["password"] if row else None) != stored
            if not changed and not lock.locked and not right:
                count_failure(database, login, rules, now)
            if row and right and not changed and not lock.locked:
                return self._session(database, row, rules, renewed)
        if changed:  # while it was compared: what counts is the password of now
            return self.sign_in(login, password)
        raise self._locked(lock) if lock.locked else _not_accepted()

    def _session(
        self, database: sqlite3.Connection, row: sqlite3.Row, rules: Rules, renewed: str
    ) -> EmbeddedSession:
        """The right password opens the account, unless the account or the password has ended."""
        now, changed = self._clock(), moment(row["password_changed"])
        must_change = bool(row["must_change"])
        if not row["enabled"]:
            raise AccountDisabled("Your account is disabled.", hint="Ask the service desk.")
        if rules.has_expired(changed, now, must_change=must_change):
            kind = "temporary password" if must_change else "password"
            raise PasswordExpired(
                f"Your {kind} has expired.", hint="The service desk can set a temporary one."
            )
        lift(database, row["login"])
        if renewed:
            database.execute("UPDATE person SET password = ? WHERE id = ?", (renewed, row["id"]))
        notices: tuple[str, ...] = ()
        end = rules.expires(changed, must_change=must_change)
        if end and (must_change or end - now <= timedelta(seconds=rules.expire_warning)):
            kind = "temporary password" if must_change else "password"
            notices = (f"Your {kind} expires {local_time(end, now)}.",)
        return EmbeddedSession(
            self._tables,
            self._clock,
            self._cost,
            me=as_person(database, row),
            password=renewed or row["password"],
            must_change=must_change,
            notices=notices,
        )

    def _locked(self, lock: Lock) -> AccountLocked:
        until = f" until {local_time(lock.until, self._clock())}" if lock.until else ""
        return AccountLocked(
            f"The account is locked{until} after too many wrong passwords; the service desk can lift it.",
            hint="Ask the service desk to unlock it.",
            until=lock.until,
        )


def _not_accepted() -> BadCredentials:
    return BadCredentials("The login name or the password is wrong.")
