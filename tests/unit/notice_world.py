"""Requests whose people are told, without a worker and with one in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from helpdesk.connectors.mail import Outbox
from helpdesk.gate.requests import RequestState
from helpdesk.identity import Person
from helpdesk.mail import Mail
from helpdesk.workflows import notice_text as texts
from helpdesk.workflows.notice_send import Hook, Sending, Ways
from helpdesk.workflows.notices import KIND, Durable, Notice, Notices, Told
from tests.fakes.engine import FakeEngine, Process
from tests.unit.plugin_world import Desk

SHARE = "finance-share"


@dataclass
class Company:
    """A desk of the plugin world whose requests are told by an engine in memory.

    Attributes:
        ends: how each notice ended, as it is logged.
    """

    folder: Path
    mail: Mail | None = None
    hook: Hook | None = None
    ends: list[tuple[Notice, str, str]] = field(default_factory=list)
    lost: list[tuple[Notice, Exception]] = field(default_factory=list)
    _process: Process | None = None
    _sending: Sending | None = None

    def __post_init__(self) -> None:
        self.desk = Desk(self.folder)
        self.desk.directory.add_group("design-share", owners=("olga",))
        for name in "abcdefgh":
            self.desk.directory.add_group(f"share-{name}", owners=("olga",))
        self.engine = FakeEngine()
        self.engine.clock.moment = self.desk.now
        self.mail = self.mail or Outbox(self.folder / "outbox.db", self.desk.clock)
        self.notices = Notices(
            Durable(lambda: self.engine, lambda notice, error: self.lost.append((notice, error))),
            self.desk.runner.requests,
            self.desk.clock,
            "ops@corp.test",
        )
        self.desk.runner.requests.told = self.notices.request

    @property
    def outbox(self) -> Outbox:
        assert isinstance(self.mail, Outbox)
        return self.mail

    def ways(self) -> Ways:
        return Ways(self.mail, self.hook, self.compose, self.find, lambda *end: self.ends.append(end))

    def worker(self, pauses: tuple[float, ...] = (5.0, 60.0)) -> Process:
        """The worker that lives, or a new one; the connections of a dead one are closed, as its system does."""
        if self._process is None or self._process.dead or self._process.frozen:
            self.bury()
            self._sending = Sending(self.ways(), pauses)
            self._process = self.engine.process({KIND: self._sending})
        return self._process

    def bury(self) -> None:
        """Close what a process that is gone had open."""
        if self._sending is not None:
            for handing in self._sending._open.values():
                handing.abandon()

    def work(self) -> None:
        self.worker().work()

    def later(self, **span: float) -> None:
        self.engine.clock.advance(**span)
        self.desk.now = self.engine.clock()

    def find(self, id: str) -> Person:
        return self.desk.directory.look_up().person_by_id(id)

    def compose(self, notice: Notice) -> texts.Text | None:
        requests = self.desk.runner.requests
        if notice.told is Told.CHANGED:
            return texts.of_change(notice)
        if notice.told is Told.MANY_WAIT:
            waiting = requests.waiting_for(notice.to)
            return texts.of_many(notice, waiting) if waiting else None
        request = requests.get(notice.about)
        if notice.told is Told.WAITS and request.state is not RequestState.PENDING:
            return None
        return texts.of_request(notice, request)

    def ask(self, login: str = "ana", group: str = SHARE, reason: str = "quarter close") -> str:
        result = self.desk.do(login, "access.request", {"group": group, "reason": reason})
        assert result.request is not None, result
        return result.request


Compose = Callable[[Notice], texts.Text | None]
