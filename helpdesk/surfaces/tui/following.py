"""What follows from a card: taking its action back, why it ended as it did, the policy that it cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpdesk.events import Citation, Outcome, Result
from helpdesk.surfaces.render import is_read
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


def why_not(what: str, result: Result | None, no_undo: str = "") -> str:
    """Why a key does nothing here, in a sentence.

    Args:
        result: of the card that it was meant for, if there is one. no_undo: why its action has no way back, if it says so.
    """
    if result is None:
        return {
            "undo": "Nothing was done here yet, so there is nothing to take back.",
            "why": "Nothing was asked for here yet, so there is nothing to explain.",
            "open": "Nothing here cites a policy.",
        }[what]
    if what == "open":
        return "The last answer cites no policy."
    if what == "why":
        return "The last answer stands in no log entry, so there is nothing more to tell about it."
    if result.outcome is Outcome.PENDING and result.request:
        return f"{result.request} waits, and nothing was done yet: F4 Requests, where x takes it back."
    if result.outcome is not Outcome.DONE:
        return "The last request changed nothing, so there is nothing to take back."
    if is_read(result):
        return "The last one only read something; there is nothing to take back."
    return f"{result.action} cannot be taken back{f': {no_undo}' if no_undo else ''}."


def _undo(app: HelpdeskApp, entry: int) -> Work:
    async def undo(interaction: OnScreen) -> Result:
        return await app.desk.undo(entry, await app.desk.signed_in(interaction), interaction)

    return undo


def _why(app: HelpdeskApp, entry: int) -> Work:
    async def why(interaction: OnScreen) -> None:
        from helpdesk.surfaces.look import Look
        from helpdesk.surfaces.why_lines import entry_lines

        said = await app.desk.why_entry(entry, await app.desk.signed_in(interaction))
        app.reader.open(
            f"Why entry {entry}", entry_lines(said, Look(profile=app.desk.paths.profile)), own=True
        )

    return why


def _policy(app: HelpdeskApp, citation: Citation) -> Work:
    async def show(interaction: OnScreen) -> None:
        who = await app.desk.signed_in(interaction)
        result = await app.read("policy.show", who, document=citation.file)
        if result is not None and result.outcome is Outcome.DONE:
            title, *lines = result.message.split("\n")
            app.reader.open(title, lines, cited(lines, citation))

    return show
