"""A company on slapd with a worker, tickets and an outbox, whose worker dies at the step that a test names."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.call import Call
from helpdesk.connectors.mail import Outbox
from helpdesk.events import Outcome, Result
from helpdesk.secrets import Secret
from helpdesk.workflows.plan import run_id
from helpdesk.workflows.runs import RunView, view
from tests.fakes.terminal import Person
from tests.integration.engine_world import alive, until
from tests.integration.grants_site import OWNER, Site, password_of
from tests.servers.slapd import Slapd

_ACTIONS = (
    "people.onboard", "people.offboard", "people.create", "people.archive", "people.alias", "account.disable",
    "access.grant", "access.revoke", "access.list", "access.hand-over", "ticket.open", "mail.send",
)  # fmt: skip


class FlowSite(Site):
    """Olga owns the group and is of the service desk; the worker may keep the directory's entries."""

    def __init__(self, folder: Path, server: Slapd, people: list[str]) -> None:
        self.kill_at = ""
        super().__init__(folder, server, people)

    def _configuration(self, database: Any) -> str:
        desk = f"desk-{self.tag}"
        self.server.add_group(desk, owner=self.dns[OWNER], members=[self.dns[OWNER]])
        text = super()._configuration(database)
        actions = ", ".join(f'"{name}"' for name in _ACTIONS)
        return (
            text.replace('actions = ["access.revoke"]', f"actions = [{actions}]")
            + f'\n[roles]\nhelpdesk = ["{desk}"]\n[mail]\nkind = "embedded"\n'
        )

    # ── a worker that dies ────────────────────────────────────────────────────────────────────

    def dying_worker(self, step: str) -> int:
        """A worker that is killed after this step's effect, before its result is kept; its process id."""
        self.kill_at = step
        try:
            return self.worker()
        finally:
            self.kill_at = ""

    def _serve(self, ready: Path) -> None:
        if self.kill_at:
            _die_at(self.kill_at)
        super()._serve(ready)

    def dead(self, pid: int) -> None:
        """Wait for it to die, and take it off the list."""
        until(lambda: not alive(pid))
        self.pids.remove(pid)

    # ── workflows ─────────────────────────────────────────────────────────────────────────────

    def start(self, workflow: str, key: str, **arguments: Any) -> str:
        """Ask for a workflow; its run's id."""
        at = cast(Any, Person(password=password_of(OWNER)))

        async def work() -> Result:
            signed_in = await self.desk.signed_in(
                at, login=self.login(OWNER), password=Secret(password_of(OWNER))
            )
            return await self.desk.run(Call(workflow, arguments, key=key), signed_in, at)

        result = asyncio.run(work())
        assert result.outcome in (Outcome.ACCEPTED, Outcome.DONE), result
        return run_id(key)

    def run_view(self, run: str) -> RunView:
        engine = self.desk.engine
        assert engine is not None
        return view(engine.status(run))

    def ended(self, run: str) -> RunView:
        return cast(RunView, until(lambda: found if (found := self.run_view(run)).over else None, 60.0))

    @property
    def letters(self) -> list[tuple[str, str]]:
        mail = self.desk.mail
        assert isinstance(mail, Outbox)
        return [(letter.to, letter.subject) for letter in mail.letters()]

    def effects(self, action: str, target: str) -> list[str]:
        """How the log says that calls of an action about somebody ended."""
        entries = self.desk.audit.entries(limit=100_000, kinds=("outcome",))
        return [
            str(one.body["outcome"])
            for one in entries
            if one.body["action"] == action and target in str(one.personal.get("arguments"))
        ]


def _die_at(name: str) -> None:
    """In a worker's process: kill -9 of itself once this step has had its effect, and before that is kept."""
    from helpdesk.connectors.durable.durably import DbosDurably

    real = DbosDurably.step

    async def step(self: Any, called: str, work: Any) -> Any:
        async def dies() -> Any:
            await work()
            os.kill(os.getpid(), signal.SIGKILL)

        return await real(self, called, dies if called == name else work)

    DbosDurably.step = step  # type: ignore[method-assign]


@contextmanager
def flow_site(folder: Path, server: Slapd, people: list[str]) -> Iterator[FlowSite]:
    made = FlowSite(folder, server, people)
    try:
        yield made
    finally:
        made.close()
