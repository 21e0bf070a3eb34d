"""``log rotate`` and ``log retain``: a segment of the log is closed, and old ones leave it.

Like ``log erase`` these are no actions of a plugin, and go through the same phases as every call: authorise, preview,
confirm, authorise again, log, read back. The entry that tells of it and the change are one transaction.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from helpdesk.actions.agreement import agreement
from helpdesk.actions.auditors import auditors_only
from helpdesk.actions.erase import scrub
from helpdesk.actions.runner import Runner
from helpdesk.canonical import digest
from helpdesk.errors import Failed, HelpdeskError, Stale, UsageError
from helpdesk.events import Change, Confirmation, Finished, Observation, Outcome, Previewed, Result
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_links import digest_of
from helpdesk.gate.audit_retain import Removal
from helpdesk.gate.audit_rotate import Extent
from helpdesk.gate.audit_search import SearchIndex
from helpdesk.gate.shipping import Shipping
from helpdesk.identity import Actor
from helpdesk.ports import Clock, Interaction, SignedIn

ROTATE, RETAIN = "log.rotate", "log.retain"
_MAY = {ROTATE: "close a segment of the log", RETAIN: "remove old segments of the log"}


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Rotation and retention, for an auditor.

    Attributes:
        shipping: says what is known outside. keep_days: of ``[log]``.
    """

    runner: Runner
    search: SearchIndex
    shipping: Shipping
    clock: Clock
    keep_days: int | None = None

    @property
    def audit(self) -> AuditLog:
        return self.runner.journal.audit

    async def rotate(self, signed_in: SignedIn, interaction: Interaction, *, dry_run: bool = False) -> Result:
        """Close a segment with everything that is logged now; logged, whatever the end is."""
        job = _Rotation(self.audit)
        return await self._done(job, signed_in, interaction, dry_run)

    async def retain(
        self,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        days: int | None = None,
        dry_run: bool = False,
    ) -> Result:
        """Remove segments whose entries are all older than so many days; logged, whatever the end is.

        Args:
            days: to keep; those of the configuration when left out.
        """
        job = _Retention(self, self.keep_days if days is None else days)
        return await self._done(job, signed_in, interaction, dry_run)

    async def _done(self, job: _Job, signed_in: SignedIn, interaction: Interaction, dry_run: bool) -> Result:
        try:
            result = await self._carried_out(job, signed_in, interaction, dry_run)
        except HelpdeskError as error:
            result = self.runner.rejected(job.action, {}, signed_in.actor, error)
        interaction.emit(Finished(result))
        return result

    async def _carried_out(
        self, job: _Job, signed_in: SignedIn, interaction: Interaction, dry_run: bool
    ) -> Result:
        def authorised(who: SignedIn) -> None:
            auditors_only(self.runner, who, job.action, _MAY[job.action])

        await asyncio.to_thread(authorised, signed_in)
        change = await asyncio.to_thread(job.look)
        if change is None:
            return await asyncio.to_thread(self._logged, "read", job, signed_in.actor, job.nothing())
        if dry_run:
            result = Result(
                outcome=Outcome.PREVIEWED,
                action=job.action,
                message=f"{job.summary} Nothing was changed.",
                changes=(change,),
            )
            return await asyncio.to_thread(self._logged, "preview", job, signed_in.actor, result)
        acting = await self.runner.fresh(signed_in, interaction)
        try:
            interaction.emit(Previewed(job.action, (change,)))
            by = await _confirmed(job, change, acting.actor, interaction, self.clock)
            await asyncio.to_thread(authorised, acting)
            body = {
                "action": job.action,
                "actor_id": acting.actor.person.id,
                "outcome": Outcome.DONE.value,
                "confirmed_by": by,
            }
            result = await asyncio.to_thread(job.do, body, {"actor": acting.actor.login})
            if job.forgets:
                await asyncio.to_thread(scrub, self.audit, interaction)
            return replace(result, changes=(change,))
        finally:
            if acting is not signed_in:
                acting.directory.close()

    def _logged(self, kind: str, job: _Job, actor: Actor, result: Result) -> Result:
        body = {"action": job.action, "actor_id": actor.person.id, "outcome": result.outcome.value}
        return replace(result, entry=self.audit.append(kind, body, {"actor": actor.login}))


async def _confirmed(job: _Job, change: Change, actor: Actor, interaction: Interaction, clock: Clock) -> str:
    confirmation = Confirmation(
        digest=digest({"action": job.action, "what": job.identity()}),
        action=job.action,
        summary=job.summary,
        actor=actor.login,
        target=change.target,
        changes=(change,),
        warnings=job.warnings,
        irreversible=job.forgets,
    )
    return (await agreement(confirmation, interaction, clock)).by


class _Job(ABC):
    """One of the two. ``look`` is asked first, and says what would change, or ``None``.

    Attributes:
        forgets: names go, so the files are written anew afterwards.
    """

    action = ""
    forgets = False
    summary = ""
    warnings: tuple[str, ...] = ()

    @abstractmethod
    def look(self) -> Change | None:
        """What would change, or ``None``."""

    @abstractmethod
    def nothing(self) -> Result:
        """What is said when nothing would."""

    @abstractmethod
    def identity(self) -> list[Any]:
        """What is confirmed, as plain values."""

    @abstractmethod
    def do(self, body: dict[str, Any], personal: dict[str, str]) -> Result:
        """Do it, and log it; how it ended."""


class _Rotation(_Job):
    action = ROTATE

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._extent: Extent | None = None

    def look(self) -> Change | None:
        found = self._audit.extent()
        if found.entries < 2:
            return None
        self._extent = found
        span = f"{found.first}-{found.last}"
        self.summary = (
            f"Close entries {found.first} to {found.last} as a segment, with what is logged until it is done."
        )
        return Change("log", span, "entries", "in the live file", "in a closed segment")

    def nothing(self) -> Result:
        return _nothing(ROTATE, "Nothing was logged since the last segment was closed.")

    def identity(self) -> list[Any]:
        """What is logged until then goes along, so only where it begins counts."""
        assert self._extent is not None
        return [self._extent.first]

    def do(self, body: dict[str, Any], personal: dict[str, str]) -> Result:
        assert self._extent is not None
        if self._audit.extent().first != self._extent.first:
            raise Stale("Somebody else closed a segment while you decided.", hint="Run it again.")
        done = self._audit.rotate(body, personal)
        if done is None:
            raise Failed("There was nothing to close any more.", hint="helpdesk log segments", code="nothing")
        segment, entry = done
        path = segment.path(self._audit.folder)
        digest = digest_of(path) if path.is_file() else "missing"
        seen = Observation("log", segment.file, "digest", segment.digest, digest)
        return Result(
            outcome=Outcome.DONE if digest == segment.digest else Outcome.UNKNOWN,
            action=ROTATE,
            message=f"Segment {segment.number} is closed: entries {segment.first} to {segment.last}, in "
            f"segments/{segment.file}.",
            receipt=(seen,),
            data={"segment": {**segment.told(), "file": segment.file}},
            entry=entry,
        )


class _Retention(_Job):
    action = RETAIN
    forgets = True
    warnings = (
        "What the removed entries say cannot be read, proved or undone here any more.",
        "Exports, backups and proofs that were handed out keep what they hold.",
    )

    def __init__(self, upkeep: Upkeep, days: int | None) -> None:
        self._upkeep = upkeep
        self._audit = upkeep.audit
        self._days = days
        self._before = datetime.min.replace(tzinfo=UTC)
        self._removal = Removal(())

    def look(self) -> Change | None:
        if self._days is None:
            raise UsageError(
                "How long the log is kept is not said.",
                hint="Set keep_days in [log], or give --keep-days N.",
                code="keep-days",
            )
        if not self._upkeep.shipping:
            raise Failed(
                "Nothing may leave the log while no checkpoint of it is known outside this machine.",
                hint="Name a place in [log] checkpoints first.",
                code="not-outside",
            )
        self._before = self._upkeep.clock() - timedelta(days=self._days)
        self._removal = self._found()
        if not self._removal.segments:
            return None
        first, last = self._removal.first, self._removal.last
        self.summary = (
            f"Remove entries {first} to {last} from the log for good: {_count(self._removal)}, "
            f"logged from {self._removal.segments[0].began[:10]} to {self._removal.segments[-1].ended[:10]}."
        )
        return Change("log", f"{first}-{last}", "entries", "kept", "removed")

    def _found(self) -> Removal:
        self._upkeep.shipping.flush()
        return self._audit.removable(
            self._before, self._upkeep.shipping.proven_up_to(self._audit.public_key())
        )

    def nothing(self) -> Result:
        why = self._removal.why or f"No closed segment is older than {self._days} days."
        return _nothing(RETAIN, f"Nothing is to be removed. {why}")

    def identity(self) -> list[Any]:
        return [one.digest for one in self._removal.segments]

    def do(self, body: dict[str, Any], personal: dict[str, str]) -> Result:
        if self._found().segments[: len(self._removal.segments)] != self._removal.segments:
            raise Stale("The log changed while you decided, so nothing was removed.", hint="Run it again.")
        with self._upkeep.search.erasing():
            entry = self._audit.remove(self._removal, {**body, "keep_days": self._days}, personal)
        left = [one.file for one in self._removal.segments if one.path(self._audit.folder).exists()]
        seen = Observation(
            "log",
            f"{self._removal.first}-{self._removal.last}",
            "entries",
            "removed",
            f"{', '.join(left)} left" if left else "removed",
        )
        message = (
            f"Entries {self._removal.first} to {self._removal.last} are removed: {_count(self._removal)}."
        )
        if self._removal.why:
            message += f" More would be old enough: {self._removal.why}"
        return Result(
            outcome=Outcome.PARTIAL if left else Outcome.DONE,
            action=RETAIN,
            message=message,
            receipt=(seen,),
            data={"removed": {"first": self._removal.first, "last": self._removal.last}},
            entry=entry,
        )


def _count(removal: Removal) -> str:
    count = len(removal.segments)
    return f"{removal.entries} entries in {count} segment{'s' * (count != 1)}"


def _nothing(action: str, message: str) -> Result:
    seen = Observation("log", "log", "to do", "nothing", "nothing")
    return Result(outcome=Outcome.DONE, action=action, message=message, receipt=(seen,))
