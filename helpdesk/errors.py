"""Every error a person can meet, as one small tree, and the exit code each ends with.

::

    HelpdeskError
    ├── UsageError            the words were off                          2
    │   ├── ConfigError       … in a configuration file
    │   ├── InvalidArgument   … in an argument's value
    │   ├── NotFound          … they name nothing that exists
    │   └── Ambiguous         … they name more than one thing
    ├── Refused               a rule, or the directory's own rights       3
    ├── NotSignedIn           nobody is signed in                         5
    │   ├── BadCredentials    the sign-in was not accepted
    │   ├── AccountLocked     … too many wrong passwords
    │   ├── AccountDisabled   … by an administrator
    │   ├── TooManyAttempts   … not tried, lest it locks somebody's account
    │   ├── PasswordExpired   … it is too old to be used again
    │   ├── MustChangePassword  only password.change is open
    │   └── FreshSignInNeeded   a risky action needs the password again
    ├── Failed                nothing changed                             1
    │   ├── PasswordRejected  the directory's password rules
    │   ├── Stale             the state moved while the person decided
    │   ├── LogUnavailable    what cannot be logged does not happen
    │   ├── PluginFailure     a plugin broke
    │   └── Cancelled         the person said no
    ├── OutcomeUnknown        must be reconciled                          6
    └── Unreachable           a needed system gave no answer              7
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes: a promise to scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    WAITING = 4
    NOT_SIGNED_IN = 5
    UNKNOWN = 6
    UNREACHABLE = 7
    PARTIAL = 8
    INTERRUPTED = 130
    TERMINATED = 143


class HelpdeskError(Exception):
    """The root. ``message`` says what and why, ``hint`` what to do next; both are single sentences.

    Args:
        message: what happened and why, for a person.
        hint: what to do next.
        code: a stable name for scripts; the class's own when left out.
    """

    code = "error"
    exit = Exit.FAILED

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code:
            self.code = code


class UsageError(HelpdeskError):
    code = "usage"
    exit = Exit.USAGE


class ConfigError(UsageError):
    code = "config"


class InvalidArgument(UsageError):
    code = "invalid-argument"


class NotFound(UsageError):
    code = "not-found"


class Ambiguous(UsageError):
    code = "ambiguous"


class Refused(HelpdeskError):
    """A rule of ours (``code="rule"``) or the directory's own rights (``code="directory-rights"``) said no.

    Args:
        rule: the name of the deciding rule, where there is one.
    """

    code = "rule"
    exit = Exit.REFUSED

    def __init__(self, message: str, *, hint: str = "", code: str = "", rule: str = "") -> None:
        super().__init__(message, hint=hint, code=code)
        self.rule = rule


class NotSignedIn(HelpdeskError):
    code = "not-signed-in"
    exit = Exit.NOT_SIGNED_IN


class BadCredentials(NotSignedIn):
    code = "wrong-credentials"


class AccountLocked(NotSignedIn):
    """Too many wrong passwords. ``until`` is when the lock ends by itself, if the directory tells."""

    code = "account-locked"

    def __init__(self, message: str, *, hint: str = "", until: datetime | None = None) -> None:
        super().__init__(message, hint=hint)
        self.until = until


class TooManyAttempts(NotSignedIn):
    """Wrong passwords on this machine: this one was not tried. ``until`` is when the next one may be."""

    code = "too-many-attempts"

    def __init__(self, message: str, *, hint: str = "", until: datetime) -> None:
        super().__init__(message, hint=hint)
        self.until = until


class AccountDisabled(NotSignedIn):
    code = "account-disabled"


class PasswordExpired(NotSignedIn):
    code = "password-expired"


class MustChangePassword(NotSignedIn):
    code = "must-change-password"


class FreshSignInNeeded(NotSignedIn):
    code = "fresh-sign-in-needed"


class Failed(HelpdeskError):
    code = "failed"


class PasswordRejected(Failed):
    """The directory's password rules refused the new password (too short, in history, too young …)."""

    code = "password-rejected"


class Stale(Failed):
    code = "stale"


class LogUnavailable(Failed):
    code = "log-unavailable"


class PluginFailure(Failed):
    code = "plugin"


class Cancelled(Failed):
    """The person said no.

    Args:
        words: what they said instead, where that is a request of its own: a correction, another sentence.
    """

    code = "cancelled"

    def __init__(self, message: str, *, hint: str = "", code: str = "", words: str = "") -> None:
        super().__init__(message, hint=hint, code=code)
        self.words = words


class OutcomeUnknown(HelpdeskError):
    code = "unknown"
    exit = Exit.UNKNOWN


class Unreachable(HelpdeskError):
    """A needed system gave no answer.

    Args:
        maybe_applied: true when the request had been sent, so that its effect may exist.
    """

    code = "unreachable"
    exit = Exit.UNREACHABLE

    def __init__(self, message: str, *, hint: str = "", maybe_applied: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.maybe_applied = maybe_applied
