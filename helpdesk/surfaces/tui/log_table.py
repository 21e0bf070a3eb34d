"""The list of the log: a million rows of which only those in sight are read and drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from helpdesk.errors import HelpdeskError
from helpdesk.surfaces.tui.log_listing import PAGE, Listing, Step
from helpdesk.surfaces.tui.log_row import Columns

AHEAD = PAGE // 2
"""Rows above and below the ones in sight that are read before they are needed."""


class LogTable(ScrollView, can_focus=True):
    """Rows of entries, the newest on top, under a line of titles.

    Attributes:
        cursor: the chosen row. pinned: the chosen entry stays chosen when newer ones come, also at the top.
        news: rows that came above while somebody looked further down.
        moved: is called when another row is chosen, or more is known, so that it is drawn with the same paint.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Newer", show=False),
        Binding("down,j", "move(1)", "Older", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home", "newest", "Newest", show=False),
        Binding("end", "oldest", "Oldest", show=False),
        Binding("enter", "open", "Open"),
        Binding("o", "open", "Open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--chosen",
        "log--head",
        "log--plain",
        "log--dim",
        "log--good",
        "log--bad",
        "log--open",
    }

    class Opened(Message):
        """Enter on an entry."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class Moved(Message):
        """Another entry is chosen, or more is known about the list."""

    class Failed(Message):
        """The log could not be read."""

        def __init__(self, error: HelpdeskError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.listing: Listing | None = None
        self.cursor = 0
        self.pinned = False
        self.news = 0
        self.finding = False
        self._reading = False
        self._growing = False
        self._columns = Columns.of(80, 0)
        self._strips: dict[tuple[int, int], Strip] = {}
        self._styles: dict[str, Style] = {}
        self.moved: Callable[[], None] = lambda: None

    # ── what is in it ─────────────────────────────────────────────────────────────────────────

    async def show(self, listing: Listing) -> None:
        """Show another list, from its newest entry on."""
        number = self.chosen
        if await self._read(listing.begin) is None:
            return
        self.listing, self.news = listing, 0
        self._strips.clear()
        self.cursor = listing.row_of(number) if number is not None and listing.rows else 0
        self._settle()
        self._reveal()

    @property
    def chosen(self) -> int | None:
        """The number of the chosen entry."""
        return self.listing.number(self.cursor) if self.listing is not None else None

    async def grow(self) -> None:
        """Take in what was logged since; the view stays where it is, or at the top."""
        listing = self.listing
        if listing is None or self._growing:
            return
        self._growing = True
        erasures = listing.erasures
        try:
            came = await self._read(listing.grow)
        finally:
            self._growing = False
        if came is None or listing is not self.listing:
            return
        if listing.erasures != erasures:
            self._strips.clear()
            self._want()
        if not came:
            return
        if came < 0:
            await self.show(listing.again())
            return
        at_top = self.scroll_offset.y == 0
        if not (at_top and self.cursor == 0 and not self.pinned):
            self.cursor += came
        if not at_top:
            self.news += came
        self._settle()
        if not at_top:
            self.scroll_to(y=self.scroll_offset.y + came, animate=False, force=True, immediate=True)
        elif self.cursor:
            self._reveal()
        self.refresh()

    async def _read(self, what: Callable[[], Step]) -> int | None:
        """Read in a thread, and take in what was read; ``None`` where that failed."""
        try:
            step = await asyncio.to_thread(what)
        except HelpdeskError as error:
            self.post_message(self.Failed(error))
            return None
        return step()

    def _settle(self) -> None:
        """The number of rows, or the room for them, changed."""
        listing = self.listing
        if listing is None:
            return
        self.cursor = min(max(self.cursor, 0), max(listing.rows - 1, 0))
        columns = Columns.of(self._room, listing.last)
        if columns != self._columns:
            self._columns = columns
            self._strips.clear()
        self.virtual_size = Size(self._room, listing.rows + 1)
        self.refresh()
        self._want()
        self._tell()

    def on_resize(self, _: events.Resize) -> None:
        self._strips.clear()
        self._settle()
        self._reveal()

    @property
    def _room(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _shown(self) -> int:
        """Rows in sight, under the titles."""
        return max(self.size.height - 1, 1)

    # ── reading what is in sight ──────────────────────────────────────────────────────────────

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.scroll_offset.y == 0 and self.news:
            self.news = 0
            self._tell()
        self._want()

    def _want(self) -> None:
        """Read what is in sight and not there, and what may soon be."""
        listing = self.listing
        if listing is None or self._reading or not self.is_mounted:
            return
        if self._missing(listing) or self._find_more(listing):
            self._reading = True
            self.run_worker(self._fill(), group="log-rows")

    def _missing(self, listing: Listing) -> list[int]:
        """What is in sight comes first; then what is around it, when that is worth a look."""
        if seen := self._unseen(listing):
            return seen
        top = self.scroll_offset.y
        around = listing.missing(top - AHEAD, top + self._shown + AHEAD)
        return around if len(around) > AHEAD // 2 else []

    def _unseen(self, listing: Listing) -> list[int]:
        top = self.scroll_offset.y
        return listing.missing(top, top + self._shown - 1)

    def _find_more(self, listing: Listing) -> bool:
        near = self.scroll_offset.y + 3 * self._shown >= listing.rows
        return not listing.complete and (near or self.finding)

    async def _fill(self) -> None:
        try:
            while (listing := self.listing) is not None:
                if numbers := self._missing(listing):
                    in_sight = bool(self._unseen(listing))
                    if await self._read(_loading(listing, numbers)) is None:
                        return
                    if in_sight:
                        self.refresh()
                elif self._find_more(listing):
                    if await self._read(listing.more) is None:
                        return
                    self._more_found(listing)
                else:
                    return
        finally:
            self._reading = False

    def _more_found(self, listing: Listing) -> None:
        if listing is not self.listing:
            return
        if self.finding:
            self.cursor = max(listing.rows - 1, 0)
            self.finding = not listing.complete
        self._settle()
        if not self.finding and self.cursor == listing.rows - 1:
            self._reveal()

    # ── drawing ───────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._strip(self._columns.head(), width, "log--head")
        listing, row = self.listing, self.scroll_offset.y + y - 1
        number = listing.number(row) if listing is not None else None
        if listing is None or number is None:
            return Strip.blank(width, self._style(""))
        strip = self._strips.get((number, width))
        if strip is None:
            strip = self._drawn(listing, row, number, width)
        if row == self.cursor:
            strip = strip.apply_style(self._style("log--chosen"))
        return strip

    def _drawn(self, listing: Listing, row: int, number: int, width: int) -> Strip:
        entry = listing.entry(row)
        if entry is None:
            known = listing.known(number)
            return self._strip(self._columns.gone(number) if known else self._columns.place(number), width)
        strip = self._strip(self._columns.row(entry), width)
        if len(self._strips) > 2000:
            self._strips.clear()
        self._strips[number, width] = strip
        return strip

    def _strip(self, cells: list[tuple[str, int, str]], width: int, style: str = "") -> Strip:
        segments: list[Segment] = []
        left = width
        for text, room, name in cells:
            size = min(room + 1 if room else left, left)
            told = set_cell_size(text, max(size - 1, 0)) + " " if size else ""
            segments.append(Segment(told, self._style(style or name)))
            left -= size
        return Strip(segments, width - left).adjust_cell_length(width, self._style(""))

    def _style(self, name: str) -> Style:
        """A style of a part; kept, because it is looked up for every cell."""
        found = self._styles.get(name)
        if found is None:
            found = (
                self.get_component_rich_style(name, partial=name == "log--chosen")
                if name
                else self.rich_style
            )
            self._styles[name] = found
        return found

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def on_focus(self) -> None:
        self._styles.clear()
        self.refresh()

    def on_blur(self) -> None:
        self._styles.clear()
        self.refresh()

    # ── keys ──────────────────────────────────────────────────────────────────────────────────

    def go_to(self, number: int) -> None:
        """Choose an entry, or the nearest older one."""
        if self.listing is not None and self.listing.rows:
            self._choose(self.listing.row_of(number))

    def action_move(self, step: int) -> None:
        self._choose(self.cursor + step)

    def action_page(self, step: int) -> None:
        self._choose(self.cursor + step * max(self._shown - 1, 1), step * max(self._shown - 1, 1))

    def action_newest(self) -> None:
        self._choose(0)

    def action_oldest(self) -> None:
        listing = self.listing
        if listing is not None:
            self.finding = not listing.complete
            self._choose(listing.rows - 1)

    def action_open(self) -> None:
        if (number := self.chosen) is not None:
            self.post_message(self.Opened(number))

    def on_click(self, click: events.Click) -> None:
        row = self.scroll_offset.y + click.y - 1
        if click.y > 0 and self.listing is not None and row < self.listing.rows:
            self._choose(row)
            if click.chain > 1:
                self.action_open()

    def _choose(self, row: int, by: int = 0) -> None:
        """Choose a row; ``by``: the view moves by so many rows as well."""
        if self.listing is None:
            return
        before, top = self.cursor, self.scroll_offset.y
        self.cursor = min(max(row, 0), max(self.listing.rows - 1, 0))
        if by:
            self.scroll_to(y=self.scroll_offset.y + by, animate=False, force=True, immediate=True)
        self._reveal()
        if self.scroll_offset.y == top:
            self.refresh_line(before + 1)
            self.refresh_line(self.cursor + 1)
        self._tell()

    def _tell(self) -> None:
        self.moved()
        self.post_message(self.Moved())

    def _reveal(self) -> None:
        if self.size.height < 2:
            return  # something covers the list; it is put right when it is seen again
        top = self.scroll_offset.y
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + self._shown:
            top = self.cursor - self._shown + 1
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True, immediate=True)
        else:
            self._want()


def _loading(listing: Listing, numbers: list[int]) -> Callable[[], Step]:
    def load() -> Step:
        return listing.load(numbers[: 2 * PAGE])

    return load
