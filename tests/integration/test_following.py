"""A command that watches its run: a worker carries it out, or, where none is, the command itself under the lock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk.app import Desk
from helpdesk.app import workbench as benches
from helpdesk.app.working import ENDED, follow
from helpdesk.engine import Document, Durably, Handler, Run, RunState
from helpdesk.errors import Failed, NotFound, Unreachable
from helpdesk.events import Progress
from tests.fakes.terminal import Person
from tests.integration.engine_world import until
from tests.surfaces.test_cli_worker import Worked


class Ears(Person):
    """Hears what is told."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, event: Any) -> None:
        if isinstance(event, Progress):
            self.heard.append(event.text)


def told(bench: benches.Workbench) -> Handler:
    """Tells how far it is, and then that it acted as the worker."""

    async def handler(durably: Durably, document: Document) -> Document:
        async def who() -> Document:
            return {"as": (await bench.acting()).actor.login}

        await durably.note({"phase": "look", "message": "Looking"})
        found = await durably.step("who", who)
        await durably.sleep_until(await durably.now())
        await durably.note({"phase": "done", "message": "Looked"})
        return found

    return handler


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    company = Worked(tmp_path / "company")
    company.configure(start="manual")
    monkeypatch.setenv("HOME", str(company.home))
    monkeypatch.setattr(benches, "KINDS", {"request": f"{__name__}:told"})
    made = Desk.open()
    yield made
    made.close()
    company.directory.close()


def test_without_a_worker_the_command_carries_its_run_out_itself(desk: Desk) -> None:
    assert desk.engine is not None
    for id in ("R-1", "R-2"):  # twice: the first one leaves nothing behind
        desk.engine.start(Run(id, "request", {}))
        ears = Ears()
        status = asyncio.run(follow(desk, id, ears))
        assert status.state is RunState.DONE
        assert status.result == {"as": "bo"}
        assert ears.heard[-1] == "Looked"
    assert desk.engine.workers(3) == []
    with pytest.raises(NotFound):
        asyncio.run(follow(desk, "R-9", Ears()))


def test_beside_a_worker_it_only_watches(desk: Desk) -> None:
    assert desk.engine is not None
    bench = benches.Workbench(desk, lambda *_, **__: None)
    bench.open()
    try:
        desk.engine.start(Run("R-1", "request", {}))
        status = asyncio.run(follow(desk, "R-1", Ears()))
        assert (status.state, status.worker) == (RunState.DONE, bench.serving.id)
        desk.engine.start(Run("R-2", "nobody's", {}))
        assert asyncio.run(follow(desk, "R-2", Ears(), within=0.1)).state not in ENDED
        with pytest.raises(Failed) as second:
            benches.Workbench(desk, lambda *_, **__: None).serving.serve({})
        assert second.value.code == "worker-running"
    finally:
        assert bench.close(5)


def test_what_a_worker_does_besides_is_done_again_after_an_error(desk: Desk) -> None:
    seen: list[str] = []
    bench = benches.Workbench(desk, lambda event, **_: seen.append(event))

    async def look() -> None:
        seen.append("looked")
        if seen.count("looked") == 1:
            raise Unreachable("Not now.")

    bench.beside.append(benches.Beside("looking", 0.01, look))
    bench.open()
    try:
        until(lambda: seen.count("looked") >= 2)
        assert "beside-failed" in seen
    finally:
        bench.close(5)


@pytest.mark.req("R9")
def test_a_refused_password_is_not_tried_again_at_once(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "company" / "worker-password").write_text("not his")
    bench = benches.Workbench(desk, lambda *_, **__: None)
    tried = []
    really = desk.sign_in

    async def counted(login: str, password: Any) -> Any:
        tried.append(login)
        return await really(login, password)

    desk.sign_in = counted
    for _ in range(3):
        with pytest.raises(Exception, match="password"):
            asyncio.run(bench.acting())
    assert tried == ["bo"]


def test_a_worker_uses_its_sign_in_again_while_the_directory_answers(desk: Desk) -> None:
    bench = benches.Workbench(desk, lambda *_, **__: None)

    async def twice() -> None:
        first, second = await bench.acting(), await bench.acting()
        assert first is second
        first.directory.close()

    asyncio.run(twice())
    bench.acting.close()
