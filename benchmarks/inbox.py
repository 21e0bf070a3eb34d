"""How fast an approver sees what waits for them while ten thousand requests wait for many, and what waiting costs.

Run it alone with ``python benchmarks/inbox.py [REQUESTS]``. The requests are real: sealed, stored and indexed as
``create`` does it, many to a transaction. 20 of them wait for the one who looks, and 200 for a second person, who
sees a page of 50. An inbox is one call, from the question to requests that were opened and proven; beside it stands a bare
``SELECT`` of the same rows by their ids, in turn, A B A B …, in one run. What stands last is what an open app costs
while nothing happens: processor time of a look, and what it comes to at one a second.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # run by its path, it finds the tests' servers
from helpdesk.connectors.postgres import PostgresDatabase
from helpdesk.connectors.postgres_options import PostgresSettings, options
from helpdesk.database import Database
from helpdesk.database.sqlite import SqliteDatabase
from helpdesk.gate.keys import HostKey
from helpdesk.gate.requests import LIFETIME, Requests
from helpdesk.gate.schema import FAMILIES
from helpdesk.gate.seals import Seals
from helpdesk.identity import Person
from helpdesk.secrets import Secret
from helpdesk.surfaces.cli.approvals import PAGE
from tests.servers.postgres import start_postgres
from tests.unit.requests_world import CHANGES, Clock, a_call, somebody

ROUNDS = int(os.environ.get("BENCH_PAIRS", "200"))
LOOKS = 5000
ME, BUSY = somebody("me"), somebody("busy")
AIM_MS, AIM_CPU = 50, 2
Bare = Callable[[list[str]], int]


def fill(store: Database, requests: Requests, many: int) -> None:
    """Requests of as many people; each waits for one of a few hundred approvers and two more."""
    clock = Clock()
    now = clock()
    crowd = [somebody(f"approver{n}") for n in range(max(many // 40, 3))]
    for start in range(0, many, 1000):
        with store.writing("benchmark") as session:
            for n in range(start, min(start + 1000, many)):
                asker = somebody(f"person{n // 3}")
                call = replace(
                    a_call(), requester_id=asker.id, requester_login=asker.login, nonce=f"{n:032x}",
                    created=now.isoformat(), expires=(now + LIFETIME).isoformat(), key=f"k{n}",
                )  # fmt: skip
                requests._store_new(session, call, CHANGES, approvers(n, many, crowd), "quarter close")


def approvers(n: int, many: int, crowd: list[Person]) -> list[Person]:
    mine = [ME] if n % max(many // 20, 1) == 0 else []
    busy = [BUSY] if n % max(many // 200, 1) == 0 else []
    return [*mine, *busy, *(crowd[(n + k) % len(crowd)] for k in range(3))]


@contextmanager
def sqlite(folder: Path) -> Iterator[tuple[Database, Bare]]:
    store = SqliteDatabase(folder / "requests.db", FAMILIES)

    def bare(ids: list[str]) -> int:
        with closing(sqlite3.connect(store.path)) as database:
            marks = ",".join("?" * len(ids))
            return len(database.execute(f"SELECT * FROM requests WHERE id IN ({marks})", ids).fetchall())

    yield store, bare


@contextmanager
def postgres() -> Iterator[tuple[Database, Bare]]:
    import psycopg

    server, folder = start_postgres()
    try:
        with server.root() as root:
            root.execute("ALTER SYSTEM SET fsync = on")
            root.execute("SELECT pg_reload_conf()")
        place = server.new_place()
        settings = PostgresSettings(place.url, place.user, Secret(place.password))
        store = PostgresDatabase(settings, FAMILIES)
        store.migrate()
        words: dict[str, Any] = options(settings)
        with psycopg.connect(**words, autocommit=True) as link:
            link.execute("SET search_path TO helpdesk")

            def bare(ids: list[str]) -> int:
                return len(link.execute("SELECT * FROM requests WHERE id = ANY(%s)", (ids,)).fetchall())

            yield store, bare
        store.close()
    finally:
        server.stop(kill=True)
        shutil.rmtree(folder, ignore_errors=True)


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def busy(act: Callable[[], object]) -> float:
    """Processor time of this process: what others do on the machine is not in it."""
    begun = time.process_time()
    act()
    return (time.process_time() - begun) * 1000


def row(what: str, ours: Callable[[], list[Any]], bare: Bare) -> None:
    ids = [request.id for request in ours()]
    assert bare(ids) == len(ids)
    pairs = [(timed(ours), timed(lambda: bare(ids))) for _ in range(ROUNDS)]
    mine, other = ([pair[side] for pair in pairs] for side in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    cpu = [busy(ours) for _ in range(ROUNDS // 2)]
    print(
        f"| {what} | {len(ids)} | {statistics.median(mine):.1f} ms | {p95(mine):.1f} ms | {AIM_MS} ms "
        f"| {p95(cpu):.1f} ms | {statistics.median(other):.2f} ms | {p95(other):.2f} ms | {ratio:.1f} |",
        flush=True,
    )


def idle(what: str, requests: Requests) -> None:
    """Processor time of this process alone; the server's is next to nothing, as it is asked nothing."""
    deadline = time.monotonic() + 5
    while requests.marks()[-1:] == (0,) and time.monotonic() < deadline:
        time.sleep(0.05)
    begun = time.process_time()
    for _ in range(LOOKS):
        requests.marks()
    each = (time.process_time() - begun) / LOOKS
    print(
        f"| {what}: a look for changes, one a second | | {each * 1000:.3f} ms | {each * 100:.3f} % of a core | {AIM_CPU} % | | | |"
    )


def measure(name: str, store: Database, bare: Bare, many: int, seals: Seals) -> None:
    requests = Requests(store, Clock(), seals)
    begun = time.perf_counter()
    fill(store, requests, many)
    took = time.perf_counter() - begun
    assert requests.count_pending() == many
    print(f"| {name}: storing {many:,} | {many} | {took * 1000 / many:.2f} ms each | | | | | | |")

    def first() -> Requests:  # a program that just began: it has proven nothing yet
        return Requests(store, Clock(), seals)

    row(f"{name}: my inbox", lambda: first().waiting_for(ME.id, limit=PAGE), bare)
    row(f"{name}: a page of a full inbox", lambda: first().waiting_for(BUSY.id, limit=PAGE), bare)
    asker = somebody(f"person{many // 6}")
    row(f"{name}: what I asked for", lambda: first().made_by(asker.id, limit=PAGE), bare)
    row(f"{name}: a page again, in an app", lambda: requests.waiting_for(BUSY.id, limit=PAGE), bare)
    idle(name, requests)


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(
        "| what | requests | median | p95 | aim of p95 | p95 of processor time | bare SELECT | its p95 | ratio |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        seals = Seals(HostKey.load_or_create(Path(name) / "keys"))
        with sqlite(Path(name)) as (store, bare):
            measure("SQLite", store, bare, many, seals)
        with postgres() as (store, bare):
            measure("Postgres", store, bare, many, seals)


if __name__ == "__main__":
    main()
