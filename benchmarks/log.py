"""How fast the log takes entries, against SQLite committing one row of the same size each time.

Run it with ``make bench``. Both are timed in turn, A B A B …, in one run and on the same disk; the ratio is the
median of the pairs. A disk that flushes (the temporary folder) and one that does not (``/dev/shm``, where there
is one) are different questions: the first is about the disk, the second about this program.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.keys import HostKey
from helpdesk.store import immediate, open_database

PAIRS = int(os.environ.get("BENCH_PAIRS", "7"))
BATCH, WRITERS = 500, 8
BODY = {
    "action": "password.status",
    "version": "0.1.0",
    "actor_id": "5f0c1a52-6a3f-4a53-9a45-7f2c0ad4b8de",
    "requester_id": "5f0c1a52-6a3f-4a53-9a45-7f2c0ad4b8de",
    "person_id": "2f9c1a52-6a3f-4a53-9a45-7f2c0ad4b8de",
    "outcome": "done",
    "code": "",
    "rule": "",
}
PERSONAL: dict[str, str | int] = {
    "actor": "ana.lima",
    "requester": "ana.lima",
    "target": "Bo Chen (bo.chen)",
    "arguments": '{"person": "bo.chen"}',
    "message": "Bo Chen can sign in: the account is enabled and not locked.",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def opened(root: Path) -> AuditLog:
    return AuditLog(root / "log", utc_now, lambda: HostKey.load_or_create(root / "keys"), busy=60)


def appends(log: AuditLog, kind: str) -> float:
    """Entries a second."""
    start = time.perf_counter()
    for _ in range(BATCH):
        log.append(kind, BODY, PERSONAL)
    return BATCH / (time.perf_counter() - start)


def commits(folder: Path) -> Callable[[], float]:
    """Rows a second, one commit each, as large as an entry and its personal values."""
    database = open_database(folder / "raw.db")
    database.execute("CREATE TABLE IF NOT EXISTS raw (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    text = "x" * 1600

    def run() -> float:
        start = time.perf_counter()
        for _ in range(BATCH):
            with immediate(database):
                database.execute("INSERT INTO raw (text) VALUES (?)", (text,))
        return BATCH / (time.perf_counter() - start)

    return run


def writers(root: Path) -> float:
    """Entries a second that eight processes write together."""
    command = [sys.executable, __file__, str(root)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(WRITERS)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    start = time.perf_counter()
    for child in children:
        child.communicate(b"")
        assert child.returncode == 0
    return WRITERS * BATCH / (time.perf_counter() - start)


def writer(root: Path) -> None:
    log = opened(root)
    log.entries(limit=1)
    print("ready", flush=True)
    sys.stdin.read()
    appends(log, "read")


def measure(disk: str, folder: Path) -> None:
    log, raw = opened(folder), commits(folder)
    for what, kind in (("one writer", "read"), ("one writer, every entry signed", "outcome")):
        appends(log, kind), raw()
        pairs = [(appends(log, kind), raw()) for _ in range(PAIRS)]
        show(disk, what, pairs)
    show(disk, f"{WRITERS} writers", [(writers(folder), raw()) for _ in range(3)])
    start = time.perf_counter()
    found = log.verify()
    assert found.ok, found.problem
    print(f"| {disk} | verify | {found.entries / (time.perf_counter() - start):,.0f}/s | | |")
    log.close()


def show(disk: str, what: str, pairs: list[tuple[float, float]]) -> None:
    mine, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"| {disk} | {what} | {mine:,.0f}/s | {theirs:,.0f}/s | {ratio:.2f} |", flush=True)


def main() -> None:
    print("| disk | entries of the log | rate | raw commits | ratio |")
    print("| --- | --- | --- | --- | --- |")
    places = [("no flush", "/dev/shm")] if os.path.isdir("/dev/shm") else []
    for disk, place in [*places, ("flushing", tempfile.gettempdir())]:
        folder = Path(tempfile.mkdtemp(dir=place, prefix="helpdesk-bench-"))
        try:
            measure(disk, folder)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    writer(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
