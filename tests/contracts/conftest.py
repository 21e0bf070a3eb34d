"""Everything behind the port, one after the other, and people in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpdesk.ports import DirectoryReader, DirectorySession
from tests.contracts.worlds import Account, EmbeddedWorld, SlapdWorld, World, signed_in


@pytest.fixture(scope="session", params=["embedded", "slapd_people", "slapd_staff"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made: World
    if request.param == "embedded":
        made = EmbeddedWorld(tmp_path_factory.mktemp("embedded"))
    else:
        made = SlapdWorld(request.getfixturevalue(request.param))
    yield made
    made.directory.close()


@pytest.fixture
def desk(world: World) -> Iterator[DirectorySession]:
    session = signed_in(world, world.desk)
    yield session
    session.close()


@pytest.fixture
def worker(world: World) -> Iterator[DirectorySession]:
    """Somebody who looks after the entries of people and groups."""
    session = signed_in(world, world.worker)
    yield session
    session.close()


@pytest.fixture
def bo(world: World) -> Account:
    return world.person(name="Bo Berg")


@pytest.fixture
def peer(world: World) -> Iterator[DirectorySession]:
    """Somebody signed in who has no rights beyond their own."""
    session = signed_in(world, world.person(name="Pia Peer"))
    yield session
    session.close()


@pytest.fixture(params=["nobody signed in", "signed in"])
def reader(request: pytest.FixtureRequest, world: World) -> DirectoryReader:
    if request.param == "signed in":
        session: DirectorySession = request.getfixturevalue("peer")
        return session
    return world.directory.look_up()
