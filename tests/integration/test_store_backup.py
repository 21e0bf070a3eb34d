"""A company's store: backed up under load, destroyed, put back; requests and runs of one moment together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest

from helpdesk.app import Desk
from helpdesk.app.backup import back_up
from helpdesk.app.restore import restore
from helpdesk.app.storing import make_engine_tables
from helpdesk.connectors.postgres import PostgresDatabase
from helpdesk.connectors.postgres_copy import Table, copy_in, copy_out
from helpdesk.engine import Run, RunState
from helpdesk.errors import Failed, Refused
from helpdesk.gate.requests import Request, Requests, RequestState
from helpdesk.gate.requests_schema import REQUESTS
from tests.servers.postgres import Place, Postgres
from tests.unit.requests_world import CHANGES, OLGA, OSCAR, Clock, Key, a_call, somebody

pytestmark = pytest.mark.servers

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def a_desk(home: Path, place: Place) -> Desk:
    """A desk of a host, on the company's store."""
    config = home / ".config/helpdesk/config.toml"
    config.parent.mkdir(parents=True, mode=0o700)
    config.touch(mode=0o600)
    config.write_text(
        f'[store]\nurl = "{place.url}"\nuser = "{place.user}"\npassword = "env:STORE_WORD"\n'
        '[services.w]\nlogin = "w"\nactions = ["access.revoke"]\n'
        '[worker]\nservice = "w"\npassword = "env:WORKER_WORD"\nstart = "manual"\n'
    )
    return Desk.open(environ={"HOME": str(home), "PATH": "/usr/bin:/bin"})


@pytest.fixture
def desk(tmp_path: Path, postgres_place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("STORE_WORD", postgres_place.password)
    made = a_desk(tmp_path / "host", postgres_place)
    yield made
    made.close()
    if made.engine is not None:
        made.engine.close()


def ask(desk: Desk, n: int) -> Request:
    call = replace(a_call(), requester_id=f"id-asker{n}", key=f"k{n}")
    return desk.requests.create(call, CHANGES, (OLGA, OSCAR), "")


def destroyed(postgres: Postgres, place: Place) -> None:
    with postgres.root(place.name) as root:
        root.execute("DROP SCHEMA helpdesk CASCADE")
        root.execute("DROP SCHEMA dbos CASCADE")


@pytest.mark.req("V4")
def test_a_rehearsal_under_load(
    desk: Desk, postgres: Postgres, postgres_place: Place, tmp_path: Path
) -> None:
    assert desk.engine is not None
    requests = [ask(desk, n) for n in range(12)]
    for request in requests[:4]:
        desk.requests.claim(request.id, OLGA.id)
    desk.requests.finish(requests[0].id, RequestState.DONE, 3)
    desk.engine.start(Run("E-1", "expiry", {"grant": "G-1"}, LATER))
    before = desk.engine.status("E-1")
    stop = threading.Event()
    busy = Requests(desk.store, desk.clock, desk.seals)
    failed: list[BaseException] = []

    def work() -> None:
        n = 100
        while not stop.is_set():
            try:
                made = busy.create(replace(a_call(), requester_id=f"id-busy{n}"), CHANGES, (OSCAR,), "")
                busy.claim(made.id, OSCAR.id)
            except BaseException as error:  # noqa: BLE001 - told below
                failed.append(error)
                return
            n += 1

    worker = threading.Thread(target=work)
    worker.start()
    file = tmp_path / "store.tar"
    try:
        made = back_up(desk, file)
    finally:
        stop.set()
        worker.join()
    assert failed == []
    assert made.shared
    assert {"postgres/helpdesk/requests", "postgres/helpdesk/decisions", "postgres/dbos/workflow_status"} <= {
        item.name for item in made.items
    }
    desk.requests.claim(requests[5].id, OSCAR.id)  # after the backup
    desk.engine.cancel("E-1")

    destroyed(postgres, postgres_place)
    done = restore(desk, file, agreed=True)
    assert done.entry is not None

    assert desk.requests.altered() == []  # the rows of one moment: every request with each of its decisions
    states = [desk.requests.get(request.id).state for request in requests]
    assert states == [RequestState.DONE, *[RequestState.CLAIMED] * 3, *[RequestState.PENDING] * 8]
    mine = {request.id for request in requests[4:]}
    assert mine <= {one.id for one in desk.requests.waiting_for(OLGA.id)}
    assert desk.engine.status("E-1") == before
    desk.engine.start(Run("E-2", "expiry", {"grant": "G-2"}, LATER))
    assert {run.id for run in desk.engine.runs()} == {"E-1", "E-2"}
    assert ask(desk, 50).state is RequestState.PENDING
    with pytest.raises(Failed), desk.store.writing() as session:
        session.run("DELETE FROM decisions")  # what keeps rows as they are came back, too
    assert desk.audit.verify().ok


def test_it_is_put_over_another_state_whole_or_not_at_all(
    desk: Desk, postgres: Postgres, postgres_place: Place, tmp_path: Path
) -> None:
    assert desk.engine is not None
    first = ask(desk, 1)
    desk.engine.start(Run("E-1", "expiry", {}, LATER))
    user = f"app_{postgres_place.name}"
    with postgres.root() as root:
        root.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'not-secret'".encode())
    desk.store.migrate(grant=user)
    file = tmp_path / "store.tar"
    back_up(desk, file)
    second = ask(desk, 2)
    desk.engine.start(Run("E-2", "expiry", {}, LATER))
    with pytest.raises(Refused) as refused:
        restore(desk, file, agreed=False)
    assert refused.value.code == "would-overwrite"
    with postgres.root(postgres_place.name) as root:
        now = "EXTRACT(EPOCH FROM clock_timestamp()) * 1000"
        root.execute(f"INSERT INTO dbos.engine_workers VALUES ('w1', 'far', '1', '', {now}, {now})".encode())
        with pytest.raises(Failed) as served:
            restore(desk, file, agreed=True)
        assert served.value.code == "worker-running"
        assert desk.requests.get(second.id) == second  # nothing was touched
        root.execute("UPDATE dbos.engine_workers SET heard = 0")  # it died long ago
    restore(desk, file, agreed=True)
    assert [one.id for one in desk.requests.all_pending()] == [first.id]
    assert [run.id for run in desk.engine.runs()] == ["E-1"]
    assert desk.engine.status("E-1").state is RunState.WAITING
    with postgres.root(postgres_place.name) as root:  # whoever might use it, may still
        root.execute(f"SET ROLE {user}".encode())
        assert root.execute("SELECT count(*) FROM helpdesk.requests").fetchone() == (1,)
        assert root.execute("SELECT count(*) FROM dbos.workflow_status").fetchone() == (1,)


@pytest.mark.req("V1")
def test_a_client_with_the_rights_that_are_granted_asks_for_runs(
    desk: Desk, postgres: Postgres, postgres_place: Place, tmp_path: Path
) -> None:
    user = f"desk_{postgres_place.name}"
    with postgres.root() as root:
        root.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{postgres_place.password}'".encode())
    make_engine_tables(desk)
    desk.store.migrate(grant=user)
    plain = a_desk(tmp_path / "plain", replace(postgres_place, user=user))
    assert plain.engine is not None
    try:
        plain.engine.start(Run("E-1", "expiry", {}, LATER))
        assert plain.engine.status("E-1").state is RunState.WAITING
        assert ask(plain, 1).state is RequestState.PENDING
    finally:
        plain.engine.close()
        plain.close()


def test_rows_of_an_older_version_are_put_into_its_tables_and_brought_up_to_date(
    postgres_place: Place, postgres: Postgres, desk: Desk
) -> None:
    assert isinstance(desk.store, PostgresDatabase)
    settings = desk.store.settings
    older = PostgresDatabase(settings, (replace(REQUESTS, steps=REQUESTS.steps[:2]),))
    requests = Requests(older, Clock(), Key())
    made = [
        requests.create(replace(a_call(), requester_id=f"id-{n}"), CHANGES, (somebody(f"o{n}"),), "")
        for n in range(3)
    ]
    requests.claim(made[0].id, "id-o0")
    kept: dict[Table, BytesIO] = {}

    class Kept(BytesIO):
        def close(self) -> None:
            self.seek(0)

    def sink(table: Table) -> IO[bytes]:
        kept[table] = Kept()
        return kept[table]

    moment = copy_out(older, sink)
    older.close()
    assert moment.versions == {"requests": 2}
    copy_in(desk.store, moment, list(kept), lambda table: kept[table], 30)
    assert all(one.version == one.known for one in desk.store.standing())
    again = Requests(desk.store, Clock(), Key())
    assert [again.get(one.id).state for one in made] == [
        RequestState.CLAIMED,
        RequestState.PENDING,
        RequestState.PENDING,
    ]
    assert again.altered() == []
    with pytest.raises(Failed) as newer:
        copy_in(desk.store, replace(moment, versions={"requests": 99}), [], lambda table: kept[table], 30)
    assert newer.value.code == "backup-version"
    assert len(again.all_pending()) == 2  # as it was
    assert timedelta(0) < again.get(made[1].id).expires - Clock()()
