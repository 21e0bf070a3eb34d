"""A small company to sign in to: a real embedded directory, a real log, and a clock the test moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from helpdesk.connectors.embedded import Cost, EmbeddedDirectory, NewGroup, NewPerson, Rules
from helpdesk.events import Result
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Entry
from helpdesk.gate.keys import HostKey
from helpdesk.gate.lockout import LockExplainer
from helpdesk.gate.roles import Roles
from helpdesk.gate.signin import DirectorySignIn
from helpdesk.ports import SignedIn
from helpdesk.secrets import Secret

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
BO, DEE, WRONG = Secret("bo bakes bread"), Secret("dee digs deep"), Secret("canary-not-it-6P")


class World:
    def __init__(self, folder: Path, *, desk: tuple[str, ...] = ("dee",)) -> None:
        self.now = NOON
        self.directory = EmbeddedDirectory(folder / "directory.db", self.clock, cost=Cost(n=2**8, r=8, p=1))
        self.directory.admin.seed(
            [
                NewPerson("dee", "Dee Desk", DEE),
                NewPerson("eli", "Eli Desk", DEE),
                NewPerson("bo", "Bo Berg", BO),
            ],
            [NewGroup("desk", members=desk), NewGroup("bakers", owners=["bo"], members=["bo"])],
            rules=Rules(max_failures=3, lockout_seconds=900),
            desk_group="desk",
        )
        key = HostKey.load_or_create(folder / "keys")
        self.audit = AuditLog(folder / "log", self.clock, lambda: key)
        self.roles = Roles({"helpdesk": ["desk"]})
        self.sign_in = DirectorySignIn(self.directory, self.roles, self.audit, self.clock)
        self.explain = LockExplainer(self.directory, self.sign_in, self.roles, self.audit, self.clock)

    def clock(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def enter(self, login: str, password: Secret) -> SignedIn:
        return asyncio.run(self.sign_in(login, password))

    def asked(self, login: str, password: Secret) -> Result:
        return asyncio.run(self.explain(login, password))

    def entries(self) -> list[Entry]:
        return self.audit.entries()

    def close(self) -> None:
        self.audit.close()
        self.directory.close()
