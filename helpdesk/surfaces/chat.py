"""``helpdesk chat``: the same conversation as ``ask``, turn after turn, with a line to type in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from helpdesk.actions.call import Call
from helpdesk.errors import Cancelled, HelpdeskError
from helpdesk.events import Result, Said, Warned
from helpdesk.ports import Interaction, SignedIn
from helpdesk.surfaces.loop import interruptible

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from helpdesk.app import Desk

COMMANDS = {
    "/help": "what can be typed here",
    "/actions": "the actions that you may run",
    "/whoami": "who is signed in",
    "/login": "sign in, as somebody else too",
    "/logout": "sign out",
    "/quit": "leave; so does Ctrl-D",
}
HELLO = "Say what you need, in your own words. /help tells more; Ctrl-D leaves."
HELP = (
    "Type a sentence and press Enter: “I'm locked out”, “get me into finance-share”, “how long may I keep customer "
    "data?”. Alt+Enter, or a backslash at the end, begins another line; Tab completes; the arrow keys bring earlier "
    "sentences back; Ctrl-C drops the line or stops what is going on. “no, I meant …” corrects the last request, and "
    "“cancel” stops a question. Nothing changes before you have seen and confirmed it."
)


class Chat:
    """One conversation at a terminal.

    Args:
        desk: what is asked. interaction: the terminal. line: where sentences come from.
        show: prints what a turn ended with.
        dry_run: stop every action after its preview.
    """

    def __init__(
        self,
        desk: Desk,
        interaction: Interaction,
        line: PromptSession[str],
        show: Callable[[Result], None],
        *,
        dry_run: bool = False,
    ) -> None:
        self._desk = desk
        self._interaction = interaction
        self._line = line
        self._show = show
        self._dry_run = dry_run
        self._conversation = desk.conversation()
        self._reminded: SignedIn | None = None
        self._left = False
        self._does: dict[str, Callable[[], Awaitable[None]]] = {
            "/help": self._help,
            "/actions": self._actions,
            "/whoami": self._whoami,
            "/login": self._login,
            "/logout": self._logout,
        }

    async def run(self) -> None:
        """Turns until the person leaves."""
        self._interaction.emit(Said(HELLO))
        while not self._left:
            await self._stoppable(self._new_password())
            try:
                words = (await self._line.prompt_async(handle_sigint=False)).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if words:
                await self._stoppable(self._turn(words))

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
                self._interaction.emit(Said("Stopped."))
            except Cancelled as stop:
                self._interaction.emit(Said(stop.message))
            except HelpdeskError as error:
                self._interaction.emit(Warned(error.message, error.hint))

    async def _turn(self, words: str) -> None:
        name = words.split()[0]
        if name == "/quit":
            self._left = True
        elif name in self._does:
            await self._does[name]()
        elif name.startswith("/"):
            self._interaction.emit(Warned(f"There is no {name}.", "/help lists what there is."))
        else:
            self._show(await self._conversation.turn(words, self._interaction, dry_run=self._dry_run))
            self._reminded = self._desk.present or self._reminded  # such a sentence began with it already
            if left := self._conversation.left:  # a command that was typed at a question
                await self._turn(left)

    async def _new_password(self) -> None:
        """After a sign-in with a temporary password, begin with a new one: once, before any sentence."""
        who = self._desk.present
        if who is None or not who.actor.must_change or who is self._reminded:
            return
        self._reminded = who
        self._show(await self._conversation.must_choose(self._interaction, who))

    # ── commands ──────────────────────────────────────────────────────────────────────────────

    async def _help(self) -> None:
        commands = "\n".join(f"{name:<10}{what}" for name, what in COMMANDS.items())
        self._interaction.emit(Said(f"{HELP}\n{commands}"))

    async def _signed_in(self) -> SignedIn:
        return await self._desk.signed_in(self._interaction)

    async def _actions(self) -> None:
        open_ones = [
            f"{spec.name}: {spec.summary}"
            for spec, may in await self._desk.may_run(await self._signed_in())
            if may
        ]
        self._interaction.emit(Said("\n".join(open_ones)))

    async def _whoami(self) -> None:
        self._show(await self._desk.run(Call("people.whoami"), await self._signed_in(), self._interaction))

    async def _login(self) -> None:
        who = await self._desk.login(self._interaction)
        self._interaction.emit(Said(f"You are signed in as {who.actor.person.name}."))

    async def _logout(self) -> None:
        await self._desk.logout()
        self._interaction.emit(Said("You are signed out."))
