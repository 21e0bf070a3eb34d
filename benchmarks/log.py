"""How fast the log takes entries and is checked, against SQLite and SHA-256 doing the same work barely.

Run it with ``make bench``. Both sides are timed in turn, A B A B …, in one run and on the same disk; the ratio is the
median of the pairs. A disk that flushes (the temporary folder, or ``BENCH_DISK``) and one that does not
(``/dev/shm``, where there is one) are different questions: the first is about the disk, the second about this program.

The raw side commits one row with exactly the bytes of an entry and its personal values, as an ordinary program does
it: write-ahead log, ``synchronous = FULL`` (read back), ``BEGIN IMMEDIATE``. With several writers it stands there
twice: as one process alone, which is as fast as the disk gets, and as eight that wait in SQLite's busy handler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Head, seal
from helpdesk.gate.audit_store import DATABASE, open_store
from helpdesk.gate.keys import HostKey
from helpdesk.store import immediate, open_database

PAIRS = int(os.environ.get("BENCH_PAIRS", "9"))
BATCH, WRITERS, THREADS, GROUP = 500, 8, 8, 100
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
Rate = Callable[[], float]


def utc_now() -> datetime:
    return datetime.now(UTC)


def opened(root: Path) -> AuditLog:
    key = HostKey.load_or_create(root / "keys")
    return AuditLog(root / "log", utc_now, lambda: key, busy=60)


# ── the log ───────────────────────────────────────────────────────────────────────────────────


def appends(log: AuditLog, kind: str, count: int = BATCH) -> float:
    """Entries a second, each waiting for the disk."""
    start = time.perf_counter()
    for _ in range(count):
        log.append(kind, BODY, PERSONAL)
    return count / (time.perf_counter() - start)


def groups(log: AuditLog, kind: str) -> float:
    """Entries a second, a hundred to a commit."""
    start = time.perf_counter()
    for _ in range(0, BATCH * 4, GROUP):
        log.append_many([(kind, BODY, PERSONAL)] * GROUP)
    return BATCH * 4 / (time.perf_counter() - start)


def threads(log: AuditLog, kind: str) -> float:
    """Entries a second of threads that add one at a time each, and share what commits there are."""
    workers = [threading.Thread(target=appends, args=(log, kind)) for _ in range(THREADS)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return THREADS * BATCH / (time.perf_counter() - start)


# ── the raw side ──────────────────────────────────────────────────────────────────────────────


def bytes_of_an_entry() -> int:
    """What is stored of one: its text, its hashes, and its personal values with their salts."""
    item = seal(Head(), utc_now(), "read", BODY, PERSONAL)
    beside = sum(len(name) + len(salt) + len(value.encode()) for name, salt, value in item.personal)
    return len(item.text.encode()) + len(item.prev) + len(item.hash) + beside


def durable(database: sqlite3.Connection) -> sqlite3.Connection:
    """The same connection, once it is read back that each commit is flushed."""
    asked = ("journal_mode", "synchronous")
    assert [database.execute(f"PRAGMA {name}").fetchone()[0] for name in asked] == ["wal", 2]
    return database


def raw_commits(folder: Path, text: str) -> Rate:
    """Rows a second, one commit each."""
    database = durable(open_database(folder / "raw.db", busy=60))
    database.execute("CREATE TABLE IF NOT EXISTS raw (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")

    def run() -> float:
        start = time.perf_counter()
        for _ in range(BATCH):
            with immediate(database):
                database.execute("INSERT INTO raw (text) VALUES (?)", (text,))
        return BATCH / (time.perf_counter() - start)

    return run


def processor() -> float:
    """Seconds of processor time of this process and of those it waited for."""
    return sum(os.times()[:4])


def hashed(folder: Path, clock: Rate = time.perf_counter) -> float:
    """Entries a second: every row read, and one SHA-256 over their bytes."""
    start, entries, found = clock(), 0, hashlib.sha256()
    with closing(sqlite3.connect(folder / "log" / DATABASE)) as database:
        for prev, hash, text in database.execute("SELECT prev, hash, entry FROM entries ORDER BY seq"):
            found.update(prev)
            found.update(hash)
            found.update(text.encode())
            entries += 1
        for name, salt, value in database.execute(
            "SELECT name, salt, value FROM personal ORDER BY seq, name"
        ):
            found.update(name.encode())
            found.update(salt)
            found.update(value.encode())
    return entries / (clock() - start)


# ── processes ─────────────────────────────────────────────────────────────────────────────────


def writers(root: Path, what: str) -> float:
    """Entries, or raw rows, a second that eight processes write together."""
    command = [sys.executable, __file__, str(root), what]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(WRITERS)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    start = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    for child in children:
        assert child.wait() == 0
    return WRITERS * BATCH / (time.perf_counter() - start)


def writer(root: Path, what: str) -> None:
    if what == "raw":
        run = raw_commits(root, "x" * bytes_of_an_entry())
    else:
        log = opened(root)
        log.append(what, BODY, PERSONAL)

        def run() -> float:
            return appends(log, what)

    print("ready", flush=True)
    sys.stdin.read()
    run()
    os._exit(0)  # what is timed is on the disk; ending a process properly is not part of it


# ── the table ─────────────────────────────────────────────────────────────────────────────────


def measure(disk: str, folder: Path) -> None:
    log, raw = opened(folder), raw_commits(folder, "x" * bytes_of_an_entry())
    log.append("read", BODY, PERSONAL)
    durable(open_store(folder / "log" / DATABASE)).close()
    few = max(PAIRS // 3, 1)

    def one(kind: str) -> Rate:
        return lambda: appends(log, kind)

    compared(disk, "one writer", "raw commits", one("read"), raw, PAIRS)
    compared(disk, "one writer, every entry signed", "raw commits", one("outcome"), raw, PAIRS)
    compared(disk, "8 writers", "raw commits of one", lambda: writers(folder, "read"), raw, few)
    compared(
        disk,
        "8 writers",
        "raw commits of 8",
        lambda: writers(folder, "read"),
        lambda: writers(folder, "raw"),
        few,
    )
    compared(disk, f"{GROUP} to a commit", "one by one", lambda: groups(log, "read"), one("read"), few)
    compared(
        disk, "the same, signed", "one by one, signed", lambda: groups(log, "outcome"), one("outcome"), few
    )
    compared(disk, f"{THREADS} threads", "one by one", lambda: threads(log, "read"), one("read"), few)
    compared(
        disk, "the same, signed", "one by one, signed", lambda: threads(log, "outcome"), one("outcome"), few
    )
    log.close()
    whole = filled(folder / "whole")
    compared(
        disk,
        "verify",
        "hashing the same rows",
        lambda: verified(whole),
        lambda: hashed(folder / "whole"),
        few,
    )
    compared(
        disk,
        "verify, processor time of all its processes",
        "hashing the same rows",
        lambda: verified(whole, processor),
        lambda: hashed(folder / "whole", processor),
        PAIRS,
    )


def filled(root: Path) -> AuditLog:
    """A log of a hundred thousand entries, with a checkpoint for each thousand."""
    log = opened(root)
    for _ in range(100):
        log.append_many([("read", BODY, PERSONAL)] * 1000)
        log.checkpoint()
    log.close()
    return log


def verified(log: AuditLog, clock: Rate = time.perf_counter) -> float:
    start = clock()
    found = log.verify()
    assert found.ok, found.problem
    return found.entries / (clock() - start)


def compared(disk: str, what: str, against: str, mine: Rate, theirs: Rate, pairs: int) -> None:
    mine(), theirs()
    found = [(mine(), theirs()) for _ in range(pairs)]
    rates = [statistics.median(values) for values in zip(*found, strict=True)]
    ratio = statistics.median(a / b for a, b in found)
    print(
        f"| {disk} | {what} | {rates[0]:,.0f}/s | {against} | {rates[1]:,.0f}/s | {ratio:.2f} |", flush=True
    )


def main() -> None:
    print("| disk | the log | rate | against | rate | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    places = [("flushing", os.environ.get("BENCH_DISK") or tempfile.gettempdir())]
    if os.path.isdir("/dev/shm"):
        places.append(("no flush", "/dev/shm"))
    for disk, place in places:
        folder = Path(tempfile.mkdtemp(dir=place, prefix="helpdesk-bench-"))
        try:
            measure(disk, folder)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    writer(Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main()
