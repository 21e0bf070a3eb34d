"""What was given for a time is taken back at its end, and that is proven by reading back (V5).

The grant was agreed to with its end, by whoever let it be given; so no policy that is altered later keeps what should
be gone, and no limit holds it up. What the worker may not do by its declaration, or by the directory's rights, it does
not do: then the grant is overdue, which is said wherever grants, workers and the state of things are shown, and is
tried again until it is done.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from helpdesk.actions.authorise import refusal
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.carry_out import Agreed
from helpdesk.actions.grant import Grant, Named, told
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.actions.runner import Runner
from helpdesk.engine import Document, Durably, Run
from helpdesk.errors import Ambiguous, HelpdeskError, NotFound, NotSignedIn, Refused, Stale
from helpdesk.events import Outcome, Result
from helpdesk.identity import Actor, Person
from helpdesk.lanes import waited
from helpdesk.ports import Clock, DirectoryReader, SignedIn
from helpdesk.results import result_document
from helpdesk.workflows.door import DurableDoor, Look
from helpdesk.workflows.grants import KIND, LATE, Grants

RULE = "access-ends"
"""The rule that the log names for an end: it was agreed to with the grant."""
BY = "expiry"
_EARLY = timedelta(seconds=2)
_PAUSES = (5.0, 15.0)
_REFUSED_PAUSES = (15.0, 600.0)


class Gate:
    """Whether the directory answers the worker, asked by one at a time: a thousand that wait for it ask nothing.

    Args:
        acting: signs in as the worker.
    """

    def __init__(self, acting: Callable[[], Awaitable[SignedIn]], every: float = 5.0) -> None:
        self._acting = acting
        self._every = every
        self._open_until = self._next = 0.0
        self._why = ""

    async def trouble(self) -> str:
        """Why the directory cannot be used now; "" when it can."""
        now = time.monotonic()
        if now < self._open_until:
            return ""
        if now < self._next and self._why:
            return self._why
        self._next = now + self._every
        try:
            await self._acting()
        except NotSignedIn as error:
            self._why, self._next = error.message, now + 12 * self._every  # no password is tried often (R9)
        except HelpdeskError as error:
            self._why = error.message
        else:
            self._why, self._open_until = "", time.monotonic() + self._every
        return self._why

    def shut(self) -> None:
        """Something got no answer: the next one asks first."""
        self._open_until = self._next = 0.0


@dataclass(frozen=True, slots=True)
class Expiry:
    """The handler of runs of the kind "expiry".

    Args:
        door: of the worker. gate: whether the directory answers it.
        clock: now, UTC, which never goes back (:class:`helpdesk.workflows.expiry_watch.Steady`).
        notice: told once of each grant that should be gone and is not, with the reason.
        over: told of each grant that has ended, and how.
    """

    runner: Runner
    grants: Grants
    door: DurableDoor
    gate: Gate
    clock: Clock
    notice: Callable[[Grant, str], None] | None = None
    over: Callable[[Grant, str], None] | None = None
    pauses: tuple[float, float] = field(default=_PAUSES)

    async def __call__(self, durably: Durably, document: Document) -> Document:
        """End one grant; how it ended, as a document.

        Raises:
            Refused: the grant is under no seal of a listed host.
        """
        try:
            grant = self.grants.opened(durably.id, document)
        except Refused as error:
            await self._refused(durably, error)
            raise
        told_of = False
        for attempt in count(1):
            seen = await durably.step(f"look:{attempt}", lambda: self._seen(grant))
            if seen["early"]:
                return await self._not_yet(durably, grant, document)
            if seen["newer"]:
                return await self._ended(durably, grant, "replaced", f"{seen['newer']} holds instead.")
            trouble, pause = str(seen["trouble"]), self.pauses
            if not trouble:
                result = await self._taken_back(durably, grant, f"take:{attempt}")
                if result.outcome is Outcome.DONE:
                    return await self._ended(durably, grant, "ended", result.message, result)
                trouble = result.message
                if result.outcome is not Outcome.UNREACHABLE:
                    pause = (
                        max(pause[0], min(_REFUSED_PAUSES[0], pause[1])),
                        max(pause[1], _REFUSED_PAUSES[1]),
                    )
            await durably.note({"trouble": trouble, "tries": attempt})
            told_of = await self._say(durably, grant, trouble, told_of)
            now = await durably.now()
            await durably.sleep_until(now + _pause(attempt, pause))
        raise AssertionError("it counts for ever")

    # ── one try ───────────────────────────────────────────────────────────────────────────────

    async def _seen(self, grant: Grant) -> Document:
        """Whether its moment has come, whether something newer holds instead, and whether the directory answers."""
        early = self.clock() < grant.ends - _EARLY and not grant.ended_by
        try:
            newer = "" if early else await waited(self._newer, grant)
        except HelpdeskError as error:  # the store is away for a moment; without it nobody knows
            return {"early": False, "newer": "", "trouble": error.message}
        trouble = "" if early or newer else await self.gate.trouble()
        return {"early": early, "newer": newer, "trouble": trouble}

    def _newer(self, grant: Grant) -> str:
        """The grant of the same thing that was given later and ends later: extended, or given anew; blocking."""
        if grant.ended_by:
            return ""
        later = [
            one
            for one in self.grants.live(grant.thing)
            if one.id != grant.id and one.given >= grant.given and one.ends > grant.ends
        ]
        return later[0].id if later else ""

    async def _taken_back(self, durably: Durably, grant: Grant, name: str) -> Result:
        arguments = dict(grant.takes)
        result = await self.door(
            durably, name, self._look(grant, f"{durably.id}:{name}"), action=grant.undo, arguments=arguments
        )
        if result.outcome is Outcome.UNREACHABLE:
            self.gate.shut()
        if result.error is not None and result.error.code == GONE:
            return Result(Outcome.DONE, grant.undo, result.message, arguments, entry=result.entry)
        return result

    def _look(self, grant: Grant, key: str) -> Look:
        async def look(signed_in: SignedIn) -> Agreed:
            prepared = await waited(self._prepared, grant, key, signed_in)
            refused = await waited(self._undeclared, prepared, signed_in)
            if refused is not None:
                raise refused
            preview = await self.runner.preview(prepared, signed_in.directory, self.door.interaction)
            return Agreed(prepared, preview, signed_in, BY, rule=RULE)

        return look

    def _undeclared(self, prepared: Prepared, signed_in: SignedIn) -> Refused | None:
        services, worker = self.runner.authorise.services, signed_in.actor.person
        decision = services.refused(worker, prepared.spec, prepared.groups.values(), signed_in.directory)
        return refusal(decision) if decision is not None else None

    def _prepared(self, grant: Grant, key: str, signed_in: SignedIn) -> Prepared:
        """The call that takes it back, as the person's own; blocking. Raises Refused ("gone")."""
        spec, action = self.runner.catalog.action(grant.undo)
        reader, undoes = signed_in.directory, self._undoes(grant)
        try:  # nearly always they are still called what they were; their ids are compared all the same
            person = reader.person_by_id(grant.person.id)
            call = _call(grant, grant.takes, key, undoes)
            return prepare(call, spec, action, Actor(person=person), reader)
        except (NotFound, Ambiguous, Stale):
            person, call = call_of(grant, reader, key=key, undoes=undoes)
            return prepare(call, spec, action, Actor(person=person), reader)

    def _undoes(self, grant: Grant) -> int:
        """The entry of this host's log that gave it; 0 where another host's log holds it; blocking."""
        audit = self.runner.journal.audit
        ending = self.runner.systems.ending
        if not grant.entry or ending is None or grant.log != ending.log():
            return 0
        outcomes = audit.outcomes_of(grant.entry)
        return outcomes[-1].seq if outcomes else 0

    # ── how it ends ───────────────────────────────────────────────────────────────────────────

    async def _ended(
        self, durably: Durably, grant: Grant, end: str, how: str, result: Result | None = None
    ) -> Document:
        with suppress(HelpdeskError):  # what is left waits for its own moment, and finds nothing to take
            await waited(self.grants.tidy, durably.id)
        if end == "ended" and self.over is not None:
            await waited(self.over, grant, how)  # told twice is told once
        late = max(int((self.clock() - grant.ends).total_seconds()), 0)
        if grant.ended_by and end == "ended":
            how = f"{how} {grant.ended_by} ended it before its time."
        document: Document = {"end": end, "how": how, "entry": None, "late": late, "grant": grant.id}
        if result is not None:
            document |= {"entry": result.entry, "result": result_document(result)}
        return document

    async def _not_yet(self, durably: Durably, grant: Grant, document: Document) -> Document:
        """Its run began before its end, by a clock that was wrong or a store that was altered: it waits on."""
        number = int(durably.id.partition("~")[2] or 1) + 1
        again = f"{grant.id}~{number}"
        await durably.start(Run(again, KIND, document, at=grant.ends))
        return {"end": "not-yet", "how": f"It ends on {told(grant.ends)}.", "entry": None, "grant": grant.id}

    async def _say(self, durably: Durably, grant: Grant, trouble: str, told_of: bool) -> bool:
        """Tell of a grant that should be gone, once."""
        if told_of:
            return True

        async def tell() -> Document:
            late = self.clock() - grant.ends > LATE
            if late and self.notice is not None:
                await waited(self.notice, grant, trouble)
            return {"told": late}

        return bool((await durably.step("say", tell))["told"])

    async def _refused(self, durably: Durably, error: Refused) -> None:
        async def log() -> Document:
            result = await waited(self.runner.rejected, KIND, {}, None, error)
            return {"entry": result.entry}

        await durably.step("refused", log)


GONE = "gone"


def call_of(grant: Grant, reader: DirectoryReader, *, key: str = "", undoes: int = 0) -> tuple[Person, Call]:
    """The call that takes a grant back, on the very objects it is about, whatever they are called by now; blocking.

    Returns:
        whose access it is, and the call.

    Raises:
        Refused: the person or the group is not there any more, so nothing is left to take back ("gone").
    """
    arguments: dict[str, Any] = dict(grant.takes)
    try:
        person = reader.person_by_id(grant.person.id)
        others = {id: reader.person_by_id(id) for id in grant.people.values() if id != person.id}
        arguments |= {name: others.get(id, person).login for name, id in grant.people.items()}
    except NotFound:
        raise _gone(f"{grant.person.title or grant.person.name} is not in the directory any more") from None
    arguments |= {name: name_now(reader, one, person) for name, one in grant.groups.items()}
    return person, _call(grant, arguments, key or uuid.uuid4().hex, undoes)


def _call(grant: Grant, arguments: Mapping[str, Any], key: str, undoes: int) -> Call:
    """Bound to the ids of those that the grant is about, whatever the names say."""
    return Call(
        action=grant.undo,
        arguments=dict(arguments),
        provenance=dict.fromkeys(arguments, Provenance.LOG),
        key=key,
        undoes=undoes,
        pinned={**grant.people, **{name: one.id for name, one in grant.groups.items()}},
        ends=grant.id,
    )


def _gone(what: str) -> Refused:
    return Refused(f"{what}, so nothing is left to take back.", code=GONE)


def name_now(reader: DirectoryReader, group: Named, person: Person) -> str:
    """What names a group today: its name, its DN, or what it is called where it still holds the person.

    Raises:
        Refused: it is nowhere, and holds nobody ("gone").
    """
    for name in (group.name, group.title):
        try:
            if name and reader.group(name).id == group.id:
                return name
        except (NotFound, Ambiguous):
            continue
    held = next((one for one in reader.groups_of(person) if one.id == group.id), None)
    if held is None:
        raise _gone(
            f"The group {group.name} is not there any more, and no other one that it became holds {person.name}"
        )
    return held.dn


def _pause(attempt: int, pauses: tuple[float, float]) -> timedelta:
    least, most = pauses
    return timedelta(seconds=min(least * 2 ** min(attempt - 1, 10), most))
