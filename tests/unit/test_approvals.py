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

from helpdesk.actions.reconcile import ABANDONED, Reconciler
from helpdesk.connectors.embedded import NewGroup, NewPerson
from helpdesk.errors import Failed, LogUnavailable
from helpdesk.events import Outcome
from helpdesk.gate.requests import LIFETIME, RequestState
from helpdesk.plugin import Change, Context, Login, Observation, Plugin, Preview, ReadContext, Secret
from tests.fakes.systems import Fault, Write
from tests.fakes.terminal import Person
from tests.unit.door_world import World, in_order, password_of, with_plugin


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def nothing_given(world: World) -> bool:
    return world.watch.tried == [] and world.log.of("intent") == [] and not world.is_member("emma")


def as_root(world: World, statement: str, *values: str) -> None:
    with world.embedded._tables.writing() as database:
        assert database.execute(statement, values).rowcount > 0


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
def test_a_state_that_moves_while_the_approver_decides_lets_the_request_go_again(world: World) -> None:
    id = world.request("emma")

    def meanwhile() -> None:
        oscar = world.embedded.sign_in("oscar", Secret(password_of("oscar")))
        oscar.add_member(oscar.group("finance-share"), oscar.person("emma"))

    result = world.approve("olga", id, Person(before_answer=meanwhile))
    assert result.error is not None
    assert result.error.code == "stale"
    assert world.watch.tried == []
    assert world.requests.get(id).state is RequestState.PENDING
    assert world.approve("olga", id).outcome is Outcome.DONE
    assert world.watch.tried == []  # nothing had to change any more


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
    world = _coffee(tmp_path)
    id = world.do("emma", "coffee.brew", person="bo").request
    assert id is not None
    world.runner.catalog = with_plugin(_coffee_plugin("2"))
    result = world.approve("olga", id)
    assert result.error is not None
    assert result.error.code == "stale"
    assert world.log.of("intent") == []
    world.runner.catalog = with_plugin(_coffee_plugin("1"))
    assert world.approve("olga", id).outcome is Outcome.DONE


# ── saying no ─────────────────────────────────────────────────────────────────────────────────


def test_a_denial_is_logged_and_final(world: World) -> None:
    id = world.request("emma")
    result = world.deny("oscar", id, "no budget")
    assert (result.outcome, "no budget" in result.message) == (Outcome.DONE, True)
    request = world.requests.get(id)
    assert (request.state, request.answer, request.decider) == (
        RequestState.DENIED,
        "no budget",
        "Oscar Test",
    )
    (entry,) = world.log.of("approval")
    assert (entry.body["decision"], entry.body["request"]) == ("denied", id)
    assert entry.personal["reason"] == "no budget"
    assert request.entry == entry.seq
    assert world.approve("olga", id).outcome is Outcome.REFUSED
    assert world.deny("olga", id).outcome is Outcome.REFUSED
    assert nothing_given(world)


@pytest.mark.req("R1")
def test_a_denial_that_cannot_be_logged_does_not_happen(world: World) -> None:
    id = world.request("emma")
    world.log.down = {"approval"}
    result = world.deny("olga", id)
    assert result.outcome is Outcome.FAILED
    assert world.requests.get(id).state is RequestState.PENDING


def test_ones_own_request_can_be_taken_back_and_nobody_elses(world: World) -> None:
    id = world.request("emma")
    assert world.withdraw("bo", id).outcome is Outcome.REFUSED
    assert world.withdraw("olga", id).outcome is Outcome.REFUSED
    assert world.withdraw("emma", id).outcome is Outcome.DONE
    assert world.requests.get(id).state is RequestState.WITHDRAWN
    assert world.log.of("approval")[-1].body["decision"] == "withdrawn"
    assert world.approve("olga", id).outcome is Outcome.REFUSED


def test_an_unknown_request_is_a_usage_error_that_is_logged(world: World) -> None:
    result = world.approve("olga", "R-XXXXXX")
    assert (result.outcome, result.request) == (Outcome.USAGE, "R-XXXXXX")
    assert world.log.of("refusal")[-1].body["request"] == "R-XXXXXX"


# ── what goes wrong in the middle ─────────────────────────────────────────────────────────────


@pytest.mark.req("R1")
@pytest.mark.parametrize("kind", ["approval", "intent"])
def test_an_approval_that_cannot_be_logged_does_not_happen_and_can_be_given_again(
    world: World, kind: str
) -> None:
    id = world.request("emma")
    world.log.down = {kind}
    result = world.approve("olga", id)
    assert result.error is not None
    assert result.error.code == LogUnavailable.code
    assert nothing_given(world)
    assert world.requests.get(id).state is RequestState.PENDING
    world.log.down = set()
    assert world.approve("olga", id).outcome is Outcome.DONE


@pytest.mark.req("L10")
@pytest.mark.parametrize(
    ("fault", "outcome", "state"),
    [
        (Fault.LIE, Outcome.FAILED, RequestState.FAILED),
        (Fault.BREAK_BEFORE, Outcome.FAILED, RequestState.FAILED),
        (Fault.DROP, Outcome.UNKNOWN, RequestState.UNKNOWN),
        (Fault.LOSE_REPLY, Outcome.DONE, RequestState.DONE),
    ],
)
def test_a_request_ends_as_its_call_did(
    world: World, fault: Fault, outcome: Outcome, state: RequestState
) -> None:
    id = world.request("emma")
    world.watch.fault = fault
    assert world.approve("olga", id).outcome is outcome
    assert world.requests.get(id).state is state


@pytest.mark.req("R2")
def test_a_request_whose_end_could_not_be_stored_is_ended_from_the_log(world: World) -> None:
    id = world.request("emma")
    requests = world.requests

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(requests, name)

        def finish(self, *_: object, **__: object) -> None:
            raise Failed("The requests cannot be used: the disk is full.", code="requests-unavailable")

    world.runner.requests = cast(Any, Full())
    at = world.person("olga")
    result = world.approve("olga", id, at)
    assert result.outcome is Outcome.DONE
    assert "disk is full" in at.warned
    assert requests.get(id).state is RequestState.CLAIMED
    world.runner.requests = requests
    Reconciler(world.runner).settle_requests()
    assert (requests.get(id).state, requests.get(id).entry) == (RequestState.DONE, result.entry)


@pytest.mark.req("R2")
def test_a_claim_that_came_to_nothing_is_opened_again_after_a_while(world: World) -> None:
    id = world.request("emma")
    olga = world.embedded.look_up().person("olga")
    world.requests.claim(id, olga.id)
    world.clock.now += ABANDONED - timedelta(seconds=1)
    Reconciler(world.runner).settle_requests()
    assert world.requests.get(id).state is RequestState.CLAIMED  # somebody may be about to
    world.clock.advance(seconds=1)
    Reconciler(world.runner).settle_requests()
    assert world.requests.get(id).state is RequestState.PENDING
    assert world.approve("oscar", id).outcome is Outcome.DONE


@pytest.mark.req("R6")
def test_an_approval_that_is_interrupted_while_it_is_carried_out_ends_its_request(tmp_path: Path) -> None:
    started, go_on = threading.Event(), threading.Event()
    world = World(tmp_path)
    id = world.request("emma")

    def hold(write: Write) -> None:
        started.set()
        go_on.wait(10)

    world.watch.on_write = hold

    async def main() -> None:
        at = cast(Any, Person())
        running = asyncio.ensure_future(world.approvals.approve(id, world.sign_in("olga"), at))
        await asyncio.to_thread(started.wait, 10)
        running.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert world.is_member("emma")
    assert world.requests.get(id).state is RequestState.DONE


# ── where nothing is shared ───────────────────────────────────────────────────────────────────


def test_where_nothing_is_shared_the_message_is_truthful_and_gives_the_exact_command(tmp_path: Path) -> None:
    world = World(tmp_path, shared=False)
    result = world.do("emma", "access.request", group="finance-share", reason="quarter close")
    assert result.outcome is Outcome.PENDING
    assert "Nothing reaches Olga Test (olga) or Oscar Test (oscar) by itself" in result.message
    assert "helpdesk do access.grant emma finance-share" in result.message
    assert "helpdesk do ticket.open 'access.request for emma: finance-share'" in result.message
    assert "helpdesk approvals list" not in result.message
    granted = world.do("olga", "access.grant", person="emma", group="finance-share")
    assert granted.outcome is Outcome.DONE


def test_names_are_quoted_so_that_the_command_is_exact(tmp_path: Path) -> None:
    world = World(tmp_path, shared=False)
    world.embedded.admin.add_group(NewGroup("R&D; rm -rf ~", owners=("olga",)))
    result = world.do("emma", "access.request", group="R&D; rm -rf ~")
    assert "helpdesk do access.grant emma 'R&D; rm -rf ~'" in result.message


def test_where_it_is_shared_the_approvers_list_is_named(world: World) -> None:
    result = world.do("emma", "access.request", group="finance-share")
    assert "helpdesk approvals list" in result.message
    assert "access.grant" not in result.message


def test_any_action_that_waits_by_a_sites_rule_gives_its_own_command(tmp_path: Path) -> None:
    world = _coffee(tmp_path, shared=False)
    result = world.do("emma", "coffee.brew", person="bo", cups="3")
    assert result.outcome is Outcome.PENDING
    assert "helpdesk do coffee.brew bo --cups 3" in result.message


# ── approvals of actions that reveal ──────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_an_approver_with_nowhere_to_show_a_password_changes_nothing(tmp_path: Path) -> None:
    policy = '@id("m") permit (principal, action == Action::"password.reset", resource) when { context has approver };'
    world = World(tmp_path, policy=policy)
    _managed_by(world, "emma", "dana")
    asked = world.do("emma", "password.reset", person="bo")
    assert asked.outcome is Outcome.PENDING, asked
    assert asked.request is not None
    result = world.approve("dana", asked.request, Person(can_reveal=False))
    assert (result.outcome, world.watch.tried) == (Outcome.USAGE, [])
    at = Person()
    assert world.approve("dana", asked.request, at).outcome is Outcome.DONE
    assert len(at.revealed) == 1


def _managed_by(world: World, login: str, manager: str) -> None:
    as_root(
        world, "UPDATE person SET manager = (SELECT id FROM person WHERE login = ?) WHERE login = ?", manager, login
    )  # fmt: skip


def _coffee(folder: Path, **more: Any) -> World:
    """A plugin whose action waits for the requester's manager, by the site's rule."""
    policy = '@id("m") permit (principal, action == Action::"coffee.brew", resource) when { context has approver };'
    world = World(folder, plugins=with_plugin(_coffee_plugin("1")), policy=policy, **more)
    _managed_by(world, "emma", "olga")
    return world


def _coffee_plugin(version: str) -> Plugin:
    plugin = Plugin("coffee", version=version)
    brewed: list[str] = []

    @plugin.action()
    async def brew(ctx: Context, person: Login, cups: int = 1) -> str:
        """Brew for somebody."""
        brewed.append(person)
        return "x"

    @brew.preview
    def _(ctx: ReadContext, person: Login, cups: int = 1) -> Preview:
        return Preview("Brew.", (Change("desk", person, "coffee", "no", "yes"),))

    @brew.verify
    def _(ctx: ReadContext, person: Login, cups: int = 1) -> list[Observation]:
        return [Observation("desk", person, "coffee", "yes", "yes" if brewed else "no")]

    return plugin
