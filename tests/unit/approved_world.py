"""Three hosts of one company: somebody asks at one, an owner says yes at another, a worker carries out at a third."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.approve import Approvals
from helpdesk.actions.call import Call
from helpdesk.actions.journal import Journal
from helpdesk.actions.runner import Runner
from helpdesk.config import ServiceSettings
from helpdesk.connectors.embedded import NewPerson
from helpdesk.events import Result
from helpdesk.gate.keys import HostKey
from helpdesk.gate.requests import Request, Requests
from helpdesk.gate.seals import Seals
from helpdesk.gate.services import Services
from helpdesk.ports import Interaction, SignedIn
from helpdesk.results import result_from
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec
from helpdesk.workflows.door import DurableDoor
from helpdesk.workflows.fulfil import Fulfil, run_of
from tests.fakes.engine import FakeEngine, Process
from tests.fakes.log import MemoryLog
from tests.fakes.terminal import Person
from tests.unit.approvals_world import as_root
from tests.unit.door_world import World, password_of
from tests.unit.durable_world import Nobody

ACTIONS = ("access.request", "access.grant")
WORKER = "svc-worker"


@dataclass
class Site:
    """One host."""

    name: str
    world: World
    runner: Runner
    seals: Seals
    log: MemoryLog
    approvals: Approvals
    at: Nobody = field(default_factory=Nobody)

    @property
    def requests(self) -> Requests:
        return self.runner.requests


class Company:
    """The hosts a (where people ask), b (where owners decide) and worker; the store and the directory are everybody's.

    Args:
        actions: what the worker declares. plugins, policy: see :class:`World`.
    """

    def __init__(self, folder: Path, *, actions: Sequence[str] = ACTIONS, **more: Any) -> None:
        self.folder = folder
        self.world = World(folder, **more)
        self.engine = FakeEngine(cast(Any, self.world.clock))
        self.actions = tuple(actions)
        self.world.embedded.admin.add_person(NewPerson(WORKER, "The Worker", Secret(password_of(WORKER))))
        as_root(
            self.world,
            "INSERT INTO team_owner (team, person) SELECT team.id, person.id FROM team, person "
            "WHERE team.name = 'finance-share' AND person.login = ?",
            WORKER,
        )
        self.keys = {
            name: HostKey.load_or_create(folder / f"keys-{name}") for name in ("a", "b", "worker", "x")
        }
        self.a, self.b, self.worker = (self.site(name) for name in ("a", "b", "worker"))

    def site(self, name: str, trusted: Sequence[str] = ("a", "b", "worker")) -> Site:
        world = self.world
        seals = Seals(self.keys[name], [self.keys[one].public for one in trusted])
        log = MemoryLog()
        services = Services({"worker": ServiceSettings("worker", WORKER, self.actions)})
        runner = replace(
            world.runner,
            journal=Journal(cast(Any, log)),
            requests=Requests(self.folder, world.clock, seals),
            authorise=replace(world.runner.authorise, services=services),
            shared=True,
        )
        return Site(name, world, runner, seals, log, Approvals(runner, seals.host, Hands(self)))

    # ── what happens where ────────────────────────────────────────────────────────────────────

    def ask(self, login: str = "emma", group: str = "finance-share", **arguments: Any) -> Request:
        call = Call("access.request", {"group": group, "reason": "quarter close", **arguments})
        result = asyncio.run(self.a.runner.run(call, self.world.signed_in(login), cast(Any, Person())))
        assert result.request, result
        return self.a.requests.get(result.request)

    def approve(
        self, id: str, login: str = "olga", at: Person | None = None, site: Site | None = None, **more: Any
    ) -> Result:
        who = self.world.sign_in(login)
        approvals = (site or self.b).approvals
        return asyncio.run(approvals.approve(id, who, cast(Any, at or self.world.person(login)), **more))

    def process(self, site: Site | None = None) -> Process:
        """A worker's process on a host."""
        host = site or self.worker

        async def acting() -> SignedIn:
            return self.world.signed_in(WORKER)

        door = DurableDoor(host.runner, acting, cast(Any, host.at), patience=0.0)
        return self.engine.process({"request": Fulfil(host.runner, door, pauses=(60.0, 600.0))})

    def work(self) -> None:
        self.process().work()

    def result(self, id: str) -> Result:
        status = self.engine.status(id)
        assert status.result is not None, status
        return result_from(status.result)

    @property
    def writes(self) -> list[str]:
        return list(self.world.done)


@dataclass
class Hands:
    """The worker as an approver's program reaches it: it asks for the run, and nobody waits."""

    company: Company
    breaks: Exception | None = None

    def takes(self, spec: ActionSpec) -> bool:
        return spec.name in self.company.actions

    def start(self, request: Request) -> None:
        if self.breaks is not None:
            raise self.breaks
        self.company.engine.start(run_of(request))

    async def follow(self, request: Request, interaction: Interaction) -> Result | None:
        return None
