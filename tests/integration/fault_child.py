"""A process that does one thing through the real desk, and stops where it is told, to be killed there.

It reads the password and, where it was told to stop, waits on its input for ever: nothing of it runs on.
What stops stands around the log, the requests and the directory session; the program itself knows nothing
of it.

Usage: fault_child POINT LOGIN approve ID | POINT LOGIN ACTION NAME=VALUE…
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from helpdesk.actions.call import Call
from helpdesk.app import Desk
from helpdesk.events import Result
from helpdesk.secrets import Secret
from tests.fakes.systems import Watch, WatchedDirectory, Write
from tests.fakes.terminal import Person

POINT = ""


def stop_at(point: str) -> None:
    if point == POINT:
        print(f"at {point}", flush=True)
        sys.stdin.readline()  # never comes: the parent kills


class StoppingLog:
    def __init__(self, log: Any) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, kind: str, body: Mapping[str, Any], personal: Mapping[str, str | int]) -> int:
        stop_at(f"{kind}-before")
        seq: int = self._log.append(kind, body, personal)
        stop_at(f"{kind}-after")
        return seq


class StoppingRequests:
    def __init__(self, requests: Any) -> None:
        self._requests = requests

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    def claim(self, id: str, approver_id: str) -> Any:
        claimed = self._requests.claim(id, approver_id)
        stop_at("claim-after")
        return claimed

    def finish(self, *given: Any, **more: Any) -> None:
        self._requests.finish(*given, **more)
        stop_at("finish-after")


class StoppingWatch(Watch):
    def carry_out(self, write: Write, full: Callable[[], Any], half: Callable[[], Any]) -> Any:
        stop_at("effect-before")
        result = full()
        stop_at("effect-after")
        return result


def stop_between_operations(session: Any) -> None:
    """After the password is set and before the flag is: the right to set the flag was tried before both."""
    link = session._session._link
    write, operations = link.write, itertools.count(1)

    def stopping(operation: Any) -> Any:
        answer = write(operation)
        if next(operations) == 2:
            stop_at("effect-half")
        return answer

    link.write = stopping


async def main(login: str, what: str, words: list[str]) -> Result:
    password = Secret(sys.stdin.readline().rstrip("\n"))
    desk = Desk.open(environ=os.environ)
    parts = desk.__dict__
    parts["audit"] = StoppingLog(desk.audit)
    parts["requests"] = StoppingRequests(desk.requests)
    parts["directory"] = WatchedDirectory(desk.directory, StoppingWatch())
    person = cast(Any, Person())
    signed_in = await desk.signed_in(person, login=login, password=password)
    stop_between_operations(signed_in.directory)
    if what == "approve":
        return await desk.approve(words[0], signed_in, person)
    return await desk.run(Call(what, dict(word.split("=", 1) for word in words)), signed_in, person)


if __name__ == "__main__":
    POINT = sys.argv[1]
    ended = asyncio.run(main(sys.argv[2], sys.argv[3], sys.argv[4:]))
    print(f"ended {ended.outcome}: {ended.message}", flush=True)
