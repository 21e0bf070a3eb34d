"""How fast the log is listed and searched: a scaled run of a log with many entries.

Run it alone with ``python benchmarks/log_search.py [ENTRIES]``. The log is real in every part but one: entries are
sealed and stored as ``append`` does it, many to a transaction, so that a million are there within minutes. What is
timed is the question to the log, from filter to entries, as a surface asks it; the start of the program is not in
it (``benchmarks/startup.py``). Beside them stand a proof, and the check of what came after the last checkpoint.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_chain import Head, seal
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_seal import remember, sign
from helpdesk.gate.audit_search import SearchIndex
from helpdesk.gate.audit_store import DATABASE, insert, open_store
from helpdesk.gate.keys import HostKey
from helpdesk.gate.merkle import Tree
from helpdesk.store import immediate

SCALES = (int(sys.argv[1]),) if len(sys.argv) > 1 else (10_000, 100_000)
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "40"))
START = datetime(2024, 1, 1, tzinfo=UTC)
KINDS = ("read", "intent", "outcome", "sign-in", "refusal")
ACTIONS = ("password.reset", "password.unlock", "access.request", "access.grant", "people.find")
OUTCOMES = ("done", "done", "done", "failed", "refused", "unknown")
WORDS = [
    "account",
    "access",
    "locked",
    "quarter",
    "folder",
    "sales",
    "laptop",
    "travel",
    "badge",
    "reset",
    "mailbox",
    "printer",
]


def fill(log: AuditLog, folder: Path, size: int, key: HostKey) -> float:
    """Entries a second. Every hundredth outcome is rare, and a few words are."""
    chance = random.Random(7)
    log.append("read", {}, {})
    log.close()
    database = open_store(folder / DATABASE)
    row = database.execute("SELECT seq, hash, time FROM entries").fetchone()
    head, now, began = Head(*row), START, time.perf_counter()
    database.execute("PRAGMA synchronous = OFF")
    tree = Tree().grown([row[1]])
    while head.seq < size:
        with immediate(database):
            for _ in range(min(10_000, size - head.seq)):
                now += timedelta(seconds=chance.randrange(1, 60))
                person = f"person.{chance.randrange(5000)}"
                body = {
                    "action": chance.choice(ACTIONS),
                    "actor_id": f"id-{person}",
                    "requester_id": f"id-{person}",
                    "person_id": f"id-{chance.randrange(5000)}",
                    "outcome": "partial" if head.seq % 9973 == 0 else chance.choice(OUTCOMES),
                    "key": f"{chance.getrandbits(64):016x}",
                }
                personal: dict[str, str | int] = {
                    "actor": person,
                    "requester": person,
                    "target": f"person.{chance.randrange(5000)}",
                    "arguments": '{"person": "person.1"}',
                    "message": " ".join(chance.choices(WORDS, k=9))
                    + (" zebra" if head.seq % 9001 == 0 else ""),
                }
                item = seal(head, now, chance.choice(KINDS), body, personal)
                insert(database, [item])
                head = Head(item.seq, item.hash, item.time)
            tree = sign(database, tree, head.seq, now, key)
    remember(database, folder)
    database.close()
    return size / (time.perf_counter() - began)


def questions(size: int) -> dict[str, Filter]:
    middle = START + timedelta(seconds=30 * size // 2)
    day = timedelta(days=1)
    return {
        "one person": Filter(actors=("person.42",)),
        "one action": Filter(actions=("password.reset",)),
        "a target": Filter(targets=("person.77",)),
        "a rare outcome": Filter(outcomes=("partial",)),
        "a rare outcome of one action": Filter(outcomes=("partial",), actions=("people.find",)),
        "one person, refused": Filter(actors=("person.42",), outcomes=("refused",)),
        "two kinds": Filter(kinds=("intent", "outcome")),
        "two common things": Filter(kinds=("refusal",), outcomes=("unknown",)),
        "a day in the middle": Filter(since=middle, until=middle + day),
        "one action on that day": Filter(actions=("access.grant",), since=middle, until=middle + day),
        "before all time": Filter(until=START - day, kinds=("read",)),
        "a rare word": Filter(text="zebra"),
        "three common words": Filter(text="laptop travel badge"),
        "a word, one person": Filter(text="mailbox", actors=("person.42",)),
        "nothing": Filter(actors=("nobody",)),
    }


def timed(ask: Callable[[], object]) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        found.append((time.perf_counter() - start) * 1000)
    return statistics.median(found), sorted(found)[int(len(found) * 0.95)]


def measure(size: int, root: Path) -> None:
    folder = root / "log"
    key = HostKey.load_or_create(root / "keys")
    log = AuditLog(folder, lambda: START, lambda: key, busy=60)
    rate = fill(log, folder, size, key)
    index = SearchIndex(log, folder)
    start = time.perf_counter()
    index.catch_up()
    built = time.perf_counter() - start
    megabytes = [
        sum(f.stat().st_size for f in folder.glob(f"{name}.db*")) / 1e6 for name in ("log", "search")
    ]
    print(f"\n{size:,} entries: written {rate:,.0f}/s, indexed {size / built:,.0f}/s;", end=" ")
    print(f"the log {megabytes[0]:,.0f} MB, its index {megabytes[1]:,.0f} MB\n")
    print("| question | found | median | p95 |")
    print("| --- | --- | --- | --- |")
    asked: dict[str, Callable[[], list[object]]] = {
        "list, the newest": lambda: list(log.entries(limit=100, newest_first=True)),
        "list, from the middle": lambda: list(log.entries(size // 2, 100)),
    }
    for name, filter in questions(size).items():
        asked[f"search: {name}"] = lambda filter=filter: list(
            index.find(filter, limit=100, newest_first=True)
        )
    kept = log.checkpoint()
    for _ in range(100):
        log.append("read", {}, {"actor": "person.1"})
    log.close()
    asked["a proof of an entry in the middle"] = lambda: list(log.prove(size // 3)["path"])
    asked["verify, since the checkpoint"] = lambda: [log.verify(checkpoint=kept, since=True)]
    slowest = 0.0
    for name, ask in asked.items():
        median, p95 = timed(ask)
        slowest = max(slowest, p95 if name.startswith(("list", "search")) else 0.0)
        assert name != "verify, since the checkpoint" or log.verify(checkpoint=kept, since=True).ok
        print(f"| {name} | {len(ask())} | {median:.1f} ms | {p95:.1f} ms |", flush=True)
    print(f"\nslowest p95 of list and search: {slowest:.1f} ms", flush=True)
    index.close()
    log.close()


def main() -> None:
    for size in SCALES:
        root = Path(tempfile.mkdtemp(prefix="helpdesk-bench-"))
        try:
            measure(size, root)
        finally:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
