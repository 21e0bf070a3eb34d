"""What every pane of the app has: the desk, a way to run something, and a note while nobody is signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical

from helpdesk.events import Result
from helpdesk.ports import SignedIn

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.gate.requests import Request
    from helpdesk.surfaces.tui.app import HelpdeskApp
    from helpdesk.surfaces.tui.feed import Feed
    from helpdesk.surfaces.tui.interaction import OnScreen

Work = Callable[["OnScreen"], Awaitable[Result | None]]
"""Something to carry out: it asks and tells through the interaction it is given."""


class Pane(Vertical):
    """One pane. It is made when it is first shown.

    Attributes:
        needs_sign_in: it shows nothing to somebody unknown; the app asks for a sign-in first.
        keys: the pane's own keys and what they do, for ``?``.
    """

    needs_sign_in: ClassVar[bool] = True
    keys: ClassVar[tuple[tuple[str, str], ...]] = ()

    @property
    def helpdesk(self) -> HelpdeskApp:
        from helpdesk.surfaces.tui.app import HelpdeskApp

        app = self.app
        assert isinstance(app, HelpdeskApp)
        return app

    @property
    def desk(self) -> Desk:
        return self.helpdesk.desk

    @property
    def who(self) -> SignedIn | None:
        """Who is signed in now; nobody is asked."""
        return self.desk.present

    def perform(self, work: Work, feed: Feed | None = None) -> None:
        """Carry something out in the background, shown in this feed, or in the one of Ask."""
        self.helpdesk.perform(work, feed)

    def shown(self) -> None:
        """The pane came into sight: take the focus, and read what may have changed."""

    def requests_changed(self, waiting: list[Request], mine: list[Request]) -> None:
        """Requests that concern whoever is signed in were made or decided, by whatever process."""

    def idle(self) -> None:
        """What went on has ended."""

    def signed_in_changed(self) -> None:
        """Somebody signed in or out."""
