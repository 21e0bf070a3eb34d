"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from tests.unit.requests_world import Schema, World


@pytest.fixture(scope="session")
def schema_of_requests(postgres: Postgres) -> Iterator[Schema]:
    """Tables in a real Postgres; every test empties them first."""
    schema = Schema(postgres)
    yield schema
    schema.close()


@pytest.fixture(params=["sqlite", "postgres"])
def requests_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Requests in a file, and in Postgres."""
    tmp_path.chmod(0o700)
    shared = request.param == "postgres"
    world = World(tmp_path, request.getfixturevalue("schema_of_requests") if shared else None)
    yield world
    world.close()
