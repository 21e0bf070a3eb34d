"""A small company on an embedded directory in a temporary home, and ways to run the program in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pexpect
import pytest

from helpdesk.connectors.embedded import EmbeddedDirectory
from helpdesk.connectors.embedded.admin import NewGroup, NewPerson
from helpdesk.connectors.embedded.hashing import Cost
from helpdesk.connectors.embedded.rules import Rules
from helpdesk.secrets import Secret

PASSWORDS = {
    "ana": "ana-likes-tall-ships-1",
    "bo": "bo-mends-old-clocks-2",
    "cleo": "cleo-paints-in-blue-3",
    "dev": "dev-counts-the-rain-4",
    "eve": "eve-was-asked-to-go-5",
}
NAMES = {"ana": "Ana Ito", "bo": "Bo Larsen", "cleo": "Cleo Park", "dev": "Dev Rao", "eve": "Eve Stone"}
PROGRAM = [sys.executable, "-m", "helpdesk"]
ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[directory]
kind = "embedded"

[roles]
helpdesk = ["service-desk"]

[session]
store = "none"

[requests]
shared = true

[policy]
sources = ["{policies}"]
"""
POLICY = """# Customer data

## Retention

Customer data is kept for two years after the last order and erased after that.

## Access

Only the sales team reads it.
"""


@dataclass(frozen=True)
class Ran:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output; fails when there is anything else."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded


class Company:
    """Ana is an employee, Bo the service desk, Cleo owns finance-share, Dev is a colleague, Eve must change."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.state = home / ".local/state/helpdesk"
        policies = home / "policies"
        policies.mkdir()
        (policies / "data.md").write_text(POLICY)
        config = home / ".config/helpdesk/config.toml"
        config.parent.mkdir(parents=True, mode=0o700)
        config.write_text(CONFIG.format(policies=policies))
        config.chmod(0o600)
        self.config = config
        self.directory = EmbeddedDirectory(
            self.state / "directory.db", lambda: datetime.now(UTC), cost=Cost(n=2**10, p=1)
        )
        people = [
            NewPerson(login, NAMES[login], Secret(PASSWORDS[login]), must_change=login == "eve")
            for login in PASSWORDS
        ]
        groups = [
            NewGroup("service-desk", "The service desk", owners=["cleo"], members=["bo"]),
            NewGroup("finance-share", "Folders of Finance", owners=["cleo"], members=["cleo"]),
        ]
        rules = Rules(max_failures=3, lockout_seconds=900)
        self.directory.admin.seed(people, groups, rules=rules, desk_group="service-desk")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH", "SYSTEMROOT")}
        return {**kept, "HOME": str(self.home), "TERM": "xterm", "LC_ALL": "C.UTF-8", **more}

    def run(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None, **more: Any) -> Ran:
        """Run the program off a terminal, in a session of its own."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin.encode(),
            capture_output=True,
            env=self.environment(**(env or {})),
            cwd=ROOT,
            start_new_session=True,
            timeout=60,
            **more,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def run_as(
        self, login: str, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> Ran:
        """Run the program as somebody, whose password comes first on standard input."""
        return self.run(
            *arguments, "--as", login, "--password-stdin", stdin=f"{PASSWORDS[login]}\n{stdin}", env=env
        )

    def spawn(self, *arguments: str, size: tuple[int, int] = (24, 80), **env: str) -> pexpect.spawn:
        """Run the program on a terminal of its own."""
        child = pexpect.spawn(
            PROGRAM[0],
            [*PROGRAM[1:], *arguments],
            env=self.environment(**env),
            cwd=str(ROOT),
            encoding="utf-8",
            timeout=30,
            dimensions=size,
        )
        child.delaybeforesend = None
        return child

    def lock(self, login: str) -> None:
        """Lock an account by mistyping its password."""
        from helpdesk.errors import NotSignedIn

        for _ in range(4):
            try:
                self.directory.sign_in(login, Secret("not the password"))
            except NotSignedIn:
                continue

    def accepts(self, login: str, password: str) -> str:
        """Whether a password opens an account now."""
        return self.directory.accepts(self.directory.look_up().person(login), Secret(password))

    def is_locked(self, login: str) -> bool | None:
        desk = self.directory.sign_in("bo", Secret(PASSWORDS["bo"]))
        try:
            return desk.status(desk.person(login)).locked
        finally:
            desk.close()

    def members(self, group: str) -> set[str]:
        desk = self.directory.sign_in("bo", Secret(PASSWORDS["bo"]))
        try:
            return {desk.person_by_dn(dn).login for dn in desk.group(group).member_dns}
        finally:
            desk.close()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path / "company")
    yield made
    made.directory.close()


def finish(child: pexpect.spawn) -> int:
    """Wait for the end of the program; its exit code, a signal's as a shell has it."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus if child.exitstatus is not None else 128 + (child.signalstatus or 0)
