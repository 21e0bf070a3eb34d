"""The pictures of docs/app.md are what the app draws today, and fetch nothing from anywhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.strip import Strip

from helpdesk.events import Outcome, Result
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.feed import Feed
from tests.surfaces.tui.world import run

ROOT = Path(__file__).resolve().parents[3]
KEPT = ROOT / "docs/screens"
COLUMN = 12.2
"""Width of a column in a picture."""
STALE = "a picture is no longer true; run: make screens"


def shown(picture: str) -> list[str]:
    """What a picture says, row by row; a text file is its own rows."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for x, y, words in re.findall(
        r'<text class="screen-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', picture
    ):
        rows.setdefault(float(y), []).append((float(x), unescape(words).replace("\xa0", " ")))
    if not rows:
        return picture.splitlines()
    return [laid(sorted(row)) for _, row in sorted(rows.items())]


def laid(row: list[tuple[float, str]]) -> str:
    """The words of a row at their columns."""
    line = ""
    for x, words in row:
        line = line.ljust(round(x / COLUMN)) + words
    return line.rstrip()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("screens")
    done = subprocess.run(
        [sys.executable, "-m", "docs.screens", folder], cwd=ROOT, capture_output=True, timeout=240
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_the_pictures_are_what_the_app_draws_today(drawn: Path) -> None:
    assert {file.name for file in KEPT.iterdir()} == {file.name for file in drawn.iterdir()}, STALE
    for file in sorted(drawn.iterdir()):
        now, kept = file.read_text(encoding="utf-8"), (KEPT / file.name).read_text(encoding="utf-8")
        assert shown(now) == shown(kept), f"{file.name}: {STALE}"
        assert len(shown(now)) > 5, f"{file.name} shows next to nothing"


def test_a_picture_fetches_nothing_and_holds_no_password() -> None:
    from helpdesk.demo.company import EMPLOYEES

    for file in KEPT.iterdir():
        text = file.read_text(encoding="utf-8")
        for fetched in ("url(http", "@font-face", "@import", "href=", "<image", "<script"):
            assert fetched not in text, f"{file.name}: {fetched}"
        said = "\n".join(shown(text))
        assert not [one.login for one in EMPLOYEES if one.words in said], file.name


def test_every_picture_is_on_the_page_and_every_link_is_a_picture() -> None:
    page = (ROOT / "docs/app.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(screens/([\w.-]+)\)", page))
    assert linked == {file.name for file in KEPT.iterdir()}
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"docs/screens/([\w.-]+)", front)) <= linked


def bar_of(strip: Strip) -> Segment:
    return next(segment for segment in strip if segment.text.strip())


def test_the_bar_of_a_card_says_how_it_ended() -> None:
    class Cards(App[None]):
        CSS = "Feed { height: 1fr; }"

        def compose(self) -> ComposeResult:
            yield Feed()

    async def work() -> None:
        async with Cards().run_test(size=(60, 10)) as pilot:
            feed = pilot.app.query_one(Feed)
            card = Card("password.unlock", {"person": "ana"})
            feed.add(card)
            await pilot.pause()
            begun = feed.render_line(0)
            assert "password.unlock" in begun.text
            card.finish(Result(Outcome.FAILED, "password.unlock", "It did not work."))
            feed.changed()
            await pilot.pause()
            ended = feed.render_line(0)
            assert bar_of(begun).text == bar_of(ended).text
            assert bar_of(begun).style != bar_of(ended).style

    run(work())
