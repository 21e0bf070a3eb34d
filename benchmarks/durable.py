"""How many workflows a second the engine carries out beside bare DBOS, and what waiting and idling cost.

Run it with ``make bench``, or alone with the names of its questions (``bare two waiting``); it needs a Postgres server's programs. Each side is a process of its own
that finds the same number of workflows waiting in an empty database of one server and is timed until the last is done;
sides take turns A B A B …, and the ratio is the median of the pairs.

Bare DBOS is as its manual shows it: a queue, an asynchronous workflow, three steps, its own serializer. Ours does the
same three steps through the port: sealed, bound to their place, under a lease.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run by its path, it finds the tests' servers

PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))
RUNS = int(os.environ.get("BENCH_RUNS", "400"))
WAITING = int(os.environ.get("BENCH_WAITING", "10000"))
WAITS = (0.0, 0.02, 0.5)
"""Seconds that a step of the second question waits for something else: nothing, a near directory, a slow one."""
AT_A_TIME = 64
BARE_QUEUE = "bare"


def utc() -> datetime:
    return datetime.now(UTC)


# ── the two sides, each in a process of its own ───────────────────────────────────────────────


def place_of(settings: dict[str, Any]) -> Any:
    from helpdesk.connectors.durable.place import Place
    from helpdesk.connectors.postgres_options import PostgresSettings
    from helpdesk.secrets import Secret

    if "file" in settings:
        return Place(file=Path(settings["file"]))
    return Place(postgres=PostgresSettings(settings["url"], settings["user"], Secret(settings["password"])))


def sealer_of(settings: dict[str, Any]) -> Any:
    from helpdesk.connectors.durable.sealing import Sealer
    from helpdesk.gate.keys import HostKey
    from helpdesk.gate.seals import Seals

    return Sealer(Seals(HostKey.load_or_create(Path(settings["keys"]))))


def serve_ours(settings: dict[str, Any]) -> None:
    from helpdesk.connectors.durable.serving import DbosServing
    from helpdesk.engine import Document, Durably

    wait = float(settings.get("wait", 0))

    async def handler(durably: Durably, document: Document) -> Document:
        async def work() -> Document:
            if wait:
                await asyncio.sleep(wait)
            return {"number": document["number"]}

        for name in ("one", "two", "three"):
            await durably.step(name, work)
        return {"number": document["number"]}

    async def waiting(durably: Durably, _: Document) -> Document:
        begun = await durably.now()
        await durably.told("answer", begun.replace(year=begun.year + 1))
        return {}

    serving = DbosServing(
        place_of(settings),
        sealer_of(settings),
        utc,
        lambda *_, **__: None,
        runs=int(settings.get("runs", 16)),
    )
    serving.serve({"request": handler, "waiting": waiting})
    _until_told(settings)
    serving.drain(5)
    serving.close()


def serve_bare(settings: dict[str, Any]) -> None:
    from dbos import DBOS

    DBOS(config={"name": "bare", "system_database_url": settings["dsn"], "log_level": "ERROR",
                 "executor_id": str(os.getpid()), "application_version": "1"})  # fmt: skip

    @DBOS.step(name="step")  # type: ignore[untyped-decorator, unused-ignore]
    async def step(number: int) -> dict[str, int]:
        return {"number": number}

    @DBOS.workflow(name="bare")  # type: ignore[untyped-decorator, unused-ignore]
    async def workflow(number: int) -> dict[str, int]:
        for _ in range(3):
            await step(number)
        return {"number": number}

    DBOS.launch()
    DBOS.register_queue(
        BARE_QUEUE,
        polling_interval_sec=0.25,
        worker_concurrency=settings.get("limit"),
        on_conflict="always_update",
    )
    _until_told(settings)
    DBOS.destroy()


def _until_told(settings: dict[str, Any]) -> None:
    Path(settings["ready"]).touch()
    signal.sigwait({signal.SIGTERM})


# ── asking and timing ─────────────────────────────────────────────────────────────────────────


class Bench:
    """One server, one folder, and processes that serve."""

    def __init__(self, folder: Path) -> None:
        from tests.servers.postgres import Postgres

        self.folder = folder
        server = folder / "server"
        server.mkdir(mode=0o755)
        self.server = Postgres(server)
        self.count = 0

    def settings(self, **more: Any) -> dict[str, Any]:
        place = self.server.new_place()
        self.count += 1
        return {
            "url": place.url,
            "user": place.user,
            "password": place.password,
            "name": place.name,
            "dsn": place.url.replace("://", f"://{place.user}:{place.password}@"),
            "keys": str(self.folder / "keys"),
            **more,
        }

    def serve(self, side: str, settings: dict[str, Any]) -> subprocess.Popen[bytes]:
        self.count += 1
        ready = self.folder / f"ready-{self.count}"
        given = json.dumps({**settings, "ready": str(ready)})
        process = subprocess.Popen([sys.executable, __file__, side, given])
        while not ready.exists():
            if process.poll() is not None:
                raise RuntimeError(f"{side} ended with {process.returncode}")
            time.sleep(0.01)
        return process

    def finished(self, settings: dict[str, Any]) -> int:
        with self.server.root(settings["name"]) as root:
            row = root.execute(
                "SELECT COUNT(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'"
            ).fetchone()
        return int(row[0]) if row else 0

    def rate(self, side: str, settings: dict[str, Any], workers: int = 1) -> float:
        """Workflows a second from the moment that the workers serve until the last is done."""
        ask(side, settings, RUNS)
        begun = time.perf_counter()
        processes = [self.serve(side, settings) for _ in range(workers)]
        started = time.perf_counter()
        before = self.finished(settings)
        while (done := self.finished(settings)) < RUNS:
            if time.perf_counter() - begun > 300:
                raise RuntimeError(f"{side}: {done} of {RUNS} after five minutes")
            time.sleep(0.02)
        took = time.perf_counter() - started
        for process in processes:
            end(process)
        return (RUNS - before) / took


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ask(
    side: str, settings: dict[str, Any], runs: int, kind: str = "request", at: datetime | None = None
) -> None:
    """Ask for workflows, which nobody serves yet."""
    if side == "bare":  # in a process of its own: in this one no pickle is read or written any more
        given = json.dumps({**settings, "many": runs})
        subprocess.run([sys.executable, __file__, "ask-bare", given], check=True)
        return
    from helpdesk.connectors.durable.client import DbosEngine
    from helpdesk.engine import Run

    engine = DbosEngine(place_of(settings), sealer_of(settings), utc)
    for number in range(runs):
        engine.start(Run(f"R-{number:06}", kind, {"number": number}, at))
    engine.close()


def ask_bare(settings: dict[str, Any]) -> None:
    from dbos import DBOS, DBOSClient

    DBOS(config={"name": "bare", "system_database_url": settings["dsn"], "log_level": "ERROR"})
    DBOS.launch()  # makes the tables
    DBOS.destroy()
    client = DBOSClient(system_database_url=settings["dsn"], application_name="bare")
    options: Any = {"workflow_name": "bare", "queue_name": BARE_QUEUE, "app_version": "1"}
    for number in range(settings["many"]):
        client.enqueue(options, number)
    client.destroy()


def memory(pid: int) -> tuple[int, int, float]:
    """Threads, resident memory in MB, and seconds of processor time of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {
        line.split(":")[0]: line.split()[1]
        for line in status.splitlines()
        if ":" in line and len(line.split()) > 1
    }
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(stat[11]) + int(stat[12])
    return int(found["Threads"]), int(found["VmRSS"]) // 1024, ticks / os.sysconf("SC_CLK_TCK")


# ── the questions ─────────────────────────────────────────────────────────────────────────────


def beside_bare(bench: Bench) -> None:
    ratios, rates = [], []
    for limit, name in ((AT_A_TIME, "as many at a time"), (None, "a queue without a limit")):
        ratios, rates = [], []
        for _ in range(PAIRS):
            ours = bench.rate("ours", bench.settings(runs=AT_A_TIME))
            bare = bench.rate("bare", bench.settings(limit=limit))
            ratios.append(ours / bare)
            rates.append((ours, bare))
        told = ", ".join(f"{ours:.0f}/{bare:.0f}" for ours, bare in rates)
        print(
            f"workflows a second, ours/bare DBOS with {name}: {told}; ratio {statistics.median(ratios):.2f} (aim 0.8)"
        )


def two_workers(bench: Bench) -> None:
    for wait in WAITS:
        ratios, rates = [], []
        for _ in range(PAIRS):
            one = bench.rate("ours", bench.settings(wait=wait), 1)
            two = bench.rate("ours", bench.settings(wait=wait), 2)
            ratios.append(two / one)
            rates.append((two, one))
        told = ", ".join(f"{two:.0f}/{one:.0f}" for two, one in rates)
        steps = f"steps that wait {wait * 1000:.0f} ms" if wait else "steps that do nothing"
        print(f"two workers/one, {steps}: {told}; ratio {statistics.median(ratios):.2f} (aim 1.7)")


def waiting_and_idle(bench: Bench) -> None:
    for name, settings in (
        ("Postgres", bench.settings()),
        ("SQLite", {"file": str(bench.folder / "runs" / "runs.db"), "keys": str(bench.folder / "keys")}),
    ):
        process = bench.serve("ours", settings)
        time.sleep(3)
        threads, rss, _ = memory(process.pid)
        begun = time.perf_counter()
        ask(
            "ours",
            settings,
            WAITING,
            "waiting" if os.environ.get("BENCH_PARKED") else "request",
            utc() + timedelta(days=30),
        )
        asked = time.perf_counter() - begun
        time.sleep(3)
        threads_after, rss_after, before = memory(process.pid)
        seen = time.perf_counter()
        time.sleep(20)
        after = memory(process.pid)[2]
        idle = (after - before) / (time.perf_counter() - seen)
        end(process)
        print(
            f"{WAITING:,} waiting on {name}: threads {threads} → {threads_after}, memory {rss} → {rss_after} MB, "
            f"asked for in {asked:.0f} s; idle beside them {idle:.1%} of a core (aim 2%)"
        )


def main() -> None:
    sides = {"ours": serve_ours, "bare": serve_bare, "ask-bare": ask_bare}
    if len(sys.argv) == 3 and sys.argv[2].startswith("{"):
        sides[sys.argv[1]](json.loads(sys.argv[2]))
        return
    folder = Path(tempfile.mkdtemp(prefix="bench-durable-"))
    folder.chmod(0o755)
    bench = Bench(folder)
    try:
        wanted = sys.argv[1:] or ["bare", "two", "waiting"]
        questions = {"bare": beside_bare, "two": two_workers, "waiting": waiting_and_idle}
        for name in wanted:
            questions[name](bench)
    finally:
        bench.server.stop(kill=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
