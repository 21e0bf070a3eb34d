"""How approvals end: a no, a failure in the middle, and requests that reach nobody by themselves."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.reconcile import ABANDONED, Reconciler
from helpdesk.connectors.embedded import NewGroup
from helpdesk.errors import Failed, LogUnavailable
from helpdesk.events import Outcome
from helpdesk.gate.requests import RequestState
from tests.fakes.systems import Fault, Write
from tests.fakes.terminal import Person
from tests.unit.approvals_world import as_root, coffee, managed_by
from tests.unit.door_world import World


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
    world = coffee(tmp_path, shared=False)
    result = world.do("emma", "coffee.brew", person="bo", cups="3")
    assert result.outcome is Outcome.PENDING
    assert "helpdesk do coffee.brew bo --cups 3" in result.message


# ── approvals of actions that reveal ──────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_an_approver_with_nowhere_to_show_a_password_changes_nothing(tmp_path: Path) -> None:
    policy = '@id("m") permit (principal, action == Action::"password.reset", resource) when { context has approver };'
    world = World(tmp_path, policy=policy)
    managed_by(world, "emma", "dana")
    asked = world.do("emma", "password.reset", person="bo")
    assert asked.outcome is Outcome.PENDING, asked
    assert asked.request is not None
    result = world.approve("dana", asked.request, Person(can_reveal=False))
    assert (result.outcome, world.watch.tried) == (Outcome.USAGE, [])
    at = Person()
    assert world.approve("dana", asked.request, at).outcome is Outcome.DONE
    assert len(at.revealed) == 1
