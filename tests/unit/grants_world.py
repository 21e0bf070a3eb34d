"""A company whose access ends by itself: the real door, an engine in memory, and a worker with least rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.ending import Ending
from helpdesk.actions.grant import Named
from helpdesk.app.granting import may_take
from helpdesk.config import ServiceSettings
from helpdesk.connectors.embedded import NewGroup, NewPerson
from helpdesk.errors import Unreachable
from helpdesk.gate.keys import HostKey
from helpdesk.gate.seals import Seals
from helpdesk.gate.services import Services
from helpdesk.ports import SignedIn
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec
from helpdesk.workflows.door import DurableDoor
from helpdesk.workflows.expiry import Expiry, Gate
from helpdesk.workflows.expiry_watch import Watch
from helpdesk.workflows.grants import KIND, Grants, Kept
from tests.fakes.engine import FakeEngine, Process
from tests.unit.door_world import World, password_of
from tests.unit.durable_world import Nobody

WORKER = "svc-worker"


@dataclass
class Reached:
    """The worker's way into the directory, which a test can close."""

    world: World
    away: bool = False
    tries: int = 0

    async def __call__(self) -> SignedIn:
        self.tries += 1
        if self.away:
            raise Unreachable("The directory gave no answer.")
        return self.world.signed_in(WORKER)


class Steps:
    """The world's clock, for the engine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self) -> datetime:
        return self._world.clock.now

    def advance(self, **by: float) -> None:
        self._world.clock.advance(**by)


class Access(World):
    """The company, an engine, and a worker that may do what ``actions`` say; without an engine where asked for."""

    def __init__(
        self, folder: Path, *, worker: bool = True, actions: tuple[str, ...] = ("access.revoke",)
    ) -> None:
        super().__init__(folder)
        admin = self.embedded.admin
        admin.add_person(NewPerson(WORKER, "Helpdesk worker", Secret(password_of(WORKER))))
        admin.add_group(NewGroup("workers", members=(WORKER,)))
        admin.set_staffing_group("workers")
        self.services = Services({"worker": ServiceSettings("worker", WORKER, actions)})
        key = HostKey.load_or_create(folder / "keys")
        self.seals = Seals(key)
        self.engine = FakeEngine(cast(Any, Steps(self)))
        self.grants = Grants(self.engine, self.seals, self.clock, self._may_take)
        authorise = self.runner.authorise
        object.__setattr__(authorise, "services", self.services)
        self.runner.systems.ending = Ending(
            self.runner.systems,
            self.catalog,
            self.grants if worker else None,
            log=lambda: self.seals.host,
            decider=lambda id: self.requests.get(id).decided_by,
        )
        self.reached = Reached(self)
        self.nobody = Nobody()
        self.told: list[str] = []
        self.worker: Process | None = None
        self.watching = Watch(self.grants, self.clock)

    def _may_take(self, spec: ActionSpec, groups: Collection[Named]) -> None:
        may_take(self.services.declared["worker"], spec, groups)

    def expiry(self) -> Expiry:
        """The handler of a worker."""
        return Expiry(
            self.runner,
            self.grants,
            DurableDoor(self.runner, self.reached, cast(Any, self.nobody), patience=0.0),
            Gate(self.reached, every=0.0),
            self.clock,
            notice=lambda grant, why: self.told.append(f"{grant.id}: {why}"),
        )

    def process(self) -> Process:
        """A new worker process."""
        return self.engine.process({KIND: self.expiry()})

    def later(self, **by: float) -> None:
        """Time passes, and the worker takes up what is due; one that died is followed by another."""
        self.clock.advance(**by)
        if self.worker is None or self.worker.dead:
            self.worker = self.process()
        self.worker.work()

    def one(self) -> Kept:
        (kept,) = self.grants.all(ended=True)
        return kept

    def logged(self, kind: str = "outcome") -> Mapping[str, Any]:
        """The newest entry of a kind."""
        found: Mapping[str, Any] = self.log.of(kind)[-1].body
        return found
