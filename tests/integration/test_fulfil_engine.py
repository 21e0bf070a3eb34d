"""Approved requests on the real engine: workers that are killed in the middle of an effect, and the effect once (R2, V4)."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.journal import Journal
from helpdesk.engine import Document, Durably, Handler
from helpdesk.events import Event, Outcome, Progress
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.requests import RequestState
from helpdesk.ports import SignedIn
from helpdesk.results import result_from
from helpdesk.workflows.door import DurableDoor
from helpdesk.workflows.fulfil import Fulfil, run_of
from tests.integration.engine_world import World, postgres_place_of, sqlite_place
from tests.unit.approved_world import WORKER, Company, Site
from tests.unit.durable_world import Nobody

FAULTS = int(os.environ.get("HELPDESK_TEST_FAULTS", "0"))
EVERYDAY = ["execute", "verify"]
EVERYWHERE = ["preview", "execute", "verify", "finish"]


@dataclass
class Mortal(Nobody):
    """Where a worker tells things; its process dies where the file says, once at each place, by SIGKILL."""

    plan: Path = Path()

    def emit(self, event: Event) -> None:
        if isinstance(event, Progress):
            die(self.plan, event.phase)


def die(plan: Path, place: str) -> None:
    left = json.loads(plan.read_text())
    if left and left[0] == place:
        plan.write_text(json.dumps(left[1:]))
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        place = sqlite_place(tmp_path)
    else:
        place = postgres_place_of(request.getfixturevalue("postgres_place"))
    made = World(place, tmp_path)
    yield made
    made.close()


def handler(world: World, company: Company, name: str) -> Handler:
    """What a worker on a host does; everything it uses is opened in the worker's own process."""
    made: list[Fulfil] = []

    def host() -> Fulfil:
        site: Site = company.site(name)
        company.world.watch.on_write = lambda write: world.effect(f"{write.by} {write.what} {write.target}")
        log = AuditLog(company.folder / f"log-{name}", company.world.clock, lambda: company.keys[name])
        runner = replace(site.runner, journal=Journal(log))
        finish = runner.requests.finish

        def finished(*args: Any, **more: Any) -> None:
            finish(*args, **more)
            die(world.folder / "deaths", "finish")

        cast(Any, runner.requests).finish = finished
        signed_in: list[SignedIn] = []

        async def acting() -> SignedIn:
            if not signed_in:
                signed_in.append(company.world.sign_in(WORKER))
            return signed_in[0]

        at = Mortal(plan=world.folder / "deaths")
        return Fulfil(runner, DurableDoor(runner, acting, cast(Any, at)))

    async def fulfil(durably: Durably, document: Document) -> Document:
        if not made:
            made.append(host())
        return await made[0](durably, document)

    return fulfil


@pytest.mark.req("R2")
@pytest.mark.req("V4")
def test_workers_killed_in_the_middle_of_an_approved_request_carry_it_out_once(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "company"
    folder.mkdir(mode=0o700)
    company = Company(folder)
    deaths = EVERYWHERE if FAULTS else EVERYDAY
    (world.folder / "deaths").write_text(json.dumps(deaths))
    asked = company.ask()
    assert company.approve(asked.id).outcome is Outcome.ACCEPTED
    world.engine.start(run_of(company.b.requests.get(asked.id)))
    company.world.embedded.close()  # no connection crosses a fork
    names = ["worker", "b"] if world.place.postgres else ["worker"]  # on Postgres another host takes it over
    for number in range(len(deaths)):
        dying = world.worker({"request": handler(world, company, names[number % len(names)])})
        assert os.WIFSIGNALED(world.gone(dying))
    world.worker({"request": handler(world, company, names[len(deaths) % len(names)])})
    status = world.ended(asked.id)
    assert status.result is not None, status
    assert result_from(status.result).outcome is Outcome.DONE
    assert company.world.is_member("emma")
    assert world.effects == [f"{WORKER} add_member finance-share"]
    assert company.a.requests.get(asked.id).state is RequestState.DONE


@pytest.mark.req("V1")
def test_a_run_that_somebody_wrote_for_a_request_nobody_approved_does_nothing(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "company"
    folder.mkdir(mode=0o700)
    company = Company(folder)
    (world.folder / "deaths").write_text("[]")
    asked = company.ask()
    world.engine.start(run_of(asked))
    company.world.embedded.close()  # no connection crosses a fork
    world.worker({"request": handler(world, company, "worker")})
    status = world.ended(asked.id)
    assert status.result is not None, status
    assert result_from(status.result).outcome is Outcome.REFUSED
    assert world.effects == []
    assert company.a.requests.get(asked.id).state is RequestState.PENDING
