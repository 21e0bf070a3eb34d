"""Secrets: shown once after the outcome, and nowhere else."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.errors import Failed
from helpdesk.events import Change, Observation, Outcome
from helpdesk.plugin import (
    Context,
    Plugin,
    Preview,
    ReadContext,
    Risk,
    Secret,
)
from tests.fakes.terminal import Person
from tests.unit.door_world import World, in_order, password_of, with_plugin

NEW = "Another-Passphrase-2"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def untouched(world: World, before: dict[str, Any]) -> bool:
    return world.state() == before and world.watch.tried == [] and world.log.of("intent") == []


# ── S1, S2, S4: secrets ───────────────────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_a_temporary_password_is_shown_once_after_the_outcome_and_nowhere_else(world: World) -> None:
    at = world.person("dana")
    result = world.do("dana", "password.reset", at=at, person="bo")
    ((secret, label),) = at.revealed
    password = secret.expose()
    assert in_order(world.trail, "log:outcome", "reveal")
    assert "Bo Test" in label
    assert world.embedded.accepts(world.embedded.look_up().person("bo"), secret) == "must-change"
    assert len(password.replace("-", "")) >= 16
    for place in (repr(result), str(result), repr(at.events), world.log.text, repr(at.confirmations)):
        assert password not in place
    world.clock.advance(hours=24, seconds=1)
    assert not world.opens("bo", password)


@pytest.mark.req("S4")
def test_where_a_secret_has_nowhere_to_go_nothing_changes(world: World) -> None:
    before = world.state()
    at = Person(can_reveal=False, password=password_of("dana"))
    result = world.do("dana", "password.reset", at=at, person="bo")
    assert result.outcome is Outcome.USAGE
    assert untouched(world, before)


@pytest.mark.req("S4")
def test_a_secret_that_could_not_be_shown_is_partial_and_never_failed(world: World) -> None:
    """The reset took effect and was logged; only showing it did not work. "Failed" would mean nothing changed."""
    at = Person(reveal_error=Failed("The file is there already."), password=password_of("dana"))
    result = world.do("dana", "password.reset", at=at, person="bo")
    assert result.outcome is Outcome.PARTIAL
    assert result.error is not None
    assert result.error.code == "not-revealed"
    assert "lost" in result.message
    assert world.log.of("outcome")[-1].body["outcome"] == "done"
    assert not world.opens("bo", password_of("bo"))


@pytest.mark.req("S4")
def test_a_secret_whose_effect_is_in_doubt_is_shown_with_the_doubt(world: World) -> None:
    world.log.down = {"outcome"}
    at = world.person("dana")
    world.do("dana", "password.reset", at=at, person="bo")
    ((_, label),) = at.revealed
    assert "not proven" in label


@pytest.mark.req("S1")
def test_a_secret_argument_is_nowhere_but_in_the_directory(world: World) -> None:
    at = world.person("emma")
    result = world.do("emma", "password.change", at=at, secrets={"new_password": NEW})
    assert result.outcome is Outcome.DONE
    assert world.opens("emma", NEW)
    for place in (repr(result), repr(at.events), repr(at.confirmations), world.log.text):
        assert NEW not in place


@pytest.mark.req("S1")
def test_a_password_in_the_wrong_place_is_not_logged(world: World) -> None:
    """Given as a plain argument, under its own name or another: refused, and told to nobody."""
    for action, name in (
        ("password.change", "new_password"),
        ("password.unlock", "password"),
        ("no.such", "x"),
    ):
        result = world.do("emma", action, **{name: "Hunter2-Hunter2"})
        assert result.outcome is Outcome.USAGE
        assert "Hunter2" not in repr(result)
    assert "Hunter2" not in world.log.text


@pytest.mark.req("S1")
@pytest.mark.req("S2")
def test_a_plugin_that_tells_its_secret_everywhere_tells_it_nowhere(tmp_path: Path) -> None:
    plugin = Plugin("leaky")
    told: list[str] = []

    @plugin.action(risk=Risk.LOW, allow="anyone", about="desk")
    async def spill(ctx: Context, pin: Secret) -> str:
        """Spill it."""
        told.append(ctx.new_password().expose())
        await ctx.tickets.open(f"s {told[-1]}", "b", "r", ctx.key)
        return f"the pin is {pin.expose()} and {told[-1]}"

    @spill.preview
    def _(ctx: ReadContext, pin: Secret) -> Preview:
        change = Change("tickets", "x", "pin", f"not {pin.expose()}", pin.expose())
        return Preview(f"Set {pin.expose()}", (change,), (pin.expose(),), {"pin": pin.expose()})

    @spill.verify
    def _(ctx: ReadContext, pin: Secret) -> list[Observation]:
        return [Observation("tickets", "x", "pin", "••••••", pin.expose())]

    world = World(tmp_path, plugins=with_plugin(plugin))
    at = world.person("emma")
    result = world.do("emma", "leaky.spill", at=at, secrets={"pin": "Canary-4711-Canary"})
    for place in (repr(result), repr(at.events), repr(at.confirmations), world.log.text):
        assert "Canary-4711" not in place
        assert told[0] not in place
    assert result.outcome is not Outcome.DONE


@pytest.mark.req("S2")
def test_no_secret_stands_in_a_traceback_of_the_door(world: World) -> None:
    world.sign_in("dana")
    world.clock.advance(minutes=6)
    caught: list[str] = []

    async def breaks(login: str, password: Secret) -> Any:
        raise RuntimeError(f"broke with {password!r}")

    world.runner.sign_in = cast(Any, breaks)
    at = Person(password="Canary-4711-Canary")
    try:
        world.do("dana", "password.reset", at=at, person="bo")
    except RuntimeError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        caught.append("".join(shown.format()))
    assert caught
    assert "Canary-4711" not in caught[0]
    assert "fresh" in caught[0]
