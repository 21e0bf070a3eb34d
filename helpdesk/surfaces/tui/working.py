"""One thing at a time: what the app carries out in the background, what came of it, and how the program leaves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.worker import Worker, WorkerState

from helpdesk.errors import Cancelled, HelpdeskError, Unreachable
from helpdesk.events import Result, Said, Warned
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.following import follow_up, why_not
from helpdesk.surfaces.tui.interaction import OnScreen
from helpdesk.surfaces.tui.pane import Pane, Work
from helpdesk.surfaces.tui.panes.ask import AskPane
from helpdesk.surfaces.tui.top import Status, Top
from helpdesk.surfaces.tui.watch import Watch

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.surfaces.tui.app import HelpdeskApp
    from helpdesk.surfaces.tui.dock import Dock
    from helpdesk.surfaces.tui.presence import Presence


class Working(App[int]):
    """The part of the app that carries something out.

    Attributes:
        desk, presence: who asks, and who is there. feed, dock: where it is shown and asked where nothing else is said.
        pane: the one in sight.
        case_left: id of the case that was worked on when the app was left, or "".
    """

    desk: Desk
    presence: Presence

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._work: Worker[None] | None = None
        self._interaction: OnScreen | None = None
        self._beginning = False
        self._leaving = False
        self._exit_code: int | None = None
        self.case_left = ""

    @property
    def feed(self) -> Feed:
        return self.query_one("#feed", Feed)

    @property
    def dock(self) -> Dock:
        raise NotImplementedError

    @property
    def pane(self) -> Pane | None:
        raise NotImplementedError

    # ── work ──────────────────────────────────────────────────────────────────────────────────

    @property
    def busy(self) -> bool:
        return self._work is not None and self._work.is_running

    def one_at_a_time(self) -> bool:
        """Whether something goes on already; then it is said."""
        going_on = self.busy and not self._beginning
        if going_on:
            self.notify("One thing at a time: the last one is still going on. Ctrl+C stops it.", markup=False)
        return going_on

    def perform(self, work: Work, feed: Feed | None = None, *, anyone: bool = False) -> None:
        """Carry something out; one at a time. What goes wrong is told in the feed.

        Args:
            anyone: it is for whoever is there, also where the sign-in of before has expired.
        """
        if self._beginning and self.busy:  # it is over at once, and nobody asked for it
            self.set_timer(0.05, partial(self.perform, work, feed, anyone=anyone))
            return
        self._beginning = False
        if self.one_at_a_time():
            return
        interaction = self._interaction = OnScreen(
            feed or self.feed, self.dock, self._tell, self.desk.paths.profile
        )
        self._work = self.run_worker(
            self._performed(work, interaction, anyone), exit_on_error=True, group="work"
        )

    def _tell(self, text: str) -> None:
        for status in self.query(Status):  # none while the app shuts down
            status.tell(text)
        for top in self.query(Top):
            top.refresh()

    async def _performed(self, work: Work, interaction: OnScreen, anyone: bool) -> None:
        before = self.desk.present
        try:
            if not anyone and before is None and await self.presence.is_another(interaction):
                return
            result = await work(interaction)
            if result is not None:
                interaction.finish(result)
        except Cancelled as stop:
            interaction.emit(Said(stop.message))
        except HelpdeskError as error:
            interaction.emit(Warned(error.message, error.hint))
            if isinstance(error, Unreachable):
                self.query_one("#watch", Watch).look_away()
        finally:
            interaction.stop()
            if self.is_running and self.desk.present is not before:
                await self.presence.changed()

    def on_worker_state_changed(self, changed: Worker.StateChanged) -> None:
        if changed.worker.group == "work" and changed.state is WorkerState.CANCELLED and not self._leaving:
            self.notify("Stopped. What had begun was finished and logged.", markup=False)
        if changed.worker.group != "work" or not changed.worker.is_finished:
            return
        if self._leaving:
            self.exit(self._exit_code)
        elif changed.worker is self._work:
            self.call_later(self._idle)

    def _idle(self) -> None:
        if not self.busy:
            self.query_one("#top", Top).refresh()
            self.query_one(AskPane).idle()

    def acted(self, acted: Feed.Acted) -> None:
        """A key on a block of a feed."""
        card = acted.block
        if isinstance(card, Card) and card.result is not None:
            self.act(acted.what, card.result, acted.feed)

    def action_last(self, what: str) -> None:
        """A key, wherever the cursor is: on the chosen card, or else on the latest of the pane in sight that it fits."""
        pane = self.pane
        last: Result | None = None
        for feed in pane.query(Feed) if pane is not None else ():
            for card in feed.latest():
                if not isinstance(card, Card) or card.result is None:
                    continue
                last = last or card.result
                if self._follow_up(what, card.result) is not None:
                    self.act(what, card.result, feed)
                    return
        self._tell_why_not(what, last)

    def act(self, what: str, result: Result, feed: Feed) -> None:
        """A key on a card: take the action back, say why it ended as it did, or open what it cites."""
        if (work := self._follow_up(what, result)) is not None:
            self.perform(work, feed)
        else:
            self._tell_why_not(what, result)

    def _tell_why_not(self, what: str, result: Result | None) -> None:
        specs = self.desk.catalog.specs if result is not None else ()
        no_undo = next(
            (spec.no_undo for spec in specs if result is not None and spec.name == result.action), ""
        )
        self.notify(untrusted(why_not(what, result, untrusted(no_undo).rstrip("."))), markup=False)

    def _follow_up(self, what: str, result: Result) -> Work | None:
        return follow_up(cast("HelpdeskApp", self), what, result)

    # ── leaving ───────────────────────────────────────────────────────────────────────────────

    def action_stop(self) -> None:
        """Ctrl-C: stop what goes on; with nothing going on, leave."""
        if self.busy and self._work is not None and not self._beginning:
            self._work.cancel()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        self.leave(0)

    def leave(self, code: int) -> None:
        """End the program: what had begun is finished and logged first (R6)."""
        self._leaving, self._exit_code = True, code
        self.case_left = next((pane.case for pane in self.query(AskPane)), "")
        if self._interaction is not None:
            self._interaction.end_soon()
        if self.busy and self._work is not None:
            self._work.cancel()
        else:
            self.exit(code)
