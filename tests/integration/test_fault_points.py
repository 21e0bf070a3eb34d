"""What a kill leaves, told at the next start; kills of asking, of reading back, and of batches, against slapd.

The sweep over every point of every write is in ``test_fault_sweep.py``.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from helpdesk.app import Desk
from helpdesk.gate.requests import Requests, RequestState
from helpdesk.secrets import Secret
from helpdesk_password.states import RESOLUTION, changed_since
from tests.integration.fault_scenarios import SCENARIOS, Scenario, Turn
from tests.integration.fault_world import Company, Start, boundaries, company, server, starter
from tests.servers.capture import Capture

__all__ = ["company", "server", "starter"]

EVERY = 1 if os.environ.get("HELPDESK_TEST_FAULTS") else 4
"""An everyday run takes every fourth point of the longer ways."""
pytestmark = [pytest.mark.servers, pytest.mark.req("R2"), pytest.mark.timeout(120)]


# ── what is told ──────────────────────────────────────────────────────────────────────────────


def _killed(company: Company, scenario: Scenario, point: str) -> Turn:
    """Run a scenario's write up to a point, and kill it there."""
    turn = Turn(company.last_entry() + 1)
    scenario.prepare(company, turn)
    turn.todo = scenario.todo(company, turn)
    turn.since, turn.after = company.server.offset(), company.last_entry()
    begun = company.start(scenario.part).go(point=point, **turn.todo)
    assert begun.at == point, begun.ended
    return turn


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ("limits-before@1", ""),
        ("intent-uncommitted@1", ""),
        ("intent-committed@1", "was interrupted before it took effect; nothing changed"),
        ("effect-before@1", "was interrupted before it took effect; nothing changed"),
        ("effect-answered@1", "was interrupted after it took effect; it is done"),
        ("outcome-uncommitted@1", "was interrupted after it took effect; it is done"),
        ("outcome-committed@1", ""),
    ],
)
def test_the_next_sign_in_tells_once_what_was_interrupted(company: Company, point: str, told: str) -> None:
    scenario = SCENARIOS["password.unlock"]
    _killed(company, scenario, point)
    first = company.start(scenario.part)
    first.go()
    assert (told in first.told) if told else first.told == ""
    again = company.start(scenario.part)
    again.go()
    assert again.told == ""
    assert company.log.open_intents() == []


def test_a_reset_that_was_killed_between_its_two_operations_is_partial_and_can_be_finished(
    company: Company,
) -> None:
    scenario = SCENARIOS["password.reset"]
    turn = _killed(company, scenario, "effect-answered@2")
    assert scenario.effect(company, turn) == "half"
    begun = company.start(scenario.part)
    assert "half-way" in begun.told
    assert scenario.effect(company, turn) == "half"
    (outcome,) = company.entries(turn.after, "outcome")
    assert outcome.body["outcome"] == "partial"
    assert begun.go(**turn.todo).ended["ended"] == "done"
    assert company.entry(company.dns["target"])["pwdReset"] == [b"TRUE"]


def test_a_killed_reset_leaves_no_password_behind_and_says_that_it_is_lost(company: Company) -> None:
    _killed(company, SCENARIOS["password.reset"], "verify-before@1")
    begun = company.start("desk")
    begun.go()
    assert "was lost with the interruption" in begun.told
    desk = Desk.open(environ=company.environ)
    target = desk.directory.look_up().person(company.login("target"))
    assert desk.directory.accepts(target, Secret(company.passwords["target"])) == "no"
    desk.close()


def test_two_changes_in_one_second_cannot_be_told_apart_and_that_is_said(company: Company) -> None:
    desk = Desk.open(environ=company.environ)
    status = desk.directory.look_up().status(desk.directory.look_up().person(company.login("target")))
    assert status.password_changed is not None
    before = status.password_changed.isoformat()
    soon, later = status.password_changed + timedelta(seconds=1), status.password_changed + RESOLUTION
    assert changed_since(status, before, soon) is None
    assert changed_since(status, before, later) is False
    assert changed_since(status, before, None) is False
    desk.close()


# ── reading back is killed, too ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["password.unlock", "approve"])
def test_reading_back_that_is_killed_is_read_back_by_the_next_start(company: Company, name: str) -> None:
    scenario = SCENARIOS[name]
    _killed(company, scenario, "outcome-before@1")
    whole = company.start(scenario.part, armed=True)
    whole.go()
    points = [point for point in whole.signing_in if not point.startswith("sign-in")]
    assert "outcome-uncommitted@1" in points
    assert "verify-before@1" in points
    for point in points[::EVERY]:
        turn = _killed(company, scenario, "outcome-before@1")
        assert company.start(scenario.part, armed=True, point=point).at == point
        company.start(scenario.part).go()
        assert scenario.effect(company, turn) == "whole", point
        (intent,) = company.entries(turn.after, "intent")
        assert [end.body["outcome"] for end in company.log.outcomes_of(intent.seq)] == ["done"], point
        assert company.log.open_intents() == [], point
    assert company.log.verify().ok


# ── asking for an approval ────────────────────────────────────────────────────────────────────


def _requests(company: Company) -> Requests:
    desk = Desk.open(environ=company.environ)
    return desk.requests


@pytest.mark.req("R3", "V4")
def test_asking_that_is_killed_makes_one_request_when_the_same_call_comes_again(company: Company) -> None:
    def ask(key: str, point: str = "") -> dict[str, str]:
        company.members()
        begun = company.start("target")
        ended = begun.go("access.request", point, arguments={"group": company.group}, key=key)
        assert ended.at == point
        return ended.ended if not point else {}

    points = boundaries(
        company.do("target", "access.request", arguments={"group": company.group}).ended["points"]
    )
    assert {"request-create-uncommitted@1", "request-create-committed@1", "request-uncommitted@1"} <= {
        *points
    }
    for number, point in enumerate(points[1::EVERY]):
        for request in _requests(company).all_pending():
            _requests(company).withdraw(request.id, request.call.requester_id)
        key, after = f"key-{number}", company.last_entry()
        ask(key, point)
        assert ask(key)["ended"] == "pending"
        (request,) = _requests(company).all_pending()
        logged = company.entries(after, "request")
        assert {entry.body["request"] for entry in logged} == {request.id}, point
        assert request.state is RequestState.PENDING
        ended = company.do("owner", "approve", id=request.id).ended
        assert ended["ended"] == "done", (point, ended)


# ── batches ───────────────────────────────────────────────────────────────────────────────────


def _batch(company: Company, folder: Path, point: str = "") -> Start:
    """Run the batch on the command line, to its end or up to a point."""
    words = ["do", "--batch", str(folder / "rows.csv"), "password.reset", "--yes", "--json"]
    words += ["--run-name", folder.name, "--reveal-to", str(folder / "passwords")]
    words += ["--as", company.login("desk"), "--password-stdin"]
    return company.start("desk", words=words, out=str(folder / "out"), armed=True, point=point)


@pytest.mark.req("R3", "R7")
def test_a_batch_that_is_killed_anywhere_does_each_row_once(company: Company, tmp_path: Path) -> None:
    """Killed at one point after the other, each time with rows left to do."""
    parts = ("target", "second", "third")
    since = _prepared(company, tmp_path / "whole", parts)
    whole = _batch(company, tmp_path / "whole")
    assert whole.ended["ended"] == "0", (tmp_path / "whole/out").read_text()[-2000:]
    _each_once(company, tmp_path / "whole", since, parts, "its end")
    wanted = ("batch-", "intent-", "effect-sent", "effect-answered", "outcome-", "secret-")
    points, killed = [p for p in whole.ended["points"] if p.startswith(wanted)][::EVERY], 0
    for number, point in enumerate(points):
        folder = tmp_path / str(number)
        since = _prepared(company, folder, parts)
        begun = _batch(company, folder, point)
        killed += begun.at == point
        if not begun.at:  # rows in flight are written together now and then: this commit was not a third one
            assert begun.ended["ended"] == "0", (point, (folder / "out").read_text()[-2000:])
        ended = _batch(company, folder)
        assert ended.ended["ended"] in ("0", "8"), (point, (folder / "out").read_text()[-2000:])
        _each_once(company, folder, since, parts, point)
    assert killed > len(points) / 2
    assert company.log.open_intents() == []
    assert company.log.verify().ok


def _prepared(company: Company, folder: Path, parts: tuple[str, ...]) -> int:
    folder.mkdir()
    for part in parts:
        company.let_the_password_age(part)
        company.set(part, "pwdReset")
    rows = [company.login(part) for part in parts]
    (folder / "rows.csv").write_text("\n".join(["person", *rows, ""]))
    return company.server.offset()


def _each_once(company: Company, folder: Path, since: int, parts: tuple[str, ...], point: str) -> None:
    """One reset a row, or two where the first was interrupted half-way; and who was done has a password."""
    counts = Counter(record.dn for record in company.changes(since) if "userPassword" in record.operation)
    halves = sum(entry.body["outcome"] == "partial" for entry in company.entries(0, "outcome"))
    assert {*counts} == {company.dns[part].lower() for part in parts}, point
    assert sum(counts.values()) - len(parts) <= halves, (point, counts)
    told = [json.loads(line) for line in (folder / "out").read_text().splitlines() if line.startswith("{")]
    lost = {line["arguments"]["person"] for line in told if line.get("lost")}
    kept = {
        line.split("\t")[0]: line.split("\t")[1] for line in (folder / "passwords").read_text().splitlines()
    }
    for part in parts:
        login = company.login(part)
        assert login in kept or login in lost, (point, login)


# ── what was sent arrives late ────────────────────────────────────────────────────────────────


@pytest.mark.req("R1", "R3")
@pytest.mark.parametrize("name", ["password.unlock", "password.reset"])
def test_what_was_sent_and_arrives_after_the_next_start_is_not_called_undone(
    company: Company, name: str
) -> None:
    """The bytes of a write are under way when its process is killed, and reach the server later."""
    scenario, turn = SCENARIOS[name], Turn(1)
    last = 1 if name == "password.unlock" else 3
    scenario.prepare(company, turn)
    todo = dict(scenario.todo(company, turn))
    turn.since = company.server.offset()
    with Capture(company.server.tls_port) as line:
        slow = {**company.environ, "HELPDESK_DIRECTORY_URL": f"ldaps://localhost:{line.port}"}
        begun = company.start(scenario.part, environ=slow)
        begun.go_until(f"effect-before@{last}", point=f"effect-sent@{last}", **todo)
        line.flows.clear()
        assert begun.go_on().at == f"effect-sent@{last}"
        assert scenario.effect(company, turn) == ("none" if last == 1 else "half")
        arrival = threading.Timer(0.5, line.flows.set)
        arrival.start()
        begun = company.start(scenario.part, patient=True)
        begun.go()
        arrival.join()
        deadline = time.monotonic() + 5
        while scenario.effect(company, turn) != "whole":
            assert time.monotonic() < deadline, "it never arrived"
            time.sleep(0.01)
    (outcome,) = company.entries(turn.after, "outcome")
    assert outcome.body["outcome"] == "done", begun.told
    assert company.log.open_intents() == []
