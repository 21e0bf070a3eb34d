"""A look at the directory: read once, forgotten when changed, and never a stand-in for an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from helpdesk.actions import look as look_module
from helpdesk.actions.look import Look
from helpdesk.errors import NotFound
from helpdesk.identity import AccountStatus, Group, Person
from helpdesk.ports import DirectoryReader, Snapshot
from tests.fakes.directory import FakeDirectory

pytestmark = pytest.mark.req("D9")


class Counting:
    """A reader that counts what it is asked."""

    def __init__(self, reader: DirectoryReader) -> None:
        self._reader = reader
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        def ask(*arguments: Any) -> Any:
            self.asked[name] += 1
            return getattr(self._reader, name)(*arguments)

        return ask


class Many(Counting):
    """One that reads many at once, and leaves ``hidden`` out."""

    hidden: str = ""

    def called(self, names: Sequence[str]) -> Mapping[str, Sequence[Person]]:
        self.asked["called"] += 1
        return {name: self._reader.people_called(name) for name in names}

    def snapshots(self, ids: Sequence[str]) -> Mapping[str, Snapshot]:
        self.asked["snapshots"] += 1
        people = [self._reader.person_by_id(id) for id in ids if id != self.hidden]
        return {
            person.id: Snapshot(person, self._reader.status(person), tuple(self._reader.groups_of(person)))
            for person in people
        }


@pytest.fixture
def company() -> FakeDirectory:
    directory = FakeDirectory()
    for login in ("emma", "bo"):
        directory.add_person(login, login.title())
    directory.add_group("team", members=("emma",))
    return directory


def read(look: Look, person: Person) -> tuple[Person, AccountStatus, list[Group]]:
    return look.person_by_id(person.id), look.status(person), look.groups_of(person)


def test_what_was_read_is_not_read_again_until_it_is_forgotten(company: FakeDirectory) -> None:
    reader = Counting(company.look_up())
    look = Look(reader)  # type: ignore[arg-type]
    emma, bo = (company.look_up().person(login) for login in ("emma", "bo"))
    for _ in range(3):
        read(look, emma)
        read(look, bo)
        look.group("team")
    assert set(reader.asked.values()) == {2, 1}
    company.set_status("emma", locked=True)
    assert look.status(emma).locked is False
    look.forget([emma.id])
    assert look.status(emma).locked is True
    assert reader.asked["status"] == 3, "only who was changed is read again"
    look.forget([], [company.look_up().group("team").id])
    look.groups_of(bo)
    look.group("team")
    assert (reader.asked["groups_of"], reader.asked["group"]) == (3, 2)


def test_an_error_is_not_kept(company: FakeDirectory) -> None:
    look = Look(company.look_up())
    with pytest.raises(NotFound):
        look.person("new")
    company.add_person("new", "New")
    assert look.person("new").login == "new"


def test_many_are_read_with_two_questions_and_who_is_left_out_alone(company: FakeDirectory) -> None:
    reader = Many(company.look_up())
    look = Look(reader)  # type: ignore[arg-type]
    emma, bo = (company.look_up().person(login) for login in ("emma", "bo"))
    reader.hidden = bo.id
    look.ahead(names=["emma"], ids=[bo.id])
    assert look.people_called("emma") == [emma]
    assert read(look, emma)[2][0].name == "team"
    assert dict(reader.asked) == {"called": 1, "snapshots": 1}
    assert look.at_hand("status", emma.id) == company.look_up().status(emma)
    assert look.at_hand("status", bo.id) is None
    read(look, bo)
    assert reader.asked["status"] == 1


def test_a_look_grows_old(company: FakeDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look(company.look_up())
    assert not look.is_old
    monkeypatch.setattr(look_module, "GOOD_FOR", -1.0)
    assert look.is_old
