"""Waiting for somebody else's yes, and a worker that carries it out: real programs, one machine."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from helpdesk.connectors.embedded.admin import NewPerson
from helpdesk.secrets import Secret
from tests.json_schema import problems
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company

WORKER = "svc"


@pytest.fixture
def staffed(company: Company, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """The company with a worker's account that owns finance-share; a worker that was started is ended."""
    monkeypatch.setitem(PASSWORDS, WORKER, "svc-works-at-night-9")
    company.directory.admin.add_person(NewPerson(WORKER, "The Worker", Secret(PASSWORDS[WORKER])))
    with closing(sqlite3.connect(company.state / "directory.db")) as database:
        database.execute(
            "INSERT INTO team_owner (team, person) SELECT team.id, person.id FROM team, person "
            "WHERE team.name = 'finance-share' AND person.login = ?",
            (WORKER,),
        )
        database.commit()
    password = company.home / "worker-password"
    password.write_text(f"{PASSWORDS[WORKER]}\n")
    password.chmod(0o600)
    with company.config.open("a") as config:
        config.write(
            f'[services.worker]\nlogin = "{WORKER}"\nactions = ["access.request", "access.revoke"]\n'
            f'[worker]\nservice = "worker"\npassword = "file:{password}"\n'
        )
    yield company
    status = company.run("worker", "status", "--json")
    with suppress(ValueError):
        for worker in json.loads(status.out).get("workers", []):
            pid = int(worker["id"].split("-")[-2])
            assert b"helpdesk" in Path(f"/proc/{pid}/cmdline").read_bytes()
            os.kill(pid, signal.SIGTERM)


_children: list[subprocess.Popen[bytes]] = []


def asking(company: Company, *more: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [*PROGRAM, "do", "access.request", "finance-share", "--yes", "--json", *more,
         "--as", "ana", "--password-stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=company.environment(), cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    _children.append(child)
    assert child.stdin is not None
    child.stdin.write(f"{PASSWORDS['ana']}\n".encode())
    child.stdin.close()
    child.stdin = None
    return child


@pytest.fixture(autouse=True)
def _nobody_left_behind() -> Iterator[None]:
    yield
    for child in _children:
        if child.poll() is None:
            child.kill()
            child.communicate()
    _children.clear()


def request_of(company: Company) -> str:
    """The id of the one request, as soon as it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(company.state / "requests/requests.db")) as store,
        ):
            found = store.execute("SELECT id FROM requests").fetchone()
            if found:
                return str(found[0])
        time.sleep(0.05)
    raise AssertionError("no request was made")


def test_asked_approved_and_carried_out_by_the_worker_while_the_requester_waits(staffed: Company) -> None:
    child = asking(staffed, "--wait")
    id = request_of(staffed)
    why = staffed.run_as("ana", "why", id, "--json")
    assert problems(why.document, "why-request-1") == []
    assert why.document["waits"] == "It waits for a yes of one of its approvers."
    approved = staffed.run_as("cleo", "approvals", "approve", id, "--yes", "--json")
    assert (approved.code, approved.document["outcome"]) == (0, "done"), approved
    out, told = child.communicate(timeout=60)
    waited = json.loads(out)
    assert (child.returncode, waited["outcome"], waited["request"]) == (0, "done", id)
    assert waited["receipt"] == approved.document["receipt"] != []
    assert problems(waited, "result-1") == []
    assert b"Waiting for Cleo Park" in told
    entry = staffed.run_as("bo", "log", "show", str(waited["entry"] - 1), "--json").document
    assert entry["kind"] == "intent"
    assert {"ana", "cleo", WORKER} <= set(re.findall(r"\w+", json.dumps(entry)))


def test_without_a_terminal_it_ends_when_the_time_is_over_and_ctrl_c_leaves_it_waiting(
    company: Company,
) -> None:
    begun = time.monotonic()
    child = asking(company, "--wait=1")
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, json.loads(out)["outcome"]) == (4, "pending")
    assert time.monotonic() - begun < 30
    id = json.loads(out)["request"]
    assert company.run_as("ana", "approvals", "withdraw", id).code == 0
    child = asking(company, "--wait")
    deadline = time.monotonic() + 30
    told = b""
    assert child.stderr is not None
    while b"Waiting for" not in told and time.monotonic() < deadline:
        told += child.stderr.read1(4096)  # type: ignore[attr-defined]
    assert b"Waiting for" in told
    child.send_signal(signal.SIGINT)
    _, rest = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"goes on waiting" in told + rest
    mine = company.run_as("ana", "approvals", "list", "--json").document["mine"]
    assert [one["state"] for one in mine] == ["pending", "withdrawn"]


def test_a_stand_in_is_given_listed_and_taken_back(company: Company) -> None:
    given = company.run_as("cleo", "approvals", "delegate", "dev", "--until", "2999-01-01", "--yes", "--json")
    assert (given.code, given.document["error"]["code"]) == (3, "delegation")  # too long
    from datetime import date, timedelta

    until = (date.today() + timedelta(days=7)).isoformat()  # noqa: DTZ011 - a day as a person says it
    given = company.run_as("cleo", "approvals", "delegate", "dev", "--until", until, "--yes", "--json")
    assert (given.code, problems(given.document, "result-1")) == (0, [])
    listed = company.run_as("dev", "approvals", "delegations", "--json").document
    assert problems(listed, "delegations-1") == []
    assert [one["giver"] for one in listed["held"]] == ["Cleo Park"]
    id = listed["held"][0]["id"]
    assert company.run_as("dev", "approvals", "revoke", id, "--yes").code == 3
    assert company.run_as("cleo", "approvals", "revoke", id, "--yes").code == 0
    assert "revoked" in company.run_as("cleo", "approvals", "delegations", "--plain").out
