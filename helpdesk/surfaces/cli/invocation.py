"""One run of the program: its flags, its streams, its terminal and its desk, each made when first used.

A command gets it with :func:`current`, does its work through it, and returns the exit code it gives.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.globals import Flags
from helpdesk.surfaces.look import Look, clean, look_of, typed
from helpdesk.surfaces.output import results_only, stderr, stdout

if TYPE_CHECKING:
    from helpdesk.app import Desk
    from helpdesk.events import Result
    from helpdesk.platform import Paths
    from helpdesk.ports import SignedIn
    from helpdesk.secrets import Secret
    from helpdesk.surfaces.reveal import Target
    from helpdesk.surfaces.telling import Teller
    from helpdesk.surfaces.terminal import Terminal

T = TypeVar("T")


class Invocation:
    """What every command shares.

    Attributes:
        flags: the global flags. look: of standard output. named: the action named on the command line,
            which ``--yes`` confirms. target: where ``--reveal-to`` says that secrets go.
        linear: everything is told and asked in labelled lines: see :meth:`go_linear`.
        out: standard output, while what plugins print is kept from it.
    """

    def __init__(self, flags: Flags, environ: Mapping[str, str] | None = None) -> None:
        self.flags = flags
        self.environ = os.environ if environ is None else environ
        self.named = ""
        self.printed = False
        self.interrupted = False
        self.out: TextIO | None = None
        self.linear = False
        self._password_taken = False
        self.target = _target(flags.reveal_to) if flags.reveal_to else None

    def go_linear(self, asked: bool) -> bool:
        """Tell and ask in labelled lines, where it is asked for, configured, or the terminal can do nothing else.

        Raises:
            ConfigError: the configuration cannot be read.
        """
        dumb = self.environ.get("TERM", "") == "dumb"
        self.linear = asked or dumb or self.desk.config.ui.linear
        if self.linear:
            for made in ("look", "error_look", "teller"):
                self.__dict__.pop(made, None)
        return self.linear

    @cached_property
    def look(self) -> Look:
        return self._look_of(stdout())

    @cached_property
    def error_look(self) -> Look:
        return self._look_of(stderr())

    def _look_of(self, stream: TextIO) -> Look:
        flags = self.flags
        look = look_of(
            stream, color=flags.color, plain=flags.plain, profile=flags.profile, environ=self.environ
        )
        return replace(look, color=False, moves=False, folds=stream.isatty()) if self.linear else look

    @property
    def is_a_screen(self) -> bool:
        """Somebody sits at a terminal that can show the full-screen app."""
        return self.look.moves and self._somebody_sits_here

    @property
    def wants_lines(self) -> bool:
        """Somebody sits at a terminal that can only show lines, or wants it to.

        Raises:
            ConfigError: the configuration cannot be read.
        """
        if not self._somebody_sits_here:
            return False
        return self.environ.get("TERM", "") == "dumb" or (self.look.moves and self.desk.config.ui.linear)

    @property
    def _somebody_sits_here(self) -> bool:
        flags = self.flags
        plain = flags.plain or flags.no_input or flags.dry_run
        return sys.stdin.isatty() and stdout().isatty() and not plain

    @cached_property
    def paths(self) -> Paths:
        from helpdesk.platform import paths

        return paths(self.flags.profile, self.environ)

    @cached_property
    def desk(self) -> Desk:
        """The desk of the profile. Raises ConfigError."""
        from helpdesk.app import Desk
        from helpdesk.events import Warned

        desk = Desk.open(profile=self.flags.profile, environ=self.environ)
        for warning in getattr(desk.config, "warnings", ()):
            self.teller.tell(Warned(str(warning)))
        return desk

    @cached_property
    def teller(self) -> Teller:
        from helpdesk.surfaces.telling import Teller

        kind = Teller
        if self.linear:
            from helpdesk.surfaces.linear import LinearTeller as kind
        return kind(stderr(), self.error_look, quiet=self.flags.quiet, verbose=self.flags.verbose)

    @cached_property
    def terminal(self) -> Terminal:
        """The person, where one is there; the port that the core asks and tells through."""
        from helpdesk.surfaces.terminal import Terminal
        from helpdesk.surfaces.tty import Tty

        flags = self.flags
        tty = None if flags.no_input else Tty.open(moves=self.environ.get("TERM", "") != "dumb")
        kind = Terminal
        if self.linear:
            from helpdesk.surfaces.linear import LinearTerminal as kind
        return kind(
            self.teller,
            self.error_look,
            tty,
            agreed=flags.yes_for,
            flag=lambda action: "--yes" if action == self.named else f"--yes-for {action}",
            target=self.target,
            as_json=flags.json,
            seen=stderr().isatty(),
        )

    # ── who ───────────────────────────────────────────────────────────────────────────────────

    def password(self) -> Secret | None:
        """The password that came with ``--as``; the first time only, so that it is tried once.

        Raises:
            UsageError: it cannot be read.
        """
        flags = self.flags
        if self._password_taken or not (flags.password_stdin or flags.password_file):
            return None
        from helpdesk.surfaces.passwords import from_file, from_stdin

        self._password_taken = True
        secret = (
            from_stdin("--password-stdin")
            if flags.password_stdin
            else from_file(flags.password_file, "--password-file")
        )
        self.terminal.known.append(secret)
        return secret

    async def signed_in(self) -> SignedIn:
        """Whoever ``--as`` names, or who is signed in, or who signs in now.

        Raises:
            NotSignedIn: nobody; or the directory did not accept it.
        """
        signed_in = await self.desk.signed_in(self.terminal, login=self.flags.login, password=self.password())
        self.notices(signed_in)
        return signed_in

    def notices(self, signed_in: SignedIn) -> None:
        """Tell what the directory said at the sign-in ("your password expires in 3 days")."""
        from helpdesk.events import Warned

        for notice in signed_in.actor.notices:
            self.terminal.emit(Warned(notice))

    def confirms(self, action: str) -> None:
        """Name the one action that ``--yes`` confirms here. Raises UsageError for ``--yes-for``."""
        if self.flags.yes_for:
            raise UsageError("--yes-for belongs to ask.", hint=f"Use --yes to confirm {action}.")
        self.named = action
        if self.flags.yes:
            self.terminal.agree_to(action)

    def changes_at_once(self, command: str) -> None:
        """Refuse ``--dry-run`` where a command has no preview: it must never be ignored."""
        if self.flags.dry_run:
            raise UsageError(f"{command} has no preview, so --dry-run does not go with it.")

    # ── work and its end ──────────────────────────────────────────────────────────────────────

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, under the signals. Raises Interrupted."""
        from helpdesk.surfaces.loop import run

        return run(work, self.terminal)

    def perform(self, work: Callable[[], Awaitable[Result]]) -> int:
        """Do something that ends with a result, print that, and give its exit code."""

        async def whole() -> Result:
            return await work()

        with results_only():  # what a plugin prints must not get into the result
            result = self.run(whole())
        return self.finish(result)

    def finish(self, result: Result) -> int:
        """Print a result where it belongs; its exit code."""
        from helpdesk.surfaces.json_output import result_document
        from helpdesk.surfaces.render import GOOD, error_line, result_lines

        self.teller.settle()
        if self.linear:
            from helpdesk.surfaces.linear import linear

            self.lines(linear(result))
            return int(result.outcome.exit)
        good = result.outcome in GOOD
        if self.flags.json:
            self.document(result_document(result))
            if not good:
                self.complain([error_line(result, self.error_look)])
        elif good:
            self.lines(result_lines(result, self.look))
        else:
            self.complain(result_lines(result, self.error_look))
        return int(result.outcome.exit)

    def answer(self, document: Mapping[str, Any], lines: Sequence[str], *, code: int = 0) -> int:
        """Print what is no result of an action: the document with ``--json``, else the lines."""
        if self.flags.json:
            self.document(document)
        else:
            self.lines(lines, page=True)
        return code

    def document(self, document: Mapping[str, Any]) -> None:
        """Print the one JSON document of this run, or one of the many lines of a batch."""
        from helpdesk.surfaces.json_output import as_json

        self.printed = True
        if error := document.get("error"):
            document = {**document, "error": {**error, "hint": typed(error["hint"], self.look.profile)}}
        self.lines([as_json(document, line=bool(self.flags.batch))])

    def lines(self, lines: Sequence[str], *, page: bool = False) -> None:
        """Print lines that were cleaned already on standard output."""
        from helpdesk.surfaces.output import write

        if "teller" in self.__dict__:
            self.teller.settle()
        if not self.flags.json:
            lines = [part for line in lines for part in self.look.lines(self.look.fit(line))]
        write(lines, pager=page and self._may_page(len(lines)), out=self.out)

    def complain(self, lines: Sequence[str]) -> None:
        """Print lines that were cleaned already on standard error."""
        for line in lines:
            self.teller.line(line)

    def _may_page(self, count: int) -> bool:
        flags = self.flags
        if flags.no_pager or flags.plain or flags.json or not self.look.moves:
            return False
        asked = self.environ.get("LINES", "")
        rows = int(asked) if asked.isascii() and asked.isdigit() else 0
        return count >= (rows or os.get_terminal_size(stdout().fileno()).lines)

    def close(self) -> None:
        """Restore the terminal, sign the log and close connections; safe to call twice."""
        from helpdesk.errors import LogUnavailable

        terminal, desk = self.__dict__.pop("terminal", None), self.__dict__.pop("desk", None)
        if terminal is not None:
            terminal.close()
        if desk is not None:
            try:
                desk.close(at_once=self.interrupted)
            except LogUnavailable as error:
                self.complain([f"warning: {clean(error.message)} {clean(error.hint)}".rstrip()])


def _target(place: str) -> Target:
    """Where secrets go; made now, while every open descriptor is still the caller's."""
    from helpdesk.surfaces.reveal import Target

    return Target(place)


_CURRENT: list[Invocation] = []


def use(invocation: Invocation) -> None:
    """Make this the invocation that commands get."""
    _CURRENT[:] = [invocation]


def current() -> Invocation:
    """The invocation that the running command belongs to."""
    return _CURRENT[0]
