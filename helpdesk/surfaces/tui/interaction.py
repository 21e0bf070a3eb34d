"""The person at the full-screen app: the port :class:`helpdesk.ports.Interaction`, over a feed and the dock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from helpdesk.errors import Refused
from helpdesk.events import (
    Answered,
    Confirmation,
    Confirmed,
    Event,
    Finished,
    ModelFinished,
    ModelSaid,
    Previewed,
    Progress,
    Proposed,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.secrets import Secret
from helpdesk.surfaces.look import typed
from helpdesk.surfaces.tui.blocks import Prose, Words
from helpdesk.surfaces.tui.card import Card
from helpdesk.surfaces.tui.dock import Dock
from helpdesk.surfaces.tui.feed import Feed


def left_to_tell(result: Result, told: Sequence[Result]) -> Result | None:
    """What of a result has no card yet; ``None`` when all of it has.

    Several requests in one sentence come to one result in the end, of which most were told one by one.

    Args:
        told: the results with a card, in their order.
    """
    for first in range(len(told)):
        before = told[first:]
        words = " ".join(f"{one.action}: {one.message}" if one.action else one.message for one in before)
        if len(before) > 1 and result.message == words:
            return None
        if result.message.startswith(f"{words} "):
            message = result.message.removeprefix(f"{words} ").removeprefix(f"{result.action}: ")
            receipt = result.receipt[sum(len(one.receipt) for one in before) :]
            changes = result.changes[sum(len(one.changes) for one in before) :]
            return replace(result, message=message, receipt=receipt, changes=changes)
    return result


def as_typed(result: Result, profile: str) -> Result:
    """The result with its commands as they must be typed in a profile."""
    error = result.error
    if error is not None:
        error = replace(error, hint=typed(error.hint, profile))
    return replace(result, message=typed(result.message, profile), error=error)


class OnScreen:
    """Tells in a feed and asks in the dock. Events may come from any thread.

    Args:
        feed: where what happens is shown. dock: where the person answers.
        tell: shows what is going on now, in one line; "" when nothing is.
        profile: that commands in texts must name.
    """

    def __init__(self, feed: Feed, dock: Dock, tell: Callable[[str], None], profile: str = "") -> None:
        self._profile = profile
        self._feed = feed
        self._dock = dock
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._card: Card | None = None
        self._prose: Prose | None = None
        self._ended: Result | None = None
        self._told: list[Result] = []
        self._ending = False
        self.known: list[Secret] = []

    def emit(self, event: Event) -> None:
        if threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self.emit, event)
            return
        match event:
            case Said(text):
                self._words(Words(typed(text, self._profile)))
            case ModelSaid(text):
                self._prose_block().add(text)
                self._feed.changed()
            case ModelFinished(unproven):
                self._finish_prose(unproven)
            case Proposed(action, arguments):
                self._begin(action, dict(arguments))
            case Previewed(action, changes):
                self._of(action).preview(changes)
                self._feed.changed()
            case Progress(_, text):
                self._progress(text)
            case Warned(text, hint):
                self._words(Words(typed(text, self._profile), "warning", typed(hint, self._profile)))
            case Answered(result) | Finished(result):
                self.finish(result)

    def finish(self, result: Result) -> None:
        """Show how a call ended, once: the door tells it, and so does whoever called."""
        if result is self._ended or (left := left_to_tell(result, self._told)) is None:
            return
        self._ended = result
        self._told.append(result)
        result = as_typed(left, self._profile)
        card = self._of(result.action)
        card.finish(result)
        self._card = None
        self._tell("")
        self._feed.changed()

    def stop(self) -> None:
        """The turn is over; a card that got nowhere says no more that it is busy."""
        if self._card is not None:
            self._card.progress("")
            self._card = None
        self._finish_prose(False)
        self._tell("")
        self._feed.changed()

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        self._tell("")
        if self._card is not None:
            self._card.progress("Waiting for you below")
            self._feed.changed()
        return await self._dock.confirm(confirmation)

    async def ask(self, question: Question) -> str:
        self._tell("")
        return await self._dock.ask(question)

    async def ask_secret(self, question: Question) -> Secret:
        self._tell("")
        secret = await self._dock.ask_secret(question)
        self.known.append(secret)
        return secret

    def ensure_can_reveal(self) -> None:
        """Raises Refused while the app ends."""
        if self._ending:
            raise Refused("The program is ending; nothing was changed.", code="nowhere-to-reveal")

    async def reveal(self, secret: Secret, label: str) -> None:
        self.known.append(secret)
        if self._ending:
            self.emit(
                Warned(f"{label} was not shown, because the program was asked to end.", "Run it again.")
            )
            return
        await self._dock.reveal(secret, label)

    def end_soon(self) -> None:
        self._ending = True

    # ── blocks ────────────────────────────────────────────────────────────────────────────────

    def _words(self, words: Words) -> None:
        self._finish_prose(False)
        self._feed.add(words)

    def _prose_block(self) -> Prose:
        if self._prose is None or self._prose.is_long:
            self._prose = Prose()
            self._feed.add(self._prose)
        return self._prose

    def _finish_prose(self, unproven: bool) -> None:
        if self._prose is not None:
            self._prose.finish(unproven)
            self._prose = None
            self._feed.changed()

    def _begin(self, action: str, arguments: dict[str, object]) -> Card:
        self._finish_prose(False)
        self._card = Card(action, arguments)
        self._feed.add(self._card)
        return self._card

    def _of(self, action: str) -> Card:
        if self._card is None:
            return self._begin(action, {})
        if action and self._card.action and self._card.action != action and self._card.changes:
            return self._begin(action, {})
        self._card.action = action or self._card.action
        return self._card

    def _progress(self, text: str) -> None:
        self._tell(text)
        if self._card is not None:
            self._card.progress(text)
            self._feed.changed()
