"""A company on a real slapd that writes down every change, and starts of the program that are killed in it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE, Connection

from helpdesk.gate.audit import AuditLog, Entry
from helpdesk.gate.keys import HostKey
from tests.servers.layouts import PEOPLE
from tests.servers.packages import slapd_or_skip
from tests.servers.slapd import Slapd

ROOT = Path(__file__).resolve().parents[2]
FOR_EVER = b"000001010000Z"
_RELAX = ("1.3.6.1.4.1.4203.666.5.12", True, None)
_NUMBERS = count(1)


@dataclass(frozen=True)
class Record:
    """One change that slapd carried out.

    Attributes:
        by: the DN of who did it. values: attribute → its values; empty ones too.
        operation: "add", "delete" or "replace" by attribute; of an entry that was added, "add" by "entry".
    """

    by: str
    dn: str
    values: Mapping[str, tuple[str, ...]]
    operation: Mapping[str, str]


class WitnessedSlapd(Slapd):
    """slapd with the auditlog overlay: a file that gets every change it carried out, in their order."""

    def _configuration(self) -> str:
        text = super()._configuration()
        text = text.replace("moduleload ppolicy\n", "moduleload ppolicy\nmoduleload auditlog\n")
        return text.replace(
            "\noverlay ppolicy\n", f"\noverlay auditlog\nauditlog {self.changes}\noverlay ppolicy\n"
        )

    @property
    def changes(self) -> Path:
        return self.folder / "changes.ldif"

    def offset(self) -> int:
        return self.changes.stat().st_size if self.changes.exists() else 0

    def records(self, since: int) -> list[Record]:
        """The additions and modifications that were written down after this offset."""
        if not self.changes.exists():
            return []
        with self.changes.open("rb") as file:
            file.seek(since)
            text = file.read().decode()
        return list(_records(text))


def _records(text: str) -> Iterator[Record]:
    for block in text.replace("\n ", "").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if "changetype: add" in lines:
            (by,) = [line.partition(": ")[2] for line in lines if line.startswith("creatorsName: ")]
            yield Record(by.lower(), lines[0].partition(":")[2].strip().lower(), {}, {"entry": "add"})
        if "changetype: modify" not in lines:
            continue
        operation: dict[str, str] = {}
        values: dict[str, tuple[str, ...]] = {}
        for line in lines[2:]:
            name, _, value = line.partition(":")
            if name in ("add", "delete", "replace"):
                operation[value.strip()] = name
                values.setdefault(value.strip(), ())
            elif line != "-":
                values[name] = (*values.get(name, ()), value.lstrip(": "))
        (by,) = values.get("modifiersName", ("",))
        yield Record(by.lower(), lines[0].partition(":")[2].strip().lower(), values, operation)


@dataclass
class Start:
    """A start of the program that is under way.

    Attributes:
        told: what it warned of while it signed somebody in. signing_in: the points that it passed until then.
        at: the point where it was killed. ended: how it ended, where it was not.
        pid: of the process, on a terminal. status: its exit code, or the signal that killed it, below zero.
    """

    server: Starter
    gate: Path
    told: str = ""
    signing_in: list[str] = field(default_factory=list)
    ended: dict[str, Any] = field(default_factory=dict)
    at: str = ""
    pid: int = 0
    status: int = 0

    def go(self, what: str = "", point: str = "", **more: Any) -> Start:
        """Let it do this, to its end or to where it is killed.

        Args:
            what: an action, "approve", "undo"; nothing when left out.
            more: what that needs; ``jump``: by how many seconds the clock jumps before.
        """
        self._order(what, point=point, **more)
        return self.wait()

    def go_until(self, pause: str, what: str, point: str, **more: Any) -> None:
        """Let it begin this, and wait where it pauses; :meth:`go_on` lets it go to the point of its end."""
        self._order(what, pause=pause, point=point, **more)
        self.wait_for("paused")

    def wait_for(self, what: str) -> dict[str, Any]:
        line = self.server.read()
        assert what in line, (line, self.server.errors())
        return line

    def go_on(self) -> Start:
        self.gate.touch()
        return self.wait()

    def _order(self, what: str, **more: Any) -> None:
        todo = {**_NOTHING, **more, "what": what}
        self.server.write(json.dumps(todo))

    def wait(self) -> Start:
        while True:
            line = self.server.read()
            if "status" in line:
                self.status = line["status"]
                expected = (self.status,) if self.pid else ((-9,) if self.at else (0,))
                assert self.status in expected, (line, self.at, self.server.errors())
                return self
            if "at" in line:
                self.at = line["at"]
            else:
                self.ended = line


_DEADLINE = 20.0
_NOTHING = {"arguments": {}, "secrets": {}, "key": "", "id": "", "point": "", "pause": "", "jump": 0}
_USUAL = {"point": "", "pause": "", "tty": "", "armed": False, "words": [], "later": 0, "patient": False}


class Starter:
    """The process that forks one start of the program after the other; see ``fault_child.py``."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._errors = folder, folder / "starts.err"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.fault_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                bufsize=0,
            )
        self._rest = b""
        assert "ready" in self.read()

    def write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")

    def speaks(self) -> bool:
        """Whether something can be read without waiting."""
        assert self._process.stdout is not None
        return bool(self._rest) or bool(select.select([self._process.stdout], [], [], 0)[0])

    def read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._rest:
            output = self._process.stdout.fileno()
            assert select.select([output], [], [], _DEADLINE)[0], f"no word from a start: {self.errors()}"
            more = os.read(output, 65536)
            assert more, f"the starter ended: {self.errors()}"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def errors(self) -> str:
        return self._errors.read_text()[-3000:]

    def start(self, **job: Any) -> Start:
        """Begin a start of the program: of the command line to its end, else until somebody is signed in.

        Args:
            job: ``environ``, ``login``, ``password``; ``words`` and ``out`` for a command line; ``point`` and
                ``armed`` to have it killed before it is let go; ``later``: how many seconds its clock is ahead;
                ``patient``: it waits for what may be under way still; ``tty``: the terminal of a command line,
                ``pause``: a point where it waits for :meth:`Start.go_on`.
        """
        gate = self._folder / f"gate-{next(_NUMBERS)}"
        self.write(json.dumps({**_USUAL, **job, "gate": str(gate)}))
        begun = Start(self, gate)
        if job.get("tty"):
            begun.pid = begun.wait_for("begun")["begun"]
            return begun
        if job.get("words"):
            return begun.wait()
        line = self.read()
        if "at" in line:
            begun.at = line["at"]
            return begun.wait()
        assert "told" in line, (line, self.errors())
        begun.told, begun.signing_in = line["told"], line["points"]
        return begun

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(_DEADLINE) == 0
        finally:
            self._process.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Company:
    """People and a group of its own in the shared server, and a desk's state in a folder of its own.

    Attributes:
        dns, passwords: by the part that somebody plays.
    """

    PARTS = ("target", "second", "third", "desk", "owner")

    def __init__(self, server: WitnessedSlapd, starter: Starter, folder: Path) -> None:
        self.server = server
        self.starter = starter
        self.folder = folder
        self.number = next(_NUMBERS)
        self._turn = 0
        self.dns: dict[str, str] = {}
        self.passwords: dict[str, str] = {}
        self._connection: Connection = server.root()
        for part in self.PARTS:
            self.passwords[part] = f"{part} sails at dawn {self.number}"
            self.dns[part] = server.add_person(self.login(part), self.passwords[part])
        self._join(server.layout.service_desk)
        self._join(server.layout.workers)
        server.add_group(self.group, owner=self.dns["owner"], members=[self.dns["owner"]])
        keys = "\n".join(f"{n} = {json.dumps(v)}" for n, v in server.directory_config().items())
        limits = ("changes_per_actor", "changes_per_target", "changes_per_machine")
        high = ("high_risk_per_actor", "high_risk_per_target", "high_risk_per_machine")
        (folder / "site.toml").write_text(
            f'[directory]\n{keys}\n[roles]\nhelpdesk = ["{server.layout.service_desk}"]\n'
            '[requests]\nshared = true\n[session]\nstore = "none"\n[mail]\nkind = "embedded"\n[notices]\nmail = false\n'
            '[people]\nmail_domains = ["example.test"]\n[limits]\n'
            + "".join(f"{name} = 1000000\n" for name in (*limits, *high))
        )
        self.begin_anew()

    def begin_anew(self) -> None:
        """An empty state: another log, other requests and tickets, and another key."""
        if self._turn:
            self.log.close()
        self._turn += 1
        self.log = AuditLog(
            self.state / "log", lambda: datetime.now(UTC), lambda: HostKey.load_or_create(self.state / "keys")
        )

    @property
    def state(self) -> Path:
        return self.folder / f"state{self._turn}" / "helpdesk"

    def _join(self, name: str) -> None:
        """The desk's person is in this group, which may not be there yet."""
        layout = self.server.layout
        group = layout.group_dn(name)
        if self.server.read(group):
            self.modify(group, {layout.member_attribute: [(MODIFY_ADD, [self.dns["desk"]])]})
        else:
            self.server.add_group(name, members=[self.dns["desk"]])

    def login(self, part: str) -> str:
        return f"{part}{self.number}.{os.getpid()}"

    @property
    def group(self) -> str:
        return f"ledgers-{self.number}-{os.getpid()}"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder / "home"),
            "XDG_STATE_HOME": str(self.state.parent),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_CONFIG_DIRS": str(self.folder / "nothing"),
            "HELPDESK_CONFIG": str(self.folder / "site.toml"),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
        }

    def start(self, part: str, **more: Any) -> Start:
        """A start of the program by whoever plays this part."""
        job = {"environ": self.environ, "login": self.login(part), "password": self.passwords[part]}
        return self.starter.start(**{**job, **more})

    def do(self, part: str, what: str, **more: Any) -> Start:
        """A whole start: sign in, and do this to its end."""
        return self.start(part).go(what, **more)

    def close(self) -> None:
        self.log.close()
        self._connection.unbind()

    # ── the hand of the server's root ─────────────────────────────────────────────────────────

    def modify(self, dn: str, changes: Mapping[str, Any], *, relaxed: bool = False) -> None:
        controls = [_RELAX] if relaxed else None
        done, result, *_ = self._connection.modify(dn, dict(changes), controls)
        assert done, result

    def entry(self, dn: str) -> dict[str, list[bytes]]:
        _, _, found, _ = self._connection.search(dn, "(objectClass=*)", "BASE", attributes=["*", "+"])
        (item,) = [one for one in found if one["type"] == "searchResEntry"]
        return {name: list(values) for name, values in item["raw_attributes"].items()}

    def set(self, part: str, attribute: str, *values: str | bytes) -> None:
        """Give an account this state, whatever it was."""
        if self.entry(self.dns[part]).get(attribute, []) != [
            v.encode() if isinstance(v, str) else v for v in values
        ]:
            self.modify(self.dns[part], {attribute: [(MODIFY_REPLACE, list(values))]}, relaxed=True)

    def owned_by(self, part: str) -> None:
        """Make this person the one owner of the group."""
        if self.entry(self.group_dn)["owner"] != [self.dns[part].encode()]:
            self.modify(self.group_dn, {"owner": [(MODIFY_REPLACE, [self.dns[part]])]})

    def let_the_password_age(self, part: str) -> None:
        """An hour older: servers tell the moment to the second, so what is just set cannot be told apart."""
        then = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y%m%d%H%M%SZ")
        self.set(part, "pwdChangedTime", then)

    def members(self, *parts: str) -> None:
        """Make these, and the owner, the members of the group."""
        dn, attribute = self.group_dn, self.server.layout.member_attribute
        wanted = {self.dns["owner"], *(self.dns[part] for part in parts)}
        there = {value.decode() for value in self.entry(dn)[attribute]}
        changes = [(MODIFY_ADD, sorted(wanted - there))] if wanted - there else []
        changes += [(MODIFY_DELETE, sorted(there - wanted))] if there - wanted else []
        if changes:
            self.modify(dn, {attribute: changes})

    @property
    def group_dn(self) -> str:
        return self.server.layout.group_dn(self.group)

    # ── what happened ─────────────────────────────────────────────────────────────────────────

    def changes(self, since: int) -> list[Record]:
        """What this company's people changed after this offset of the server's own record."""
        mine = {dn.lower() for dn in self.dns.values()}
        return [record for record in self.server.records(since) if record.by in mine]

    def last_entry(self) -> int:
        """The number of the newest entry of the log; 0 while there is none."""
        newest = self.log.entries(newest_first=True, limit=1)
        return newest[0].seq if newest else 0

    def entries(self, after: int, *kinds: str) -> list[Entry]:
        return self.log.entries(after=after, limit=10_000, kinds=kinds)


NOTHING_BETWEEN = frozenset(
    f"{name}-after"
    for name in ("validate", "authorise", "preview", "confirm", "limits", "execute", "verify", "effect")
)
"""The next point follows with no step in between, or they are looked at from ``answered`` and ``committed``."""


def boundaries(points: Sequence[str]) -> list[str]:
    """The points of a way that have a step before and after them."""
    return [point for point in points if point.partition("@")[0] not in NOTHING_BETWEEN]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessedSlapd]:
    layout = replace(PEOPLE, memberof=False)  # what root writes there, the owner of a group may not take out
    running = WitnessedSlapd(layout, tmp_path_factory.mktemp("slapd-witnessed"), slapd_or_skip())
    yield running
    running.stop()


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    running = Starter(tmp_path_factory.mktemp("starter"))
    yield running
    running.close()


@pytest.fixture
def company(server: WitnessedSlapd, starter: Starter, tmp_path: Path) -> Iterator[Company]:
    made = Company(server, starter, tmp_path)
    yield made
    made.close()
