"""``worker``: carries out what outlives the terminal. Serving, looking at it, and what an operator needs for it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpdesk.errors import Exit, NotSignedIn, Unreachable
from helpdesk.surfaces.cli.commands import CONTEXT, EPILOG, CommandGroup
from helpdesk.surfaces.cli.invocation import Invocation, current

if TYPE_CHECKING:
    from helpdesk.app.workbench import Workbench
    from helpdesk.surfaces.cli.worker_log import WorkerLog

SCHEMA = "helpdesk.worker/1"
LOOK_SECONDS = 0.25
QUIET_LOOKS = 3
"""So often in a row nothing is due before ``--once`` ends."""

app = typer.Typer(
    cls=CommandGroup,
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings=CONTEXT,
    epilog=EPILOG,
)


@app.callback()
def serve(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is due any more.")] = False,
    drain: Annotated[
        int, typer.Option("--drain", min=0, metavar="SECONDS", help="How long what runs may take to end.")
    ] = 30,
) -> int:
    """Carry out approved requests, workflows and the ends of access, in the foreground.

    Examples:

    helpdesk worker

    helpdesk worker status

    helpdesk worker unit > ~/.config/systemd/user/helpdesk-worker.service

    SIGTERM ends it in good order: what runs comes to the end of its step, and another worker goes on. With --json
    the log is one JSON object a line.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    run = current()
    run.changes_at_once("worker")
    from helpdesk.app.workbench import Workbench
    from helpdesk.surfaces.cli.worker_log import WorkerLog
    from helpdesk.surfaces.output import stderr, stdout

    log = WorkerLog(stdout() if run.flags.json else stderr(), run.desk.clock, as_json=run.flags.json)
    bench = Workbench(run.desk, log)
    run.printed = True
    _can_sign_in(bench, log)
    stop = _signals()
    bench.open()
    log("serving", kinds=", ".join(sorted(bench.kinds)))
    try:
        health = _health(bench, log)
        try:
            _until(bench, stop, once=once)
        finally:
            if health is not None:
                health.close()
    finally:
        log("draining")
        active = bench.serving.active
        drained = bench.close(drain)
        log("ended") if drained else log("not-drained", active=active)
    return Exit.OK if drained else Exit.FAILED


def _can_sign_in(bench: Workbench, log: WorkerLog) -> None:
    """A worker whose password is wrong does not begin; one whose directory is away does, and waits for it."""
    import asyncio

    try:
        asyncio.run(bench.acting())
    except Unreachable as error:
        log("sign-in", error=error)
    except NotSignedIn:
        bench.acting.close()
        raise


def _signals() -> threading.Event:
    """Set by the first signal; the second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    from helpdesk.platform import ending_signals

    for number in (signal.SIGINT, *ending_signals()):
        signal.signal(number, asked)
    return stop


def _until(bench: Workbench, stop: threading.Event, *, once: bool) -> None:
    from helpdesk.app.working import engine

    quiet = 0
    while not stop.wait(LOOK_SECONDS if once else 3600):
        if not once:
            continue
        found = engine(bench.parts)
        quiet = 0 if bench.serving.active or found.busy() or found.due()[0] else quiet + 1
        if quiet >= QUIET_LOOKS:
            return


def _health(bench: Workbench, log: WorkerLog) -> Any:
    endpoint = bench.parts.config.worker.metrics
    if not endpoint:
        return None
    from helpdesk.app.health import health_of

    health = health_of(bench, endpoint)
    log("health", address=":".join(map(str, health.address)))
    return health


@app.command(context_settings=CONTEXT, epilog=EPILOG)
def status() -> int:
    """Who serves, and what waits. Exit code 1 when no worker is alive."""
    from helpdesk.app.health import state_of

    run = current()
    document = state_of(run.desk)
    alive = any(worker["alive"] for worker in document["workers"])
    return run.answer({"schema": SCHEMA, **document}, _lines(run, document), code=0 if alive else Exit.FAILED)


def _lines(run: Invocation, document: dict[str, Any]) -> list[str]:
    from helpdesk.surfaces.columns import table

    look = run.look
    rows = [
        (
            one["id"],
            "alive" if one["alive"] else "silent",
            one["heard"],
            one["version"],
            ", ".join(one["kinds"]),
        )
        for one in document["workers"]
    ]
    lines = table(("worker", "state", "heard of", "version", "kinds"), rows, look)
    if not rows:
        lines = ["No worker serves. Start one: helpdesk worker"]
    runs = ", ".join(f"{number} {state}" for state, number in document["runs"].items() if number)
    lines += ["", f"Runs in {document['store']}: {runs or 'none'}"]
    if document["due"]:
        lines.append(f"{document['due']} wait for a worker, the oldest since {document['oldest_due']}")
    if document["overdue"]:
        lines.append(f"{document['overdue']} ends of access are overdue: helpdesk grants list")
    return lines


@app.command(context_settings=CONTEXT, epilog=EPILOG)
def key() -> int:
    """Print this host's public key, for [worker] trusted_hosts on the other hosts."""
    run = current()
    line = run.desk.seals.line
    return run.answer({"schema": "helpdesk.worker-key/1", "key": line}, [line])


@app.command(context_settings=CONTEXT, epilog=EPILOG)
def unit() -> int:
    """Print a systemd unit for a worker of this account and profile."""
    from helpdesk.surfaces.cli.worker_unit import unit_text

    run = current()
    text = unit_text(run.flags.profile, run.desk.config.worker.password)
    return run.answer({"schema": "helpdesk.worker-unit/1", "unit": text}, text.splitlines())
