"""The app on the small company, driven by a pilot, and what its screen shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from helpdesk.app import Desk
from helpdesk.surfaces.tui.app import HelpdeskApp
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.dock import Asked, AskedToConfirm, Dock
from tests.surfaces.company import PASSWORDS, Company

DEADLINE = 20.0
"""Seconds for one condition; a slow machine is no failure."""


@dataclass
class Screen:
    """The app under test."""

    app: HelpdeskApp
    pilot: Pilot[int]

    async def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until something holds; what it was is told when it never does."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DEADLINE
        while not (found := condition()):
            if loop.time() > end:
                raise AssertionError(f"{what or 'it'} never came about; the screen:\n{self.text()}")
            await self.pilot.pause(0.02)
        return found

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str, *, enter: bool = True) -> None:
        """Fill the line that has the focus, as typing it would."""
        await self.until(lambda: isinstance(self.app.focused, Input), "a line to type in")
        line = self.app.focused
        assert isinstance(line, Input)
        line.value = text
        await self.pilot.pause()
        if enter:
            await self.pilot.press("enter")

    async def asked(self, kind: type[Asked] = Asked) -> Asked:
        """Whatever the dock asks now."""
        await self.until(lambda: self.app.query(kind), f"a {kind.__name__}")
        return self.app.query(kind).first(kind)

    async def answer(self, text: str) -> None:
        """Answer the question in the dock."""
        asked = await self.asked()
        await self.until(
            lambda: self.app.focused is not None and asked in self.app.focused.ancestors_with_self,
            "the question's line",
        )
        await self.type(text)
        await self.until(lambda: not asked.is_attached, "the end of the question")

    async def sign_in(self, login: str) -> None:
        """Answer the two questions of a sign-in."""
        await self.answer(login)
        await self.answer(PASSWORDS[login])
        await self.until(lambda: self.app.desk.present is not None or not self.app.busy, f"{login}'s sign-in")

    async def confirm(self) -> AskedToConfirm:
        """Say yes to the confirmation, once it listens."""
        asked = await self.asked(AskedToConfirm)
        assert isinstance(asked, AskedToConfirm)
        await self.until(lambda: not asked.has_class("deaf"), "a confirmation that listens")
        await self.press("y")
        return asked

    async def idle(self) -> None:
        await self.until(lambda: not self.app.busy, "the end of the work")
        await self.pilot.pause(0.06)

    @property
    def dock(self) -> Dock:
        return self.app.dock

    def cards(self) -> list[Card]:
        """The cards of the Ask pane."""
        return [block for block in self.app.feed.blocks if isinstance(block, Card)]

    def text(self) -> str:
        """What the screen shows, as characters."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip)[:width] for strip in strips[:height])


@asynccontextmanager
async def opened(company: Company, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Screen]:
    """The app, running without a terminal."""
    desk = Desk.open(environ=company.environment())
    app = HelpdeskApp(desk)
    try:
        async with app.run_test(size=size) as pilot:
            screen = Screen(app, pilot)
            await screen.idle()
            yield screen
    finally:
        desk.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)
