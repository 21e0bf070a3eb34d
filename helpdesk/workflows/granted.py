"""What people do with grants: see them, keep one longer, give one back, end one, and look over who has what.

Each of these is a call through the one door with the rights of whoever asks; what ends early is taken back by the
worker, by the same way as at its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.grant import DAYS, UNTIL, told
from helpdesk.actions.runner import Runner
from helpdesk.engine import RunState, RunStatus
from helpdesk.errors import Failed, HelpdeskError, NotFound, Refused
from helpdesk.events import Finished, Outcome, Progress, Result
from helpdesk.gate.authorization import Verdict
from helpdesk.gate.roles import AUDITOR, HELPDESK
from helpdesk.lanes import waited
from helpdesk.ports import Interaction, SignedIn
from helpdesk.results import result_from
from helpdesk.spec import ActionSpec
from helpdesk.workflows.expiry import call_of
from helpdesk.workflows.grants import Grants, Kept

Follow = Callable[[str, Interaction], Awaitable[RunStatus]]
"""Watches a run to its end, or for as long as somebody would wait."""


@dataclass(frozen=True, slots=True)
class Granted:
    """Grants, as far as somebody who is signed in may see and change them."""

    runner: Runner
    grants: Grants
    follow: Follow

    # ── seeing ────────────────────────────────────────────────────────────────────────────────

    async def visible(self, signed_in: SignedIn, *, ended: bool = False) -> list[Kept]:
        """One's own grants, those on one's groups, and all of them for the service desk and auditors."""
        kept, may_see = await waited(self.grants.all, ended=ended), await waited(self._sees, signed_in)
        return [one for one in kept if may_see(one)]

    async def one(self, id: str, signed_in: SignedIn) -> Kept:
        """Raises NotFound: there is none, or it is none of theirs."""
        kept, may_see = await waited(self.grants.get, id), await waited(self._sees, signed_in)
        if not may_see(kept):
            raise NotFound(
                f"There is no grant {id!r} of yours or on a group of yours.", hint="helpdesk grants list"
            )
        return kept

    def _sees(self, signed_in: SignedIn) -> Callable[[Kept], bool]:
        reader, me = signed_in.directory, signed_in.actor.person
        roles = self.runner.authorise.roles.actor_subject(reader, signed_in.actor).roles
        if {HELPDESK, AUDITOR} & set(roles):
            return lambda _: True
        owned = {group.id for group in reader.groups_owned(me)}

        def sees(kept: Kept) -> bool:
            mine = me.id in (kept.grant.person.id, kept.grant.requester.id)
            return mine or any(group.id in owned for group in kept.grant.groups.values())

        return sees

    # ── longer ────────────────────────────────────────────────────────────────────────────────

    async def extension(
        self,
        id: str,
        signed_in: SignedIn,
        *,
        days: int | None = None,
        until: str | None = None,
        reason: str = "",
    ) -> Call:
        """The call that asks for a later end, as a new one would: with every right, and an approval where one is due.

        Raises:
            NotFound, Failed: there is no such grant, or it is over. Refused: nothing asks for it.
        """
        kept = await self.one(id, signed_in)
        grant = _still(kept).grant
        person, taking = await waited(call_of, grant, signed_in.directory)
        mine = person.id == signed_in.actor.person.id
        spec = self._asks(grant.undo, own=mine)
        if spec is None:
            raise Refused(
                f"No action gives {grant.target} anew, so {grant.id} cannot be extended.", code="no-action"
            )
        given = {**grant.arguments, **taking.arguments, "person": person.login, "reason": reason}
        given |= {DAYS: days, UNTIL: until}
        arguments = {p.name: value for p in spec.parameters if (value := given.get(p.name)) not in (None, "")}
        typed = (DAYS, UNTIL, "reason")
        return Call(
            action=spec.name,
            arguments=arguments,
            provenance={n: Provenance.TYPED if n in typed else Provenance.CHOSEN for n in arguments},
            pinned={name: id for name, id in taking.pinned.items() if name in arguments},
        )

    def _asks(self, undo: str, *, own: bool) -> ActionSpec | None:
        """The time-bound action that gives again what ``undo`` takes: for oneself, or for somebody else."""
        catalog = self.runner.catalog
        plugin = catalog.spec(undo).plugin
        specs = [spec for spec in catalog.specs if spec.time_bound and spec.plugin == plugin]
        fitting = [spec for spec in specs if (spec.parameter("person") is None) is own]
        return next(iter(fitting or specs), None)

    # ── earlier ───────────────────────────────────────────────────────────────────────────────

    async def end(
        self, id: str, signed_in: SignedIn, interaction: Interaction, *, own: bool, dry_run: bool = False
    ) -> Result:
        """End a grant before its time; logged, whatever the end is.

        Args:
            own: it is given back by whose access it is; otherwise taken away by somebody else.
        """
        name = "grants.return" if own else "grants.revoke"
        try:
            result = await self._end(id, signed_in, interaction, own, dry_run)
        except HelpdeskError as error:
            result = self.runner.rejected(name, {}, signed_in.actor, error)
        interaction.emit(Finished(result))
        return result

    async def _end(
        self, id: str, signed_in: SignedIn, interaction: Interaction, own: bool, dry_run: bool
    ) -> Result:
        kept = _still(await self.one(id, signed_in))
        grant, actor, runner = kept.grant, signed_in.actor, self.runner
        if own and grant.person.id != actor.person.id:
            raise Refused(
                f"{grant.id} is the access of {grant.person.name}, who alone gives it back.",
                hint=f"An owner of {grant.target} or the service desk ends it: helpdesk grants revoke {grant.id}",
                code="not-yours",
            )
        _, call = await waited(call_of, grant, signed_in.directory)
        ahead = await runner.look_ahead(call, signed_in, interaction)
        prepared, preview = ahead.prepared, ahead.preview
        if ahead.waits or preview is None:
            return await runner.run(call, signed_in, interaction, dry_run=dry_run)
        if not preview.changes:
            result = await runner.nothing_to_do(prepared, preview, signed_in, interaction)
            await waited(self.grants.end_now, kept, actor.login)
            return result
        if dry_run:
            result = prepared.result(
                Outcome.PREVIEWED, f"{preview.summary} Nothing was changed.", changes=preview.changes
            )
            return replace(result, entry=runner.journal.answered("preview", prepared, actor, result))
        await runner.confirm(
            prepared,
            preview,
            actor,
            interaction,
            summary=f"{preview.summary.rstrip('.')} now, and not only on {told(grant.ends)} ({grant.id}).",
        )
        decision = await waited(runner.authorise, prepared, signed_in.directory)
        if decision.verdict is not Verdict.ALLOWED:
            raise Refused(decision.reason, hint=decision.hint, rule=decision.rule)
        await runner.still_as_previewed(prepared, preview, signed_in.directory, interaction)
        runner.journal.decided(grant.id, "ended", actor, prepared.digest(preview), "")
        ending = await waited(self.grants.end_now, kept, actor.login)
        interaction.emit(Progress("execute", "The worker takes it back"))
        status = await self.follow(ending.run.id, interaction)
        return self._ended(status, prepared.result(Outcome.ACCEPTED, ""), grant.id)

    def _ended(self, status: RunStatus, waiting: Result, id: str) -> Result:
        kept = (status.result or {}).get("result")
        if status.state is RunState.DONE and kept is not None:
            return result_from(kept)
        trouble = str((status.note or {}).get("trouble", "")) or status.error
        why = f" So far: {trouble}" if trouble else ""
        return replace(
            waiting,
            message=f"It is logged that {id} ends now; the worker takes it back as soon as it can.{why} "
            f"helpdesk grants show {id} tells when it is done.",
        )


def _still(kept: Kept) -> Kept:
    """Raises Failed for what is over."""
    if not kept.live:
        raise Failed(
            f"{kept.grant.id} is over: {kept.how or kept.standing.value}",
            hint="Whoever needs it again asks anew: helpdesk do",
            code="stale",
        )
    return kept


def late_by(kept: Kept, now: datetime) -> int:
    """For how many whole seconds it should have been gone."""
    return max(int((now - kept.grant.ends).total_seconds()), 0)
