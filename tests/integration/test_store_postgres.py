"""A store in Postgres on its bad days: stopped, killed, frozen, unencrypted, not ours, of another version."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from helpdesk.connectors import postgres_link, postgres_options
from helpdesk.connectors.postgres import PostgresDatabase
from helpdesk.connectors.postgres_options import PostgresSettings, options
from helpdesk.database import Duplicate, StoreUnreachable, Unsure
from helpdesk.database.schema import Family, Step
from helpdesk.errors import ConfigError, Failed, HelpdeskError
from helpdesk.gate.requests import Requests, RequestState
from helpdesk.gate.schema import FAMILIES
from helpdesk.secrets import Secret
from tests.servers.certificates import Authority
from tests.servers.postgres import Place, Postgres
from tests.unit.requests_world import CHANGES, OLGA, Clock, Key, a_call

pytestmark = pytest.mark.servers


def settings_of(place: Place, **changed: object) -> PostgresSettings:
    settings = PostgresSettings(
        place.url, place.user, Secret(place.password), connect_seconds=2, statement_seconds=2
    )
    return replace(settings, **changed)  # type: ignore[arg-type]


@pytest.fixture
def open_store(postgres_place: Place) -> Iterator[Callable[..., PostgresDatabase]]:
    """Opens the test's own database, however often; all are closed in the end."""
    opened: list[PostgresDatabase] = []

    def open(families: tuple[Family, ...] = FAMILIES, **changed: object) -> PostgresDatabase:
        opened.append(PostgresDatabase(settings_of(postgres_place, **changed), families))
        return opened[-1]

    yield open
    for one in opened:
        one.close()


@pytest.fixture
def store(open_store: Callable[..., PostgresDatabase]) -> PostgresDatabase:
    return open_store()


def requests_in(store: PostgresDatabase) -> Requests:
    return Requests(store, Clock(), Key())


# ── who may come in, and how ──────────────────────────────────────────────────────────────────


def refused(store: PostgresDatabase) -> HelpdeskError:
    """What a person reads; no password is in it, nor in anything that it came from."""
    with pytest.raises(HelpdeskError) as caught, store.reading():
        pass
    error: BaseException | None = caught.value
    secret = store.settings.password.expose() if store.settings.password else "-"
    while error is not None:
        assert secret not in f"{error!r} {error}"
        error = error.__cause__
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.req("S2")
def test_a_wrong_password_is_one_sentence_without_it(open_store: Callable[..., PostgresDatabase]) -> None:
    error = refused(open_store(password=Secret("wrong-and-secret")))
    assert (error.code, error.exit) == ("requests-unavailable", 1)
    assert "does not accept the name or the password" in error.message
    assert "wrong-and-secret" not in error.message


@pytest.mark.req("D1")
def test_a_server_on_another_machine_is_reached_by_tls_to_its_own_name_only(
    postgres: Postgres, postgres_place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres_options, "is_loopback", lambda host: False)  # as if this were far away
    named = settings_of(
        postgres_place, url=postgres.url(postgres_place.name, "localhost"), ca_file=postgres.ca_file
    )
    good = PostgresDatabase(named, FAMILIES)
    with good.reading() as session:
        row = session.one("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert row is not None
    assert row[0] is True
    assert row[1] in ("TLSv1.2", "TLSv1.3")
    good.close()
    by_address = replace(named, url=postgres_place.url)  # 127.0.0.1 is not in the certificate
    assert "a certificate for another name" in refused(PostgresDatabase(by_address, FAMILIES)).message
    stranger = Authority(tmp_path / "stranger")
    forged = PostgresDatabase(replace(named, ca_file=str(stranger.file)), FAMILIES)
    assert "a certificate that is not trusted" in refused(forged).message
    with pytest.raises(ConfigError):
        options(replace(named, ca_file=str(tmp_path / "none.pem")))


@pytest.mark.req("D1")
def test_a_server_on_another_machine_without_tls_gets_no_password(
    postgres: Postgres, postgres_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.root() as root:
        root.execute("ALTER SYSTEM SET ssl = off")
        root.execute("SELECT pg_reload_conf()")
    try:
        monkeypatch.setattr(postgres_options, "is_loopback", lambda host: False)
        settings = settings_of(
            postgres_place, url=postgres.url(postgres_place.name, "localhost"), ca_file=postgres.ca_file
        )
        soon(lambda: "offers no TLS" in refused(PostgresDatabase(settings, FAMILIES)).message)
    finally:
        with postgres.root() as root:
            root.execute("ALTER SYSTEM RESET ssl")
            root.execute("SELECT pg_reload_conf()")


@pytest.mark.req("S9")
def test_nothing_around_the_program_decides_how_the_store_is_reached(
    store: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".pgpass").write_text("*:*:*:*:stolen\n")
    (tmp_path / ".pgpass").chmod(0o600)
    for name, value in {
        "PGHOSTADDR": "192.0.2.1", "PGHOST": "192.0.2.1", "PGPORT": "1", "PGUSER": "nobody", "PGPASSWORD": "no",
        "PGDATABASE": "none", "PGSSLMODE": "require", "PGOPTIONS": "-c search_path=elsewhere",
        "PGPASSFILE": str(tmp_path / ".pgpass"), "PGTARGETSESSIONATTRS": "standby", "PGREQUIREPEER": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with store.reading() as session:
        assert session.one("SELECT current_schema()") == ("helpdesk",)


def test_a_name_in_the_address_that_is_a_folder_is_a_socket() -> None:
    assert options(PostgresSettings("postgresql://%2FRun%2Fpg/desk", "me"))["host"] == "/Run/pg"
    assert options(PostgresSettings("postgresql://%2FRun%2Fpg/desk", "me"))["sslmode"] == "disable"


# ── bad days ──────────────────────────────────────────────────────────────────────────────────


def soon(holds: Callable[[], object], within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)


def test_after_a_restart_of_the_server_the_next_question_is_answered(
    postgres: Postgres, store: PostgresDatabase
) -> None:
    requests = requests_in(store)
    made = requests.create(a_call(), CHANGES, (OLGA,), "")
    before = heard(requests)
    postgres.stop(kill=True)
    try:
        with pytest.raises(StoreUnreachable) as caught:
            requests.get(made.id)
        assert caught.value.exit == 7
        assert caught.value.code == "requests-unavailable"
        soon(lambda: requests.marks() != before)  # whoever watches looks, and reads why
    finally:
        postgres.start()
    assert requests.get(made.id) == made
    assert requests.claim(made.id, OLGA.id).state is RequestState.CLAIMED


def test_a_server_that_is_frozen_is_given_up_in_time(postgres: Postgres, store: PostgresDatabase) -> None:
    with store.reading():
        pass  # there is a connection, and it will not be closed
    postgres.freeze()
    try:
        begun = time.monotonic()
        with pytest.raises(StoreUnreachable), store.reading():
            pass
        assert time.monotonic() - begun < 15
    finally:
        postgres.thaw()
    with store.reading() as session:
        assert session.one("SELECT 1") == (1,)


def test_a_transaction_that_another_holds_up_ends_in_a_sentence(store: PostgresDatabase) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store.writing("request X"):
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        with pytest.raises(StoreUnreachable, match="busy"), store.writing("request X"):
            pass
        with store.writing("request Y") as session:  # another name waits for nobody
            assert session.one("SELECT 1") == (1,)
    finally:
        done.set()
        thread.join()


class Cut:
    """Lets the server end this connection just before, or just after, it is told to keep what was written."""

    def __init__(self, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
        self.count = 0
        commit = PostgresDatabase._commit

        def cut(store: PostgresDatabase, link: psycopg.Connection[object]) -> None:
            if self.count:
                return commit(store, link)  # type: ignore[arg-type]
            self.count += 1
            if kept:
                link.execute("COMMIT")
            with postgres.root() as root:
                root.execute("SELECT pg_terminate_backend(%s)", (link.info.backend_pid,))
            return commit(store, link)  # type: ignore[arg-type]

        monkeypatch.setattr(PostgresDatabase, "_commit", cut)


@pytest.mark.req("V4")
@pytest.mark.parametrize("kept", [True, False])
def test_a_decision_whose_commit_got_no_answer_is_looked_up_and_not_guessed(
    postgres: Postgres, store: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    requests = requests_in(store)
    made = requests.create(a_call(), CHANGES, (OLGA,), "")
    cut = Cut(postgres, monkeypatch, kept=kept)
    if kept:
        assert requests.claim(made.id, OLGA.id).state is RequestState.CLAIMED
    else:
        with pytest.raises(StoreUnreachable, match="Nothing was kept") as caught:
            requests.claim(made.id, OLGA.id)
        assert not isinstance(caught.value, Unsure)
    assert cut.count == 1
    assert requests.get(made.id).state is (RequestState.CLAIMED if kept else RequestState.PENDING)


@pytest.mark.parametrize("kept", [True, False])
def test_a_request_whose_commit_got_no_answer_is_there_once_or_not_at_all(
    postgres: Postgres, store: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    requests = requests_in(store)
    assert requests.all_pending() == []
    Cut(postgres, monkeypatch, kept=kept)
    if kept:
        made = requests.create(a_call(), CHANGES, (OLGA,), "")
        assert requests.all_pending() == [made]
    else:
        with pytest.raises(StoreUnreachable):
            requests.create(a_call(), CHANGES, (OLGA,), "")
        assert requests.all_pending() == []


def test_what_was_caught_inside_a_transaction_does_not_pass_for_kept(store: PostgresDatabase) -> None:
    requests = requests_in(store)
    made = requests.create(a_call(), CHANGES, (OLGA,), "")
    again = "INSERT INTO requests (id, nonce, document, seal) VALUES (?, ?, '', '')"
    with pytest.raises(Failed, match="kept nothing"), store.writing() as session, suppress(Duplicate):
        session.run(again, made.id, "other")


def test_many_threads_take_turns_at_a_few_connections(
    postgres: Postgres, store: PostgresDatabase, postgres_place: Place
) -> None:
    most: list[int] = []
    with store.reading():
        pass  # the tables are made

    def look() -> None:
        for _ in range(5):
            with store.reading() as session:
                row = session.one(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = ?", postgres_place.name
                )
                most.append(row[0] if row else 0)

    threads = [threading.Thread(target=look) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 150
    assert max(most) <= postgres_link.AT_MOST


def heard(requests: Requests) -> tuple[int, ...]:
    """The marks, once it listens."""
    soon(lambda: requests.marks()[-1] == 1)
    return requests.marks()


def test_marks_change_when_another_program_keeps_something_and_only_then(
    store: PostgresDatabase, open_store: Callable[..., PostgresDatabase]
) -> None:
    here, there = requests_in(store), requests_in(open_store())
    made = there.create(a_call(), CHANGES, (OLGA,), "")
    before = heard(here)
    for _ in range(20):
        assert here.marks() == before
    there.claim(made.id, OLGA.id)
    soon(lambda: here.marks() != before)
    with store.reading() as session:
        listening = session.one("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    assert listening == (1,)


# ── versions and rights ───────────────────────────────────────────────────────────────────────


def test_many_programs_that_find_an_empty_database_make_its_tables_once(
    open_store: Callable[..., PostgresDatabase],
) -> None:
    stores = [open_store(statement_seconds=15) for _ in range(8)]
    failed: list[BaseException] = []

    def begin(store: PostgresDatabase) -> None:
        try:
            with store.reading() as session:
                session.all("SELECT * FROM requests")
        except HelpdeskError as error:
            failed.append(error)

    threads = [threading.Thread(target=begin, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [one.version for one in stores[0].standing()] == [family.version for family in FAMILIES]


OLD = Family(
    "things", ("things",), (Step(("CREATE TABLE things (id TEXT)",), ("CREATE TABLE things (id TEXT)",)),)
)
_MORE = ("ALTER TABLE things ADD COLUMN more TEXT",)
WIDER = replace(OLD, steps=(*OLD.steps, Step(_MORE, _MORE)))
BROKEN = replace(OLD, steps=(*WIDER.steps, Step((), (), breaks=True)))


def test_versions_side_by_side_until_one_says_that_it_breaks_the_older(
    open_store: Callable[..., PostgresDatabase],
) -> None:
    old, wider, newest = open_store((OLD,)), open_store((WIDER,)), open_store((BROKEN,))
    with old.reading():
        pass
    with pytest.raises(Failed, match="is of version 1, not 2") as caught, wider.reading():
        pass
    assert (caught.value.code, caught.value.hint) == (
        "store-old",
        "Whoever looks after it runs: helpdesk store migrate",
    )
    assert [one.version for one in wider.migrate()] == [1]
    assert wider.migrate() == []
    again = open_store((OLD,))
    with again.reading() as session:
        assert session.all("SELECT id FROM things") == []
    newest.migrate()
    for late in (open_store((OLD,)), open_store((WIDER,))):
        with pytest.raises(Failed, match="written by a newer program") as caught, late.reading():
            pass
        assert caught.value.code == "store-new"
        with pytest.raises(Failed, match="written by a newer program"):
            late.migrate()


def test_a_step_that_fails_leaves_the_tables_as_they_were(
    open_store: Callable[..., PostgresDatabase],
) -> None:
    with open_store((OLD,)).reading():
        pass
    bad = ("ALTER TABLE things ADD COLUMN more TEXT", "this is no SQL")
    failing = open_store((replace(OLD, steps=(*OLD.steps, Step(bad, bad))),))
    with pytest.raises(Failed):
        failing.migrate()
    with open_store((OLD,)).reading() as session:
        columns = session.all(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'things'"
        )
    assert columns == [("id",)]


@pytest.mark.req("V1")
def test_a_user_with_the_rights_that_are_granted_decides_and_can_rewrite_nothing(
    postgres: Postgres, postgres_place: Place, open_store: Callable[..., PostgresDatabase]
) -> None:
    user = f"desk_{postgres_place.name}"
    with postgres.root() as root:
        root.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'not-secret'".encode())
    plain = open_store(user=user, password=Secret("not-secret"))
    with pytest.raises(Failed) as caught, plain.reading():
        pass
    assert caught.value.code == "store-old"  # it may not make the tables, and says who does
    open_store().migrate(grant=user)
    requests = requests_in(plain)
    made = requests.create(a_call(), CHANGES, (OLGA,), "")
    assert requests.waiting_for(OLGA.id) == [made]
    assert requests.claim(made.id, OLGA.id).state is RequestState.CLAIMED
    for statement in (
        "DELETE FROM requests", "DELETE FROM decisions", "TRUNCATE decisions", "DROP TABLE decisions",
        "UPDATE requests SET document = ''", "UPDATE decisions SET what = 'done'",
        "ALTER TABLE decisions DISABLE TRIGGER ALL", "SET session_replication_role = replica",
    ):  # fmt: skip
        with pytest.raises(Failed) as caught, plain.writing() as session:
            session.run(statement)
        assert (
            "does not let this user do that" in caught.value.message
            or "must be owner" in caught.value.message
        )
