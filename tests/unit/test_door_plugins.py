"""Plugins that misbehave, and a log that does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call
from helpdesk.actions.carry_out import Timing
from helpdesk.errors import HelpdeskError
from helpdesk.events import Change, Observation, Outcome
from helpdesk.plugin import (
    NOT_YET,
    Context,
    Plugin,
    Preview,
    ReadContext,
)
from tests.fakes.terminal import Person
from tests.unit.door_world import NOW, World, as_of, with_plugin

NEW = "Another-Passphrase-2"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def untouched(world: World, before: dict[str, Any]) -> bool:
    return world.state() == before and world.watch.tried == [] and world.log.of("intent") == []


# ── plugins that misbehave ────────────────────────────────────────────────────────────────────


def _plugin(execute: Any, preview: Any = None, verify: Any = None) -> Plugin:
    plugin = Plugin("odd")
    change = Change("desk", "x", "state", "old", "new")

    @plugin.action(allow="anyone")
    async def act(ctx: Context) -> str:
        """Do something odd."""
        return cast(str, execute())

    act.preview(preview or (lambda ctx: Preview("Do it.", (change,))))
    act.verify(verify or (lambda ctx: [Observation("desk", "x", "state", "new", "new")]))
    return plugin


def _breaks(error: BaseException) -> Any:
    def act(*_: object) -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    ("verify", "outcome"),
    [
        (lambda ctx: [], Outcome.UNKNOWN),
        (lambda ctx: None, Outcome.UNKNOWN),
        (lambda ctx: "done", Outcome.UNKNOWN),
        (lambda ctx: [True], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", cast(Any, 1), cast(Any, 1))], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", "new", "newer")], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", "less", "less")], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "y", "other", "fine", "fine")], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", "new", "old")], Outcome.FAILED),
        (_breaks(ValueError("x")), Outcome.UNKNOWN),
        (_breaks(SystemExit(0)), Outcome.UNKNOWN),
    ],
)
@pytest.mark.req("L10")
def test_only_a_receipt_of_what_was_promised_says_done(tmp_path: Path, verify: Any, outcome: Outcome) -> None:
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "It is done!", verify=verify)))
    result = world.do("emma", "odd.act")
    assert result.outcome is outcome
    assert "It is done!" not in result.message
    assert world.log.of("outcome")[-1].body["outcome"] == outcome


@pytest.mark.parametrize(
    "error", [ValueError("secret detail"), SystemExit(0), KeyError("x"), RecursionError()]
)
def test_a_plugin_that_breaks_is_judged_by_what_is_there_and_never_ends_the_program(
    tmp_path: Path, error: BaseException
) -> None:
    world = World(tmp_path, plugins=with_plugin(_plugin(_breaks(error))))
    assert world.do("emma", "odd.act").outcome is Outcome.DONE
    old = lambda ctx: [Observation("desk", "x", "state", "new", "old")]  # noqa: E731
    world = World(_other(tmp_path), plugins=with_plugin(_plugin(_breaks(error), verify=old)))
    result = world.do("emma", "odd.act")
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "plugin"
    assert "secret detail" not in repr(result)


def _other(folder: Path) -> Path:
    (folder / "other").mkdir()
    return folder / "other"


@pytest.mark.parametrize(
    "preview",
    [
        lambda ctx: None,
        lambda ctx: "a text",
        lambda ctx: Preview("x", (cast(Any, "change"),)),
        lambda ctx: Preview("x", (Change("s", "t", "w", "a", cast(Any, 1.5)),)),
        lambda ctx: Preview("x", (), state={"n": cast(Any, 1.5)}),
        _breaks(ValueError("x")),
        _breaks(SystemExit(3)),
    ],
)
def test_a_preview_that_is_none_stops_the_call(tmp_path: Path, preview: Any) -> None:
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "x", preview=preview)))
    result = world.do("emma", "odd.act")
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "plugin"
    assert world.log.of("intent") == []


def test_an_effect_that_cannot_be_read_back_yet_is_polled_to_a_deadline_and_then_accepted(
    tmp_path: Path,
) -> None:
    asked: list[int] = []

    def verify(ctx: ReadContext) -> Any:
        asked.append(1)
        return NOT_YET

    timing = Timing(execute=5, read_back=0.3, poll=0.01)
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "x", verify=verify)), timing=timing)
    result = world.do("emma", "odd.act")
    assert result.outcome is Outcome.ACCEPTED
    assert result.outcome.exit == 4
    assert 3 <= len(asked) <= 31
    assert world.log.of("outcome")[-1].body["outcome"] == "accepted"


def test_an_effect_that_comes_late_is_done(tmp_path: Path) -> None:
    answers: list[Any] = [NOT_YET, NOT_YET, NOT_YET]

    def verify(ctx: ReadContext) -> Any:
        return answers.pop() if answers else [Observation("desk", "x", "state", "new", "new")]

    timing = Timing(execute=5, read_back=5, poll=0.001)
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "x", verify=verify)), timing=timing)
    assert world.do("emma", "odd.act").outcome is Outcome.DONE


def test_a_plugin_that_never_ends_has_a_deadline_and_its_effect_stays_unknown(tmp_path: Path) -> None:
    plugin = Plugin("slow")

    @plugin.action(allow="anyone")
    async def act(ctx: Context) -> str:
        """Hang."""
        await asyncio.Event().wait()
        return ""

    act.preview(lambda ctx: Preview("x", (Change("desk", "x", "state", "old", "new"),)))
    act.verify(lambda ctx: [Observation("desk", "x", "state", "new", "old")])
    timing = Timing(execute=0.05, read_back=0.05, poll=0.01)
    world = World(tmp_path, plugins=with_plugin(plugin), timing=timing)
    result = world.do("emma", "slow.act")
    assert result.outcome is Outcome.UNKNOWN
    assert "did not finish" in result.message


@pytest.mark.req("R6")
def test_an_interruption_after_the_intent_waits_for_the_outcome(tmp_path: Path) -> None:
    """Ctrl-C while it is carried out: the task is cancelled, and the outcome is in the log all the same."""
    started = asyncio.Event()

    async def main() -> None:
        go_on = asyncio.Event()
        plugin = Plugin("slow")

        @plugin.action(allow="anyone")
        async def act(ctx: Context) -> str:
            """Take a while."""
            started.set()
            await go_on.wait()
            return "x"

        act.preview(lambda ctx: Preview("x", (Change("desk", "x", "state", "old", "new"),)))
        act.verify(lambda ctx: [Observation("desk", "x", "state", "new", "new")])
        world = World(tmp_path, plugins=with_plugin(plugin))
        signed_in = world.sign_in("emma")
        at = world.person("emma")
        running = asyncio.ensure_future(world.runner.run(Call("slow.act"), signed_in, cast(Any, at)))
        await started.wait()
        running.cancel()
        await asyncio.sleep(0)
        assert world.log.of("outcome") == []
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert world.log.of("outcome")[-1].body["outcome"] == "done"
        assert "Finishing what was begun" in at.warned

    asyncio.run(main())


# ── the log ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R1")
@pytest.mark.parametrize("kind", ["read", "preview", "request", "refusal", "cancelled"])
def test_what_cannot_be_logged_says_so_and_has_no_effect(world: World, kind: str) -> None:
    world.sign_in("emma")
    world.log.down = {kind}
    before = world.state()
    result = {
        "read": lambda: world.do("emma", "people.whoami"),
        "preview": lambda: world.do("emma", "people.update", phone="1", dry_run=True),
        "request": lambda: world.do("emma", "access.request", group="finance-share"),
        "refusal": lambda: world.do("emma", "password.unlock", person="bo"),
        "cancelled": lambda: world.do("emma", "people.update", at=Person(agrees=False), phone="1"),
    }[kind]()
    assert result.outcome is not Outcome.DONE
    assert result.outcome is not Outcome.PENDING
    assert "log" in result.message
    assert result.entry is None
    assert world.state() == before
    assert world.requests.all_pending() == []


@pytest.mark.req("R1")
def test_a_sign_in_that_cannot_be_logged_is_none(world: World) -> None:
    world.log.down = {"sign-in"}
    with pytest.raises(HelpdeskError):
        world.sign_in("emma")


def test_a_sign_in_is_logged_refused_or_not(world: World) -> None:
    with pytest.raises(HelpdeskError):
        world.sign_in("emma", "Canary-4711-Canary")
    world.sign_in("emma")
    refused, done = world.log.of("sign-in")
    assert (refused.body["outcome"], refused.body["code"]) == ("refused", "wrong-credentials")
    assert (done.body["outcome"], done.body["actor_id"]) == (
        "done",
        world.embedded.look_up().person("emma").id,
    )
    assert "Canary" not in world.log.text


def test_the_sign_in_of_the_test_is_fresh(world: World) -> None:
    assert as_of(world.sign_in("emma"), NOW).actor.signed_in_at == NOW
