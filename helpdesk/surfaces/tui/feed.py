"""A long list of blocks of which only those in sight are drawn: ten thousand turns scroll like ten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from rich.style import Style as RichStyle
from textual import events
from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content, Span
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.visual import RenderOptions

from helpdesk.surfaces.tui.blocks import Block
from helpdesk.surfaces.tui.drawn import Drawn
from helpdesk.surfaces.tui.heights import Heights

PAINTS_A_SECOND = 30
MOST_BLOCKS = 60_000
MOST_TEXT = 4_000_000
"""Characters; together with :data:`MOST_BLOCKS` what a feed holds at most."""
CHECKED_EVERY = 500
DRAWN_AHEAD = 3
_SOON = 0.005
HOLD_SECONDS = 0.3
"""So long a letter waits for another one before it acts."""


@dataclass(frozen=True, slots=True)
class _Look:
    visual: Style
    rich: RichStyle
    options: RenderOptions


class Feed(ScrollView, can_focus=True):
    """Blocks from top to bottom; it follows its end until the person scrolls up.

    Args:
        types_on: a letter acts only where no other one follows at once; whoever types a sentence finds it in the line.

    A block's height is taken from when it was last seen, and counted anew when it comes into sight: a change
    of the width costs what is on the screen and not what was ever said.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Earlier", show=False),
        Binding("down,j", "choose(1)", "Later", show=False),
        Binding("u", "act('undo')", "Undo"),
        Binding("w", "act('why')", "Why"),
        Binding("o,enter", "act('open')", "Open"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"feed--chosen"}
    virtual_size = Reactive(Size(0, 0))
    """Textual's own lays the whole screen out anew whenever it changes; a feed that grows is only painted."""

    class Typed(Message):
        """Somebody began to type a sentence here: it belongs into the line."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Acted(Message):
        """A key was pressed on a block: "undo", "why" or "open"."""

        def __init__(self, feed: Feed, block: Block, what: str) -> None:
            super().__init__()
            self.feed, self.block, self.what = feed, block, what

        @property
        def control(self) -> Feed:
            return self.feed

    def __init__(self, *, types_on: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._types_on = types_on
        self._held = ""
        self._hold: Timer | None = None
        self._typing = False
        self.blocks: list[Block] = []
        self._heights = Heights()
        self._drawn = Drawn()
        self._chosen: int | None = None
        self._dirty = False
        self._last_end = 0.0
        self._top: int | None = None
        self._put: float | None = None
        self._bars: dict[tuple[str, tuple[Span, ...]], Strip] = {}
        self._looked: _Look | None = None
        self._measuring = False
        self._ahead: Timer | None = None

    # ── what is in it ─────────────────────────────────────────────────────────────────────────

    def add(self, block: Block) -> None:
        self.blocks.append(block)
        self._heights.add(1)
        if len(self.blocks) % CHECKED_EVERY == 0:
            self._forget()
        self.changed()

    def _forget(self) -> None:
        """Let the oldest go where there is more than anybody scrolls through, so that memory stays flat."""
        text = sum(len(getattr(block, "text", "")) for block in self.blocks)
        if len(self.blocks) <= MOST_BLOCKS and text <= MOST_TEXT:
            return
        gone = len(self.blocks) // 4
        del self.blocks[:gone]
        lines = self._heights.start(gone)
        self._heights = self._heights.without_first(gone)
        self._drawn.clear()
        self._chosen = None if self._chosen is None or self._chosen < gone else self._chosen - gone
        self._last_end = max(self._last_end - lines, 0)
        self.scroll_to(y=max(self.scroll_y - lines, 0), animate=False, force=True, immediate=True)

    def show(self, blocks: Sequence[Block], top: int = 0) -> None:
        """Show these instead of what was there, beginning with the one at ``top``."""
        self.clear()
        self.blocks = list(blocks)
        self._heights = Heights([1] * len(self.blocks))
        self._last_end = float("inf")  # it stays where it is put
        self._top = top
        self.call_after_refresh(self._bring)

    def watch_virtual_size(self, size: Size) -> None:
        """The bar at the side follows what there is."""
        self._scroll_update(size)

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once, also for keys, wheel and bar: every step of a glide would be a paint of its own."""
        if y is not None and self._room > 0 and self.blocks:
            y = self._reached(int(y))
        super().scroll_to(x, y, **{**options, "animate": False})
        if self._ahead is None and self.is_mounted:
            self._ahead = self.set_timer(_SOON, self._look_ahead)

    def _reached(self, y: int) -> int:
        """The line that a scroll to ``y`` comes to, once everything that it brings into sight was measured.

        What is above may turn out higher than it was taken for: what the person sees goes on where it was, and
        one paint shows it, instead of a second one that moves everything.
        """
        top, total, room = self.scroll_offset.y, self._heights.total, self.size.height
        if not 0 <= top < total:
            return y
        index, begin = self._heights.at(top)
        inside, by, width = top - begin, y - top, self._room
        self._measuring = True
        try:
            if -2 * room <= by < 0:
                seen = inside
                while index > 0 and seen < -by:
                    index -= 1
                    seen += len(self._strips(index, width))
                y = max(self._heights.start(index) + seen + by, 0)
            self._measure_from(max(y, 0), room, width)
        finally:
            self._measuring = False
        if self._heights.total != total:
            self.virtual_size = Size(width, self._heights.total)
        return y

    def _measure_from(self, line: int, room: int, width: int) -> None:
        """Heights of the blocks in sight where the screen begins with that line."""
        if line >= self._heights.total:
            return
        index, begin = self._heights.at(line)
        seen = begin - line
        while index < len(self.blocks) and seen < room:
            seen += len(self._strips(index, width))
            index += 1

    def _bring(self) -> None:
        """Put the block that was wanted at the top there; what is not laid out yet is put there once it is."""
        self._settle()
        if self._top is None or self._room <= 0:
            return
        for index in range(self._top):
            self._strips(index, self._room)
        self.virtual_size = Size(self._room, self._heights.total)
        self.scroll_to(
            y=max(self._heights.start(self._top) - 2, 0), animate=False, force=True, immediate=True
        )
        self._put = self.scroll_y

    def clear(self) -> None:
        self.blocks.clear()
        self._drawn.clear()
        self._heights, self._chosen, self._last_end = Heights(), None, 0.0
        self._top = self._put = None
        self.changed()

    def changed(self) -> None:
        """Something in it changed; it is drawn again soon, at most thirty times a second."""
        if not self._dirty and self.is_mounted:
            self._dirty = True
            self.set_timer(1 / PAINTS_A_SECOND, self._settle)

    def on_mount(self) -> None:
        self._settle()

    def on_resize(self) -> None:
        if self._top is not None and self._put in (None, self.scroll_y):
            self._bring()  # nobody scrolled since it was put there
        else:
            self._settle()

    def _settle(self) -> None:
        self._dirty = False
        width = self._room
        if width <= 0:
            return
        # as it was before: the room may have shrunk meanwhile, or grown, which moves the end to the person
        following = self.scroll_y >= min(self._last_end, self.max_scroll_y)
        self._measure_end(width)
        self.virtual_size = Size(width, self._heights.total)
        self._last_end = max(self._heights.total - self.size.height, 0)
        if following:
            self.scroll_end(animate=False, force=True, immediate=True)
        self.refresh()

    @property
    def _room(self) -> int:
        return self.scrollable_content_region.width

    def _measure_end(self, width: int) -> None:
        """Heights of what the end of the feed shows, and of every block that was never measured."""
        wanted, seen = self.size.height + 2, 0
        index = len(self.blocks) - 1
        while index >= 0 and seen < wanted:
            seen += len(self._strips(index, width))
            index -= 1

    def _strips(self, index: int, width: int) -> list[Strip]:
        """A block's lines, drawn for this width; its height is corrected where it was wrong."""
        strips = self._drawn.get(index, self.blocks[index].version, width)
        if strips is None:
            strips = self._draw(index, width)
        if len(strips) != self._heights[index]:
            self._heights[index] = len(strips)
            if not self._measuring:
                self.changed()  # what is below moves, and the bar at the side knows it next time
        return strips

    def _draw(self, index: int, width: int) -> list[Strip]:
        block = self.blocks[index]
        strips = [
            strip.adjust_cell_length(width, self._look.rich)
            for line in block.lines(width)
            for strip in self._wrapped(line.bar, line.body, width)
        ]
        return self._drawn.keep(index, block.version, width, strips)

    # ── what comes into sight next ────────────────────────────────────────────────────────────

    def _look_ahead(self) -> None:
        """Draw a page above and below what is in sight, a few blocks at a time while no key waits."""
        self._ahead = None
        width, room, top = self._room, self.size.height, self.scroll_offset.y
        if width <= 0 or not 0 <= top < self._heights.total:
            return
        first, _ = self._heights.at(top)
        last, _ = self._heights.at(min(top + room, self._heights.total - 1))
        wanted = [*self._a_page(range(first - 1, -1, -1)), *self._a_page(range(last + 1, len(self.blocks)))]
        absent = [at for at in wanted if self._drawn.get(at, self.blocks[at].version, width) is None]
        for index in absent[:DRAWN_AHEAD]:
            self._draw(index, width)
        if absent[DRAWN_AHEAD:]:
            self._ahead = self.set_timer(_SOON, self._look_ahead)

    def _a_page(self, indices: Iterable[int]) -> Iterator[int]:
        """Blocks until a page is full; one that was never measured counts as one line."""
        seen = 0
        for index in indices:
            if seen >= self.size.height:
                return
            yield index
            seen += self._heights[index]

    def _wrapped(self, bar: Content, body: Content, width: int) -> list[Strip]:
        room = max(width - bar.cell_length, 1)
        rest = self._rendered(body if body else Content(" "), room)
        if not bar:
            return rest
        look = bar.plain, tuple(bar.spans)  # contents of one text and two colours are equal to each other
        left = self._bars.get(look)
        if left is None:
            left = self._bars[look] = self._rendered(bar, bar.cell_length)[0]
        return [Strip([*left, *strip], left.cell_length + strip.cell_length) for strip in rest]

    def _rendered(self, content: Content, room: int) -> list[Strip]:
        """Lines of a text. Nothing in it is a link or an action, whatever its style says."""
        return content.render_strips(room, None, self._look.visual, self._look.options)

    @property
    def _look(self) -> _Look:
        """The widget's own style, worked out once until it changes: every line of every paint needs it."""
        if self._looked is None:
            self._looked = _Look(self.visual_style, self.rich_style, RenderOptions(self._get_style, {}))
        return self._looked

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._looked = None
        self._drawn.clear()
        self._bars.clear()

    def latest(self) -> Iterator[Block]:
        """The blocks that keys may act upon, the latest first; the chosen one alone, where one is."""
        if self._chosen is not None and self.has_focus and self._chosen < len(self.blocks):
            yield self.blocks[self._chosen]
        else:
            yield from (block for block in reversed(self.blocks) if block.selectable)

    # ── drawing ───────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        width = self._room
        line = self.scroll_offset.y + y
        blank = Strip.blank(self.size.width, self._look.rich)
        if line >= self._heights.total or not self.blocks:
            return blank
        index, begin = self._heights.at(line)
        strips = self._strips(index, width)
        at = line - begin
        if not 0 <= at < len(strips):
            return blank
        strip = strips[at]
        if index == self._chosen and self.has_focus:
            strip = strip.apply_style(self.get_component_rich_style("feed--chosen", partial=True))
        return strip

    # ── keys ──────────────────────────────────────────────────────────────────────────────────

    def on_focus(self) -> None:
        if self._chosen is None:
            self._chosen = next(
                (i for i in reversed(range(len(self.blocks))) if self.blocks[i].selectable), None
            )
        self.refresh()

    def on_blur(self) -> None:
        self._typing = False
        self.refresh()

    def on_key(self, event: events.Key) -> None:
        """Hold back a letter that acts until it is clear that no sentence begins with it."""
        if not self._types_on or not event.is_printable or event.character is None:
            return
        if event.key == "space" and not (self._held or self._typing):
            return  # no sentence begins with it
        event.stop()
        event.prevent_default()
        if self._hold is not None:
            self._hold.stop()
        held, self._held, self._hold = self._held, "", None
        active = self.screen.active_bindings.get(event.key)
        if not (held or self._typing) and active is not None and active.enabled:
            self._held = event.character
            self._hold = self.set_timer(HOLD_SECONDS, partial(self._act_held, active))
        else:
            self._typing = True
            self.post_message(self.Typed(held + event.character))

    async def _act_held(self, active: ActiveBinding) -> None:
        self._held, self._hold = "", None
        await self.app.run_action(active.binding.action, active.node)

    def action_choose(self, step: int) -> None:
        start = len(self.blocks) if self._chosen is None else self._chosen
        index = start + step
        while 0 <= index < len(self.blocks) and not self.blocks[index].selectable:
            index += step
        if 0 <= index < len(self.blocks):
            self._chosen = index
            region = Region(0, self._heights.start(index), 1, self._heights[index])
            self.scroll_to_region(region, animate=False, force=True)
        elif step < 0:
            self.scroll_home(animate=False)
        else:
            self.scroll_end(animate=False)
        self.refresh()

    def action_act(self, what: str) -> None:
        if self._chosen is not None and self._chosen < len(self.blocks):
            self.post_message(self.Acted(self, self.blocks[self._chosen], what))
