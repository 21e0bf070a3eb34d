"""Taking a done action back: its author names the opposite call, and that goes through the one door."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.context import call_plugin
from helpdesk.actions.ending import only_the_end, read_back
from helpdesk.actions.journal import receipt_from
from helpdesk.actions.prepare import Prepared
from helpdesk.actions.restore import restored
from helpdesk.actions.runner import Runner
from helpdesk.actions.unchanged import READ_DEADLINE
from helpdesk.errors import HelpdeskError, NotFound, PluginFailure, Refused
from helpdesk.events import ErrorInfo, Finished, Observation, Outcome, Progress, Result
from helpdesk.gate.audit import Entry
from helpdesk.gate.requests import RequestState
from helpdesk.identity import Person
from helpdesk.plugin import NotYet, Opposite, Preview
from helpdesk.ports import Interaction, SignedIn
from helpdesk.spec import ActionSpec

_GOES_ON = frozenset({Outcome.DONE, Outcome.PREVIEWED})


@dataclass(frozen=True, slots=True)
class Done:
    """A write that was done: what was confirmed, and what was read back.

    Attributes:
        entry: the number of its outcome in this host's log; 0 where another host's log has it.
        begun: when its intent was logged.
    """

    entry: int
    begun: datetime
    prepared: Prepared
    before: Preview
    receipt: tuple[Observation, ...]

    @property
    def called(self) -> str:
        """What it is called in a sentence."""
        return f"entry {self.entry}" if self.entry else "that step"


@dataclass(frozen=True, slots=True)
class Undo:
    """Runs the opposite of a logged action; every right is asked again, and nothing is forced."""

    runner: Runner

    async def __call__(
        self,
        seq: int,
        signed_in: SignedIn,
        interaction: Interaction,
        *,
        dry_run: bool = False,
        chosen: Callable[[str], None] | None = None,
        case: str = "",
    ) -> Result:
        """Take the action of one entry back, and log that, whatever the end is.

        Args:
            seq: an intent's or an outcome's number.
            chosen: told each action that is about to be run, before it asks for a confirmation.
            case: id of the case that it is done in.
        """
        try:
            calls = await self._calls(seq, signed_in, interaction)
        except HelpdeskError as error:
            result = self.runner.rejected("undo", {}, signed_in.actor, error, case=case)
            interaction.emit(Finished(result))
            return result
        results = []
        for call in calls:
            if chosen is not None:
                chosen(call.action)
            within = replace(call, case=case)
            results.append(await self.runner.run(within, signed_in, interaction, dry_run=dry_run))
            if results[-1].outcome not in _GOES_ON:
                break
        return _together(results)

    async def _calls(self, seq: int, signed_in: SignedIn, interaction: Interaction) -> list[Call]:
        """The calls that take an entry back.

        Raises:
            NotFound: no such entry. Refused: it is no done write, was undone, has no undo, or the state moved.
        """
        interaction.emit(Progress("validate", f"Looking up entry {seq} of the log"))
        intent, outcome = await asyncio.to_thread(self._done, seq)
        self._has_undo(intent, outcome)
        await asyncio.to_thread(self._not_undone, outcome)
        done = await asyncio.to_thread(self._restored, intent, outcome, signed_in)
        return await self.opposites_of(done, signed_in, signed_in.actor.person)

    async def opposites_of(self, done: Done, signed_in: SignedIn, by: Person) -> list[Call]:
        """The calls that take a done write back, bound to the very objects that it was about.

        Args:
            by: for whom it is taken back.

        Raises:
            Refused: somebody changed since what it left, or it is about the account of somebody else.
        """
        await self._still_there(done, signed_in)
        opposites = await self._opposites(done, signed_in)
        return [self._call(done, opposite, by) for opposite in opposites]

    # ── what the log says ─────────────────────────────────────────────────────────────────────

    def _done(self, seq: int) -> tuple[Entry, Entry]:
        """The intent and the outcome of a done write. Raises NotFound, Refused."""
        audit = self.runner.journal.audit
        entry = audit.entry(seq)
        if entry.kind == "outcome":
            entry = audit.entry(int(entry.body["intent"]))
        if entry.kind != "intent":
            raise _no(
                f"Entry {seq} of the log changed nothing ({entry.kind}), so there is nothing to undo.",
                "helpdesk log list --kind outcome shows what was done.",
                "nothing-to-undo",
            )
        outcomes = audit.outcomes_of(entry.seq)
        ended = str(outcomes[-1].body["outcome"]) if outcomes else "not known yet"
        if ended != Outcome.DONE:
            hint = "helpdesk reconcile" if ended in ("unknown", "accepted", "not known yet") else ""
            raise _no(
                f"Entry {seq} of the log was not done ({ended}), so it cannot be undone.",
                hint,
                "nothing-to-undo",
            )
        return entry, outcomes[-1]

    def _has_undo(self, intent: Entry, outcome: Entry) -> None:
        spec = self.runner.catalog.spec(str(intent.body["action"]))
        if not spec.undoable:
            why = spec.no_undo or "its author gives no way back"
            raise _no(f"{spec.name} (entry {outcome.seq}) cannot be undone: {why}.", "", "no-undo")

    def _not_undone(self, outcome: Entry) -> None:
        """Raises Refused when it was taken back already, or that is under way."""
        journal = self.runner.journal
        for entry in journal.audit.undoing(outcome.seq):
            if entry.kind == "request":
                about = journal.about_request(str(entry.body["request"]))
                ends = [one for one in about if one.kind == "outcome"]
                waits = not ends and self._waits(str(entry.body["request"]))
            else:
                ends = journal.audit.outcomes_of(entry.seq)[-1:]
                waits = not ends
            ended = str(ends[-1].body["outcome"]) if ends else ""
            if ended == Outcome.DONE:
                raise _no(
                    f"Entry {outcome.seq} of the log was undone already: entry {ends[-1].seq}.",
                    f"helpdesk why {ends[-1].seq}",
                    "undone-already",
                )
            if waits or ended in ("unknown", "accepted"):
                raise _no(
                    f"Entry {outcome.seq} of the log is being undone: entry {entry.seq}.",
                    f"helpdesk why {entry.seq}",
                    "undone-already",
                )

    def _waits(self, request: str) -> bool:
        try:
            return self.runner.requests.get(request).state is RequestState.PENDING
        except NotFound:
            return False

    def _restored(self, intent: Entry, outcome: Entry, signed_in: SignedIn) -> Done:
        try:
            prepared, before = restored(self.runner.catalog, intent, signed_in)
            receipt = receipt_from(str(outcome.personal["receipt"]))
        except (ValueError, KeyError, TypeError):
            raise _no(
                f"Entry {outcome.seq} of the log does not hold what undoing needs any more: it was erased.",
                "",
                "nothing-to-undo",
            ) from None
        return Done(outcome.seq, intent.time, prepared, before, receipt)

    # ── what is there now ─────────────────────────────────────────────────────────────────────

    async def _still_there(self, done: Done, signed_in: SignedIn) -> None:
        """Raises Refused when the system does not hold what the receipt recorded: somebody changed it since."""
        context = self.runner.systems.reading(
            done.prepared, signed_in.directory, _silent, before=done.before, begun=done.begun
        )
        if only_the_end(done.before):
            raise _no(
                f"{done.called.capitalize()} changed when access ends and nothing else, so there is "
                "nothing to take back.",
                "To end it earlier: helpdesk grants list",
                "no-undo",
            )
        seen = await read_back(self.runner.systems, done.prepared, context, READ_DEADLINE)
        now = {} if isinstance(seen, NotYet) else {_key(o): o.observed for o in seen}
        then = {_key(o): o.observed for o in done.receipt}
        for change in done.before.changes:
            found, left = now.get(_key(change), "not to be read"), then.get(_key(change), "")
            if found != left:
                raise _no(
                    f"{change.target}: {change.what} is {found!r} by now and not {left!r}, as {done.called} "
                    "left it, so that is not undone.",
                    "Somebody changed it since; change it by hand if it is still wanted.",
                    "moved",
                )

    async def _opposites(self, done: Done, signed_in: SignedIn) -> list[Opposite]:
        name, function = done.prepared.spec.name, done.prepared.action.undo_function
        assert function is not None  # _has_undo has looked
        context = self.runner.systems.reading(
            done.prepared, signed_in.directory, _silent, before=done.before, receipt=done.receipt
        )
        found = await call_plugin(name, function, context, done.prepared.keywords, READ_DEADLINE)
        opposites = list(found) if isinstance(found, (list, tuple)) else [found]
        if not opposites or not all(isinstance(one, Opposite) for one in opposites):
            raise PluginFailure(f"{name} names no call that would undo it.")
        return opposites

    # ── the opposite call ─────────────────────────────────────────────────────────────────────

    def _call(self, done: Done, opposite: Opposite, by: Person) -> Call:
        """The opposite, bound to the very people and groups that the entry was about."""
        spec = self.runner.catalog.spec(opposite.action)
        if spec.reads or spec.plugin != done.prepared.spec.plugin:
            raise PluginFailure(f"{done.prepared.spec.name} names {spec.name} as its undo, which it may not.")
        self._about_the_same(done, spec, opposite, by)
        arguments = dict(opposite.arguments)
        return Call(
            action=spec.name,
            arguments=arguments,
            provenance=dict.fromkeys(arguments, Provenance.LOG),
            undoes=done.entry,
            pinned=_pinned(done.prepared, spec, arguments, opposite.ids),
        )

    def _about_the_same(self, done: Done, spec: ActionSpec, opposite: Opposite, by: Person) -> None:
        """Without a person of its own an action is about whoever runs it."""
        requester = done.prepared.requester.person
        about_actor = spec.about != "desk" and opposite.arguments.get("person") is None
        if about_actor and requester.id != by.id:
            raise _no(
                f"{done.called.capitalize()} is about {requester.login}'s own account, "
                "so only they can undo it.",
                f"Tell {requester.name}: helpdesk undo {done.entry}",
                "not-yours",
            )


def _pinned(
    prepared: Prepared, spec: ActionSpec, arguments: dict[str, Any], ids: Mapping[str, str]
) -> dict[str, str]:
    """The ids that the opposite's people and groups must have. Raises PluginFailure for one from elsewhere."""
    people = {name: person.id for name, person in prepared.people.items()}
    for person in (prepared.requester.person, prepared.person):
        if person is not None:
            people.setdefault(person.login, person.id)
    groups = {name: group.id for name, group in prepared.groups.items()}
    known = {"login": people, "group": groups}
    pinned = {}
    for parameter in spec.parameters:
        name = arguments.get(parameter.name)
        if name is None or parameter.kind not in known:
            continue
        id = known[parameter.kind].get(name) or ids.get(name)
        if not id:
            raise PluginFailure(
                f"The undo of {prepared.spec.name} names {name!r}, which it was not about, so nothing was done."
            )
        pinned[parameter.name] = id
    return pinned


def _together(results: Sequence[Result]) -> Result:
    """One result for all the calls of an undo."""
    last = results[-1]
    if len(results) == 1:
        return last
    receipt = tuple(observation for result in results for observation in result.receipt)
    changes = tuple(change for result in results for change in result.changes)
    whole = replace(last, receipt=receipt, changes=changes)
    if last.outcome in _GOES_ON:
        return replace(whole, message=" ".join(result.message for result in results))
    message = f"Only part of it is undone. {last.message}"
    hint = last.error.hint if last.error else ""
    return replace(whole, outcome=Outcome.PARTIAL, message=message, error=ErrorInfo("partial", message, hint))


def _key(item: Any) -> tuple[str, str, str]:
    return (item.system, item.target, item.what)


def _silent(text: str) -> None:
    """Nothing is told of a look at what is there."""


def _no(message: str, hint: str, code: str) -> Refused:
    return Refused(message, hint=hint, code=code)
