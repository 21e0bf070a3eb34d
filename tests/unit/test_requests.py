"""Pending requests: they wait, and are decided once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk.errors import Refused
from helpdesk.gate.requests import LIFETIME, MAX_PENDING, RequestState
from helpdesk.identity import Person
from tests.unit.requests_world import (
    BO,
    CHANGES,
    DONE,
    EMMA,
    NOW,
    OLGA,
    OSCAR,
    STEPS,
    WAYS,
    World,
    a_call,
    somebody,
)


@pytest.fixture
def world(requests_world: World) -> World:
    return requests_world


# ── asking ────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_kept_as_it_was_made(world: World) -> None:
    made = world.ask()
    kept = world.requests.get(made.id.lower())
    assert kept == made
    assert kept.state is RequestState.PENDING
    assert (kept.approver_ids, kept.approver_names) == (("id-olga", "id-oscar"), ("Olga", "Oscar"))
    assert (kept.call.requester_id, kept.call.person_id, kept.call.group_id) == (
        "id-emma",
        "id-emma",
        "id-share",
    )
    assert kept.changes == CHANGES
    assert kept.expires - kept.created == LIFETIME
    assert len(kept.digest) == 64
    assert world.requests.waiting_for("id-olga") == [made]
    assert world.requests.waiting_for("id-bo") == []
    assert world.requests.made_by("id-emma") == [made]


@pytest.mark.req("S7")
def test_the_file_is_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    world = World(tmp_path)
    world.ask()
    assert world.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.req("V2")
def test_nobody_is_asked_to_approve_their_own_request(world: World) -> None:
    with pytest.raises(Refused) as caught:
        world.ask(OLGA, OSCAR, OLGA)
    assert caught.value.rule == "no-self-approval"
    assert world.requests.all_pending() == []


def test_a_request_that_nobody_could_approve_is_not_made(world: World) -> None:
    call = world.ask().call
    with pytest.raises(Refused) as caught:
        world.requests.create(call, CHANGES, (), "")
    assert caught.value.rule == "no-approver"


@pytest.mark.req("V1")
def test_one_sealed_call_makes_one_request(world: World) -> None:
    call = world.ask().call
    with pytest.raises(Refused) as caught:
        world.requests.create(call, CHANGES, (OLGA,), "")
    assert caught.value.code == "already-requested"


@pytest.mark.req("V7")
def test_one_person_keeps_an_approver_busy_with_three_requests_at_most(world: World) -> None:
    made = [world.ask(EMMA, OLGA) for _ in range(MAX_PENDING)]
    assert MAX_PENDING <= 3
    for _ in range(20):
        with pytest.raises(Refused) as caught:
            world.ask(EMMA, OSCAR, OLGA)
        assert caught.value.code == "too-many-requests"
    assert len(world.requests.waiting_for(OLGA.id)) == 3
    assert all(request.id in caught.value.message for request in made)
    world.ask(BO, OLGA)  # somebody else is not kept out by it
    world.ask(EMMA, OSCAR)
    world.requests.withdraw(made[0].id, EMMA.id)
    world.ask(EMMA, OLGA)
    world.clock.now += LIFETIME
    assert world.requests.all_pending() == []
    world.ask(EMMA, OLGA)


@pytest.mark.req("V7")
def test_asking_from_many_threads_at_once_makes_no_fourth_request(world: World) -> None:
    world.ask(EMMA, OLGA)
    refused = []

    def ask() -> None:
        try:
            world.another().create(a_call(), CHANGES, (OLGA,), "")
        except Refused as error:
            refused.append(error.code)

    _all_at_once([ask] * 10)
    assert len(world.requests.waiting_for(OLGA.id)) == 3
    assert refused == ["too-many-requests"] * 8


def _all_at_once(acts: list[Callable[[], None]]) -> None:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> None:
        barrier.wait()
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ── deciding once ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V4")
def test_of_40_approvers_who_claim_at_once_one_succeeds(world: World) -> None:
    crowd = tuple(somebody(f"owner{n}") for n in range(40))
    request = world.ask(EMMA, *crowd)
    won, lost = [], []

    def claim(person: Person) -> Callable[[], None]:
        def act() -> None:
            try:
                won.append(world.another().claim(request.id, person.id))
            except Refused as error:
                lost.append(error.code)

        return act

    _all_at_once([claim(person) for person in crowd])
    assert (len(won), lost) == (1, ["already-decided"] * 39)
    assert world.requests.get(request.id).decided_by == won[0].decided_by
    assert world.rows("SELECT count(*) FROM decisions") == [(1,)]


_RACER = """
import sys, threading
from helpdesk.errors import Refused
from tests.unit.requests_world import opened_at
place, id, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
won = []
def claim(n):
    try:
        requests = opened_at(place)
        requests.claim(id, f"id-owner{n}")
        won.append(n)
    except Refused:
        pass
threads = [threading.Thread(target=claim, args=(first + n,)) for n in range(10)]
print("ready", flush=True)
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(won), flush=True)
"""


@pytest.mark.req("V4")
def test_of_40_approvers_in_four_processes_one_succeeds(world: World) -> None:
    request = world.ask(EMMA, *(somebody(f"owner{n}") for n in range(40)))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, world.address, request.id, str(first)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        for first in range(0, 40, 10)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    answers = [racer.communicate("go\n", timeout=60)[0] for racer in racers]
    assert sum(int(answer) for answer in answers) == 1
    assert [racer.returncode for racer in racers] == [0] * 4
    assert world.requests.get(request.id).state is RequestState.CLAIMED


@pytest.mark.req("V1")
def test_only_those_named_may_decide(world: World) -> None:
    request = world.ask()
    for act in (
        lambda: world.requests.claim(request.id, BO.id),
        lambda: world.requests.deny(request.id, BO.id, ""),
        lambda: world.requests.claim(request.id, EMMA.id),
        lambda: world.requests.deny(request.id, EMMA.id, ""),
        lambda: world.requests.claim(request.id, ""),
    ):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.rule in ("not-an-approver", "no-self-approval")
    with pytest.raises(Refused) as caught:
        world.requests.withdraw(request.id, OLGA.id)
    assert caught.value.rule == "not-the-requester"
    assert world.requests.get(request.id).state is RequestState.PENDING


AFTER = {"claim": "claimed", "deny": "denied", "withdraw": "withdrawn", "release": "pending"}
MAY_FOLLOW = {
    "pending": {"claim", "deny", "withdraw"},
    "claimed": {"release", "done", "failed", "unknown"},
    "unknown": {"done", "failed", "unknown"},
}


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("step", STEPS)
def test_every_step_from_every_state(world: World, state: str, step: str) -> None:
    request = world.ask()
    for earlier in WAYS[state]:
        STEPS[earlier](world.requests, request.id)
    if state == "expired":
        world.clock.now += LIFETIME
    assert world.requests.get(request.id).state == state
    if step in MAY_FOLLOW.get(state, ()):
        STEPS[step](world.requests, request.id)
        assert world.requests.get(request.id).state == AFTER.get(step, step)
    else:
        with pytest.raises(Refused) as caught:
            STEPS[step](world.requests, request.id)
        assert caught.value.code == ("expired" if state == "expired" else "already-decided")
        assert request.id in caught.value.message
        assert world.requests.get(request.id).state == state


def test_a_released_request_waits_again_and_can_be_claimed_by_another(world: World) -> None:
    request = world.ask()
    world.requests.claim(request.id, OLGA.id)
    assert [r.id for r in world.requests.claimed()] == [request.id]
    world.requests.release(request.id)
    assert world.requests.claimed() == []
    assert [r.id for r in world.requests.waiting_for(OSCAR.id)] == [request.id]
    assert world.requests.claim(request.id, OSCAR.id).decider == "Oscar"


def test_the_end_keeps_who_decided_why_and_where_the_log_holds_it(world: World) -> None:
    done, denied = world.ask(), world.ask()
    world.requests.claim(done.id, OLGA.id)
    world.requests.finish(done.id, DONE, 42)
    world.requests.deny(denied.id, OSCAR.id, "no budget")
    assert (world.requests.get(done.id).entry, world.requests.get(done.id).decider) == (42, "Olga")
    ended = world.requests.get(denied.id)
    assert (ended.answer, ended.decider, ended.decided_at) == ("no budget", "Oscar", NOW)
    assert world.requests.all_pending() == []


def test_carrying_out_does_not_end_as_pending(world: World) -> None:
    with pytest.raises(ValueError):
        world.requests.finish(world.ask().id, RequestState.PENDING, 1)


# ── time ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V1")
@pytest.mark.parametrize(
    ("moved", "open_still"),
    [
        (timedelta(0), True),
        (LIFETIME - timedelta(seconds=1), True),
        (LIFETIME, False),
        (timedelta(days=365), False),
        (timedelta(seconds=-1), False),
        (timedelta(days=-365), False),
    ],
)
def test_expiry_fails_safe_also_when_the_clock_goes_back(
    world: World, moved: timedelta, open_still: bool
) -> None:
    request = world.ask()
    world.clock.now += moved
    assert (world.requests.get(request.id).state is RequestState.PENDING) is open_still
    assert bool(world.requests.waiting_for(OLGA.id)) is open_still
    if not open_still:
        with pytest.raises(Refused) as caught:
            world.requests.claim(request.id, OLGA.id)
        assert caught.value.code == "expired"


@pytest.mark.req("V1")
def test_a_claim_that_ends_after_the_expiry_is_still_written_down(world: World) -> None:
    request = world.ask()
    world.requests.claim(request.id, OLGA.id)
    world.clock.now += LIFETIME * 2
    world.requests.finish(request.id, DONE, 9)
    assert world.requests.get(request.id).state is DONE
