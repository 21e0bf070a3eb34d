"""A small company with the real door: real plugins, policy, requests, directory and ticket queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

from helpdesk.actions.approve import Approvals
from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.call import Call
from helpdesk.actions.carry_out import Timing
from helpdesk.actions.catalog import Catalog, PluginInfo, build
from helpdesk.actions.context import Systems
from helpdesk.actions.journal import Journal
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.runner import Runner
from helpdesk.actions.schema import spec_of
from helpdesk.connectors.embedded import Cost, EmbeddedDirectory, NewGroup, NewPerson
from helpdesk.connectors.mail import Outbox
from helpdesk.connectors.tickets import EmbeddedTickets
from helpdesk.errors import HelpdeskError
from helpdesk.events import Result
from helpdesk.gate.authorization import Authorization, Decision, Subject
from helpdesk.gate.requests import Requests
from helpdesk.gate.roles import Roles
from helpdesk.gate.signin import DirectorySignIn
from helpdesk.identity import AccountStatus
from helpdesk.plugin import Plugin
from helpdesk.ports import DirectoryReader, SignedIn
from helpdesk.secrets import Secret
from tests.fakes.log import MemoryLog
from tests.fakes.systems import Watch, WatchedDirectory, WatchedMail, WatchedTickets
from tests.fakes.terminal import Person as AtTerminal
from tests.unit.requests_world import Key

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROLES = {"helpdesk": ("service-desk",), "privileged": ("admins",)}
LOGINS = ("emma", "bo", "dana", "dave", "olga", "oscar", "root", "mia")
QUICK = Timing(execute=10.0, read_back=0.05, poll=0.01)


def password_of(login: str) -> str:
    return f"{login}-Passphrase-1"


def company(directory: EmbeddedDirectory) -> None:
    """emma, bo and mia work here; dana and dave are the service desk; olga and oscar own finance-share."""
    people = [
        NewPerson(
            login,
            f"{login.title()} Test",
            Secret(password_of(login)),
            mail=f"{login}@corp.test",
            employee_number=str(number),
            password_set=NOW - timedelta(days=30),
        )
        for number, login in enumerate(LOGINS)
    ]
    groups = [
        NewGroup("service-desk", members=("dana", "dave")),
        NewGroup("admins", members=("root",)),
        NewGroup("finance-share", owners=("olga", "oscar"), members=("mia",)),
        NewGroup("design-share", owners=("olga",)),
    ]
    directory.admin.seed(people, groups, desk_group="service-desk", staffing_group="service-desk")


@cache
def catalog() -> Catalog:
    return build()[0]


def with_plugin(*plugins: Plugin) -> Catalog:
    """The installed actions and some more plugins'."""
    specs = tuple(spec_of(one, action) for one in plugins for action in one.actions.values())
    infos = tuple(PluginInfo(one.name, "made in a test", "test", one.version) for one in plugins)
    base = catalog()
    return Catalog((*base.specs, *specs), (*base.plugins, *infos), (), {one.name: one for one in plugins})


@dataclass(frozen=True)
class TellingAuthoriser(Authoriser):
    """The authoriser, which says when it was asked."""

    trail: list[str] = field(default_factory=list)

    def __call__(
        self, prepared: Prepared, reader: DirectoryReader, approver: Subject | None = None
    ) -> Decision:
        self.trail.append("authorise")
        return Authoriser.__call__(self, prepared, reader, approver)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class World:
    """One machine.

    Args:
        folder: empty. plugins: the actions there are; the installed ones when left out.
        policy: a site's policy; the shipped one when left out. log: the audit log.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plugins: Catalog | None = None,
        policy: str = "",
        log: Any = None,
        shared: bool = True,
        timing: Timing = QUICK,
    ) -> None:
        folder.chmod(0o700)
        self.clock = Clock()
        self.watch = Watch()
        self.trail = self.watch.trail
        self.log: Any = log if log is not None else MemoryLog(self.trail)
        self.embedded = EmbeddedDirectory(folder / "directory.db", self.clock, cost=Cost(n=2, r=1, p=1))
        company(self.embedded)
        self.directory = WatchedDirectory(self.embedded, self.watch)
        self.queue = EmbeddedTickets(folder / "tickets.db", self.clock)
        self.outbox = Outbox(folder / "outbox.db", self.clock)
        self.catalog = plugins or catalog()
        roles = Roles(ROLES)
        rules = (
            Authorization(self.catalog.specs, policy, "site.cedar")
            if policy
            else Authorization.load(self.catalog.specs, None)
        )
        self.requests = Requests(folder, self.clock, Key())
        self.sign_in_at_directory = DirectorySignIn(self.directory, roles, self.log, self.clock)
        self.runner = Runner(
            catalog=self.catalog,
            authorise=TellingAuthoriser(rules, roles, trail=self.trail),
            systems=Systems(
                directory=self.directory,
                tickets=WatchedTickets(self.queue, self.watch),
                mail=cast(Any, WatchedMail(self.outbox, self.watch)),
                clock=self.clock,
                settings=lambda plugin: {"sources": ()} if plugin == "policy" else {},
                cache_dir=lambda plugin: _made(folder / "cache" / plugin),
            ),
            journal=Journal(cast(Any, self.log)),
            requests=self.requests,
            sign_in=self.sign_in_at_directory,
            shared=shared,
            timing=timing,
        )
        self.approvals = Approvals(self.runner)
        self._signed_in: dict[str, SignedIn] = {}

    # ── people ────────────────────────────────────────────────────────────────────────────────

    def sign_in(self, login: str, password: str = "") -> SignedIn:
        """A new sign-in."""
        signed_in = self.sign_in_at_directory._sign_in(login, Secret(password or password_of(login)))
        self._signed_in[login] = signed_in
        return signed_in

    def signed_in(self, login: str) -> SignedIn:
        """The sign-in of before, where there is one."""
        return self._signed_in.get(login) or self.sign_in(login)

    def person(self, login: str = "") -> AtTerminal:
        password = password_of(login) if login else None
        return AtTerminal(trail=self.trail, password=password)

    # ── what they do ──────────────────────────────────────────────────────────────────────────

    def do(
        self,
        login: str,
        action: str,
        /,
        *,
        at: AtTerminal | None = None,
        secrets: dict[str, str] | None = None,
        dry_run: bool = False,
        key: str = "",
        **arguments: Any,
    ) -> Result:
        given = {name: Secret(value) for name, value in (secrets or {}).items()}
        call = Call(action, arguments, secrets=given, **({"key": key} if key else {}))
        who = self.signed_in(login)
        return asyncio.run(self.runner.run(call, who, cast(Any, at or self.person(login)), dry_run=dry_run))

    def approve(self, login: str, id: str, at: AtTerminal | None = None, *, dry_run: bool = False) -> Result:
        who = self.signed_in(login)
        return asyncio.run(
            self.approvals.approve(id, who, cast(Any, at or self.person(login)), dry_run=dry_run)
        )

    def deny(self, login: str, id: str, reason: str = "") -> Result:
        who = self.signed_in(login)
        return asyncio.run(self.approvals.deny(id, who, cast(Any, self.person(login)), reason=reason))

    def withdraw(self, login: str, id: str) -> Result:
        who = self.signed_in(login)
        return asyncio.run(self.approvals.withdraw(id, who, cast(Any, self.person(login))))

    def request(self, login: str = "emma", group: str = "finance-share") -> str:
        result = self.do(login, "access.request", group=group, reason="quarter close")
        assert result.request, result
        return result.request

    # ── the truth, read as root ───────────────────────────────────────────────────────────────

    def lock(self, login: str) -> None:
        for _ in range(5):
            try:
                self.embedded.sign_in(login, Secret("not the password"))
            except HelpdeskError:
                continue

    def status(self, login: str) -> AccountStatus:
        desk = self.embedded.sign_in("dave", Secret(password_of("dave")))
        return desk.status(desk.person(login))

    def is_member(self, login: str, group: str = "finance-share") -> bool:
        reader = self.embedded.look_up()
        return group in {g.name for g in reader.groups_of(reader.person(login))}

    def opens(self, login: str, password: str) -> bool:
        return self.embedded.accepts(self.embedded.look_up().person(login), Secret(password)) != "no"

    def state(self) -> dict[str, Any]:
        """Everything a call could have changed."""
        reader = self.embedded.look_up()
        desk = self.embedded.sign_in("dave", Secret(password_of("dave")))
        people = [reader.person(login) for login in LOGINS]
        return {
            "people": people,
            "status": [desk.status(person) for person in people],
            "groups": reader.groups(),
            "tickets": [self.queue.of(person.id) for person in people],
            "newcomers": reader.find_people("Nora"),
            "letters": self.outbox.letters(),
        }

    @property
    def done(self) -> Sequence[str]:
        """The writes that reached a system."""
        return [f"{write.by} {write.what} {write.target}" for write in self.watch.writes]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def as_of(signed_in: SignedIn, moment: datetime) -> SignedIn:
    """The same sign-in, as if it had been made at another time."""
    return replace(signed_in, actor=replace(signed_in.actor, signed_in_at=moment))


def in_order(trail: Iterable[str], *wanted: str) -> bool:
    """Whether these happened in this order, whatever happened between them."""
    rest = iter(trail)
    return all(any(item == one for item in rest) for one in wanted)
