"""``demo``: a whole company on this machine, and the story it plays."""

from __future__ import annotations

import importlib
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.errors import Cancelled, Exit, UsageError
from helpdesk.surfaces.cli.invocation import Invocation, current, use

if TYPE_CHECKING:
    from helpdesk.demo.founding import Company
    from helpdesk.demo.story import Played

SCHEMA = "helpdesk.demo/1"
STORY, APP, CHAT, LOCK, LEAVE = "story", "app", "chat", "lock", "leave"
LOCKED = "ines"


def demo(
    script: Annotated[
        bool, typer.Option("--script", help="Play the whole story in a company that is gone afterwards.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Take your demo company down first, and found it anew.")
    ] = False,
) -> int:
    """Try helpdesk on a company that exists on this machine only. Nothing to configure, no network.

    Examples:

    helpdesk demo

    helpdesk demo --script

    helpdesk ask "I'm locked out" --profile demo

    On a terminal it tells whom you can be and plays the story scene by scene. With --script it checks every
    scene by its outcome, its receipt and the directory: exit code 0 only if all ended exactly as expected.
    """
    run = current()
    _check(run, script=script, reset=reset)
    if script:
        return _play_all(run)
    from helpdesk.demo.founding import found, take_down
    from helpdesk.events import Progress

    run.terminal.emit(Progress("demo", "Looking for the company, or founding it"))
    taken_down = reset and take_down(run.environ)
    company = found(run.environ)
    brief = run.terminal.interactive and not run.flags.json
    _welcome(run, company, taken_down=taken_down, brief=brief)
    if run.flags.json or not run.terminal.interactive:
        return Exit.OK
    return _stay(run, company)


def _check(run: Invocation, *, script: bool, reset: bool) -> None:
    from helpdesk.config.load import DEMO

    run.changes_at_once("demo")
    flags = run.flags
    if flags.profile not in ("", DEMO):
        raise UsageError(
            f"The demo's company lives in the profile {DEMO} only.", hint="Leave --profile out: helpdesk demo"
        )
    if flags.login or flags.yes or flags.yes_for or flags.reveal_to:
        raise UsageError(
            "In the demo its own people sign in and confirm.",
            hint="Try a command as one of them: helpdesk do --profile demo --as LOGIN",
        )
    if script and reset:
        raise UsageError(
            "--script plays in a company of its own, so there is nothing to reset.", hint="Leave one out."
        )
    flags.profile = ""  # what the story prints is typed in a company that is gone afterwards


# ── the script ────────────────────────────────────────────────────────────────────────────────


def _play_all(run: Invocation) -> int:
    """Every scene without a question; what went wrong is named, and ends it with exit code 1."""
    from helpdesk.demo.performance import performance, temporary_company
    from helpdesk.demo.scenes import SCENES
    from helpdesk.surfaces.cli.demo_lines import ending, opening, played_lines

    played: list[Played] = []

    async def work() -> None:
        if not run.flags.json:
            run.lines(opening(run.look))
        with temporary_company() as company:
            async with aclosing(performance(company)) as scenes:
                async for one in scenes:
                    played.append(one)
                    if not run.flags.json:
                        run.lines(played_lines(one, run.look))

    run.run(work())
    ok = len(played) == len(SCENES) and all(one.ok for one in played)
    if run.flags.json:
        run.document(_document(played, ok))
    elif ok:
        run.lines(ending(played, len(SCENES), run.look))
    if not ok:
        run.complain(ending(played, len(SCENES), run.error_look))
    return Exit.OK if ok else Exit.FAILED


def _document(played: list[Played], ok: bool) -> dict[str, Any]:
    from helpdesk.demo.story import fact_document
    from helpdesk.surfaces.json_output import result_document

    steps = [
        {
            "number": one.number,
            "title": one.title,
            "who": {"login": one.who.login, "name": one.who.name},
            "says": one.says,
            "lines": [line.to_json() for line in one.lines],
            "expected": one.expected.value,
            "result": result_document(one.result),
            "facts": [fact_document(fact) for fact in one.facts],
            "ok": one.ok,
            "problems": list(one.problems),
        }
        for one in played
    ]
    return {"schema": SCHEMA, "ok": ok, "steps": steps}


# ── on a terminal ─────────────────────────────────────────────────────────────────────────────


def _welcome(run: Invocation, company: Company, *, taken_down: bool, brief: bool) -> None:
    from helpdesk.config.load import DEMO
    from helpdesk.demo.company import EMPLOYEES, NAME
    from helpdesk.surfaces.cli.demo_lines import welcome

    if not run.flags.json:
        run.lines(welcome(run.look, new=company.new, taken_down=taken_down, brief=brief))
        return
    people = [
        {"login": one.login, "name": one.name, "title": one.title, "password": one.words} for one in EMPLOYEES
    ]
    run.document(
        {
            "schema": SCHEMA,
            "company": NAME,
            "new": company.new,
            "profile": DEMO,
            "people": people,
        }
    )


def _stay(run: Invocation, company: Company) -> int:
    """Story, app or chat, as often as the visitor likes."""
    from helpdesk.events import Choice, Question

    choices = (
        Choice(STORY, "see the story, scene by scene, in a copy of the company"),
        Choice(APP, "open the full-screen app, to be one of them"),
        Choice(CHAT, "talk to helpdesk line by line"),
        Choice(LOCK, "lock Ines out of her account; then be her, and have the service desk help"),
        Choice(LEAVE, "leave; the company stays until helpdesk demo --reset"),
    )
    question = Question("next", "What now?", "--script", choices, default=STORY)
    while True:
        try:
            answer = run.run(run.terminal.ask(question))
        except Cancelled:
            return Exit.OK
        if answer == STORY:
            _step_through(run)
        elif answer == APP:
            return _inside(run, "helpdesk.surfaces.cli.tui:tui")
        elif answer == CHAT:
            return _inside(run, "helpdesk.surfaces.cli.chat:chat")
        elif answer == LOCK:
            _lock(run, company)
        elif answer in (LEAVE, "q", "quit", "exit"):
            return Exit.OK


def _lock(run: Invocation, company: Company) -> None:
    from helpdesk.demo.company import employee

    ines = employee(LOCKED)
    company.lock_out(LOCKED)
    run.lines(
        [
            f"{ines.name} mistyped her password at her computer until the directory locked her account, for a quarter of an hour.",
            f"In the app or the chat say “I'm locked out”, as {LOCKED} with {ines.words}: it tells why, and who can help.",
            f"Then sign in as tomas, also in a second terminal, and say “unlock {LOCKED}”.",
        ]
    )


def _inside(run: Invocation, command: str) -> int:
    """A command in the visitor's own company, as ``helpdesk chat --profile demo`` is."""
    from helpdesk.config.load import DEMO

    module, _, name = command.partition(":")
    begin = getattr(importlib.import_module(module), name)
    run.close()
    inside = Invocation(replace(run.flags, profile=DEMO), run.environ)
    use(inside)
    try:
        return int(begin())
    finally:
        inside.close()
        use(run)


def _step_through(run: Invocation) -> None:
    from helpdesk.demo.performance import performance, temporary_company
    from helpdesk.demo.scenes import SCENES
    from helpdesk.events import Progress, Question
    from helpdesk.surfaces.cli.demo_lines import ending, played_lines

    played: list[Played] = []

    async def work() -> None:
        run.terminal.emit(Progress("demo", "Founding a copy of the company"))
        with temporary_company() as company:
            async with aclosing(performance(company)) as scenes:
                async for one in scenes:
                    played.append(one)
                    run.lines(played_lines(one, run.look))
                    if not one.ok or len(played) == len(SCENES):
                        return
                    left = len(SCENES) - len(played)
                    text = f"Enter for the next scene ({left} to come), q to stop"
                    answer = await run.terminal.ask(Question("next", text, "--script"))
                    if answer.casefold() in ("q", "quit", "stop"):
                        return

    try:
        run.run(work())
    except Cancelled:
        return
    if len(played) == len(SCENES) or not played[-1].ok:
        run.lines(ending(played, len(SCENES), run.look))
