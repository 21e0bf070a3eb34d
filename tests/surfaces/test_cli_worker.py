"""``helpdesk worker``: serving in the foreground, on demand and once; looking at it; and its end in good order."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdesk.app import Desk
from helpdesk.app.working import ensure_worker, worker_lives
from helpdesk.errors import ConfigError
from tests.json_schema import problems
from tests.surfaces.company import PASSWORDS, PROGRAM, ROOT, Company

CONFIG = """
[services.worker]
login = "bo"
actions = ["access.grant", "access.revoke"]

[worker]
service = "worker"
password = "file:{password}"
start = "{start}"
heartbeat_seconds = 1
takeover_seconds = 3
metrics = "{metrics}"
"""


def until(look: Callable[[], Any], within: float = 30.0) -> Any:
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
    return found


class Worked(Company):
    """The company with a service identity that carries out what was approved: Bo lends his account."""

    def configure(self, *, start: str = "manual", metrics: str = "", password: str = PASSWORDS["bo"]) -> None:
        secret = self.home / "worker-password"
        secret.touch(mode=0o600)
        secret.write_text(f"{password}\n")
        self.config.write_text(
            self.config.read_text() + CONFIG.format(password=secret, start=start, metrics=metrics)
        )

    def worker(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, "--json", "worker", *arguments],
            env=self.environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def state_document(self) -> dict[str, Any]:
        return self.run("--json", "worker", "status").document


@pytest.fixture
def worked(tmp_path: Path) -> Iterator[Worked]:
    made = Worked(tmp_path / "company")
    yield made
    made.directory.close()


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


@pytest.mark.req("S1", "CLI-8")
def test_a_worker_serves_says_how_it_is_and_ends_in_good_order(worked: Worked) -> None:
    port = _free_port()
    worked.configure(metrics=str(port))
    none = worked.run("worker", "status")
    assert (none.code, none.out.splitlines()[0]) == (1, "No worker serves. Start one: helpdesk worker")
    process = worked.worker()
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["event"] == "serving"
        document = worked.state_document()
        assert problems(document, "worker-1") == []
        assert [one["alive"] for one in document["workers"]] == [True]
        assert document["workers"][0]["kinds"]
        assert _page(port, "/healthz") == "ok\n"
        assert _page(port, "/readyz") == "ready\n"
        figures = _page(port, "/metrics")
        assert re.search(r"^helpdesk_worker_up 1$", figures, re.MULTILINE)
        assert re.search(r"^helpdesk_expiries_overdue 0$", figures, re.MULTILINE)
        second = worked.run("worker")
        assert (second.code, "A worker serves this machine's requests already." in second.err) == (1, True)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["event"] == "ended"
    assert worked.state_document()["workers"] == []
    said = out + err + figures + json.dumps(document)
    assert PASSWORDS["bo"] not in said


def test_once_ends_when_nothing_is_due(worked: Worked) -> None:
    worked.configure()
    ran = worked.run("worker", "--once")
    assert ran.code == 0, ran.err
    assert ran.out == ""
    assert "Serving" in ran.err


@pytest.mark.req("R9")
def test_a_worker_with_a_wrong_password_does_not_begin(worked: Worked) -> None:
    worked.configure(password="not his")
    ran = worked.run("--json", "worker", "--once")
    assert ran.code == 5
    assert "not his" not in ran.out + ran.err


def test_without_a_worker_configured_it_says_what_to_write(worked: Worked) -> None:
    ran = worked.run("worker")
    assert (ran.code, "No worker is configured" in ran.err, "[worker] service" in ran.err) == (2, True, True)


def test_key_and_unit_are_what_an_operator_needs(worked: Worked) -> None:
    worked.configure()
    key = worked.run("worker", "key")
    assert key.code == 0
    public = worked.state / "keys" / "host.pub"
    assert key.out == public.read_text()
    printed = worked.run("--json", "worker", "key").document
    assert problems(printed, "worker-key-1") == []
    assert printed["key"] == key.out.strip()
    unit = worked.run("worker", "unit")
    assert unit.code == 0
    assert re.search(r"^ExecStart=.+ worker$", unit.out, re.MULTILINE)
    assert "Restart=always" in unit.out
    assert problems(worked.run("--json", "worker", "unit").document, "worker-unit-1") == []


def test_a_worker_is_started_on_demand_and_goes_on_without_its_terminal(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked.configure(start="on-demand")
    monkeypatch.setenv("HOME", str(worked.home))
    desk = Desk.open()
    pid = 0
    try:
        assert not worker_lives(desk)
        assert ensure_worker(desk)
        assert worker_lives(desk)
        assert desk.engine is not None
        (worker,) = desk.engine.workers(3)
        pid = int(worker.id.split("-")[-2])
        assert os.getsid(pid) == pid
        log = worked.state / "worker.log"
        assert log.stat().st_mode & 0o077 == 0
        assert ensure_worker(desk)
        assert len(desk.engine.workers(3)) == 1
        os.kill(pid, signal.SIGTERM)
        until(lambda: not worker_lives(desk))
        assert PASSWORDS["bo"] not in log.read_text()
    finally:
        if pid:
            os.waitpid(pid, 0)
        desk.close()


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("ana", ["do", "password.status"]),
        ("cleo", ["do", "access.grant", "finance-share", "--person", "dev", "--yes"]),
    ],
)
def test_a_command_that_needs_no_worker_loads_nothing_of_it_though_one_is_configured(
    worked: Worked, who: str, words: list[str]
) -> None:
    worked.configure()
    program = (
        "import sys\n"
        "from helpdesk.surfaces.cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        "print(code, [m for m in ('dbos', 'sqlalchemy', 'psycopg') if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run(
        [PROGRAM[0], "-c", program, *words, "--as", who, "--password-stdin", "--json"],
        input=f"{PASSWORDS[who]}\n",
        env=worked.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr.strip().splitlines()[-1] == "0 []", ran.stdout + ran.stderr


def test_nothing_is_started_where_workers_are_the_operator_s(
    worked: Worked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(worked.home))
    desk = Desk.open()
    with pytest.raises(ConfigError, match="No worker is configured"):
        ensure_worker(desk)
    worked.configure(start="manual")
    desk = Desk.open()
    assert not ensure_worker(desk)
    desk.close()
