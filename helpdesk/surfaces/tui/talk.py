"""The conversation of the Ask pane: sentences and slash commands, in a case that other surfaces go on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpdesk.conversation.talk import command
from helpdesk.events import Result
from helpdesk.ports import SignedIn
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.tui.blocks import Own
from helpdesk.surfaces.tui.interaction import OnScreen

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.conversation.case import Case
    from helpdesk.conversation.loop import Conversation
    from helpdesk.surfaces.tui.feed import Feed


class Talk:
    """One conversation after the other, each with a case of its own; see :class:`helpdesk.surfaces.chat_commands.Talk`.

    Args:
        desk: what is asked. feed: where it is shown.
    """

    def __init__(self, desk: Desk, feed: Feed) -> None:
        self.desk = desk
        self.look = Look(profile=desk.paths.profile)
        self.dry_run = False
        self.left = False
        self.interaction: OnScreen
        self.conversation: Conversation = desk.conversation()
        self._feed = feed
        self._owner = ""
        self._reminded: SignedIn | None = None

    async def turn(self, words: str, interaction: OnScreen) -> None:
        """Answer a sentence, or run a command. Raises what either ends with."""
        self.interaction = interaction
        self.dry_run = False
        if (present := self.desk.present) is not None:
            self.arrived(present)
        words = command(words) or words
        if words.startswith("/"):
            from helpdesk.surfaces.chat_commands import SlashCommands

            await SlashCommands(self)(words)
        else:
            self.show(await self.conversation.turn(words, interaction))
            self._reminded = self.desk.present or self._reminded
            await self.typed_instead()

    async def typed_instead(self) -> None:
        left, self.conversation.left = self.conversation.left, ""
        if left:
            await self.turn(left, self.interaction)

    async def resume(self, id: str, interaction: OnScreen) -> None:
        """Go on with a case, for whoever is signed in."""
        await self.turn(f"/resume {id}", interaction)

    @property
    def must_choose(self) -> bool:
        """Whether whoever signed in must choose a new password first, and was not asked for it yet."""
        who = self.desk.present
        return who is not None and who.actor.must_change and who is not self._reminded

    async def choose(self, interaction: OnScreen) -> None:
        """Ask for the new password that a temporary one makes necessary."""
        who = self._reminded = self.desk.present
        if who is not None:
            self.interaction = interaction
            self.show(await self.conversation.must_choose(interaction, who))

    # ── what the commands need ────────────────────────────────────────────────────────────────

    def show(self, result: Result) -> None:
        self.interaction.finish(result)

    def write(self, lines: Sequence[str]) -> None:
        self._feed.add(Own(tuple(lines)))

    def converse(self, case: Case | None = None) -> None:
        uses_model = self.conversation.uses_model
        self.conversation = self.desk.conversation(case=case)
        self.conversation.uses_model = uses_model and self.conversation.uses_model

    def arrived(self, who: SignedIn) -> bool:
        before, self._owner = self._owner, who.actor.person.id
        if before in ("", self._owner):
            return False
        self.converse()
        return True
