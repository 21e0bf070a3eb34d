# ruff: noqa: ARG002 (typer hands its context to every method)
"""``why``: what an entry of the log says happened and why, or what would happen now."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from typer.core import TyperCommand, TyperGroup

from helpdesk.errors import UsageError
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.cli.commands import CONTEXT, EPILOG
from helpdesk.surfaces.cli.do import action_command, arguments_of, catalog, synopsis
from helpdesk.surfaces.cli.invocation import Invocation, current
from helpdesk.surfaces.output import results_only

if TYPE_CHECKING:
    from helpdesk.ports import SignedIn

T = TypeVar("T")
_REQUEST = re.compile(r"[Rr]-[0-9A-Za-z]{6}", re.ASCII)


class WhyGroup(TyperGroup):
    """One command for each action, and one for each number."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [spec.name for spec in catalog().specs]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name.isascii() and cmd_name.isdigit():
            return TyperCommand(
                name=cmd_name,
                callback=lambda: explain_entry(int(cmd_name)),
                help=f"Explain entry {cmd_name} of the log.",
                context_settings=CONTEXT,
                rich_markup_mode=None,
            )
        if _REQUEST.fullmatch(cmd_name):
            return TyperCommand(
                name=cmd_name,
                callback=lambda: explain_request(cmd_name),
                help=f"Explain request {cmd_name.upper()}.",
                context_settings=CONTEXT,
                rich_markup_mode=None,
            )
        spec = catalog().spec(cmd_name)  # NotFound names the nearest ones
        return action_command(_without_secrets(spec), explain_call)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write_usage("helpdesk why", "ENTRY | REQUEST | ACTION [ARGUMENTS]...")
        formatter.write_paragraph()
        formatter.write_text(
            "With the number of a log entry: who did it, as whom, which rule decided, where each value came from, "
            "and what was read back. With an action: whether you may run it now, which condition fails, who could "
            "approve or do it, and what would change. With a request: who can say yes now and who did, what it waits "
            "for, what would move it, and when it expires. Nothing is changed."
        )
        with formatter.section("Examples"):
            formatter.write(
                "  helpdesk why 42\n  helpdesk why R-7K3F2Q\n  helpdesk why access.grant bo finance-share\n"
            )
        with formatter.section("Actions"):
            formatter.write_dl([(synopsis(spec), spec.summary) for spec in catalog().specs])
        formatter.write_paragraph()
        formatter.write_text(EPILOG)


def explain_entry(entry: int) -> int:
    """Explain one entry of the log."""
    from helpdesk.surfaces.why_lines import entry_lines

    run = current()

    async def work(signed_in: SignedIn) -> Any:
        return await run.desk.why_entry(entry, signed_in)

    why = _signed_in(run, work)
    return run.answer(why.plain(), entry_lines(why, run.look))


def explain_request(id: str) -> int:
    """Explain one request."""
    from helpdesk.surfaces.why_request_lines import request_lines

    run = current()

    async def work(signed_in: SignedIn) -> Any:
        return await run.desk.why_request(id, signed_in, run.terminal)

    why = _signed_in(run, work)
    return run.answer(why.plain(), request_lines(why, run.look))


def explain_call(spec: ActionSpec, given: dict[str, Any]) -> int:
    """Explain what an action would do now.

    Raises:
        UsageError: an argument is missing, unknown, given twice, or of the wrong kind.
    """
    from helpdesk.surfaces.why_lines import call_lines

    run = current()
    arguments = arguments_of(spec, given)

    async def work(signed_in: SignedIn) -> Any:
        from helpdesk.actions.call import Call, Provenance
        from helpdesk.actions.schema import parse_arguments

        values = parse_arguments(spec, arguments)
        call = Call(spec.name, values, dict.fromkeys(values, Provenance.TYPED))
        return await run.desk.why_call(call, signed_in, run.terminal)

    why = _signed_in(run, work)
    return run.answer(why.plain(), call_lines(why, run.look))


def _signed_in(run: Invocation, work: Callable[[SignedIn], Awaitable[T]]) -> T:
    """Run something read-only as whoever is signed in; what a plugin prints stays out of the answer."""
    if run.flags.yes or run.flags.yes_for:
        raise UsageError("helpdesk why changes nothing, so there is nothing to confirm.")

    async def whole() -> T:
        return await work(await run.signed_in())

    with results_only():
        return run.run(whole())


def _without_secrets(spec: ActionSpec) -> ActionSpec:
    """Secrets play no part in what the policy says; none is asked for."""
    return replace(spec, parameters=tuple(p for p in spec.parameters if p.kind != "secret"))


command = WhyGroup(
    name="why", no_args_is_help=True, context_settings=CONTEXT, rich_markup_mode=None, epilog=EPILOG
)
