"""Access that ends by itself: the end is part of what is previewed, is kept before the effect, and is read back.

The end is promised first and given second (V5): a process that dies in between leaves a promise about something that
was never given, whose end finds nothing to take back. Access without its end cannot come out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from helpdesk.actions.catalog import Catalog
from helpdesk.actions.context import Systems, call_plugin, observed
from helpdesk.actions.grant import NEVER, NONE, SYSTEM, End, Grant, Named, end_of, id_of, told
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.taking import Taking, taking_of
from helpdesk.errors import NotFound, PluginFailure, Refused
from helpdesk.events import Change, Observation, Outcome, Result
from helpdesk.gate.audit import Entry
from helpdesk.lanes import waited
from helpdesk.plugin import NotYet, Opposite, Preview, ReadContext
from helpdesk.ports import SignedIn
from helpdesk.spec import ActionSpec

DEADLINE = 60.0
NO_WORKER = "no-worker"


class Promises(Protocol):
    """Where grants are kept until they end. Blocking; every method raises Failed or Unreachable without its store."""

    def check(self, undo: ActionSpec, groups: Collection[Named]) -> None:
        """Raises Refused where nobody could take it back: the worker may not run that action on these groups."""

    def live(self, thing: str) -> Sequence[Grant]:
        """Every grant of a thing that has not ended yet, the one that ends last first."""

    def keep(self, grant: Grant) -> Grant:
        """Keep a promise durably; the one of this id that is kept already, where there is one."""

    def drop(self, grant: Grant, why: str) -> None:
        """It will not end by itself any more: it never came to be, or something else holds instead."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Looks after the ends of what time-bound actions give.

    Attributes:
        catalog: the actions there are. promises: ``None`` where no worker is configured: then nothing can end by itself.
        log: tells the name of this host's log. decider: who decided a request, by permanent id; "" for nobody.
    """

    systems: Systems
    catalog: Catalog
    promises: Promises | None = None
    log: Callable[[], str] = str
    decider: Callable[[str], str] | None = None

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    async def previewed(self, prepared: Prepared, context: ReadContext, preview: Preview) -> Preview:
        """The preview with what becomes of the end.

        Raises:
            Refused: it could not end ("no-worker"), or nobody could take it back.
            UsageError, InvalidArgument: what was said of the end makes no sense.
        """
        if not prepared.spec.time_bound:
            return preview
        end = end_of(prepared.values, self.systems.clock())
        if self.promises is None:
            if end is not None:
                raise _no_worker()
            return preview
        taking = await self.taking(prepared, context)
        mine = id_of(taking.thing, prepared.call.key)  # kept by a process that died before it gave anything
        live = [one for one in await waited(self.promises.live, taking.thing) if one.id != mine]
        if end is None:
            return _kept_for_good(prepared, preview, live)
        await waited(self.promises.check, self.catalog.spec(taking.action), taking.groups.values())
        if not preview.changes:
            if not live:
                return replace(
                    preview, summary=f"{_had(preview)} It does not end by itself, and that stays so."
                )
            if end.moment(self.systems.clock()) <= live[0].ends:
                return replace(
                    preview, summary=f"{_had(preview)} It ends on {told(live[0].ends)}, and not earlier."
                )
        change = Change(SYSTEM, prepared.target, _what(prepared), _standing(live, NONE), str(end))
        return replace(preview, summary=_until(prepared, preview, end), changes=(*preview.changes, change))

    async def seen(self, prepared: Prepared, context: ReadContext) -> list[Observation]:
        """What is kept about the end now, in the words of the preview that was agreed to."""
        promised = _promised(context.before)
        if self.promises is None or promised is None or not prepared.spec.time_bound:
            return []
        thing = (await self.taking(prepared, context)).thing
        live = await waited(self.promises.live, thing)
        none = NEVER if promised.after == NEVER else NONE
        mine = next((grant for grant in live if grant.id == id_of(thing, prepared.call.key)), None)
        now = mine.asked if mine is not None else _standing(live, none)
        found = [Observation(SYSTEM, promised.target, promised.what, promised.after, now)]
        if mine is not None:
            ends = told(mine.ends)
            found.append(Observation(SYSTEM, mine.id, "ends", ends, ends))
        return found

    async def taking(self, prepared: Prepared, context: ReadContext) -> Taking:
        """The one call that takes back what this one gives. Raises PluginFailure."""
        name, function = prepared.spec.name, prepared.action.undo_function
        if function is None:
            raise PluginFailure(f"{name} ends by itself, but names no call that would end it.")
        found = await call_plugin(name, function, context, prepared.keywords, DEADLINE)
        if isinstance(found, (list, tuple)) and len(found) == 1:
            (found,) = found
        if not isinstance(found, Opposite):
            raise PluginFailure(f"{name} ends by itself, so its undo names exactly one call.")
        spec = self.catalog.spec(found.action)
        if spec.reads or spec.plugin != prepared.spec.plugin:
            raise PluginFailure(f"{name} names {spec.name} as its undo, which it may not.")
        return taking_of(prepared, spec, found.arguments, found.ids)

    # ── around the effect ─────────────────────────────────────────────────────────────────────

    async def promise(
        self,
        prepared: Prepared,
        context: ReadContext,
        acting: SignedIn,
        request: str,
        entry: int,
        approvers: Sequence[tuple[str, str]] = (),
    ) -> Grant | None:
        """Keep the end durably, before the effect; ``None`` for what does not end.

        Args:
            request: of the approval, or "". entry: the intent in this host's log.
            approvers: ids and logins of those who said yes, where they are known.

        Raises:
            HelpdeskError: it could not be kept, so nothing may be given.
        """
        end = end_of(prepared.values, self.systems.clock()) if prepared.spec.time_bound else None
        if end is None:
            return None
        if self.promises is None:
            raise _no_worker()
        taking = await self.taking(prepared, context)
        grant = replace(
            self._grant(prepared, taking, end, self.systems.clock()),
            approved_by=tuple(login for _, login in approvers)
            or (await waited(self._approver, acting, request),),
            request=request,
            entry=entry,
            changes=_before_and_after(context.before),
        )
        return await waited(self.promises.keep, grant)

    async def given(self, prepared: Prepared, context: ReadContext) -> None:
        """The effect was carried out without an error: what is given for good now ends no more."""
        promised = _promised(context.before)
        if self.promises is None or promised is None or promised.after != NEVER:
            return
        await self._drop_all((await self.taking(prepared, context)).thing, "it was given for good")

    async def settle(self, prepared: Prepared, grant: Grant | None, result: Result) -> None:
        """Tidy up once the outcome is known; whatever a crash leaves of this, the ends themselves find out.

        A promise about what is known not to exist goes. One that holds replaces those before it. And what was taken
        back has no end left.
        """
        if self.promises is None:
            return
        if grant is not None:
            if result.outcome in (Outcome.FAILED, Outcome.REFUSED):
                await waited(self.promises.drop, grant, "it was never given")
            elif result.outcome is Outcome.DONE:
                await self._drop_all(grant.thing, f"{grant.id} holds instead", grant.id)
        elif (
            result.outcome is Outcome.DONE and not prepared.spec.time_bound and prepared.spec.about == "group"
        ):
            taken = taking_of(prepared, prepared.spec, prepared.values)
            await self._drop_all(taken.thing, "it was taken back", prepared.call.ends)

    async def after_crash(self, prepared: Prepared, context: ReadContext, outcome: Outcome) -> None:
        """An interrupted call is known not to have happened: what it promised goes."""
        if self.promises is None or outcome is not Outcome.FAILED or not prepared.spec.time_bound:
            return
        thing = (await self.taking(prepared, context)).thing
        mine = id_of(thing, prepared.call.key)
        for grant in await waited(self.promises.live, thing):
            if grant.id == mine:
                await waited(self.promises.drop, grant, "it was never given")

    async def _drop_all(self, thing: str, why: str, but: str = "") -> None:
        promises = self.promises
        if promises is None:
            return

        def drop() -> None:
            for grant in promises.live(thing):
                if grant.id != but:
                    promises.drop(grant, why)

        await waited(drop)

    async def promised(self, prepared: Prepared, context: ReadContext, end: End, intent: Entry) -> Grant:
        """The grant that an intent of this log promised, made anew from it."""
        made = self._grant(prepared, await self.taking(prepared, context), end, intent.time)
        return replace(
            made,
            approved_by=(str(intent.personal.get("actor", "")),),
            request=str(intent.body.get("request", "")),
            entry=intent.seq,
            changes=_before_and_after(context.before),
        )

    def _approver(self, acting: SignedIn, request: str) -> str:
        """The login of whoever let it happen: who decided the request, else who gives it; blocking."""
        id = self.decider(request) if request and self.decider is not None else ""
        if not id or id == acting.actor.person.id:
            return acting.actor.login
        try:
            return acting.directory.person_by_id(id).login
        except NotFound:
            return id  # they left in between; the log still knows who that was

    def _grant(self, prepared: Prepared, taking: Taking, end: End, at: datetime) -> Grant:
        now = at.astimezone()
        person = prepared.person or prepared.requester.person
        requester = prepared.requester.person
        return Grant(
            id=id_of(taking.thing, prepared.call.key),
            thing=taking.thing,
            action=prepared.spec.name,
            version=prepared.spec.plugin_version,
            arguments=dict(prepared.values),
            key=prepared.call.key,
            undo=taking.action,
            takes=taking.arguments,
            person=Named(person.id, person.login, person.name),
            requester=Named(requester.id, requester.login, requester.name),
            people=taking.people,
            groups=taking.groups,
            given=now.replace(microsecond=0),
            ends=end.moment(now).replace(microsecond=0),
            asked=str(end),
            log=self.log(),
        )


async def read_back(
    systems: Systems, prepared: Prepared, context: ReadContext, deadline: float
) -> list[Observation] | NotYet:
    """What an action's ``verify`` reads, and what is kept about its end. Raises PluginFailure and what they raise."""
    name, verify = prepared.spec.name, prepared.action.verify_function
    if verify is None:
        raise PluginFailure(f"{name} cannot be read back.")
    found = await call_plugin(name, verify, context, prepared.keywords, deadline)
    if isinstance(found, NotYet):
        return found
    seen = observed(name, found)
    if systems.ending is not None:
        seen += await systems.ending.seen(prepared, context)
    return seen


def only_the_end(preview: Preview) -> bool:
    """Whether nothing but the end was changed: there is no call that takes that alone back."""
    return bool(preview.changes) and all(change.system == SYSTEM for change in preview.changes)


def _kept_for_good(prepared: Prepared, preview: Preview, live: Sequence[Grant]) -> Preview:
    """Given without an end, where an end waits: from then on there is none."""
    if not live:
        return preview
    change = Change(SYSTEM, prepared.target, _what(prepared), _standing(live, NEVER), NEVER)
    summary = preview.summary
    if not preview.changes:
        summary = f"Let {_who(prepared)} keep {prepared.target} for good: it will not end by itself any more."
    return replace(preview, summary=summary, changes=(*preview.changes, change))


def _until(prepared: Prepared, preview: Preview, end: End) -> str:
    """The summary with its end."""
    if preview.changes:
        return f"{preview.summary.rstrip('.')}, until {end}."
    return f"Let {_who(prepared)} keep {prepared.target} longer: until {end}."


def _before_and_after(preview: Preview | None) -> tuple[tuple[str, str, str, str, str], ...]:
    changes = preview.changes if preview else ()
    return tuple((c.system, c.target, c.what, c.before, c.after) for c in changes if c.system != SYSTEM)


def _standing(live: Sequence[Grant], none: str) -> str:
    return told(live[0].ends) if live else none


def _promised(before: Preview | None) -> Change | None:
    return next((change for change in before.changes if change.system == SYSTEM), None) if before else None


def _what(prepared: Prepared) -> str:
    return f"end of access of {_login(prepared)}"


def _login(prepared: Prepared) -> str:
    return (prepared.person or prepared.requester.person).login


def _who(prepared: Prepared) -> str:
    return (prepared.person or prepared.requester.person).name


def _had(preview: Preview) -> str:
    text = preview.summary.rstrip(".") or "It is there already"
    return text.removesuffix("; nothing had to change") + "; nothing had to change."


def _no_worker() -> Refused:
    return Refused(
        "Nothing can end by itself here, because no worker is configured that would take it back; nothing was done.",
        hint="An administrator sets [worker] service in the configuration; without --days and --until it is for good.",
        code=NO_WORKER,
    )
