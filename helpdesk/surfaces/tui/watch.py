"""What changes while the app is open: requests that others decide, and systems that go away and come back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget

from helpdesk.errors import HelpdeskError
from helpdesk.surfaces.tui.background import latest

if TYPE_CHECKING:
    from helpdesk.gate.requests import Request
    from helpdesk.surfaces.tui.app import HelpdeskApp

REQUESTS_EVERY = 1.0
"""Seconds between two looks at whether any process wrote a request; it costs two ``stat`` calls, or nothing."""
AT_MOST = 50
"""Requests in either list; what is decided makes room for the next."""
AWAY_EVERY = 15.0
"""Seconds between two looks at whether what is away came back."""
THERE_EVERY = 60.0
"""Seconds between two looks at whether anything went away: many apps may be open, and each look is a connection."""


class Watch(Widget):
    """Looks, and tells the app; it draws nothing."""

    class Requests(Message):
        """The requests of whoever is signed in, as they stand now."""

        def __init__(self, waiting: list[Request], mine: list[Request]) -> None:
            super().__init__()
            self.waiting, self.mine = waiting, mine

    class Away(Message):
        """What cannot be reached, a sentence each."""

        def __init__(self, sentences: tuple[str, ...]) -> None:
            super().__init__()
            self.sentences = sentences

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen: object = None
        self._away: tuple[str, ...] = ()
        self._reading = False

    def on_mount(self) -> None:
        self.display = False

    def begin(self) -> None:
        """Look now, and then again and again."""
        self.set_interval(REQUESTS_EVERY, self._look)
        self.set_interval(AWAY_EVERY, self._look_back)
        self.set_interval(THERE_EVERY, self.look_away)
        self.look_away()
        latest(self, self._outside, "outside")

    async def _outside(self) -> None:
        """What is logged reaches the places outside in time, though nothing happens here."""
        from helpdesk.app.outside import keep_informed

        await keep_informed(self._helpdesk.desk)

    def look_again(self) -> None:
        """Somebody else is signed in: what was seen is not theirs."""
        self._seen = None
        self._look()

    def _look_back(self) -> None:
        if self._away:
            self.look_away()

    def look_away(self) -> None:
        latest(self, self._find_away, "away")

    async def _find_away(self) -> None:
        from helpdesk.app.away import away

        self._away = await away(self._helpdesk.desk.config)
        self.post_message(self.Away(self._away))

    @property
    def _helpdesk(self) -> HelpdeskApp:
        app: HelpdeskApp = self.app  # type: ignore[assignment]
        return app

    def _look(self) -> None:
        desk = self._helpdesk.desk
        who = desk.present
        if who is None or self._reading:
            return
        marks = (who.actor.person.id, desk.requests.marks())
        if marks != self._seen:
            self._seen = marks
            self._reading = True
            self.run_worker(self._read(who.actor.person.id), group="requests")

    async def _read(self, me: str) -> None:
        requests = self._helpdesk.desk.requests
        try:
            waiting = await asyncio.to_thread(lambda: requests.inbox(me, limit=AT_MOST))
            mine = await asyncio.to_thread(lambda: requests.made_by(me, limit=AT_MOST))
        except HelpdeskError as error:
            self.app.notify(error.message, severity="error", markup=False)
            return
        finally:
            self._reading = False
        who = self._helpdesk.desk.present
        if who is not None and who.actor.person.id == me:  # else somebody else came meanwhile
            self.post_message(self.Requests(waiting, mine))
