"""``store``: looked at, backed up while it is used, destroyed, put back; and nothing is carried out twice."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from helpdesk.platform import lock
from tests.json_schema import problems
from tests.servers.postgres import Place, Postgres
from tests.surfaces.company import Company, Ran
from tests.surfaces.inside import inside, inside_as


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path / "home")


def told(ran: Ran, name: str) -> dict[str, Any]:
    """The document, as its schema describes it."""
    assert ran.code == 0, ran.err
    assert problems(ran.document, name) == []
    return ran.document


def rewritten(backup: Path, file: Path, change: Callable[[Any], object]) -> Path:
    """The same parts with another manifest, by somebody who may write the file."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    with tarfile.open(backup) as old, tarfile.open(file, "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == "manifest.json":
                manifest = json.loads(data)
                change(manifest)
                data = json.dumps(manifest).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return file


def ask(company: Company, reason: str = "quarter close") -> str:
    asked = inside_as(
        company, "ana", "do", "access.request", "finance-share", "--reason", reason, "--yes", "--json"
    )
    assert asked.code == 4, asked.err
    id: str = asked.document["request"]
    return id


def approve(company: Company, id: str) -> Ran:
    return inside_as(company, "cleo", "approvals", "approve", id, "--yes", "--json")


@pytest.mark.req("V4")
def test_a_rehearsal_backed_up_destroyed_and_put_back_and_nothing_is_done_twice(
    company: Company, tmp_path: Path
) -> None:
    later, open_still = ask(company), ask(company, "the other quarter")
    other = company.state / "profiles/demo"
    other.mkdir(parents=True)
    sqlite3.connect(other / "directory.db").close()
    file = tmp_path / "backup.tar"
    made = told(inside(company, "store", "backup", str(file), "--json"), "store-backup-1")
    assert file.stat().st_mode & 0o777 == 0o600
    names = [part["name"] for part in made["parts"]]
    assert {"requests/requests.db", "log/log.db", "keys/host.pub"} <= set(names)
    assert not any(word in name for name in names for word in ("host.key", "search", "session", "profiles"))
    assert approve(company, later).code == 0
    entries = inside(company, "log", "verify", "--json").document["entries"]

    (company.state / "requests/requests.db").write_bytes(b"this is no database any more" * 99)
    shutil.rmtree(company.state / "requests", ignore_errors=False)
    for name in ("cases.db", "cases.db-wal", "cases.db-shm"):
        (company.state / name).unlink(missing_ok=True)

    back = told(inside(company, "store", "restore", str(file), "--json"), "store-restore-1")
    ways = {part["name"]: part["way"] for part in back["parts"]}
    assert ways["requests/requests.db"] == "new"
    assert (ways["log/log.db"], ways["directory.db"]) == ("kept", "kept")
    waiting = inside_as(company, "cleo", "approvals", "list", "--json").document["waiting"]
    assert {one["id"] for one in waiting} == {later, open_still}
    again = approve(company, later)
    assert (again.code, again.document["error"]["code"]) == (3, "already-decided")
    assert "the log" in again.document["message"]
    assert approve(company, open_still).code in (0, 1)
    verified = inside(company, "log", "verify", "--json")
    assert verified.code == 0
    assert verified.document["entries"] > entries
    doctor = inside(company, "doctor", "--json").document
    (requests,) = [check for check in doctor["checks"] if check["name"] == "requests"]
    assert requests["state"] == "ok"


@pytest.mark.req("CLI-15")
def test_nothing_that_is_here_is_overwritten_unless_somebody_says_so(
    company: Company, tmp_path: Path
) -> None:
    ask(company)
    file = tmp_path / "backup.tar"
    assert inside(company, "store", "backup", str(file)).code == 0
    twice = inside(company, "store", "backup", str(file))
    assert twice.code == 1
    newer = ask(company, "made after the backup")
    shown = told(inside(company, "store", "restore", str(file), "--dry-run", "--json"), "store-restore-1")
    assert (shown["changed"], shown["entry"]) == (False, None)
    refused = inside(company, "store", "restore", str(file), "--json")
    assert (refused.code, refused.document["error"]["code"]) == (3, "would-overwrite")
    assert inside_as(company, "ana", "approvals", "show", newer).code == 0
    done = inside(company, "store", "restore", str(file), "--yes", "--json")
    assert (done.code, done.document["changed"]) == (0, True)
    assert inside_as(company, "ana", "approvals", "show", newer).code == 2
    shown_entry = inside(company, "log", "show", str(done.document["entry"]), "--json")
    assert shown_entry.document["kind"] == "restore"


def test_a_machine_that_was_lost_comes_back_with_its_key_and_its_log(
    company: Company, tmp_path: Path
) -> None:
    id = ask(company)
    assert approve(company, id).code == 0
    whole, without = tmp_path / "whole.tar", tmp_path / "without.tar"
    assert inside(company, "store", "backup", str(whole), "--with-key").code == 0
    assert inside(company, "store", "backup", str(without)).code == 0
    shutil.rmtree(company.state)
    refused = inside(company, "store", "restore", str(without), "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "backup-host")
    back = inside(company, "store", "restore", str(whole), "--json")
    assert back.code == 0, back.err
    assert {part["way"] for part in back.document["parts"]} == {"new"}
    assert inside(company, "log", "verify").code == 0
    shown = inside_as(company, "ana", "approvals", "show", id, "--json").document
    assert (shown["id"], shown["state"]) == (id, "done")


def test_a_backup_of_another_host_or_a_damaged_one_changes_nothing(company: Company, tmp_path: Path) -> None:
    ask(company)
    file = tmp_path / "backup.tar"
    assert inside(company, "store", "backup", str(file)).code == 0
    data = bytearray(file.read_bytes())
    with tarfile.open(file) as tar:
        start = tar.getmember("requests/requests.db").offset_data
    data[start + 5000] ^= 1
    newer = rewritten(file, tmp_path / "newer.tar", lambda told: told["versions"].update(requests=99))
    damaged = tmp_path / "damaged.tar"
    damaged.touch(mode=0o600)
    damaged.write_bytes(data)
    other = Company(tmp_path / "other")
    ask(other)
    for where, which, code in (
        (company, damaged, "backup-damaged"), (other, file, "backup-host"), (company, newer, "backup-version"),
    ):  # fmt: skip
        before = inside_as(where, "ana", "approvals", "list", "--json").document["mine"]
        ended = inside(where, "store", "restore", str(which), "--yes", "--json")
        assert (ended.code, ended.document["error"]["code"]) == (1, code)
        assert inside_as(where, "ana", "approvals", "list", "--json").document["mine"] == before
    file.chmod(0o644)
    assert inside(company, "store", "restore", str(file), "--yes").code == 1  # anybody may have written it


@pytest.mark.req("S7")
def test_a_part_of_a_backup_goes_nowhere_but_into_the_state(company: Company, tmp_path: Path) -> None:
    ask(company)
    good, file = tmp_path / "good.tar", tmp_path / "bad.tar"
    assert inside(company, "store", "backup", str(good)).code == 0
    for name in (
        "../evil.db",
        "/tmp/evil.db",
        "session/../../evil.db",
        ".config/x.db",
        "a//b.db",
        "keys/other",
    ):
        rewritten(good, file, lambda told, name=name: told["items"][0].update(name=name))
        ended = inside(company, "store", "restore", str(file), "--yes", "--json")
        assert (ended.code, ended.document["error"]["code"]) == (1, "backup-damaged")


def test_a_store_that_a_worker_serves_is_not_put_back_under_its_hands(
    company: Company, tmp_path: Path
) -> None:
    ask(company)
    file = tmp_path / "backup.tar"
    assert inside(company, "store", "backup", str(file)).code == 0
    path = company.state / "runs.lock"
    path.touch(mode=0o600)
    held = os.open(path, os.O_RDWR)
    try:
        assert lock(held)  # as a worker holds it
        ended = inside(company, "store", "restore", str(file), "--yes", "--json")
        assert (ended.code, ended.document["error"]["code"]) == (1, "worker-running")
    finally:
        os.close(held)


@pytest.mark.req("CLI-8")
def test_status_and_migrate_say_where_it_stands(company: Company) -> None:
    fresh = told(inside(company, "store", "status", "--json"), "store-1")
    assert (fresh["kind"], fresh["pending"]) == ("sqlite", None)
    assert not (company.state / "requests").exists()
    ask(company)
    status = told(inside(company, "store", "status", "--json"), "store-1")
    assert (status["usable"], status["pending"], status["place"]) == (True, 1, "requests.db")
    assert told(inside(company, "store", "migrate", "--json"), "store-migrate-1")["changed"] == []
    assert inside(company, "store", "migrate", "--grant", "x").code == 2
    with closing(sqlite3.connect(company.state / "requests/requests.db")) as database:
        database.execute("UPDATE store_versions SET version = 99, oldest = 99")
        database.commit()
    newer = inside(company, "store", "status", "--json")
    assert (newer.code, newer.document["usable"]) == (1, False)
    refused = inside_as(company, "ana", "approvals", "list", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "store-new")
    assert "newer program" in refused.document["message"]


# ── a company's ───────────────────────────────────────────────────────────────────────────────


def with_store(company: Company, url: str, user: str, password: str) -> None:
    secret = company.home / "store-password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    company.config.write_text(
        f'{company.config.read_text()}\n[store]\nurl = "{url}"\nuser = "{user}"\npassword = "file:{secret}"\n'
    )


@pytest.mark.servers
@pytest.mark.req("V4")
def test_requests_of_a_company_are_made_and_decided_in_postgres(
    company: Company, postgres: Postgres, postgres_place: Place
) -> None:
    with_store(company, postgres_place.url, postgres_place.user, postgres_place.password)
    user = f"clients_{postgres_place.name}"
    with postgres.root() as root:
        root.execute(f"CREATE ROLE {user}".encode())
    fresh = inside(company, "store", "status", "--json")
    assert (fresh.code, fresh.document["usable"]) == (1, False)
    migrated = told(inside(company, "store", "migrate", "--grant", user, "--json"), "store-migrate-1")
    assert (migrated["engine"], migrated["granted"]) == (True, user)
    assert {(one["family"], one["from"]) for one in migrated["changed"]} >= {("requests", 0)}
    id = ask(company)
    assert not (company.state / "requests").exists()
    listed = inside_as(company, "cleo", "approvals", "list", "--json")
    assert [one["id"] for one in told(listed, "approvals-1")["waiting"]] == [id]
    status = told(inside(company, "store", "status", "--json"), "store-1")
    assert (status["kind"], status["pending"]) == ("postgres", 1)
    assert approve(company, id).code == 0
    assert approve(company, id).document["error"]["code"] == "already-decided"


def test_a_store_that_gives_no_answer_is_one_sentence_and_exit_code_7(company: Company) -> None:
    with socket.socket() as free:  # nobody listens there
        free.bind(("127.0.0.1", 0))
        with_store(
            company, f"postgresql://127.0.0.1:{free.getsockname()[1]}/desk", "desk", "secret-of-the-store"
        )
        for words in (
            ("store", "status"),
            ("store", "migrate"),
            ("store", "backup", str(company.home / "b.tar")),
        ):
            ended = inside(company, *words, "--json")
            assert (ended.code, ended.document["outcome"]) == (7, "unreachable"), ended.err
            assert "secret-of-the-store" not in ended.out + ended.err
        away = inside_as(company, "cleo", "approvals", "list", "--json")
        assert (away.code, away.document["error"]["code"]) == (7, "requests-unavailable")
        assert "nothing answers at this port" in away.document["message"]
