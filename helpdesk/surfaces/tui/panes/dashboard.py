"""Dashboard: what became of everything that was asked for, by receipts only; and the same as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.events import Question, Said
from helpdesk.gate.audit_report import Report
from helpdesk.ports import Interaction
from helpdesk.surfaces.report_words import NOTE
from helpdesk.surfaces.tui import plots
from helpdesk.surfaces.tui.background import latest
from helpdesk.surfaces.tui.paint import safe
from helpdesk.surfaces.tui.pane import Pane
from helpdesk.surfaces.tui.reckoned import Reckoned

EVERY = 2.0
"""Seconds between two looks at whether something was logged."""
SPANS = (
    ("d", 1, "1 day"),
    ("w", 7, "7 days"),
    ("m", 30, "30 days"),
    ("y", 365, "365 days"),
    ("a", 0, "all time"),
)
_BEGIN = 30

Draw = Callable[[Report, int, bool], list[Content]]
PANELS: tuple[tuple[str, str, Draw], ...] = (
    ("closure", "Closed, by receipts only", lambda r, w, p: plots.closure_panel(r, w, plain=p)),
    ("days", "Asked and done, day by day", lambda r, w, p: plots.days_panel(r, w, 6, plain=p)),
    ("unmet", "Asked for most, and not met", lambda r, w, p: plots.unmet_panel(r, w, plain=p)),
    ("refusals", "Refused, by which rule", lambda r, w, p: plots.refusals_panel(r, w, plain=p)),
    ("time", "From asking to done", lambda r, w, p: plots.time_panel(r, w, plain=p)),
    ("by-action", "By action", lambda r, w, p: plots.actions_panel(r, w, plain=p)),
)


class DashboardPane(Pane):
    """A few panels over one span of time; like the log, they are whoever's who may read this account's files."""

    needs_sign_in: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"span({days})", words, show=False) for key, days, words in SPANS),
        Binding("s", "save", "Save"),
    ]
    keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("d, w, m, y, a", "the last day, 7 days, 30 days, 365 days, or all time"),
        ("Up, Down", "scroll"),
        ("s", "save it as a page or a picture (.html, .svg)"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.report: Report | None = None
        self._reckoned: Reckoned | None = None
        self._counting = False
        self._indexed = (0, 0)
        self._ended = False
        self._problem: HelpdeskError | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="dashboard-state", markup=False)
        with VerticalScroll(id="dashboard-scroll"):
            with Grid(id="dashboard-grid"):
                for id, _, _ in PANELS:
                    yield Static(id=f"plot-{id}", classes="plot", markup=False)
            yield Static(Content.styled(NOTE, "$text-muted"), id="dashboard-note")

    def on_mount(self) -> None:
        for id, title, _ in PANELS:
            self.query_one(f"#plot-{id}", Static).border_title = title
        self.action_span(_BEGIN)
        self.set_interval(EVERY, self._look)

    def on_unmount(self) -> None:
        self._ended = True
        if self._reckoned is not None:
            self._reckoned.stop()

    def shown(self) -> None:
        self.query_one("#dashboard-scroll", VerticalScroll).focus()
        self._look()

    @property
    def days(self) -> int:
        return self._reckoned.days if self._reckoned is not None else _BEGIN

    # ── counting ──────────────────────────────────────────────────────────────────────────────

    def action_span(self, days: int) -> None:
        """Another span of time is counted; a count that still goes on is stopped."""
        if self._reckoned is not None:
            self._reckoned.stop()
        self._reckoned = Reckoned(self.desk, days)
        self._problem, self._indexed = None, (0, 0)
        self.desk.log_search.tell = self._indexing
        latest(self, partial(self._count, self._reckoned, at_once=True), "dashboard")

    def _indexing(self, done: int, of: int) -> None:
        """How far the index is that a span needs once; called in the thread that counts.

        Raises:
            Cancelled: the program ends. What was taken in is kept.
        """
        if self._ended:
            raise Cancelled("The program ends.")
        self._indexed = (done, of)

    def _look(self) -> None:
        if self.helpdesk.pane is not self or self._reckoned is None:
            return
        if self._counting:
            self._state()
        else:
            self.run_worker(self._count(self._reckoned, at_once=False), group="dashboard")

    async def _count(self, reckoned: Reckoned, *, at_once: bool) -> None:
        self._counting = True
        if at_once:
            self._state()
        try:
            if not at_once and not await asyncio.to_thread(reckoned.stale):
                return
            counted = await asyncio.to_thread(reckoned.count)
        except Cancelled:
            return
        except HelpdeskError as error:
            self._problem = error
            return
        finally:
            if reckoned is self._reckoned:
                self._counting = False
                self._state()
        if reckoned is self._reckoned:
            self.report, self._problem = counted, None
            self._draw()
            self._state()

    # ── drawing ───────────────────────────────────────────────────────────────────────────────

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)
        self._state()

    def _draw(self) -> None:
        if self.report is None:
            return
        plain = not self.app.console.encoding.lower().startswith("utf")
        for id, _, draw in PANELS:
            panel = self.query_one(f"#plot-{id}", Static)
            width = panel.content_region.width or self.size.width - 4
            panel.update(Content("\n").join(draw(self.report, max(width, 20), plain)))

    def _state(self) -> None:
        line = self.query_one("#dashboard-state", Static)
        if self._problem is not None:
            line.update(safe(f"! {self._problem.message} {self._problem.hint}", "$text-warning"))
            return
        parts = []
        for key, days, words in SPANS:
            here = days == self.days
            told = f" {key} {words} " if here or not self.screen.has_class("-narrow") else f" {key} "
            parts.append(Content.styled(told, "reverse bold" if here else "$text-muted"))
        if self._counting and self._reckoned is not None:
            done, of = self._indexed
            read = self._reckoned.read
            far = f"{read:,} entries" if read or not of else f"indexed once: {done:,} of {of:,}"
            parts.append(Content.styled(f"  reading the log … {far}", "$text-muted"))
        line.update(Content("").join(parts))

    # ── saving ────────────────────────────────────────────────────────────────────────────────

    def action_save(self) -> None:
        told, desk = self.report, self.desk
        if told is None:
            self.app.notify("The log is still being read.", markup=False)
            return
        default = f"helpdesk-report-{desk.clock().astimezone():%Y-%m-%d}.html"

        async def save(interaction: Interaction) -> None:
            from helpdesk.surfaces.report_file import save_report

            question = Question(
                "output", "Into which new file? (.html or .svg)", "--output FILE", default=default
            )
            name = await interaction.ask(question)
            written = await asyncio.to_thread(save_report, name, told, desk.clock())
            interaction.emit(
                Said(f"The report is in {written}. It holds names of groups; only you can read it.")
            )
            self.app.notify(safe(f"The report is in {written}.").plain, markup=False)

        self.perform(save)
