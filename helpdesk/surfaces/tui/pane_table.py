"""The panes of the app, in the order of their keys."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from helpdesk.surfaces.tui.pane import Pane


@dataclass(frozen=True, slots=True)
class PaneRow:
    """One pane: ``where`` is "module:class", imported when the pane is first shown."""

    id: str
    title: str
    where: str

    def made(self) -> Pane:
        module, _, name = self.where.partition(":")
        made = getattr(importlib.import_module(module), name)(id=self.id)
        assert isinstance(made, Pane)
        return made


_HERE = "helpdesk.surfaces.tui.panes."
PANES = (
    PaneRow("ask", "Ask", f"{_HERE}ask:AskPane"),
    PaneRow("actions", "Actions", f"{_HERE}actions:ActionsPane"),
    PaneRow("requests", "Requests", f"{_HERE}requests:RequestsPane"),
    PaneRow("me", "Me", f"{_HERE}me:MePane"),
    PaneRow("log", "Log", f"{_HERE}log:LogPane"),
    PaneRow("dashboard", "Dashboard", f"{_HERE}dashboard:DashboardPane"),
)
