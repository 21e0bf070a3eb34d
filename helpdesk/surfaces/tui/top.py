"""The app's own lines: who is signed in and what is away, the panes with their numbers, and what is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from helpdesk.surfaces.telling import untrusted

if TYPE_CHECKING:
    from helpdesk.surfaces.tui.app import HelpdeskApp

_NARROW = 60


class Top(Widget):
    """Who is signed in, which profile, which model; and a banner for what is away.

    Attributes:
        away: what cannot be reached, and what still works ("The directory is away; …"), or "".
    """

    away = reactive("")

    def render(self) -> Content:
        app: HelpdeskApp = self.app  # type: ignore[assignment]
        if self.away:
            return Content.styled(f"! {untrusted(self.away)}", "$warning bold")
        who = app.desk.present
        name = untrusted(who.actor.person.name) if who else "not signed in (Ctrl+L)"
        model = app.desk.config.llm.model if app.desk.config.llm.kind == "openai" else "no model"
        parts = [Content.styled(" helpdesk ", "bold"), Content(f" {name} ")]
        if case := app.case:
            parts.append(Content.styled(f" case {untrusted(case)} ", "$accent"))
        if self.size.width >= _NARROW:
            told = model if model == "no model" else f"model {model}"
            parts.append(Content.styled(f" {untrusted(told)}", "$text-muted"))
        return Content.assemble(*parts)


class Tabs(Widget):
    """The panes and their keys."""

    current = reactive(0)

    def __init__(self, titles: list[str], *, id: str) -> None:
        super().__init__(id=id)
        self._titles = titles
        self._marks: dict[str, int] = {}

    def mark(self, title: str, count: int) -> None:
        """Show at a pane's name how many things wait there."""
        if self._marks.get(title, 0) != count:
            self._marks[title] = count
            self.refresh()

    def render(self) -> Content:
        narrow = self.size.width < _NARROW
        parts = []
        for index, title in enumerate(self._titles):
            here = index == self.current
            if count := self._marks.get(title, 0):
                title = f"{title} ({count})"
            text = (
                f" F{index + 2} {title} " if here or not narrow else f" F{index + 2}{'!' if count else ''} "
            )
            parts.append(Content.styled(text, "reverse bold" if here else "$text-muted"))
        return Content("").join(parts)


class Status(Widget):
    """What is going on now, in one line; it takes no room while nothing is."""

    text = reactive("", layout=True)

    def tell(self, text: str) -> None:
        self.text = text
        self.display = bool(text)

    def on_mount(self) -> None:
        self.display = False

    def render(self) -> Content:
        return Content.styled(f" · {untrusted(self.text)}", "$text-muted")


class Hints(Widget):
    """The keys that do something here, as many as fit; the ones of the widget in use come first."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Content:
        room = self.size.width - 1
        parts: list[Content] = []
        told: set[str] = set()  # the same thing may have two keys
        for active in self.screen.active_bindings.values():
            what = active.binding.description
            if not active.binding.show or not active.enabled or what in told:
                continue
            told.add(what)
            key = self.app.get_key_display(active.binding)
            part = Content.assemble((f" {key}", "$accent bold"), f" {what} ")
            if part.cell_length > room:
                break
            room -= part.cell_length
            parts.append(part)
        return Content("").join(parts)
