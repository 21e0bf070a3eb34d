"""Approvals: the approver sees what the requester saw, signs in freshly, and says yes to exactly that.

Without a worker the last approver's own rights carry it out at once. With one, the yes is sealed by the host that took
their sign-in, and a worker carries the plan out with the rights that it was given for that (V1, V3, V4, V7).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from helpdesk.actions.authorise import refusal
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.entitled import entitled, may_approve
from helpdesk.actions.plan import drifted, prepared_again
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.runner import Runner
from helpdesk.errors import Cancelled, HelpdeskError, Refused, Stale
from helpdesk.events import Finished, Outcome, Result
from helpdesk.gate.requests import Decider, Request, RequestState
from helpdesk.gate.requests_words import own_request
from helpdesk.gate.routing import may_answer, open_needs
from helpdesk.gate.sealed import Approval
from helpdesk.identity import Actor
from helpdesk.ports import Interaction, SignedIn
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten

GOOD_FOR = timedelta(days=7)
"""How long a yes holds, from its moment or from when the plan may begin."""
_ENDS = {
    Outcome.DONE: RequestState.DONE,
    Outcome.FAILED: RequestState.FAILED,
    Outcome.REFUSED: RequestState.FAILED,
}


def request_state(outcome: Outcome) -> RequestState:
    """How a request ended whose call ended so."""
    return _ENDS.get(outcome, RequestState.UNKNOWN)


class Hands(Protocol):
    """The worker, as approvals see it."""

    def takes(self, spec: ActionSpec) -> bool:
        """Whether it carries this action out; what it does not, approvers carry out with their own rights."""

    def start(self, request: Request) -> None:
        """Have an approved request carried out; again is once; blocking. Raises Unreachable, Failed."""

    async def follow(self, request: Request, interaction: Interaction) -> Result | None:
        """Tell how it goes until it ended; ``None`` when nobody waits for that."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Decides about pending requests through the same door that runs every call.

    Attributes:
        host: id of this host's key, which stands in every yes that is given here.
        hands: the worker; ``None`` where none is configured.
    """

    runner: Runner
    host: str = ""
    hands: Hands | None = None

    async def approve(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool = False
    ) -> Result:
        """Say yes to a request, and have it carried out once nobody else has to (V1, V2, V3)."""
        try:
            result = await self._approve(id, signed_in, interaction, dry_run)
        except HelpdeskError as error:
            result = self._ended(id, signed_in, error)
        interaction.emit(Finished(result))
        return result

    async def deny(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, reason: str = ""
    ) -> Result:
        """Say no to a request; only those who could approve it may."""
        try:
            request = self.runner.requests.get(id)
            by = self._decider(request, signed_in.actor)
            self._deny(request, signed_in.actor, reason, by)
            because = f": {reason}" if reason else ""
            result = _about(request, Outcome.DONE, f"Request {id} is denied{because}. Nothing was changed.")
        except HelpdeskError as error:
            result = self._ended(id, signed_in, error)
        interaction.emit(Finished(result))
        return result

    def _deny(self, request: Request, approver: Actor, reason: str, by: Decider) -> None:
        """Hold it first, so that the log says "denied" about nothing that another approver carries out."""
        self.runner.requests.claim(request.id, approver.person.id, by)
        self._end(request, approver, RequestState.DENIED, reason)

    def _end(self, request: Request, actor: Actor, state: RequestState, why: str) -> None:
        """End what was claimed without any effect; logged first. Raises LogUnavailable: it is open again."""
        try:
            entry = self.runner.journal.decided(request.id, state.value, actor, request.digest, why)
        except HelpdeskError:
            self._let_go(request)
            raise
        self.runner.requests.finish(request.id, state, entry, answer=why)

    async def withdraw(self, id: str, signed_in: SignedIn, interaction: Interaction) -> Result:
        """Take one's own request back."""
        try:
            request = self.runner.requests.get(id)
            self.runner.requests.withdraw(id, signed_in.actor.person.id)
            self.runner.journal.decided(id, "withdrawn", signed_in.actor, request.digest, "")
            result = _about(request, Outcome.DONE, f"Request {id} is withdrawn.")
        except HelpdeskError as error:
            result = self._ended(id, signed_in, error)
        interaction.emit(Finished(result))
        return result

    async def _approve(self, id: str, signed_in: SignedIn, interaction: Interaction, dry_run: bool) -> Result:
        request = self.runner.requests.get(id)
        self._still_open(request)
        by = self._decider(request, signed_in.actor)
        if request.call.rows:
            from helpdesk.actions.approve_many import approve_many

            return await approve_many(self, request, signed_in, by, interaction, dry_run=dry_run)
        prepared = await asyncio.to_thread(prepared_again, request, self.runner.catalog, signed_in.directory)
        rule = await self.check_rights(prepared, signed_in, by)
        preview = await self.runner.preview(prepared, signed_in.directory, interaction)
        moved = drifted(request, self.runner.authorise, prepared, preview) if preview.changes else None
        if dry_run:
            if moved is not None:
                raise moved
            message = f"Approving {id} would change this. Nothing was changed."
            return replace(_about(request, Outcome.PREVIEWED, message), changes=preview.changes)
        if moved is not None:
            await asyncio.to_thread(self.end_stale, request, signed_in.actor, by, moved)
            raise moved
        if prepared.spec.reveals:
            interaction.ensure_can_reveal()
        acting = await self.runner.fresh(signed_in, interaction)
        try:
            said = await self.runner.confirm(
                prepared,
                preview,
                acting.actor,
                interaction,
                summary=f"{prepared.requester.person.name} asks: {preview.summary} You approve request {id}.",
            )
            agreed = Agreed(
                prepared, preview, acting, said, request=id, rule=rule, ended=self._finish(request)
            )
            return await self._said_yes(request, agreed, by, interaction)
        finally:
            if acting is not signed_in:
                acting.directory.close()

    def end_stale(self, request: Request, approver: Actor, by: Decider, why: Stale) -> None:
        """What moved ends it, with no effect; blocking."""
        self.runner.requests.claim(request.id, approver.person.id, by)
        self._end(request, approver, RequestState.STALE, why.message)

    async def _said_yes(
        self, request: Request, agreed: Agreed, by: Decider, interaction: Interaction
    ) -> Result:
        """What a yes leads to: others are asked, too; a worker goes on; or it is carried out here and now."""
        approval = self.approval(request, agreed.acting.actor, agreed.rule, by)
        waits = open_needs(request, (*request.approvals, approval), self._now())
        hands = self.hands if agreed.preview.changes else None
        if not waits and (hands is None or not hands.takes(agreed.prepared.spec)):
            return await self._claimed(request, agreed, by, interaction)
        await asyncio.to_thread(self.never_begun, request)
        await self.check_rights(agreed.prepared, agreed.acting, by)
        await self._unmoved(request, agreed, by, interaction)
        return await self.handed_on(request, approval, agreed.acting.actor, by, interaction)

    async def handed_on(
        self, request: Request, approval: Approval, approver: Actor, by: Decider, interaction: Interaction
    ) -> Result:
        """Keep a yes; once nobody else is needed, a worker goes on with it."""
        approved = await asyncio.to_thread(self._approved, request, approval, approver, by)
        if approved.state is not RequestState.APPROVED or self.hands is None:
            waits = open_needs(approved, approved.approvals, self._now())
            who = " and ".join(need.of or "another approver" for need in waits)
            message = f"Your yes to request {request.id} is kept; it still waits for {who}."
            return replace(_about(request, Outcome.PENDING, message), changes=request.changes)
        await asyncio.to_thread(self.hands.start, approved)
        return await self.hands.follow(approved, interaction) or _about(
            request, Outcome.ACCEPTED, f"Request {request.id} is approved; a worker carries it out."
        )

    def approval(self, request: Request, actor: Actor, rule: str, by: Decider) -> Approval:
        """The yes of whoever signed in, to exactly this plan."""
        now = self._now()
        begins = datetime.fromisoformat(request.call.at) if request.call.at else now
        return Approval(
            plan=request.digest,
            approver=actor.person.id,
            login=actor.login,
            host=self.host,
            signed_in=(actor.signed_in_at or now).astimezone(UTC).isoformat(),
            expires=(max(begins, now) + GOOD_FOR).isoformat(),
            nonce=secrets.token_hex(16),
            instead_of=by.instead_of,
            rule=rule,
        )

    def _approved(self, request: Request, approval: Approval, approver: Actor, by: Decider) -> Request:
        """Logged, then sealed: what cannot be logged is no yes; blocking."""
        self.runner.journal.decided(request.id, "approved", approver, request.digest, "")
        return self.runner.requests.approve(request.id, approval, by)

    async def _unmoved(self, request: Request, agreed: Agreed, by: Decider, interaction: Interaction) -> None:
        """Raises Stale, and ends the request, when the state moved while the person decided (L4)."""
        try:
            await self.runner.still_as_previewed(
                agreed.prepared, agreed.preview, agreed.acting.directory, interaction
            )
        except Stale as moved:
            await asyncio.to_thread(self.end_stale, request, agreed.acting.actor, by, moved)
            raise

    async def _claimed(
        self, request: Request, agreed: Agreed, by: Decider, interaction: Interaction
    ) -> Result:
        """The request is ours alone from here on; it is let go again only while nothing has begun (V4)."""
        runner, approver = self.runner, agreed.acting.actor
        runner.requests.claim(request.id, approver.person.id, by)
        try:
            await asyncio.to_thread(self.never_begun, request)
            await self.check_rights(agreed.prepared, agreed.acting, by)
            await self._others_still_may(request, agreed, by)
            await runner.still_as_previewed(
                agreed.prepared, agreed.preview, agreed.acting.directory, interaction
            )
            runner.journal.decided(request.id, "approved", approver, request.digest, "")
            if agreed.preview.changes:
                earlier = [(one.approver, one.login) for one in request.approvals]
                approvers = (*earlier, (approver.person.id, approver.login)) if earlier else ()
                result = await runner.carry_out(replace(agreed, approvers=approvers), interaction)
            else:
                result = _about(request, Outcome.DONE, "Nothing had to change any more.")
                self._finish(request)(result)
        except Stale as moved:
            self._end(request, approver, RequestState.STALE, moved.message)
            raise
        except (HelpdeskError, asyncio.CancelledError):
            self._let_go(request)
            raise
        return replace(result, request=request.id)

    async def _others_still_may(self, request: Request, agreed: Agreed, by: Decider) -> None:
        """Whoever said yes before must be entitled to it still (V3)."""
        if request.approvals:
            mine = replace(
                request,
                approvals=(*request.approvals, self.approval(request, agreed.acting.actor, agreed.rule, by)),
            )
            reader, stands_in = agreed.acting.directory, self.runner.requests.delegations.holds
            await asyncio.to_thread(
                entitled, self.runner.authorise, mine, agreed.prepared, reader, self._now(), stands_in
            )

    def _finish(self, request: Request) -> Callable[[Result], None]:
        def finish(result: Result) -> None:
            self.runner.requests.finish(request.id, request_state(result.outcome), result.entry)

        return finish

    def _let_go(self, request: Request) -> None:
        """Open it again, unless it was carried out: an interruption waits for the outcome, which ends it."""
        with contextlib.suppress(Refused):
            self.runner.requests.release(request.id)

    def never_begun(self, request: Request) -> None:
        """The log remembers what was carried out or denied, also where the file of requests was put back."""
        for entry in self.runner.journal.about_request(request.id):
            if entry.kind == "intent" or entry.body.get("decision") in ("denied", "withdrawn", "stale"):
                raise Refused(
                    f"Request {request.id} was decided before: entry {entry.seq} of the log.",
                    hint="The file of requests was put back or altered; tell an administrator.",
                    code="already-decided",
                )

    def _decider(self, request: Request, actor: Actor) -> Decider:
        """In which capacity this person decides. Raises Refused when they have none."""
        refused = self.runner.authorise.services.approves_nothing(actor.person)
        if refused is not None:
            raise refusal(refused)
        me, now, delegations = actor.person.id, self._now(), self.runner.requests.delegations
        asked_by = request.call.requester_id
        if asked_by == me or delegations.holds(asked_by, me):
            raise own_request()
        if me in request.approver_ids and may_answer(request, me, now):
            return Decider()
        for one in delegations.stands_in_for(me):
            if one.giver in request.approver_ids and may_answer(request, one.giver, now):
                return Decider(f"{actor.person.name}, for {one.giver_name}", one.giver)
        if me in {one.approver for one in request.approvals if one.good_at(now)}:
            raise Refused(
                f"You approved request {request.id} already; it waits for somebody else, too.",
                hint=f"helpdesk why {request.id}",
                code="already-decided",
            )
        raise Refused(
            f"Request {request.id} waits for {' or '.join(request.approver_names)}.",
            rule="not-an-approver",
        )

    def _still_open(self, request: Request) -> None:
        if request.state is not RequestState.PENDING:
            raise Refused(
                f"Request {request.id} is not open any more: it is {request.state.value}.",
                code="already-decided",
            )

    async def check_rights(self, prepared: Prepared, acting: SignedIn, by: Decider) -> str:
        """The rule that lets this approver decide. Raises Refused when none does."""
        return await asyncio.to_thread(self._rights, prepared, acting, by)

    def _rights(self, prepared: Prepared, acting: SignedIn, by: Decider) -> str:
        authorise, reader = self.runner.authorise, acting.directory
        approver = authorise.roles.actor_subject(reader, acting.actor)
        right = approver
        if by.instead_of:
            right = authorise.roles.subject(reader, reader.person_by_id(by.instead_of))
        return may_approve(authorise, prepared, reader, approver, right)

    def _now(self) -> datetime:
        return self.runner.systems.clock().astimezone(UTC)

    def _ended(self, id: str, signed_in: SignedIn, error: HelpdeskError) -> Result:
        if isinstance(error, Cancelled):
            error = Cancelled(f"Request {id} still waits; nothing was changed.")
        return self.runner.rejected("approvals", {}, signed_in.actor, error, request=shorten(id, 40))


def _about(request: Request, outcome: Outcome, message: str) -> Result:
    return Result(
        outcome=outcome,
        action=request.call.action,
        arguments=dict(request.call.arguments),
        message=message,
        request=request.id,
    )
