"""Changes have limits: by person, by target, by machine, and more narrowly where the risk is high."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.guard import Guard
from helpdesk.config import LimitSettings, ServiceSettings
from helpdesk.errors import Failed, Refused
from helpdesk.events import Outcome
from helpdesk.gate.counters import Counters
from helpdesk.gate.limits import Limits, Write
from helpdesk.gate.services import Services
from helpdesk.text import local_time
from tests.unit.door_world import Clock, World

WIDE = 1000


def settings(**limits: int) -> LimitSettings:
    """Wide open, except for what is given."""
    names = [
        f"{kind}_per_{what}" for kind in ("changes", "high_risk") for what in ("actor", "target", "machine")
    ]
    return LimitSettings(**{**dict.fromkeys(names, WIDE), **limits})


def limits(folder: Path, clock: Clock, **narrow: int) -> Limits:
    return Limits(Counters(folder / "limits.db", clock), settings(**narrow), clock)


def write(actor: str = "ann", target: str = "bo", *, high: bool = False, **more: Any) -> Write:
    return Write(actor, target, target, high, **more)


def took(counted: Limits, one: Write) -> str:
    """The rule that refused it, or ""."""
    try:
        counted.take(one)
    except Refused as error:
        return error.rule if error.code == "rate-limited" else error.code
    return ""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.req("R9")
@pytest.mark.parametrize(
    ("name", "the_same", "another"),
    [
        ("changes_per_actor", write("ann", "cy"), write("bea", "bo")),
        ("changes_per_target", write("bea", "bo"), write("ann", "cy")),
        ("high_risk_per_actor", write("ann", "cy", high=True), write("ann", "bo")),
        ("high_risk_per_target", write("bea", "bo", high=True), write("bea", "bo")),
        ("high_risk_per_machine", write("bea", "cy", high=True), write("ann", "bo")),
    ],
)
def test_each_limit_counts_its_own_and_nothing_else(
    tmp_path: Path, clock: Clock, name: str, the_same: Write, another: Write
) -> None:
    counted = limits(tmp_path, clock, **{name: 2})
    high = name.startswith("high")
    assert [took(counted, write(high=high)) for _ in range(2)] == ["", ""]
    assert took(counted, the_same) == f"limits.{name}"
    assert took(counted, another) == ""


@pytest.mark.req("R9")
def test_the_machine_counts_everybody(tmp_path: Path, clock: Clock) -> None:
    counted = limits(tmp_path, clock, changes_per_machine=3)
    assert [took(counted, write(f"actor {n}", f"target {n}")) for n in range(4)] == [
        *[""] * 3,
        "limits.changes_per_machine",
    ]
    assert counted.counted() == 3  # what was refused is not counted


@pytest.mark.req("R9")
def test_a_service_has_a_limit_of_its_own(tmp_path: Path, clock: Clock) -> None:
    counted = limits(tmp_path, clock)
    nightly = {"service": "nightly", "per_hour": 2}
    assert [took(counted, write("svc", f"t{n}", **nightly)) for n in range(3)] == [
        "",
        "",
        "services.nightly.per_hour",
    ]
    assert took(counted, write("ann", "t1")) == ""


@pytest.mark.req("R9")
def test_the_hour_slides_and_the_sentence_says_when_there_is_room(tmp_path: Path, clock: Clock) -> None:
    counted = limits(tmp_path, clock, changes_per_actor=2)
    counted.take(write())
    clock.advance(minutes=40)
    counted.take(write())
    with pytest.raises(Refused) as caught:
        counted.take(write())
    free = clock.now.replace(hour=10, minute=0)
    assert caught.value.message == (
        "You changed something 2 times within an hour, the most that [limits] changes_per_actor allows: "
        f"again after {local_time(free, clock.now)}."
    )
    assert (caught.value.exit, caught.value.rule) == (3, "limits.changes_per_actor")
    with pytest.raises(Refused):
        counted.check(write())
    clock.advance(minutes=20)
    counted.check(write())
    counted.take(write())  # the first one is an hour old
    assert took(counted, write()) == "limits.changes_per_actor"


def test_looking_whether_there_is_room_takes_none(tmp_path: Path, clock: Clock) -> None:
    counted = limits(tmp_path, clock, changes_per_actor=1)
    for _ in range(3):
        counted.check(write())
    assert took(counted, write()) == ""


@pytest.mark.req("R9", "R5")
def test_a_clock_put_back_gives_no_room_and_takes_none_for_longer_than_an_hour(
    tmp_path: Path, clock: Clock
) -> None:
    counted = limits(tmp_path, clock, changes_per_actor=1)
    clock.advance(days=365)
    counted.take(write())
    clock.advance(days=-365)
    assert took(counted, write()) == "limits.changes_per_actor"
    clock.advance(minutes=60)
    assert took(counted, write()) == ""


@pytest.mark.req("R9")
def test_many_at_once_are_not_one_too_many(tmp_path: Path, clock: Clock) -> None:
    counted = [limits(tmp_path, clock, changes_per_target=5) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda n: took(counted[n % 4], write(f"actor {n}")), range(20)))
    assert taken.count("") == 5


def test_what_is_counted_outlives_the_program(tmp_path: Path, clock: Clock) -> None:
    limits(tmp_path, clock, changes_per_actor=1).take(write())
    assert took(limits(tmp_path, clock, changes_per_actor=1), write()) == "limits.changes_per_actor"


# ── at the door ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.embedded.close()


def guarded(world: World, folder: Path, services: Services | None = None, **narrow: int) -> None:
    world.runner.guard = Guard(services or Services(), limits(folder, world.clock, **narrow))


@pytest.mark.req("R9", "A1")
def test_a_limit_stops_a_call_before_anybody_is_asked_and_is_logged(world: World, tmp_path: Path) -> None:
    guarded(world, tmp_path, changes_per_target=1)
    for login in ("emma", "bo"):
        world.lock(login)
    assert world.do("dana", "password.unlock", person="emma").outcome is Outcome.DONE
    world.lock("emma")
    person = world.person("dave")
    result = world.do("dave", "password.unlock", at=person, person="emma")
    assert (result.outcome, result.rule) == (Outcome.REFUSED, "limits.changes_per_target")
    assert result.error is not None
    assert result.error.code == "rate-limited"
    assert "emma was changed once within an hour" in result.message
    assert person.confirmations == []
    assert world.status("emma").locked
    refused = world.log.kept[-1]
    assert (refused.kind, refused.body["rule"]) == ("refusal", "limits.changes_per_target")
    assert world.do("dave", "password.unlock", person="bo").outcome is Outcome.DONE


@pytest.mark.req("R9")
def test_risk_is_that_of_the_action(world: World, tmp_path: Path) -> None:
    guarded(world, tmp_path, high_risk_per_actor=1)
    assert world.do("dana", "password.reset", person="emma").outcome is Outcome.DONE
    assert world.do("dana", "password.reset", person="bo").rule == "limits.high_risk_per_actor"
    world.lock("mia")
    assert world.do("dana", "password.unlock", person="mia").outcome is Outcome.DONE


@pytest.mark.req("R9")
def test_previews_and_reads_and_what_changes_nothing_take_no_room(world: World, tmp_path: Path) -> None:
    guarded(world, tmp_path, changes_per_actor=1)
    world.lock("emma")
    for _ in range(3):
        assert world.do("dana", "password.unlock", person="emma", dry_run=True).outcome is Outcome.PREVIEWED
        assert world.do("dana", "people.find", words="emma").outcome is Outcome.DONE
        assert world.do("dana", "password.unlock", person="mia").outcome is Outcome.DONE  # is not locked
    assert world.do("dana", "password.unlock", person="emma").outcome is Outcome.DONE
    assert world.runner.guard.limits is not None
    assert world.runner.guard.limits.counted() == 1


@pytest.mark.req("R9", "V4")
def test_an_approval_is_held_by_the_approvers_limit_and_still_waits(world: World, tmp_path: Path) -> None:
    id = world.request()
    guarded(world, tmp_path, changes_per_actor=1)
    assert world.do("olga", "people.update", phone="123").outcome is Outcome.DONE
    result = world.approve("olga", id)
    assert result.rule == "limits.changes_per_actor"
    assert not world.is_member("emma")
    world.clock.advance(hours=1)
    assert world.approve("olga", id).outcome is Outcome.DONE
    assert world.is_member("emma")


@pytest.mark.req("R9", "R1")
def test_what_cannot_be_counted_does_not_happen(world: World, tmp_path: Path) -> None:
    guarded(world, tmp_path)
    (tmp_path / "limits.db").write_bytes(b"no database at all, whatever it is called" * 100)
    (tmp_path / "limits.db").chmod(0o600)
    world.lock("emma")
    result = world.do("dana", "password.unlock", person="emma")
    assert result.error is not None
    assert (result.outcome, result.error.code) == (Outcome.FAILED, "limits-unavailable")
    assert world.status("emma").locked


def test_a_file_of_another_version_is_not_counted_in(tmp_path: Path, clock: Clock) -> None:
    import sqlite3

    limits(tmp_path, clock).take(write())
    with sqlite3.connect(tmp_path / "limits.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(Failed, match="another version"):
        limits(tmp_path, clock).take(write())


@pytest.mark.req("R9")
def test_the_limit_of_a_service_holds_at_the_door(world: World, tmp_path: Path) -> None:
    nightly = ServiceSettings("nightly", "dave", ("password.unlock",), per_hour=1, interactive=True)
    guarded(world, tmp_path, Services({"nightly": nightly}))
    for login in ("emma", "bo"):
        world.lock(login)
    assert world.do("dave", "password.unlock", person="emma").outcome is Outcome.DONE
    assert world.do("dave", "password.unlock", person="bo").rule == "services.nightly.per_hour"
    assert world.do("dana", "password.unlock", person="bo").outcome is Outcome.DONE
