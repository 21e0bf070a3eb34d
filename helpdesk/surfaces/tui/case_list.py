"""One's cases, the one that changed last first; the chosen one goes on in Ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from helpdesk.surfaces.case_lines import status_of
from helpdesk.surfaces.telling import untrusted
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.conversation.case import Case


class CaseList(ModalScreen[str | None]):
    """Gives the id of the case that is chosen, or ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,ctrl+c", "dismiss", "Close", priority=True)]

    def __init__(self, cases: Sequence[Case]) -> None:
        super().__init__()
        self._cases = cases

    def compose(self) -> ComposeResult:
        with Vertical(id="cases"):
            yield Static(Content.styled("Your cases: Enter goes on with one", "bold"))
            if self._cases:
                yield OptionList(*(Option(_row(case), id=case.id) for case in self._cases), markup=False)
            else:
                yield Static(Content.styled("None yet: one begins with what you say in Ask.", "$text-muted"))

    def on_option_list_option_selected(self, selected: OptionList.OptionSelected) -> None:
        selected.stop()
        self.dismiss(selected.option_id)


def _row(case: Case) -> Content:
    goal = untrusted(case.goal) or "(nothing was said)"
    return Content.assemble(
        (f" {untrusted(case.id)}", "bold"),
        (f"  {untrusted(status_of(case))}, {local_time(case.changed)}", "$text-muted"),
        f"  {goal}",
    )
