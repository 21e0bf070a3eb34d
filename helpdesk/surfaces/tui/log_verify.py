"""Checking the whole log from the app: how far it is, and a plain verdict."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.surfaces.log_words import altered, known_outside, whole
from helpdesk.surfaces.tui.paint import safe

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.gate.audit import Verification

EVERY = 0.1
"""Seconds between two looks at how far the check is."""
_BAR = 24


class Verify(Static):
    """One or a few lines; it takes no room while there is nothing to tell.

    Attributes:
        found: what the last check found; ``None`` before, and after one that was stopped.
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.found: Verification | None = None
        self._far = (0, 0)
        self._stop = threading.Event()
        self._runs = False

    def on_mount(self) -> None:
        self.display = False
        self.set_interval(EVERY, self._tick)

    @property
    def runs(self) -> bool:
        return self._runs

    def begin(self, desk: Desk) -> None:
        """Check the log in the background; nothing is written but this widget."""
        if self._runs:
            return
        self._runs, self._far, self.found = True, (0, 0), None
        self._stop.clear()
        self.display = True
        self._tick()
        self.run_worker(self._check(desk), group="verify")

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        """Stop what goes on, and take the verdict away."""
        self.stop()
        self.display = False

    def on_unmount(self) -> None:
        self.stop()  # the thread ends at its next thousand entries, so that the program can end too

    async def _check(self, desk: Desk) -> None:
        try:
            found = await asyncio.to_thread(desk.audit.verify, tell=self._tell)
            outside = await asyncio.to_thread(_outside, desk)
        except Cancelled as stopped:
            self.update(safe(stopped.message, "$text-muted"))
            return
        except HelpdeskError as error:
            self.update(safe(f"! {error.message} {error.hint}", "$text-warning"))
            return
        finally:
            self._runs = False
        self.found = found
        lines = [_verdict(found), *(safe(line, "$text-muted") for line in outside)]
        self.update(Content("\n").join(lines))

    def _tell(self, done: int, of: int) -> None:
        """Called in the thread of the check."""
        if self._stop.is_set():
            raise Cancelled("The check was stopped; it says nothing about the log.")
        self._far = (done, of)

    def _tick(self) -> None:
        if not self._runs:
            return
        done, of = self._far
        if not done:
            self.update(Content.styled("Checking the file of the log …", "$text-muted"))
            return
        filled = _BAR * done // max(of, 1)
        self.update(
            Content.assemble(
                ("Checking  ", "bold"),
                ("━" * filled, "$accent"),
                ("─" * (_BAR - filled), "$text-muted"),
                f"  {100 * done // max(of, 1)}%  ",
                (f"{done:,} of {of:,} entries", "$text-muted"),
            )
        )


def _verdict(found: Verification) -> Content:
    if found.ok:
        return Content.assemble(("✓ ", "$success bold"), whole(found))
    return safe(f"✗ {altered(found)}", "$error bold")


def _outside(desk: Desk) -> list[str]:
    """How far the places outside know the log; that they cannot be read does not spoil the verdict."""
    try:
        return known_outside(desk.shipping.deliveries()) if desk.shipping else []
    except HelpdeskError as error:
        return [f"What is known outside cannot be said. {error.message}"]
