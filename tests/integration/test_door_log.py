"""The door with the real log on a disk that fails: before the intent nothing happens, after it nothing is hidden."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.reconcile import Reconciler
from helpdesk.events import Outcome, Result
from helpdesk.gate.audit import AuditLog
from helpdesk.gate.keys import HostKey
from tests.fakes.terminal import Person
from tests.unit.door_world import NOW, World

pytestmark = pytest.mark.req("R1")


class Disk:
    """A log on a disk that can be broken and mended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "log"
        folder.chmod(0o700)
        self.world = World(folder, log=self.opened())
        self._holder: sqlite3.Connection | None = None

    def opened(self) -> AuditLog:
        keys = self.folder.parent / "keys"
        return AuditLog(self.folder, lambda: NOW, lambda: HostKey.load_or_create(keys), busy=0.05)

    def lock(self) -> None:
        """Another program holds the database."""
        self._holder = sqlite3.connect(self.folder / "log.db", isolation_level=None, check_same_thread=False)
        self._holder.execute("BEGIN EXCLUSIVE")

    def fill(self) -> None:
        """No page more fits."""
        database = self.world.log._open()
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        self.world.log.append("read", {"filler": "x" * 3000}, {}) if pages < 3 else None

    def take_away(self) -> None:
        """The folder's rights are gone: where it was there is a file now, which also stops root."""
        self.folder.rename(self.folder.with_name("elsewhere"))
        self.folder.write_text("not a folder")

    def mend(self) -> None:
        if self._holder is not None:
            self._holder.close()
            self._holder = None
        if self.folder.is_file():
            self.folder.unlink()
            self.folder.with_name("elsewhere").rename(self.folder)
        self.world.log = self.opened()
        self.world.runner.journal = type(self.world.runner.journal)(self.world.log)

    def entries(self, kind: str) -> list[Any]:
        return self.world.log.entries(kinds=(kind,), limit=10_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    yield disk
    disk.mend()
    disk.world.log.close()


BREAKS: dict[str, Callable[[Disk], None]] = {
    "locked": Disk.lock,
    "full": Disk.fill,
    "taken away": Disk.take_away,
}


def revoke(world: World, at: Person | None = None) -> Result:
    return world.do("olga", "access.revoke", at=at, person="mia", group="finance-share")


@pytest.mark.parametrize("how", BREAKS)
def test_a_log_that_fails_before_the_intent_stops_the_call(disk: Disk, how: str) -> None:
    world = disk.world
    world.sign_in("olga")
    at = Person(before_answer=lambda: BREAKS[how](disk))
    results = [revoke(world, at), *(revoke(world, Person()) for _ in range(20))]
    refused = [result for result in results if result.outcome is Outcome.FAILED]
    assert refused, "the disk was meant to fail"
    assert all(result.error and result.error.code == "log-unavailable" for result in refused)
    assert all(result.entry is None for result in refused)
    if how != "full":  # a full disk may still have room for one entry more, never for an effect without one
        assert len(refused) == len(results)
        assert world.watch.tried == []
    disk.mend()
    assert len(world.watch.tried) <= len(disk.entries("intent"))


@pytest.mark.parametrize("how", BREAKS)
def test_a_log_that_fails_after_the_effect_makes_it_unknown_and_reconciling_settles_it(
    disk: Disk, how: str
) -> None:
    world = disk.world
    world.sign_in("olga")

    def now_it_breaks(_: object) -> None:
        BREAKS[how](disk)
        if how == "full":
            _until_full(disk)

    world.watch.on_write = now_it_breaks
    result = revoke(world, Person())
    assert result.outcome is Outcome.UNKNOWN, result
    assert "could not be logged" in result.message
    assert result.error is not None
    assert "reconcile" in result.error.hint
    assert not world.is_member("mia")
    assert len(world.done) == 1

    disk.mend()
    (left,) = world.log.interrupted()
    assert left.seq == result.entry
    olga = world.sign_in("olga")
    (settled,) = asyncio.run(Reconciler(world.runner)([left], olga, cast(Any, Person())))
    assert settled.outcome is Outcome.DONE
    assert world.log.interrupted() == []
    assert len(world.done) == 1
    assert world.log.verify().ok


def _until_full(disk: Disk) -> None:
    from helpdesk.errors import LogUnavailable

    for _ in range(2000):
        try:
            disk.world.log.append("read", {"filler": "x" * 500}, {})
        except LogUnavailable:
            disk.fill()
            return
    raise AssertionError("the disk never got full")


def test_the_whole_way_through_the_real_log_verifies(disk: Disk) -> None:
    world = disk.world
    revoke(world)
    id = world.request("emma")
    world.approve("oscar", id)
    world.do("emma", "password.unlock", person="bo")
    kinds = [entry.kind for entry in world.log.entries(limit=100)]
    assert kinds == [
        "sign-in", "intent", "outcome", "sign-in", "request", "sign-in", "approval", "intent", "outcome", "refusal",
    ]  # fmt: skip
    assert world.log.verify().ok
