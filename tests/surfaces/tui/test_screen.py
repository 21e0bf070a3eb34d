"""The screen itself: sizes, themes, keys, the palette, a banner for what is away, and words that stream."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from textual.widget import Widget
from textual.widgets import Input, Static

from helpdesk.app import Desk
from helpdesk.conversation.tally import together
from helpdesk.errors import Cancelled
from helpdesk.events import (
    Change,
    Choice,
    Confirmation,
    ModelFinished,
    ModelSaid,
    Observation,
    Outcome,
    Question,
    Result,
)
from helpdesk.secrets import Secret
from helpdesk.surfaces.tui.app import HelpdeskApp
from helpdesk.surfaces.tui.blocks import Prose
from helpdesk.surfaces.tui.dock import Asked, AskedToConfirm, Revealed
from helpdesk.surfaces.tui.feed import PAINTS_A_SECOND, Feed
from helpdesk.surfaces.tui.interaction import OnScreen, left_to_tell
from helpdesk.surfaces.tui.keys import Keys
from helpdesk.surfaces.tui.palette import Commands
from helpdesk.surfaces.tui.pane_table import PANES
from helpdesk.surfaces.tui.themes import CONFIGURED, HIGH_CONTRAST, TERMINAL
from helpdesk.surfaces.tui.watch import Watch
from helpdesk.text import Untrusted
from tests.surfaces.company import Company
from tests.surfaces.tui.world import Screen, opened, run

SIZES = ((80, 24), (120, 40), (40, 12))
WIDE = "株式会社ファイナンス共有フォルダ 👩‍💻 café"
MANY = 20


def big(*, irreversible: bool = False) -> Confirmation:
    """A confirmation that no small screen holds."""
    changes = tuple(
        Change("directory", f"person-{n}", f"membership of {WIDE}", "not a member", f"member number {n}")
        for n in range(MANY)
    )
    return Confirmation(
        "0",
        "made.up",
        f"Let everybody into {WIDE}",
        "Ana",
        "everybody",
        changes,
        ("This is a lot.",),
        ("Cleo Park",),
        irreversible=irreversible,
    )


def assert_nothing_overlaps(screen: Screen) -> None:
    """The parts of the screen lie below each other, and inside of it."""
    parts = [child for child in screen.app.screen.children if child.display and child.region.area]
    for part in parts:
        assert screen.app.screen.region.contains_region(part.region), (
            f"{part} sticks out at {screen.app.size}"
        )
    for number, one in enumerate(parts):
        for other in parts[number + 1 :]:
            assert not one.region.overlaps(other.region), f"{one} and {other} overlap at {screen.app.size}"
    for line in screen.text().splitlines():
        assert len(line) <= screen.app.size.width


def in_sight(screen: Screen, widget: Widget) -> bool:
    return bool(widget.region.area) and screen.dock.content_region.contains_region(widget.region)


async def asks(screen: Screen, ask: Any) -> tuple[asyncio.Future[Any], Asked]:
    asking = asyncio.ensure_future(ask)
    asked = await screen.asked()
    await screen.until(lambda: asked.children and asked.region.area)
    return asking, asked


async def gone(screen: Screen, asking: asyncio.Future[Any]) -> None:
    asking.cancel()
    await screen.until(lambda: not screen.dock.asking)


@pytest.mark.req("CLI-37")
@pytest.mark.req("CLI-34")
@pytest.mark.req("T3")
def test_whatever_the_size_the_whole_change_can_be_read_and_the_keys_are_in_sight(company: Company) -> None:
    async def work() -> None:
        async with opened(company, SIZES[0]) as screen:
            for size in SIZES:
                await screen.pilot.resize_terminal(*size)
                await screen.pilot.pause(0.05)
                assert_nothing_overlaps(screen)
                for irreversible in (False, True):
                    asking, asked = await asks(screen, screen.dock.confirm(big(irreversible=irreversible)))
                    how = asked.query_one("#how", Static)
                    await screen.until(lambda how=how: in_sight(screen, how), f"the keys at {size}")
                    await screen.until(
                        lambda how=how: "↑" in str(how.render()), f"that there is more at {size}"
                    )
                    assert_nothing_overlaps(screen)
                    if irreversible:
                        assert in_sight(screen, asked.query_one(Input)), size
                    details, seen = asked.query_one("VerticalScroll"), screen.text()
                    while not irreversible and details.scroll_y < details.max_scroll_y:
                        before = details.scroll_y
                        await screen.press("pagedown")
                        assert details.scroll_y > before, "it does not scroll"
                        seen += screen.text()
                    assert in_sight(screen, how)
                    for n in range(0 if irreversible else MANY):
                        assert f"member number {n}" in seen, f"change {n} at {size}"
                    assert irreversible or "it then waits for Cleo Park" in seen
                    await gone(screen, asking)
                choices = tuple(Choice(f"v{n}", f"{WIDE} {n}") for n in range(30))
                asking, asked = await asks(
                    screen, screen.dock.ask(Question("x", "Which one?", "--x", choices))
                )
                await screen.until(
                    lambda asked=asked: in_sight(screen, asked.query_one(Input)), f"a line at {size}"
                )
                assert_nothing_overlaps(screen)
                await screen.press("up")
                await screen.until(lambda: "29" in screen.text(), "the last choice")
                await screen.press("enter")
                assert await asking == "v29"
                asking, asked = await asks(screen, screen.dock.reveal(Secret("shown-once-7"), "The password"))
                await screen.until(lambda: "shown-once-7" in screen.text() and "Enter" in screen.text())
                assert_nothing_overlaps(screen)
                await gone(screen, asking)
                assert "shown-once-7" not in screen.text()

    run(work())


@pytest.mark.req("CLI-37")
def test_every_question_ends_with_escape_and_a_number_is_a_choice(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            choices = (Choice("red", "Red"), Choice("blue", "Blue"))
            asking, _ = await asks(screen, screen.dock.ask(Question("x", "Which?", "--x", choices)))
            await screen.type("2")
            assert await asking == "blue"
            asking, _ = await asks(screen, screen.dock.ask(Question("x", "Which?", "--x", choices)))
            await screen.press("down", "down", "enter")
            assert await asking == "blue"
            for ask in (
                screen.dock.ask(Question("x", "Which?", "--x", choices)),
                screen.dock.ask_secret(Question("p", "Password", "--p", secret=True)),
                screen.dock.confirm(big()),
                screen.dock.confirm(big(irreversible=True)),
            ):
                asking, asked = await asks(screen, ask)
                await screen.until(lambda asked=asked: not asked.has_class("deaf"))
                await screen.press("escape")
                with pytest.raises(Cancelled):
                    await asking
            asking, asked = await asks(screen, screen.dock.ask_secret(Question("p", "New", "", repeat=True)))
            await screen.type("one")
            await screen.until(
                lambda: screen.app.query(Asked) and screen.app.query(Asked).first() is not asked
            )
            await screen.type("two")
            await screen.until(lambda: any("differ" in note.message for note in screen.app._notifications))
            await gone(screen, asking)
            asking, asked = await asks(screen, screen.dock.confirm(big(irreversible=True)))
            assert isinstance(asked, AskedToConfirm)
            await screen.press(*"everybody", "enter")  # deaf: typed blindly into what just appeared
            assert not asked.answer.done() or not asked.has_class("deaf")
            await screen.until(lambda: not asked.has_class("deaf"))
            assert not asked.query_one(Input).value or not asked.answer.done()
            await screen.type("everybody")
            assert (await asking).by == "person"
            asking, shown = await asks(screen, screen.dock.reveal(Secret("shown-once-8"), "The password"))
            assert isinstance(shown, Revealed)
            await screen.until(lambda: not shown._deaf)
            await screen.press("enter")
            await asking
            assert "shown-once-8" not in screen.app.export_screenshot()

    run(work())


@pytest.mark.req("CLI-37")
def test_the_palette_has_every_action_and_pane_and_the_keys_of_each_pane_are_told(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (100, 40)) as screen:
            await screen.type("who am I")
            await screen.sign_in("ana")
            await screen.idle()
            names = {command.name for command in Commands(screen.app.screen)._commands()}
            assert {row.title for row in PANES} <= names
            assert {spec.name for spec in screen.app.desk.catalog.specs} <= names
            assert {"Sign in", "Sign out", "Cases", "Theme", "Keys", "Leave"} <= names
            await screen.press("ctrl+p")
            await screen.until(lambda: len(screen.app.screen_stack) > 1, "the palette")
            await screen.type("Dashboard", enter=False)
            await screen.until(lambda: "Open this pane" in screen.text(), "what it found")
            await screen.press("enter")
            await screen.until(lambda: screen.app.pane is not None and screen.app.pane.id == "dashboard")
            for number, row in enumerate(PANES, 2):
                await screen.press(f"f{number}")
                await screen.until(
                    lambda row=row: screen.app.pane is not None and screen.app.pane.id == row.id
                )
                await screen.idle()
                await screen.press("f1")
                await screen.until(lambda: isinstance(screen.app.screen, Keys), "the keys")
                await screen.until(lambda: "F2 … F7" in screen.text())
                pane = screen.app.pane
                assert pane is not None
                assert row.title in screen.text()
                for key, what in pane.keys[:3]:
                    begin = key.partition(",")[0]  # a long one is wrapped
                    rows = [line.split(begin, 1)[1] for line in screen.text().splitlines() if begin in line]
                    assert any(what[:20] in rest for rest in rows), f"{key} of {row.id}"
                await screen.press("escape")
                await screen.until(lambda: not isinstance(screen.app.screen, Keys))
            for theme in (HIGH_CONTRAST, TERMINAL):
                screen.app.theme = theme
                await screen.pilot.pause(0.05)
                assert_nothing_overlaps(screen)
                assert "Ana Ito" in screen.text()

    run(work())


def test_themes_and_animation_come_from_the_configuration(company: Company) -> None:
    for name, theme in CONFIGURED.items():
        company.config.write_text(
            company.config.read_text().partition("\n[ui]")[0] + f'\n[ui]\ntheme = "{name}"\n'
        )
        desk = Desk.open(environ=company.environment(HELPDESK_UI_ANIMATION="false"))
        app = HelpdeskApp(desk, theme=CONFIGURED[desk.config.ui.theme], animation=desk.config.ui.animation)
        desk.close()
        assert app.theme == theme
        assert app.animation_level == "none"
        assert app.native_ansi_color is (name == "terminal")
    assert HelpdeskApp(desk).animation_level != "none"


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A port of this machine that nobody listens on yet."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


def test_a_banner_says_that_the_directory_is_away_and_goes_when_it_is_back(
    company: Company, port: socket.socket
) -> None:
    number = port.getsockname()[1]
    company.config.write_text(
        f'[directory]\nkind = "ldap"\nurl = "ldap://127.0.0.1:{number}"\nbase = "dc=example,dc=com"\n'
        '[session]\nstore = "none"\n'
    )

    async def work() -> None:
        async with opened(company, (100, 30)) as screen:
            await screen.until(lambda: "! The directory 127.0.0.1 is away" in screen.text(), "the banner")
            assert "policies, requests and the log still work" in screen.text()
            await screen.press("f1")
            await screen.until(lambda: isinstance(screen.app.screen, Keys))
            await screen.press("escape")
            port.listen()
            screen.app.query_one(Watch).look_away()
            await screen.until(lambda: "is away" not in screen.text(), "the end of the banner")
            assert "not signed in" in screen.text()

    run(work())


def test_no_word_of_a_fast_model_is_lost_and_it_is_painted_thirty_times_a_second(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[float] = []
    settle = Feed._settle

    def counted(feed: Feed) -> None:
        painted.append(asyncio.get_running_loop().time())
        settle(feed)

    monkeypatch.setattr(Feed, "_settle", counted)
    words = [f"word{n} " for n in range(4000)]

    async def work() -> None:
        async with opened(company, (80, 24)) as screen:
            interaction = OnScreen(screen.app.feed, screen.dock, screen.app._tell)
            loop = asyncio.get_running_loop()
            painted.clear()
            begun = loop.time()
            for at in range(0, len(words), 20):
                for word in words[at : at + 20]:
                    interaction.emit(ModelSaid(Untrusted(word)))
                await asyncio.sleep(0.005)
            took = loop.time() - begun
            streamed = len(painted)
            interaction.emit(ModelFinished(unproven=False))
            await screen.until(lambda: "word3999" in screen.text(), "the last word")
            assert streamed <= took * PAINTS_A_SECOND + 2
            assert streamed >= 2
            told = "".join(block.text for block in screen.app.feed.blocks if isinstance(block, Prose))
            assert told == "".join(words)

    run(work())


def test_several_requests_in_one_sentence_are_one_card_each(company: Company) -> None:
    async def work() -> None:
        async with opened(company, (100, 40)) as screen:
            await screen.type("unlock dev and unlock ana")
            await screen.sign_in("bo")
            await screen.idle()
            cards = [card for card in screen.cards() if card.result is not None]
            assert [card.arguments.get("person") for card in cards] == ["dev", "ana"], screen.text()
            assert all(card.action == "password.unlock" for card in cards)

    run(work())


def test_of_several_requests_only_what_has_no_card_yet_is_told_in_the_end() -> None:
    one = Result(Outcome.DONE, "a.one", "First.", receipt=(Observation("s", "t", "w", "x", "x"),))
    two = Result(Outcome.REFUSED, "a.two", "Second.")
    words = Result(Outcome.USAGE, "", "Third.")
    assert left_to_tell(one, []) is one
    assert left_to_tell(together([one, two]), [one, two]) is None
    assert left_to_tell(together([one, two]), [words, one, two]) is None, "one of before is no part of it"
    rest = left_to_tell(together([one, two]), [one])
    assert rest is not None
    assert (rest.action, rest.message, rest.receipt) == ("a.two", "Second.", ())
    last = left_to_tell(together([one, words]), [one])
    assert last is not None
    assert last.message == "Third."
