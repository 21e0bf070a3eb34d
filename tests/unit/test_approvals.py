"""Approvals: another person, freshly signed in, with their own rights, once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.connectors.embedded import NewGroup, NewPerson
from helpdesk.events import Outcome
from helpdesk.gate.requests import LIFETIME, RequestState
from helpdesk.plugin import Secret
from tests.fakes.terminal import Person
from tests.unit.approvals_world import as_root, coffee, coffee_plugin
from tests.unit.door_world import World, in_order, password_of, with_plugin


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def nothing_given(world: World) -> bool:
    return world.watch.tried == [] and world.log.of("intent") == [] and not world.is_member("emma")


def no_longer_owner(world: World, login: str) -> None:
    as_root(
        world,
        "DELETE FROM team_owner WHERE team = (SELECT id FROM team WHERE name = 'finance-share') "
        "AND person = (SELECT id FROM person WHERE login = ?)",
        login,
    )


# ── the whole way ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V3")
def test_a_request_is_carried_out_by_its_approver_with_their_own_rights(world: World) -> None:
    id = world.request("emma")
    assert world.watch.tried == []
    world.trail.clear()
    at = world.person("olga")
    result = world.approve("olga", id, at)
    assert (result.outcome, result.request) == (Outcome.DONE, id)
    assert result.receipt
    assert world.is_member("emma")
    assert world.done == ["olga add_member finance-share"]
    assert in_order(
        world.trail, "authorise", "preview", "confirm", "authorise", "preview", "log:approval", "log:intent",
        "execute", "write:add_member", "verify", "log:outcome", "finished",
    )  # fmt: skip
    assert world.requests.get(id).state is RequestState.DONE
    assert world.requests.get(id).entry == result.entry


@pytest.mark.req("V2")
def test_requester_and_approver_are_two_sign_ins_with_two_ids_in_the_log(world: World) -> None:
    id = world.request("emma")
    world.approve("olga", id)
    emma, olga = (world.embedded.look_up().person(login).id for login in ("emma", "olga"))
    signed_in = [entry.body["actor_id"] for entry in world.log.of("sign-in")]
    assert {emma, olga} <= set(signed_in)
    intent, outcome = world.log.of("intent")[-1], world.log.of("outcome")[-1]
    for entry in (intent, outcome):
        assert (entry.body["requester_id"], entry.body["actor_id"]) == (emma, olga)
        assert entry.body["request"] == id
    (asked,), (approval,) = world.log.of("request"), world.log.of("approval")
    assert asked.body["seal"] == approval.body["seal"] == world.requests.get(id).digest
    assert (approval.body["decision"], approval.body["actor_id"]) == ("approved", olga)


@pytest.mark.req("V7")
def test_the_approver_sees_who_asks_for_what_with_the_state_of_now(world: World) -> None:
    id = world.request("emma")
    at = Person(agrees=False)
    result = world.approve("olga", id, at)
    (shown,) = at.confirmations
    assert "Emma Test asks" in shown.summary
    assert id in shown.summary
    assert [(c.what, c.before, c.after) for c in shown.changes] == [
        ("membership of emma", "not a member", "member")
    ]
    assert shown.actor == "olga"
    assert result.outcome is Outcome.CANCELLED
    assert world.requests.get(id).state is RequestState.PENDING
    assert nothing_given(world)


@pytest.mark.req("V7")
@pytest.mark.parametrize(
    ("minutes", "password", "outcome", "questions"),
    [
        (0, None, Outcome.DONE, 0),
        (4.9, None, Outcome.DONE, 0),
        (6, None, Outcome.NOT_SIGNED_IN, 1),
        (6, "wrong", Outcome.NOT_SIGNED_IN, 1),
        (6, "olga-Passphrase-1", Outcome.DONE, 1),
    ],
)
def test_an_approval_needs_a_fresh_sign_in(
    world: World, minutes: float, password: str | None, outcome: Outcome, questions: int
) -> None:
    id = world.request("emma")
    world.sign_in("olga")
    world.clock.advance(minutes=minutes)
    at = Person(password=password)
    assert world.approve("olga", id, at).outcome is outcome
    assert len(at.questions) == questions
    assert world.is_member("emma") is (outcome is Outcome.DONE)


def test_a_dry_run_of_an_approval_changes_nothing(world: World) -> None:
    id = world.request("emma")
    result = world.approve("olga", id, dry_run=True)
    assert (result.outcome, len(result.changes)) == (Outcome.PREVIEWED, 1)
    assert world.requests.get(id).state is RequestState.PENDING
    assert nothing_given(world)


# ── V1, V2: who may ───────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V2")
@pytest.mark.parametrize("login", ["emma", "bo", "dana", "root", "mia"])
def test_nobody_but_the_owners_approves_or_denies(world: World, login: str) -> None:
    id = world.request("emma")
    for result in (world.approve(login, id), world.deny(login, id)):
        assert result.outcome is Outcome.REFUSED
        assert result.rule == ("no-self-approval" if login == "emma" else "not-an-approver")
    assert world.requests.get(id).state is RequestState.PENDING
    assert nothing_given(world)


@pytest.mark.req("V2")
@pytest.mark.parametrize("alias", ["OLGA", " olga ", "ｏｌｇａ"])
def test_an_owner_who_asks_cannot_approve_under_another_spelling(world: World, alias: str) -> None:
    id = world.request("olga")
    signed_in = world.sign_in("olga")
    again = world.sign_in_at_directory._sign_in(alias, Secret(password_of("olga")))
    assert again.actor.person.id == signed_in.actor.person.id
    at = cast(Any, world.person("olga"))
    result = asyncio.run(world.approvals.approve(id, again, at))
    assert (result.outcome, result.rule) == (Outcome.REFUSED, "no-self-approval")
    assert not world.is_member("olga")


@pytest.mark.req("V2")
def test_a_second_account_of_whoever_asked_does_not_approve_although_it_owns_the_group(world: World) -> None:
    number = world.embedded.look_up().person("emma").employee_number
    world.embedded.admin.add_person(
        NewPerson("emma-admin", "Emma Test", Secret(password_of("emma-admin")), employee_number=number)
    )
    world.embedded.admin.add_group(NewGroup("two-owners", owners=("emma-admin", "olga")))
    id = world.request("emma", "two-owners")
    assert world.requests.get(id).approver_names == ("Olga Test",)
    assert world.approve("emma-admin", id).outcome is Outcome.REFUSED
    assert world.watch.tried == []


@pytest.mark.req("V1")
@pytest.mark.req("D7")
def test_an_approver_who_was_replaced_by_another_of_the_same_name_does_not_approve(world: World) -> None:
    id = world.request("emma")
    world.embedded.admin.remove_person("olga")
    world.embedded.admin.add_person(NewPerson("olga", "Another Olga", Secret(password_of("olga"))))
    result = world.approve("olga", id)
    assert (result.outcome, result.rule) == (Outcome.REFUSED, "not-an-approver")
    assert nothing_given(world)


# ── V3: rights are those of the moment ────────────────────────────────────────────────────────


@pytest.mark.req("V3")
@pytest.mark.parametrize("when", ["before they look", "while they decide"])
@pytest.mark.parametrize("what", ["owner", "disabled", "deleted"])
def test_an_approver_who_lost_the_right_grants_nothing(world: World, what: str, when: str) -> None:
    id = world.request("emma")
    world.sign_in("olga")

    def lose() -> None:
        if what == "owner":
            no_longer_owner(world, "olga")
        elif what == "disabled":
            as_root(world, "UPDATE person SET enabled = 0 WHERE login = ?", "olga")
        else:
            world.embedded.admin.remove_person("olga")

    at = Person()
    if when == "before they look":
        lose()
    else:
        at.before_answer = lose
    result = world.approve("olga", id, at)
    assert result.outcome in (Outcome.REFUSED, Outcome.NOT_SIGNED_IN, Outcome.FAILED), result
    assert nothing_given(world)
    assert world.requests.get(id).state is RequestState.PENDING
    assert world.approve("oscar", id).outcome is Outcome.DONE


@pytest.mark.req("V3")
@pytest.mark.parametrize("what", ["disabled", "deleted", "renamed and replaced"])
def test_a_requester_who_is_gone_gets_nothing(world: World, what: str) -> None:
    id = world.request("emma")
    if what == "disabled":
        as_root(world, "UPDATE person SET enabled = 0 WHERE login = ?", "emma")
    else:
        world.embedded.admin.remove_person("emma")
        if what != "deleted":
            world.embedded.admin.add_person(NewPerson("emma", "Another Emma", Secret(password_of("emma"))))
    result = world.approve("olga", id)
    assert result.outcome in (Outcome.REFUSED, Outcome.FAILED)
    assert "emma" in result.message.lower() or id in result.message
    assert "Your account" not in result.message  # it is not the approver's
    assert world.watch.tried == []


@pytest.mark.req("V1")
def test_a_group_that_was_replaced_by_another_of_the_same_name_is_not_granted(world: World) -> None:
    id = world.request("emma")
    world.embedded.admin.remove_group("finance-share")
    world.embedded.admin.add_group(NewGroup("finance-share", owners=("olga",)))
    result = world.approve("olga", id)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "stale"
    assert nothing_given(world)


@pytest.mark.req("L4")
def test_a_state_that_moves_while_the_approver_decides_ends_the_request_with_no_effect(world: World) -> None:
    id = world.request("emma")

    def meanwhile() -> None:
        oscar = world.embedded.sign_in("oscar", Secret(password_of("oscar")))
        oscar.add_member(oscar.group("finance-share"), oscar.person("emma"))

    result = world.approve("olga", id, Person(before_answer=meanwhile))
    assert result.error is not None
    assert result.error.code == "stale"
    assert world.watch.tried == []
    assert world.requests.get(id).state is RequestState.STALE
    assert world.log.of("approval")[-1].body["decision"] == "stale"
    assert world.approve("olga", id).outcome is Outcome.REFUSED
    assert world.watch.tried == []


# ── V1, V4: one approval, one effect ──────────────────────────────────────────────────────────


@pytest.mark.req("V4")
def test_approving_twice_has_one_effect(world: World) -> None:
    id = world.request("emma")
    assert world.approve("olga", id).outcome is Outcome.DONE
    for login in ("olga", "oscar"):
        again = world.approve(login, id)
        assert again.outcome is Outcome.REFUSED
        assert again.error is not None
        assert again.error.code == "already-decided"
    assert len(world.done) == 1


@pytest.mark.req("V4")
def test_two_owners_and_many_windows_at_once_have_one_effect(world: World) -> None:
    id = world.request("emma")
    owners = [world.sign_in(login) for login in ("olga", "oscar")]
    barrier = threading.Barrier(20)
    outcomes: list[Outcome] = []

    def approve(number: int) -> None:
        barrier.wait()
        at = cast(Any, Person())
        result = asyncio.run(world.approvals.approve(id, owners[number % 2], at))
        outcomes.append(result.outcome)

    threads = [threading.Thread(target=approve, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted([Outcome.DONE, *[Outcome.REFUSED] * 19])
    assert len(world.done) == 1
    assert len(world.log.of("intent")) == 1


@pytest.mark.req("V1")
def test_a_tampered_request_has_no_effect(world: World, tmp_path: Path) -> None:
    """Another group, another requester, another approver, another plugin version: each breaks the seal."""
    swaps = [
        ("finance-share", "design-share"),
        ("emma", "bo"),
        ('"plugin_version":"1"', '"plugin_version":"2"'),
    ]
    for number, (old, new) in enumerate(swaps):
        folder = tmp_path / str(number)
        folder.mkdir()
        other = World(folder)
        id = other.request("emma")
        with closing(sqlite3.connect(folder / "requests.db")) as database:
            database.execute("DROP TRIGGER requests_sealed")
            changed = database.execute("UPDATE requests SET document = replace(document, ?, ?)", (old, new))
            database.commit()
            (document,) = database.execute("SELECT document FROM requests").fetchone()
        assert changed.rowcount == 1
        assert new in document
        for result in (other.approve("olga", id), other.deny("olga", id)):
            assert result.outcome is Outcome.REFUSED
            assert result.error is not None
            assert result.error.code == "sealed"
        assert other.watch.tried == []


@pytest.mark.req("V1")
@pytest.mark.parametrize("after", ["done", "denied"])
def test_a_request_that_was_put_back_to_pending_is_known_from_the_log(
    world: World, tmp_path: Path, after: str
) -> None:
    """Somebody with the file takes every decision out of it and sets the count right: the log still knows."""
    id = world.request("emma")
    assert (world.approve("olga", id) if after == "done" else world.deny("olga", id)).outcome is Outcome.DONE
    if after == "done":
        assert world.do("olga", "access.revoke", person="emma", group="finance-share").outcome is Outcome.DONE
    with closing(sqlite3.connect(tmp_path / "requests.db")) as database:
        database.execute("DROP TRIGGER decisions_stay")
        database.execute("DELETE FROM decisions")
        database.execute("UPDATE requests SET steps = 0")
        database.commit()
    assert world.requests.get(id).state is RequestState.PENDING
    writes = list(world.watch.tried)
    result = world.approve("olga", id)
    assert result.outcome is Outcome.REFUSED
    assert "decided before" in result.message
    assert world.watch.tried == writes
    assert not world.is_member("emma")


@pytest.mark.req("V1")
@pytest.mark.parametrize("moved", [LIFETIME, timedelta(days=-1)])
def test_an_expired_request_grants_nothing(world: World, moved: timedelta) -> None:
    id = world.request("emma")
    world.clock.now += moved
    result = world.approve("olga", id)
    assert result.outcome is Outcome.REFUSED
    assert nothing_given(world)


@pytest.mark.req("V1")
def test_a_request_of_another_version_of_the_plugin_is_not_carried_out(tmp_path: Path) -> None:
    world = coffee(tmp_path)
    id = world.do("emma", "coffee.brew", person="bo").request
    assert id is not None
    world.runner.catalog = with_plugin(coffee_plugin("2"))
    result = world.approve("olga", id)
    assert result.error is not None
    assert result.error.code == "stale"
    assert world.log.of("intent") == []
    world.runner.catalog = with_plugin(coffee_plugin("1"))
    assert world.approve("olga", id).outcome is Outcome.DONE
