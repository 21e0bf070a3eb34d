"""The plan of a batch: every row looked at before the first effect, and one digest over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import Any, TypeVar

from helpdesk.actions.ahead import Ahead
from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.batch_past import Past, Stand, row_key
from helpdesk.actions.batch_rows import BadRow, Row
from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.look import Look
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.actions.runner import Runner
from helpdesk.canonical import digest
from helpdesk.errors import (
    HelpdeskError,
    LogUnavailable,
    NotFound,
    NotSignedIn,
    Stale,
    Unreachable,
    UsageError,
)
from helpdesk.events import Change
from helpdesk.gate.authorization import Subject
from helpdesk.ports import DirectoryReader, Interaction, SignedIn
from helpdesk.spec import ActionSpec

T = TypeVar("T")
TOGETHER = 200
"""Rows whose people are looked up together."""
PLAN = "helpdesk.plan/1"


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """A row that can be carried out, or was.

    Attributes:
        call: with the row's own key. ahead: what it means now; ``None`` where nothing is left to do.
        past: what the log knows of it.
    """

    row: Row
    call: Call
    ahead: Ahead | None
    past: Past | None

    @property
    def target(self) -> str:
        return self.ahead.prepared.target if self.ahead else ""

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.ahead.preview.changes if self.ahead and self.ahead.preview else ()

    @property
    def is_left(self) -> bool:
        """Whether it still has to be carried out."""
        return self.ahead is not None

    @property
    def agreed(self) -> str:
        """The digest that the plan holds for this row.

        What this batch itself has begun counts as it was agreed to, so that the plan of an interrupted
        batch is the same plan when it goes on.
        """
        if self.past is not None and (self.ahead is None or self.past.half):
            return self.past.digest
        assert self.ahead is not None
        return self.ahead.digest


@dataclass(frozen=True, slots=True)
class Plan:
    """Every row of a batch, in the file's order."""

    batch: str
    file: str
    rows: tuple[PlannedRow, ...]

    @property
    def digest(self) -> str:
        """Over the canonical calls and the state each was previewed on."""
        rows = [[item.row.number, item.call.key, item.agreed] for item in self.rows]
        return digest({"plan": self.batch, "file": self.file, "rows": rows})

    @property
    def left(self) -> list[PlannedRow]:
        return [item for item in self.rows if item.is_left]

    def document(self) -> dict[str, Any]:
        """The plan as ``helpdesk.plan/1``."""
        rows = [_row_document(item) for item in self.rows]
        return {"schema": PLAN, "digest": self.digest, "batch": self.batch, "file": self.file, "rows": rows}


def _row_document(item: PlannedRow) -> dict[str, Any]:
    ahead, past = item.ahead, item.past
    approvers = (
        [subject.person.login for subject in ahead.decision.approvers] if ahead and ahead.waits else []
    )
    return {
        "row": item.row.number,
        "line": item.row.line,
        "action": item.row.action,
        "arguments": dict(item.call.arguments),
        "target": item.target,
        "stands": past.stand.value if past else Stand.OPEN.value,
        "entry": past.entry.seq if past else None,
        "summary": ahead.preview.summary if ahead and ahead.preview else "",
        "changes": [asdict(change) for change in item.changes],
        "approvers": approvers,
        "digest": item.agreed,
    }


@dataclass(frozen=True, slots=True)
class _Foreseeing(Authoriser):
    """Asks the policy about many calls of one person, whose own rights are read once for all of them.

    That is enough for a plan, which changes nothing: before each effect everything is read again (D9).
    """

    principals: dict[str, Subject] = field(default_factory=dict)

    @classmethod
    def of(cls, other: Authoriser) -> _Foreseeing:
        return cls(**{one.name: getattr(other, one.name) for one in fields(Authoriser)})

    def _principal(self, prepared: Prepared, reader: DirectoryReader) -> Subject:
        id = prepared.requester.person.id
        if id not in self.principals:
            self.principals[id] = Authoriser._principal(self, prepared, reader)
        return self.principals[id]


@dataclass(frozen=True, slots=True)
class Planner:
    """Looks at every row; nothing is changed and nobody is asked.

    Attributes:
        window: rows looked at at the same time.
    """

    runner: Runner
    signed_in: SignedIn
    interaction: Interaction
    window: int

    async def __call__(
        self, batch: str, file: str, rows: Sequence[Row], past: Mapping[int, Past]
    ) -> tuple[Plan, list[BadRow]]:
        """The plan, and the rows that stand in its way.

        Raises:
            Unreachable, NotSignedIn, LogUnavailable: no row can be looked at.
        """
        runner = replace(self.runner, authorise=_Foreseeing.of(self.runner.authorise))
        looked: list[PlannedRow | BadRow] = []
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            look = Look(self.signed_in.directory)
            names = [name for row in some for name in _people_in(row, runner.catalog.specs)]
            await asyncio.to_thread(look.ahead, names=names)
            looked += await in_window(
                [partial(self._look, runner, batch, row, past.get(row.number), look) for row in some],
                self.window,
            )
        good = [item for item in looked if isinstance(item, PlannedRow)]
        bad = [item for item in looked if isinstance(item, BadRow)]
        bad += _repeated(good)
        return Plan(batch, file, tuple(good)), bad

    async def _look(
        self, runner: Runner, batch: str, row: Row, past: Past | None, look: Look
    ) -> PlannedRow | BadRow:
        try:
            return await self._planned(runner, batch, row, past, look)
        except (Unreachable, NotSignedIn, LogUnavailable):
            raise
        except HelpdeskError as error:
            return BadRow(row, error)

    async def _planned(
        self, runner: Runner, batch: str, row: Row, past: Past | None, look: Look
    ) -> PlannedRow:
        call = Call(row.action, row.arguments, dict.fromkeys(row.arguments, Provenance.FILE))
        spec, action = runner.catalog.action(row.action)
        who = self.signed_in.actor
        try:
            prepared = await asyncio.to_thread(prepare, call, spec, action, who, look)
        except NotFound:
            if past is None or past.stand is Stand.OPEN:
                raise
            return PlannedRow(row, _keyed(call, past.key), None, past)  # whom it was about is gone since
        key = row_key(batch, row.number, prepared)
        if past is not None and past.key != key:
            raise Stale(
                f"This row was begun for another one of the same name (entry {past.entry.seq}).",
                hint="Look at both, and write a new file for what is left.",
            )
        call = _keyed(call, key)
        if past is not None and past.stand is not Stand.OPEN:
            return PlannedRow(row, call, None, past)
        prepared = replace(prepared, call=call)
        ahead = await runner.look_ahead(call, self.signed_in, self.interaction, look=look, prepared=prepared)
        return PlannedRow(row, call, ahead, past)


def _people_in(row: Row, specs: Sequence[ActionSpec]) -> list[str]:
    """The names of people in a row, as they stand there."""
    spec = next((spec for spec in specs if spec.name == row.action), None)
    logins = [one.name for one in spec.parameters if one.kind == "login"] if spec else []
    return [value for name in logins if isinstance(value := row.arguments.get(name), str)]


def _keyed(call: Call, key: str) -> Call:
    return Call(call.action, call.arguments, call.provenance, key=key)


def _repeated(rows: Iterable[PlannedRow]) -> list[BadRow]:
    """Rows that ask for the very same thing as one before, however it is spelled; reading twice does no harm."""
    seen: dict[str, Row] = {}
    bad = []
    for item in rows:
        if item.ahead is None or item.ahead.preview is None:
            continue
        first = seen.setdefault(_meant(item.ahead.prepared), item.row)
        if first is not item.row:
            error = UsageError(f"This row asks for the same as row {first.number} (line {first.line}).")
            bad.append(BadRow(item.row, error))
    return bad


def _meant(prepared: Prepared) -> str:
    """A call by what its names mean: the same for every spelling of them."""
    values = dict(prepared.values)
    for parameter in prepared.spec.parameters:
        name = values.get(parameter.name)
        if parameter.kind == "login" and name is not None:
            values[parameter.name] = prepared.people[name].id
        elif parameter.kind == "group" and name is not None:
            values[parameter.name] = prepared.groups[name].id
    return digest({"action": prepared.spec.name, "values": values})


async def in_window(work: Sequence[Callable[[], Awaitable[T]]], window: int) -> list[T]:
    """Every result, in order, with at most so many in flight. The first error ends the others."""
    room = asyncio.Semaphore(window)

    async def one(make: Callable[[], Awaitable[T]]) -> T:
        async with room:
            return await make()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(make)) for make in work]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]
