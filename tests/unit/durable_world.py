"""Hosts with the real door, one directory, and an engine in memory that kills them where a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.call import Call
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.journal import Journal
from helpdesk.engine import Document, Durably, Handler, Run
from helpdesk.events import Event, Progress
from helpdesk.ports import SignedIn
from helpdesk.results import result_document
from helpdesk.workflows.door import DurableDoor
from tests.fakes.engine import FakeEngine, Killed, Process
from tests.fakes.log import MemoryLog
from tests.fakes.terminal import Person
from tests.unit.door_world import World


@dataclass
class Nobody(Person):
    """Where a worker tells things; it dies in the middle of a phase when it is told to.

    Attributes:
        dies: a phase ("execute": the intent is logged; "verify": the effect is there).
    """

    dies: str = ""

    def emit(self, event: Event) -> None:
        if self.dies and isinstance(event, Progress) and event.phase == self.dies:
            self.dies = ""
            raise Killed
        super().emit(event)


@dataclass
class Host:
    """A machine with a worker and a log of its own; the directory is everybody's."""

    world: World
    by: str = "olga"
    patience: float = 0.0
    log: MemoryLog = field(default_factory=MemoryLog)
    at: Nobody = field(default_factory=Nobody)

    @property
    def runner(self) -> Any:
        return replace(self.world.runner, journal=Journal(cast(Any, self.log)))

    async def acting(self) -> SignedIn:
        return self.world.signed_in(self.by)

    @property
    def door(self) -> DurableDoor:
        return DurableDoor(self.runner, self.acting, cast(Any, self.at), patience=self.patience)

    def handler(self, seen: Callable[[], object] | None = None) -> Handler:
        """Grants one person one group, as the run's document says."""

        async def grant(durably: Durably, document: Document) -> Document:
            runner = self.runner

            async def look(signed_in: SignedIn) -> Agreed:
                if seen is not None:
                    seen()
                call = Call("access.grant", document, key=f"{durably.id}:grant")
                ahead = await runner.look_ahead(call, signed_in, self.at)
                return Agreed(ahead.prepared, ahead.preview, signed_in, "approval", rule=ahead.decision.rule)

            return result_document(await self.door(durably, "grant", look, action="access.grant"))

        return grant


def started(engine: FakeEngine, id: str = "W-1", person: str = "bo") -> Run:
    run = Run(id, "grant", {"person": person, "group": "finance-share"})
    engine.start(run)
    return run


def process(engine: FakeEngine, host: Host, seen: Callable[[], object] | None = None) -> Process:
    return engine.process({"grant": host.handler(seen)})


def world(folder: Path) -> World:
    return World(folder)
