# ruff: noqa: ARG002 (typer hands its context to every method)
"""``do``: an action by its name, with the flags its own signature gives it; alone, the list of actions.

Flags and help come from the cached manifest: no plugin is imported to show them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from helpdesk.actions.catalog import Catalog
from helpdesk.errors import UsageError
from helpdesk.spec import ActionSpec, Parameter
from helpdesk.surfaces.cli.commands import CONTEXT, EPILOG
from helpdesk.surfaces.cli.globals import BATCH_HELP, LATER_HELP
from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.surfaces.cli.moments import effective_at
from helpdesk.surfaces.look import clean
from helpdesk.workflows.installed import catalog_of

_METAVARS = {"login": "LOGIN", "group": "GROUP", "date": "YYYY-MM-DD", "integer": "N", "text": "TEXT"}
_VALUES = "positional_values"


@cache
def _catalog(folder: Any) -> Catalog:
    return catalog_of(folder)


def catalog() -> Catalog:
    """The catalog of this run's profile; it needs no configuration."""
    return _catalog(current().paths.cache)


class DoGroup(TyperGroup):
    """One command for each action."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [spec.name for spec in catalog().specs]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return action_command(catalog().spec(cmd_name))  # NotFound names the nearest ones

    def invoke(self, ctx: Any) -> Any:
        self.callback = lambda: None if ctx.invoked_subcommand else _alone()
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage("helpdesk do", "[ACTION [ARGUMENTS]...]")
        formatter.write_paragraph()
        formatter.write_text(
            "Run an action by its name. You see what will change and confirm it; the result is read back and "
            "logged. Without an action: the ones you may run. Its flags: helpdesk do ACTION --help"
        )
        with formatter.section("Examples"):
            formatter.write(
                "  helpdesk do password.unlock ana\n  helpdesk do access.request finance-share -n\n"
            )
        with formatter.section("Many at once"):
            formatter.write_dl(list(BATCH_HELP))
        with formatter.section("What needs an approval"):
            formatter.write_dl(list(LATER_HELP))
        for plugin, specs in grouped(catalog().specs).items():
            with formatter.section(plugin.capitalize()):
                formatter.write_dl([(synopsis(spec), spec.summary) for spec in specs])
        formatter.write_paragraph()
        formatter.write_text(EPILOG)


def grouped(specs: Any) -> dict[str, list[ActionSpec]]:
    """Specs by the first half of their names."""
    groups: dict[str, list[ActionSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.name.partition(".")[0], []).append(spec)
    return groups


def synopsis(spec: ActionSpec) -> str:
    """The action and what it needs: "access.grant PERSON GROUP [--until YYYY-MM-DD]"."""
    words = [spec.name, *(p.name.upper() for p in positional(spec))]
    words += [f"[{p.flag}{_value(p)}]" for p in spec.parameters if not p.required and p.kind != "secret"]
    return " ".join(words)


def _value(parameter: Parameter) -> str:
    return "" if parameter.kind == "boolean" else f" {_metavar(parameter)}"


def positional(spec: ActionSpec) -> list[Parameter]:
    """The arguments that may stand after the action's name, in this order."""
    return [p for p in spec.parameters if p.required and p.kind != "secret"]


# ── one action's command ──────────────────────────────────────────────────────────────────────


class _Values(TyperArgument):
    """Whatever stands after the action's name; it fills the required arguments in their order."""

    def make_metavar(self, ctx: Any, *, usage: bool = False) -> str:
        return self.metavar or ""


class _Once(TyperOption):
    """A flag with a value that may be given once: the parser alone would take the last and say nothing."""

    def __init__(self, *, param_decls: list[str], **more: Any) -> None:
        super().__init__(param_decls=param_decls, multiple=True, **more)

    def process_value(self, ctx: Any, value: Any) -> Any:
        """Raises UsageError: it was given twice."""
        values = super().process_value(ctx, value) or ()
        if len(values) > 1:
            flag = self.opts[0]
            raise UsageError(
                f"{flag} was given {_times(len(values))}.", hint="Give it once.", code="given-twice"
            )
        return values[0] if values else None


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def action_command(
    spec: ActionSpec, then: Callable[[ActionSpec, dict[str, Any]], int] | None = None
) -> TyperCommand:
    """The command of one action, made from its spec alone; it runs the action, or does something else with it."""
    needed = positional(spec)
    values = _Values(
        param_decls=[_VALUES],
        nargs=-1,
        required=False,
        metavar=" ".join(p.name.upper() for p in needed),
        hidden=True,
    )
    options = [option for p in spec.parameters for option in _options(p)]

    def callback(**given: Any) -> int:
        return (then or perform)(spec, given)

    return TyperCommand(
        name=spec.name,
        callback=callback,
        params=[values, *options],
        help=_help(spec),
        epilog=EPILOG,
        context_settings=CONTEXT,
        rich_markup_mode=None,
    )


def _help(spec: ActionSpec) -> str:
    parts = [clean(spec.summary), clean(spec.description, one_line=False)]
    if spec.examples:
        words = "\n".join(f'  helpdesk ask "{clean(example)}"' for example in spec.examples[:3])
        parts.append(f"\b\nIn words:\n{words}")
    kind = "It only reads." if spec.reads else f"It changes something; the risk is {spec.risk}."
    if spec.reveals:
        kind += " It makes a password, shown once on the terminal, or written where --reveal-to says."
    parts.append(kind)
    return "\n\n".join(part for part in parts if part)


def _options(p: Parameter) -> list[TyperOption]:
    help_text = clean(p.help)
    if p.required and p.kind != "secret":
        help_text = f"{help_text} (required)".strip()
    elif p.default is not None:
        help_text = f"{help_text} (default: {clean(p.default)})".strip()
    if p.kind == "secret":
        return [
            _Once(param_decls=[f"{p.flag}-file"], metavar="FILE", help=f"{help_text}; from FILE, or - for "
                  "standard input; asked for when left out"),
            _Once(param_decls=[p.flag], hidden=True, metavar="-"),
        ]  # fmt: skip
    if p.kind == "boolean":
        name = p.flag.removeprefix("--")
        return [TyperOption(param_decls=[f"--{name}/--no-{name}"], is_flag=True, help=help_text)]
    return [_Once(param_decls=[p.flag], metavar=_metavar(p), help=help_text)]


def _metavar(parameter: Parameter) -> str:
    if parameter.moment:
        return "DATE"
    return clean("|".join(parameter.choices)) if parameter.choices else _METAVARS.get(parameter.kind, "TEXT")


# ── running it ────────────────────────────────────────────────────────────────────────────────


def perform(spec: ActionSpec, given: dict[str, Any]) -> int:
    """Run one action with what was typed; its exit code.

    Raises:
        UsageError: an argument is missing, unknown, given twice, or of the wrong kind.
    """
    from helpdesk.events import Result

    run = current()
    if run.flags.batch:
        return _batch(spec, given)
    run.confirms(spec.name)
    arguments = arguments_of(spec, given)
    if not run.terminal.interactive:
        _check_complete(spec, arguments)  # before anyone signs in
    password = run.password()  # the first line of standard input is the password's
    secrets = {p.name: _given_secret(run, p, given) for p in spec.parameters if p.kind == "secret"}

    async def work() -> Result:
        signed_in = await run.desk.signed_in(run.terminal, login=run.flags.login, password=password)
        run.notices(signed_in)
        from helpdesk.actions.call import Call, Provenance  # here: the network comes first
        from helpdesk.actions.schema import parse_arguments

        await _complete(run, spec, arguments)
        values = parse_arguments(spec, arguments)
        found = {name: secret for name, secret in secrets.items() if secret is not None}
        for p in spec.parameters:
            if p.kind == "secret" and p.required and p.name not in found:
                found[p.name] = await run.terminal.ask_secret(_question(p, spec))
        typed = dict.fromkeys(values, Provenance.TYPED)
        call = Call(spec.name, values, typed, found, at=effective_at(run, spec))
        result = await run.desk.run(call, signed_in, run.terminal, dry_run=run.flags.dry_run)
        if result.request and run.flags.wait and result.outcome.value == "pending":
            result = await run.desk.wait(result, run.terminal, run.flags.wait_seconds)
        return await _followed(run, call, result) if spec.process else result

    return run.perform(work)


async def _followed(run: Invocation, call: Any, result: Any) -> Any:
    """The end of a workflow, watched where somebody sits there or ``--wait`` says so; elsewhere it goes on alone."""
    from helpdesk.app.flows import follow, run_of
    from helpdesk.errors import NotFound
    from helpdesk.events import Outcome

    waits = run.terminal.interactive or run.flags.wait
    if result.outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN) or not waits:
        return result
    try:
        return await follow(run.desk, run_of(call), run.terminal, within=run.flags.wait_seconds) or result
    except NotFound:  # it never began
        return result


def arguments_of(spec: ActionSpec, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name: positional values fill the required ones that no flag gave.

    Raises:
        UsageError: there are more values than required arguments, or one is given by its flag as well.
    """
    named = {p.name: given.get(p.name) for p in spec.parameters if p.kind != "secret"}
    arguments = {name: value for name, value in named.items() if value is not None}
    values = list(given.get(_VALUES) or ())
    for p in positional(spec):
        if values and p.name not in arguments:
            arguments[p.name] = values.pop(0)
    if values:
        raise _too_many(spec, named, list(given[_VALUES]), values[0])
    return arguments


def _too_many(spec: ActionSpec, named: dict[str, Any], values: list[str], left: str) -> UsageError:
    """Why a value after the action's name has no place: most likely its flag was given as well."""
    needed = positional(spec)
    for place, p in enumerate(needed):
        if named[p.name] is not None:
            value = values[place] if place < len(values) else left
            return UsageError(
                f"{p.name} was given twice: {value!r} after the action's name, and {named[p.name]!r} with {p.flag}.",
                hint=f"Give it once: leave {p.flag} out, or the value after {spec.name}.",
                code="given-twice",
            )
    takes = " ".join(p.name.upper() for p in needed) or "none"
    flags = [p.flag for p in spec.parameters if not p.required and named.get(p.name) is None]
    return UsageError(
        f"{spec.name} takes no further value {left!r}; its values are: {takes}.",
        hint=f"Perhaps {' or '.join(flags)}?" if flags else f"helpdesk do {spec.name} --help",
    )


def _check_complete(spec: ActionSpec, arguments: dict[str, Any]) -> None:
    missing = next((p for p in positional(spec) if p.name not in arguments), None)
    if missing is not None:
        raise UsageError(
            f"{spec.name} needs {missing.name}.",
            hint=f"Give it after the action's name, or as {missing.flag} VALUE.",
            code="missing-argument",
        )


async def _complete(run: Invocation, spec: ActionSpec, arguments: dict[str, Any]) -> None:
    """Ask for required arguments that were left out, where somebody is there."""
    if not run.terminal.interactive:
        return
    for p in positional(spec):
        if p.name not in arguments:
            arguments[p.name] = await run.terminal.ask(_question(p, spec))


def _question(p: Parameter, spec: ActionSpec) -> Any:
    from helpdesk.events import Choice, Question

    what = p.help or p.name.replace("_", " ")
    secret = p.kind == "secret"
    return Question(
        name=p.name,
        text=f"{what[:1].upper()}{what[1:]} ({spec.name})",
        flag=f"{p.flag}-file FILE" if secret else p.flag,
        choices=tuple(Choice(choice, choice) for choice in p.choices),
        secret=secret,
        repeat=secret,
    )


def _given_secret(run: Invocation, p: Parameter, given: dict[str, Any]) -> Any:
    """A secret argument from a file or from standard input; ``None`` when it must be asked for."""
    from helpdesk.surfaces.passwords import from_file, from_stdin

    file, value = given.get(f"{p.name}_file"), given.get(p.name)
    if value == "-":
        secret = from_stdin(f"{p.flag} -")
    elif value is not None:
        raise UsageError(
            f"A secret never stands on the command line, where everyone on this machine can read {p.flag}.",
            hint=f"Leave it out to be asked, or use {p.flag}-file FILE.",
        )
    elif file:
        secret = from_file(file, f"{p.flag}-file")
    else:
        return None
    run.terminal.known.append(secret)
    return secret


# ── the list ──────────────────────────────────────────────────────────────────────────────────


def _batch(spec: ActionSpec | None, given: dict[str, Any]) -> int:
    from helpdesk.surfaces.cli.batch import perform_batch

    if given.get(_VALUES):
        raise UsageError(
            "With --batch the values stand in the file.",
            hint="What every row shares is given by its flag, such as --group GROUP.",
        )
    secret = next((p for p in spec.parameters if p.kind == "secret"), None) if spec else None
    if secret and (given.get(secret.name) or given.get(f"{secret.name}_file")):
        raise UsageError(f"A batch takes no secret, so {secret.flag} does not go with it.")
    shared = {p.name: given[p.name] for p in spec.parameters if given.get(p.name) is not None} if spec else {}
    return perform_batch(current(), catalog().specs, spec.name if spec else "", shared)


def _alone() -> int:
    return _batch(None, {}) if current().flags.batch else _list()


def _list() -> int:
    from helpdesk.surfaces.cli.do_list import list_actions

    return list_actions(current(), catalog().specs)


command = DoGroup(
    name="do", invoke_without_command=True, context_settings=CONTEXT, rich_markup_mode=None, epilog=EPILOG
)
