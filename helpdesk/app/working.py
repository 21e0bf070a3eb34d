"""Runs that outlive this process: where they are kept, and that somebody carries them out.

Nothing here is imported by a command that needs no worker; the engine's library takes a second to load.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from helpdesk.engine import RunState
from helpdesk.errors import ConfigError, Failed, HelpdeskError
from helpdesk.events import Progress
from helpdesk.platform import private_file

if TYPE_CHECKING:
    from helpdesk.app.parts import Parts
    from helpdesk.connectors.durable.client import DbosEngine
    from helpdesk.connectors.durable.durably import Telling
    from helpdesk.connectors.durable.place import Place
    from helpdesk.connectors.durable.serving import DbosServing
    from helpdesk.connectors.postgres_options import PostgresSettings
    from helpdesk.engine import RunStatus
    from helpdesk.ports import Hearing

START_SECONDS = 20.0
"""How long a worker that was started here may take until it serves."""
WATCH_SECONDS = 0.25
_started: list[subprocess.Popen[bytes]] = []
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


def place_of(parts: Parts) -> Place:
    """Where runs are kept. Raises ConfigError when the database's password is not there."""
    from helpdesk.connectors.durable.place import Place

    if not parts.config.store.url:
        return Place(file=parts.paths.state / "runs.db")
    return Place(postgres=postgres_of(parts))


def postgres_of(parts: Parts) -> PostgresSettings:
    """How the company's database is reached. Raises ConfigError when its password is not there."""
    from helpdesk.connectors.postgres_options import PostgresSettings

    store, network = parts.config.store, parts.config.network
    return PostgresSettings(
        url=store.url,
        user=store.user,
        password=parts.referenced(store.password),
        ca_file=store.ca_file or network.ca_file,
        trust=network.trust,
    )


def engine_of(parts: Parts) -> DbosEngine | None:
    """The client's side of the engine; ``None`` where no worker is configured. It opens nothing yet."""
    if not parts.config.worker.configured:
        return None
    from helpdesk.connectors.durable.client import DbosEngine
    from helpdesk.connectors.durable.sealing import Sealer

    return DbosEngine(place_of(parts), Sealer(parts.seals), parts.clock)


def serving_of(parts: Parts, telling: Telling) -> DbosServing:
    """The worker's side of the engine; it serves nothing yet.

    Raises:
        ConfigError: no worker is configured.
    """
    engine(parts)
    from helpdesk.connectors.durable.sealing import Sealer
    from helpdesk.connectors.durable.serving import DbosServing

    settings = parts.config.worker
    return DbosServing(
        place_of(parts),
        Sealer(parts.seals),
        parts.clock,
        telling,
        runs=settings.runs,
        heartbeat=settings.heartbeat_seconds,
        takeover=settings.takeover_seconds,
    )


def engine(parts: Parts) -> DbosEngine:
    """The same as :attr:`helpdesk.app.parts.Parts.engine`, where there has to be one. Raises ConfigError."""
    found = parts.engine
    if found is None:
        raise ConfigError(
            "No worker is configured, so nothing can be carried out later.",
            hint='Declare a service identity in [services.worker], and set [worker] service = "worker".',
            code="no-worker",
        )
    return found


# ── that somebody carries it out ──────────────────────────────────────────────────────────────


def worker_lives(parts: Parts) -> bool:
    """Whether a worker that serves this store was heard of in time; blocking. Raises Unreachable, Failed."""
    return any(one.alive for one in engine(parts).workers(parts.config.worker.takeover_seconds))


def ensure_worker(parts: Parts) -> bool:
    """See to it that a worker serves: one that does already, or one started now; blocking.

    Returns:
        false where none is there and none is to be started from here.

    Raises:
        Failed: the worker that was started here did not begin to serve ("worker-start"). Unreachable: no store.
    """
    if worker_lives(parts):
        return True
    if parts.config.worker.start != "on-demand":
        return False
    process = start_worker(parts)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if worker_lives(parts):
            return True
        if process.poll() is not None:
            break
        time.sleep(0.1)
    if worker_lives(parts):  # another command was faster
        return True
    raise Failed(
        "The worker that was started here does not serve.",
        hint=f"Its log is {log_file(parts)}; helpdesk worker shows what is wrong.",
        code="worker-start",
    )


def log_file(parts: Parts) -> str:
    return str(parts.paths.state / "worker.log")


def start_worker(parts: Parts) -> subprocess.Popen[bytes]:
    """A worker of its own, which goes on when this program and its terminal end; its log is in the state folder."""
    log = parts.paths.state / "worker.log"
    private_file(log)
    profile = ["--profile", parts.paths.profile] if parts.paths.profile else []
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, "-m", "helpdesk", *profile, "--json", "worker"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
            cwd="/" if os.name == "posix" else None,
        )
    _started.append(process)  # it is left alone, and outlives this program
    return process


async def follow(parts: Parts, id: str, interaction: Hearing, *, within: float | None = None) -> RunStatus:
    """Watch a run to its end, and tell how far it is; where no worker can be had, carry it out here.

    Args:
        within: seconds after which it is given up watching; ``None``: never. The run goes on all the same.

    Returns:
        how it stands; ended, unless the time was over.

    Raises:
        NotFound, Unreachable, Failed, ConfigError.
    """
    if await asyncio.to_thread(_somebody, parts):
        return await _watched(parts, id, interaction, within)
    return await _served_here(parts, id, interaction, within)


def _somebody(parts: Parts) -> bool:
    """A worker that lives or could be started; blocking."""
    with suppress(HelpdeskError):
        return ensure_worker(parts)
    return worker_lives(parts)


async def _watched(parts: Parts, id: str, interaction: Hearing, within: float | None) -> RunStatus:
    deadline = None if within is None else time.monotonic() + within
    told: object = None
    while True:
        status = await asyncio.to_thread(engine(parts).status, id)
        if status.note is not None and status.note != told:
            told = status.note
            interaction.emit(Progress(str(told.get("phase", "run")), str(told.get("message", ""))))
        if status.state in ENDED or (deadline is not None and time.monotonic() >= deadline):
            return status
        await asyncio.sleep(WATCH_SECONDS)


async def _served_here(parts: Parts, id: str, interaction: Hearing, within: float | None) -> RunStatus:
    """One command alone, under the lock that keeps every other engine away."""
    from helpdesk.app.workbench import Workbench

    bench = Workbench(parts, lambda *_, **__: None)
    try:
        await asyncio.to_thread(bench.open)
    except Failed as error:
        if error.code != "worker-running":
            raise
        return await _watched(parts, id, interaction, within)  # somebody was faster
    try:
        return await _watched(parts, id, interaction, within)
    finally:
        await asyncio.to_thread(bench.close, 10.0)
