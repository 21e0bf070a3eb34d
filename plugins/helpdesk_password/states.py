"""How the state of an account is put into words: the same words before, after and when read back."""

from __future__ import annotations

from datetime import datetime, timedelta

from helpdesk.plugin import AccountStatus, Change, Observation, Person, local_time

PASSWORD = "password"  # noqa: S105  the name of a property, not a value
NEW = "a new temporary one"
OWN = "the new one"
MUST_CHANGE = "must choose a new one at next sign-in"
LOCK = "account lock"
RESOLUTION = timedelta(seconds=2)
UNTOLD = "not told by the directory"


def change(person: Person, what: str, before: str, after: str) -> Change:
    return Change("directory", person.login, what, before, after)


def seen(person: Person, what: str, expected: str, observed: str) -> Observation:
    """What was read back; silence is neither the old state nor the new one."""
    told = "could not be read back" if observed == UNTOLD else observed
    return Observation("directory", person.login, what, expected, told)


def age(status: AccountStatus) -> str:
    """When the password was set, precisely enough to tell two of them apart."""
    return f"set {_stamp(status.password_changed)}" if status.password_changed else "the present one"


def _stamp(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def lock(status: AccountStatus, now: datetime) -> str:
    if status.locked is None:
        return UNTOLD
    if not status.locked:
        return "not locked"
    if status.locked_until is None:
        return "locked"
    until = status.locked_until + timedelta(seconds=-status.locked_until.second % 60)  # not told too early
    return f"locked until {local_time(until, now)}"


def yes_no(value: bool | None) -> str:
    return UNTOLD if value is None else ("yes" if value else "no")


def changed_since(status: AccountStatus, before: str, begun: datetime | None) -> bool | None:
    """Whether the password was set after the remembered moment; ``None`` when that cannot be told.

    Many servers store the moment with one-second resolution: two changes in one second look like one.

    Args:
        begun: when the change that may have happened was begun.
    """
    if status.password_changed is None:
        return None
    if not before or status.password_changed > datetime.fromisoformat(before):
        return True
    whole_seconds = status.password_changed.microsecond == 0
    if whole_seconds and begun is not None and begun - datetime.fromisoformat(before) < RESOLUTION:
        return None
    return False


def remembered(status: AccountStatus) -> str:
    return status.password_changed.isoformat() if status.password_changed else ""
