"""Everything that others wrote is an attack, and every widget shows it: nothing acts, nothing is markup (T1, T3)."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from textual.widgets import Input

from helpdesk.events import (
    Change,
    Choice,
    Citation,
    Confirmation,
    ErrorInfo,
    ModelFinished,
    ModelSaid,
    Observation,
    Outcome,
    Previewed,
    Progress,
    Proposed,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.secrets import Secret
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.surfaces.tui.top import Top
from helpdesk.text import Untrusted
from tests.surfaces.attacks import CORPUS, MARK, payloads
from tests.surfaces.company import Company
from tests.surfaces.tui.world import Screen, opened, run

OWN = "┃"


def control_characters(text: str) -> Iterator[str]:
    for character in text:
        if character != "\n" and unicodedata.category(character) in (
            "Cc",
            "Cf",
            "Co",
            "Cn",
            "Cs",
            "Zl",
            "Zp",
        ):
            yield f"U+{ord(character):04X}"


def tell_everything(interaction: OnScreen, attack: str) -> None:
    """Every event there is, each text of it an attack."""
    change = Change(attack, attack, attack, attack, attack)
    seen = Observation(attack, attack, attack, attack, attack)
    cited = Citation(attack, attack, attack, 3, Untrusted(attack))
    interaction.emit(Said(attack))
    interaction.emit(ModelSaid(Untrusted(attack)))
    interaction.emit(ModelFinished(unproven=True))
    interaction.emit(Warned(attack, attack))
    interaction.emit(Proposed(attack, {attack: attack}))
    interaction.emit(Previewed(attack, (change,)))
    interaction.emit(Progress("execute", attack))
    for outcome in (Outcome.DONE, Outcome.REFUSED, Outcome.PENDING):
        interaction.finish(
            Result(
                outcome,
                attack,
                attack,
                {attack: attack},
                (seen,),
                7,
                attack,
                ErrorInfo(attack, attack, attack),
                (change,),
                (cited, cited) if outcome is Outcome.DONE else None,
                rule=attack,
            )
        )
    interaction.emit(Progress("read", attack))


async def scrolled(screen: Screen) -> str:
    """Everything that the feed shows, a screen at a time."""
    feed = screen.app.feed
    feed.scroll_home(animate=False, immediate=True)
    await screen.pilot.pause(0.05)
    seen = []
    while True:
        seen.append(screen.text())
        before = feed.scroll_y
        feed.scroll_page_down(animate=False)
        await screen.pilot.pause(0.05)
        if feed.scroll_y == before:
            return "\n".join(seen)


def may_begin_with_the_mark(line: str) -> bool:
    """Lines of the program and of the model begin with their bars; an attack's words stand behind them."""
    text = line.strip()
    return (
        MARK not in text or text.startswith((OWN, "model │", "!", "›", "·")) or line.startswith(("  ", "   "))
    )


@pytest.mark.req("T1")
@pytest.mark.req("T3")
def test_no_event_acts_on_the_screen_or_draws_what_is_the_programs(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (60, 24)) as screen:
            for name, attack in CORPUS.items():
                screen.app.feed.clear()
                tell_everything(OnScreen(screen.app.feed, screen.dock, screen.app._tell), attack)
                screen.app.query_one("#top", Top).away = attack
                await screen.pilot.pause(0.1)
                seen = await scrolled(screen)
                assert not list(control_characters(seen)), f"{name}: a control character came to the screen"
                for line in seen.splitlines():
                    assert may_begin_with_the_mark(line), f"{name}: {line}"
            assert screen.app.is_running
            assert screen.app.title == "helpdesk"

    run(work())


@pytest.mark.req("T1")
@pytest.mark.req("T3")
@pytest.mark.req("L3")
def test_no_question_confirmation_or_secret_label_leaves_its_place(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (60, 24)) as screen:
            for attack in payloads():
                change = Change("directory", attack, attack, attack, attack)
                choices = (Choice(attack, attack), Choice("b", attack))
                told = Confirmation("0", attack, attack, attack, attack, (change,), (attack,), (attack,))
                for ask in (
                    screen.dock.ask(Question("x", attack, attack, choices, default="d")),
                    screen.dock.confirm(told),
                    screen.dock.reveal(Secret("shown once"), attack),
                ):
                    await stays_in_the_dock(screen, ask)

    run(work())


async def stays_in_the_dock(screen: Screen, ask: Coroutine[Any, Any, Any]) -> None:
    asking = asyncio.ensure_future(ask)
    asked = await screen.asked()
    await screen.pilot.pause(0.02)
    seen = screen.text()
    assert not list(control_characters(seen))
    for number, line in enumerate(seen.splitlines()):
        if MARK in line:
            assert asked.region.y <= number < asked.region.bottom, "outside of the dock"
    asking.cancel()
    await screen.until(lambda: not asked.is_attached)


@pytest.mark.req("T1")
def test_a_name_that_a_line_cannot_show_is_not_offered_for_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            await screen.type("who am I")
            await screen.sign_in("ana")
            await screen.idle()

            async def choices(kind: str, words: str) -> list[Choice]:
                return [Choice("an\x1b[2Ja", "x"), Choice("an\u202ea", "x"), Choice("ana", "Ana Ito (ana)")]

            monkeypatch.setattr(screen.app.names, "choices", choices)
            assert await screen.app.names.beginning("login", "an") == ["ana"]

    run(work())


@pytest.mark.req("T3")
def test_pasted_lines_are_one_line_of_words_and_confirm_nothing(company: Company) -> None:
    from textual import events

    async def work() -> None:
        async with opened(company) as screen:
            line = screen.app.query_one("#words", Input)
            line.post_message(events.Paste("get me into finance-share for the audit\ny\ny\n"))
            await screen.pilot.pause(0.1)
            assert not screen.app.busy
            assert not screen.cards()

    run(work())
