"""A slash command's words: an action with its arguments, as ``helpdesk do`` takes them, and what history may keep."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from helpdesk.actions.call import Call, Provenance
from helpdesk.actions.schema import parse_value
from helpdesk.conversation.words import without_secrets
from helpdesk.errors import UsageError
from helpdesk.spec import ActionSpec


def words_of(line: str) -> list[str]:
    """The words of a command. Raises UsageError for a quotation mark without an end."""
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageError("A quotation mark has no end.", hint="Put another one at the end.") from None


def call_of(spec: ActionSpec, words: Sequence[str]) -> tuple[Call, bool]:
    """The call that the words behind an action's name stand for, and whether only its preview is wanted.

    Raises:
        UsageError: they fit no argument. InvalidArgument: a value is none.
    """
    from helpdesk.surfaces.cli.do import action_command, arguments_of
    from helpdesk.surfaces.cli.globals import Flags, split

    flags, rest = split(words)
    if flags != Flags(dry_run=flags.dry_run):
        raise UsageError("Of the flags that work everywhere only --dry-run goes with this.")
    given: dict[str, Any] = {}

    def keep(_: ActionSpec, found: dict[str, Any]) -> int:
        given.update(found)
        return 0

    _parse(action_command(spec, keep), spec, rest)
    for parameter in spec.parameters:
        if parameter.kind == "secret" and (given.get(parameter.name) or given.get(f"{parameter.name}_file")):
            raise UsageError(
                f"A secret is asked for and never typed into a line, so {parameter.flag} is left out here.",
                hint=f"/do {spec.name}",
            )
    arguments = arguments_of(spec, given)
    values = {name: parse_value(_parameter(spec, name), value) for name, value in arguments.items()}
    return Call(spec.name, values, dict.fromkeys(values, Provenance.TYPED)), flags.dry_run


def _parameter(spec: ActionSpec, name: str) -> Any:
    return next(parameter for parameter in spec.parameters if parameter.name == name)


def _parse(command: Any, spec: ActionSpec, words: Sequence[str]) -> None:
    from helpdesk.surfaces.cli.commands import ParserError
    from helpdesk.surfaces.look import clean

    if {"-h", "--help"} & set(words):
        usage = " ".join(p.flag if not p.required else p.name.upper() for p in spec.parameters)
        raise UsageError(f"{spec.name}: {spec.summary}", hint=f"/do {spec.name} {usage}".rstrip())
    try:
        command.main(args=list(words), prog_name=spec.name, standalone_mode=False)
    except ParserError as error:
        told: Any = error
        message = clean(told.format_message()).strip()
        raise UsageError(
            message if message.endswith((".", "?", "!")) else f"{message}.", hint=f"/do {spec.name} --help"
        ) from error


def to_keep(line: str, specs: Sequence[ActionSpec]) -> str:
    """A line as the history keeps it: of an action that takes a secret, its name and nothing behind it (S1)."""
    first, _, rest = line.strip().partition(" ")
    if first in ("/do", "/why"):
        name = rest.split()[0] if rest.split() else ""
        spec = next((spec for spec in specs if spec.name == name), None)
        if spec is None or any(parameter.kind == "secret" for parameter in spec.parameters):
            return f"{first} {spec.name if spec else ''}".rstrip()
    return without_secrets(line)
