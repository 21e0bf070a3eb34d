"""A scripted attacker at our gate, and a real server that locks accounts: the victim's is never locked (R9)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ldap3 import MODIFY_ADD

from helpdesk.app import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.secrets import Secret
from tests.servers.slapd import Slapd

ROOT = Path(__file__).resolve().parents[2]
PASSWORD, COLLEAGUES = Secret("the right one sails at 9"), Secret("a colleague rows at noon 8")
TRIES = 50


class Site:
    """A company's slapd, and helpdesk on one machine of it."""

    def __init__(self, server: Slapd, folder: Path, tag: str) -> None:
        self.server, self.folder, self.login, self.colleague = server, folder, f"victim-{tag}", f"mate-{tag}"
        self.dn = server.add_person(self.login, PASSWORD.expose())
        server.add_person(self.colleague, COLLEAGUES.expose())
        keys = server.directory_config()
        if "bind_password" in keys:
            keys["bind_password"] = "env:LOOKUP_PASSWORD"
        lines = [f"{name} = {json.dumps(value)}" for name, value in keys.items()]
        (folder / "site.toml").write_text(
            "\n".join(["[directory]", *lines, "[session]", 'store = "none"', ""])
        )
        (folder / "site.toml").chmod(0o600)
        self.environ = {
            "HOME": str(folder / "home"),
            "HELPDESK_CONFIG": str(folder / "site.toml"),
            "XDG_CONFIG_DIRS": str(folder / "nothing"),
            "LOOKUP_PASSWORD": server.lookup_password,
        }
        self.ahead = timedelta(0)
        opened = Desk.open(environ=self.environ)
        self.desk = Desk(opened.config, opened.paths, lambda: datetime.now(UTC) + self.ahead)

    def code(self, login: str, password: Secret) -> str:
        """How a sign-in at the gate ends."""
        try:
            asyncio.run(self.desk.sign_in(login, password)).directory.close()
        except HelpdeskError as error:
            return error.code
        return "in"

    def attack(self, login: str, number: int) -> str:
        return self.code(login, Secret(f"guess number {number}"))

    @property
    def failures(self) -> int:
        """What the server itself has counted, read as root."""
        return len(self.server.read(self.dn).get("pwdFailureTime", []))

    @property
    def is_locked(self) -> bool:
        return bool(self.server.read(self.dn).get("pwdAccountLockedTime"))


@pytest.fixture(params=["slapd_people", "slapd_staff", "slapd_closed"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    tag = str(abs(hash(request.node.name)) % 10**6)
    server = request.getfixturevalue(request.param)
    monkeypatch.setenv("LOOKUP_PASSWORD", server.lookup_password)
    made = Site(server, tmp_path, tag)
    yield made
    made.desk.close()


@pytest.mark.servers
@pytest.mark.req("R9")
def test_fifty_wrong_passwords_lock_nobody(site: Site) -> None:
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda n: site.attack(site.login, n), range(TRIES)))
    assert codes.count("wrong-credentials") == 2  # nobody has signed in, so the careful guess holds
    assert codes.count("too-many-attempts") == TRIES - 2
    assert (site.is_locked, site.failures) == (False, 2)
    site.ahead = timedelta(minutes=15)
    assert site.code(site.login, PASSWORD) == "in"
    assert site.failures == 0


@pytest.mark.servers
@pytest.mark.req("R9")
def test_one_fewer_than_the_servers_own_rule_once_somebody_could_read_it(site: Site) -> None:
    most = site.server.layout.max_failures
    assert site.code(site.colleague, COLLEAGUES) == "in"
    codes = [site.attack(site.login, number) for number in range(TRIES)]
    assert codes == ["wrong-credentials"] * (most - 1) + ["too-many-attempts"] * (TRIES - most + 1)
    assert (site.is_locked, site.failures) == (False, most - 1)
    assert site.code(site.colleague, COLLEAGUES) == "in"  # nobody else is held up


@pytest.mark.servers
@pytest.mark.req("R9", "I6")
def test_a_name_nobody_has_is_held_after_as_many(site: Site) -> None:
    codes = [
        [site.attack(login, number) for number in range(4)] for login in (site.login, "nobody-of-that-name")
    ]
    assert codes[0] == codes[1]


@pytest.mark.servers
@pytest.mark.req("R9")
def test_a_second_name_of_the_same_account_gives_no_further_attempt(
    slapd_people: Slapd, tmp_path: Path
) -> None:
    site = Site(slapd_people, tmp_path, "two-names")
    slapd_people.modify(site.dn, {"uid": [(MODIFY_ADD, ["victim-alias"])]})
    assert site.code("victim-alias", PASSWORD) == "in"
    codes = [site.attack(login, n) for n in range(25) for login in (site.login, "VICTIM-alias")]
    assert codes.count("wrong-credentials") == 2
    assert (site.is_locked, site.failures) == (False, 2)
    site.desk.close()


@pytest.mark.servers
@pytest.mark.req("R9")
def test_the_command_line_and_the_gate_count_together(slapd_people: Slapd, tmp_path: Path) -> None:
    site = Site(slapd_people, tmp_path, "command-line")

    def run(password: str) -> tuple[int, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "helpdesk", "whoami", "--json", "--as", site.login, "--password-stdin"],
            input=f"{password}\n".encode(),
            capture_output=True,
            env={**site.environ, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            cwd=ROOT,
            start_new_session=True,
            timeout=60,
        )
        return done.returncode, json.loads(done.stdout)["error"]["code"] if done.returncode else ""

    assert run("a first guess")[1] == "wrong-credentials"
    assert site.attack(site.login, 2) == "wrong-credentials"
    assert [run(f"guess {n}") for n in range(3)] == [(5, "too-many-attempts")] * 3
    assert run(PASSWORD.expose()) == (5, "too-many-attempts")
    assert (site.is_locked, site.failures) == (False, 2)
    site.desk.close()


@pytest.mark.servers
@pytest.mark.req("R9", "S4")
def test_the_read_back_of_a_reset_counts_against_nobody(slapd_people: Slapd, tmp_path: Path) -> None:
    """Neither its "yes" nor, where the password is not in force, its "no"."""
    site = Site(slapd_people, tmp_path, "read-back")
    person = site.desk.directory.look_up().person(site.login)
    assert site.desk.directory.accepts(person, PASSWORD) == "yes"
    assert site.desk.directory.accepts(person, Secret("not set after all 1")) == "no"
    assert site.code(site.login, PASSWORD) == "in"
    site.desk.close()
