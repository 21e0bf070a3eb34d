"""What is read together for the rows of a batch, and what of it is not told any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from helpdesk.actions.batch_looks import Looks
from helpdesk.actions.batch_plan import PlannedRow
from helpdesk.actions.look import Look
from helpdesk.errors import NotFound
from helpdesk.handles import ReadDirectory, WriteDirectory
from helpdesk.identity import AccountStatus, Person
from helpdesk.ports import DirectoryReader, DirectorySession, Snapshot
from tests.unit.door_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class Many:
    """A reader that looks at many at once, and lets the test in just after it has looked."""

    def __init__(self, reader: DirectoryReader) -> None:
        self._reader = reader
        self.asked: list[str] = []
        self.looked, self.go = threading.Event(), threading.Event()
        self.go.set()

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._reader, name)

    def called(self, names: Sequence[str]) -> Mapping[str, Sequence[Person]]:
        self.asked.append("called")
        return {name: self._reader.people_called(name) for name in names}

    def snapshots(self, ids: Sequence[str]) -> Mapping[str, Snapshot]:
        self.asked.append("snapshots")
        found = {}
        for id in ids:
            person = self._reader.person_by_id(id)
            found[id] = Snapshot(person, self._reader.status(person), tuple(self._reader.groups_of(person)))
        self.looked.set()
        assert self.go.wait(20)
        return found


def row(world: World, number: int, login: str) -> PlannedRow:
    person = world.embedded.look_up().person(login)
    prepared = SimpleNamespace(people={login: person}, groups={})
    return cast(
        PlannedRow,
        SimpleNamespace(row=SimpleNamespace(number=number), ahead=SimpleNamespace(prepared=prepared)),
    )


def disable(world: World, login: str) -> None:
    desk = world.signed_in("dana").directory
    desk.set_enabled(desk.person(login), False)


@pytest.mark.req("D9")
def test_a_row_that_ends_while_others_are_looked_at_is_not_told_as_it_was_before(world: World) -> None:
    """The look had read its person before the row's change, and comes back after it."""
    reader = Many(world.signed_in("dana").directory)
    looks = Looks(cast(DirectoryReader, reader), world.signed_in("dana").actor)
    first, second = row(world, 1, "emma"), row(world, 2, "bo")
    reader.go.clear()

    async def story() -> Look:
        looking = asyncio.ensure_future(looks.of(second, [first], busy=()))
        await asyncio.to_thread(reader.looked.wait, 20)
        disable(world, "emma")
        looks.forget(first)
        reader.go.set()
        return await looking

    look = asyncio.run(story())
    emma, bo = (world.embedded.look_up().person(login) for login in ("emma", "bo"))
    assert look.at_hand("status", emma.id) is None
    assert look.at_hand("status", bo.id) is not None
    assert look.status(emma).enabled is False


@pytest.mark.req("D7")
def test_whom_a_name_was_agreed_to_mean_is_found_by_their_id(world: World) -> None:
    reader = Many(world.signed_in("dana").directory)
    emma = world.embedded.look_up().person("emma")
    look = Look(cast(DirectoryReader, reader))
    look.ahead(ids=[emma.id], agreed={"emma": emma.id, "EMMA@corp.test": emma.id, "erna": emma.id})
    assert [look.people_called(name) for name in ("emma", "EMMA@corp.test")] == [[emma], [emma]]
    assert reader.asked == ["snapshots"]
    assert look.people_called("erna") == [], "she does not bear that name any more"
    assert reader.asked == ["snapshots", "people_called"]


class Both:
    """A reader that tells who somebody is with the state of their account."""

    def __init__(self, reader: DirectoryReader, *, gone: bool = False) -> None:
        self._reader = reader
        self._gone = gone
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name == "at_hand":
            raise AttributeError(name)
        self.asked.append(name)
        return getattr(self._reader, name)

    def person_and_status(self, id: str) -> tuple[Person, AccountStatus] | None:
        self.asked.append("both")
        person = self._reader.person_by_id(id)
        return None if self._gone else (person, self._reader.status(person))


@pytest.mark.req("R2")
def test_what_comes_along_is_told_once_and_never_where_something_is_changed(world: World) -> None:
    reader = Both(world.signed_in("dana").directory)
    emma = world.embedded.look_up().person("emma")
    reading = ReadDirectory(cast(DirectoryReader, reader), {"emma": emma}, {})
    writing = WriteDirectory(cast(DirectorySession, reader), {"emma": emma}, {})

    async def story() -> None:
        assert await reading.person("emma") == emma
        before = await reading.status(emma)
        assert (before.enabled, reader.asked) == (True, ["both"])
        disable(world, "emma")
        assert (await reading.status(emma)).enabled is False
        assert reader.asked == ["both", "status"]
        reader.asked.clear()
        assert await writing.person("emma") == emma
        await writing.status(emma)
        assert reader.asked == ["person_by_id", "status"]

    asyncio.run(story())


@pytest.mark.req("D7")
def test_who_cannot_be_told_with_their_account_is_asked_for_alone(world: World) -> None:
    reader = Both(world.signed_in("dana").directory, gone=True)
    emma = world.embedded.look_up().person("emma")
    reading = ReadDirectory(cast(DirectoryReader, reader), {"emma": emma}, {})
    assert asyncio.run(reading.person("emma")) == emma
    assert reader.asked == ["both", "person_by_id"]
    nobody = ReadDirectory(cast(DirectoryReader, reader), {"emma": replace(emma, id="gone")}, {})
    with pytest.raises(NotFound):
        asyncio.run(nobody.person("emma"))
