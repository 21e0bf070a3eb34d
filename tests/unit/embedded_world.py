"""A small embedded directory whose clock the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from helpdesk.connectors.embedded import Cost, EmbeddedDirectory, NewGroup, NewPerson, Rules
from helpdesk.errors import (
    BadCredentials,
)
from helpdesk.secrets import Secret

CHEAP = Cost(n=2**8, r=8, p=1)
NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
ANA, BO, DEE = Secret("ana sails at dawn"), Secret("bo bakes bread"), Secret("dee digs deep")
WRONG = Secret("not the password")
RULES = Rules(min_length=10, history=2, max_failures=3, lockout_seconds=900, failure_window=600)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "directory.db"


@pytest.fixture
def directory(path: Path, clock: Clock) -> Iterator[EmbeddedDirectory]:
    made = EmbeddedDirectory(path, clock, cost=CHEAP)
    people = [NewPerson("dee", "Dee Desk", DEE), NewPerson("ana", "Ana Arden", ANA, mail="ana@x.test")]
    people.append(NewPerson("bo", "Bo Berg", BO, manager="ana"))
    groups = [
        NewGroup("desk", members=["dee"]),
        NewGroup("inner", owners=["ana"], members=["bo"]),
        NewGroup("outer", "holds inner", groups=["inner"]),
        NewGroup("outermost", groups=["outer"]),
    ]
    assert made.admin.seed(people, groups, rules=RULES, desk_group="desk")
    yield made
    made.close()


def fail(directory: EmbeddedDirectory, login: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(BadCredentials):
            directory.sign_in(login, WRONG)
