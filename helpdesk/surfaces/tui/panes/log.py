"""Log: everything that was asked, refused and done, the newest on top; an entry opens beside the list.

Whoever may read the files of this account may read its log, here as with ``helpdesk log``; nobody signs in for it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.events import Outcome, Result
from helpdesk.gate.audit_filter import Filter
from helpdesk.surfaces.log_words import Chosen, spoken
from helpdesk.surfaces.tui.background import latest
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.log_filter import FilterWords
from helpdesk.surfaces.tui.log_listing import Listing
from helpdesk.surfaces.tui.log_story import Story, proof, proof_lines, story, story_lines
from helpdesk.surfaces.tui.log_table import LogTable
from helpdesk.surfaces.tui.log_verify import Verify
from helpdesk.surfaces.tui.paint import safe
from helpdesk.surfaces.tui.pane import Pane

if TYPE_CHECKING:
    from helpdesk.gate.proof_check import Proved

EVERY = 1.0
"""Seconds between two looks at whether something was logged."""
FOLLOW = 0.12
"""Seconds that the cursor rests before the open entry follows it."""


class LogPane(Pane):
    """The list, a line to filter it or to go to an entry, the open entry, and the check of the log."""

    needs_sign_in: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("g", "go", "Go to"),
        Binding("v", "verify", "Verify"),
        Binding("u", "undo", "Undo", show=False),
        Binding("w", "why", "Why", show=False),
        Binding("escape", "back", "Back", show=False),
    ]
    keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Up, Down, PgUp, PgDn", "through the entries; Home is the newest, End the oldest"),
        ("Enter", "open the entry: what was intended, how it ended, the receipt, the proof"),
        ("/", "filter: --actor bo --action password.reset --outcome refused --after 7d, and words"),
        ("g", "go to an entry by its number"),
        ("v", "check the whole log; again stops it"),
        ("u, w", "undo what the entry did; why it ended so"),
        ("Esc", "close the entry, then the filter"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._chosen = Chosen(Filter())
        self._words = ""
        self._going = False
        self._reading = False
        self._indexed = (0, 0)
        self._ended = False
        self._story: Story | None = None
        self._proved: Proved | HelpdeskError | None = None
        self._problem: HelpdeskError | None = None

    def compose(self) -> ComposeResult:
        yield Input(id="log-line")
        yield Static(id="log-state", markup=False)
        with Horizontal(id="log-middle"):
            yield LogTable(id="log-table")
            with VerticalScroll(id="log-entry"):
                yield Static(id="log-story", markup=False)
        yield Verify(id="log-verify")
        yield Feed(id="log-feed")

    def on_mount(self) -> None:
        for hidden in ("#log-line", "#log-entry", "#log-feed"):
            self.query_one(hidden).display = False
        actions = [spec.name for spec in self.desk.catalog.specs]
        self.query_one("#log-line", Input).suggester = FilterWords(actions)
        self.table.moved = self._state
        self._list()
        self.set_interval(EVERY, self._look)

    def shown(self) -> None:
        (self._entry if self._entry.display else self.table).focus()
        self._look()

    @property
    def table(self) -> LogTable:
        return self.query_one("#log-table", LogTable)

    @property
    def _entry(self) -> VerticalScroll:
        return self.query_one("#log-entry", VerticalScroll)

    # ── the list ──────────────────────────────────────────────────────────────────────────────

    def _list(self) -> None:
        listing = Listing(self.desk.audit, self.desk.log_search, self._chosen)
        self._reading, self._problem, self._indexed = True, None, (0, 0)
        self.desk.log_search.tell = self._indexing
        self._state()
        latest(self, partial(self._listed, listing), "log-list")

    def _indexing(self, done: int, of: int) -> None:
        """How far the index is that a search needs once; called in the thread of whoever searches.

        Raises:
            Cancelled: the program ends. What was taken in is kept.
        """
        if self._ended:
            raise Cancelled("The program ends.")
        self._indexed = (done, of)

    def on_unmount(self) -> None:
        self._ended = True

    async def _listed(self, listing: Listing) -> None:
        await self.table.show(listing)
        self._reading = False
        self._state()

    def _look(self) -> None:
        """New entries appear while the pane is in sight."""
        if self.helpdesk.pane is self and self._reading:
            self._state()
        elif self.helpdesk.pane is self:
            self.run_worker(self.table.grow(), group="log-grow")

    def on_log_table_moved(self) -> None:
        if self._entry.display and self._beside:
            number = self.table.chosen
            self.set_timer(FOLLOW, lambda: self._follow(number))

    def _follow(self, number: int | None) -> None:
        """The open entry beside the list is the chosen one, once the cursor rests."""
        shown = self._story.entry.seq if self._story is not None else None
        if number is not None and number == self.table.chosen and number != shown and self._entry.display:
            self._open(number)

    @property
    def _beside(self) -> bool:
        return self.screen.has_class("-wide")

    def on_log_table_failed(self, failed: LogTable.Failed) -> None:
        self._problem, self._reading = failed.error, False
        self._state()

    def _state(self) -> None:
        """One line: which entries are listed, and where the cursor is."""
        self.query_one("#log-state", Static).update(self._told(), layout=False)

    def _told(self) -> Content:
        listing = self.table.listing
        if self._problem is not None:
            return safe(f"! {self._problem.message} {self._problem.hint}", "$text-warning")
        parts: list[Content] = []
        if listing is None or self._reading:
            done, of = self._indexed
            far = f"  indexed once for the search: {done:,} of {of:,}" if of else ""
            parts.append(Content.styled(f"reading the log …{far}", "$text-muted"))
        elif not listing.rows:
            none = "Nothing in the log fits. Esc lists everything." if self._words else "The log is empty."
            parts.append(Content.styled(none, "$text-warning" if self._words else "$text-muted"))
        else:
            more = "" if listing.complete else ("+ …" if self.table.finding else "+")
            what = "fit" if self._words else "entries"
            parts.append(Content(f"{listing.rows:,}{more} {what}"))
            parts.append(Content.styled(f"row {self.table.cursor + 1:,}", "$text-muted"))
        if self.table.news:
            parts.append(Content.styled(f"{self.table.news:,} new above", "$success"))
        if self._words:
            parts.append(Content.assemble(("/ ", "bold $accent"), (safe(self._words).plain, "bold")))
        return Content("  ").join(parts)

    # ── the line: a filter, or a number ───────────────────────────────────────────────────────

    def action_filter(self) -> None:
        self._ask("--actor bo  --outcome refused  --after 7d  words", self._words, going=False)

    def action_go(self) -> None:
        self._ask("The number of an entry", "", going=True)

    def _ask(self, placeholder: str, value: str, *, going: bool) -> None:
        line = self.query_one("#log-line", Input)
        self._going = going
        line.placeholder, line.value = placeholder, value
        line.cursor_position = len(value)
        line.display = True
        line.focus()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        words = submitted.value.strip()
        if self._going:
            self._go(words)
        else:
            self._filter(words)

    def _go(self, words: str) -> None:
        number = words.replace(",", "")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            self.app.notify("Give the number of an entry, such as 42.", markup=False)
            return
        self._close_line()
        self.table.go_to(int(number))

    def _filter(self, words: str) -> None:
        """A filter that cannot be understood is told, and the list stays as it is."""
        try:
            wanted = spoken(words, self.desk.clock())
        except HelpdeskError as error:
            self.app.notify(safe(f"{error.message} {error.hint}").plain, severity="error", markup=False)
            return
        self._chosen, self._words = wanted, words
        self._close_line()
        self._list()

    def _close_line(self) -> None:
        self.query_one("#log-line", Input).display = False
        self.table.focus()

    # ── the open entry ────────────────────────────────────────────────────────────────────────

    def on_log_table_opened(self, opened: LogTable.Opened) -> None:
        self._open(opened.number)

    def _open(self, number: int) -> None:
        latest(self, partial(self._opened, number), "log-entry")

    async def _opened(self, number: int) -> None:
        """The entry at once; its proof, which may take a moment, when it is there."""
        try:
            self._story = await asyncio.to_thread(story, self.desk.audit, number)
        except HelpdeskError as error:
            self.app.notify(safe(f"{error.message} {error.hint}").plain, severity="error", markup=False)
            return
        self._proved = None
        newly = not self._entry.display
        self._entry.display = self.table.pinned = True
        self.set_class(True, "-open")
        if newly and not self._beside:
            self._entry.focus()
        self._entry.scroll_home(animate=False)
        self.call_after_refresh(self._tell_story)
        try:
            self._proved = await asyncio.to_thread(proof, self.desk, number)
        except HelpdeskError as error:
            self._proved = error
        self._tell_story()

    def _tell_story(self) -> None:
        told = self._story
        if told is None:
            return
        room = max((self._entry.scrollable_content_region.width or self.size.width) - 1, 20)
        keys = "u undo · w why · Esc close"
        lines = story_lines(told, room) + proof_lines(self._proved, told.entry.seq)
        self.query_one("#log-story", Static).update(
            Content("\n").join([*lines, Content(""), Content.styled(keys, "$text-muted")])
        )

    def on_resize(self) -> None:
        if self._entry.display:
            self.call_after_refresh(self._tell_story)

    def action_undo(self) -> None:
        self._act("undo")

    def action_why(self) -> None:
        self._act("why")

    def _act(self, what: str) -> None:
        """Take back what the open or chosen entry did, or say why it ended so: the way of a card."""
        if self._entry.display and self._story is not None:
            number, action = self._story.acted.seq, str(self._story.entry.body.get("action") or "")
        elif (chosen_now := self.table.chosen) is not None:
            number, action = chosen_now, ""
        else:
            return
        feed = self.query_one("#log-feed", Feed)
        feed.display = what == "undo" or feed.display
        self.helpdesk.act(what, Result(Outcome.DONE, action, "", entry=number, undoable=True), feed)

    def on_feed_acted(self, acted: Feed.Acted) -> None:
        self.helpdesk.acted(acted)

    # ── verify ────────────────────────────────────────────────────────────────────────────────

    def action_verify(self) -> None:
        check = self.query_one("#log-verify", Verify)
        if check.runs:
            check.stop()
        else:
            check.begin(self.desk)

    # ── back ──────────────────────────────────────────────────────────────────────────────────

    def action_back(self) -> None:
        """Esc closes one thing after the other, and then the pane."""
        line, check = self.query_one("#log-line", Input), self.query_one("#log-verify", Verify)
        feed = self.query_one("#log-feed", Feed)
        if self.helpdesk.reader.display:
            self.helpdesk.action_home()
        elif line.display:
            self._close_line()
        elif self._entry.display:
            self._close_entry()
        elif feed.display:
            feed.display = False
            self.table.focus()
        elif check.display:
            check.close()
        elif self._words:
            self._filter("")
        else:
            self.helpdesk.action_home()

    def _close_entry(self) -> None:
        self._entry.display = self.table.pinned = False
        self.set_class(False, "-open")
        self._story = None
        self.table.focus()
