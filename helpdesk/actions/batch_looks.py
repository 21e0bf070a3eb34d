"""Who the rows of a batch are about is read together for the rows that come next, just before them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from helpdesk.actions.batch_plan import PlannedRow
from helpdesk.actions.look import Look
from helpdesk.identity import Actor, Person
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
    _ended: list[PlannedRow] = field(default_factory=list)
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
                agreed = {name: person.id for row in rows for name, person in _people(row).items()}
                ids = [self.actor.person.id, *(id for row in rows for id in sorted(ids_of(row)))]
                self._ended.clear()
                await asyncio.to_thread(look.ahead, agreed=agreed, ids=ids)
                for one in self._ended:  # while it was read: it may have been read before that row's change
                    look.forget(*_whom(one))
                self._look, self._rows = look, frozenset(row.row.number for row in rows)
            return self._look

    def forget(self, item: PlannedRow) -> None:
        """A row ended: whom and what it was about is read anew."""
        if self._guard.locked():
            self._ended.append(item)
        if self._look is not None:
            self._look.forget(*_whom(item))


def ids_of(item: PlannedRow) -> set[str]:
    """Whom and what a row is about, by permanent id."""
    people, groups = _whom(item)
    return {*people, *groups}


def _whom(item: PlannedRow) -> tuple[list[str], list[str]]:
    """The people and the groups of a row, by permanent id."""
    assert item.ahead is not None
    people, groups = item.ahead.prepared.people.values(), item.ahead.prepared.groups.values()
    return [person.id for person in people], [group.id for group in groups]


def _people(item: PlannedRow) -> Mapping[str, Person]:
    assert item.ahead is not None
    return item.ahead.prepared.people
