"""Approvals: the approver sees the present state, signs in freshly, and their own rights carry it out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from helpdesk.actions.authorise import refusal
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.actions.runner import Runner
from helpdesk.errors import Cancelled, HelpdeskError, NotFound, Refused, Stale
from helpdesk.events import Finished, Outcome, Result
from helpdesk.gate.authorization import Verdict
from helpdesk.gate.requests import Request, RequestState
from helpdesk.identity import Actor
from helpdesk.ports import Interaction, SignedIn
from helpdesk.text import shorten

_ENDS = {
    Outcome.DONE: RequestState.DONE,
    Outcome.FAILED: RequestState.FAILED,
    Outcome.REFUSED: RequestState.FAILED,
}


def request_state(outcome: Outcome) -> RequestState:
    """How a request ended whose call ended so."""
    return _ENDS.get(outcome, RequestState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Approvals:
    """Decides about pending requests through the same door that runs every call."""

    runner: Runner

    async def approve(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool = False
    ) -> Result:
        """Carry a request out with the approver's rights, checked again now (V1, V2, V3)."""
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
            self._may_decide(request, signed_in.actor)
            self._deny(request, signed_in.actor, reason)
            because = f": {reason}" if reason else ""
            result = _about(request, Outcome.DONE, f"Request {id} is denied{because}. Nothing was changed.")
        except HelpdeskError as error:
            result = self._ended(id, signed_in, error)
        interaction.emit(Finished(result))
        return result

    def _deny(self, request: Request, approver: Actor, reason: str) -> None:
        """Hold it first, so that the log says "denied" about nothing that another approver carries out."""
        self.runner.requests.claim(request.id, approver.person.id)
        try:
            entry = self.runner.journal.decided(request.id, "denied", approver, request.digest, reason)
        except HelpdeskError:
            self._let_go(request)
            raise
        self.runner.requests.finish(request.id, RequestState.DENIED, entry, answer=reason)

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
        self._may_decide(request, signed_in.actor)
        prepared = await asyncio.to_thread(self._prepared, request, signed_in)
        rule = await self._check_rights(prepared, signed_in)
        preview = await self.runner.preview(prepared, signed_in.directory, interaction)
        if dry_run:
            message = f"Approving {id} would change this. Nothing was changed."
            return replace(_about(request, Outcome.PREVIEWED, message), changes=preview.changes)
        if prepared.spec.reveals:
            interaction.ensure_can_reveal()
        acting = await self.runner.fresh(signed_in, interaction)
        try:
            by = await self.runner.confirm(
                prepared,
                preview,
                acting.actor,
                interaction,
                summary=f"{prepared.requester.person.name} asks: {preview.summary} You approve request {id}.",
            )
            ended = self._finish(request)
            agreed = Agreed(prepared, preview, acting, by, request=id, rule=rule, ended=ended)
            return await self._claimed(request, agreed, interaction)
        finally:
            if acting is not signed_in:
                acting.directory.close()

    async def _claimed(self, request: Request, agreed: Agreed, interaction: Interaction) -> Result:
        """The request is ours alone from here on; it is let go again only while nothing has begun (V4)."""
        runner, approver = self.runner, agreed.acting.actor
        runner.requests.claim(request.id, approver.person.id)
        try:
            await asyncio.to_thread(self._never_begun, request)
            await self._check_rights(agreed.prepared, agreed.acting)
            await runner.still_as_previewed(
                agreed.prepared, agreed.preview, agreed.acting.directory, interaction
            )
            runner.journal.decided(request.id, "approved", approver, request.digest, "")
            if agreed.preview.changes:
                result = await runner.carry_out(agreed, interaction)
            else:
                result = _about(request, Outcome.DONE, "Nothing had to change any more.")
                self._finish(request)(result)
        except (HelpdeskError, asyncio.CancelledError):
            self._let_go(request)
            raise
        return replace(result, request=request.id)

    def _finish(self, request: Request) -> Callable[[Result], None]:
        def finish(result: Result) -> None:
            self.runner.requests.finish(request.id, request_state(result.outcome), result.entry)

        return finish

    def _let_go(self, request: Request) -> None:
        """Open it again, unless it was carried out: an interruption waits for the outcome, which ends it."""
        with contextlib.suppress(Refused):
            self.runner.requests.release(request.id)

    def _never_begun(self, request: Request) -> None:
        """The log remembers what was carried out or denied, also where the file of requests was put back."""
        for entry in self.runner.journal.about_request(request.id):
            if entry.kind == "intent" or entry.body.get("decision") in ("denied", "withdrawn"):
                raise Refused(
                    f"Request {request.id} was decided before: entry {entry.seq} of the log.",
                    hint="The file of requests was put back or altered; tell an administrator.",
                    code="already-decided",
                )

    def _may_decide(self, request: Request, actor: Actor) -> None:
        refused = self.runner.authorise.services.approves_nothing(actor.person)
        if refused is not None:
            raise refusal(refused)
        if request.call.requester_id == actor.person.id:
            raise Refused("Nobody approves their own request.", rule="no-self-approval")
        if actor.person.id not in request.approver_ids:
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

    def _prepared(self, request: Request, signed_in: SignedIn) -> Prepared:
        """The sealed call on today's directory; the same ids, the same version, or nothing (V1)."""
        sealed, reader = request.call, signed_in.directory
        spec, action = self.runner.catalog.action(sealed.action)
        if spec.plugin_version != sealed.plugin_version:
            raise Stale(f"Request {request.id} was made with another version of {spec.name}; ask again.")
        try:
            requester = reader.person_by_id(sealed.requester_id)
        except NotFound as error:
            raise Stale(f"Whoever made request {request.id} is not in the directory any more.") from error
        if reader.status(requester).enabled is False:
            raise Refused(
                f"The account of {requester.name}, who made request {request.id}, is disabled.",
                rule="disabled-account",
            )
        call = Call(
            action=sealed.action,
            arguments=sealed.arguments,
            provenance={name: Provenance(value) for name, value in sealed.provenance.items()},
            key=sealed.key,
        )
        prepared = prepare(call, spec, action, Actor(person=requester), reader)
        person = prepared.person.id if prepared.person else None
        group = prepared.group.id if prepared.group else None
        if (person, group) != (sealed.person_id, sealed.group_id):
            raise Stale(
                f"The names in request {request.id} mean someone or something else by now; ask again."
            )
        return prepared

    async def _check_rights(self, prepared: Prepared, acting: SignedIn) -> str:
        """The rule that lets this approver decide. Raises Refused when none does."""
        reader = acting.directory
        roles = self.runner.authorise.roles
        approver = await asyncio.to_thread(roles.actor_subject, reader, acting.actor)
        decision = await asyncio.to_thread(self.runner.authorise, prepared, reader, approver)
        if decision.verdict is not Verdict.ALLOWED:
            raise refusal(decision)
        return decision.rule

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
