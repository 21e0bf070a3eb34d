"""Many calls, each through the one door: previewed together, confirmed once, resumed without a repeat (R7)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from helpdesk.actions.ahead import Standing
from helpdesk.actions.approve import Hands
from helpdesk.actions.batch_looks import TOGETHER, Looks, ids_of
from helpdesk.actions.batch_past import Past, Stand, batch_past
from helpdesk.actions.batch_plan import Plan, PlannedRow
from helpdesk.actions.many import ask_together, sorted_out
from helpdesk.actions.reconcile import Reconciler
from helpdesk.actions.runner import Runner
from helpdesk.errors import Exit, HelpdeskError, UsageError
from helpdesk.events import Confirmation, Confirmed, ErrorInfo, Event, Outcome, Question, Result, Warned
from helpdesk.gate.requests import RequestState
from helpdesk.identity import Actor
from helpdesk.lanes import Lanes, waited
from helpdesk.ports import Directory, Interaction, ProvesMany, SignedIn
from helpdesk.secrets import Secret

WINDOW = 16
"""Rows in flight at the same time."""
_WAITING = (Outcome.PENDING, Outcome.ACCEPTED)
_HOPELESS = (Outcome.UNREACHABLE, Outcome.NOT_SIGNED_IN)
"""What meets one row so meets the next as well: the batch stops, and goes on when it is run again."""


class Watcher(Protocol):
    """Whoever shows a batch."""

    def ended(self, item: PlannedRow, result: Result, *, before: bool) -> None:
        """A row ended; ``before``: in an earlier run."""

    def reveal(self, item: PlannedRow, secret: Secret) -> None:
        """Write a row's secret where it belongs, durably; blocking, from several threads. Raises Failed."""


@dataclass(slots=True)
class Tally:
    """How many rows ended how. ``left``: not begun, because the batch stopped."""

    done: int = 0
    waiting: int = 0
    failed: int = 0
    left: int = 0
    why: str = ""

    def count(self, outcome: Outcome) -> None:
        if outcome is Outcome.DONE:
            self.done += 1
        elif outcome in _WAITING:
            self.waiting += 1
        else:
            self.failed += 1

    @property
    def exit(self) -> Exit:
        """For the whole: all, some, or none; 4 where the rest only waits for somebody."""
        if not self.failed and not self.left:
            return Exit.WAITING if self.waiting else Exit.OK
        return Exit.PARTIAL if self.done or self.waiting else Exit.FAILED


@dataclass(slots=True)
class Batch:
    """Carries a plan out.

    Attributes:
        acting: whose rights it is done with; freshly signed in where a row needs that.
        stop_after: no row is begun after so many have failed; 0 for no such limit.
        window: rows in flight at the same time.
        hands: the worker; rows of its actions that wait for the same people become one request.
        at: when those take effect, UTC, ISO 8601; "" for as soon as they are approved.
    """

    runner: Runner
    acting: SignedIn
    interaction: Interaction
    watcher: Watcher
    stop_after: int = 0
    window: int = WINDOW
    hands: Hands | None = None
    at: str = ""
    tally: Tally = field(default_factory=Tally)
    _asked: set[int] = field(default_factory=set)
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _busy: set[str] = field(default_factory=set)
    _looks: Looks = field(init=False)
    _lanes: Lanes = field(init=False)
    _home: asyncio.AbstractEventLoop = field(init=False)

    def __post_init__(self) -> None:
        self._looks = Looks(self.acting.directory, self.acting.actor)

    async def __call__(self, plan: Plan, by: str, at: datetime) -> Tally:
        """Every row to its end; a Ctrl-C begins no further row and waits for those in flight (R6).

        Args:
            by, at: how and when exactly this plan was confirmed.

        Raises:
            LogUnavailable: the beginning could not be logged; nothing was done (R1).
        """
        for item in plan.rows:
            if item.past is not None and not item.is_left:
                self._end(item, self._before(item, item.past), before=True)
        if plan.left:
            self.runner.journal.batch(
                self.acting.actor,
                plan.file,
                {
                    "batch": plan.batch,
                    "plan": plan.digest,
                    "rows": len(plan.rows),
                    "left": len(plan.left),
                    "confirmed_by": by,
                },
            )
            asked = await asyncio.to_thread(self._asked_together, plan)
            for item, result in asked:
                self._end(item, result, before=False)
            self._asked = {item.row.number for item, _ in asked}
            self._lanes = Lanes(self.window, "helpdesk-row")
            try:
                with proving(self.runner.systems.directory):
                    await self._whole(plan, by, at)
            finally:
                self._lanes.close()
        return self.tally

    def _asked_together(self, plan: Plan) -> list[tuple[PlannedRow, Result]]:
        """Rows that wait for somebody's yes, under one request for each set of people who decide; blocking."""
        waiting = [
            item
            for item in plan.left
            if item.ahead is not None
            and item.ahead.waits
            and item.changes
            and self.hands is not None
            and self.hands.takes(item.ahead.prepared.spec)
        ]
        by_key = {item.call.key: item for item in waiting}
        calls = [item.ahead for item in waiting if item.ahead is not None]
        found: list[tuple[PlannedRow, Result]] = []
        for group in sorted_out(self.runner, calls, self.acting.directory):
            rows = [by_key[ahead.prepared.call.key] for ahead in group.calls]
            if len(rows) < 2 and not self.at:
                continue
            try:
                _, results = ask_together(self.runner, group, at=self.at)
            except HelpdeskError as error:
                actor = self.acting.actor
                results = [
                    self.runner.rejected(item.row.action, dict(item.call.arguments), actor, error)
                    for item in rows
                ]
            found += zip(rows, results, strict=True)
        return found

    def _warned(self, warning: Warned) -> None:
        """From a row, which runs in a thread of its own."""
        self._home.call_soon_threadsafe(self.interaction.emit, warning)

    async def _whole(self, plan: Plan, by: str, at: datetime) -> None:
        self._home = asyncio.get_running_loop()
        waiting = [item for item in reversed(plan.left) if item.row.number not in self._asked]
        workers = [asyncio.ensure_future(self._work(waiting, by, at)) for _ in range(self.window)]
        everyone = asyncio.gather(*workers, return_exceptions=True)
        try:
            broken = [one for one in await asyncio.shield(everyone) if one is not None]
            if broken:
                raise broken[0]
        except asyncio.CancelledError:
            self.tally.why = self.tally.why or "it was interrupted"
            self.interaction.emit(
                Warned("Finishing the rows that were begun, so that their outcomes are known…")
            )
            await everyone
            raise
        finally:
            for item in reversed(waiting):
                self.tally.left += 1
                self.watcher.ended(item, self._not_begun(item), before=False)

    async def _work(self, waiting: list[PlannedRow], by: str, at: datetime) -> None:
        while waiting and not self.tally.why:
            item = waiting.pop()
            async with self._alone(item):
                if self.tally.why:
                    waiting.append(item)
                    return
                result = await self._run(item, by, at, waiting)
            self._end(item, result, before=False)
            self._judge(result)

    async def _run(self, item: PlannedRow, by: str, at: datetime, waiting: Sequence[PlannedRow]) -> Result:
        assert item.ahead is not None
        standing = Standing(item.ahead.digest, by, at, item.ahead.waits)
        here = _AtRow(item, self._warned, self.watcher)
        ids = ids_of(item)
        busy = self._busy - ids
        coming = list(reversed(waiting[-TOGETHER:]))
        try:
            look = await self._looks.of(item, coming, busy)
        except HelpdeskError as error:
            return self.runner.rejected(item.row.action, dict(item.call.arguments), self.acting.actor, error)
        try:
            with self.runner.journal.audit.company():
                return await self._lanes.run(
                    lambda: self.runner.run(item.call, self.acting, here, standing=standing, look=look)
                )
        finally:
            self._looks.forget(item)

    @asynccontextmanager
    async def _alone(self, item: PlannedRow) -> AsyncIterator[None]:
        """Rows about the same person or group follow one another."""
        async with AsyncExitStack() as held:
            ids = ids_of(item)
            for id in sorted(ids):
                await held.enter_async_context(self._locks[id])
            self._busy |= ids
            try:
                yield
            finally:
                self._busy -= ids

    def _end(self, item: PlannedRow, result: Result, *, before: bool) -> None:
        self.tally.count(result.outcome)
        self.watcher.ended(item, result, before=before)

    def _judge(self, result: Result) -> None:
        """Whether the batch goes on after this."""
        code = result.error.code if result.error else ""
        full = code == "rate-limited" and "per_target" not in result.rule
        if self.tally.why:
            return
        if full or code in ("not-revealed", "log-unavailable") or result.outcome in _HOPELESS:
            self.tally.why = f"row after row would end so: {result.message}"
        elif self.stop_after and self.tally.failed >= self.stop_after:
            self.tally.why = f"{self.tally.failed} of them failed"

    # ── what was there before ─────────────────────────────────────────────────────────────────

    def _before(self, item: PlannedRow, past: Past) -> Result:
        if past.stand is Stand.DONE:
            when = past.entry.time.strftime("%Y-%m-%d %H:%M UTC")
            return _told(item, Outcome.DONE, f"Done before, {when}.", past)
        if past.stand is Stand.WAITING:
            return self._waiting(item, past)
        message = "Nobody knows yet whether it took effect, so it is not carried out again."
        return _told(item, Outcome.UNKNOWN, message, past, "unknown", "helpdesk reconcile")

    def _waiting(self, item: PlannedRow, past: Past) -> Result:
        try:
            state = self.runner.requests.get(past.request).state
        except HelpdeskError as error:
            return _told(item, Outcome.UNKNOWN, error.message, past, error.code, error.hint)
        if state in (RequestState.PENDING, RequestState.APPROVED, RequestState.CLAIMED):
            return _told(item, Outcome.PENDING, f"Request {past.request} waits since before.", past)
        message = f"Request {past.request} ended before: it is {state.value}."
        return _told(item, Outcome.REFUSED, message, past, "already-decided")

    def _not_begun(self, item: PlannedRow) -> Result:
        message = f"Not begun: the batch stopped, because {self.tally.why}"
        message = message if message.endswith((".", "!", "?")) else f"{message}."
        error = ErrorInfo("not-begun", message, "Run the same batch again: it goes on with what is left.")
        return Result(Outcome.CANCELLED, item.row.action, message, dict(item.call.arguments), error=error)


def proving(directory: Directory) -> AbstractContextManager[None]:
    """Meanwhile many passwords can be proved without connecting anew for each, where the directory can that."""
    return directory.proving() if isinstance(directory, ProvesMany) else nullcontext()


def _told(
    item: PlannedRow, outcome: Outcome, message: str, past: Past, code: str = "", hint: str = ""
) -> Result:
    return Result(
        outcome,
        item.row.action,
        message,
        dict(item.call.arguments),
        entry=past.entry.seq,
        request=past.request or None,
        error=ErrorInfo(code, message, hint) if code else None,
    )


def log_previews(runner: Runner, actor: Actor, plan: Plan) -> None:
    """Write down what a plan has read of whom, as every dry run does. Raises LogUnavailable."""
    looked = []
    for item in plan.left:
        assert item.ahead is not None
        if (preview := item.ahead.preview) is not None:
            prepared = item.ahead.prepared
            result = prepared.result(Outcome.PREVIEWED, preview.summary, changes=preview.changes)
            looked.append((prepared, result))
    runner.journal.previewed(actor, looked)


async def settled_past(
    runner: Runner, batch: str, signed_in: SignedIn, interaction: Interaction
) -> Mapping[int, Past]:
    """What the log knows of a batch, once everything that was interrupted in it has been read back (R2)."""
    past = await asyncio.to_thread(batch_past, runner.journal, batch)
    begun = {item.intent.seq for item in past.values() if item.stand is Stand.BEGUN and item.intent}
    if not begun:
        return past
    open_now = await asyncio.to_thread(runner.journal.audit.open_intents)
    await Reconciler(runner)([one for one in open_now if one.seq in begun], signed_in, interaction)
    return await asyncio.to_thread(batch_past, runner.journal, batch)


class _AtRow:
    """The person at one row: they agreed to it before, and are asked nothing more."""

    def __init__(self, item: PlannedRow, warned: Callable[[Warned], None], watcher: Watcher) -> None:
        self._item = item
        self._warned = warned
        self._watcher = watcher

    def emit(self, event: Event) -> None:
        if isinstance(event, Warned):
            self._warned(Warned(f"row {self._item.row.number}: {event.text}", event.hint))

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        raise UsageError(f"{confirmation.action} was not agreed to with the batch.")

    async def ask(self, question: Question) -> str:
        raise UsageError(f"{question.name} is missing, and nobody is asked in a batch.")

    async def ask_secret(self, question: Question) -> Secret:
        raise UsageError(f"{question.name} is missing, and nobody is asked in a batch.")

    def ensure_can_reveal(self) -> None:
        """The place of the batch's secrets was opened before its first row."""

    async def reveal(self, secret: Secret, label: str) -> None:  # noqa: ARG002 (the row says whose it is)
        await waited(self._watcher.reveal, self._item, secret)
