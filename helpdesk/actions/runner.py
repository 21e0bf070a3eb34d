"""The one door. Every effect of this program happens in :meth:`Runner.run` or an approval of it.

validate → authorise → preview → confirm → log intent → execute → verify by reading back → log outcome
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from helpdesk.actions.agreement import agreement
from helpdesk.actions.ahead import Ahead, Standing
from helpdesk.actions.authorise import Authoriser, refusal
from helpdesk.actions.call import Call
from helpdesk.actions.carry_out import Agreed, CarryOut, Timing
from helpdesk.actions.catalog import Catalog
from helpdesk.actions.context import Systems, call_plugin, previewed
from helpdesk.actions.foreign import foreign_words
from helpdesk.actions.guard import Guard
from helpdesk.actions.journal import Journal
from helpdesk.actions.mask import preview_without
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.actions.rejection import rejection
from helpdesk.actions.requesting import ask_for_approval
from helpdesk.actions.unchanged import READ_DEADLINE, Unchanged, reporter
from helpdesk.errors import (
    FreshSignInNeeded,
    HelpdeskError,
    MustChangePassword,
    PluginFailure,
    Refused,
    Stale,
    UsageError,
)
from helpdesk.events import (
    Confirmation,
    Finished,
    Previewed,
    Progress,
    Question,
    Result,
)
from helpdesk.gate.authorization import Decision, Verdict
from helpdesk.gate.requests import Requests
from helpdesk.identity import Actor, Person
from helpdesk.lanes import waited
from helpdesk.plugin import Preview
from helpdesk.ports import DirectoryReader, Interaction, SignedIn, SignIn

FRESH = timedelta(minutes=5)
"""How long a sign-in counts as fresh for a risky action (R8)."""


@dataclass(slots=True)
class Runner:
    """Carries calls out for people who are signed in.

    Attributes:
        shared: requests reach their approvers from here (one machine, one account of the system).
        guard: limits and service identities.
    """

    catalog: Catalog
    authorise: Authoriser
    systems: Systems
    journal: Journal
    requests: Requests
    sign_in: SignIn
    shared: bool = False
    timing: Timing = field(default_factory=Timing)
    guard: Guard = field(default_factory=Guard)

    async def run(
        self,
        call: Call,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        dry_run: bool = False,
        case: str = "",
        standing: Standing | None = None,
        look: DirectoryReader | None = None,
    ) -> Result:
        """Run one call to its end and log it, whatever the end is.

        Args:
            dry_run: stop after the preview.
            case: what a handoff may carry of the conversation.
            standing: it was agreed to before, as one of many; nobody is asked again.
            look: what was read just now, for this row and its neighbours; with ``standing`` only.
        """
        try:
            result = await self._run(call, signed_in, interaction, dry_run, case, standing, look)
        except HelpdeskError as error:
            result = self.rejected(call.action, dict(call.arguments), signed_in.actor, error, case=call.case)
        interaction.emit(Finished(result))
        return result

    async def look_ahead(
        self,
        call: Call,
        signed_in: SignedIn,
        interaction: Interaction,
        case: str = "",
        look: DirectoryReader | None = None,
        prepared: Prepared | None = None,
    ) -> Ahead:
        """Validate, authorise and preview a call: what it means and would change now.

        Args:
            look: read from this instead of anew. prepared: the call as it was prepared just now.

        Raises:
            HelpdeskError: it could not be run as things are, with the reason.
        """
        spec, action = (prepared.spec, prepared.action) if prepared else self.catalog.action(call.action)
        self._check_must_change(spec.name, spec.while_must_change and spec.about == "self", signed_in.actor)
        interaction.emit(Progress("validate", f"Looking up what {spec.name} is about"))
        reader = look or signed_in.directory

        def authorised() -> tuple[Prepared, Decision]:
            found = prepared or prepare(call, spec, action, signed_in.actor, reader)
            return found, self.authorise(found, reader)

        found, decision = await waited(authorised)
        if decision.verdict is Verdict.DENIED:
            raise refusal(decision)
        if (whole := self.catalog.whole(spec)) is not None:
            overview = await whole.look(self, found, reader, interaction)
            decision = await waited(whole.decide, decision, overview, found, reader)
            return Ahead(found, decision, overview.preview)
        preview = None if spec.reads else await self.preview(found, reader, interaction, case)
        return Ahead(found, decision, preview)

    async def _run(
        self,
        call: Call,
        signed_in: SignedIn,
        interaction: Interaction,
        dry_run: bool,
        case: str,
        standing: Standing | None,
        look: DirectoryReader | None,
    ) -> Result:
        ahead = await self.look_ahead(call, signed_in, interaction, case, look)
        prepared, decision, preview = ahead.prepared, ahead.decision, ahead.preview
        spec = prepared.spec
        if preview is None:
            return await self._unchanged.answered(prepared, signed_in, interaction, decision.rule, case)
        if standing is not None and preview.changes:
            standing.check(ahead, self.systems.clock())
        if call.at and not ahead.waits:
            raise UsageError(
                f"{spec.name} needs no approval here, so it is carried out at once and not at a later time.",
                hint="Leave --effective-at out.",
                code="no-approval-needed",
            )
        if ahead.waits:
            return await self._request(
                prepared, preview, decision, signed_in, interaction, dry_run, standing is not None
            )
        if not preview.changes:
            return await self.nothing_to_do(prepared, preview, signed_in, interaction)
        if dry_run:
            return self._unchanged.previewed(prepared, preview, signed_in)
        if spec.reveals:
            interaction.ensure_can_reveal()
        if standing is not None:  # rights and state were read just now, and are what was agreed to
            if spec.risk == "high":
                await self.fresh(signed_in, interaction, standing.at)
            by, rule = standing.by, decision.rule
            return await self.carry_out(
                Agreed(prepared, preview, signed_in, by, rule=rule, case=case, look=look), interaction
            )
        acting = await self.fresh(signed_in, interaction) if spec.risk == "high" else signed_in
        try:
            agreed = await self._confirmed(prepared, preview, acting, interaction, case)
            return await self.carry_out(agreed, interaction)
        finally:
            if acting is not signed_in:
                acting.directory.close()

    # ── the phases ────────────────────────────────────────────────────────────────────────────

    def _check_must_change(self, action: str, open_anyway: bool, actor: Actor) -> None:
        if actor.must_change and not open_anyway:
            raise MustChangePassword(
                f"You must choose a new password before {action}.", hint="helpdesk do password.change"
            )

    async def preview(
        self, prepared: Prepared, reader: DirectoryReader, interaction: Interaction, case: str = ""
    ) -> Preview:
        """What would change, read from the live system."""
        if (whole := self.catalog.whole(prepared.spec)) is not None:
            return (await whole.look(self, prepared, reader, interaction)).preview
        function = prepared.action.preview_function
        if function is None:
            raise PluginFailure(f"{prepared.spec.name} has no preview.")
        interaction.emit(Progress("preview", "Reading the present state"))
        context = self.systems.reading(prepared, reader, reporter(interaction), case=case)
        found = await call_plugin(prepared.spec.name, function, context, prepared.keywords, READ_DEADLINE)
        preview = previewed(prepared.spec.name, found)
        if self.systems.ending is not None:
            preview = await self.systems.ending.previewed(prepared, context, preview)
        return preview_without(prepared.call.secrets.values(), preview)

    async def fresh(
        self, signed_in: SignedIn, interaction: Interaction, at: datetime | None = None
    ) -> SignedIn:
        """The same person, signed in within the last minutes; asks for the password where needed (R8).

        Args:
            at: the moment that counts; now when left out.

        Raises:
            FreshSignInNeeded: nobody is there to ask. NotSignedIn: the password was not accepted.
        """
        since = signed_in.actor.signed_in_at
        now = at or self.systems.clock()
        if since is not None and timedelta(0) <= now - since <= FRESH:
            return signed_in
        self.guard.before_password(signed_in.actor)
        question = Question(
            name="password",
            text=f"This needs a fresh sign-in. Password of {signed_in.actor.login}",
            flag="--as LOGIN --password-stdin",
            secret=True,
        )
        try:
            password = await interaction.ask_secret(question)
        except UsageError as error:
            raise FreshSignInNeeded(
                "This action needs a fresh sign-in, and nobody is there to ask for the password.",
                hint="Sign in with the command: --as LOGIN --password-stdin",
            ) from error
        again = await self.sign_in(signed_in.actor.login, password)
        if again.actor.person.id != signed_in.actor.person.id:
            again.directory.close()
            raise Refused("That is another person's account.", code="directory-rights")
        return again

    async def _confirmed(
        self,
        prepared: Prepared,
        preview: Preview,
        acting: SignedIn,
        interaction: Interaction,
        case: str,
    ) -> Agreed:
        by = await self.confirm(prepared, preview, acting.actor, interaction)
        decision = await asyncio.to_thread(self.authorise, prepared, acting.directory)
        if decision.verdict is not Verdict.ALLOWED:
            raise refusal(decision)
        await self.still_as_previewed(prepared, preview, acting.directory, interaction, case)
        return Agreed(prepared, preview, acting, by, rule=decision.rule, case=case)

    async def confirm(
        self,
        prepared: Prepared,
        preview: Preview,
        actor: Actor,
        interaction: Interaction,
        approvers: Sequence[Person] = (),
        summary: str = "",
    ) -> str:
        """Show the real values and get agreement to exactly them; returns who confirmed (L3, L4, L5, R8)."""
        if not approvers:
            await asyncio.to_thread(self.guard.before_asking, prepared, actor)
        interaction.emit(Previewed(prepared.spec.name, preview.changes))
        told = summary or preview.summary
        if prepared.call.undoes:
            told = f"Undo entry {prepared.call.undoes} of the log: {told}"
        confirmation = Confirmation(
            digest=prepared.digest(preview),
            action=prepared.spec.name,
            summary=told,
            actor=actor.login,
            target=prepared.target,
            changes=preview.changes,
            warnings=(*preview.warnings, *foreign_words(prepared, preview)),
            approvers=tuple(f"{person.name} ({person.login})" for person in approvers),
            irreversible=prepared.spec.irreversible,
        )
        confirmed = await agreement(confirmation, interaction, self.systems.clock)
        self.guard.confirmed(actor, confirmed.by)
        return confirmed.by

    async def still_as_previewed(
        self,
        prepared: Prepared,
        preview: Preview,
        reader: DirectoryReader,
        interaction: Interaction,
        case: str = "",
    ) -> None:
        """Raises Stale when the state moved while the person decided (L4)."""
        again = await self.preview(prepared, reader, interaction, case)
        if prepared.digest(again) != prepared.digest(preview):
            raise Stale(
                f"{prepared.target or 'The state'} changed while you decided, so nothing was done.",
                hint="Run it again to see the present state.",
            )

    async def carry_out(self, agreed: Agreed, interaction: Interaction) -> Result:
        await waited(self.guard.before_effect, agreed)
        return await CarryOut(self.systems, self.journal, self.timing)(agreed, interaction)

    # ── the ends that change nothing ──────────────────────────────────────────────────────────

    @property
    def _unchanged(self) -> Unchanged:
        return Unchanged(self.systems, self.journal)

    async def nothing_to_do(
        self, prepared: Prepared, preview: Preview, signed_in: SignedIn, interaction: Interaction
    ) -> Result:
        """See :meth:`Unchanged.nothing_to_do`. Raises Stale."""
        return await self._unchanged.nothing_to_do(prepared, preview, signed_in, interaction)

    async def _request(
        self,
        prepared: Prepared,
        preview: Preview,
        decision: Decision,
        signed_in: SignedIn,
        interaction: Interaction,
        dry_run: bool,
        agreed: bool,
    ) -> Result:
        """Ask for an approval: a sealed request that waits for one of the people the policy names."""
        approvers = [subject.person for subject in decision.approvers]
        if not preview.changes:
            return await self.nothing_to_do(prepared, preview, signed_in, interaction)
        if dry_run:
            return self._unchanged.previewed(prepared, preview, signed_in, approvers)
        if not agreed:
            await self.confirm(
                prepared,
                preview,
                signed_in.actor,
                interaction,
                approvers,
                summary=f"{preview.summary} This asks for approval; nothing changes until it is given.",
            )
        tickets = any(spec.name == "ticket.open" for spec in self.catalog.specs)
        ahead = Ahead(prepared, decision, preview)
        route = await waited(self.authorise.route, prepared, decision, signed_in.directory)
        return ask_for_approval(
            ahead,
            preview,
            self.requests,
            self.journal,
            self.authorise,
            shared=self.shared,
            tickets=tickets,
            route=route,
            now=self.systems.clock(),
        )

    def rejected(
        self,
        action: str,
        arguments: dict[str, Any],
        actor: Actor | None,
        error: HelpdeskError,
        request: str | None = None,
        case: str = "",
    ) -> Result:
        """The result of a call that ended in an error before any effect; logged like every call.

        Args:
            arguments: as they were given; only those that the action takes in the open are told (S1).
        """
        return rejection(self.journal, self.catalog.specs, action, arguments, actor, error, request, case)
