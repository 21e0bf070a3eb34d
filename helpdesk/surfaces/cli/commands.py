# ruff: noqa: ARG002 (typer hands its context to every method)
"""The table of commands, and the parser made from it. The only module that is typer's at every start."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

from helpdesk.errors import UsageError
from helpdesk.surfaces.cli.globals import HELP
from helpdesk.surfaces.cli.invocation import Invocation

_HERE = "helpdesk.surfaces.cli."
CONTEXT = {"help_option_names": ["-h", "--help"]}
ParserError: type[Exception] = typer.BadParameter.__mro__[2]  # everything the parser complains with


@dataclass(frozen=True, slots=True)
class Row:
    """One command: ``where`` is "module:name" of a function, a Typer app or a command."""

    name: str
    where: str
    help: str


GROUPS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "Every day",
        (
            Row("ask", f"{_HERE}ask:ask", "Ask for something in your own words"),
            Row("chat", f"{_HERE}chat:chat", "The same as a conversation"),
            Row("tui", f"{_HERE}tui:tui", "The full-screen app; helpdesk alone opens it too"),
            Row("do", f"{_HERE}do:command", "Run an action by its name; alone: the actions you may run"),
            Row(
                "case",
                f"{_HERE}case:app",
                "What you are working on, in any window: list, show, close, export",
            ),
            Row("approvals", f"{_HERE}approvals:app", "Requests that wait for you, and your own"),
            Row(
                "grants",
                f"{_HERE}grants:app",
                "Access that ends by itself: list, extend, return, revoke, review",
            ),
            Row("workflow", f"{_HERE}workflow:app", "Processes of several steps, and what is under way"),
            Row("policy", f"{_HERE}policy:app", "Search and read the company's policies"),
            Row("undo", f"{_HERE}undo:undo", "Take back what an entry of the log says was done"),
            Row("why", f"{_HERE}why:command", "Why something was refused or done, or would be"),
        ),
    ),
    (
        "Signing in",
        (
            Row("login", f"{_HERE}login:login", "Sign in, for the length of a session"),
            Row("logout", f"{_HERE}login:logout", "Forget the session"),
            Row("whoami", f"{_HERE}login:whoami", "Who is signed in, with roles and groups"),
        ),
    ),
    (
        "Looking after it",
        (
            Row("log", f"{_HERE}log:app", "Read and verify the log of everything done"),
            Row("worker", f"{_HERE}worker:app", "Carry out what was approved, and look at who does"),
            Row("reconcile", f"{_HERE}reconcile:reconcile", "Read back what was left unknown"),
            Row("store", f"{_HERE}store:app", "Where requests are kept: status, migrate, backup, restore"),
            Row("doctor", f"{_HERE}doctor:doctor", "Check directory, keyring, model, log and plugins"),
            Row("config", f"{_HERE}config:app", "Show the settings and where each comes from"),
            Row("plugin", f"{_HERE}plugin:app", "List the plugins and their actions"),
            Row("completions", f"{_HERE}completions:completions", "Print the completion script of a shell"),
            Row("privacy", f"{_HERE}privacy:privacy", "Show what a model would be sent"),
            Row("demo", f"{_HERE}demo:demo", "A whole company on this machine, to try it"),
        ),
    ),
)
ROWS = {row.name: row for _, rows in GROUPS for row in rows}

EXAMPLES = (
    ('helpdesk ask "get me into finance-share for the quarter close"', "finds the action, shows it, asks, does it"),
    ('helpdesk ask "I\'m locked out"', "why, until when, and who can lift it; no sign-in needed"),
    ("helpdesk do password.reset LOGIN", "one action by its name"),
    ("helpdesk demo", "a company to try it on, nothing to configure"),
)  # fmt: skip
EXITS = (
    "0 done or previewed · 1 failed or cancelled · 2 usage · 3 refused · 4 pending or accepted · "
    "5 not signed in · 6 unknown, reconcile it · 7 a system is unreachable · 8 partial · 130/143 interrupted"
)
_MORE = (
    ("helpdesk help COMMAND", "more about one of them"),
    ("helpdesk help topics", "the whole manual; it needs no network"),
    ("helpdesk help --man", "as a man page"),
)


class RootGroup(TyperGroup):
    """Commands by name, each imported when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*ROWS, "help"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        row = ROWS.get(cmd_name)
        if row is None:
            if "." in cmd_name:
                raise UsageError(
                    f"{cmd_name} is no command.", hint=f"helpdesk do {cmd_name}", code="unknown-command"
                )
            near = get_close_matches(cmd_name, ROWS, n=2, cutoff=0.5)
            raise UsageError(
                f"There is no command {cmd_name!r}.",
                hint=f"Did you mean {' or '.join(near)}?" if near else "helpdesk --help lists them.",
                code="unknown-command",
            )
        return load(row)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write_text(
            "helpdesk carries IT requests out, and reads the result back from the system it changed."
        )
        with formatter.section("Examples"):
            for example, note in EXAMPLES:
                formatter.write(f"  {example}\n      {note}\n")
        for title, rows in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(row.name, row.help) for row in rows])
        with formatter.section("Everywhere, before or after the command"):
            formatter.write_dl(list(HELP))
        with formatter.section("Exit codes"):
            formatter.write_text(EXITS)
        with formatter.section("Read on"):
            formatter.write_dl(list(_MORE))


class CommandGroup(TyperGroup):
    """A group whose commands are listed with their whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        members = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, (member.help or "").split("\n\n")[0].replace("\n", " "))
            for name, member in members
            if member
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def load(row: Row) -> Any:
    """A row's command, imported now.

    Raises:
        UsageError: this copy of the program comes without it.
    """
    module_name, _, attribute = row.where.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise UsageError(f"This copy of helpdesk comes without the command {row.name}.") from error
    found = getattr(module, attribute)
    if isinstance(found, typer.Typer):
        command = typer.main.get_command(found)
    elif isinstance(found, type) or not hasattr(found, "make_context"):
        command = command_of(found, row.name)
    else:
        command = found
    command.name = row.name
    return command


def command_of(function: Callable[..., Any], name: str) -> Any:
    """A plain function as a command; its docstring is the help, its signature the parameters."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, context_settings=CONTEXT, epilog=EPILOG)(function)
    return typer.main.get_command(app)


EPILOG = "Flags that work everywhere: helpdesk --help"


def group(help: str) -> typer.Typer:
    """An app for a group of commands; use its ``command`` decorator."""
    return typer.Typer(
        cls=CommandGroup,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        help=help,
        context_settings=CONTEXT,
        epilog=EPILOG,
    )


def dispatch(invocation: Invocation, words: list[str]) -> int:
    """Parse and run; the exit code.

    Raises:
        UsageError: the words fit no command. Whatever the command raises.
    """
    if not words:
        if invocation.flags.json:
            raise UsageError("A command is missing.", hint="helpdesk --help", code="missing-command")
        words = ["--help"]
    root = RootGroup(name="helpdesk", context_settings=CONTEXT, add_help_option=True, rich_markup_mode=None)
    try:
        code = root.main(args=words, prog_name="helpdesk", standalone_mode=False)
    except ParserError as error:
        return _misread(invocation, error)
    return int(code or 0)


def _misread(invocation: Invocation, error: Any) -> int:
    """The parser's complaint as one of ours; a group without a command shows its help."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "helpdesk"
    if context is not None and type(error).__name__.startswith("NoArgsIsHelp"):
        if invocation.flags.json:
            raise UsageError("A command is missing.", hint=f"{path} --help", code="missing-command")
        from helpdesk.surfaces.look import clean

        invocation.lines([clean(context.get_help(), one_line=False)])
        return 0
    message = error.format_message().strip().replace("\n", " ")
    raise UsageError(message if message.endswith((".", "?", "!")) else f"{message}.", hint=f"{path} --help")
