"""Dashboard: figures by receipts only, kept up to date, over the chosen span, and saved as a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.widgets import Static

from helpdesk.gate.audit import AuditLog
from helpdesk.surfaces.tui.panes.dashboard import PANELS, DashboardPane
from tests.surfaces.company import Company
from tests.surfaces.tui.log_world import HOSTILE, acted, refused
from tests.surfaces.tui.world import Screen, opened, run


async def dashboard(screen: Screen) -> DashboardPane:
    """The pane, once its figures are there."""
    screen.app.go("dashboard")
    await screen.until(lambda: screen.app.query(DashboardPane), "the pane")
    pane = screen.app.query_one(DashboardPane)
    await screen.until(lambda: pane.report is not None and not pane._counting, "the figures")
    return pane


def plot(pane: DashboardPane, id: str) -> str:
    return str(pane.query_one(f"#plot-{id}", Static).content)


@pytest.mark.req("L10")
def test_only_receipts_close_and_what_was_abandoned_does_not(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            log = screen.app.desk.audit
            acted(log)
            acted(log, outcome="done", observed="locked")
            log.append("cancelled", {"action": "password.unlock", "outcome": "cancelled"}, {"actor": "ana"})
            refused(log, rule="not-yours")
            pane = await dashboard(screen)
            closed = plot(pane, "closure")
            assert "25% closed: 1 of 4 asked" in closed
            for line in (
                "1 done, with a receipt",
                "1 abandoned",
                "1 called done without a receipt",
                "1 refused",
            ):
                assert line in closed
            assert "not-yours 1" in plot(pane, "refusals")
            assert "password.unlock 2" in plot(pane, "unmet")

    run(work())


def test_the_figures_follow_the_log(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            pane = await dashboard(screen)
            assert "Nothing was asked for in this time." in plot(pane, "closure")
            refused(screen.app.desk.audit)
            await screen.until(lambda: "0% closed: 0 of 1 asked" in plot(pane, "closure"), "the refusal")
            acted(screen.app.desk.audit)
            await screen.until(lambda: "50% closed: 1 of 2 asked" in plot(pane, "closure"), "what was done")

    run(work())


def test_a_span_counts_what_was_asked_in_it(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            clock = [datetime.now(UTC) - timedelta(days=100)]
            old = AuditLog(company.state / "log", lambda: clock[0], lambda: screen.app.desk.host_key)
            refused(old)
            clock[0] += timedelta(days=90)
            refused(old)
            old.close()
            acted(screen.app.desk.audit)
            pane = await dashboard(screen)
            for key, asked in (("a", 3), ("w", 1), ("m", 2), ("y", 3), ("d", 1)):
                await screen.press(key)
                await screen.until(lambda asked=asked: f" of {asked} asked" in plot(pane, "closure"), key)

    run(work())


@pytest.mark.req("T1", "T3")
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 12)])
def test_every_panel_is_drawn_and_hostile_names_stay_text(company: Company, size: tuple[int, int]) -> None:
    async def work() -> None:
        async with opened(company, size) as screen:
            refused(screen.app.desk.audit, action=HOSTILE, rule=HOSTILE)
            acted(screen.app.desk.audit, action=HOSTILE)
            pane = await dashboard(screen)
            await screen.until(lambda: all(plot(pane, id) for id, _, _ in PANELS), "every panel")
            for text in (screen.text(), *(plot(pane, id) for id, _, _ in PANELS)):
                assert not {"\x1b", "\x07", "\u202e", "┃"} & set(text)
            assert "50% closed" in screen.text()
            width = pane.query_one("#plot-refusals", Static).content_region.width
            assert all(len(line) <= width for line in plot(pane, "refusals").split("\n"))

    run(work())


def test_the_report_is_saved_and_another_file_is_left_alone(company: Company, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            refused(screen.app.desk.audit, rule="not-yours")
            await dashboard(screen)
            file = tmp_path / "saved.svg"
            await screen.press("s")
            await screen.answer(str(file))
            await screen.idle()
            assert "not-yours" in file.read_text()
            assert file.stat().st_mode & 0o777 == 0o600
            before = file.read_bytes()
            await screen.press("s")
            await screen.answer(str(file))
            await screen.idle()
            told = [getattr(block, "text", "") for block in screen.app.feed.blocks]
            assert any("is there already" in text for text in told)
            assert file.read_bytes() == before

    run(work())


def test_a_log_that_cannot_be_read_is_told(company: Company) -> None:
    async def work() -> None:
        async with opened(company) as screen:
            acted(screen.app.desk.audit)
            screen.app.desk.audit.close()
            (company.state / "log/log.db").write_bytes(b"no database" * 500)
            screen.app.go("dashboard")
            await screen.until(lambda: screen.app.query(DashboardPane), "the pane")
            pane = screen.app.query_one(DashboardPane)
            line = pane.query_one("#dashboard-state", Static)
            await screen.until(lambda: str(line.content).startswith("! "), "what is wrong")
            assert pane.report is None

    run(work())
