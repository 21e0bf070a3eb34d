"""The embedded directory and time: locks, temporary passwords, ages and histories."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from helpdesk.connectors.embedded import EmbeddedDirectory
from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    BadCredentials,
    PasswordExpired,
    PasswordRejected,
)
from helpdesk.secrets import Secret, temporary_password
from tests.unit.embedded_world import (
    BO,
    DEE,
    NOON,
    RULES,
    WRONG,
    Clock,
    clock,
    directory,
    fail,
    path,
)

__all__ = ["clock", "directory", "path"]


# ── the lock ──────────────────────────────────────────────────────────────────────────────────


def test_the_lock_says_when_it_ends_and_ends_then(directory: EmbeddedDirectory, clock: Clock) -> None:
    fail(directory, "bo", 3)
    with pytest.raises(AccountLocked) as told:
        directory.sign_in("bo", BO)
    assert told.value.until == NOON + timedelta(minutes=15)
    clock.later(minutes=14, seconds=59)
    with pytest.raises(AccountLocked):
        directory.sign_in("bo", BO)
    clock.later(seconds=1)
    directory.sign_in("bo", BO)


def test_a_lock_that_ended_starts_the_count_anew(directory: EmbeddedDirectory, clock: Clock) -> None:
    fail(directory, "bo", 3)
    clock.later(minutes=15)
    fail(directory, "bo", 2)
    directory.sign_in("bo", BO)


def test_wrong_passwords_are_forgotten_in_time(directory: EmbeddedDirectory, clock: Clock) -> None:
    for _ in range(3):
        fail(directory, "bo", 2)
        clock.later(minutes=10)
    directory.sign_in("bo", BO)


@pytest.mark.req("R5")
def test_a_clock_that_runs_back_lifts_no_lock(directory: EmbeddedDirectory, clock: Clock) -> None:
    fail(directory, "bo", 3)
    clock.later(days=-365)
    with pytest.raises(AccountLocked):
        directory.sign_in("bo", BO)


def test_a_lock_without_an_end_waits_for_the_service_desk(directory: EmbeddedDirectory, clock: Clock) -> None:
    directory.admin.set_rules(replace(RULES, lockout_seconds=0))
    fail(directory, "bo", 3)
    clock.later(days=1000)
    with pytest.raises(AccountLocked) as told:
        directory.sign_in("bo", BO)
    assert told.value.until is None
    dee = directory.sign_in("dee", DEE)
    status = dee.status(dee.person("bo"))
    assert (status.locked, status.locked_until, status.failures) == (True, None, 3)
    dee.unlock(dee.person("bo"))
    directory.sign_in("bo", BO)


def test_eight_guessers_at_once_are_all_counted(directory: EmbeddedDirectory) -> None:
    directory.admin.set_rules(replace(RULES, max_failures=100))
    threads = [threading.Thread(target=fail, args=(directory, "bo", 5)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    dee = directory.sign_in("dee", DEE)
    assert dee.status(dee.person("bo")).failures == 40


def test_another_spelling_counts_for_the_same_account(directory: EmbeddedDirectory) -> None:
    for login in ("bo", "BO", " ｂｏ "):
        fail(directory, login, 1)
    with pytest.raises(AccountLocked):
        directory.sign_in("bo", BO)


def test_a_wrong_password_does_not_tell_that_an_account_is_disabled(directory: EmbeddedDirectory) -> None:
    dee = directory.sign_in("dee", DEE)
    dee.set_enabled(dee.person("bo"), False)
    with pytest.raises(BadCredentials):
        directory.sign_in("bo", WRONG)
    with pytest.raises(AccountDisabled):
        directory.sign_in("bo", BO)


# ── passwords and time ────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_a_temporary_password_lasts_a_day(directory: EmbeddedDirectory, clock: Clock) -> None:
    dee, temporary = directory.sign_in("dee", DEE), temporary_password()
    dee.set_password(dee.person("bo"), temporary, must_change=True)
    assert dee.status(dee.person("bo")).password_expires == NOON + timedelta(days=1)
    clock.later(hours=23, minutes=59)
    session = directory.sign_in("bo", temporary)
    assert "temporary password expires" in session.notices[0]
    clock.later(minutes=1)
    with pytest.raises(PasswordExpired, match="temporary"):
        directory.sign_in("bo", temporary)


@pytest.mark.req("R5", "S4")
def test_a_clock_that_runs_back_keeps_no_temporary_password_alive(
    directory: EmbeddedDirectory, clock: Clock
) -> None:
    dee, temporary = directory.sign_in("dee", DEE), temporary_password()
    dee.set_password(dee.person("bo"), temporary, must_change=True)
    clock.later(days=-365)
    with pytest.raises(PasswordExpired):
        directory.sign_in("bo", temporary)


def test_an_old_password_expires_and_says_so_before(directory: EmbeddedDirectory, clock: Clock) -> None:
    directory.admin.set_rules(replace(RULES, max_age=90 * 86_400))
    assert directory.sign_in("bo", BO).notices == ()
    clock.later(days=80)
    session = directory.sign_in("bo", BO)
    assert session.notices
    assert session.notices[0].startswith("Your password expires ")
    clock.later(days=10)
    with pytest.raises(PasswordExpired):
        directory.sign_in("bo", BO)


def test_a_young_password_stays_unless_it_must_change(directory: EmbeddedDirectory, clock: Clock) -> None:
    directory.admin.set_rules(replace(RULES, min_age=3600))
    bo = directory.sign_in("bo", BO)
    with pytest.raises(PasswordRejected, match="change it again after"):
        bo.change_own_password(temporary_password())
    clock.later(hours=1)
    bo.change_own_password(temporary_password())
    dee, temporary = directory.sign_in("dee", DEE), temporary_password()
    dee.set_password(dee.person("bo"), temporary, must_change=True)
    directory.sign_in("bo", temporary).change_own_password(temporary_password())


def test_history_ends_where_the_rules_say(directory: EmbeddedDirectory) -> None:
    bo = directory.sign_in("bo", BO)
    for number in range(2):
        bo.change_own_password(Secret(f"a new one, number {number}"))
        with pytest.raises(PasswordRejected, match="used before"):
            bo.change_own_password(BO)
    bo.change_own_password(Secret("a new one, number 2"))
    bo.change_own_password(BO)  # two others lie between


def test_a_very_long_password_is_refused(directory: EmbeddedDirectory) -> None:
    bo = directory.sign_in("bo", BO)
    with pytest.raises(PasswordRejected, match="too long"):
        bo.change_own_password(Secret("x" * 1025))
