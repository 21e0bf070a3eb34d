"""``log erase``: a person's names and texts leave the log, for good, and the log says that they did.

No action of a plugin: what it changes is the program's own record, so its rule is not for a site's policy to loosen.
It goes through the same phases as every call: authorise, preview, confirm, authorise again, log, read back. The
entry that tells of it and the erasure are one transaction: there is neither without the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from helpdesk.actions.agreement import agreement
from helpdesk.actions.auditors import auditors_only
from helpdesk.actions.runner import Runner
from helpdesk.canonical import digest
from helpdesk.errors import (
    Ambiguous,
    Failed,
    HelpdeskError,
    LogUnavailable,
    NotFound,
    Refused,
    Stale,
)
from helpdesk.events import (
    Change,
    Confirmation,
    Finished,
    Observation,
    Outcome,
    Previewed,
    Progress,
    Result,
    Warned,
)
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_erase import Value
from helpdesk.gate.audit_found import Tell, quiet
from helpdesk.gate.audit_search import SearchIndex
from helpdesk.identity import Actor, Person
from helpdesk.ports import DirectoryReader, Interaction, SignedIn

ACTION = "log.erase"
_LEAST = 4
"""An employee number shorter than this stands for too much else."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Whose values are meant.

    Attributes:
        id: the permanent id; "" where the log never learned one. label: how a person names them.
        names: what they are mentioned by. person: their entry, where the directory still has it.
    """

    id: str
    label: str
    names: frozenset[str]
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """Erases one person's values, for an auditor."""

    runner: Runner
    search: SearchIndex
    tell: Tell = quiet

    @property
    def audit(self) -> AuditLog:
        return self.runner.journal.audit

    async def __call__(
        self,
        who: str,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        dry_run: bool = False,
        tell: Tell = quiet,
    ) -> Result:
        """Preview, confirm and erase; logged, whatever the end is.

        Args:
            who: a login or a permanent id; also of somebody whom the directory no longer has.
            tell: is given how far each look through the log is, in entries.
        """
        try:
            result = await replace(self, tell=tell)._erase(who, signed_in, interaction, dry_run)
        except HelpdeskError as error:
            result = self.runner.rejected(ACTION, {}, signed_in.actor, error)
        interaction.emit(Finished(result))
        return result

    async def _erase(self, who: str, signed_in: SignedIn, interaction: Interaction, dry_run: bool) -> Result:
        await asyncio.to_thread(self._authorise, signed_in)
        interaction.emit(Progress("preview", "Reading the log"))
        erased = await asyncio.to_thread(self._whose, who, signed_in.directory)
        _not_oneself(erased, signed_in.actor)
        values = await asyncio.to_thread(self._planned, erased)
        if not values:
            return await asyncio.to_thread(self._nothing, erased, signed_in.actor, interaction)
        if dry_run:
            return await asyncio.to_thread(self._previewed, erased, values, signed_in.actor)
        acting = await self.runner.fresh(signed_in, interaction)
        try:
            by = await self._confirmed(erased, values, acting, interaction)
            await asyncio.to_thread(self._authorise, acting)
            return await asyncio.to_thread(self._carry_out, erased, values, acting.actor, by, interaction)
        finally:
            if acting is not signed_in:
                acting.directory.close()

    # ── who may, and whose ────────────────────────────────────────────────────────────────────

    def _authorise(self, signed_in: SignedIn) -> None:
        """Raises Refused for everybody who is no auditor at this moment (D9)."""
        auditors_only(self.runner, signed_in, ACTION, "erase names from the log")

    def _whose(self, who: str, reader: DirectoryReader) -> Erased:
        """Raises NotFound, Ambiguous."""
        person = _person(who, reader)
        if person is not None:
            number = person.employee_number if len(person.employee_number) >= _LEAST else ""
            names = {
                person.login,
                person.name,
                person.mail,
                number,
                *self.audit.logins_of(person.id, self.tell),
            }
            return Erased(person.id, person.login, frozenset(names - {""}), person)
        ids = self.audit.ids_of(who, self.tell)
        if len(ids) > 1:
            raise Ambiguous(
                f"The log knows {len(ids)} accounts that were called {who}.",
                hint=f"Name one by its id: {', '.join(sorted(ids)[:5])}",
            )
        if ids:
            (id,) = ids
            return Erased(id, who, frozenset({who, *self.audit.logins_of(id, self.tell)}))
        logins = self.audit.logins_of(who, self.tell)
        if logins:
            return Erased(who, sorted(logins)[0], frozenset(logins))
        unknown = Erased("", who, frozenset({who}))
        if not self.audit.values_of("", unknown.names, self.tell):
            raise NotFound(f"Neither the directory nor the log knows {who}.", hint="Give a login or an id.")
        return unknown

    def _planned(self, erased: Erased) -> list[Value]:
        """What would be erased. Raises Failed while something of it is still needed."""
        values = self.audit.values_of(erased.id, erased.names, self.tell)
        numbers = {seq for seq, _ in values}
        still = [entry.seq for entry in self.audit.open_intents() if entry.seq in numbers]
        if still:
            raise Failed(
                f"Entry {still[0]} is about something whose outcome is not known yet, and is needed to read it back.",
                hint="helpdesk reconcile",
                code="open",
            )
        return values

    # ── the phases ────────────────────────────────────────────────────────────────────────────

    async def _confirmed(
        self, erased: Erased, values: Sequence[Value], acting: SignedIn, interaction: Interaction
    ) -> str:
        changes = (_change(erased, values),)
        interaction.emit(Previewed(ACTION, changes))
        confirmation = Confirmation(
            digest=_digest(erased, values),
            action=ACTION,
            summary=f"Erase the names and texts of {erased.label} from the log. Ids and what was done stay.",
            actor=acting.actor.login,
            target=erased.label,
            changes=changes,
            warnings=("Exports, backups and proofs that were handed out keep what they hold.",),
            irreversible=True,
        )
        return (await agreement(confirmation, interaction, self.runner.systems.clock)).by

    def _carry_out(
        self, erased: Erased, values: Sequence[Value], actor: Actor, by: str, interaction: Interaction
    ) -> Result:
        with self.search.erasing():
            if _digest(erased, self._planned(erased)) != _digest(erased, values):
                raise Stale(
                    "The log grew by something about them while you decided, so nothing was erased.",
                    hint="Run it again.",
                )
            entries = len({seq for seq, _ in values})
            body = {
                "action": ACTION,
                "actor_id": actor.person.id,
                "person_id": erased.id,
                "outcome": Outcome.DONE.value,
                "confirmed_by": by,
                "digest": _digest(erased, values),
                "entries": entries,
                "values": len(values),
            }
            seq = self.audit.erase(values, body, {"actor": actor.login})
        self._scrub(interaction)
        left = len(self.audit.values_of(erased.id, erased.names, self.tell))
        seen = Observation(
            "log", erased.label, "personal values", "erased", f"{left} left" if left else "erased"
        )
        result = _result(
            Outcome.PARTIAL if left else Outcome.DONE,
            f"{len(values)} values in {entries} entries are erased. The log is whole without them.",
            erased,
        )
        return replace(result, entry=seq, receipt=(seen,), changes=(_change(erased, values),))

    def _scrub(self, interaction: Interaction) -> None:
        scrub(self.audit, interaction)

    def _previewed(self, erased: Erased, values: Sequence[Value], actor: Actor) -> Result:
        change = _change(erased, values)
        result = _result(Outcome.PREVIEWED, f"{change.before} would be erased. Nothing was changed.", erased)
        return replace(result, changes=(change,), entry=self._logged("preview", erased, actor, result))

    def _nothing(self, erased: Erased, actor: Actor, interaction: Interaction) -> Result:
        """Nothing is left; an erasure that was cut short is finished all the same."""
        with self.search.erasing():
            pass
        self._scrub(interaction)
        seen = Observation("log", erased.label, "personal values", "erased", "erased")
        result = _result(Outcome.DONE, f"The log holds no names or texts of {erased.label}.", erased)
        return replace(result, receipt=(seen,), entry=self._logged("read", erased, actor, result))

    def _logged(self, kind: str, erased: Erased, actor: Actor, result: Result) -> int:
        """Without any name but the auditor's: the log must not learn anew what it is to forget."""
        body = {
            "action": ACTION,
            "actor_id": actor.person.id,
            "person_id": erased.id,
            "outcome": result.outcome.value,
        }
        return self.audit.append(kind, body, {"actor": actor.login})


def scrub(audit: AuditLog, interaction: Interaction) -> None:
    """What was erased stays erased, whatever becomes of this; what is left to do is said."""
    interaction.emit(Progress("scrub", "Writing the log's file anew"))
    try:
        why = "" if audit.scrub() else "another program is reading it"
    except LogUnavailable as error:
        why = error.message
    if why:
        interaction.emit(
            Warned(
                f"A copy of what was erased may still be in the log's files: {why}",
                "Run it again in a moment.",
            )
        )


def _person(who: str, reader: DirectoryReader) -> Person | None:
    """Somebody by login or id, where the directory has them. Raises Ambiguous."""
    for look_up in (reader.person, reader.person_by_id):
        try:
            return look_up(who)
        except NotFound:
            continue
    return None


def _not_oneself(erased: Erased, actor: Actor) -> None:
    """Nobody takes their own traces away, with a second account neither."""
    number = actor.person.employee_number
    same = erased.person is not None and number and erased.person.employee_number == number
    if erased.id == actor.person.id or same:
        raise Refused(
            "Nobody erases their own names from the log.",
            hint="Ask another auditor.",
            rule="log-erase-not-oneself",
        )


def _change(erased: Erased, values: Sequence[Value]) -> Change:
    entries = len({seq for seq, _ in values})
    return Change("log", erased.label, "personal values", f"{len(values)} in {entries} entries", "erased")


def _digest(erased: Erased, values: Sequence[Value]) -> str:
    return digest({"action": ACTION, "person": erased.id, "values": [[seq, name] for seq, name in values]})


def _result(outcome: Outcome, message: str, erased: Erased) -> Result:
    return Result(outcome=outcome, action=ACTION, message=message, arguments={"person": erased.label})
