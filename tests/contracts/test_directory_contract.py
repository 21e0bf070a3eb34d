"""One contract, three directories: signing in, looking up, and the state of accounts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from helpdesk.errors import (
    AccountLocked,
    Ambiguous,
    BadCredentials,
    HelpdeskError,
    NotFound,
    PasswordExpired,
    Unreachable,
)
from helpdesk.ports import DirectoryReader, DirectorySession
from helpdesk.secrets import Secret
from tests.contracts.worlds import Account, World, lock, new_number, signed_in

pytestmark = pytest.mark.servers


# ── what it is ────────────────────────────────────────────────────────────────────────────────


def test_it_says_what_it_is(world: World) -> None:
    facts = world.directory.facts()
    assert facts.kind in {"embedded", "openldap", "active-directory"}
    assert facts.where
    assert facts.people_base != facts.groups_base
    assert facts.people_base.endswith(facts.base)


# ── signing in ────────────────────────────────────────────────────────────────────────────────


def test_a_sign_in_is_the_person_it_names(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    assert (session.me.login, session.me.name) == (bo.login, bo.name)
    assert session.me == session.person(bo.login)
    assert not session.must_change
    assert session.notices == ()


@pytest.mark.req("I6")
def test_an_unknown_name_and_a_wrong_password_get_the_same_words(world: World, bo: Account) -> None:
    with pytest.raises(BadCredentials) as wrong:
        world.directory.sign_in(bo.login, Secret("not the password"))
    with pytest.raises(BadCredentials) as unknown:
        world.directory.sign_in("nobody-" + bo.login, Secret("not the password"))
    assert wrong.value.message == unknown.value.message
    assert (wrong.value.hint, wrong.value.code) == (unknown.value.hint, unknown.value.code)


@pytest.mark.req("D4")
@pytest.mark.parametrize("nothing", ["", " ", "\t\n", "\u00a0\u3000", "\u00ad\u200b", "\ufeff"])
def test_nothing_is_no_name_and_no_password(world: World, bo: Account, nothing: str) -> None:
    with pytest.raises(BadCredentials):
        world.directory.sign_in(bo.login, Secret(nothing))
    with pytest.raises(BadCredentials):
        world.directory.sign_in(nothing, bo.password)
    with pytest.raises(BadCredentials):
        world.directory.sign_in(nothing, Secret(nothing))


@pytest.mark.req("D7")
@pytest.mark.parametrize(
    "spelled",
    [
        str.upper,
        lambda login: f" {login} ",
        lambda login: "".join(chr(ord(letter) + 0xFEE0) for letter in login),
        lambda login: login[:2] + "\u00ad" + login[2:],
    ],
    ids=["capitals", "spaces", "fullwidth", "soft hyphen"],
)
def test_another_spelling_is_the_same_person_or_nobody(
    world: World, bo: Account, spelled: Callable[[str], str]
) -> None:
    proper = signed_in(world, bo)
    try:
        other = world.directory.sign_in(spelled(bo.login), bo.password)
    except BadCredentials:
        return
    assert other.me == proper.me
    assert other.me.login == bo.login


@pytest.mark.req("D5")
@pytest.mark.parametrize("login", ["*", "c*", "x)(uid=*", "a,ou=people", "\\2a", "bo\0", "#", "' OR 1=1 --"])
def test_metacharacters_are_nobodys_name(world: World, login: str) -> None:
    with pytest.raises(BadCredentials):
        world.directory.sign_in(login, Secret("not the password"))
    with pytest.raises(NotFound):
        world.directory.look_up().person(login)
    with pytest.raises(NotFound):
        world.directory.look_up().group(login)


def test_too_many_wrong_passwords_lock_even_the_right_one_out(world: World, bo: Account) -> None:
    lock(world, bo)
    with pytest.raises(AccountLocked) as told:
        signed_in(world, bo)
    assert "service desk" in told.value.message + told.value.hint


def test_a_lock_ends_by_itself(world: World, bo: Account) -> None:
    lock(world, bo)
    world.let_lock_end(bo)
    assert signed_in(world, bo).me.login == bo.login


def test_a_right_password_forgives_the_wrong_ones_before(world: World, bo: Account) -> None:
    for _ in range(2):
        for _ in range(world.max_failures - 1):
            with pytest.raises(BadCredentials):
                world.directory.sign_in(bo.login, Secret("not the password"))
        signed_in(world, bo).close()


def test_an_expired_password_opens_nothing(world: World, bo: Account) -> None:
    with world.passwords_last_a_second():
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                signed_in(world, bo).close()
            except PasswordExpired as error:
                assert "expired" in error.message  # noqa: PT017  it is asked again until it has expired
                return
    pytest.fail("the password did not expire")


@pytest.mark.req("D8")
def test_out_of_reach_is_said_so_and_in_time(world: World, bo: Account, tmp_path: Path) -> None:
    directory = world.out_of_reach(tmp_path)
    begun = time.monotonic()
    with pytest.raises(Unreachable) as told:
        directory.sign_in(bo.login, bo.password)
    with pytest.raises(Unreachable):
        directory.look_up().person(bo.login)
    assert time.monotonic() - begun < 20
    assert not told.value.maybe_applied
    directory.close()


def test_closing_twice_does_no_harm(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    session.close()
    session.close()
    with pytest.raises(HelpdeskError):
        session.update_contact(session.me, {"title": "Ghost"})
    assert signed_in(world, bo).person(bo.login).title == ""


# ── looking up ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("D7")
def test_a_person_is_found_by_login_id_and_dn(world: World, reader: DirectoryReader) -> None:
    number = new_number()
    account = world.person(name="Ida Ivers", mail="ida@example.test", employee_number=number)
    person = reader.person(account.login)
    assert (person.login, person.name, person.mail) == (account.login, "Ida Ivers", "ida@example.test")
    assert person.employee_number == number
    assert person.id
    assert person.id not in (person.login, person.dn)
    assert reader.person(account.login.upper()) == person
    assert reader.person_by_id(person.id) == person
    assert reader.person_by_dn(person.dn) == person
    assert reader.person_by_dn(person.dn.upper()) == person


@pytest.mark.req("D6")
def test_who_is_not_there_is_not_found(reader: DirectoryReader) -> None:
    with pytest.raises(NotFound):
        reader.person("nobody-of-that-name")
    with pytest.raises(NotFound):
        reader.person_by_id("00000000-0000-4000-8000-000000000000")
    with pytest.raises(NotFound):
        reader.person_by_id("no id (at all)")
    with pytest.raises(NotFound):
        reader.person_by_dn("uid=nobody,ou=nowhere,o=else")
    with pytest.raises(NotFound):
        reader.person_by_dn("not a dn")
    with pytest.raises(NotFound):
        reader.group("no-group-of-that-name")


def test_a_groups_dn_is_nobody(world: World, bo: Account, reader: DirectoryReader) -> None:
    group = reader.group(world.group(owner=bo))
    with pytest.raises(NotFound):
        reader.person_by_dn(group.dn)
    with pytest.raises(NotFound):
        reader.person_by_id(group.id)


@pytest.mark.req("D6")
def test_a_name_that_two_have_is_ambiguous(world: World) -> None:
    login = world.twice()
    if login is None:
        return  # the world has just been refused a second one
    with pytest.raises(Ambiguous):
        world.directory.look_up().person(login)
    with pytest.raises(HelpdeskError):
        world.directory.sign_in(login, Secret("not the password"))


def test_people_are_found_by_every_word(world: World, reader: DirectoryReader) -> None:
    mark = world.person().login
    one = world.person(name=f"Ottilie {mark}q", mail=f"o.{mark}@example.test")
    two = world.person(name=f"Oskar {mark}q")
    logins = [person.login for person in reader.find_people(f"{mark.upper()}q")]
    assert sorted(logins) == sorted([one.login, two.login])
    assert [person.login for person in reader.find_people(f"ottilie {mark}q")] == [one.login]
    assert [person.login for person in reader.find_people(f"o.{mark}@")] == [one.login]
    assert len(reader.find_people(f"{mark}q", limit=1)) == 1
    assert reader.find_people(f"{mark}q nothing-else") == []


@pytest.mark.req("D6")
def test_people_are_called_by_login_mail_or_number_exactly(world: World, reader: DirectoryReader) -> None:
    mark = world.person().login
    one = world.person(mail=f"o.{mark}@example.test", employee_number=f"7{mark[1:]}1")
    two = world.person(employee_number=one.login)
    for name in (f"o.{mark}@example.test", f"O.{mark}@EXAMPLE.test", f"7{mark[1:]}1"):
        assert [person.login for person in reader.people_called(name)] == [one.login]
    assert {person.login for person in reader.people_called(one.login)} == {one.login, two.login}
    for name in (one.login[:-1], f"o.{mark}@", "*", "", " ", "a\0b", ")(objectClass=*"):
        assert reader.people_called(name) == []


@pytest.mark.req("D5")
@pytest.mark.parametrize("words", ["", "  ", "*", "%", "_____", ")(objectClass=*", "\\"])
def test_words_are_words_and_no_patterns(reader: DirectoryReader, words: str) -> None:
    assert reader.find_people(words) == []


def test_a_group_is_found_by_name_and_dn(world: World, bo: Account, reader: DirectoryReader) -> None:
    member = world.person()
    name = world.group(owner=bo, members=(member,))
    group = reader.group(name)
    assert group.name == name
    assert group.owner_dns == (reader.person(bo.login).dn,)
    assert group.member_dns == (reader.person(member.login).dn,)
    assert reader.group(group.dn) == group
    assert reader.group(name.upper()) == group
    assert group.id in {other.id for other in reader.groups()}
    assert len(reader.groups(limit=1)) == 1


def test_the_groups_of_a_person(world: World, bo: Account, reader: DirectoryReader) -> None:
    member, other = world.person(), world.person()
    first, second = world.group(owner=bo, members=(member,)), world.group(owner=bo, members=(member, other))
    assert {group.name for group in reader.groups_of(reader.person(member.login))} == {first, second}
    assert {group.name for group in reader.groups_of(reader.person(other.login))} == {second}


# ── the state of accounts ─────────────────────────────────────────────────────────────────────


def test_the_service_desk_sees_a_lock_and_when_it_ends(
    world: World, desk: DirectorySession, bo: Account
) -> None:
    person = desk.person(bo.login)
    assert desk.status(person).locked is False
    lock(world, bo)
    status = desk.status(person)
    assert status.locked is True
    assert status.locked_until is not None
    assert status.locked_until.tzinfo is not None
    assert status.enabled is True
    assert status.failures in (None, world.max_failures)
    world.let_lock_end(bo)
    assert desk.status(person).locked is False


def test_ones_own_state_is_known(world: World, bo: Account) -> None:
    session = signed_in(world, bo)
    status = session.status(session.me)
    assert status.enabled in (None, True)  # some servers show people nothing of their own state
    assert status.password_changed is not None
    assert status.must_change in (None, False)


def test_who_may_not_see_a_lock_is_not_told_that_there_is_none(
    world: World, bo: Account, reader: DirectoryReader
) -> None:
    lock(world, bo)
    assert reader.status(reader.person(bo.login)).locked in (None, True)


def test_the_password_rules_are_told(world: World, peer: DirectorySession) -> None:
    rules = peer.password_rules(peer.me)
    assert rules.min_length == world.min_length
    assert rules.max_failures == world.max_failures
    assert rules.lockout_seconds == world.lockout.total_seconds()
    assert rules.history == 3


def test_the_state_of_somebody_who_is_gone(world: World, desk: DirectorySession, bo: Account) -> None:
    person = desk.person(bo.login)
    world.remove(bo)
    for ask in (desk.status, desk.groups_of):
        with pytest.raises(NotFound):
            ask(person)
