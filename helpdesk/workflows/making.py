"""One call of a run: whose it is, whether it still may be made, and whether it still is what was agreed to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from helpdesk.actions.authorise import refusal
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.actions.runner import Runner
from helpdesk.errors import NotFound, Refused, Stale
from helpdesk.gate.authorization import Subject, Verdict
from helpdesk.gate.requests import Request
from helpdesk.identity import Actor, Group, Person
from helpdesk.ports import DirectoryReader, Interaction, SignedIn
from helpdesk.spec import ActionSpec
from helpdesk.workflows.plan import Planned

SignsIn = Callable[[], Awaitable[SignedIn]]


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """Makes the calls of one run, for whoever asked for it and with the approvals that they got.

    Attributes:
        requester: id of whoever asked. request: id of the approved request, or "".
    """

    runner: Runner
    interaction: Interaction
    run: str
    requester: str
    request: str = ""

    async def agreed(self, call: Call, signed_in: SignedIn, planned: Planned | None) -> Agreed:
        """Prepare, authorise and preview a call, and hold it against the plan.

        Raises:
            Stale: it would not do what was agreed to. Refused: it may not be made any more. HelpdeskError.
        """
        prepared, rule, approvers = await asyncio.to_thread(self.authorised, call, signed_in)
        preview = await self.runner.preview(prepared, signed_in.directory, self.interaction)
        if planned is not None and planned.kind == "call" and prepared.digest(preview) != planned.digest:
            raise Stale(
                f"Step {planned.path} would not do what was agreed to any more: "
                f"{_moved(planned, preview.changes) or 'its state changed since'}.",
                hint="Run the workflow again: it shows what is left to do.",
            )
        return Agreed(
            prepared,
            preview,
            signed_in,
            f"run {self.run}",
            request=self.request,
            rule=rule,
            approvers=approvers,
        )

    def authorised(
        self, call: Call, signed_in: SignedIn
    ) -> tuple[Prepared, str, tuple[tuple[str, str], ...]]:
        """The call on today's directory, the rule that allows it, and whose approval that needed; blocking."""
        reader = signed_in.directory
        spec, action = self.runner.catalog.action(call.action)
        prepared = prepare(call, spec, action, self.actor(reader), reader)
        self.declared(signed_in.actor.person, spec, reader, prepared.groups.values())
        rule, approvers = self.allowed(prepared, reader)
        return prepared, rule, approvers

    def declared(
        self, worker: Person, spec: ActionSpec, reader: DirectoryReader, groups: Iterable[Group] = ()
    ) -> None:
        """Raises Refused where the worker's service identity does not declare an action; blocking."""
        refused = self.runner.authorise.services.refused(worker, spec, groups, reader)
        if refused is not None:
            raise refusal(refused)

    def actor(self, reader: DirectoryReader) -> Actor:
        """Whoever asked, as they are now; blocking. Raises Stale: they are gone."""
        try:
            return Actor(person=reader.person_by_id(self.requester))
        except NotFound as error:
            raise Stale("Whoever asked for this is not in the directory any more.") from error

    def allowed(self, prepared: Prepared, reader: DirectoryReader) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The rule that allows a call now, alone or with an approval that was given; blocking. Raises Refused."""
        decision = self.runner.authorise(prepared, reader)
        if decision.verdict is Verdict.ALLOWED:
            return decision.rule, self._approvers()
        for person in self._who_said_yes(reader):
            with_yes = self.runner.authorise(prepared, reader, self._subject(reader, person))
            if with_yes.verdict is Verdict.ALLOWED:
                return with_yes.rule, self._approvers()
        if decision.verdict is Verdict.NEEDS_APPROVAL:
            who = " or ".join(subject.person.login for subject in decision.approvers)
            raise Refused(
                f"{prepared.spec.name} needs the approval of {who}, which was not given.", rule=decision.rule
            )
        raise refusal(decision)

    def approved(self) -> Request | None:
        """The request that was approved; blocking."""
        return self.runner.requests.get(self.request) if self.request else None

    def _approvers(self) -> tuple[tuple[str, str], ...]:
        request = self.approved()
        return tuple((one.approver, one.login) for one in request.approvals) if request else ()

    def _who_said_yes(self, reader: DirectoryReader) -> list[Person]:
        request = self.approved()
        if request is None:
            return []
        ids = [one.right for one in request.approvals if one.plan == request.digest]
        people = []
        for id in dict.fromkeys(filter(None, ids)):
            try:
                people.append(reader.person_by_id(id))
            except NotFound:
                continue  # an approver who left: their yes opens nothing any more
        return people

    def _subject(self, reader: DirectoryReader, person: Person) -> Subject:
        return self.runner.authorise.roles.subject(reader, person)


def step_call(action: str, arguments: Mapping[str, Any], key: str) -> Call:
    return Call(action, dict(arguments), dict.fromkeys(arguments, Provenance.FILE), key=key)


def _moved(planned: Planned, now: Any) -> str:
    today = {(change.system, change.target, change.what): change for change in now}
    for change in planned.changes:
        found = today.get((change.system, change.target, change.what))
        if found is None:
            return f"{change.target}: {change.what} would not change now"
        if (found.before, found.after) != (change.before, change.after):
            return f"{change.target}: {change.what} is {found.before!r} now, and was {change.before!r}"
    return ""


@dataclass
class Keeping:
    """A :class:`Durably` that also says what a step kept: what the door knew before the effect.

    Attributes:
        id: of the run as it was first asked for: what is begun again at one step keeps what the ones before it did.
    """

    durably: Any
    id: str
    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.durably, name)

    async def step(self, name: str, work: Any) -> dict[str, Any]:
        found: dict[str, Any] = await self.durably.step(name, work)
        self.kept[name] = found
        return found


def moment_of(text: str) -> datetime:
    """A day, or a day with a time, as a moment in UTC. Raises ValueError."""
    found = datetime.fromisoformat(text.strip().replace(" ", "T"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
