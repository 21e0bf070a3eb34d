"""What follows from a card: taking its action back, why it ended as it did, the policy that it cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpdesk.events import Citation, Outcome, Result
from helpdesk.surfaces.tui.reader import cited

if TYPE_CHECKING:
    from helpdesk.surfaces.tui.app import HelpdeskApp
    from helpdesk.surfaces.tui.interaction import OnScreen
    from helpdesk.surfaces.tui.pane import Work


def follow_up(app: HelpdeskApp, what: str, result: Result) -> Work | None:
    """The work of a key ("undo", "why", "open") on a card that ended so; ``None`` where it does nothing."""
    if what == "why" and result.entry is not None:
        return _why(app, result.entry)
    if what == "open" and result.citations:
        return _policy(app, result.citations[0])
    if what == "undo" and result.undoable and result.entry is not None:
        return _undo(app, result.entry)
    return None


def _undo(app: HelpdeskApp, entry: int) -> Work:
    async def undo(interaction: OnScreen) -> Result:
        return await app.desk.undo(entry, await app.desk.signed_in(interaction), interaction)

    return undo


def _why(app: HelpdeskApp, entry: int) -> Work:
    async def why(interaction: OnScreen) -> None:
        from helpdesk.surfaces.look import Look
        from helpdesk.surfaces.why_lines import entry_lines

        said = await app.desk.why_entry(entry, await app.desk.signed_in(interaction))
        app.reader.open(f"Why entry {entry}", entry_lines(said, Look()), own=True)

    return why


def _policy(app: HelpdeskApp, citation: Citation) -> Work:
    async def show(interaction: OnScreen) -> None:
        who = await app.desk.signed_in(interaction)
        result = await app.read("policy.show", who, document=citation.file)
        if result is not None and result.outcome is Outcome.DONE:
            title, *lines = result.message.split("\n")
            app.reader.open(title, lines, cited(lines, citation))

    return show
