"""What reaches a confirmation in the app: the keys of somebody who looks at it, and nothing else (T3, L5)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from helpdesk.errors import Cancelled
from helpdesk.events import Change, Confirmation
from helpdesk.surfaces.terminal import IGNORE_SECONDS
from helpdesk.surfaces.tui.dock import AskedToConfirm
from tests.surfaces.company import Company
from tests.surfaces.tui.world import Screen, opened, run

CHANGE = Change("directory", "bo", "account", "enabled", "removed")
pytestmark = [pytest.mark.req("T3"), pytest.mark.req("L5")]


async def shown(screen: Screen, *, irreversible: bool = False) -> tuple[AskedToConfirm, list[str]]:
    """A confirmation on the screen, and what comes of it."""
    ends: list[str] = []

    async def work(interaction: Any) -> None:
        one = Confirmation(
            "d" * 64, "account.remove", "Remove bo", "dana", "bo", (CHANGE,), irreversible=irreversible
        )
        try:
            ends.append((await interaction.confirm(one)).by)
        except Cancelled:
            ends.append("cancelled")

    screen.app.perform(work)
    asked = await screen.asked(AskedToConfirm)
    assert isinstance(asked, AskedToConfirm)
    return asked, ends


async def listens(screen: Screen, asked: AskedToConfirm) -> None:
    await screen.until(lambda: not asked.has_class("deaf"), "a confirmation that listens")


def test_a_sentence_that_is_being_typed_when_it_appears_answers_nothing(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            asked, ends = await shown(screen)
            end = asyncio.get_running_loop().time() + 3 * IGNORE_SECONDS
            while asyncio.get_running_loop().time() < end:
                await screen.press(*"my key")
                assert asked.has_class("deaf")
            assert ends == []
            await listens(screen, asked)
            await screen.press("y")
            await screen.idle()
            assert ends == ["person"]

    run(work())


def test_a_word_that_was_meant_for_another_line_answers_nothing(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            asked, ends = await shown(screen)
            await listens(screen, asked)
            await screen.press(*"by:nancy")
            assert (ends, asked.has_class("deaf")) == ([], True)
            await listens(screen, asked)
            await screen.press("n")
            await screen.idle()
            assert ends == ["cancelled"]

    run(work())


def test_what_is_typed_just_after_a_look_at_another_pane_answers_nothing(company: Company) -> None:
    """The line goes back to the confirmation there, and the pane's own line may be what the keys are for."""

    async def work() -> None:
        async with opened(company) as screen:
            asked, ends = await shown(screen)
            await listens(screen, asked)
            await screen.press("f3")
            await screen.until(lambda: screen.app.pane is not None and screen.app.pane.id == "actions")
            await screen.press("y")
            assert ends == []
            await screen.until(lambda: screen.app.focused is asked, "the focus of the confirmation")
            await listens(screen, asked)
            await screen.press("y")
            await screen.idle()
            assert ends == ["person"]

    run(work())


def test_what_cannot_be_undone_takes_no_pasted_name(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            asked, ends = await shown(screen, irreversible=True)
            await listens(screen, asked)
            line = asked.query_one(Input)
            screen.app.copy_to_clipboard("bo")
            line.post_message(events.Paste("bo"))
            await screen.press("ctrl+v")
            await screen.pilot.pause(0.1)
            assert line.value == ""
            await screen.press("b", "o", "enter")
            await screen.idle()
            assert ends == ["person"]

    run(work())
