"""``helpdesk grants``: what it prints and with which exit code, with a worker that takes back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.connectors.embedded.admin import NewGroup, NewPerson
from helpdesk.secrets import Secret
from tests.json_schema import problems
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company, Ran

pytestmark = pytest.mark.req("V5")
WORKER = "svc-worker"
WORD = "the worker keeps time 6"
CONFIG = """
[services.worker]
login = "{login}"
actions = ["access.request", "access.grant", "access.revoke"]

[worker]
service = "worker"
password = "file:{password}"
start = "manual"
heartbeat_seconds = 1
takeover_seconds = 3
"""


class Lending(Company):
    """The company with a worker, started when it is needed."""

    def configure(self) -> None:
        admin = self.directory.admin
        admin.add_person(NewPerson(WORKER, "Helpdesk worker", Secret(WORD)))
        admin.add_group(NewGroup("workers", members=[WORKER]))
        admin.set_staffing_group("workers")
        secret = self.home / "worker-password"
        secret.touch(mode=0o600)
        secret.write_text(f"{WORD}\n")
        self.config.write_text(self.config.read_text() + CONFIG.format(login=WORKER, password=secret))
        self.process: subprocess.Popen[bytes] | None = None

    def worker(self) -> None:
        """Comes back once it serves."""
        self.process = subprocess.Popen(
            [*PROGRAM, "--json", "worker"],
            env=self.environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        while b'"serving"' not in self.process.stdout.readline():
            assert self.process.poll() is None, "the worker ended"

    def stop(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.communicate()
            self.process = None

    def grant(self, login: str, **end: Any) -> str:
        """The id of what Cleo lends to somebody."""
        flags = [word for name, value in end.items() for word in (f"--{name}", str(value))]
        ran = self.run_as("cleo", "do", "access.grant", login, "finance-share", *flags, "--yes", "--json")
        assert ran.code == 0, ran.err + ran.out
        (id,) = [o["target"] for o in ran.document["receipt"] if o["what"] == "ends"]
        return str(id)


@pytest.fixture
def lending(tmp_path: Path) -> Iterator[Lending]:
    made = Lending(tmp_path / "company")
    made.configure()
    yield made
    made.stop()
    made.directory.close()


def checked(ran: Ran, name: str) -> Any:
    assert problems(ran.document, name) == []
    return ran.document


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


@pytest.mark.req("CLI-1", "CLI-8", "CLI-14")
def test_from_the_gift_to_the_end(lending: Lending) -> None:
    """Given with an end, listed, returned early, expired, reviewed."""
    ana, dev = lending.grant("ana", days=3), lending.grant("dev", until=soon(15))
    listed = checked(lending.run_as("cleo", "grants", "list", "--json"), "grants-1")
    assert [list(one) for one in listed["grants"]] == [
        ["id", "subject", "target", "granted_at", "expires_at", "approved_by"]
    ] * 2
    assert [(one["id"], one["subject"], one["approved_by"]) for one in listed["grants"]] == [
        (dev, "dev", "cleo"),
        (ana, "ana", "cleo"),
    ]
    looked = lending.run_as("ana", "grants", "return", ana, "--dry-run", "--json")
    assert (looked.code, checked(looked, "result-1")["outcome"]) == (0, "previewed")
    asked = lending.run_as("ana", "grants", "extend", ana.lower(), "--days", "9", "--yes", "--json")
    assert (asked.code, asked.document["action"]) == (4, "access.request")
    lending.worker()
    returned = lending.run_as("ana", "grants", "return", ana, "--yes", "--json")
    assert (returned.code, checked(returned, "result-1")["outcome"]) == (0, "done"), returned.err
    deadline = time.monotonic() + 30
    while lending.members("finance-share") != {"cleo"}:
        assert time.monotonic() < deadline, "it did not end"
        time.sleep(0.1)
    shown = checked(lending.run_as("cleo", "grants", "show", ana, "--json"), "grant-1")
    assert (shown["state"], shown["ended_by"]) == ("ended", "ana")
    review = checked(
        lending.run_as("cleo", "grants", "review", "--group", "finance-share", "--json"), "grants-review-1"
    )
    assert [(one["subject"], one["used"]) for one in review["reviewed"]] == [("cleo", "not known")]


@pytest.mark.req("CLI-1")
def test_what_is_overdue_is_loud(lending: Lending) -> None:
    id = lending.grant("ana", days=1)
    state = lending.home / "later.py"
    state.write_text(
        "import sys\nfrom datetime import timedelta\nimport helpdesk.app.parts as parts\nimport helpdesk.app.desk as desk\n"
        "now = parts.utc_now\nlater = lambda: now() + timedelta(days=1, minutes=5)\n"
        "desk.Desk.__init__.__defaults__ = (later,)\n"
        "from helpdesk.__main__ import main\nsys.exit(main())\n"
    )
    words = ["--as", "ana", "--password-stdin"]
    ran = subprocess.run(
        [sys.executable, str(state), "grants", "list", "--plain", *words],
        input=f"{PASSWORDS['ana']}\n".encode(),
        capture_output=True,
        env=lending.environment(PYTHONPATH=str(ROOT)),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    out = ran.stdout.decode()
    assert ran.returncode == 8, out + ran.stderr.decode()
    assert re.search(rf"{id}\s+OVERDUE by \d min", out), out


def test_without_a_worker_there_is_one_sentence(company: Company) -> None:
    ran = company.run_as(
        "cleo", "do", "access.grant", "ana", "finance-share", "--days", "3", "--yes", "--json"
    )
    assert (ran.code, ran.document["error"]["code"]) == (3, "no-worker")
    assert "[worker]" in ran.document["error"]["hint"]
    assert company.members("finance-share") == {"cleo"}
    assert company.run_as("ana", "grants", "list", "--json").document["grants"] == []
