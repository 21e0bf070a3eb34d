"""``store``: looked at, backed up while it is used, destroyed, put back; and nothing is carried out twice."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from helpdesk.platform import lock
from tests.json_schema import problems
from tests.surfaces.company import Company, Ran


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path / "home")


def told(ran: Ran, name: str) -> dict[str, Any]:
    """The document, as its schema describes it."""
    assert ran.code == 0, ran.err
    assert problems(ran.document, name) == []
    return ran.document


def ask(company: Company, reason: str = "quarter close") -> str:
    asked = company.run_as(
        "ana", "do", "access.request", "finance-share", "--reason", reason, "--yes", "--json"
    )
    assert asked.code == 4, asked.err
    id: str = asked.document["request"]
    return id


def approve(company: Company, id: str) -> Ran:
    return company.run_as("cleo", "approvals", "approve", id, "--yes", "--json")


@pytest.mark.req("V4")
def test_a_rehearsal_backed_up_destroyed_and_put_back_and_nothing_is_done_twice(
    company: Company, tmp_path: Path
) -> None:
    later, open_still = ask(company), ask(company, "the other quarter")
    file = tmp_path / "backup.tar"
    made = told(company.run("store", "backup", str(file), "--json"), "store-backup-1")
    assert file.stat().st_mode & 0o777 == 0o600
    names = [part["name"] for part in made["parts"]]
    assert {"requests/requests.db", "log/log.db", "keys/host.pub"} <= set(names)
    assert not any("host.key" in name or "search" in name or "session" in name for name in names)
    assert approve(company, later).code == 0
    entries = company.run("log", "verify", "--json").document["entries"]

    (company.state / "requests/requests.db").write_bytes(b"this is no database any more" * 99)
    shutil.rmtree(company.state / "requests", ignore_errors=False)
    for name in ("cases.db", "cases.db-wal", "cases.db-shm"):
        (company.state / name).unlink(missing_ok=True)

    back = told(company.run("store", "restore", str(file), "--json"), "store-restore-1")
    ways = {part["name"]: part["way"] for part in back["parts"]}
    assert ways["requests/requests.db"] == "new"
    assert (ways["log/log.db"], ways["directory.db"]) == ("kept", "kept")
    waiting = company.run_as("cleo", "approvals", "list", "--json").document["waiting"]
    assert {one["id"] for one in waiting} == {later, open_still}
    again = approve(company, later)
    assert (again.code, again.document["error"]["code"]) == (3, "already-decided")
    assert "the log" in again.document["message"]
    assert approve(company, open_still).code in (0, 1)
    verified = company.run("log", "verify", "--json")
    assert verified.code == 0
    assert verified.document["entries"] > entries
    doctor = company.run("doctor", "--json").document
    (requests,) = [check for check in doctor["checks"] if check["name"] == "requests"]
    assert requests["state"] == "ok"


def test_nothing_that_is_here_is_overwritten_unless_somebody_says_so(
    company: Company, tmp_path: Path
) -> None:
    ask(company)
    file = tmp_path / "backup.tar"
    assert company.run("store", "backup", str(file)).code == 0
    twice = company.run("store", "backup", str(file))
    assert twice.code == 1
    newer = ask(company, "made after the backup")
    shown = told(company.run("store", "restore", str(file), "--dry-run", "--json"), "store-restore-1")
    assert (shown["changed"], shown["entry"]) == (False, None)
    refused = company.run("store", "restore", str(file), "--json")
    assert (refused.code, refused.document["error"]["code"]) == (3, "would-overwrite")
    assert company.run_as("ana", "approvals", "show", newer).code == 0
    done = company.run("store", "restore", str(file), "--yes", "--json")
    assert (done.code, done.document["changed"]) == (0, True)
    assert company.run_as("ana", "approvals", "show", newer).code == 2
    shown_entry = company.run("log", "show", str(done.document["entry"]), "--json")
    assert shown_entry.document["kind"] == "restore"


def test_a_machine_that_was_lost_comes_back_with_its_key_and_its_log(
    company: Company, tmp_path: Path
) -> None:
    id = ask(company)
    assert approve(company, id).code == 0
    whole, without = tmp_path / "whole.tar", tmp_path / "without.tar"
    assert company.run("store", "backup", str(whole), "--with-key").code == 0
    assert company.run("store", "backup", str(without)).code == 0
    shutil.rmtree(company.state)
    refused = company.run("store", "restore", str(without), "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "backup-host")
    back = company.run("store", "restore", str(whole), "--json")
    assert back.code == 0, back.err
    assert {part["way"] for part in back.document["parts"]} == {"new"}
    assert company.run("log", "verify").code == 0
    shown = company.run_as("ana", "approvals", "show", id, "--json").document
    assert (shown["id"], shown["state"]) == (id, "done")


def test_a_backup_of_another_host_or_a_damaged_one_changes_nothing(company: Company, tmp_path: Path) -> None:
    ask(company)
    file = tmp_path / "backup.tar"
    assert company.run("store", "backup", str(file)).code == 0
    data = bytearray(file.read_bytes())
    with tarfile.open(file) as tar:
        start = tar.getmember("requests/requests.db").offset_data
    data[start + 5000] ^= 1
    damaged = tmp_path / "damaged.tar"
    damaged.touch(mode=0o600)
    damaged.write_bytes(data)
    other = Company(tmp_path / "other")
    ask(other)
    for where, which, code in ((company, damaged, "backup-damaged"), (other, file, "backup-host")):
        before = where.run_as("ana", "approvals", "list", "--json").document["mine"]
        ended = where.run("store", "restore", str(which), "--yes", "--json")
        assert (ended.code, ended.document["error"]["code"]) == (1, code)
        assert where.run_as("ana", "approvals", "list", "--json").document["mine"] == before
    file.chmod(0o644)
    assert company.run("store", "restore", str(file), "--yes").code == 1  # anybody may have written it


@pytest.mark.req("S7")
def test_a_part_of_a_backup_goes_nowhere_but_into_the_state(company: Company, tmp_path: Path) -> None:
    ask(company)
    good, file = tmp_path / "good.tar", tmp_path / "bad.tar"
    assert company.run("store", "backup", str(good)).code == 0
    with tarfile.open(good) as tar, tar.extractfile("manifest.json") as content:  # type: ignore[union-attr]
        manifest = json.loads(content.read())
    for name in (
        "../evil.db",
        "/tmp/evil.db",
        "session/../../evil.db",
        ".config/x.db",
        "a//b.db",
        "keys/other",
    ):
        manifest["items"][0]["name"] = name
        text = json.dumps(manifest).encode()
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        with tarfile.open(file, "w") as tar:
            member = tarfile.TarInfo("manifest.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
        ended = company.run("store", "restore", str(file), "--yes", "--json")
        assert (ended.code, ended.document["error"]["code"]) == (1, "backup-damaged")


def test_a_store_that_a_worker_serves_is_not_put_back_under_its_hands(
    company: Company, tmp_path: Path
) -> None:
    ask(company)
    file = tmp_path / "backup.tar"
    assert company.run("store", "backup", str(file)).code == 0
    path = company.state / "runs.lock"
    path.touch(mode=0o600)
    held = os.open(path, os.O_RDWR)
    try:
        assert lock(held)  # as a worker holds it
        ended = company.run("store", "restore", str(file), "--yes", "--json")
        assert (ended.code, ended.document["error"]["code"]) == (1, "worker-running")
    finally:
        os.close(held)


def test_status_and_migrate_say_where_it_stands(company: Company) -> None:
    fresh = told(company.run("store", "status", "--json"), "store-1")
    assert (fresh["kind"], fresh["pending"]) == ("sqlite", None)
    assert not (company.state / "requests").exists()
    ask(company)
    status = told(company.run("store", "status", "--json"), "store-1")
    assert (status["usable"], status["pending"], status["place"]) == (True, 1, "requests.db")
    assert told(company.run("store", "migrate", "--json"), "store-migrate-1")["changed"] == []
    assert company.run("store", "migrate", "--grant", "x").code == 2
    with closing(sqlite3.connect(company.state / "requests/requests.db")) as database:
        database.execute("UPDATE store_versions SET version = 99, oldest = 99")
        database.commit()
    newer = company.run("store", "status", "--json")
    assert (newer.code, newer.document["usable"]) == (1, False)
    refused = company.run_as("ana", "approvals", "list", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "store-new")
    assert "newer program" in refused.document["message"]
