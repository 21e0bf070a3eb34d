"""Draws the screens of docs/app.md from the real app on the demo's company: ``make screens``.

The clock stands where the story puts it, and what is random in every run (ids, hashes) is fixed, so that a run draws
the same files again. A test draws them and compares, so that no picture can show what the app no longer looks like.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from unittest.mock import patch

import pexpect
from textual.widgets import Input

from docs.record import normalised
from helpdesk.connectors.embedded.hashing import Cost
from helpdesk.demo.company import employee
from helpdesk.demo.founding import Company, found, temporary
from helpdesk.errors import AccountLocked, NotSignedIn
from helpdesk.secrets import Secret
from helpdesk.surfaces.tui.app import HelpdeskApp
from helpdesk.surfaces.tui.dock import AskedToConfirm
from helpdesk.surfaces.tui.panes.dashboard import DashboardPane
from helpdesk.surfaces.tui.panes.log import LogPane
from helpdesk.surfaces.tui.panes.requests import RequestsPane
from helpdesk.surfaces.tui.reading import Quiet
from helpdesk.surfaces.tui.themes import HIGH_CONTRAST
from tests.surfaces.tui.world import Screen

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/screens"
FOUNDED = datetime(2025, 12, 1, 8, 0, tzinfo=UTC)
STORY = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
WIDE, USUAL, TINY, ROOMY = (120, 34), (80, 24), (40, 12), (140, 46)
STEADY = 3
"""How often a screen must look as before until it counts as drawn."""
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_CASE = re.compile(r"\bc-[0-9A-Z]{4}\b")
_PASTING = re.compile(r"\x1b\[\?2004[hl]")
"""How a terminal is asked to say what was pasted: a pasted "y" confirms nothing."""
_RANDOM = re.compile(r"(?<![0-9A-Za-z#.-])(?=[0-9a-f]*\d)[0-9a-f]{12,64}(?![0-9A-Za-z])")


# ── what stands still ─────────────────────────────────────────────────────────────────────────


@dataclass
class Moment:
    """The story's clock; it moves when the story says so."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def later(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)


@contextmanager
def still(moment: Moment) -> Iterator[None]:
    """Times are said from the story's clock, in UTC, and ids are drawn in a fixed order."""

    class Here(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return moment.now.astimezone(tz)

    os.environ["TZ"] = "UTC"
    time.tzset()
    with (
        patch("helpdesk.text.datetime", Here),
        patch("secrets.choice", random.Random(17).choice),  # noqa: S311
        patch(
            "helpdesk.connectors.embedded.directory.Cost", lambda: Cost(n=2**10, p=1)
        ),  # the pictures cost less
    ):
        yield


def tidy(svg: str) -> str:
    """A picture that fetches nothing from outside, with fixed ids and hashes."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: Fira Code, monospace", f"font-family: {FONTS}", svg)
    svg = re.sub(r"terminal-\d+", "screen", svg)
    svg = _UUID.sub("6f1c9b1e-0a52-4d3e-9c47-2b8d5e7a3f10", svg)
    svg = _RANDOM.sub(lambda found: ("0123456789abcdef" * 4)[: len(found[0])], svg)
    return "\n".join(line.rstrip() for line in svg.strip().splitlines()) + "\n"


# ── the app in the company ────────────────────────────────────────────────────────────────────


class Seen(Screen):
    """The app, with the demo's people in front of it."""

    async def confirming(self) -> AskedToConfirm:
        """A confirmation that listens."""
        asked = await self.asked(AskedToConfirm)
        assert isinstance(asked, AskedToConfirm)
        await self.until(lambda: not asked.has_class("deaf"), "a confirmation that listens")
        return asked


@dataclass
class Film:
    """One company, its clock, and the pictures that were taken of it."""

    company: Company
    moment: Moment
    taken: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def app(
        self, login: str = "", *, size: tuple[int, int] = WIDE, theme: str = ""
    ) -> AsyncIterator[Seen]:
        """The app, with somebody signed in."""
        desk = self.company.desk()
        try:
            if login:  # as if kept from before
                await desk.login(Quiet(), login, Secret(employee(login).words))
            app = HelpdeskApp(desk, theme=theme, animation=False)
            async with app.run_test(size=size) as pilot:
                screen = Seen(app, pilot)
                await screen.until(lambda: app.query("#watch"), "the end of the start")
                await screen.idle()
                yield screen
        finally:
            desk.close()

    async def shot(self, screen: Seen, name: str, *, until: str = "") -> None:
        """Take a picture once the screen says something, and then no longer moves."""
        app = screen.app
        if until:
            await screen.until(lambda: until in screen.text(), f"“{until}”")
        before, same = "", 0
        for _ in range(200):
            for line in app.screen.query(Input):
                line.cursor_blink = False
            app.clear_notifications()
            await screen.pilot.pause(0.03)
            now = tidy(app.export_screenshot(title="helpdesk"))
            before, same = now, same + 1 if now == before else 0
            if same == STEADY:
                break
        self.taken[f"{name}.svg"] = before


# ── the story ─────────────────────────────────────────────────────────────────────────────────


async def locked_out(film: Film) -> None:
    """Ines, who is signed out and locked out, is told why."""
    directory = film.company.directory()
    for tries in range(20):
        try:
            directory.sign_in("ines", Secret(f"not the password {tries}")).close()
        except AccountLocked:
            break
        except NotSignedIn:
            continue
    film.moment.later(2)
    async with film.app(size=USUAL) as screen:
        await film.shot(screen, "welcome")
        await screen.type("I'm locked out")
        await screen.asked()
        await film.shot(screen, "question")
        await screen.answer("ines")
        await screen.answer(employee("ines").words)
        await screen.idle()
        await film.shot(screen, "locked-out", until="locked")


async def lifted(film: Film) -> None:
    """Tomas at the service desk lifts the lock."""
    async with film.app("tomas", size=USUAL) as screen:
        await screen.type("unlock ines")
        await screen.confirming()
        await film.shot(screen, "confirmation")
        await screen.press("y")
        await screen.idle()
        await film.shot(screen, "receipt", until="read back")
        await screen.press("ctrl+y")
        await film.shot(screen, "why", until="Why entry")


async def access(film: Film) -> None:
    """Oskar asks for access; at 40x12 it is the same."""
    async with film.app("oskar", size=USUAL) as screen:
        await screen.type("get me into finance-share for the quarter close")
        await screen.confirming()
        await film.shot(screen, "access")
        await screen.press("y")
        await screen.idle()
        await film.shot(screen, "pending", until="Priya Raman")
    film.moment.later(3)
    async with film.app("malik", size=TINY) as screen:
        await screen.type("get me into design-share for the brochure")
        await screen.confirming()
        await film.shot(screen, "small")
        await screen.press("n")
        await screen.idle()


async def approved(film: Film) -> None:
    """Priya finds it among her requests, and approves."""
    async with film.app("priya") as screen:
        await screen.press("f4")
        pane = await screen.until(lambda: screen.app.query(RequestsPane), "the pane")
        await screen.until(lambda: pane.first()._requests, "the request")
        await film.shot(screen, "requests", until="waits for")
        await screen.press("a")
        await screen.confirming()
        await film.shot(screen, "approving")
        await screen.press("y")
        await screen.idle()
        await screen.until(lambda: not pane.first()._requests, "the end of the request")
        await film.shot(screen, "approved", until="read back")
    film.moment.later(4)


async def policy(film: Film) -> None:
    """Oskar asks the policies, and reads on beside the answer; then everything that opens over it."""
    async with film.app("oskar") as screen:
        await screen.type("how long may I keep customer data?")
        await screen.idle()
        await screen.press("ctrl+o")
        await screen.until(lambda: screen.app.reader.display, "the reader")
        await screen.idle()
        await film.shot(screen, "policy", until="customer data")
        await screen.press("escape")
        await screen.until(lambda: not screen.app.reader.display)
        await screen.press("ctrl+k")
        await film.shot(screen, "cases", until="Your cases")
        await screen.press("escape", "f5")
        await film.shot(screen, "me", until="finance-share")
        await screen.press("question_mark")
        await film.shot(screen, "keys", until="Everywhere")
        await screen.press("escape", "f3")
        await screen.until(lambda: screen.app.query("#actions-options"), "the actions")
        screen.app.open_action("access.request")
        await film.shot(screen, "actions", until="Which group")
        await screen.press("ctrl+p")
        await screen.pilot.pause(0.1)
        await screen.press(*"pass")
        await film.shot(screen, "palette", until="put on an account.")


async def looked_back(film: Film) -> None:
    """Tomas reads the log, and the figures."""
    async with film.app("tomas", size=ROOMY) as screen:
        await screen.press("f6")
        pane = await screen.until(lambda: screen.app.query(LogPane), "the log")
        await screen.until(lambda: pane.first().table.listing is not None and not pane.first()._reading)
        await film.shot(screen, "log", until="password.unlock")
        await screen.press("g")
        await screen.type("14")
        await screen.press("enter")
        await film.shot(screen, "entry", until="It is one of")
        await screen.press("escape", "v")
        await film.shot(screen, "verified", until="log is whole")
        await screen.press("f7")
        await screen.until(lambda: screen.app.query(DashboardPane), "the dashboard")
        board = screen.app.query_one(DashboardPane)
        await screen.until(lambda: board.report is not None and not board._counting, "the figures")
        await film.shot(screen, "dashboard", until="closed")


async def contrast(film: Film) -> None:
    """The theme of high contrast."""
    async with film.app("yuki", size=USUAL, theme=HIGH_CONTRAST) as screen:
        await screen.type("unlock ines")
        await screen.idle()
        await film.shot(screen, "high-contrast")


def linear() -> str:
    """A chat in linear mode, on a terminal of its own."""
    with tempfile.TemporaryDirectory() as home:
        found(temporary(Path(home)), keep_sessions=False)
        child = pexpect.spawn(
            sys.executable,
            ["-m", "helpdesk", "--profile", "demo", "chat", "--linear", "--as", "oskar"],
            env={**temporary(Path(home)), "PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            cwd=str(ROOT),
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=20,
        )
        written = child.logfile_read = io.StringIO()
        for prompt, words in (
            ("Password of oskar.*: ", employee("oskar").words),
            ("You: ", "what may I do with customer data?"),
            ("You: ", "get me into finance-share for the quarter close"),
            (r"\[y/N\] ", "y"),
            ("You: ", "am I in finance-share?"),
        ):
            child.expect(prompt)
            time.sleep(0.6 if words == "y" else 0)  # a confirmation is deaf at first
            child.sendline(words)
        child.expect("You: ")
        child.sendeof()
        child.expect(pexpect.EOF)
        child.close()
    text = _PASTING.sub("", written.getvalue().replace("\r", ""))
    lines = (line.rstrip() for line in text.splitlines())
    return _CASE.sub("c-7KQ2", normalised("\n".join(lines))).strip() + "\n"


SCENES = (locked_out, lifted, access, approved, policy, looked_back, contrast)


def drawn() -> dict[str, str]:
    """Every picture by its file name."""
    moment = Moment(FOUNDED)
    with tempfile.TemporaryDirectory() as home, still(moment):
        company = found(temporary(Path(home)), keep_sessions=False, clock=moment)
        moment.now = STORY
        film = Film(company, moment)

        async def all_scenes() -> None:
            for scene in SCENES:
                await scene(film)

        asyncio.run(all_scenes())
        film.taken["linear.txt"] = linear()
    return film.taken


def main(folder: Path) -> None:
    """Write all files, and remove what is not drawn any more."""
    files = drawn()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
