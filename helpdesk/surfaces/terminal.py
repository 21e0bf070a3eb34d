"""The person at a terminal: the port :class:`helpdesk.ports.Interaction` for the command line and the chat.

What is asked can be answered by a flag instead; without a terminal nothing is asked at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from helpdesk.errors import Cancelled, Failed, Refused, UsageError
from helpdesk.events import Confirmation, Confirmed, Event, Finished, Question, Result, Warned
from helpdesk.secrets import Secret
from helpdesk.surfaces.look import Look, clean
from helpdesk.surfaces.reveal import Target
from helpdesk.surfaces.telling import Teller, confirmation_lines, question_lines
from helpdesk.surfaces.tty import Tty

IGNORE_SECONDS = 0.5
"""Input is ignored for so long after a confirmation appears (T3)."""
TRIES = 3
_ESCAPE = "\x1b"


class Terminal:
    """Asks and tells at a terminal.

    Args:
        teller: where events go. look: of standard error.
        tty: the device; ``None`` off a terminal and with ``--no-input``.
        agreed: the actions confirmed on the command line, each for one time (L5).
        flag: names the flag that confirms an action.
        target: where secrets go; ``None`` for the other screen of the terminal.
        show: prints every result as it comes (a chat); a command prints its own at the end.
        as_json: a secret never goes to the screen, because a script reads along.
        seen: standard error is a terminal, so that the person sees what the teller tells; where it goes
            somewhere else, whatever they must see before they answer is written to the device too.
    """

    def __init__(
        self,
        teller: Teller,
        look: Look,
        tty: Tty | None,
        *,
        agreed: Iterable[str] = (),
        flag: Callable[[str], str] = lambda action: f"--yes-for {action}",
        target: Target | None = None,
        show: Callable[[Result], None] | None = None,
        as_json: bool = False,
        seen: bool = True,
    ) -> None:
        self._teller = teller
        self._look = look
        self._tty = tty
        self._agreed = Counter(agreed)
        self._flag = flag
        self._target = target
        self._as_json = as_json
        self._seen = seen
        self._ending = False
        self.show = show
        self.known: list[Secret] = []

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to ask."""
        return self._tty is not None

    @property
    def tty(self) -> Tty | None:
        """The device; ``None`` where nobody can be asked."""
        return self._tty

    def agree_to(self, action: str) -> None:
        """Count one more confirmation of this action as given on the command line."""
        self._agreed[action] += 1

    def emit(self, event: Event) -> None:
        if isinstance(event, Finished):
            if self.show is not None:
                self._teller.settle()
                self.show(event.result)
            return
        self._teller.tell(event)

    def settle(self) -> None:
        """Take a progress line away before something else is written to the screen."""
        self._teller.settle()

    # ── confirming ────────────────────────────────────────────────────────────────────────────

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        """Agreement to exactly this; see :meth:`helpdesk.ports.Interaction.confirm`."""
        action = confirmation.action
        if self._agreed[action] > 0:
            self._agreed[action] -= 1
            self._show(confirmation)
            self._teller.line(f"Confirmed by {self._flag(action)}.")
            return Confirmed(confirmation.digest, by="--yes")
        if self._tty is None:
            about = f" for {clean(confirmation.target)}" if confirmation.target else ""
            flag = self._flag(action)
            raise UsageError(
                f"{action}{about} must be confirmed, and nobody can be asked here; nothing was changed.",
                hint=f"Add {flag} to confirm it, or --dry-run to see what would change.",
                code="confirmation-needed",
            )
        self._show(confirmation)
        await self._tty.settle(IGNORE_SECONDS)
        if await self._agrees(confirmation, self._tty):
            return Confirmed(confirmation.digest, by="person")
        raise Cancelled("Cancelled; nothing was changed.")

    def _show(self, confirmation: Confirmation) -> None:
        for line in confirmation_lines(confirmation, self._look):
            self._say(line)

    def _say(self, line: str) -> None:
        """A line that the person must have seen before they answer."""
        self._teller.line(line)
        if self._tty is not None and not self._seen:
            self._tty.write(f"{self._look.fit(line)}\n")

    async def _agrees(self, confirmation: Confirmation, tty: Tty) -> bool:
        """Whether the person said yes. Raises Cancelled with their words where it is neither yes nor no."""
        from helpdesk.conversation.forms import agreement

        wanted = clean(confirmation.target) if confirmation.irreversible else ""
        prompt = f"This cannot be undone. Type {wanted} to go on: " if wanted else "Do this? [y/N] "
        for _ in range(TRIES):
            with tty.marking_pastes():
                self._prompt(tty, prompt)
                answer = await tty.line()
            if answer is not None and _ESCAPE in answer:
                self._say("A pasted answer does not count; please type it.")
                await tty.settle(IGNORE_SECONDS)
                continue
            answer = (answer or "").strip()
            if answer == wanted if wanted else agreement(answer):
                return True
            if answer and agreement(answer) is None:
                raise Cancelled("Cancelled; nothing was changed.", words=answer)
            return False
        return False

    def _asked(self, question: Question) -> list[str]:
        """The question's lines: its text, and one for each choice."""
        return question_lines(question)

    # ── asking ────────────────────────────────────────────────────────────────────────────────

    async def ask(self, question: Question) -> str:
        """One answer, as typed; a number stands for the choice with that number."""
        tty = self._someone(question)
        text, *choices = self._asked(question)
        default = f"[{clean(question.default)}] " if question.default else ""
        if choices:
            for line in (text, *choices):
                self._say(line)
            self._prompt(tty, f"{default}> ")
        else:
            self._teller.settle()
            self._prompt(tty, f"{text}{'' if text.endswith(('?', ':')) else ':'} {default}")
        answer = await tty.line()
        if answer is None:
            tty.write("\n")
            raise Cancelled("Cancelled; nothing was changed.")
        answer = "".join(c for c in answer if c.isprintable()).strip()
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(question.choices):
            return question.choices[int(answer) - 1].value
        return answer or question.default or ""

    async def ask_secret(self, question: Question) -> Secret:
        """A secret, without echo; twice where it is a new one, and then the word "cancel" cancels."""
        from helpdesk.conversation.words import is_cancel_word

        tty = self._someone(question)
        self._teller.settle()
        for _ in range(TRIES):
            first = await self._hidden(tty, question.text)
            if not first:
                raise Cancelled("Nothing was typed, so nothing was done.")
            if question.repeat and is_cancel_word(first.expose()):
                raise Cancelled("Cancelled; nothing was changed.")
            if not question.repeat or await self._hidden(tty, f"{question.text.rstrip(':')}, again") == first:
                self.known.append(first)
                return first
            self._say("The two differ; please type it again.")
        raise Cancelled("The two differed each time; nothing was changed.")

    async def _hidden(self, tty: Tty, text: str) -> Secret:
        with tty.hidden():
            self._prompt(tty, f"{clean(text).rstrip(':')}: ")
            try:
                answer = await tty.line()
            finally:
                tty.write("\n")
        return Secret(answer or "")

    def _prompt(self, tty: Tty, text: str) -> None:
        """Cleaned text on the device, folded here: where the terminal folds it, words of others begin a line."""
        end = text[len(text.rstrip(" ")) :]
        lines = self._look.lines(self._look.fit(text.rstrip(" ")))
        tty.write("\n".join(lines) + end)

    def _someone(self, question: Question) -> Tty:
        if self._tty is None:
            raise UsageError(
                f"{clean(question.text).rstrip('?:.')} is missing, and nobody can be asked here.",
                hint=f"Give it with {question.flag}.",
                code="missing-argument",
            )
        return self._tty

    # ── revealing ─────────────────────────────────────────────────────────────────────────────

    def ensure_can_reveal(self) -> None:
        """Raises Refused ("nowhere-to-reveal") before anything changes."""
        if self._target is not None:
            self._target.open()
        elif self._tty is None or self._as_json or not self._look.moves:
            raise Refused(
                "It makes a password, and there is no terminal to show it on; nothing was changed.",
                hint="Say where it goes: --reveal-to FILE, or --reveal-to fd:N",
                code="nowhere-to-reveal",
            )

    async def reveal(self, secret: Secret, label: str) -> None:
        """Show a secret once on the terminal's other screen, or write it where ``--reveal-to`` says."""
        self.known.append(secret)
        if self._target is not None:
            try:
                self._target.write(secret)
            except Failed as error:
                self.emit(Warned(error.message, error.hint))
            return
        if self._tty is None or self._ending:
            self.emit(
                Warned(f"{label} was not shown, because the program was asked to end.", "Run it again.")
            )
            return
        self._teller.settle()
        self._teller.hold()
        try:
            with self._tty.other_screen():
                self._prompt(self._tty, clean(label))
                self._tty.write(
                    f"\n\n    {clean(secret.expose())}\n\n"
                    "Note it now: it is shown this once. Press Enter to wipe it from the screen. "
                )
                await self._tty.settle(IGNORE_SECONDS)  # an Enter that was typed before must not wipe it
                with self._tty.hidden():
                    await self._tty.line()
        finally:
            self._teller.release()

    # ── ending ────────────────────────────────────────────────────────────────────────────────

    def interrupt(self) -> None:
        """Ctrl-C: a secret on the other screen is wiped."""
        if self._tty is not None:
            self._tty.interrupt()

    def end_soon(self) -> None:
        """The program was asked to end (SIGTERM, SIGHUP): nothing waits for the person any more."""
        self._ending = True
        if self._tty is not None:
            self._tty.hang_up()

    def restore(self) -> None:
        """The terminal as it was, at once; safe in a signal handler."""
        if self._tty is not None:
            self._tty.restore()

    def close(self) -> None:
        self._teller.settle()
        if self._target is not None:
            self._target.close()
        if self._tty is not None:
            self._tty.close()
            self._tty = None
