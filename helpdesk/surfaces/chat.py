"""``helpdesk chat``: the same conversation as ``ask``, turn after turn, with a line to type in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from helpdesk.conversation.talk import command
from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.events import Result, Said, Warned
from helpdesk.ports import Interaction, SignedIn
from helpdesk.surfaces.chat_commands import COMMANDS, SlashCommands
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.loop import interruptible
from helpdesk.surfaces.request_news import EVERY, ChatNews
from helpdesk.text import whole

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from helpdesk.app import Desk
    from helpdesk.conversation.case import Case
    from helpdesk.conversation.loop import Conversation
    from helpdesk.surfaces.linear import LinearLine

__all__ = ["COMMANDS", "Chat"]


async def told_aside(line: PromptSession[str] | LinearLine, tell: Callable[[], None]) -> None:
    """Write something above the line that is being typed in, which stays as it is."""
    from helpdesk.surfaces.linear import LinearLine

    if isinstance(line, LinearLine):
        line.aside(tell)
        return
    from prompt_toolkit.application import run_in_terminal

    await run_in_terminal(tell)


HELLO = "Say what you need, in your own words. /help tells more; Ctrl-D leaves."


class Chat:
    """One chat at a terminal: a conversation, and another one after /case new, /resume or /login.

    Args:
        desk: what is asked. interaction: the terminal. line: where sentences come from.
        show: prints what a turn ended with. write: prints lines that were cleaned. look: of what is printed.
        dry_run: stop every action after its preview.
    """

    def __init__(
        self,
        desk: Desk,
        interaction: Interaction,
        line: PromptSession[str] | LinearLine,
        show: Callable[[Result], None],
        *,
        write: Callable[[Sequence[str]], None],
        look: Look,
        dry_run: bool = False,
    ) -> None:
        self.desk, self.interaction = desk, interaction
        self._show, self._write, self.look, self.dry_run = show, write, look, dry_run
        self.left = False
        self.conversation: Conversation = desk.conversation()
        self._line = line
        self._owner = ""
        self._reminded: SignedIn | None = None
        self._stopped = False
        self._commands = SlashCommands(self)
        self._news = ChatNews(desk)

    def show(self, result: Result) -> None:
        self._show(result)

    def write(self, lines: Sequence[str]) -> None:
        self._write(lines)

    def converse(self, case: Case | None = None) -> None:
        """Begin another conversation, in a case of its own or in the one given; the model's part stays as chosen."""
        uses_model = self.conversation.uses_model
        self.conversation = self.desk.conversation(case=case)
        self.conversation.uses_model = uses_model and self.conversation.uses_model

    def arrived(self, who: SignedIn) -> bool:
        """Note who is there; true when another conversation begins, because the last one is somebody else's."""
        before, self._owner = self._owner, who.actor.person.id
        if before in ("", self._owner):
            return False
        self.converse()
        return True

    async def run(self, case: Case | None = None) -> None:
        """Turns until the person leaves.

        Args:
            case: the one to begin with, opened for whoever is signed in.
        """
        self.interaction.emit(Said(HELLO))
        if case is not None:
            await self._stoppable(self._commands.resume(case))
        while not self.left:
            await self._stoppable(self._new_password())
            try:
                words = whole(await self._next_line()).strip()
            except KeyboardInterrupt:
                self._dropped()
                continue
            except EOFError:
                return
            self._stopped = False
            if words:
                await self._stoppable(self._turn(words))

    async def _next_line(self) -> str:
        """What is typed next. Meanwhile it is told what others decide about one's requests; nothing typed is lost.

        Only here: between a question and its answer no other text may come.
        """
        for text in await self._news.lines():
            self.interaction.emit(Said(text))
        telling = asyncio.ensure_future(self._tell_news())
        try:
            return await self._line.prompt_async(handle_sigint=False)
        finally:
            telling.cancel()

    async def _tell_news(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            if texts := await self._news.lines():
                await told_aside(self._line, partial(self._say_all, texts))

    def _say_all(self, texts: Sequence[str]) -> None:
        for text in texts:
            self.interaction.emit(Said(text))

    def _dropped(self) -> None:
        """Ctrl-C at the prompt: a line is dropped; at an empty one the second in a row leaves."""
        if self._stopped and not self._line.default_buffer.text:
            self.left = True
        elif not self._line.default_buffer.text:
            self.interaction.emit(Said("Nothing is going on. Ctrl-C again leaves."))
        self._stopped = True

    async def _stoppable(self, turn: Awaitable[None]) -> None:
        """One turn; Ctrl-C ends the turn and not the chat, once what had begun is finished and logged (R6)."""
        task = asyncio.ensure_future(turn)
        with interruptible(task):
            try:
                await task
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise
                self._stopped = True
                self.interaction.emit(Said("Stopped."))
            except Cancelled as stop:
                self.interaction.emit(Said(stop.message))
            except HelpdeskError as error:
                self.interaction.emit(Warned(error.message, error.hint))

    async def _turn(self, words: str) -> None:
        present = self.desk.present
        if present is not None:
            self.arrived(present)
        words = command(words) or words
        if words.startswith("/"):
            await self._commands(words)
        else:
            self.show(await self.conversation.turn(words, self.interaction, dry_run=self.dry_run))
            self._reminded = self.desk.present or self._reminded  # such a sentence began with it already
            await self.typed_instead()

    async def typed_instead(self) -> None:
        """Run the command that was typed at a question, where one was."""
        left, self.conversation.left = self.conversation.left, ""
        if left:
            await self._turn(left)

    async def _new_password(self) -> None:
        """After a sign-in with a temporary password, begin with a new one: once, before any sentence."""
        who = self.desk.present
        if who is None or not who.actor.must_change or who is self._reminded:
            return
        self._reminded = who
        self.show(await self.conversation.must_choose(self.interaction, who))
