"""Letting somebody stand in for oneself, and taking that back: confirmed, signed in freshly, logged, read back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from helpdesk.actions.agreement import agreement
from helpdesk.actions.prepare import find_person
from helpdesk.actions.runner import Runner
from helpdesk.canonical import digest
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.events import Change, Confirmation, Finished, Observation, Outcome, Previewed, Result
from helpdesk.gate.delegations import Delegation
from helpdesk.identity import Actor
from helpdesk.ports import Interaction, SignedIn
from helpdesk.text import local_time

GIVE, REVOKE = "approvals.delegate", "approvals.revoke"
SYSTEM = "requests"


@dataclass(frozen=True, slots=True)
class Delegating:
    """These are no actions of a plugin: they change who may say yes, so no policy file may loosen them."""

    runner: Runner

    async def give(
        self,
        taker: str,
        begins: datetime,
        ends: datetime,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        dry_run: bool = False,
    ) -> Result:
        """Let somebody stand in from one moment to another."""
        arguments = {"person": taker, "from": begins.isoformat(), "until": ends.isoformat()}

        async def work() -> Result:
            return await self._give(taker, begins, ends, signed_in, interaction, dry_run)

        return await self._ended(GIVE, arguments, signed_in.actor, interaction, work)

    async def revoke(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool = False
    ) -> Result:
        """Take one's own delegation back, at once."""

        async def work() -> Result:
            return await self._revoke(id, signed_in, interaction, dry_run)

        return await self._ended(REVOKE, {"delegation": id}, signed_in.actor, interaction, work)

    async def _give(
        self,
        taker: str,
        begins: datetime,
        ends: datetime,
        signed_in: SignedIn,
        interaction: Interaction,
        dry_run: bool,
    ) -> Result:
        runner = self.runner
        person = await asyncio.to_thread(find_person, taker, signed_in.directory)
        if runner.authorise.services.of(person) is not None:
            raise NotFound(f"{person.login} is a service identity, and those approve nothing.")
        giver = signed_in.actor.person
        span = f"from {local_time(begins)} until {local_time(ends)}"
        change = Change(SYSTEM, person.login, f"stands in for {giver.login}", "no", span)
        result = Result(
            Outcome.PREVIEWED, GIVE, f"{person.name} would stand in for you {span}.", {"person": person.login}
        )
        if dry_run:
            return replace(result, changes=(change,))
        acting = await self._agreed(GIVE, result.message, person.login, change, signed_in, interaction)
        delegations = runner.requests.delegations
        made = await asyncio.to_thread(delegations.give, giver, person, begins, ends)
        try:
            entry = runner.journal.delegated(made.id, "given", acting, span, person)
        except HelpdeskError:
            await asyncio.to_thread(delegations.revoke, made.id, giver.id)
            raise
        kept = await asyncio.to_thread(delegations.get, made.id)
        seen = span if kept == made else "something else"
        return replace(
            result,
            outcome=Outcome.DONE if kept == made else Outcome.UNKNOWN,
            message=f"{person.name} stands in for you {span}: {made.id}.",
            receipt=(Observation(SYSTEM, person.login, change.what, span, seen),),
            entry=entry,
            data=document(kept),
        )

    async def _revoke(self, id: str, signed_in: SignedIn, interaction: Interaction, dry_run: bool) -> Result:
        runner, giver = self.runner, signed_in.actor.person
        delegations = runner.requests.delegations
        found = await asyncio.to_thread(delegations.get, id)
        if giver.id not in (found.giver, found.taker):
            raise NotFound(f"There is no delegation {id!r} of yours.", hint="helpdesk approvals delegations")
        change = Change(SYSTEM, found.taker_name, f"stands in for {found.giver_name}", "yes", "no")
        result = Result(
            Outcome.PREVIEWED, REVOKE, f"{found.taker_name} would stand in no more.", {"delegation": found.id}
        )
        if dry_run:
            return replace(result, changes=(change,))
        acting = await self._agreed(REVOKE, result.message, found.id, change, signed_in, interaction)
        entry = runner.journal.delegated(found.id, "revoked", acting, "", None)
        await asyncio.to_thread(delegations.revoke, found.id, giver.id)
        kept = await asyncio.to_thread(delegations.get, found.id)
        return replace(
            result,
            outcome=Outcome.DONE,
            message=f"{found.taker_name} stands in no more: {found.id} is taken back.",
            receipt=(
                Observation(SYSTEM, found.taker_name, change.what, "no", "no" if kept.revoked else "yes"),
            ),
            entry=entry,
            data=document(kept),
        )

    async def _agreed(
        self,
        action: str,
        summary: str,
        target: str,
        change: Change,
        signed_in: SignedIn,
        interaction: Interaction,
    ) -> Actor:
        """Signed in freshly, and agreed to exactly this."""
        acting = await self.runner.fresh(signed_in, interaction)
        if acting is not signed_in:
            acting.directory.close()
        interaction.emit(Previewed(action, (change,)))
        confirmation = Confirmation(
            digest=digest({"action": action, "target": target, "after": change.after}),
            action=action,
            summary=summary,
            actor=acting.actor.login,
            target=target,
            changes=(change,),
        )
        confirmed = await agreement(confirmation, interaction, self.runner.systems.clock)
        self.runner.guard.confirmed(acting.actor, confirmed.by)
        return acting.actor

    async def _ended(
        self,
        action: str,
        arguments: dict[str, str],
        actor: Actor,
        interaction: Interaction,
        work: Callable[[], Awaitable[Result]],
    ) -> Result:
        try:
            result = await work()
        except HelpdeskError as error:
            result = self.runner.rejected(action, dict(arguments), actor, error)
        interaction.emit(Finished(result))
        return result


def document(one: Delegation) -> dict[str, str | bool | None]:
    """A delegation as ``--json`` prints it."""
    return {
        "id": one.id,
        "giver": one.giver_name,
        "stands_in": one.taker_name,
        "from": one.begins,
        "until": one.ends,
        "revoked": one.revoked or None,
    }
