"""One contract, three directories: passwords, locks and disabled accounts."""

from __future__ import annotations

from typing import Any

import pytest

from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    HelpdeskError,
    MustChangePassword,
    NotFound,
    PasswordRejected,
    Refused,
)
from helpdesk.ports import DirectorySession
from helpdesk.secrets import Secret, temporary_password
from tests.contracts.worlds import Account, World, lock, signed_in

pytestmark = pytest.mark.servers


# ── one's own password ────────────────────────────────────────────────────────────────────────


def test_a_changed_password_is_the_only_one(world: World, bo: Account) -> None:
    session, new = signed_in(world, bo), temporary_password()
    before = session.status(session.me).password_changed
    session.change_own_password(new)
    after = session.status(session.me).password_changed  # the session goes on
    assert before is not None
    assert after is not None
    assert after >= before
    assert world.directory.accepts(session.me, new) == "yes"
    assert world.directory.accepts(session.me, bo.password) == "no"


def test_a_short_password_is_refused_with_the_rule(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    with pytest.raises(PasswordRejected, match="too short") as told:
        session.change_own_password(Secret("Ab3-xyzw-uvw"[: world.min_length - 1]))
    assert str(world.min_length) in told.value.message
    assert world.directory.accepts(session.me, bo.password) == "yes"


def test_an_old_password_does_not_come_back(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    second = temporary_password()
    session.change_own_password(second)
    for old in (second, bo.password):
        with pytest.raises(PasswordRejected):
            session.change_own_password(old)
    assert world.directory.accepts(session.me, second) == "yes"


def test_a_young_password_says_when_it_may_change(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    session.change_own_password(temporary_password())
    with world.young_passwords_stay(), pytest.raises(PasswordRejected, match="after"):
        session.change_own_password(temporary_password())


def test_no_empty_new_password(world: World, desk: DirectorySession, bo: Account) -> None:
    session = signed_in(world, bo)
    for nothing in ("", " " * 20, "\u200b" * 20):
        with pytest.raises(PasswordRejected):
            session.change_own_password(Secret(nothing))
        with pytest.raises(PasswordRejected):
            desk.set_password(session.me, Secret(nothing), must_change=True)
    assert world.directory.accepts(session.me, bo.password) == "yes"


# ── a password set by the service desk ────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_a_temporary_password_opens_nothing_but_its_own_change(
    world: World, desk: DirectorySession, bo: Account
) -> None:
    person, temporary = desk.person(bo.login), temporary_password()
    desk.set_password(person, temporary, must_change=True)
    assert desk.status(person).must_change is True
    assert world.directory.accepts(person, temporary) == "must-change"
    assert world.directory.accepts(person, bo.password) == "no"
    session = world.directory.sign_in(bo.login, temporary)
    assert session.must_change
    assert session.me.id == person.id
    for attempt in (
        lambda: session.person(world.desk.login),
        lambda: session.groups(),
        lambda: session.status(session.me),
        lambda: session.find_people("desk"),
        lambda: session.update_contact(session.me, {"title": "Boss"}),
    ):
        with pytest.raises(MustChangePassword):
            attempt()
    assert desk.person(bo.login).title == ""
    session.change_own_password(new := temporary_password())
    assert not session.must_change
    assert session.person(bo.login).id == person.id
    assert world.directory.accepts(person, new) == "yes"
    assert desk.status(person).must_change is False


def test_a_password_set_without_must_change_is_simply_the_new_one(
    world: World, desk: DirectorySession, bo: Account
) -> None:
    person, new = desk.person(bo.login), temporary_password()
    desk.set_password(person, new, must_change=False)
    assert world.directory.accepts(person, new) == "yes"


def test_a_reset_lifts_a_lock(world: World, desk: DirectorySession, bo: Account) -> None:
    person, temporary = desk.person(bo.login), temporary_password()
    lock(world, bo)
    desk.set_password(person, temporary, must_change=True)
    assert desk.status(person).locked is False
    assert world.directory.accepts(person, temporary) == "must-change"


def test_the_rules_hold_for_the_service_desk_too(world: World, desk: DirectorySession, bo: Account) -> None:
    person = desk.person(bo.login)
    with pytest.raises(PasswordRejected, match="too short"):
        desk.set_password(person, Secret("Ab3-xy"), must_change=True)
    assert world.directory.accepts(person, bo.password) == "yes"
    assert desk.status(person).must_change is False


# ── accounts ──────────────────────────────────────────────────────────────────────────────────


def test_an_unlocked_account_opens_with_the_password_it_had(
    world: World, desk: DirectorySession, bo: Account
) -> None:
    person = desk.person(bo.login)
    lock(world, bo)
    desk.unlock(person)
    assert desk.status(person).locked is False
    assert world.directory.accepts(person, bo.password) == "yes"
    desk.unlock(person)  # not locked: no error


def test_a_disabled_account_opens_with_no_password(world: World, desk: DirectorySession, bo: Account) -> None:
    person = desk.person(bo.login)
    desk.set_enabled(person, False)
    assert desk.status(person).enabled is False
    assert world.directory.accepts(person, bo.password) == "no"
    with pytest.raises((AccountDisabled, AccountLocked)):
        signed_in(world, bo)
    desk.set_enabled(person, True)
    assert desk.status(person).enabled is True
    assert signed_in(world, bo).me.id == person.id


def test_unlocking_enables_nobody(world: World, desk: DirectorySession, bo: Account) -> None:
    person = desk.person(bo.login)
    desk.set_enabled(person, False)
    try:
        desk.unlock(person)
    except HelpdeskError as error:
        assert error.message  # noqa: PT017  it may refuse; the account stays disabled either way
    assert desk.status(person).enabled is False
    assert world.directory.accepts(person, bo.password) == "no"


def test_a_new_password_enables_nobody(world: World, desk: DirectorySession, bo: Account) -> None:
    person, new = desk.person(bo.login), temporary_password()
    desk.set_enabled(person, False)
    try:
        desk.set_password(person, new, must_change=True)
    except HelpdeskError as error:
        assert error.message  # noqa: PT017  it may refuse; the account stays disabled either way
    assert desk.status(person).enabled is False
    assert world.directory.accepts(person, new) == "no"


@pytest.mark.req("D9")
def test_a_session_is_not_told_that_its_disabled_account_is_enabled(
    world: World, desk: DirectorySession, bo: Account
) -> None:
    session = signed_in(world, bo)
    desk.set_enabled(desk.person(bo.login), False)
    try:
        assert session.status(session.me).enabled in (None, False)
    except Refused as error:
        assert error.code == "directory-rights"  # noqa: PT017  both are a truthful answer


@pytest.mark.req("D9")
def test_a_session_of_somebody_who_is_gone_finds_nothing_of_itself(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    world.remove(bo)
    with pytest.raises((NotFound, Refused)):
        session.person_by_id(session.me.id)


# ── secrets ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("S3")
def test_neither_a_session_nor_its_errors_show_a_password(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    shown: list[Any] = [session, vars(session), world.directory, vars(world.directory)]
    for attempt in (
        lambda: session.change_own_password(Secret("short-7Q")),
        lambda: world.directory.sign_in(bo.login, Secret("short-7Q")),
    ):
        with pytest.raises(HelpdeskError) as told:
            attempt()
        shown += [told.value.message, told.value.hint, told.value.args, vars(told.value)]
    text = repr(shown)
    assert "short-7Q" not in text
    assert bo.password.expose() not in text
