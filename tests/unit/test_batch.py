"""Many calls through the real door: confirmed once, stopped in time, gone on with, and nothing twice."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions import look
from helpdesk.actions.ahead import Ahead, Standing
from helpdesk.actions.batch import Batch, Tally, settled_past
from helpdesk.actions.batch_past import batch_id
from helpdesk.actions.batch_plan import Plan, PlannedRow, Planner, in_window
from helpdesk.actions.batch_rows import BadRow, read_batch
from helpdesk.actions.batch_state import BatchState
from helpdesk.actions.runner import Runner
from helpdesk.connectors.embedded import NewGroup
from helpdesk.errors import Ambiguous, Exit, Failed, Stale, UsageError
from helpdesk.events import Outcome, Result
from helpdesk.gate.authorization import Verdict
from helpdesk.secrets import Secret
from tests.fakes.systems import Fault
from tests.unit.door_world import World
from tests.unit.test_prepare import prepared

pytestmark = pytest.mark.req("R7")


@dataclass
class Seen:
    """Implements :class:`helpdesk.actions.batch.Watcher`."""

    results: dict[int, Result] = field(default_factory=dict)
    before: set[int] = field(default_factory=set)
    secrets: dict[str, Secret] = field(default_factory=dict)
    broken: bool = False

    def ended(self, item: PlannedRow, result: Result, *, before: bool) -> None:
        assert item.row.number not in self.results, "a row ends once"
        self.results[item.row.number] = result
        if before:
            self.before.add(item.row.number)

    def reveal(self, item: PlannedRow, secret: Secret) -> None:
        if self.broken:
            raise Failed("The disk is full.")
        self.secrets[item.target] = secret

    @property
    def outcomes(self) -> list[str]:
        return [result.outcome.value for _, result in sorted(self.results.items())]


class Script:
    """One file, run by dana as often as a test likes."""

    def __init__(self, world: World, text: str, action: str = "", run: str = "", login: str = "dana") -> None:
        self.world = world
        self.file = read_batch(text.encode(), world.catalog.specs, action)
        self.who = world.signed_in(login)
        self.batch = batch_id(self.file.digest, self.who.actor.person.id, action, {}, run)
        self.at = cast(Any, world.person(login))

    def plan(self) -> tuple[Plan, list[BadRow]]:
        async def whole() -> tuple[Plan, list[BadRow]]:
            runner = self.world.runner
            past = await settled_past(runner, self.batch, self.who, self.at)
            return await Planner(runner, self.who, self.at, 4)(
                self.batch, self.file.digest, self.file.rows, past
            )

        return asyncio.run(whole())

    def good_plan(self) -> Plan:
        plan, bad = self.plan()
        assert bad == []
        return plan

    def run(
        self, plan: Plan | None = None, *, seen: Seen | None = None, at: datetime | None = None, **more: Any
    ) -> tuple[Tally, Seen]:
        seen = seen or Seen()
        batch = Batch(self.world.runner, self.who, self.at, seen, **more)
        plan = plan or self.good_plan()
        tally = asyncio.run(batch(plan, "--yes", at or self.world.clock()))
        assert len(seen.results) == len(plan.rows), "every row is told"
        return tally, seen


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_row_is_logged_with_a_key_of_its_own_and_the_batch_before_them(world: World) -> None:
    script = Script(world, "person\nemma\nbo\n", "account.disable")
    tally, _ = script.run()
    assert (tally.exit, tally.done) == (Exit.OK, 2)
    (begun,) = world.log.of("batch")
    assert begun.body["confirmed_by"] == "--yes"
    assert begun.body["plan"]
    assert begun.personal["file"] == script.file.digest
    intents = world.log.of("intent")
    assert [entry.seq > begun.seq for entry in intents] == [True, True]
    assert sorted(entry.body["key"].rsplit(":", 1)[0] for entry in intents) == [
        f"{script.batch}:1",
        f"{script.batch}:2",
    ]


def test_the_same_run_again_changes_nothing_and_another_run_is_another_batch(world: World) -> None:
    text = "person\nemma\nbo\n"
    Script(world, text, "account.disable").run()
    writes = list(world.done)
    tally, seen = Script(world, text, "account.disable").run()
    assert (tally.exit, seen.before, world.done) == (Exit.OK, {1, 2}, writes)
    assert len(world.log.of("batch")) == 1
    again = Script(world, text, "account.disable", run="tuesday").good_plan()
    assert len(again.left) == 2


def test_nothing_is_done_while_a_row_cannot_be(world: World) -> None:
    plan, bad = Script(
        world, "action,person\naccount.disable,emma\naccount.disable,root\npassword.reset,nobody\n"
    ).plan()
    assert [(item.row.number, item.error.code) for item in bad] == [(2, "rule"), (3, "not-found")]
    assert len(plan.rows) == 1
    assert world.done == []


def test_a_row_that_asks_for_the_same_again_is_a_mistake(world: World) -> None:
    _, bad = Script(world, "person\nemma\nEMMA\nemma@corp.test\nemma\n", "account.disable").plan()
    assert [item.row.number for item in bad] == [2, 3, 4]
    assert "the same as row 1 (line 2)" in bad[0].error.message


def test_stop_after_begins_no_further_row_and_the_next_run_goes_on(world: World) -> None:
    text = "person\nemma\nbo\nolga\noscar\nmia\n"
    world.watch.fault = Fault.LIE
    script = Script(world, text, "account.disable")
    tally, seen = script.run(stop_after=2, window=1)
    assert seen.outcomes == ["failed", "failed", "cancelled", "cancelled", "cancelled"]
    assert (tally.exit, tally.failed, tally.left) == (Exit.FAILED, 2, 3)
    assert seen.results[3].error is not None
    assert seen.results[3].error.code == "not-begun"
    world.watch.fault = None
    tally, seen = Script(world, text, "account.disable").run()
    assert (tally.exit, seen.outcomes, seen.before) == (Exit.OK, ["done"] * 5, set())


def test_a_row_whose_outcome_could_not_be_logged_is_read_back_and_not_repeated(world: World) -> None:
    text = "person\nemma\nbo\n"
    world.log.down = {"outcome"}
    tally, seen = Script(world, text, "account.disable").run(window=1)
    assert seen.outcomes == ["unknown", "cancelled"]  # the log is gone for the next row as well
    assert world.done == ["dana set_enabled emma"]
    world.log.down = set()
    tally, seen = Script(world, text, "account.disable").run()
    assert (tally.exit, seen.outcomes, seen.before) == (Exit.OK, ["done", "done"], {1})
    assert world.done == ["dana set_enabled emma", "dana set_enabled bo"]


def test_what_cannot_be_told_is_never_carried_out_again(world: World) -> None:
    world.log.down = {"outcome"}
    script = Script(world, "person\nemma\n", "account.disable")
    script.run()
    world.log.down = set()
    intent = world.log.of("intent")[0]
    world.log.append("outcome", {"intent": intent.seq, "key": intent.body["key"], "outcome": "unknown"}, {})
    world.log.open_intents = list  # nobody can read it back now
    tally, seen = Script(world, "person\nemma\n", "account.disable").run()
    assert (seen.outcomes, tally.exit) == (["unknown"], Exit.FAILED)
    assert len(world.done) == 1


@pytest.mark.req("L4")
def test_a_row_whose_state_moved_since_the_plan_is_not_carried_out(world: World) -> None:
    script = Script(world, "person\nemma\nbo\n", "password.unlock")
    world.lock("emma")
    world.lock("bo")
    plan = script.good_plan()
    world.do("dave", "account.disable", person="bo")
    tally, seen = script.run(plan)
    assert seen.outcomes == ["done", "refused"]
    assert tally.exit == Exit.PARTIAL
    other = Script(world, "person\nemma\nbo\n", "account.disable")
    plan = other.good_plan()
    world.do("dave", "account.disable", person="emma")
    _, seen = other.run(plan)
    assert seen.outcomes == ["done", "done"]  # as asked already: read back, and nothing was written


def test_the_plan_of_an_interrupted_batch_is_the_same_plan(world: World) -> None:
    text = "person\nemma\nbo\nolga\n"
    first = Script(world, text, "account.disable").good_plan()
    world.log.down = {"outcome"}
    Script(world, text, "account.disable").run(window=1)
    world.log.down = set()
    assert Script(world, text, "account.disable").good_plan().digest == first.digest
    world.do("dave", "account.disable", person="olga")
    assert Script(world, text, "account.disable").good_plan().digest != first.digest


def test_pending_rows_are_neither_done_nor_failed_and_are_asked_once(world: World) -> None:
    text = "group\nfinance-share\ndesign-share\n"
    tally, seen = Script(world, text, "access.request", login="emma").run()
    assert (tally.exit, tally.waiting) == (Exit.WAITING, 2)
    tally, again = Script(world, text, "access.request", login="emma").run()
    assert again.before == {1, 2}
    assert again.results[1].request == seen.results[1].request
    first, second = seen.results[1].request, seen.results[2].request
    assert first is not None
    assert second is not None
    world.approve("olga", first)
    world.deny("olga", second)
    tally, last = Script(world, text, "access.request", login="emma").run()
    assert (last.outcomes, tally.exit) == (["done", "refused"], Exit.PARTIAL)
    assert world.is_member("emma")


@pytest.mark.req("S4")
def test_a_secret_that_cannot_be_written_stops_the_batch(world: World) -> None:
    script = Script(world, "person\nemma\nbo\n", "password.reset")
    tally, seen = script.run(seen=Seen(broken=True), window=1)
    assert seen.outcomes == ["partial", "cancelled"]
    assert "disk is full" in tally.why
    tally, seen = script.run()
    assert (seen.before, list(seen.secrets)) == ({1}, ["bo"])
    assert world.opens("bo", seen.secrets["bo"].expose())


@pytest.mark.req("R8")
def test_one_fresh_sign_in_is_enough_for_a_long_batch_and_not_for_ever(world: World) -> None:
    text = "person\nemma\nbo\n"
    begun = world.clock()
    plan = Script(world, text, "password.reset").good_plan()
    world.clock.advance(hours=1)
    _, seen = Script(world, "person\nmia\n", "password.reset").run(at=begun)
    assert seen.outcomes == ["done"]
    world.clock.advance(hours=8)
    _, seen = Script(world, text, "password.reset").run(plan, at=begun)
    assert seen.outcomes == ["refused", "refused"]
    _, seen = Script(world, text, "password.reset").run(plan)  # confirmed now, with a sign-in of this morning
    assert set(seen.outcomes) <= {"not-signed-in", "cancelled"}
    assert not any("emma" in line or " bo" in line for line in world.done)


def test_no_more_rows_are_in_flight_than_the_window_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most = 0, 0
    whole = Runner.run

    async def counted(*args: Any, **kwargs: Any) -> Result:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        try:
            return await whole(*args, **kwargs)
        finally:
            inside -= 1

    monkeypatch.setattr(Runner, "run", counted)
    text = "person\nemma\nbo\nolga\noscar\nmia\n"
    tally, _ = Script(world, text, "account.disable").run(window=3)
    assert (tally.done, most) == (5, 3)


def test_rows_about_the_same_person_follow_one_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[str] = []
    whole = Runner.run

    async def alone(runner: Runner, call: Any, *args: Any, **kwargs: Any) -> Result:
        assert call.arguments["person"] not in inside
        inside.append(call.arguments["person"])
        try:
            return await whole(runner, call, *args, **kwargs)
        finally:
            inside.remove(call.arguments["person"])

    monkeypatch.setattr(Runner, "run", alone)
    world.lock("emma")
    text = "action,person\npassword.unlock,emma\naccount.disable,emma\npeople.whoami,\naccount.disable,bo\n"
    text = text.replace("people.whoami,\n", "password.status,emma\n")
    tally, seen = Script(world, text).run()
    assert tally.failed == 0, seen.results


@pytest.mark.req("R6")
def test_an_interruption_waits_for_the_rows_in_flight_and_tells_the_rest(world: World) -> None:
    script, seen = Script(world, "person\nemma\nbo\nmia\n", "account.disable"), Seen()
    plan = script.good_plan()

    async def whole() -> None:
        batch = Batch(world.runner, script.who, script.at, seen, window=1)
        task = asyncio.ensure_future(batch(plan, "--yes", world.clock()))
        loop = asyncio.get_running_loop()
        world.watch.on_write = lambda _: loop.call_soon_threadsafe(task.cancel) and None
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(whole())
    assert seen.outcomes == ["done", "cancelled", "cancelled"]
    assert len(world.log.of("outcome")) == 1


@pytest.mark.parametrize(
    ("outcomes", "left", "code"),
    [
        (["done", "done"], 0, Exit.OK),
        ([], 0, Exit.OK),
        (["done", "failed"], 0, Exit.PARTIAL),
        (["done"], 1, Exit.PARTIAL),
        (["failed", "refused"], 0, Exit.FAILED),
        (["unknown"], 0, Exit.FAILED),
        (["pending", "done"], 0, Exit.WAITING),
        (["accepted"], 0, Exit.WAITING),
        (["pending", "failed"], 0, Exit.PARTIAL),
    ],
)
def test_the_exit_code_tells_the_truth_for_the_whole(outcomes: list[str], left: int, code: Exit) -> None:
    tally = Tally(left=left)
    for outcome in outcomes:
        tally.count(Outcome(outcome))
    assert tally.exit == code


def test_a_window_is_never_exceeded_and_an_error_ends_it() -> None:
    async def broken() -> int:
        raise UsageError("no")

    async def fine() -> int:
        return 1

    assert asyncio.run(in_window([fine, fine], 1)) == [1, 1]
    with pytest.raises(UsageError):
        asyncio.run(in_window([fine, broken, fine], 2))


def test_only_one_process_runs_a_batch_and_what_it_revealed_is_remembered(tmp_path: Path) -> None:
    folder, file = tmp_path / "batches", tmp_path / "passwords"
    file.touch(mode=0o600)
    first = BatchState(folder, "b")
    with pytest.raises(Failed, match="this very batch now"):
        BatchState(folder, "b")
    first.goes_to(file.stat())
    first.revealed(3)
    first.close()
    with (folder / "b.rows").open("ab") as notes:
        notes.write(b'{"revea')  # killed in the middle of a line
    second = BatchState(folder, "b")
    second.revealed(4)
    second.close()
    third = BatchState(folder, "b")
    assert third.is_ours(file.stat())
    assert [third.is_revealed(number) for number in (2, 3, 4)] == [False, True, True]
    third.close()


@pytest.mark.req("D6")
@pytest.mark.parametrize("name", ["bo", "1", "bo@corp.test", "BO@CORP.TEST"])
def test_a_person_is_found_by_login_mail_or_employee_number(world: World, name: str) -> None:
    found = prepared(world, "dana", "password.unlock", person=name)
    assert found.target == "bo"
    assert found.people[name].login == "bo"


@pytest.mark.req("D6")
def test_two_people_of_one_name_are_an_error_and_never_a_guess(world: World, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "directory.db")) as database, database:
        database.create_function("key", 1, str.casefold, deterministic=True)
        database.execute("UPDATE person SET employee_number = 'bo' WHERE login = 'emma'")
    with pytest.raises(Ambiguous, match=r"more than one person \(bo, emma\)"):
        prepared(world, "dana", "password.unlock", person="bo")


@pytest.mark.req("D9")
def test_rights_that_are_lost_in_the_middle_end_with_the_look_at_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(world, "person\nemma\nbo\nmia\n", "account.disable")
    plan = script.good_plan()

    def leaves(_: Any) -> None:
        world.watch.on_write = None
        with ThreadPoolExecutor(1) as another:
            done = another.submit(world.do, "dave", "account.disable", person="dana").result()
        assert done.outcome.value == "done"

    world.watch.on_write = leaves
    monkeypatch.setattr(look, "GOOD_FOR", -1.0)  # as after a second
    tally, seen = script.run(plan, window=1)
    assert seen.outcomes[1:] == ["refused", "refused"]
    assert tally.done <= 1


@pytest.mark.req("D9")
def test_a_target_that_becomes_privileged_before_the_batch_begins_is_not_touched(world: World) -> None:
    script = Script(world, "person\nemma\nbo\n", "account.disable")
    plan = script.good_plan()
    world.embedded.admin.remove_group("admins")
    world.embedded.admin.add_group(NewGroup("admins", members=("root", "emma")))
    _, seen = script.run(plan)
    assert seen.outcomes == ["refused", "done"]
    assert seen.results[1].rule == "never-privileged-accounts"


@pytest.mark.req("L4")
def test_what_was_to_wait_for_an_approval_is_not_done_without_one(world: World) -> None:
    """Whoever confirmed the plan agreed to ask; that it needs nobody any more is for them to see first."""
    script = Script(world, "group\nfinance-share\n", "access.request", login="bo")
    plan = script.good_plan()
    (item,) = plan.left
    assert item.ahead is not None
    assert item.ahead.waits
    now = Ahead(
        item.ahead.prepared, replace(item.ahead.decision, verdict=Verdict.ALLOWED), item.ahead.preview
    )
    agreed = Standing(item.ahead.digest, "--yes", world.clock(), item.ahead.waits)
    agreed.check(item.ahead, world.clock())
    with pytest.raises(Stale):
        agreed.check(now, world.clock())
