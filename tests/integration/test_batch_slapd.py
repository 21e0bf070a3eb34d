"""Two hundred resets on a real slapd, killed at random moments: each done once, each logged (R7)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.batch import WINDOW
from helpdesk.app import Desk
from helpdesk.gate.audit import Entry
from helpdesk.secrets import Secret
from helpdesk_password.states import RESOLUTION
from tests.integration.story_world import join
from tests.servers.slapd import Slapd, ssha

pytestmark = [pytest.mark.servers, pytest.mark.req("R7"), pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
ROWS = 200
KILLS = 2
TRIED = 40
NAME = "night"


class Night:
    """A night script: a file of people, a password in a file, and one command that is run until it is done."""

    def __init__(self, server: Slapd, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.dns: dict[str, str] = {}
        self.desk_login = f"{NAME}-desk.{os.getpid()}"
        desk = server.add_person(self.desk_login, "the desk works at night")
        join(server, server.layout.service_desk, desk)
        self._add_people()
        self.csv, self.passwords = folder / "reset.csv", folder / "passwords"
        named = [self._named(number, login) for number, login in enumerate(self.dns)]
        self.csv.write_text("person\n" + "\n".join(named) + "\n")
        (folder / "desk-password").write_text("the desk works at night\n")
        keys = "\n".join(f"{n} = {json.dumps(v)}" for n, v in server.directory_config().items())
        (folder / "site.toml").write_text(
            f'[directory]\n{keys}\n[roles]\nhelpdesk = ["{server.layout.service_desk}"]\n'
            '[session]\nstore = "none"\n'
        )

    def _add_people(self) -> None:
        """All through one connection, and let their passwords age: servers tell that to the second."""
        connection = self.server.root()
        layout = self.server.layout
        hashed = ssha("nobody remembers this one")
        try:
            for number in range(ROWS):
                login = f"{NAME}{number:03}.{os.getpid()}"
                dn = layout.person_dn(login, login, self._number(number))
                attributes = {
                    layout.login_attribute: login,
                    "cn": layout.common_name(login, self._number(number)),
                    "sn": login,
                    "mail": f"{login}@example.test",
                    "employeeNumber": self._number(number),
                    "userPassword": hashed,
                }
                done, result, *_ = connection.add(dn, list(layout.person_classes), attributes)
                assert done, result
                self.dns[login] = dn
        finally:
            connection.unbind()

    def _number(self, number: int) -> str:
        return f"7{os.getpid()}{number:03}"

    def _named(self, number: int, login: str) -> str:
        """People stand in the file by login, mail and employee number in turn."""
        return (login, f"{login}@example.test", self._number(number))[number % 3]

    def let_the_passwords_age(self) -> None:
        (changed,) = self.server.read(list(self.dns.values())[-1])["pwdChangedTime"]
        told = datetime.strptime(changed.decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
        deadline = time.monotonic() + 10
        while datetime.now(UTC) - told < RESOLUTION:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def entries(self) -> dict[str, dict[str, list[bytes]]]:
        """Everybody as root sees them, by their logins."""
        connection, login = self.server.root(), self.server.layout.login_attribute
        try:
            base = f"{self.server.layout.people_unit},{self.server.layout.suffix}"
            _, _, found, _ = connection.search(
                base, f"({login}={NAME}*.{os.getpid()})", attributes=["*", "+"]
            )
            raw = [item["raw_attributes"] for item in found if item["type"] == "searchResEntry"]
            people = {entry[login][0].decode(): dict(entry) for entry in raw}
            return {name: people[name] for name in self.dns}
        finally:
            connection.unbind()

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder / "home"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_CONFIG_DIRS": str(self.folder / "nothing"),
            "HELPDESK_CONFIG": str(self.folder / "site.toml"),
            "PATH": os.environ["PATH"],
        }

    def start(self) -> subprocess.Popen[str]:
        """The very same command each time."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "helpdesk", "do", "password.reset", "--batch", str(self.csv)),
                *("--as", self.desk_login, "--password-file", str(self.folder / "desk-password")),
                *("--yes", "--json", "--reveal-to", str(self.passwords)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environ,
            start_new_session=True,
        )

    def killed_somewhere(self, chance: random.Random) -> int:
        """Kill it with SIGKILL at a random moment after some rows; how many it had told by then."""
        child = self.start()
        assert child.stdout is not None
        rows, told = chance.randint(5, 90), 0
        while told < rows:
            line = child.stdout.readline()
            assert line, child.communicate()[1][-2000:]
            told += not json.loads(line).get("before", False)
        time.sleep(chance.uniform(0, 0.1))  # any phase of any row in flight
        os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=30)
        assert child.returncode == -signal.SIGKILL
        return told

    def to_the_end(self) -> tuple[int, list[dict[str, Any]], str]:
        child = self.start()
        out, err = child.communicate(timeout=120)
        return child.returncode, [json.loads(line) for line in out.splitlines()], err


def test_two_hundred_resets_killed_at_random_are_each_done_once_and_logged(
    slapd_people: Slapd, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    night, chance = Night(slapd_people, tmp_path), random.Random(seed)
    night.let_the_passwords_age()

    for _ in range(KILLS):
        night.killed_somewhere(chance)
    code, results, told = night.to_the_end()

    assert code == 0, told
    assert [one["row"] for one in sorted(results, key=lambda one: int(one["row"]))] == [*range(1, ROWS + 1)]
    assert {one["outcome"] for one in results} == {"done"}
    assert sum(one.get("before", False) for one in results) >= KILLS * 5
    desk = Desk.open(environ=night.environ)
    try:
        half = the_log_tells_each_once(desk)
        the_server_agrees(night, half)
        the_passwords_are_there(night, desk, told)
    finally:
        desk.close()


def the_log_tells_each_once(desk: Desk) -> set[str]:
    """Every row has one outcome that says done, every intent one outcome; whose reset was ever half-done."""
    entries = desk.audit.entries(kinds=("intent", "outcome"), limit=10_000)
    outcomes = [entry for entry in entries if entry.kind == "outcome"]
    intents = {entry.seq for entry in entries if entry.kind == "intent"}
    assert Counter(entry.body["intent"] for entry in outcomes) == Counter(intents)
    done: Counter[str] = Counter(str(e.body["key"]) for e in outcomes if e.body["outcome"] == "done")
    assert len(done) == ROWS
    assert set(done.values()) == {1}
    assert desk.audit.open_intents() == []
    assert desk.audit.verify().ok
    return {_person(entry) for entry in outcomes if entry.body["outcome"] == "partial"}


def _person(entry: Entry) -> str:
    return str(entry.body["person_id"])


def the_server_agrees(night: Night, half: set[str]) -> None:
    """As root sees it: a password set once, which must be changed. The server remembers each it replaced."""
    for login, entry in night.entries().items():
        assert entry.get("pwdReset") == [b"TRUE"], login
        replaced = len(entry.get("pwdHistory", []))
        assert replaced == (2 if entry["entryUUID"][0].decode() in half else 1), login


def the_passwords_are_there(night: Night, desk: Desk, told: str) -> None:
    """Each in the file once, and in force; the ones that an interruption took are named."""
    assert night.passwords.stat().st_mode & 0o777 == 0o600
    lines = [line for line in night.passwords.read_text().splitlines() if line]
    kept = dict(line.split("\t") for line in lines if "\t" in line)
    assert len(kept) == len(lines)
    reader = desk.directory.look_up()
    for login, password in random.Random(len(kept)).sample(sorted(kept.items()), TRIED):
        assert desk.directory.accepts(reader.person(login), Secret(password)) != "no", login
    for login in set(night.dns) - set(kept):
        number = list(night.dns).index(login)
        assert night._named(number, login) in told
    assert len(night.dns) - len(kept) <= KILLS * WINDOW  # at most what was in flight each time
