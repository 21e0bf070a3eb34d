"""One way to open SQLite: private, durable, one writer at a time, whole transactions."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from helpdesk.errors import Failed
from helpdesk.platform import private_file
from helpdesk.store import immediate, open_database


def test_durable_and_tidy(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db")
    asked = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "trusted_schema")
    found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
    assert found == ["wal", 2, 1, 1, 0]
    database.close()


@pytest.mark.req("S7")
@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_every_file_of_a_database_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = open_database(tmp_path / "state" / "a.db")
        with immediate(database):
            database.execute("CREATE TABLE t (x)")
        files = sorted((tmp_path / "state").iterdir())
        assert [file.name for file in files] == ["a.db", "a.db-shm", "a.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        database.close()
    finally:
        os.umask(before)


@pytest.mark.req("S7")
def test_a_planted_link_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "theirs.db").touch()
    (tmp_path / "a.db").symlink_to(tmp_path / "theirs.db")
    with pytest.raises(Failed):
        open_database(tmp_path / "a.db")
    assert (tmp_path / "theirs.db").read_bytes() == b""


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"something else altogether " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        open_database(tmp_path / "a.db")


def test_all_or_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db")
    with immediate(database):
        database.execute("CREATE TABLE t (x UNIQUE)")
    with pytest.raises(sqlite3.IntegrityError), immediate(database):
        database.executemany("INSERT INTO t VALUES (?)", [(1,), (1,)])
    with pytest.raises(KeyboardInterrupt), immediate(database):
        _insert_and_stop(database)
    assert database.execute("SELECT count(*) FROM t").fetchone() == (0,)
    with immediate(database):
        database.execute("INSERT INTO t VALUES (3)")
    assert database.execute("SELECT x FROM t").fetchall() == [(3,)]
    database.close()


def _insert_and_stop(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO t VALUES (2)")
    raise KeyboardInterrupt


@pytest.mark.req("R1")
def test_a_full_disk_is_told_as_it_is_and_the_database_goes_on(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db")
    with immediate(database):
        database.execute("CREATE TABLE t (x)")
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"), immediate(database):
        database.execute("INSERT INTO t VALUES (?)", ("x" * 100_000,))
    assert not database.in_transaction
    database.execute("PRAGMA max_page_count = 1000")
    with immediate(database):
        database.execute("INSERT INTO t VALUES ('fits')")
    assert database.execute("SELECT x FROM t").fetchall() == [("fits",)]
    database.close()


def test_a_commit_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db")
    with immediate(database):
        database.execute("CREATE TABLE parent (id PRIMARY KEY)")
        database.execute("CREATE TABLE child (p REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), immediate(database):
        database.execute("INSERT INTO child VALUES (1)")  # noticed when it is committed
    assert not database.in_transaction
    with immediate(database):
        database.execute("INSERT INTO parent VALUES (1)")
    assert database.execute("SELECT count(*) FROM child").fetchone() == (0,)
    database.close()


@pytest.mark.req("R4")
def test_eight_writers_lose_nothing(tmp_path: Path) -> None:
    with immediate(database := open_database(tmp_path / "a.db")):
        database.execute("CREATE TABLE n (value)")
        database.execute("INSERT INTO n VALUES (0)")
    errors: list[Exception] = []

    def count() -> None:
        own = open_database(tmp_path / "a.db")
        try:
            for _ in range(25):
                with immediate(own):
                    (value,) = own.execute("SELECT value FROM n").fetchone()
                    own.execute("UPDATE n SET value = ?", (value + 1,))
        except (sqlite3.Error, Failed) as error:
            errors.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert database.execute("SELECT value FROM n").fetchone() == (200,)
    database.close()


def test_a_writer_waits_its_time_and_no_longer(tmp_path: Path) -> None:
    first, second = open_database(tmp_path / "a.db"), open_database(tmp_path / "a.db", busy=0.05)
    with immediate(first):
        first.execute("CREATE TABLE t (x)")
        with pytest.raises(sqlite3.OperationalError, match="locked"), immediate(second):
            pytest.fail("two writers at once")
    with immediate(second):
        second.execute("INSERT INTO t VALUES (1)")
    first.close()
    second.close()


@pytest.mark.req("S5")
def test_what_was_deleted_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    canary = "canary-7f3a91c2"
    database = open_database(tmp_path / "a.db")
    with immediate(database):
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (?)", (canary,))
    everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert canary.encode() in everything  # the search finds what is there
    with immediate(database):
        database.execute("DELETE FROM t")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    everything = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert canary.encode() not in everything


@pytest.mark.req("R1")
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX matter")
def test_what_was_committed_survives_a_kill(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from helpdesk.store import immediate, open_database\n"
        "database = open_database(Path(sys.argv[1]))\n"
        "with immediate(database):\n"
        "    database.execute('CREATE TABLE t (x)')\n"
        "    database.execute('INSERT INTO t VALUES (1)')\n"
        "with immediate(database):\n"
        "    database.execute('INSERT INTO t VALUES (2)')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.db")], timeout=30)
    assert ran.returncode == -9
    database = open_database(tmp_path / "a.db")
    assert database.execute("SELECT x FROM t").fetchall() == [(1,)]
    database.close()


@pytest.mark.req("R4")
def test_opening_a_database_twice_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    """POSIX ends every lock of a process on a file with the first descriptor of it that is closed."""
    path = tmp_path / "kept.db"
    with closing(open_database(path)) as first:
        with immediate(first):
            first.execute("CREATE TABLE t (n INTEGER)")
        open_database(path).close()
        private_file(path)
        other = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM t').fetchall(); c.close()"
        subprocess.run([sys.executable, "-c", other, str(path)], check=True, timeout=30)
        assert path.with_name("kept.db-wal").exists(), "another program took itself for the last one"
        with immediate(first):
            first.execute("INSERT INTO t VALUES (1)")
        assert first.execute("PRAGMA integrity_check").fetchone() == ("ok",)
