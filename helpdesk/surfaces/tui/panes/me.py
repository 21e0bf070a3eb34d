"""Me: my account as the directory has it now, the rules for my next password, my groups, what ends, and my tickets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from helpdesk.errors import HelpdeskError
from helpdesk.events import Outcome
from helpdesk.surfaces.telling import untrusted
from helpdesk.surfaces.tui.background import latest
from helpdesk.surfaces.tui.paint import safe
from helpdesk.surfaces.tui.pane import Pane
from helpdesk.surfaces.tui.spans import in_units, long_ago
from helpdesk.text import local_time

if TYPE_CHECKING:
    from helpdesk.ports import SignedIn
    from helpdesk.workflows.grants import Kept

READS = ("people.whoami", "password.status", "access.list", "ticket.status")
"""The actions that say who I am; each is a read through the one door, and logged."""


class MePane(Pane):
    """What the systems of record say about me, read now."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "read", "Read again"),
        Binding("p", "password", "Change password"),
    ]
    keys: ClassVar[tuple[tuple[str, str], ...]] = (("r", "read again"), ("p", "change your password"))

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="me-scroll"):
            yield Static(id="me-text", markup=False)

    def shown(self) -> None:
        self.query_one("#me-scroll", VerticalScroll).focus()
        self.action_read()

    def signed_in_changed(self) -> None:
        self.action_read()

    def action_password(self) -> None:
        self.helpdesk.open_action("password.change")

    def action_read(self) -> None:
        latest(self, self._load, "me")

    async def _load(self) -> None:
        who = self.who
        text = self.query_one("#me-text", Static)
        if who is None:
            text.update(Content.styled("Sign in to see your account: Ctrl+L.", "$text-muted"))
            return
        found: dict[str, Any] = {}
        wrong: list[str] = []
        for name in READS:
            try:
                result = await self.helpdesk.read(name, who)
            except HelpdeskError as error:
                wrong.append(f"{name}: {error.message}")
                continue
            if result is None:
                continue  # this site has no such action
            if result.outcome is Outcome.DONE:
                found[name] = result.data
            else:
                wrong.append(f"{name}: {result.message}")
        try:
            found["grants"] = await self._grants(who)
        except HelpdeskError as error:
            wrong.append(f"grants: {error.message}")
        lines = list(_lines(found, self.desk.clock()))
        text.update(Content("\n").join([*lines, *(safe(f"! {line}", "$text-warning") for line in wrong)]))

    async def _grants(self, who: SignedIn) -> list[Kept]:
        """My access that ends by itself."""
        if not self.desk.config.worker.configured:
            return []
        from helpdesk.app.granting import granted_of

        granted = await asyncio.to_thread(
            granted_of, self.desk
        )  # the engine's library takes a second to load
        mine = who.actor.person.id
        return [one for one in await granted.visible(who) if one.grant.person.id == mine]


def _lines(found: Mapping[str, Any], now: datetime) -> Iterator[Content]:
    me = found.get("people.whoami") or {}
    if me:
        yield safe(f"{me.get('name', '')} ({me.get('login', '')})", "bold")
        for name in ("title", "mail", "phone", "employee_number", "manager"):
            yield from _field(name.replace("_", " "), me.get(name))
        yield from _field("roles", ", ".join(me.get("roles") or ()))
    status = found.get("password.status")
    if status:
        yield from _head("Account and password")
        yield from _account(status, now)
    groups = found.get("access.list")
    if groups is not None:
        yield from _head("Groups")
        yield from (_row(one.get("group", ""), one.get("description", "")) for one in groups)
        if not groups:
            yield Content.styled("  none", "$text-muted")
    grants = found.get("grants")
    if grants:
        yield from _head("Access that ends by itself")
        yield from (_ending(one, now) for one in grants)
        yield Content.styled("  helpdesk grants extend ID --days N asks for more time", "$text-muted")
    tickets = found.get("ticket.status")
    if isinstance(tickets, Sequence) and tickets:
        yield from _head("Tickets")
        yield from (
            _row(f"{one.get('id', '')} {one.get('status', '')}", one.get("subject", "")) for one in tickets
        )


def _ending(kept: Kept, now: datetime) -> Content:
    ends = kept.grant.ends
    when = f"ends {local_time(ends, now)}, in {in_units(ends - now)}" if ends > now else "is being taken back"
    if kept.standing == "overdue":
        when = "should have been taken back"
    return _row(kept.grant.target, f"{when} ({kept.grant.id})")


def _account(status: Mapping[str, Any], now: datetime) -> Iterator[Content]:
    if status.get("locked"):
        until = _moment(status.get("locked_until"))
        when = f"until {local_time(until, now)}" if until else "until somebody lifts it"
        yield Content.styled(f"  ✗ locked {when}: ask for “I'm locked out” in Ask", "$error bold")
    elif status.get("locked") is False:
        yield Content.assemble(("  ✓ ", "$success"), "not locked")
    if status.get("failures"):
        yield from _field("wrong passwords", f"{status['failures']} since the last right one")
    if (changed := _moment(status.get("password_changed"))) is not None:
        yield from _field("password set", f"{local_time(changed, now)}, {long_ago(now - changed)}")
    if (expires := _moment(status.get("password_expires"))) is not None:
        yield from _field("expires", f"{local_time(expires, now)}, in {in_units(expires - now)}")
    yield from _field("next password", _rules(status.get("rules") or {}))
    yield from _field("locked after", _lockout(status.get("rules") or {}))


def _rules(rules: Mapping[str, Any]) -> str:
    parts = []
    if rules.get("min_length"):
        parts.append(f"at least {rules['min_length']} characters")
    if rules.get("history"):
        parts.append(f"none of the last {rules['history']}")
    if rules.get("min_age_seconds"):
        parts.append(f"not before {in_units(timedelta(seconds=rules['min_age_seconds']))} have passed")
    return ", ".join(parts)


def _lockout(rules: Mapping[str, Any]) -> str:
    if not rules.get("max_failures"):
        return ""
    window, length = rules.get("failure_window_seconds"), rules.get("lockout_seconds")
    within = f" within {in_units(timedelta(seconds=window))}" if window else ""
    lasting = f", for {in_units(timedelta(seconds=length))}" if length else ""
    return f"{rules['max_failures']} wrong passwords{within}{lasting}"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _head(text: str) -> Iterator[Content]:
    yield Content("")
    yield Content.styled(text, "bold $accent")


def _row(name: str, what: str) -> Content:
    return Content.assemble((f"  {untrusted(name)}", "bold"), (f"  {untrusted(what)}", "$text-muted"))


def _field(name: str, value: object) -> Iterator[Content]:
    if value:
        yield Content.assemble((f"  {name:<16}", "$text-muted"), untrusted(value))
