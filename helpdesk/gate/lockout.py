"""For someone who cannot sign in: what is wrong, when it ends, who can help, and what to do now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    HelpdeskError,
    NotSignedIn,
    PasswordExpired,
    TooManyAttempts,
    Unreachable,
)
from helpdesk.events import ErrorInfo, Observation, Outcome, Result
from helpdesk.gate.counters import told_end
from helpdesk.gate.roles import HELPDESK, Roles
from helpdesk.gate.signin import MAX_TYPED, told_name
from helpdesk.identity import AccountStatus
from helpdesk.ports import Clock, Directory, SignedIn, SignIn
from helpdesk.secrets import Secret
from helpdesk.text import shorten

if TYPE_CHECKING:
    from helpdesk.gate.audit import AuditLog

ACTION = "password.status"
MAX_NAMES = 5


@dataclass(frozen=True, slots=True)
class LockExplainer:
    """Signs in once, and explains what the directory says to that.

    It tells only what a sign-in tells: the answer for a name that does not exist is the answer for a
    wrong password (I6).
    """

    directory: Directory
    sign_in: SignIn
    roles: Roles
    audit: AuditLog
    clock: Clock
    arrived: Callable[[SignedIn], bool] | None = None
    """Takes over a sign-in that worked, and says whether it did; nobody is asked for the password twice."""

    async def __call__(self, login: str, password: Secret) -> Result:
        """Raises Unreachable, LogUnavailable."""
        try:
            signed_in = await self.sign_in(login, password)
        except NotSignedIn as error:
            name = await asyncio.to_thread(told_name, self.directory, login, error)
            return self._logged(name, await asyncio.to_thread(self._refused, login, error))
        kept = self.arrived is not None and self.arrived(signed_in)
        if not kept:
            signed_in.directory.close()
        message = "Your account is not locked: signing in just worked"
        message += ", and you are signed in now." if kept else "."
        if signed_in.actor.must_change:
            message += " You must choose a new password first: helpdesk do password.change"
        seen = Observation("directory", login, "account lock", "not locked", "not locked")
        return self._logged(signed_in.actor.login, _done(login, message, seen))

    def _refused(self, login: str, error: NotSignedIn) -> Result:
        if isinstance(error, AccountLocked):
            return self._locked(login, error)
        if isinstance(error, AccountDisabled):
            return _told(login, error, "account", "disabled", f"{self._who()} can tell why.")
        if isinstance(error, PasswordExpired):
            return _told(login, error, "password", "expired", f"{self._who()} can give you a temporary one.")
        if isinstance(error, TooManyAttempts):
            return _not_tried(login, error)
        return _not_accepted(login, error)

    def _locked(self, login: str, error: AccountLocked) -> Result:
        status = self._status(login)
        until = error.until or (status.locked_until if status else None)
        state = f"locked until {told_end(until.timestamp(), self.clock())}" if until else "locked"
        when = (
            f"The lock ends by itself at {told_end(until.timestamp(), self.clock())}."
            if until
            else "The directory does not say when the lock ends."
        )
        wait = (
            f" Or wait until {told_end(until.timestamp(), self.clock())} and sign in once, carefully."
            if until
            else ""
        )
        message = (
            f"Your account is locked after too many wrong passwords. {when} {self._who()} can lift it now.{wait} "
            "If you forgot the password, ask them for a temporary one."
        )
        return _done(login, message, Observation("directory", login, "account lock", state, state))

    def _status(self, login: str) -> AccountStatus | None:
        """What anyone may read about the lock; many directories show nothing to strangers."""
        try:
            reader = self.directory.look_up()
            return reader.status(reader.person(login))
        except Unreachable:
            raise
        except HelpdeskError:
            return None

    def _who(self) -> str:
        """The people of the service desk, by name where the directory shows them."""
        try:
            people = self.roles.members(self.directory.look_up(), HELPDESK, MAX_NAMES)
        except HelpdeskError:
            people = []
        names = [person.name for person in people]
        if not names:
            return "The service desk"
        listed = " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        return f"The service desk ({listed})"

    def _logged(self, name: str, result: Result) -> Result:
        body = {"action": ACTION, "outcome": result.outcome.value, "signed_in": False}
        entry = self.audit.append(
            "read", body, {"target": shorten(name, MAX_TYPED), "message": result.message}
        )
        return replace(result, entry=entry)


def _done(login: str, message: str, seen: Observation) -> Result:
    return Result(Outcome.DONE, ACTION, message, {"person": login}, receipt=(seen,))


def _told(login: str, error: HelpdeskError, what: str, state: str, helps: str) -> Result:
    message = f"{error.message} {helps}"
    return _done(login, message, Observation("directory", login, what, state, state))


def _not_accepted(login: str, error: HelpdeskError) -> Result:
    message = (
        f"{error.message} The directory does not report a lock. Check the login name and the keyboard, "
        "and do not guess: a few wrong passwords lock an account."
    )
    return Result(
        Outcome.NOT_SIGNED_IN,
        ACTION,
        message,
        {"person": login},
        error=ErrorInfo(
            error.code, error.message, error.hint or "The service desk can set a temporary password."
        ),
    )


def _not_tried(login: str, error: NotSignedIn) -> Result:
    return Result(
        Outcome.NOT_SIGNED_IN,
        ACTION,
        error.message,
        {"person": login},
        error=ErrorInfo(error.code, error.message, error.hint),
    )
