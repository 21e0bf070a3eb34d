"""Starts of the program, each in a process of its own that is killed where it is told.

This process has everything imported and nothing open. For each line of its input, a JSON object, it forks:
the fork is a whole start of the program, from the configuration on, and speaks over the same input and output
until it is dead. Then this process tells how it ended. So one start costs what the program costs, and not what
Python does.

A start signs somebody in (which reads back what an earlier one left), tells what was said, waits for a line that
says what to do, does it, and kills itself with SIGKILL at the point that it was given; see ``fault_points.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, cast

from tests.integration.fault_points import Points, install

INPUT, OUTPUT = 0, 1


def read_line() -> str:
    """One line of the input, and not a byte more: whoever is forked reads on where this stopped."""
    line = bytearray()
    while (byte := os.read(INPUT, 1)) not in (b"", b"\n"):
        line += byte
    return line.decode()


def tell(output: int = OUTPUT, **document: Any) -> None:
    os.write(output, json.dumps(document).encode() + b"\n")


def warm() -> None:
    """Import what a start needs, without opening anything or starting a thread."""
    import cedarpy  # noqa: F401
    import ldap3  # noqa: F401

    import tests.fakes.terminal  # noqa: F401
    from helpdesk.actions.catalog import build
    from helpdesk.config import load
    from helpdesk.gate.authorization import Authorization
    from helpdesk.platform import paths

    catalog, _ = build()
    for action in catalog.specs:
        catalog.action(action.name)
    Authorization.load(catalog.specs, None)
    nowhere = {"HOME": "/nonexistent", "XDG_CONFIG_DIRS": "/nonexistent"}
    load("", nowhere, {}, paths("", nowhere))


def start(job: Mapping[str, Any]) -> NoReturn:
    """One start of the program, in this process; never returns."""
    output, aim = OUTPUT, {"point": job["point"], "pause": job["pause"]}

    def hook(point: str) -> None:
        if point == aim["point"]:
            tell(output, at=point)
            os.kill(os.getpid(), signal.SIGKILL)
        if point == aim["pause"]:
            tell(output, paused=point)
            while not os.path.exists(job["gate"]):
                time.sleep(0.002)

    points = Points(hook, armed=job["armed"])
    install(points)
    if not job["patient"]:
        from helpdesk.actions import reconcile

        reconcile.STILL_ARRIVING = timedelta(0)
    os.environ.clear()
    os.environ.update(job["environ"])
    if job["tty"]:
        output = _terminal(job)
        _end_as_the_program_does(job["words"])
    if job["words"]:
        output = _command_line(job)
        from helpdesk.surfaces.cli.main import run

        code = run(job["words"])
        tell(output, ended=str(code), points=points.passed)
    else:
        asyncio.run(_desk(job, points, aim))
    os._exit(0)


def _command_line(job: Mapping[str, Any]) -> int:
    """Put the password on standard input and the output into a file; where to speak from now on."""
    output = os.dup(OUTPUT)
    out = os.open(job["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    reader, writer = os.pipe()
    os.write(writer, job["password"].encode() + b"\n")
    os.close(writer)
    os.dup2(reader, 0)
    os.setsid()  # no terminal
    return output


def _terminal(job: Mapping[str, Any]) -> int:
    """Make the terminal this process's own; where to speak from now on."""
    import helpdesk.surfaces.terminal

    helpdesk.surfaces.terminal.IGNORE_SECONDS = 0.05  # nobody types ahead here
    output = os.dup(OUTPUT)
    os.setsid()
    terminal = os.open(job["tty"], os.O_RDWR)  # the first one that a session opens becomes its own
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    os.close(terminal)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    tell(output, begun=os.getpid())
    return output


def _end_as_the_program_does(words: list[str]) -> NoReturn:
    from helpdesk.surfaces.cli.main import run_and_exit

    try:
        run_and_exit(words)
    except SystemExit as leaving:
        os._exit(int(leaving.code or 0))


async def _desk(job: Mapping[str, Any], points: Points, aim: dict[str, str]) -> None:
    from helpdesk.app import Desk
    from helpdesk.secrets import Secret
    from tests.fakes.terminal import Person

    desk = Desk.open(environ=os.environ)
    later = timedelta(seconds=job["later"])
    desk.clock = lambda: datetime.now(UTC) + later
    person = Person(password=job["password"])
    signed_in = await desk.signed_in(cast(Any, person), login=job["login"], password=Secret(job["password"]))
    points.armed = False
    tell(told=person.warned, points=points.passed)
    todo = json.loads(read_line())
    if todo["what"]:
        aim["point"], aim["pause"], points.armed = todo["point"], todo["pause"], True
        points.passed.clear()
        jumped = later + timedelta(seconds=todo["jump"])
        desk.clock = lambda: datetime.now(UTC) + jumped
        desk.runner.systems.clock = desk.clock
        result = await _done(desk, todo, signed_in, person)
        points.armed = False
        tell(
            ended=result.outcome.value,
            message=result.message,
            entry=result.entry,
            request=result.request or "",
            asked=[question.name for question in person.questions],
            revealed=[secret.expose() for secret, _ in person.revealed],
            points=points.passed,
        )
    desk.close()


async def _done(desk: Any, todo: Mapping[str, Any], signed_in: Any, person: Any) -> Any:
    from helpdesk.actions.call import Call
    from helpdesk.secrets import Secret

    if todo["what"] == "approve":
        return await desk.approve(todo["id"], signed_in, person)
    if todo["what"] == "undo":
        return await desk.undo(int(todo["id"]), signed_in, person)
    secrets = {name: Secret(value) for name, value in todo["secrets"].items()}
    more = {"key": todo["key"]} if todo["key"] else {}
    return await desk.run(Call(todo["what"], todo["arguments"], secrets=secrets, **more), signed_in, person)


def serve() -> None:
    errors = os.dup(2)
    warm()
    tell(ready=os.getpid())
    while line := read_line():
        child = os.fork()
        if not child:
            try:
                start(json.loads(line))
            except BaseException:  # noqa: BLE001 (told to the test, which fails)
                import traceback

                os.write(errors, traceback.format_exc().encode())
                os._exit(70)
        _, status = os.waitpid(child, 0)
        tell(status=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    serve()
