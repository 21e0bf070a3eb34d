"""The command palette: every pane, every action and every setting of the screen, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.pane_table import PANES

if TYPE_CHECKING:
    from helpdesk.surfaces.tui.app import HelpdeskApp


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    help: str
    run: Callable[[], object]


class Commands(Provider):
    """What the palette offers."""

    def _commands(self) -> Iterator[Command]:
        app: HelpdeskApp = self.app  # type: ignore[assignment]
        for number, row in enumerate(PANES, 2):
            yield Command(row.title, f"Open this pane (F{number})", partial(app.go, row.id))
        for spec in app.desk.catalog.specs:
            yield Command(untrusted(spec.name), untrusted(spec.summary), partial(app.open_action, spec.name))
        yield Command("Cases", "Go on with something from before (Ctrl+K)", app.action_cases)
        yield Command("Sign in", "As yourself, or as somebody else", app.action_sign_in)
        yield Command("Sign out", "Forget the sign-in", app.action_sign_out)
        yield Command("Theme", "Other colours, high contrast, or the terminal's own", app.action_change_theme)
        yield Command("Keys", "The keys of this screen", app.action_keys)
        yield Command("Leave", "End the program", app.action_leave)

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.name, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.name), matcher.match(command.help) * 0.8)
            if score > 0:
                yield Hit(score, matcher.highlight(command.name), command.run, help=command.help)
