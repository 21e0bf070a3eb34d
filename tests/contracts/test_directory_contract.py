"""One contract, three directories: whatever stands behind the port behaves like this."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    Ambiguous,
    BadCredentials,
    Failed,
    HelpdeskError,
    MustChangePassword,
    NotFound,
    PasswordExpired,
    PasswordRejected,
    Refused,
    Stale,
    Unreachable,
)
from helpdesk.identity import Person
from helpdesk.ports import DirectoryReader, DirectorySession
from helpdesk.secrets import Secret, temporary_password
from tests.contracts.worlds import Account, EmbeddedWorld, SlapdWorld, World, new_number, signed_in

pytestmark = pytest.mark.servers


@pytest.fixture(scope="session", params=["embedded", "slapd_people", "slapd_staff"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made: World
    if request.param == "embedded":
        made = EmbeddedWorld(tmp_path_factory.mktemp("embedded"))
    else:
        made = SlapdWorld(request.getfixturevalue(request.param))
    yield made
    made.directory.close()


@pytest.fixture
def desk(world: World) -> Iterator[DirectorySession]:
    session = signed_in(world, world.desk)
    yield session
    session.close()


@pytest.fixture
def bo(world: World) -> Account:
    return world.person(name="Bo Berg")


@pytest.fixture
def peer(world: World) -> Iterator[DirectorySession]:
    """Somebody signed in who has no rights beyond their own."""
    session = signed_in(world, world.person(name="Pia Peer"))
    yield session
    session.close()


def lock(world: World, account: Account) -> None:
    for _ in range(world.max_failures):
        with pytest.raises(BadCredentials):
            world.directory.sign_in(account.login, Secret("not the password"))


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


@pytest.fixture(params=["nobody signed in", "signed in"])
def reader(request: pytest.FixtureRequest, world: World) -> DirectoryReader:
    if request.param == "signed in":
        session: DirectorySession = request.getfixturevalue("peer")
        return session
    return world.directory.look_up()


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
        pytest.skip("this directory lets no two people have one login name")
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


# ── the directory's own rights ────────────────────────────────────────────────────────────────

Write = Callable[[DirectorySession, Person], None]
_DESK_WRITES: dict[str, Write] = {
    "set_password": lambda session, person: session.set_password(
        person, temporary_password(), must_change=True
    ),
    "unlock": lambda session, person: session.unlock(person),
    "disable": lambda session, person: session.set_enabled(person, False),
    "enable": lambda session, person: session.set_enabled(person, True),
}


@pytest.mark.parametrize("write", _DESK_WRITES)
def test_only_the_service_desk_changes_other_accounts(
    world: World, desk: DirectorySession, peer: DirectorySession, bo: Account, write: str
) -> None:
    person = desk.person(bo.login)
    if write == "unlock":
        lock(world, bo)
    if write == "enable":
        desk.set_enabled(person, False)
    before = desk.status(person)
    with pytest.raises(Refused) as told:
        _DESK_WRITES[write](peer, person)
    assert told.value.code == "directory-rights"
    assert desk.status(person) == before


def test_nobody_unlocks_or_enables_themselves(world: World, desk: DirectorySession, bo: Account) -> None:
    session = signed_in(world, bo)
    lock(world, bo)
    with pytest.raises(Refused) as told:
        session.unlock(session.me)
    assert told.value.code == "directory-rights"
    assert desk.status(session.me).locked is True


def test_owners_write_the_members_of_their_groups(world: World, bo: Account) -> None:
    owner, member = signed_in(world, bo), world.person()
    group = owner.group(world.group(owner=bo))
    person = owner.person(member.login)
    owner.add_member(group, person)
    owner.add_member(group, person)  # already one: no error
    assert person.dn in owner.group(group.name).member_dns
    assert [held.name for held in owner.groups_of(person)] == [group.name]
    owner.remove_member(group, person)
    owner.remove_member(group, person)  # none any more: no error
    assert person.dn not in owner.group(group.name).member_dns
    assert owner.groups_of(person) == []


def test_the_last_member_leaves_or_the_class_forbids_it(world: World, bo: Account) -> None:
    owner = signed_in(world, bo)
    group = owner.group(world.group(owner=bo))
    try:
        owner.remove_member(group, owner.me)
    except Failed as error:
        assert "last" in error.message  # noqa: PT017  an empty group is not allowed everywhere
        assert owner.group(group.name).member_dns == (owner.me.dn,)
    else:
        assert owner.group(group.name).member_dns == ()


@pytest.mark.parametrize("who", ["peer", "desk"])
def test_only_owners_write_members(
    world: World, bo: Account, who: str, request: pytest.FixtureRequest
) -> None:
    session: DirectorySession = request.getfixturevalue(who)
    member = world.person()
    group = session.group(world.group(owner=bo, members=(bo, member)))
    with pytest.raises(Refused) as told:
        session.add_member(group, session.me)
    assert told.value.code == "directory-rights"
    with pytest.raises(Refused) as told:
        session.remove_member(group, session.person(member.login))
    assert told.value.code == "directory-rights"
    assert set(session.group(group.name).member_dns) == set(group.member_dns)


def test_contact_data_is_written_by_its_owner(world: World, peer: DirectorySession) -> None:
    peer.update_contact(
        peer.me, {"mail": "new@example.test", "phone": "+49 30 1234", "title": "Head of Ætherø"}
    )
    person = world.directory.look_up().person_by_id(peer.me.id)
    assert (person.mail, person.phone, person.title) == ("new@example.test", "+49 30 1234", "Head of Ætherø")
    peer.update_contact(peer.me, {"phone": ""})
    person = world.directory.look_up().person_by_id(peer.me.id)
    assert (person.phone, person.title) == ("", "Head of Ætherø")


@pytest.mark.parametrize("who", ["peer", "desk"])
def test_nobody_writes_the_contact_data_of_others(
    world: World, bo: Account, who: str, request: pytest.FixtureRequest
) -> None:
    session: DirectorySession = request.getfixturevalue(who)
    with pytest.raises(Refused) as told:
        session.update_contact(session.person(bo.login), {"mail": "elsewhere@example.test"})
    assert told.value.code == "directory-rights"
    assert session.person(bo.login).mail != "elsewhere@example.test"


# ── the target is still the one that was looked at ────────────────────────────────────────────


@pytest.mark.req("D7")
@pytest.mark.parametrize("write", _DESK_WRITES)
def test_a_new_account_of_the_same_name_is_another_one(
    world: World, desk: DirectorySession, bo: Account, write: str
) -> None:
    person = desk.person(bo.login)
    world.recreate(bo)
    again = desk.person(bo.login)
    assert again.dn == person.dn
    assert again.id != person.id
    with pytest.raises(Stale):
        _DESK_WRITES[write](desk, person)
    assert desk.status(again).enabled is True
    assert world.directory.accepts(again, bo.password) == "yes"
    assert world.directory.accepts(person, bo.password) == "no"
    with pytest.raises(NotFound):
        desk.person_by_id(person.id)


@pytest.mark.req("D7")
def test_a_member_who_was_made_anew_is_not_added(world: World, bo: Account) -> None:
    owner, member = signed_in(world, bo), world.person()
    group, person = owner.group(world.group(owner=bo)), owner.person(member.login)
    world.recreate(member)
    with pytest.raises(Stale):
        owner.add_member(group, person)
    assert owner.groups_of(owner.person(member.login)) == []


@pytest.mark.req("D7")
def test_a_new_group_of_the_same_name_is_another_one(world: World, bo: Account) -> None:
    owner, member = signed_in(world, bo), world.person()
    name = world.group(owner=bo)
    group, person = owner.group(name), owner.person(member.login)
    world.regroup(name, bo)
    for write in (owner.add_member, owner.remove_member):
        with pytest.raises(Stale):
            write(group, person)
    assert person.dn not in owner.group(name).member_dns


def test_a_target_that_is_gone_is_not_written(world: World, desk: DirectorySession, bo: Account) -> None:
    person = desk.person(bo.login)
    world.remove(bo)
    for write in _DESK_WRITES.values():
        with pytest.raises((Stale, NotFound)):
            write(desk, person)


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
