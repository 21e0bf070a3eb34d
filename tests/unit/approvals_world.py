"""What tests of approvals share: root's hand in the directory, and an action that waits for a manager."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helpdesk.plugin import Change, Context, Login, Observation, Plugin, Preview, ReadContext
from tests.unit.door_world import World, with_plugin


def as_root(world: World, statement: str, *values: str) -> None:
    with world.embedded._tables.writing() as database:
        assert database.execute(statement, values).rowcount > 0


def managed_by(world: World, login: str, manager: str) -> None:
    as_root(
        world, "UPDATE person SET manager = (SELECT id FROM person WHERE login = ?) WHERE login = ?", manager, login
    )  # fmt: skip


def coffee(folder: Path, **more: Any) -> World:
    """A plugin whose action waits for the requester's manager, by the site's rule."""
    policy = '@id("m") permit (principal, action == Action::"coffee.brew", resource) when { context has approver };'
    world = World(folder, plugins=with_plugin(coffee_plugin("1")), policy=policy, **more)
    managed_by(world, "emma", "olga")
    return world


def coffee_plugin(version: str) -> Plugin:
    plugin = Plugin("coffee", version=version)
    brewed: list[str] = []

    @plugin.action()
    async def brew(ctx: Context, person: Login, cups: int = 1) -> str:
        """Brew for somebody."""
        brewed.append(person)
        return "x"

    @brew.preview
    def _(ctx: ReadContext, person: Login, cups: int = 1) -> Preview:
        return Preview("Brew.", (Change("desk", person, "coffee", "no", "yes"),))

    @brew.verify
    def _(ctx: ReadContext, person: Login, cups: int = 1) -> list[Observation]:
        return [Observation("desk", person, "coffee", "yes", "yes" if brewed else "no")]

    return plugin
