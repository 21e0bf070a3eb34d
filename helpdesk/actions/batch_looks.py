"""Who the rows of a batch are about is read together for the rows that come next, just before them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from helpdesk.actions.batch_plan import PlannedRow
from helpdesk.actions.look import Look
from helpdesk.identity import Actor
from helpdesk.ports import DirectoryReader

TOGETHER = 32
"""Rows that one look is made for."""


@dataclass(slots=True)
class Looks:
    """Gives each row a look at the directory that is younger than the plan, and never older than :data:`GOOD_FOR`.

    Attributes:
        actor: whoever carries the rows out; their rights are read again with each look (D9).
    """

    reader: DirectoryReader
    actor: Actor
    _look: Look | None = None
    _rows: frozenset[int] = frozenset()
    _guard: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, item: PlannedRow, coming: Sequence[PlannedRow], busy: Collection[str]) -> Look:
        """The look for a row that begins now.

        Args:
            coming: the rows after it, in their order. busy: ids that other rows are changing at this moment.

        Raises:
            Unreachable, NotSignedIn: nothing can be read.
        """
        async with self._guard:
            if self._look is None or self._look.is_old or item.row.number not in self._rows:
                rows = [item, *(one for one in coming[: TOGETHER - 1] if not ids_of(one) & set(busy))]
                look = Look(self.reader)
                names = [str(name) for row in rows for name in _names(row)]
                ids = [self.actor.person.id, *(id for row in rows for id in sorted(ids_of(row)))]
                await asyncio.to_thread(look.ahead, names=names, ids=ids)
                self._look, self._rows = look, frozenset(row.row.number for row in rows)
            return self._look

    def forget(self, item: PlannedRow) -> None:
        """A row ended: whom and what it was about is read anew."""
        assert item.ahead is not None
        prepared = item.ahead.prepared
        people = [person.id for person in prepared.people.values()]
        if self._look is not None:
            self._look.forget(people, [group.id for group in prepared.groups.values()])


def ids_of(item: PlannedRow) -> set[str]:
    """Whom and what a row is about, by permanent id."""
    assert item.ahead is not None
    prepared = item.ahead.prepared
    people, groups = prepared.people.values(), prepared.groups.values()
    return {person.id for person in people} | {group.id for group in groups}


def _names(item: PlannedRow) -> Sequence[str]:
    assert item.ahead is not None
    return list(item.ahead.prepared.people)
