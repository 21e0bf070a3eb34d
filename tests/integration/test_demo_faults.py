"""A connector that reports success and writes nothing makes the demo fail, whatever it was about to write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPOILT_BY = {
    "unlock": "password.unlock",
    "add_member": "access.request",
    "set_password": "password.reset",
    "change_own_password": "password.change",
    "update_contact": "people.update",
    "set_enabled": "account.disable",
    "remove_member": "access.revoke",
}
"""The method that lies, and the action of the story that it spoils."""

PROGRAM = """
import sys
from dataclasses import replace
from helpdesk.connectors.embedded import Cost, directory
from helpdesk.connectors.embedded.session import EmbeddedSession
from helpdesk.surfaces.cli.main import run

directory.Cost = lambda: Cost(n=2**10, p=1)
{fault}
sys.exit(run(sys.argv[1:]))
"""
WRITES_NOTHING = "EmbeddedSession.{method} = lambda self, *given, **named: None"
READS_BACK_A_LIE = """
lies = []
truth = EmbeddedSession.status

def status(self, person):
    found = truth(self, person)
    return replace(found, locked=False, locked_until=None) if self.me.login == "tomas" and lies else found

EmbeddedSession.status = status
EmbeddedSession.unlock = lambda self, person: lies.append(person)
"""


def play(fault: str, home: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(fault=fault), "demo", "--script", *flags],
        env={**kept, "HOME": str(home), "LC_ALL": "C.UTF-8"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def steps(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    document = json.loads(done.stdout)
    assert document["schema"] == "helpdesk.demo/1"
    assert document["ok"] is (done.returncode == 0)
    found: list[dict[str, Any]] = document["steps"]
    return found


def test_without_a_fault_every_scene_ends_as_expected(tmp_path: Path) -> None:
    """The positive control: the same program, nothing spoilt."""
    done = play("", tmp_path, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    played = steps(done)
    assert all(step["ok"] for step in played)
    written = {step["result"]["action"] for step in played if step["result"]["outcome"] == "done"}
    assert set(SPOILT_BY.values()) <= written
    assert not any(tmp_path.iterdir()), "nothing of the script's company may stay"


@pytest.mark.req("L10", "R1")
@pytest.mark.parametrize("method", SPOILT_BY)
def test_a_write_that_writes_nothing_is_never_called_done(method: str, tmp_path: Path) -> None:
    done = play(WRITES_NOTHING.format(method=method), tmp_path, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    *before, last = steps(done)
    assert last["result"]["action"] == SPOILT_BY[method]
    assert last["result"]["outcome"] in ("failed", "unknown")
    assert last["problems"]
    assert all(step["ok"] for step in before)
    assert f"Scene {last['number']} of " in done.stderr
    assert "went wrong" in done.stderr


@pytest.mark.req("L10")
@pytest.mark.parametrize("method", ["unlock", "set_password"])
def test_what_is_printed_names_the_scene_and_the_outcome(method: str, tmp_path: Path) -> None:
    done = play(WRITES_NOTHING.format(method=method), tmp_path)
    assert done.returncode == 1
    scene = done.stdout.rpartition("types: ")[2]
    assert f"do {SPOILT_BY[method]}" in scene
    assert "failed:" in scene or "unknown:" in scene
    assert "✓ " not in scene, "nothing in it may look like a success"
    assert "ended exactly as expected" not in done.stdout
    assert "went wrong" in done.stderr


@pytest.mark.req("L10")
def test_a_read_back_that_lies_too_is_caught_by_the_witness(tmp_path: Path) -> None:
    done = play(READS_BACK_A_LIE, tmp_path, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    last = steps(done)[-1]
    assert last["result"]["action"] == "password.unlock"
    assert last["result"]["outcome"] == "done", "the program could not know"
    assert last["problems"] == ["directory: ines is locked is yes, not no"]
