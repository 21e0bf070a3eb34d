"""What changed about somebody's requests since one last looked: in the app, and between two sentences of a chat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpdesk.errors import HelpdeskError

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.gate.sealed import Request

EVERY = 1.0
"""Seconds between two looks at whether any process wrote a request; it costs two ``stat`` calls."""


@dataclass(frozen=True, slots=True)
class Changed:
    """``decided``: one's own that stand otherwise than before. ``asking``: those that wait for one and are new."""

    decided: Sequence[Request] = ()
    asking: Sequence[Request] = ()


class RequestNews:
    """Remembers how the requests of one person stood."""

    def __init__(self) -> None:
        self._known: dict[str, str] | None = None

    def forget(self) -> None:
        """Somebody else is there: how things stood is not theirs."""
        self._known = None

    def since(self, waiting: Iterable[Request], mine: Iterable[Request]) -> Changed:
        """What is new since the last call; the first one only notes how things stand."""
        waiting, mine = list(waiting), list(mine)
        known, self._known = self._known, {one.id: one.state.value for one in [*waiting, *mine]}
        if known is None:
            return Changed()
        decided = [one for one in mine if known.get(one.id, "pending") != one.state.value]
        return Changed(decided, [one for one in waiting if one.id not in known])


class ChatNews:
    """Looks for news of whoever is signed in in a chat."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._news = RequestNews()
        self._seen: tuple[str, object] | None = None

    async def lines(self) -> list[str]:
        """What changed since the last look, a sentence each; a store that cannot be read has no news."""
        from helpdesk.conversation.requests_told import told

        who = self._desk.present
        if who is None or who.actor.must_change:
            self._news.forget()
            self._seen = None
            return []
        me, requests = who.actor.person.id, self._desk.requests
        try:
            marks = (me, await asyncio.to_thread(requests.marks))
            if marks == self._seen:
                return []
            if self._seen is None or self._seen[0] != me:
                self._news.forget()
            waiting = await asyncio.to_thread(requests.waiting_for, me)
            changed = self._news.since(waiting, await asyncio.to_thread(requests.made_by, me))
        except HelpdeskError:
            return []
        self._seen = marks
        asking = [
            f"{one.call.requester_login} asks for your approval: {told(one)} helpdesk approvals show {one.id}"
            for one in changed.asking
        ]
        return [*map(told, changed.decided), *asking]
