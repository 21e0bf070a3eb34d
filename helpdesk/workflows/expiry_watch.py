"""A look at all grants every minute, beside the engine: an end comes although a clock, a store or a handler failed.

The engine wakes each end at its moment. What it cannot know is looked for here: a clock that was put back, a moment
that was altered in the store, a run that broke off, and access in this host's log that nothing waits to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from helpdesk.actions.ending import Ending
from helpdesk.actions.grant import LONGEST_DAYS, Grant, end_of
from helpdesk.actions.journal import Journal
from helpdesk.actions.restore import restored
from helpdesk.actions.runner import Runner
from helpdesk.engine import RunState
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.events import Outcome
from helpdesk.gate.audit import Entry
from helpdesk.lanes import waited
from helpdesk.ports import Clock, SignedIn
from helpdesk.workflows.grants import Grants, Kept, Standing

EVERY = 60.0
"""Seconds between two looks."""
_ENGINE_WAKES = timedelta(seconds=20)
_STILL_WANTED = timedelta(days=7)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Due by every clock, also by one that was put back."""
_PAGE = 500


class Steady:
    """A clock that never goes back: while this process lives by its monotonic time, before that by what was logged.

    Put forward, it believes the clock, so that access ends too early; put back, it goes on, so that none ends too
    late (R5).

    Args:
        clock: now, UTC. known: the latest moment that is known to have passed, such as the log's last entry.
    """

    def __init__(self, clock: Clock, known: Callable[[], datetime | None] = lambda: None) -> None:
        self._clock = clock
        self._latest = max(filter(None, (clock(), known())))
        self._at = time.monotonic()

    def __call__(self) -> datetime:
        now = time.monotonic()
        self._latest = max(self._clock(), self._latest + timedelta(seconds=now - self._at))
        self._at = now
        return self._latest


@dataclass(slots=True)
class Watch:
    """What a worker runs every minute.

    Attributes:
        trouble: the grants that are overdue, as of the last look; for doctor, the worker's status and its figures.
    """

    grants: Grants
    clock: Clock
    trouble: list[Kept] = field(default_factory=list)

    def look(self) -> list[str]:
        """Put right what can be; what was done, in sentences; blocking."""
        now, kept = self.clock(), self.grants.all()
        done = [sentence for one in kept if (sentence := self._put_right(one, now))]
        self.trouble = [one for one in kept if one.standing is Standing.OVERDUE]
        return done

    def _put_right(self, one: Kept, now: datetime) -> str:
        ends, run = one.grant.ends, one.run
        if run.state is RunState.FAILED:
            self.grants.again(one)
            return f"{one.grant.id} is ended anew: {one.trouble}"
        if run.state is not RunState.WAITING or run.at is None:
            return ""
        if ends + _ENGINE_WAKES <= now:
            self.grants.begin_at(one, _LONG_AGO)
            return f"{one.grant.id} should have ended by now, and does: the clock was put back, or its moment altered."
        if run.at > ends + _ENGINE_WAKES:
            self.grants.begin_at(one, ends)
            return f"{one.grant.id} ends at its moment again, which was altered in the store."
        return ""


@dataclass(frozen=True, slots=True)
class Missing:
    """Access that this host's log says was given for a time, and that nothing waits to end."""

    runner: Runner
    grants: Grants
    clock: Clock

    async def find(self, signed_in: SignedIn) -> list[Grant]:
        """Those grants, made anew from the log; what was given again since, or is long over, is not among them."""
        ending = self.runner.systems.ending
        if ending is None or ending.promises is None:
            return []
        found, seen = [], set()
        for intent in await waited(lambda: list(self._given())):
            about = (intent.body["person_id"], intent.body["group_id"])
            if about in seen:  # the newest one counts
                continue
            seen.add(about)
            grant = await self._grant(ending, intent, signed_in)
            if grant is not None and not await waited(self._kept, grant):
                found.append(grant)
        return found

    async def give_ends(self, signed_in: SignedIn) -> list[Grant]:
        """Let each of them wait for its end, or end now."""
        found = await self.find(signed_in)
        for grant in found:
            await waited(self.grants.start, grant)
        return found

    def _given(self) -> Iterator[Entry]:
        """Intents of time-bound actions and of those that take back, newest first, that came to something."""
        journal: Journal = self.runner.journal
        plugins = {spec.plugin for spec in self.runner.catalog.specs if spec.time_bound}
        names = {s.name for s in self.runner.catalog.specs if s.plugin in plugins and not s.reads}
        since = self.clock() - timedelta(days=LONGEST_DAYS)
        before: int | None = None
        while entries := journal.audit.entries(
            before=before, limit=_PAGE, newest_first=True, kinds=("intent",)
        ):
            for entry in entries:
                if entry.body.get("action") in names and self._came_to_be(entry):
                    yield entry
            if entries[-1].time < since:
                return
            before = entries[-1].seq

    def _came_to_be(self, intent: Entry) -> bool:
        ended = [str(one.body["outcome"]) for one in self.runner.journal.audit.outcomes_of(intent.seq)]
        return not ended or ended[-1] in (Outcome.DONE, Outcome.UNKNOWN, Outcome.ACCEPTED, Outcome.PARTIAL)

    async def _grant(self, ending: Ending, intent: Entry, signed_in: SignedIn) -> Grant | None:
        """The grant that an intent promised; ``None`` for what has no end, or cannot be told any more."""
        try:
            prepared, before = await waited(restored, self.runner.catalog, intent, signed_in)
            if not prepared.spec.time_bound:
                return None
            end = end_of(prepared.values, intent.time)
            if end is None or end.moment(intent.time) < self.clock() - _STILL_WANTED:
                return None
            context = self.runner.systems.reading(
                prepared, signed_in.directory, lambda _: None, before=before
            )
            return await ending.promised(prepared, context, end, intent)
        except (HelpdeskError, ValueError, KeyError, TypeError):
            return None  # erased, or about somebody who left

    def _kept(self, grant: Grant) -> bool:
        try:
            self.grants.get(grant.id)
        except NotFound:
            return any(one.ends >= grant.ends for one in self.grants.live(grant.thing))
        return True
