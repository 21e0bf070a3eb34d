"""Requests: what waits for me, and what I asked for; it changes by itself when somebody else decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from helpdesk.events import Question, Result
from helpdesk.ports import Interaction
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.card import change_table
from helpdesk.surfaces.tui.feed import Feed
from helpdesk.surfaces.tui.paint import safe
from helpdesk.surfaces.tui.pane import Pane
from helpdesk.surfaces.tui.spans import age, in_units
from helpdesk.surfaces.tui.watch import AT_MOST, Watch
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.gate.requests import Request

_WAITS, _WAS = ("now", "then"), ("before", "after")
_STYLES = {
    "pending": "$warning",
    "done": "$success",
    "denied": "$error",
    "failed": "$error",
    "unknown": "$warning",
    "approved": "$warning",
    "partial": "$warning",
    "stale": "$error",
}


class RequestsPane(Pane):
    """Two lists in one, and the exact change of the request under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "approve", "Approve"),
        Binding("d", "deny", "Deny"),
        Binding("x", "withdraw", "Withdraw"),
    ]
    keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("a", "approve: you see the present state, and confirm; your own rights carry it out"),
        ("d", "deny, with a reason for whoever asked"),
        ("x", "take your own request back"),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._requests: list[Request] = []

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield OptionList(id="requests-options", markup=False)
            with Vertical(id="request"):
                with VerticalScroll(id="request-scroll"):
                    yield Static(id="request-details", markup=False)
                yield Feed(id="requests-feed")

    def shown(self) -> None:
        self.query_one("#requests-options", OptionList).focus()

    def on_mount(self) -> None:
        self.helpdesk.query_one(Watch).look_again()

    def signed_in_changed(self) -> None:
        self._show([], [])

    def requests_changed(self, waiting: list[Request], mine: list[Request]) -> None:
        self._show(waiting, mine)

    # ── the list ──────────────────────────────────────────────────────────────────────────────

    def _show(self, waiting: list[Request], mine: list[Request]) -> None:
        options = self.query_one("#requests-options", OptionList)
        before = self._under_cursor()
        options.clear_options()
        for title, requests, none in (
            ("Waiting for you", waiting, "Nothing waits for your decision."),
            ("Asked for by you", mine, "You asked for nothing."),
        ):
            options.add_option(Option(Content.styled(title, "bold $accent"), disabled=True))
            options.add_options([Option(_entry(request), id=request.id) for request in requests])
            if len(requests) >= AT_MOST:
                options.add_option(
                    Option(
                        Content.styled(f" The first {AT_MOST}; there may be more.", "$text-muted"),
                        disabled=True,
                    )
                )
            if not requests:
                options.add_option(Option(Content.styled(f" {none}", "$text-muted"), disabled=True))
        self._requests = [*waiting, *mine]
        ids = [request.id for request in self._requests]
        wanted = before.id if before is not None and before.id in ids else (ids[0] if ids else None)
        if wanted is not None:
            options.highlighted = options.get_option_index(wanted)
        self._details(self._under_cursor())

    def _under_cursor(self) -> Request | None:
        options = self.query_one("#requests-options", OptionList)
        if options.highlighted is None:
            return None
        id = options.get_option_at_index(options.highlighted).id
        return next((request for request in self._requests if request.id == id), None)

    def on_option_list_option_highlighted(self, highlighted: OptionList.OptionHighlighted) -> None:
        highlighted.stop()
        self._details(self._under_cursor())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Only the keys that do something for the request under the cursor are offered."""
        if action not in ("approve", "deny", "withdraw") or not self.is_mounted:
            return True
        request = self._under_cursor()
        if request is None or request.state.value != "pending":
            return False
        own = self.who is not None and self.who.actor.person.id == request.call.requester_id
        return own == (action == "withdraw")

    def _details(self, request: Request | None) -> None:
        text = Content.styled("Requests come here when an action needs somebody's approval.", "$text-muted")
        if request is not None:
            width = self.query_one("#request").size.width or 60
            text = Content("\n").join(self._lines(request, max(width - 4, 20)))
        self.query_one("#request-details", Static).update(text)
        self.refresh_bindings()

    def _lines(self, request: Request, room: int) -> list[Content]:
        style = _STYLES.get(request.state.value, "")
        now = self.desk.clock()
        lines = [
            Content.assemble(
                (untrusted(request.id), "bold"),
                f"  {untrusted(request.call.action)}  ",
                (request.state.value, style),
            ),
            safe(
                f"asked by {request.call.requester_login}, {local_time(request.created)}, "
                f"{age(now - request.created)}"
            ),
            safe(
                f"because {request.reason}" if request.reason else "no reason was given",
                "" if request.reason else "$text-muted",
            ),
            Content(""),
            *change_table(request.changes, room, heads=_WAITS if request.state.value == "pending" else _WAS),
            Content(""),
        ]
        if request.state.value == "pending":
            lines.append(safe(f"waits for {' or '.join(request.approver_names)}"))
            left = request.expires - now
            lines.append(safe(f"expires {local_time(request.expires)}, in {in_units(left)}"))
            own = self.who is not None and self.who.actor.person.id == request.call.requester_id
            lines.append(Content.styled("x  take it back" if own else "a  approve     d  deny", "bold"))
        if request.decider:
            lines.append(safe(f"decided by {request.decider}"))
        if request.answer:
            lines.append(safe(f"answer: {request.answer}"))
        if request.entry is not None:
            lines.append(safe(f"entry {request.entry} of the log", "$text-muted"))
        return lines

    # ── deciding ──────────────────────────────────────────────────────────────────────────────

    def action_approve(self) -> None:
        if (request := self._open()) is not None:

            async def approve(interaction: Interaction) -> Result:
                return await self.desk.approve(
                    request.id, await self.desk.signed_in(interaction), interaction
                )

            self.perform(approve, self._feed)

    def action_deny(self) -> None:
        if (request := self._open()) is not None:

            async def deny(interaction: Interaction) -> Result:
                reason = await interaction.ask(
                    Question("reason", f"Why not? ({request.id})", "--reason TEXT")
                )
                who = await self.desk.signed_in(interaction)
                return await self.desk.deny(request.id, who, interaction, reason=reason)

            self.perform(deny, self._feed)

    def action_withdraw(self) -> None:
        if (request := self._open()) is not None:

            async def withdraw(interaction: Interaction) -> Result:
                return await self.desk.withdraw(
                    request.id, await self.desk.signed_in(interaction), interaction
                )

            self.perform(withdraw, self._feed)

    @property
    def _feed(self) -> Feed:
        return self.query_one("#requests-feed", Feed)

    def _open(self) -> Request | None:
        request = self._under_cursor()
        if request is None or request.state.value != "pending":
            self.app.notify("No open request is chosen.", markup=False)
            return None
        return request

    def on_feed_acted(self, acted: Feed.Acted) -> None:
        self.helpdesk.acted(acted)


def _entry(request: Request) -> Content:
    state = request.state.value
    what = "; ".join(
        f"{untrusted(change.target)}: {untrusted(change.what)}" for change in request.changes[:2]
    )
    return Content.assemble(
        (f" {untrusted(request.id)} ", "bold"),
        (state, _STYLES.get(state, "$text-muted")),
        f"  {what or untrusted(request.call.action)}",
    )
