"""Where grants are kept: each is a sealed run of the engine that waits for its end.

A grant has one id; where its run broke off and was asked for anew, or somebody ends it before its time, the new run has
the id with "~2" behind it, and stands for the same grant. What lies in the store is believed only under the seal of a listed host: a row that somebody
else put there or altered ends nothing, keeps nothing, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from helpdesk.actions.grant import Grant, Named, grant_from, prefix_of
from helpdesk.engine import Document, Engine, Run, RunState, RunStatus
from helpdesk.errors import Failed, NotFound, Refused
from helpdesk.gate.seals import Seals
from helpdesk.ports import Clock
from helpdesk.spec import ActionSpec

KIND = "expiry"
SEAL = "grant"
LATE = timedelta(seconds=60)
"""How long after its end a grant may still be there before it is said loudly (V5)."""
MOST = 100_000
WAITS = (RunState.WAITING, RunState.QUEUED, RunState.RUNNING)


class Standing(StrEnum):
    """``ENDING``: its end has come, and it is being taken back. ``OVERDUE``: it should be gone by now."""

    ACTIVE = "active"
    ENDING = "ending"
    OVERDUE = "overdue"
    ENDED = "ended"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Kept:
    """A grant and where it stands.

    Attributes:
        run: id of the run that ends it. at: when that begins, as far as it waits.
        trouble: why it could not be taken back so far, or "". how: how it ended, in a sentence, or "".
        entry: of the worker's log, with the outcome.
    """

    grant: Grant
    standing: Standing
    run: RunStatus
    trouble: str = ""
    how: str = ""
    entry: int | None = None

    @property
    def live(self) -> bool:
        return self.standing in (Standing.ACTIVE, Standing.ENDING, Standing.OVERDUE)


class Grants:
    """The grants in the engine's store. Blocking; implements :class:`helpdesk.actions.ending.Promises`.

    Args:
        may_take: raises Refused where the worker may not run an action, on those groups, to take something back.
    """

    def __init__(
        self,
        engine: Engine,
        seals: Seals,
        clock: Clock,
        may_take: Callable[[ActionSpec, Collection[Named]], None] = lambda *_: None,
    ) -> None:
        self._engine = engine
        self._seals = seals
        self._clock = clock
        self._may_take = may_take
        self.told: Callable[[Grant], None] = lambda _: None
        """Told of each grant that was kept; it raises nothing."""

    # ── promises ──────────────────────────────────────────────────────────────────────────────

    def check(self, undo: ActionSpec, groups: Collection[Named]) -> None:
        self._may_take(undo, groups)

    def live(self, thing: str) -> list[Grant]:
        kept = self._kept(self._engine.runs(kind=KIND, prefix=prefix_of(thing), limit=MOST))
        found = [one.grant for one in kept if one.live and one.grant.thing == thing]
        return sorted(found, key=lambda grant: (grant.ends, grant.given), reverse=True)

    def keep(self, grant: Grant) -> Grant:
        self.start(grant)
        kept = self.get(grant.id)
        if not kept.live:
            raise Failed(
                f"The end of this access ({grant.id}) was kept before and is over, so nothing was given.",
                hint="Run it again as a new call.",
                code="stale",
            )
        self.told(kept.grant)
        return kept.grant

    def drop(self, grant: Grant, why: str) -> None:  # noqa: ARG002 - the log says why; the engine keeps that it was
        for status in self._engine.runs(kind=KIND, states=WAITS, prefix=grant.id):
            if _root(status.id) == grant.id:
                self._engine.cancel(status.id)

    # ── runs ──────────────────────────────────────────────────────────────────────────────────

    def start(self, grant: Grant, suffix: str = "") -> str:
        """Let a grant wait for its end; the run's id."""
        run = self.run(grant, suffix)
        self._engine.start(run)
        return run.id

    def run(self, grant: Grant, suffix: str = "") -> Run:
        """The sealed run of a grant."""
        document = self._seals.close(SEAL, grant.document())
        return Run(grant.id + suffix, KIND, document, at=grant.ends.astimezone(UTC))

    def opened(self, id: str, document: Document) -> Grant:
        """The grant that a run is about.

        Raises:
            Refused: it is not as a listed host wrote it, or belongs to another run ("sealed").
        """
        try:
            grant = grant_from(self._seals.open(SEAL, document))
        except (ValueError, KeyError, TypeError):
            raise _altered(id) from None
        if grant.id != _root(id):
            raise _altered(id)
        return grant

    def again(self, kept: Kept) -> str:
        """Ask for a new run of a grant whose run broke off; its id."""
        return self.start(kept.grant, f"~{_number(kept.run) + 1}")

    def end_now(self, kept: Kept, by: str) -> Kept:
        """Let a grant end at once, because somebody who may says so; what it is from then on.

        Args:
            by: their login.

        Raises:
            Failed: it is over by now.
        """
        while kept.live:
            early = replace(kept.grant, ends=self._clock().astimezone().replace(microsecond=0), ended_by=by)
            number = _number(kept.run) + 1
            self.start(early, f"~{number}")
            kept = self.get(kept.grant.id)
            if kept.grant.ended_by:
                return kept
        raise Failed(f"{kept.grant.id} is over: {kept.how or kept.standing.value}", code="stale")

    def begin_at(self, kept: Kept, moment: datetime) -> None:
        """Let its end begin at its own moment, or now, whatever the store holds."""
        self._engine.move(kept.run.id, moment)

    def tidy(self, run: str) -> None:
        """A grant ended in this run: others of it have nothing left to do."""
        for status in self._engine.runs(kind=KIND, states=WAITS, prefix=_root(run)):
            if _root(status.id) == _root(run) and status.id != run:
                self._engine.cancel(status.id)

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    def get(self, id: str) -> Kept:
        """One grant, in upper or lower case. Raises NotFound; Refused ("sealed") when it was altered."""
        wanted = id.strip().upper()
        runs = [one for one in self._engine.runs(kind=KIND, prefix=wanted) if _root(one.id) == wanted]
        if not wanted.startswith("G-") or not runs:
            raise NotFound(f"There is no grant {id!r}.", hint="helpdesk grants list shows those there are.")
        status = max(runs, key=_number)
        return self._one(status, self.opened(status.id, status.document))

    def all(self, *, ended: bool = False) -> list[Kept]:
        """Every grant: the overdue ones first, then by their end; those that ended too, where asked for."""
        states = () if ended else (*WAITS, RunState.FAILED)
        kept = self._kept(self._engine.runs(kind=KIND, states=states, limit=MOST))
        order = list(Standing)
        order.remove(Standing.OVERDUE)
        order.insert(0, Standing.OVERDUE)
        found = [one for one in kept if ended or one.live]
        return sorted(found, key=lambda one: (order.index(one.standing), one.grant.ends, one.grant.id))

    def struggling(self) -> list[Kept]:
        """Those that a worker has taken up, or that broke off, and that are overdue; however many others wait."""
        kept = self._kept(
            self._engine.runs(kind=KIND, states=(RunState.RUNNING, RunState.FAILED), limit=MOST)
        )
        late = [one for one in kept if one.standing is Standing.OVERDUE]
        return [one for one in late if self.get(one.grant.id).standing is Standing.OVERDUE]

    def altered(self) -> list[str]:
        """Ids of runs that are under no seal of ours; for ``helpdesk doctor``."""
        wrong = []
        for status in self._engine.runs(kind=KIND, limit=MOST):
            try:
                self.opened(status.id, status.document)
            except Refused:
                wrong.append(status.id)
        return wrong

    def _kept(self, runs: Iterable[RunStatus]) -> list[Kept]:
        """The newest run of each grant, opened; what is altered is left out."""
        newest: dict[str, RunStatus] = {}
        for status in runs:
            root = _root(status.id)
            if root not in newest or _number(status) > _number(newest[root]):
                newest[root] = status
        found = []
        for status in newest.values():
            try:
                found.append(self._one(status, self.opened(status.id, status.document)))
            except Refused:
                continue  # named by altered()
        return found

    def _one(self, status: RunStatus, grant: Grant) -> Kept:
        trouble = str((status.note or {}).get("trouble", ""))
        if status.state is RunState.DONE:
            result: dict[str, Any] = status.result or {}
            replaced = result.get("end") == "replaced"
            return Kept(
                grant,
                Standing.REPLACED if replaced else Standing.ENDED,
                status,
                how=str(result.get("how", "")),
                entry=result.get("entry"),
            )
        if status.state is RunState.CANCELLED:
            return Kept(
                grant, Standing.REPLACED, status, how="It was given up: something else holds instead."
            )
        if status.state is RunState.FAILED:
            return Kept(grant, Standing.OVERDUE, status, trouble=status.error or "Its end broke off.")
        now = self._clock()
        if grant.ends > now:
            return Kept(grant, Standing.ACTIVE, status)
        late = now - grant.ends > LATE or (bool(trouble) and now >= grant.ends)
        return Kept(grant, Standing.OVERDUE if late else Standing.ENDING, status, trouble=trouble)


def _root(id: str) -> str:
    """The grant's id of a run."""
    return id.partition("~")[0]


def _number(status: RunStatus) -> int:
    tail = status.id.partition("~")[2]
    return int(tail) if tail.isdecimal() else 1


def _altered(id: str) -> Refused:
    return Refused(
        f"The kept grant {_root(id)} is not as it was made: its seal does not match, so it has no effect.",
        hint="Tell an administrator: the store was altered, or [worker] trusted_hosts lacks a host.",
        code="sealed",
    )
