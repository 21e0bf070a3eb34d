"""One contract, three directories: who may write what, and to whom exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from helpdesk.errors import (
    Failed,
    NotFound,
    Refused,
    Stale,
)
from helpdesk.identity import Person
from helpdesk.ports import DirectorySession
from helpdesk.secrets import temporary_password
from tests.contracts.worlds import Account, World, lock, signed_in

pytestmark = pytest.mark.servers


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


def test_a_member_may_leave(world: World, bo: Account) -> None:
    account = world.person()
    session = signed_in(world, account)
    group = session.group(world.group(owner=bo, members=(bo, account)))
    session.remove_member(group, session.me)
    assert session.me.dn not in session.group(group.name).member_dns
    with pytest.raises(Refused):
        session.add_member(group, session.me)
    session.close()


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
