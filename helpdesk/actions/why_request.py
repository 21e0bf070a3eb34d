"""Why a request stands where it does: who can say yes now, who did, what it waits for, and what would move it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from helpdesk.actions.entitled import may_approve
from helpdesk.actions.many import rows_of
from helpdesk.actions.plan import drifted, prepared_again
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.runner import Runner
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.gate.requests import Request, RequestState
from helpdesk.gate.routing import escalation, needs
from helpdesk.gate.sealed import Approval
from helpdesk.ports import DirectoryReader, Interaction, SignedIn

SCHEMA = "helpdesk.why-request/1"
AUDITOR = "auditor"
LOOKED_AT = 100
"""Rows of a batch that are looked at for what moved; the approval looks at all of them."""


@dataclass(frozen=True, slots=True)
class Could:
    """Somebody who is asked.

    Attributes:
        may: a yes of theirs would count now. because: why not, or "".
        said: when they said yes, or "". instead: who stands in for them now.
    """

    login: str
    name: str
    may: bool
    because: str = ""
    said: str = ""
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedWhy:
    """One yes that is needed. ``of``: in words of the configuration, or ""."""

    of: str
    met: bool
    people: tuple[Could, ...]


@dataclass(frozen=True, slots=True)
class RequestWhy:
    """Everything there is to say about a request at this moment.

    Attributes:
        waits: what it waits for, in a sentence. unblock: what would move it, a sentence each.
        drift: what moved since it was asked for, so that it could not be carried out; or "".
        escalates: when others are asked, too; to whom; ``None`` for never.
        run: how the worker's run stands, or ``None``.
    """

    request: Request
    requester: str
    needs: tuple[NeedWhy, ...]
    waits: str
    unblock: tuple[str, ...]
    drift: str = ""
    escalates: tuple[datetime, str, bool] | None = None
    run: Mapping[str, Any] | None = None
    hosts: tuple[str, ...] = field(default=())

    def plain(self) -> dict[str, Any]:
        """The document ``helpdesk.why-request/1``."""
        one = self.request
        escalates = None
        if self.escalates is not None:
            at, to, passed = self.escalates
            escalates = {"at": at.isoformat(), "to": to, "passed": passed}
        return {
            "schema": SCHEMA,
            "id": one.id,
            "state": one.state.value,
            "action": one.call.action,
            "arguments": dict(one.call.arguments),
            "requester": one.call.requester_login,
            "plan": one.digest,
            "created": one.created.isoformat(),
            "expires": one.expires.isoformat(),
            "effective_at": one.call.at or None,
            "needs": [
                {"of": need.of, "met": need.met, "people": [_plain(person) for person in need.people]}
                for need in self.needs
            ],
            "approvals": [_said(approval) for approval in one.approvals],
            "waits": self.waits,
            "unblock": list(self.unblock),
            "drift": self.drift or None,
            "escalation": escalates,
            "run": dict(self.run) if self.run is not None else None,
        }


def _plain(person: Could) -> dict[str, Any]:
    return {**asdict(person), "said": person.said or None, "instead": list(person.instead)}


def _said(approval: Approval) -> dict[str, Any]:
    return {
        "login": approval.login,
        "signed_in": approval.signed_in,
        "expires": approval.expires,
        "host": approval.host,
        "stands_in": bool(approval.instead_of),
    }


@dataclass(frozen=True, slots=True)
class RequestExplainer:
    """Reads the store, the directory and the rules; changes nothing."""

    runner: Runner

    async def __call__(
        self,
        id: str,
        signed_in: SignedIn,
        interaction: Interaction,
        run: Mapping[str, Any] | None = None,
    ) -> RequestWhy:
        """Explain a request to somebody whom it concerns.

        Args:
            run: how its run stands, where there is one.

        Raises:
            NotFound: there is none, or it is between other people.
        """
        request = await asyncio.to_thread(self.concerning, id, signed_in)
        prepared, drift = await self._today(request, signed_in, interaction)
        looked = await asyncio.to_thread(self._needs, request, prepared, signed_in.directory)
        late, now = escalation(request), self._now()
        escalates = (late.at, late.to, late.at <= now) if late is not None else None
        waits = _waits(request, looked, drift)
        return RequestWhy(
            request=request,
            requester=prepared.requester.person.name if prepared else request.call.requester_login,
            needs=tuple(looked),
            waits=waits,
            unblock=tuple(_unblock(request, looked, drift, escalates)),
            drift=drift,
            escalates=escalates,
            run=run,
        )

    def concerning(self, id: str, signed_in: SignedIn) -> Request:
        """The request, for whoever asked for it, may decide it, stands in for one of them, or audits; blocking."""
        requests, actor = self.runner.requests, signed_in.actor
        request = requests.get(id)
        me = {actor.person.id, *(one.giver for one in requests.delegations.stands_in_for(actor.person.id))}
        theirs = {
            request.call.requester_id,
            *request.approver_ids,
            *(one.approver for one in request.approvals),
        }
        if me.isdisjoint(theirs) and AUDITOR not in actor.roles:
            raise NotFound(f"There is no request {id!r} of yours or for you.", hint="helpdesk approvals list")
        return request

    async def _today(
        self, request: Request, signed_in: SignedIn, interaction: Interaction
    ) -> tuple[Prepared | None, str]:
        """The call on today's objects, and what moved; a closed request has moved on anyway."""
        if request.state not in (RequestState.PENDING, RequestState.APPROVED):
            return None, ""
        first: Prepared | None = None
        for number, row in enumerate(rows_of(request)[:LOOKED_AT], 1):
            try:
                prepared, moved = await self._row(row, signed_in, interaction)
            except HelpdeskError as error:
                return first, f"Row {number}: {error.message}" if request.call.rows else error.message
            first = first or prepared
            if moved:
                return first, f"Row {number}: {moved}" if request.call.rows else moved
        return first, ""

    async def _row(
        self, request: Request, signed_in: SignedIn, interaction: Interaction
    ) -> tuple[Prepared, str]:
        runner = self.runner
        prepared = await asyncio.to_thread(prepared_again, request, runner.catalog, signed_in.directory)
        preview = await runner.preview(prepared, signed_in.directory, interaction)
        moved = drifted(request, runner.authorise, prepared, preview) if preview.changes else None
        return prepared, moved.message if moved is not None else ""

    def _needs(self, request: Request, prepared: Prepared | None, reader: DirectoryReader) -> list[NeedWhy]:
        now = self._now()
        names = dict(zip(request.approver_ids, request.approver_names, strict=True))
        yes = {one.right: one for one in request.approvals if one.good_at(now)}
        late = escalation(request)
        found = []
        for need in needs(request):
            beside = late.people if late is not None and late.at <= now else frozenset()
            everybody = [id for id in request.approver_ids if id in need.people | beside]
            met = any(id in yes for id in everybody)
            people = [
                self._could(id, names[id], yes.get(id), prepared, reader, open=not met) for id in everybody
            ]
            found.append(NeedWhy(need.of, met, tuple(people)))
        return found

    def _could(
        self,
        id: str,
        name: str,
        yes: Approval | None,
        prepared: Prepared | None,
        reader: DirectoryReader,
        *,
        open: bool,
    ) -> Could:
        """Whether one of them may, as the directory and the rules have it now."""
        standing = [
            one.taker_name
            for one in self.runner.requests.delegations.given_by(id)
            if one.holds_at(self._now())
        ]
        try:
            person = reader.person_by_id(id)
            because = ""
            if prepared is not None:
                subject = self.runner.authorise.roles.subject(reader, person)
                may_approve(self.runner.authorise, prepared, reader, subject, subject)
        except NotFound:
            return Could("", name, may=False, because="They are not in the directory any more.")
        except HelpdeskError as error:
            return Could(
                person.login, name, may=False, because=error.message, said=yes.signed_in if yes else ""
            )
        return Could(
            person.login,
            name,
            may=open and prepared is not None,
            because=because,
            said=yes.signed_in if yes else "",
            instead=tuple(standing),
        )

    def _now(self) -> datetime:
        return self.runner.systems.clock().astimezone(UTC)


def _waits(request: Request, looked: list[NeedWhy], drift: str) -> str:
    match request.state:
        case RequestState.PENDING:
            if drift:
                return "It waits, and could not be carried out any more."
            told = [need.of or "one of its approvers" for need in looked if not need.met]
            return f"It waits for a yes of {' and of '.join(told)}."
        case RequestState.APPROVED:
            return (
                f"It begins at {request.call.at}."
                if request.call.at
                else "It waits for a worker to take it up."
            )
        case RequestState.CLAIMED:
            return "It is being carried out."
        case RequestState.UNKNOWN:
            return "It was begun, and its outcome is not known."
        case _:
            return f"It waits for nothing: it is {request.state.value}."


def _unblock(
    request: Request,
    looked: list[NeedWhy],
    drift: str,
    escalates: tuple[datetime, str, bool] | None,
) -> list[str]:
    if request.state is RequestState.UNKNOWN:
        return ["helpdesk reconcile reads back what became of it."]
    if request.state is RequestState.APPROVED:
        return ["helpdesk worker status shows whether a worker serves."]
    if request.state is not RequestState.PENDING:
        return []
    if drift:
        return [f"{request.call.requester_login} asks again, and sees the present state."]
    found = []
    for need in looked:
        able = [person for person in need.people if person.may and not person.said]
        if need.met:
            continue
        if able:
            logins = " or ".join(person.login for person in able)
            found.append(f"{logins}: helpdesk approvals approve {request.id}")
        else:
            found.append(
                f"Nobody may say yes as {need.of or 'an approver'} now; the reasons stand beside the names."
            )
    if escalates is not None and not escalates[2]:
        found.append(f"From {escalates[0].isoformat()} on, {escalates[1]} may answer as well.")
    return found
