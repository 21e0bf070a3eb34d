"""A company with a worker: real plugins, workflow files, the real door, and an engine that dies where a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.approve import Approvals
from helpdesk.actions.catalog import Catalog, PluginInfo, build
from helpdesk.actions.schema import spec_of
from helpdesk.config import ServiceSettings
from helpdesk.connectors.embedded import NewPerson
from helpdesk.connectors.mail import Outbox
from helpdesk.errors import Failed, Unreachable
from helpdesk.events import Result
from helpdesk.gate.keys import HostKey
from helpdesk.gate.requests import Request, Requests
from helpdesk.gate.seals import Seals
from helpdesk.gate.services import Services
from helpdesk.plugin import Change, Context, Observation, Opposite, Plugin, Preview, ReadContext, Risk
from helpdesk.ports import SignedIn
from helpdesk.secrets import Secret
from helpdesk.workflows.door import DurableDoor
from helpdesk.workflows.fulfil import Fulfil, run_of
from helpdesk.workflows.interpreter import Interpreter
from helpdesk.workflows.plan import run_id
from helpdesk.workflows.processes import KIND, FileProcesses
from tests.fakes.engine import FakeEngine, Moving, Process
from tests.fakes.terminal import Person as AtTerminal
from tests.unit.approvals_world import as_root
from tests.unit.door_world import NOW, World, catalog, password_of


class Lamps:
    """A system of record that breaks where a test says.

    Attributes:
        lit: the lamps that are on. broken: what happens when one is switched. done: every switch that took effect.
    """

    def __init__(self) -> None:
        self.lit: set[str] = set()
        self.broken: dict[str, Callable[[], object]] = {}
        self.done: list[str] = []
        self.dark = False
        self.plugin = Plugin("lamp", version="7")
        self._define()

    def _define(self) -> None:
        plugin = self.plugin

        def word(lamp: str) -> str:
            return "on" if lamp in self.lit else "off"

        def preview(lamp: str, to: str) -> Preview:
            if word(lamp) == to:
                return Preview(f"{lamp} is {to} already.")
            return Preview(f"Switch {lamp} {to}.", (Change("lamps", lamp, "light", word(lamp), to),))

        def seen(lamp: str, to: str) -> list[Observation]:
            if self.dark:
                raise Unreachable("The lamps give no answer.")
            return [Observation("lamps", lamp, "light", to, word(lamp))]

        def switch(lamp: str, to: str) -> str:
            broken = self.broken.get(f"{to} {lamp}") or self.broken.get(lamp)
            if broken is not None:
                broken()
            (self.lit.add if to == "on" else self.lit.discard)(lamp)
            self.done.append(f"{to} {lamp}")
            return f"{lamp} is {to}."

        @plugin.action(risk=Risk.LOW, about="desk", allow="anyone")
        async def on(ctx: Context, lamp: str) -> str:
            """Switch a lamp on."""
            return switch(lamp, "on")

        @plugin.action(risk=Risk.LOW, about="desk", allow="anyone")
        async def off(ctx: Context, lamp: str) -> str:
            """Switch a lamp off."""
            return switch(lamp, "off")

        @plugin.action(risk=Risk.LOW, about="desk", allow="anyone", no_undo="fuses burn once")
        async def fuse(ctx: Context, lamp: str) -> str:
            """Light a lamp for ever."""
            return switch(lamp, "on")

        for action, to in ((on, "on"), (off, "off"), (fuse, "on")):
            action.preview(_companion(preview, to))
            action.verify(_companion(seen, to))
        on.undo(_opposite("lamp.off"))
        off.undo(_opposite("lamp.on"))


def _companion(function: Callable[[str, str], Any], to: str) -> Any:
    async def companion(ctx: ReadContext, lamp: str) -> Any:
        return function(lamp, to)

    return companion


def _opposite(name: str) -> Any:
    async def opposite(ctx: ReadContext, lamp: str) -> Opposite:
        return Opposite(name, {"lamp": lamp})

    return opposite


def fails(message: str = "The bulb is broken.") -> Callable[[], object]:
    def now() -> None:
        raise Failed(message)

    return now


def times(count: int, then: Callable[[], object]) -> Callable[[], object]:
    """So many times it breaks, and then no more."""
    left = [count]

    def now() -> None:
        if left[0] > 0:
            left[0] -= 1
            then()

    return now


class Flows(World):
    """One machine with a worker that signs in as dave of the service desk.

    Args:
        folder: empty. files: workflow files by name.
    """

    def __init__(self, folder: Path, **files: str) -> None:
        self.lamps = Lamps()
        self.files = folder / "workflows"
        self.files.mkdir(mode=0o700)
        for name, text in files.items():
            (self.files / f"{name}.yaml").write_text(text)
        self.engine = FakeEngine(Moving(NOW))
        self.has_worker = True
        self.processes = FileProcesses(lambda: cast(Any, self.engine) if self.has_worker else None, waits=0.0)
        super().__init__(folder, plugins=self._catalog())
        self.clock.now = NOW
        self.worker = self.process()

    def _catalog(self) -> Catalog:
        shipped = self._shipped()
        lamp, made = self.lamps.plugin, Plugin("made", workflows=self.files)
        specs = [*shipped.specs, *(spec_of(lamp, action) for action in lamp.actions.values())]
        more, wrong = self.processes.specs(made, specs)
        assert not wrong, wrong
        infos = tuple(PluginInfo(one.name, "made in a test", "test", one.version) for one in (lamp, made))
        return Catalog(
            (*specs, *more),
            (*shipped.plugins, *infos),
            shipped.problems,
            {"lamp": lamp, "made": made},
            processes=self.processes,
        )

    def _shipped(self) -> Catalog:
        return catalog()

    # ── the worker ────────────────────────────────────────────────────────────────────────────

    def process(self) -> Process:
        handler = Interpreter(self.runner, self._acting, cast(Any, AtTerminal()), patience=0.0)
        return self.engine.process({KIND: handler})

    async def _acting(self) -> SignedIn:
        signed_in = self._signed_in.get("worker")
        if signed_in is None:
            signed_in = await asyncio.to_thread(self.sign_in, "dave")
            self._signed_in["worker"] = signed_in
        return signed_in

    def work(self) -> None:
        """The worker works until nothing goes on; a new process follows each one that died."""
        self.worker.work()
        while self.worker.dead:
            self.worker = self.process()
            self.worker.work()

    def later(self, **span: float) -> None:
        self.engine.clock.advance(**span)
        self.clock.advance(**span)
        self.work()

    # ── what people do ────────────────────────────────────────────────────────────────────────

    def ask(self, login: str, workflow: str, /, *, key: str = "", **arguments: Any) -> tuple[Result, str]:
        """Run a workflow to where it goes by itself; how the command ended, and the run's id."""
        key = key or f"{workflow}-{login}"
        result = self.do(login, workflow, key=key, **arguments)
        return result, run_id(key)

    def run(self, login: str, workflow: str, /, *, key: str = "", **arguments: Any) -> dict[str, Any]:
        """Run a workflow to its end; its receipt of the whole."""
        result, id = self.ask(login, workflow, key=key, **arguments)
        assert result.outcome.value == "accepted", result
        self.work()
        return self.ended(id)

    def ended(self, id: str) -> dict[str, Any]:
        status = self.engine.status(id)
        assert status.result is not None, status
        return status.result

    def states(self, id: str) -> dict[str, str]:
        return {step["path"]: step["state"] for step in self.ended(id)["steps"]}


WORKER = "svc-worker"


class Staffed(Flows):
    """A company whose worker has an identity of its own, where approvals are signed and mail is kept in an outbox."""

    def __init__(self, folder: Path, **files: str) -> None:
        super().__init__(folder, **files)
        self.embedded.admin.add_person(NewPerson(WORKER, "The Worker", Secret(password_of(WORKER))))
        as_root(
            self,
            "INSERT INTO team_member (team, person) SELECT team.id, person.id FROM team, person "
            "WHERE team.name = 'service-desk' AND person.login = ?",
            WORKER,
        )
        self.embedded.admin.set_staffing_group("service-desk")
        host = HostKey.load_or_create(folder / "keys")
        self.seals = Seals(host, [host.public])
        self.outbox = Outbox(folder / "outbox.db", self.clock)
        self.runner.systems.mail = self.outbox
        names = tuple(spec.name for spec in self.catalog.specs)
        services = Services({"worker": ServiceSettings("worker", WORKER, names)})
        self.requests = Requests(folder, self.clock, self.seals)
        self.runner = replace(
            self.runner,
            requests=self.requests,
            authorise=replace(self.runner.authorise, services=services),
        )
        self.approvals = Approvals(self.runner, self.seals.host, _Hands(self))
        self.worker = self.process()

    def _shipped(self) -> Catalog:
        return build(processes=self.processes)[0]

    def process(self) -> Process:
        there = cast(Any, AtTerminal())
        door = DurableDoor(self.runner, self._acting, there, patience=0.0)
        handlers: dict[str, Any] = {
            KIND: Interpreter(self.runner, self._acting, there, patience=0.0),
            "request": Fulfil(self.runner, door, pauses=(60.0, 600.0)),
        }
        return self.engine.process(handlers)

    async def _acting(self) -> SignedIn:
        signed_in = self._signed_in.get(WORKER)
        return signed_in if signed_in is not None else await asyncio.to_thread(self.sign_in, WORKER)


class _Hands:
    """The worker as an approver's program reaches it; nobody waits for it."""

    def __init__(self, flows: Staffed) -> None:
        self.flows = flows

    def takes(self, spec: Any) -> bool:
        return True

    def start(self, request: Request) -> None:
        self.flows.engine.start(run_of(request))

    async def follow(self, request: Request, interaction: Any) -> Result | None:
        return None
