"""kill -9 around the intent, the effect and the outcome, against slapd; the next start finds it and says what is true."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from ldap3 import MODIFY_ADD, MODIFY_REPLACE

from helpdesk.actions.call import Call
from helpdesk.app import Desk
from helpdesk.events import Outcome
from helpdesk.gate.requests import RequestState
from helpdesk.secrets import Secret
from helpdesk_password.states import RESOLUTION, changed_since
from tests.fakes.terminal import Person
from tests.servers.slapd import Slapd

pytestmark = [pytest.mark.servers, pytest.mark.req("R2")]

ROOT = Path(__file__).resolve().parents[2]
LOCKED_FOR_EVER = b"000001010000Z"
_NUMBERS = count(1)


@dataclass
class Company:
    """A desk's state in a folder of its own, on people of its own in the shared server.

    Attributes:
        dns: of its people, by their part.
    """

    server: Slapd
    folder: Path
    number: int = field(default_factory=lambda: next(_NUMBERS))
    dns: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in ("target", "desk", "owner"):
            self.dns[part] = self.server.add_person(self.login(part), self.password(part))
        layout = self.server.layout
        desk_group = layout.group_dn(layout.service_desk)
        if self.server.read(desk_group):
            self.server.modify(desk_group, {layout.member_attribute: [(MODIFY_ADD, [self.dns["desk"]])]})
        else:
            self.server.add_group(layout.service_desk, members=[self.dns["desk"]])
        self.server.add_group(self.group, owner=self.dns["owner"], members=[self.dns["owner"]])
        keys = "\n".join(f"{n} = {json.dumps(v)}" for n, v in self.server.directory_config().items())
        config = f'[directory]\n{keys}\n[roles]\nhelpdesk = ["{layout.service_desk}"]\n'
        (self.folder / "site.toml").write_text(
            config + '[requests]\nshared = true\n[session]\nstore = "none"\n'
        )

    def login(self, part: str) -> str:
        return f"{part}{self.number}.{os.getpid()}"

    def password(self, part: str) -> str:
        return f"{part} sails at dawn {self.number}"

    @property
    def group(self) -> str:
        return f"ledgers-{self.number}-{os.getpid()}"

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

    def desk(self, later: timedelta = timedelta(0)) -> Desk:
        """The program started anew."""
        desk = Desk.open(environ=self.environ)
        desk.clock = lambda: datetime.now(UTC) + later
        return desk

    def killed_at(self, point: str, part: str, *words: str) -> None:
        """Run a process up to a point, and kill it there with SIGKILL."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.fault_child", point, self.login(part), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environ,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(self.password(part) + "\n")
        child.stdin.flush()
        line = child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        _, errors = child.communicate(timeout=30)
        assert line == f"at {point}\n", f"{line!r} {errors[-2000:]}"
        assert child.returncode == -signal.SIGKILL

    def next_start(self, part: str, later: timedelta = timedelta(0)) -> tuple[Desk, str]:
        """The next start of the program and sign-in of whoever was interrupted; what it tells them."""
        desk, person = self.desk(later), Person()
        password = Secret(self.password(part))
        asyncio.run(desk.signed_in(cast(Any, person), login=self.login(part), password=password))
        return desk, person.warned

    # ── the truth, as the server's root sees it ───────────────────────────────────────────────

    def entry(self, part: str = "target") -> dict[str, list[bytes]]:
        return self.server.read(self.dns[part])

    def group_entry(self) -> dict[str, list[bytes]]:
        return self.server.read(self.server.layout.group_dn(self.group))

    def lock(self) -> None:
        moment = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ")
        self.server.modify(self.dns["target"], {"pwdAccountLockedTime": [(MODIFY_REPLACE, [moment])]})

    def let_the_password_age(self) -> None:
        """Servers tell when a password was set to the second; a reset right after that cannot be told apart."""
        (changed,) = self.entry()["pwdChangedTime"]
        told = datetime.strptime(changed.decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
        deadline = time.monotonic() + 10
        while datetime.now(UTC) - told < RESOLUTION:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@dataclass(frozen=True)
class Kind:
    """One action: how it is prepared and called, and how root sees that it took effect."""

    action: str
    prepare: Callable[[Company], object]
    happened: Callable[[Company], bool]


def _member(company: Company) -> bool:
    members = company.group_entry()[company.server.layout.member_attribute]
    return company.dns["target"].lower().encode() in [member.lower() for member in members]


KINDS = {
    "password.unlock": Kind(
        "password.unlock",
        lambda company: company.lock(),
        lambda company: not company.entry().get("pwdAccountLockedTime"),
    ),
    "password.reset": Kind(
        "password.reset",
        lambda company: company.let_the_password_age(),
        lambda company: company.entry().get("pwdReset") == [b"TRUE"],
    ),
    "account.disable": Kind(
        "account.disable",
        lambda company: None,
        lambda company: company.entry().get("pwdAccountLockedTime") == [LOCKED_FOR_EVER],
    ),
}
POINTS = {
    "intent-before": (False, None),
    "intent-after": (False, Outcome.FAILED),
    "effect-before": (False, Outcome.FAILED),
    "effect-after": (True, Outcome.DONE),
    "outcome-before": (True, Outcome.DONE),
    "outcome-after": (True, None),
}
"""Whether the effect is there, and what reconciling must say; ``None``: there is nothing to reconcile."""
SENTENCES = {
    Outcome.DONE: "was interrupted after it took effect; it is done",
    Outcome.FAILED: "was interrupted before it took effect; nothing changed",
}


def the_log_is_right(desk: Desk, effect: bool, reconciled: Outcome | None) -> None:
    """Each intent has exactly one outcome and it is the truth; nothing is open; the chain holds."""
    intents = desk.audit.entries(kinds=("intent",), limit=1000)
    outcomes = desk.audit.entries(kinds=("outcome",), limit=1000)
    assert [entry.body["intent"] for entry in outcomes] == [entry.seq for entry in intents]
    assert len(intents) <= 1
    expected = [] if not intents else [reconciled or (Outcome.DONE if effect else Outcome.FAILED)]
    assert [entry.body["outcome"] for entry in outcomes] == expected
    assert desk.audit.open_intents() == []
    assert desk.audit.verify().ok


@pytest.mark.req("R3")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", KINDS)
def test_a_killed_call_is_found_and_told_truly(
    action: str, point: str, slapd_people: Slapd, tmp_path: Path
) -> None:
    kind, company = KINDS[action], Company(slapd_people, tmp_path)
    kind.prepare(company)
    before = company.entry()
    effect, reconciled = POINTS[point]

    company.killed_at(point, "desk", action, f"person={company.login('target')}")

    after = company.entry()
    assert kind.happened(company) is effect
    assert (after == before) is not effect  # before the effect nothing was touched at all
    desk, told = company.next_start("desk")
    assert company.entry() == after, "reconciling reads; it carries nothing out again"
    the_log_is_right(desk, effect, reconciled)
    if reconciled is None:
        assert told == ""
    else:
        assert SENTENCES[reconciled] in told
    desk.close()

    again, told_again = company.next_start("desk")
    assert told_again == ""
    the_log_is_right(again, effect, reconciled)
    again.close()


@pytest.mark.timeout(180)
def test_a_reset_that_was_killed_between_its_two_operations_is_partial(
    slapd_people: Slapd, tmp_path: Path
) -> None:
    company = Company(slapd_people, tmp_path)
    company.let_the_password_age()
    company.killed_at("effect-half", "desk", "password.reset", f"person={company.login('target')}")
    after = company.entry()
    assert after.get("pwdReset") is None
    desk, told = company.next_start("desk")
    assert "half-way" in told
    assert company.entry() == after
    (outcome,) = desk.audit.entries(kinds=("outcome",))
    assert outcome.body["outcome"] == "partial"
    person = Person()
    call = Call("password.reset", {"person": company.login("target")})
    signed_in = asyncio.run(desk.signed_in(cast(Any, person)))
    assert asyncio.run(desk.run(call, signed_in, cast(Any, person))).outcome is Outcome.DONE
    assert company.entry()["pwdReset"] == [b"TRUE"]
    desk.close()


@pytest.mark.timeout(180)
def test_a_killed_reset_leaves_no_password_behind_and_says_that_it_is_lost(
    slapd_people: Slapd, tmp_path: Path
) -> None:
    company = Company(slapd_people, tmp_path)
    company.let_the_password_age()
    company.killed_at("effect-after", "desk", "password.reset", f"person={company.login('target')}")
    desk, told = company.next_start("desk")
    assert "was lost with the interruption" in told
    target = desk.directory.look_up().person(company.login("target"))
    assert desk.directory.accepts(target, Secret(company.password("target"))) == "no"
    desk.close()


APPROVAL_POINTS = {
    "claim-after": (False, None, RequestState.CLAIMED, RequestState.PENDING),
    "approval-after": (False, None, RequestState.CLAIMED, RequestState.PENDING),
    "intent-before": (False, None, RequestState.CLAIMED, RequestState.PENDING),
    "intent-after": (False, Outcome.FAILED, RequestState.FAILED, RequestState.FAILED),
    "effect-before": (False, Outcome.FAILED, RequestState.FAILED, RequestState.FAILED),
    "effect-after": (True, Outcome.DONE, RequestState.DONE, RequestState.DONE),
    "outcome-before": (True, Outcome.DONE, RequestState.DONE, RequestState.DONE),
    "outcome-after": (True, None, RequestState.DONE, RequestState.DONE),
    "finish-after": (True, None, RequestState.DONE, RequestState.DONE),
}
"""The effect, what reconciling says, where the request stands at the next start, and a quarter of an hour later."""


@pytest.mark.req("V4", "V5")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", APPROVAL_POINTS)
def test_a_killed_approval_grants_once_or_not_at_all_and_its_request_ends_so(
    point: str, slapd_people: Slapd, tmp_path: Path
) -> None:
    company = Company(slapd_people, tmp_path)
    effect, reconciled, state, later = APPROVAL_POINTS[point]
    desk, _ = company.next_start("target")
    person = Person()
    signed_in = asyncio.run(desk.signed_in(cast(Any, person)))
    call = Call("access.request", {"group": company.group, "reason": "quarter close"})
    id = asyncio.run(desk.run(call, signed_in, cast(Any, person))).request
    assert id is not None
    desk.close()
    before = company.group_entry()

    company.killed_at(point, "owner", "approve", id)

    after = company.group_entry()
    assert _member(company) is effect
    assert (after == before) is not effect
    desk, told = company.next_start("owner")
    assert company.group_entry() == after
    assert desk.requests.get(id).state is state
    assert (SENTENCES[reconciled] in told) if reconciled else (told == "")
    the_log_is_right(desk, effect, reconciled)
    desk.close()

    desk, _ = company.next_start("owner", timedelta(minutes=15))
    assert desk.requests.get(id).state is later
    owner, at = asyncio.run(desk.signed_in(cast(Any, Person()))), Person(password=company.password("owner"))
    result = asyncio.run(desk.approve(id, owner, cast(Any, at)))
    if later is RequestState.PENDING:
        assert result.outcome is Outcome.DONE
        assert _member(company)
    else:
        assert result.outcome is Outcome.REFUSED  # decided once; nothing is granted a second time
        assert company.group_entry() == after
    desk.close()


@pytest.mark.req("R2")
@pytest.mark.timeout(180)
def test_two_changes_in_one_second_cannot_be_told_apart_and_that_is_said(
    slapd_people: Slapd, tmp_path: Path
) -> None:
    company = Company(slapd_people, tmp_path)
    desk = company.desk()
    target = desk.directory.look_up().person(company.login("target"))
    status = desk.directory.look_up().status(target)
    assert status.password_changed is not None
    before = status.password_changed.isoformat()
    soon, later = status.password_changed + timedelta(seconds=1), status.password_changed + RESOLUTION
    assert changed_since(status, before, soon) is None
    assert changed_since(status, before, later) is False
    assert changed_since(status, before, None) is False
    desk.close()
