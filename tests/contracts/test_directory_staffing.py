"""One contract, three directories: people who come, move and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from helpdesk.errors import Failed, HelpdeskError, NotFound, Refused, Stale
from helpdesk.identity import Group, Person
from helpdesk.ports import DirectorySession
from helpdesk.secrets import temporary_password
from helpdesk.staffing import LEFT, NewPerson
from tests.contracts.worlds import Account, World, new_account, new_number, signed_in

pytestmark = pytest.mark.servers


def newcomer(manager: Person | None = None) -> NewPerson:
    account = new_account("Nora Newcomer")
    return NewPerson(
        login=account.login,
        name=f"Nora {account.login.title()}",
        mail=f"{account.login}@corp.test",
        title="Buyer",
        employee_number=new_number(),
        manager=manager,
    )


# ── somebody comes ────────────────────────────────────────────────────────────────────────────


def test_a_new_person_is_there_and_shut_out(
    world: World, worker: DirectorySession, desk: DirectorySession, bo: Account
) -> None:
    new = newcomer(worker.person(bo.login))
    worker.create_person(new)
    made = worker.person(new.login)
    assert (made.login, made.name, made.mail) == (new.login, new.name, new.mail)
    assert (made.title, made.employee_number) == (new.title, new.employee_number)
    assert worker.person_by_dn(made.manager_dn).login == bo.login
    assert worker.status(made).enabled is False
    assert world.directory.accepts(made, temporary_password()) == "no"
    desk.set_enabled(made, True)
    temporary = temporary_password()
    desk.set_password(made, temporary, must_change=True)
    assert world.directory.accepts(made, temporary) == "must-change"


@pytest.mark.req("R3")
def test_the_same_person_asked_for_twice_is_one(worker: DirectorySession) -> None:
    new = newcomer()
    worker.create_person(new)
    first = worker.person(new.login)
    worker.create_person(new)
    assert worker.people_called(new.login) == [first]


@pytest.mark.req("D7")
@pytest.mark.parametrize("what", ["login", "mail", "employee_number"])
def test_what_belongs_to_somebody_is_given_to_nobody_else(worker: DirectorySession, what: str) -> None:
    there, new = newcomer(), newcomer()
    worker.create_person(there)
    with pytest.raises(Failed) as told:
        worker.create_person(replace(new, **{what: getattr(there, what)}))
    assert told.value.code == "taken"
    assert worker.people_called(getattr(new, "mail" if what == "login" else "login")) == []


def test_an_alias_of_somebody_is_no_new_persons_address(worker: DirectorySession) -> None:
    there, new = newcomer(), newcomer()
    worker.create_person(there)
    worker.add_alias(worker.person(there.login), f"sales-{new.mail}")
    with pytest.raises(Failed) as told:
        worker.create_person(replace(new, mail=f"sales-{new.mail}"))
    assert told.value.code == "taken"


def test_an_entry_that_is_gone_is_nobodys_manager(
    world: World, worker: DirectorySession, bo: Account
) -> None:
    boss = worker.person(bo.login)
    person = worker.person(world.person().login)
    world.recreate(bo)
    with pytest.raises(Stale):
        worker.set_manager(person, boss)
    assert worker.person(person.login).manager_dn == ""


# ── somebody moves, and goes ──────────────────────────────────────────────────────────────────


def test_a_manager_is_set_and_taken_out(worker: DirectorySession, world: World, bo: Account) -> None:
    person, boss = worker.person(bo.login), worker.person(world.person().login)
    worker.set_manager(person, boss)
    assert worker.person_by_dn(worker.person(bo.login).manager_dn).id == boss.id
    worker.set_manager(worker.person(bo.login), None)
    assert worker.person(bo.login).manager_dn == ""


def test_whoever_left_is_marked_so_and_may_come_back(worker: DirectorySession, bo: Account) -> None:
    worker.set_employment(worker.person(bo.login), LEFT)
    assert worker.person(bo.login).employment == LEFT
    worker.set_employment(worker.person(bo.login), "")
    assert worker.person(bo.login).employment == ""


def test_an_alias_is_one_more_address_and_the_first_one_stays(worker: DirectorySession, world: World) -> None:
    account = world.person(mail=f"{new_account().login}@corp.test")
    person = worker.person(account.login)
    alias = f"other.{person.mail}"
    for _ in range(2):
        worker.add_alias(person, alias)
    now = worker.person(account.login)
    assert (now.mail, now.aliases) == (person.mail, (alias,))
    assert [one.id for one in worker.people_called(alias)] == [person.id]
    moved = f"moved.{person.mail}"
    worker.update_contact(now, {"mail": moved})
    assert (worker.person(account.login).mail, worker.person(account.login).aliases) == (moved, (alias,))
    for _ in range(2):
        worker.remove_alias(person, alias)
    assert (worker.person(account.login).mail, worker.person(account.login).aliases) == (moved, ())
    worker.remove_alias(person, moved)
    assert worker.person(account.login).mail == moved, "their own address is no alias"


def test_an_address_of_somebody_else_is_no_alias(worker: DirectorySession, world: World, bo: Account) -> None:
    other = worker.person(world.person(mail=f"{new_account().login}@corp.test").login)
    worker.update_contact(worker.person(bo.login), {"mail": f"{bo.login}@corp.test"})
    with pytest.raises(Failed) as told:
        worker.add_alias(worker.person(bo.login), other.mail)
    assert told.value.code == "taken"
    assert worker.person(bo.login).aliases == ()


# ── groups change hands ───────────────────────────────────────────────────────────────────────


def test_a_group_changes_hands(worker: DirectorySession, world: World, bo: Account) -> None:
    heir = world.person()
    owner, to = worker.person(bo.login), worker.person(heir.login)
    group = worker.group(world.group(owner=bo))
    assert [one.name for one in worker.groups_owned(owner)] == [group.name]
    worker.hand_over(group, owner, to)
    assert worker.group(group.name).owner_dns == (to.dn,)
    assert worker.groups_owned(owner) == []
    session = signed_in(world, heir)
    session.add_member(session.group(group.name), worker.person(world.person().login))
    session.close()
    with pytest.raises(Stale):
        worker.hand_over(group, owner, to)


def test_an_owner_may_stay_one(worker: DirectorySession, world: World, bo: Account) -> None:
    owner, to = worker.person(bo.login), worker.person(world.person().login)
    group = worker.group(world.group(owner=bo))
    worker.hand_over(group, owner, to, stays=True)
    assert set(worker.group(group.name).owner_dns) == {owner.dn, to.dn}
    worker.hand_over(group, owner, to)  # already an owner: only the first one goes
    assert worker.group(group.name).owner_dns == (to.dn,)


@pytest.mark.req("D7")
def test_a_group_made_anew_does_not_change_hands(worker: DirectorySession, world: World, bo: Account) -> None:
    owner, to = worker.person(bo.login), worker.person(world.person().login)
    name = world.group(owner=bo)
    group = worker.group(name)
    world.regroup(name, bo)
    with pytest.raises(Stale):
        worker.hand_over(group, owner, to)
    assert worker.group(name).owner_dns == (owner.dn,)


# ── who may ───────────────────────────────────────────────────────────────────────────────────

Write = Callable[[DirectorySession, Person, Group], None]
_WRITES: dict[str, Write] = {
    "create": lambda session, person, group: session.create_person(newcomer()),
    "manager": lambda session, person, group: session.set_manager(person, session.me),
    "archive": lambda session, person, group: session.set_employment(person, LEFT),
    "alias": lambda session, person, group: session.add_alias(person, f"x-{person.login}@corp.test"),
    "hand-over": lambda session, person, group: session.hand_over(group, person, session.me),
}


@pytest.mark.req("D9")
@pytest.mark.parametrize("who", ["peer", "desk"])
@pytest.mark.parametrize("write", _WRITES)
def test_nobody_else_writes_these(
    world: World, write: str, who: str, worker: DirectorySession, request: pytest.FixtureRequest
) -> None:
    session: DirectorySession = request.getfixturevalue(who)
    account = world.person(mail=f"{new_account().login}@corp.test")
    person, group = worker.person(account.login), worker.group(world.group(owner=account))
    with pytest.raises(Refused) as told:
        _WRITES[write](session, person, group)
    assert told.value.code == "directory-rights"
    assert worker.person(account.login) == person
    assert worker.group(group.name) == group


@pytest.mark.req("D7")
@pytest.mark.parametrize("write", ["manager", "archive", "alias"])
def test_a_new_entry_of_the_same_name_is_another_one(
    world: World, worker: DirectorySession, write: str
) -> None:
    account = world.person(mail=f"{new_account().login}@corp.test")
    person, group = worker.person(account.login), worker.group(world.group(owner=world.desk))
    world.recreate(account)
    with pytest.raises((Stale, NotFound)):
        _WRITES[write](worker, person, group)
    now = worker.person(account.login)
    assert (now.manager_dn, now.employment, now.aliases) == ("", "", ())


def test_workers_do_what_processes_need(worker: DirectorySession, world: World, bo: Account) -> None:
    person = worker.person(world.person().login)
    group = worker.group(world.group(owner=bo))
    worker.add_member(group, person)
    worker.remove_member(group, person)
    worker.set_enabled(person, False)
    assert worker.status(person).enabled is False
    with pytest.raises(HelpdeskError):
        worker.set_password(person, temporary_password(), must_change=True)
