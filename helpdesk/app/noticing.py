"""Notices from the configuration: who tells, by what, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.identity import Person

if TYPE_CHECKING:
    from helpdesk.actions.grant import Grant
    from helpdesk.actions.prepare import Prepared
    from helpdesk.app.parts import Parts
    from helpdesk.app.workbench import Workbench
    from helpdesk.events import Result
    from helpdesk.gate.requests import Request
    from helpdesk.workflows.notice_send import AtOnce, Sending, Ways
    from helpdesk.workflows.notice_text import Text
    from helpdesk.workflows.notices import Notice, Notices, Post

ACCOUNTS = ("password.", "account.", "people.update", "people.alias", "people.unalias")
"""The actions, by how they begin, whose effect somebody is told of at every address (I5)."""
LATELY = timedelta(days=7)


def wanted(parts: Parts) -> bool:
    """Whether anybody is to be told anything."""
    config = parts.config
    return bool(config.notices.webhook) or (config.notices.mail and config.mail.kind != "none")


class Telling:
    """What tells people, as everything that has something to tell sees it: it raises nothing, and holds nothing up."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._at_once: AtOnce | None = None
        self._notices: Notices | None = None

    def request(self, request: Request) -> None:
        self._tell(lambda notices: notices.request(request))

    def granted(self, grant: Grant) -> None:
        self._tell(lambda notices: notices.granted(grant))

    def ended(self, grant: Grant, how: str) -> None:
        self._tell(lambda notices: notices.ended(grant, how))

    def overdue(self, grant: Grant, why: str) -> None:
        self._tell(lambda notices: notices.overdue(grant, why, self._owners(grant)))

    def done(self, prepared: Prepared, result: Result) -> None:
        """A call took effect: where it changed somebody's account, they are told at every address (I5)."""
        person = prepared.person
        if person is None or not prepared.spec.name.startswith(ACCOUNTS):
            return
        seen = result.receipt
        new = [one.observed for one in seen if one.what == "mail" and "@" in one.observed]
        facts = [f"{one.what}: {one.observed}" for one in seen]
        facts.append(f"by {prepared.requester.person.name} ({prepared.requester.login})")
        key = prepared.call.key
        self._tell(lambda notices: notices.changed(person, prepared.spec.name, key, facts, new))

    def wait(self, within: float = 30.0) -> None:
        """Until what is sent without a worker is gone or given up."""
        if self._at_once is not None:
            self._at_once.wait(within)

    def _tell(self, how: Callable[[Notices], None]) -> None:
        if not wanted(self._parts):
            return
        try:
            how(self._made())
        except HelpdeskError as error:
            self._failed(None, error.message)

    def _made(self) -> Notices:
        if self._notices is None:
            from helpdesk.workflows.notice_send import AtOnce
            from helpdesk.workflows.notices import Durable, Notices

            parts = self._parts
            post: Post
            if parts.config.worker.configured:
                from helpdesk.app.working import engine

                post = Durable(lambda: engine(parts), self._unkept, lambda: _wake(parts))
            else:
                post = self._at_once = AtOnce(lambda: ways_of(parts, _Looks(parts)), self._failed)
            self._notices = Notices(post, parts.requests, parts.clock, parts.config.notices.operator)
        return self._notices

    def _unkept(self, notice: Notice, error: Exception) -> None:
        self._failed(notice, error.message if isinstance(error, HelpdeskError) else type(error).__name__)

    def _failed(self, notice: Notice | None, why: str) -> None:
        """Noted in the log, where doctor finds it; the log's own trouble is told wherever it is used."""
        with suppress(HelpdeskError):
            logged(self._parts, notice, "given-up", why)

    def _owners(self, grant: Grant) -> list[Person]:
        """Who owns the groups that a grant is about, as far as anybody may see them."""
        found = []
        with suppress(HelpdeskError):
            reader = self._parts.directory.look_up()
            for named in grant.groups.values():
                group = reader.group(named.title or named.name)
                found += [reader.person_by_dn(dn) for dn in group.owner_dns]
        return found


def logged(parts: Parts, notice: Notice | None, end: str, why: str) -> None:
    """Note in the log a notice that nobody knows to have arrived. Raises LogUnavailable."""
    if end == "sent" or (end == "given-up" and parts.config.mail.kind == "embedded"):
        return  # in a trial nobody has an address, and nobody misses a letter
    outcome = "unknown" if end == "unsure" else "failed"
    body: dict[str, Any] = {"action": "notice", "outcome": outcome, "rule": ""}
    body |= {"code": end, "person_id": notice.to if notice else ""}
    body |= {"notice": notice.told.value if notice else "", "about": notice.about if notice else ""}
    parts.audit.append("notice", body, {"target": notice.name if notice else "", "message": why})


class _Looks:
    """Finds people without anybody's sign-in."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self, id: str) -> Person:
        return self._parts.directory.look_up().person_by_id(id)


def _wake(parts: Parts) -> None:
    """Have a worker go on, and do not wait for it."""
    from helpdesk.app.working import start_worker, worker_lives

    if parts.config.worker.start == "on-demand" and not worker_lives(parts):
        start_worker(parts)


def ways_of(parts: Parts, find: Callable[[str], Person]) -> Ways:
    """How people are told. Raises ConfigError."""
    from helpdesk.app.mailing import webhook_of
    from helpdesk.workflows.notice_send import Ways

    def log(notice: Notice, end: str, why: str) -> None:
        logged(parts, notice, end, why)

    return Ways(
        mail=parts.mail if parts.config.notices.mail else None,
        hook=webhook_of(parts.config, parts.clock, parts.referenced),
        compose=Composing(parts),
        find=find,
        log=log,
    )


class Composing:
    """What a notice says, from what is kept now."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def __call__(self, notice: Notice) -> Text | None:
        from helpdesk.gate.requests import RequestState
        from helpdesk.workflows import notice_text as texts
        from helpdesk.workflows.notices import Told

        requests = self._parts.requests
        if notice.told is Told.CHANGED:
            return texts.of_change(notice)
        if notice.told is Told.MANY_WAIT:
            waiting = requests.waiting_for(notice.to)
            return texts.of_many(notice, waiting) if waiting else None
        if notice.told is Told.MANY_ENDED:
            since = self._parts.clock() - timedelta(hours=2)
            mine = [
                one
                for one in requests.made_by(notice.to, limit=500)
                if one.decided_at is not None and one.decided_at > since
            ]
            return texts.of_many(notice, mine) if mine else None
        if notice.about.startswith("G-"):
            return self._grant(notice)
        request = requests.get(notice.about)
        if notice.told is Told.WAITS and request.state is not RequestState.PENDING:
            return None  # somebody decided meanwhile
        return texts.of_request(notice, request)

    def _grant(self, notice: Notice) -> Text | None:
        from helpdesk.workflows import notice_text as texts
        from helpdesk.workflows.notices import Told

        grants = self._parts.grants
        if grants is None:
            return None
        try:
            kept = grants.get(notice.about)
        except NotFound:
            return None
        if notice.told in (Told.ENDS_SOON, Told.OVERDUE) and not kept.live:
            return None
        return texts.of_grant(notice, kept.grant, mine=notice.to == kept.grant.person.id)


def handler(bench: Workbench) -> Sending | None:
    """The worker's handler of notices."""
    if not wanted(bench.parts):
        return None
    from helpdesk.workflows.notice_send import Sending

    def find(id: str) -> Person:
        import asyncio

        return asyncio.run(bench.acting()).directory.person_by_id(id)

    ways = ways_of(bench.parts, find)
    inner = ways.log

    def log(notice: Notice, end: str, why: str) -> None:
        inner(notice, end, why)
        if end != "sent":
            bench.telling("notice-not-sent", notice=notice.id, told=notice.told.value, why=why)

    from dataclasses import replace

    return Sending(replace(ways, log=log))
