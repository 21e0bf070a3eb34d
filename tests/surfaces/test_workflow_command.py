"""``helpdesk workflow``, and a workflow as an action: asked for, followed, killed in the middle, looked at, drawn."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk.connectors.embedded.admin import NewGroup
from tests.json_schema import problems
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company

CONFIG = """
[services.worker]
login = "bo"
actions = ["people.offboard", "people.onboard", "people.move", "people.create", "people.archive", "people.alias",
  "people.manager", "account.disable", "access.grant", "access.revoke", "access.list", "access.hand-over",
  "access.request", "access.production", "ticket.open", "mail.send"]

[worker]
service = "worker"
password = "file:{password}"
start = "{start}"
heartbeat_seconds = 1
takeover_seconds = 3
"""


class Flowing(Company):
    """Dev is of the service desk, too, and Bo lends his account to the worker."""

    def __init__(self, home: Path, start: str = "on-demand") -> None:
        super().__init__(home)
        self.directory.admin.add_group(NewGroup("desk-two", members=["dev"]))
        self.directory.admin.add_group(NewGroup("entries", members=["bo"]))
        self.directory.admin.set_staffing_group("entries")
        secret = home / "worker-password"
        secret.touch(mode=0o600)
        secret.write_text(f"{PASSWORDS['bo']}\n")
        text = self.config.read_text().replace('["service-desk"]', '["service-desk", "desk-two"]')
        self.config.write_text(text + CONFIG.format(password=secret, start=start))

    def worker(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*PROGRAM, "worker"],
            env=self.environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def enabled(self, login: str) -> bool | None:
        from helpdesk.secrets import Secret

        desk = self.directory.sign_in("bo", Secret(PASSWORDS["bo"]))
        return desk.status(desk.person(login)).enabled


def stop_workers(company: Flowing) -> None:
    document = company.run("--json", "worker", "status").document
    for one in document["workers"]:
        pid = int(str(one.get("pid") or 0))
        if pid:
            os.kill(pid, signal.SIGTERM)


@pytest.fixture
def flowing(tmp_path: Path) -> Iterator[Flowing]:
    made = Flowing(tmp_path / "company")
    yield made
    made.directory.close()


@pytest.mark.req("R1", "R3", "CLI-8")
def test_a_workflow_is_asked_for_and_watched_to_its_end(flowing: Flowing) -> None:
    process = flowing.worker()
    try:
        ran = flowing.run_as("dev", "--json", "do", "people.offboard", "ana", "--yes", "--wait=60")
        print(ran)
        assert ran.code == 0
        print(ran.document)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
