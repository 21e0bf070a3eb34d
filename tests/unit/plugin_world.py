"""The shipped plugins behind the real door: catalog, shipped policy, audit log, requests, runner.

Only the directory and the person are stand-ins; the ticket queue is the embedded one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.approve import Approvals
from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.carry_out import Timing
from helpdesk.actions.catalog import Catalog, build
from helpdesk.actions.context import Systems
from helpdesk.actions.journal import Journal
from helpdesk.actions.reconcile import Reconciler
from helpdesk.actions.runner import Runner
from helpdesk.connectors.tickets import EmbeddedTickets
from helpdesk.errors import LogUnavailable
from helpdesk.events import Confirmation, Confirmed, Event, Outcome, Previewed, Question, Result
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.authorization import Authorization
from helpdesk.gate.keys import HostKey
from helpdesk.gate.requests import Requests
from helpdesk.gate.roles import Roles
from helpdesk.gate.signin import DirectorySignIn
from helpdesk.ports import SignedIn, Tickets
from helpdesk.secrets import Secret
from tests.fakes.directory import FakeDirectory

__all__ = ["Desk", "Someone"]


@cache
def _catalog() -> Catalog:
    """The installed plugins, once."""
    return build()[0]


@dataclass
class Someone:
    """A person at a surface who says yes to everything, and remembers what they were shown."""

    events: list[Event] = field(default_factory=list)
    asked: list[Confirmation] = field(default_factory=list)
    revealed: list[tuple[Secret, str]] = field(default_factory=list)
    on_confirm: Callable[[], object] = lambda: None

    def emit(self, event: Event) -> None:
        self.events.append(event)

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        self.asked.append(confirmation)
        self.on_confirm()
        return Confirmed(confirmation.digest, "person")

    async def ask(self, question: Question) -> str:
        raise AssertionError(f"nothing should be asked: {question.text}")

    async def ask_secret(self, question: Question) -> Secret:
        raise AssertionError(f"no secret should be asked: {question.text}")

    def ensure_can_reveal(self) -> None:
        """There is a screen."""

    async def reveal(self, secret: Secret, label: str) -> None:
        self.revealed.append((secret, label))

    @property
    def previewed(self) -> list[tuple[str, str, str, str]]:
        """Target, property, present and future value of everything that was previewed before confirming."""
        shown = [event for event in self.events if isinstance(event, Previewed)]
        return [(c.target, c.what, c.before, c.after) for event in shown for c in event.changes]


class Desk:
    """A small company: ana and bo work here, gus is of the service desk, olga owns finance-share.

    Args:
        settings: sections of the configuration by plugin.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.folder = folder
        self.now = datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
        self.directory = FakeDirectory(clock=self.clock)
        for login, name in (
            ("ana", "Ana Example"),
            ("bo", "Bo Example"),
            ("gus", "Gus Desk"),
            ("olga", "Olga Owner"),
            ("root", "Ruth Root"),
        ):
            self.directory.add_person(login, name, mail=f"{login}@corp.test", phone="100")
        self.directory.add_group("service-desk", members=("gus",))
        self.directory.add_group("admins", members=("root",))
        self.directory.add_group("finance-share", members=("olga",), owners=("olga",))
        self.tickets: Tickets = EmbeddedTickets(folder / "tickets.db", self.clock)
        key = HostKey.load_or_create(folder / "keys")
        self.audit = AuditLog(folder / "log", self.clock, lambda: key)
        self.roles = Roles({"helpdesk": ["service-desk"], "privileged": ["admins"]})
        self.catalog = _catalog()
        self.settings = settings or {}
        self.runner = Runner(
            catalog=self.catalog,
            authorise=Authoriser(Authorization.load(self.catalog.specs, None), self.roles),
            systems=self.systems(),
            journal=Journal(self.audit),
            requests=Requests(folder / "requests", self.clock, key),
            sign_in=DirectorySignIn(self.directory, self.roles, self.audit, self.clock),
            shared=True,
            timing=Timing(read_back=0.2),
        )

    def clock(self) -> datetime:
        return self.now

    def systems(self) -> Systems:
        return Systems(
            directory=self.directory,
            tickets=self.tickets,
            clock=self.clock,
            settings=lambda plugin: self.settings.get(plugin, {}),
            cache_dir=self._cache,
        )

    def use_tickets(self, tickets: Tickets) -> None:
        """Another ticket queue from here on."""
        self.tickets = tickets
        self.runner.systems = self.systems()

    def _cache(self, plugin: str) -> Path:
        folder = self.folder / "cache" / plugin
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def signed_in(self, login: str) -> SignedIn:
        password = Secret(self.directory.account(login).password)
        return asyncio.run(self.runner.sign_in(login, password))

    def do(
        self,
        login: str,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        someone: Someone | None = None,
        secrets: Mapping[str, Secret] | None = None,
        case: str = "",
        key: str = "",
        dry_run: bool = False,
    ) -> Result:
        """Run one action as somebody, from the sign-in to the outcome."""
        given = dict(arguments or {})
        call = Call(action, given, dict.fromkeys(given, Provenance.TYPED), secrets or {})
        if key:
            call = replace(call, key=key)
        signed_in = self.signed_in(login)
        return asyncio.run(self.runner.run(call, signed_in, someone or Someone(), dry_run=dry_run, case=case))

    def approve(self, login: str, request: str) -> Result:
        return asyncio.run(Approvals(self.runner).approve(request, self.signed_in(login), Someone()))

    def without_outcome(
        self, login: str, action: str, arguments: Mapping[str, Any], *, case: str = ""
    ) -> None:
        """Run an action whose outcome is never logged: what a crash after the intent leaves behind."""
        real = self.audit._number

        def full(drafts: Any) -> Any:
            if any(draft.kind == "outcome" for draft in drafts):
                raise LogUnavailable("The disk is full.")
            return real(drafts)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.audit, "_number", full)
            result = self.do(login, action, arguments, case=case)
        assert result.outcome is Outcome.UNKNOWN, result

    def reconcile(self, login: str) -> list[Result]:
        return asyncio.run(
            Reconciler(self.runner)(self.audit.open_intents(), self.signed_in(login), Someone())
        )
