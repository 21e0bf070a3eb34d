"""The chat's slash commands: what can be done beside saying what one needs. Each goes through the same door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from helpdesk.actions.call import Call
from helpdesk.errors import UsageError
from helpdesk.events import Outcome, Said
from helpdesk.surfaces.case_lines import case_lines, done_after_lines, list_lines
from helpdesk.surfaces.slash import call_of, words_of

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.conversation.case import Case, Step
    from helpdesk.conversation.loop import Conversation
    from helpdesk.events import Result
    from helpdesk.ports import Interaction, SignedIn
    from helpdesk.surfaces.look import Look

COMMANDS = {
    "/help": "what can be typed here",
    "/actions": "the actions that you may run",
    "/do": "run an action by its name: /do ACTION [ARGUMENTS]",
    "/undo": "take back what was done last, or by a log entry: /undo [ENTRY]",
    "/why": "why something happened, or would: /why [ENTRY | ACTION ARGUMENTS]",
    "/case": "what you are working on: /case [list | show | new | close | rewind TURN]",
    "/resume": "go on with a case: /resume [CASE]",
    "/handoff": "open a ticket with this conversation",
    "/model": "which model answers, and what it sees: /model [guided | on]",
    "/whoami": "who is signed in",
    "/login": "sign in, as somebody else too",
    "/logout": "sign out",
    "/quit": "leave; so does Ctrl-D",
}
_NOTHING = {
    "/undo": "Nothing was done in this conversation that can be taken back.",
    "/why": "Nothing was asked of a system in this conversation yet, so there is nothing to explain.",
}
AFTER = {"/case": ("list", "show", "new", "close", "rewind"), "/model": ("guided", "on")}
"""The words that may follow a command."""
HELP = (
    "Type a sentence and press Enter: “I'm locked out”, “get me into finance-share”, “how long may I keep customer "
    "data?”. Alt+Enter, or a backslash at the end, begins another line; Tab completes; the arrow keys bring earlier "
    "sentences back; Ctrl-C drops the line or stops what is going on, and leaves when nothing is. “no, I meant …” "
    "corrects the last request, and “cancel” stops a question. Nothing changes before you have seen and confirmed it."
)


class Talk(Protocol):
    """A conversation on a surface: what the commands need of the chat, and of the full-screen app.

    Attributes:
        look: of the lines that :meth:`write` is given. dry_run: stop every action after its preview.
        left: the person is leaving.
    """

    desk: Desk
    look: Look
    dry_run: bool
    left: bool
    conversation: Conversation

    @property
    def interaction(self) -> Interaction:
        """Whoever is there."""

    def show(self, result: Result) -> object:
        """Show what something ended with."""

    def write(self, lines: Sequence[str]) -> None:
        """Show lines that were cleaned."""

    def converse(self, case: Case | None = None) -> None:
        """Begin another conversation, in a case of its own or in the one given."""

    def arrived(self, who: SignedIn) -> bool:
        """Note who is there; true when another conversation begins, because the last one is somebody else's."""

    async def typed_instead(self) -> None:
        """Run the command that was typed at a question, where one was."""


class SlashCommands:
    """Runs the commands of one conversation."""

    def __init__(self, chat: Talk) -> None:
        self._chat = chat
        self._desk, self._interaction = chat.desk, chat.interaction
        self._does: dict[str, Callable[[Sequence[str]], Awaitable[None]]] = {
            "/help": self._help,
            "/actions": self._actions,
            "/do": self._do,
            "/undo": self._undo,
            "/why": self._why,
            "/case": self._case,
            "/resume": self._resume,
            "/handoff": self._handoff,
            "/model": self._model,
            "/whoami": self._whoami,
            "/login": self._login,
            "/logout": self._logout,
            "/quit": self._quit,
        }

    async def __call__(self, line: str) -> None:
        """Run what a line says.

        Raises:
            UsageError: there is no such command, or its words are off. HelpdeskError: whatever it ended with.
        """
        name, *words = words_of(line)
        does = self._does.get(name)
        if does is None:
            raise UsageError(f"There is no {name}.", hint="/help lists what there is.")
        await does(words)

    def _say(self, text: str) -> None:
        self._interaction.emit(Said(text))

    async def _signed_in(self) -> SignedIn:
        return await self._desk.signed_in(self._interaction)

    # ── help, and who is there ────────────────────────────────────────────────────────────────

    async def _help(self, words: Sequence[str]) -> None:
        _none("/help", words)
        width = max(map(len, COMMANDS)) + 2
        commands = "\n".join(f"{name:<{width}}{what}" for name, what in COMMANDS.items())
        self._say(f"{HELP}\n{commands}")

    async def _actions(self, words: Sequence[str]) -> None:
        _none("/actions", words)
        may_run = await self._desk.may_run(await self._signed_in())
        self._say("\n".join(f"{spec.name}: {spec.summary}" for spec, may in may_run if may))

    async def _whoami(self, words: Sequence[str]) -> None:
        _none("/whoami", words)
        signed_in = await self._signed_in()
        self._chat.show(await self._desk.run(Call("people.whoami"), signed_in, self._interaction))

    async def _login(self, words: Sequence[str]) -> None:
        _none("/login", words)
        who = await self._desk.login(self._interaction)
        self._say(f"You are signed in as {who.actor.person.name}.")
        if self._chat.arrived(who):
            self._say("A new conversation begins: the one before is somebody else's.")

    async def _logout(self, words: Sequence[str]) -> None:
        _none("/logout", words)
        await self._desk.logout()
        self._say("You are signed out.")

    async def _quit(self, words: Sequence[str]) -> None:
        _none("/quit", words)
        self._chat.left = True

    # ── actions, by their names ───────────────────────────────────────────────────────────────

    async def _do(self, words: Sequence[str]) -> None:
        if not words:
            raise UsageError("/do needs an action.", hint="/actions lists those that you may run.")
        spec = self._desk.catalog.spec(words[0])
        call, dry_run = call_of(spec, words[1:])
        dry_run = dry_run or self._chat.dry_run
        self._chat.show(await self._chat.conversation.do(call, self._interaction, dry_run=dry_run))
        await self._chat.typed_instead()

    async def _undo(self, words: Sequence[str]) -> None:
        entry = _entry(words[0]) if words else (await self._last("/undo", _can_be_undone)).entry
        _none("/undo ENTRY", words[1:])
        signed_in = await self._signed_in()
        conversation = self._chat.conversation
        result = await self._desk.undo(
            entry or 0,
            signed_in,
            self._interaction,
            dry_run=self._chat.dry_run,
            case=conversation.case_id,
        )
        await conversation.note(result)
        self._chat.show(result)

    async def _why(self, words: Sequence[str]) -> None:
        from helpdesk.surfaces.why_lines import call_lines, entry_lines

        look = self._chat.look
        if words and not _is_number(words[0]):
            call, _ = call_of(self._desk.catalog.spec(words[0]), words[1:])
            signed_in = await self._signed_in()
            self._chat.write(call_lines(await self._desk.why_call(call, signed_in, self._interaction), look))
            return
        entry = _entry(words[0]) if words else (await self._last("/why", _any)).entry
        _none("/why ENTRY", words[1:])
        why = await self._desk.why_entry(entry or 0, await self._signed_in())
        self._chat.write(entry_lines(why, look))

    async def _last(self, command: str, fits: Callable[[Step], bool]) -> Step:
        """The last call of this case that has an entry in the log. Raises UsageError."""
        case = await self._chat.conversation.case()
        steps = [step for step in (case.steps if case else ()) if step.entry and fits(step)]
        if not steps:
            raise UsageError(
                _NOTHING[command],
                hint=f"By the number of an entry of the log: {command} ENTRY",
            )
        return steps[-1]

    # ── cases ─────────────────────────────────────────────────────────────────────────────────

    async def _case(self, words: Sequence[str]) -> None:
        verb, *rest = words or ("show",)
        does = {
            "list": self._list,
            "show": self._show,
            "new": self._new,
            "close": self._close,
            "rewind": self._rewind,
        }.get(verb)
        if does is None:
            raise UsageError(f"There is no /case {verb}.", hint=f"It is one of {', '.join(AFTER['/case'])}.")
        await does(rest)

    async def _list(self, words: Sequence[str]) -> None:
        every = list(words) == ["all"]
        _none("/case list", [] if every else words)
        found = await self._desk.casework.mine(await self._signed_in(), all=every)
        if not found:
            self._say("You have no open case. /case list all shows the others.")
            return
        self._chat.write(list_lines(found, self._chat.look))

    async def _show(self, words: Sequence[str]) -> None:
        case = await self._named(words)
        asked = await self._desk.casework.asked(case)
        self._chat.write(case_lines(case, asked, self._chat.look))

    async def _new(self, words: Sequence[str]) -> None:
        _none("/case new", words)
        self._chat.converse()
        self._say("A new case begins with what you say next.")

    async def _close(self, words: Sequence[str]) -> None:
        case = await self._named(words)
        closed, resolution = await self._desk.casework.close(case.id, await self._signed_in())
        self._say(f"Case {closed.id} is closed: {resolution.value}. What you say next begins a new one.")
        if closed.id == self._chat.conversation.case_id:
            self._chat.converse()

    async def _rewind(self, words: Sequence[str]) -> None:
        if len(words) != 1 or not _is_number(words[0]):
            raise UsageError("/case rewind needs the number of a turn.", hint="/case show numbers them.")
        await self._signed_in()
        case = await self._chat.conversation.rewind(int(words[0]), self._interaction)
        self._say(f"Back at the end of turn {words[0]}.")
        self._chat.write(list(done_after_lines(case, self._chat.look)))

    async def _named(self, words: Sequence[str]) -> Case:
        """The case that is named, or the one of this conversation. Raises NotFound, UsageError."""
        id = words[0] if words else self._chat.conversation.case_id
        _none("/case … CASE", words[1:])
        if not id:
            raise UsageError("Nothing is kept of this conversation yet.", hint="/case list shows your cases.")
        return await self._desk.casework.get(id, await self._signed_in())

    async def _resume(self, words: Sequence[str]) -> None:
        _none("/resume CASE", words[1:])
        signed_in, casework = await self._signed_in(), self._desk.casework
        await self.resume(await (casework.get(words[0], signed_in) if words else casework.latest(signed_in)))

    async def resume(self, case: Case) -> None:
        """Go on with a case: shown as far as it got, and asked for what it still needs."""
        self._chat.converse(case)
        asked = await self._desk.casework.asked(case)
        self._chat.write(case_lines(case, asked, self._chat.look, whole=False))
        if self._chat.conversation.half_filled is not None:
            self._say("This was being asked; cancel stops it.")
            result = await self._chat.conversation.go_on(self._interaction, dry_run=self._chat.dry_run)
            if result is not None:
                self._chat.show(result)
            await self._chat.typed_instead()

    async def _handoff(self, words: Sequence[str]) -> None:
        _none("/handoff", words)
        result = await self._chat.conversation.hand_off(self._interaction)
        self._chat.show(result)
        if result.outcome is Outcome.DONE:
            self._say(f"Case {self._chat.conversation.case_id} is handed off; people go on with it.")

    # ── the model ─────────────────────────────────────────────────────────────────────────────

    async def _model(self, words: Sequence[str]) -> None:
        model, conversation = self._desk.model, self._chat.conversation
        if len(words) > 1 or (words and words[0] not in AFTER["/model"]):
            raise UsageError("/model takes guided or on.", hint="/model alone says which one answers.")
        if model is None:
            if list(words) == ["on"]:
                raise UsageError("No model is configured.", hint="Write [llm] in config.toml.")
            self._say(
                "No model is configured: you are answered by rules alone, and nothing leaves this machine."
            )
            return
        if words:
            conversation.uses_model = words[0] == "on"
        seen = ", ".join(sorted(self._desk.config.llm.may_see)) or "nothing"
        self._say(
            f"The model {model.name} answers. It may see: {seen}. helpdesk privacy shows what it would be sent."
            if conversation.uses_model
            else f"You are answered by rules alone; the model {model.name} is sent nothing. /model on asks it again."
        )


def _none(usage: str, words: Sequence[str]) -> None:
    """Raises UsageError for words where none belong."""
    if words:
        raise UsageError(f"{usage} takes no {words[0]!r}.", hint="/help lists what there is.")


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 12


def _entry(word: str) -> int:
    if not _is_number(word):
        raise UsageError(f"{word!r} is no number of a log entry.", hint="helpdesk log list shows them.")
    return int(word)


def _any(_: Step) -> bool:
    return True


def _can_be_undone(step: Step) -> bool:
    return step.undoable and step.outcome == Outcome.DONE
