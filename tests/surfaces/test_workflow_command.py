"""``helpdesk workflow``, and a workflow as an action: asked for, followed, killed in the middle, looked at, drawn."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pexpect
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

    def __init__(self, home: Path, start: str = "manual") -> None:
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


@pytest.fixture
def flowing(tmp_path: Path) -> Iterator[Flowing]:
    made = Flowing(tmp_path / "company")
    yield made
    made.directory.close()


WAITS = """
workflow: made.wait
version: "1"
summary: Wait for somebody
inputs:
  who: {type: login, ask: who answers}
steps:
  - id: ready
    wait-for: {person: "${who}", ask: "Is the desk ready?"}
  - id: told
    call: ticket.open
    with: {subject: "Ready: ${ready.answer}"}
"""


def read(company: Company, name: str, *words: str) -> dict[str, Any]:
    """A document of a reading command, held against its schema."""
    ran = company.run("--json", "workflow", *words)
    assert ran.code == 0, ran
    assert problems(ran.document, name) == []
    return ran.document


@pytest.mark.req("CLI-8")
def test_what_there_is_can_be_listed_shown_and_drawn(flowing: Flowing, tmp_path: Path) -> None:
    names = [one["name"] for one in read(flowing, "workflows-1", "list")["workflows"]]
    assert names == ["access.production", "people.move", "people.offboard", "people.onboard"]
    shown = read(flowing, "workflow-1", "show", "people.offboard")
    assert [step["id"] for step in shown["steps"]][:3] == ["memberships", "close", "revoke"]
    picture = tmp_path / "picture.svg"
    read(flowing, "workflow-graph-1", "graph", "people.offboard", "--svg", str(picture))
    root = ElementTree.fromstring(picture.read_text())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 1 + len(shown["steps"])
    again = flowing.run("workflow", "graph", "people.offboard", "--svg", str(picture))
    assert again.code == 1  # never over another file
    text = flowing.run("--plain", "workflow", "graph", "people.offboard").out
    assert "Take them out of their groups" in text
    assert "\x1b" not in text
    unknown = flowing.run("workflow", "show", "people.ofboard")
    assert (unknown.code, "Did you mean people.offboard" in unknown.err) == (2, True)


@pytest.mark.req("CLI-8")
def test_a_file_is_checked(flowing: Flowing, tmp_path: Path) -> None:
    file = tmp_path / "made.yaml"
    file.write_text(WAITS)
    assert read(flowing, "workflow-check-1", "check", str(file))["workflow"] == "made.wait"
    file.write_text(WAITS.replace("summary:", "sumary:"))
    ran = flowing.run("--json", "workflow", "check", str(file))
    assert ran.code == 2
    assert problems(ran.document, "workflow-check-1") == []
    assert {one["line"] for one in ran.document["mistakes"]} == {2, 4}
    told = flowing.run("workflow", "check", str(file))
    assert f"{file}:4: A workflow has no key 'sumary'. Did you mean summary?" in told.out


def test_without_a_worker_every_way_to_a_run_says_so(company: Company) -> None:
    for words in (["workflow", "runs"], ["workflow", "show", "W-ABC"], ["workflow", "cancel", "W-ABC"]):
        ran = company.run_as("bo", *words)
        assert (ran.code, "No worker is configured here" in ran.err) == (3, True), ran
    ran = company.run_as("bo", "do", "people.offboard", "ana", "--yes")
    assert (ran.code, "none is configured here" in ran.err) == (3, True), ran


@pytest.mark.req("R1", "R3", "CLI-8")
def test_a_workflow_is_asked_for_watched_and_looked_at(flowing: Flowing) -> None:
    process = flowing.worker()
    try:
        ran = flowing.run_as("dev", "--json", "do", "people.offboard", "ana", "--yes", "--wait=60")
        assert ran.code == 0, ran
        assert problems(ran.document, "result-1") == []
        assert ran.document["outcome"] == "done"
        run = ran.document["data"]["run"]
        assert [step["state"] for step in ran.document["data"]["steps"]] == [
            "done", "done", "left out", "done", "done",
        ]  # fmt: skip
        assert {(one["target"], one["observed"]) for one in ran.document["receipt"]} >= {
            ("ana", "disabled"),
            ("ana", "left"),
        }
        assert flowing.enabled("ana") is False
        shown = flowing.run_as("dev", "--json", "workflow", "show", run)
        assert (shown.code, problems(shown.document, "run-1")) == (0, [])
        assert shown.document["outputs"]["ticket"].startswith("T-")
        listed = flowing.run_as("dev", "--json", "workflow", "runs", "--ended")
        assert problems(listed.document, "runs-1") == []
        assert [one["id"] for one in listed.document["runs"]] == [run]
        drawn = flowing.run_as("dev", "workflow", "graph", run)
        assert "Close the account [done]" in drawn.out
        others = flowing.run_as("cleo", "workflow", "show", run)
        assert (others.code, "There is no run" in others.err) == (2, True)
        done = flowing.run_as("dev", "workflow", "retry", run, "--from", "close")
        assert (done.code, "nothing to begin again" in done.err) == (3, True)
        over = flowing.run_as("dev", "workflow", "cancel", run)
        assert (over.code, "has ended already" in over.err) == (3, True)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.mark.req("R2", "R3")
def test_asked_for_alone_it_goes_on_by_itself_and_a_kill_does_not_end_it(flowing: Flowing) -> None:
    ran = flowing.run_as("dev", "--json", "do", "people.offboard", "ana", "--yes")
    assert (ran.code, ran.document["outcome"]) == (4, "accepted"), ran
    run = ran.document["data"]["run"]
    assert f"helpdesk workflow show {run}" in ran.document["message"]
    first = flowing.worker()
    try:
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=30)
        second = flowing.worker()
        try:
            shown = flowing.run_as("dev", "--json", "workflow", "show", run, "--follow")
            assert (shown.code, shown.document["state"]) == (0, "done"), shown
        finally:
            second.send_signal(signal.SIGTERM)
            second.wait(timeout=30)
    finally:
        if first.poll() is None:
            first.kill()


@pytest.mark.req("R1", "L3")
def test_at_a_terminal_each_step_is_told_as_it_ends(flowing: Flowing) -> None:
    process = flowing.worker()
    try:
        child = flowing.spawn(
            "do", "people.offboard", "cleo", "--successor", "ana", "--as", "dev", size=(50, 110)
        )
        child.expect("assword of dev")
        child.sendline(PASSWORDS["dev"])
        child.expect("membership of cleo: member → not a member")
        child.expect("archive: people.archive person=cleo: not done → done")
        child.expect("Type")
        child.sendline("cleo")
        for step in (
            "Close the account",
            "Take them out of their groups",
            "Open a ticket for what they hand back",
        ):
            child.expect(f"{step}: done")
        child.expect("people.offboard is done: 5 steps carried out")
        child.expect(pexpect.EOF)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert flowing.enabled("cleo") is False


@pytest.mark.req("V1", "V5")
def test_production_opens_for_a_day_with_an_owners_approval(flowing: Flowing) -> None:
    process = flowing.worker()
    try:
        asked = flowing.run_as(
            "ana", "--json", "do", "access.production", "finance-share", "--reason", "an incident", "--yes"
        )
        assert (asked.code, asked.document["outcome"]) == (4, "pending"), asked
        request = asked.document["request"]
        flowing.run_as("cleo", "approvals", "approve", request, "--yes")
        (listed,) = flowing.run_as("ana", "--json", "workflow", "runs", "--ended").document["runs"]
        shown = flowing.run_as("ana", "--json", "workflow", "show", listed["id"], "--follow").document
        assert (shown["state"], shown["request"]) == ("done", request)
        (grant,) = flowing.run_as("ana", "--json", "grants", "list").document["grants"]
        assert (grant["subject"], grant["target"], grant["approved_by"]) == ("ana", "finance-share", "cleo")
        assert grant["expires_at"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
