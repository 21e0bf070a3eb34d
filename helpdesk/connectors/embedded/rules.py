"""The password policy: what it asks of a new password, and when an old one has had its time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from helpdesk.connectors.embedded.hashing import matches
from helpdesk.connectors.embedded.names import says_nothing
from helpdesk.errors import PasswordRejected
from helpdesk.identity import PasswordRules
from helpdesk.secrets import Secret
from helpdesk.text import local_time

MAX_LENGTH = 1024
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy for everybody; times are in seconds, and 0 switches a rule off.

    Attributes:
        history: how many old passwords may not come back, besides the present one.
        max_failures: wrong passwords until the account locks.
        failure_window: a wrong password is forgotten after this time.
        lockout_seconds: how long a lock lasts; 0: until the service desk lifts it.
        min_age: how long one's own new password must stay. max_age: how long it may.
        temporary_age: how long a password set by the service desk opens the way to a new one (S4).
        expire_warning: how long before its end a sign-in says that the password expires.
    """

    min_length: int = 12
    history: int = 3
    max_failures: int = 5
    failure_window: int = 600
    lockout_seconds: int = 900
    min_age: int = 0
    max_age: int = 0
    temporary_age: int = 86_400
    expire_warning: int = 1_209_600

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int or value < 0:
                raise ValueError(f"{name} is a whole number, 0 or more")

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Rules:
        return cls(**json.loads(text))

    def as_told(self) -> PasswordRules:
        return PasswordRules(
            min_length=self.min_length,
            history=self.history,
            max_failures=self.max_failures,
            failure_window_seconds=self.failure_window,
            lockout_seconds=self.lockout_seconds,
            min_age_seconds=self.min_age,
            max_age_seconds=self.max_age,
        )

    # ── time ──────────────────────────────────────────────────────────────────────────────────

    def expires(self, changed: datetime, *, must_change: bool) -> datetime | None:
        """When a password set at ``changed`` ends; ``None`` when it does not."""
        age = self.temporary_age if must_change else self.max_age
        return changed + timedelta(seconds=age) if age else None

    def has_expired(self, changed: datetime, now: datetime, *, must_change: bool) -> bool:
        """Also when the clock ran back behind the day a temporary password was set (R5)."""
        if must_change and self.temporary_age and now < changed - _SKEW:
            return True
        end = self.expires(changed, must_change=must_change)
        return end is not None and now >= end

    def check_age(self, changed: datetime, now: datetime) -> None:
        """Raises PasswordRejected when one's own password is too young to be changed again."""
        again = changed + timedelta(seconds=self.min_age)
        if self.min_age and now < again:
            raise PasswordRejected(
                "The password was not accepted, too soon after the last change: "
                f"you may change it again after {local_time(again, now)}.",
                hint="The service desk can set a temporary one before that.",
            )

    # ── the new one ───────────────────────────────────────────────────────────────────────────

    def check_new(self, new: Secret, old: Iterable[str]) -> None:
        """Raises PasswordRejected when a password is too short, too long, or was there before.

        Args:
            old: the hashes of the present password and of those before it.
        """
        text = new.expose()
        if says_nothing(text):
            raise PasswordRejected("The password was not accepted: it is empty.", hint=self._wanted())
        if len(text) < self.min_length:
            raise PasswordRejected(
                f"The password was not accepted, too short: at least {self.min_length} characters.",
                hint="Choose a longer one.",
            )
        if len(text) > MAX_LENGTH:
            raise PasswordRejected(
                f"The password was not accepted, too long: at most {MAX_LENGTH} characters.",
                hint="Choose a shorter one.",
            )
        if any(matches(new, stored) for stored in old):
            raise PasswordRejected(
                "The password was not accepted: it was used before.", hint="Choose one that is new."
            )

    def _wanted(self) -> str:
        return f"Choose one of at least {max(self.min_length, 1)} characters."
