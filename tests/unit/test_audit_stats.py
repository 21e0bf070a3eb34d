"""What was asked for and what became of it: nothing that was not read back as promised counts as done."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdesk.gate.audit import AuditLog
from helpdesk.gate.audit_filter import Filter
from helpdesk.gate.audit_stats import asks, document
from helpdesk.gate.requests import LIFETIME
from tests.unit.audit_world import START, open_log

RECEIPT = [{"system": "directory", "target": "bo", "what": "lock", "expected": "no", "observed": "no"}]
NOW = START + timedelta(hours=1)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return open_log(tmp_path)


def intent(log: AuditLog, action: str = "password.unlock", request: str = "", actor: str = "ana") -> int:
    return log.append("intent", {"action": action, "request": request}, {"actor": actor, "target": "bo"})


def outcome(log: AuditLog, seq: int, ending: str, receipt: Any = RECEIPT, **body: Any) -> None:
    told = {"action": "password.unlock", "intent": seq, "outcome": ending, **body}
    log.append("outcome", told, {"receipt": json.dumps(receipt)})


def figures(log: AuditLog, filter: Filter | None = None, **how: Any) -> dict[str, Any]:
    return document(asks(log.entries(limit=10_000), how.pop("now", NOW), **how), filter or Filter())


def test_done_is_what_was_read_back_as_promised(log: AuditLog) -> None:
    outcome(log, intent(log), "done")
    told = figures(log)
    assert (told["asked"], told["done"], told["closure"], told["median_seconds"]) == (1, 1, 1.0, 1.0)
    assert told["actions"]["password.unlock"]["done"] == 1


@pytest.mark.req("L10")
@pytest.mark.parametrize(
    ("receipt", "body"),
    [
        ([], {}),
        ([{**RECEIPT[0], "observed": "yes"}], {}),
        ([RECEIPT[0], {**RECEIPT[0], "observed": "yes"}], {}),
        ("no list", {}),
        (RECEIPT, {"read_back": 0, "as_expected": 0}),
        (RECEIPT, {"read_back": 2, "as_expected": 1}),
    ],
)
def test_done_without_a_receipt_is_not_done(log: AuditLog, receipt: Any, body: dict[str, Any]) -> None:
    outcome(log, intent(log), "done", receipt, **body)
    told = figures(log)
    assert (told["done"], told["unproven"], told["closure"]) == (0, 1, 0.0)


def test_nothing_else_counts_as_done(log: AuditLog) -> None:
    """Given up, refused, failed, waiting, unknown, interrupted: all of them were asked for."""
    for ending in ("failed", "partial", "unknown", "accepted", "unreachable"):
        outcome(log, intent(log), ending)
    intent(log)  # the program died
    log.append("cancelled", {"action": "password.unlock", "outcome": "cancelled"}, {})
    log.append("refusal", {"action": "password.unlock", "outcome": "refused"}, {})
    log.append("refusal", {"action": "password.unlock", "outcome": "usage"}, {})
    log.append("request", {"action": "access.request", "request": "R-1", "outcome": "pending"}, {})
    told = figures(log)
    assert {name: told[name] for name in ("asked", "done", "closure")} == {
        "asked": 10,
        "done": 0,
        "closure": 0.0,
    }
    assert (told["failed"], told["partial"], told["unknown"]) == (3, 1, 2)
    assert (told["abandoned"], told["refused"], told["pending"]) == (1, 1, 2)


def test_one_ask_counts_once_whatever_is_logged_about_it(log: AuditLog) -> None:
    seq = intent(log)
    outcome(log, seq, "done")
    for _ in range(5):
        outcome(log, seq, "done")  # said again and again
    outcome(log, 999, "done")  # of nothing that was begun
    assert (figures(log)["asked"], figures(log)["done"]) == (1, 1)
    outcome(log, seq, "unknown")  # the last word counts
    assert figures(log)["done"] == 0


def test_a_request_is_one_ask_from_asking_to_the_outcome(log: AuditLog) -> None:
    log.append("request", {"action": "access.request", "request": "R-1", "outcome": "pending"}, {})
    log.append("refusal", {"action": "approvals", "request": "R-1", "outcome": "refused"}, {})  # not an owner
    assert (figures(log)["asked"], figures(log)["pending"]) == (1, 1)
    assert figures(log, now=START + LIFETIME + timedelta(days=1))["abandoned"] == 1
    log.append("approval", {"request": "R-1", "decision": "approved"}, {})
    outcome(log, intent(log, "access.request", "R-1"), "done", request="R-1")
    told = figures(log, now=START + LIFETIME + timedelta(days=1))
    assert (told["asked"], told["done"]) == (1, 1)
    for number, decision, state in ((2, "denied", "refused"), (3, "withdrawn", "abandoned")):
        log.append("request", {"action": "access.request", "request": f"R-{number}"}, {})
        log.append("approval", {"request": f"R-{number}", "decision": decision}, {})
        assert figures(log)[state] == 1


def test_reads_are_neither_asked_nor_done(log: AuditLog) -> None:
    for _ in range(9):
        log.append("read", {"action": "people.find", "outcome": "done"}, {})
        log.append("preview", {"action": "password.unlock", "outcome": "previewed"}, {})
        log.append("refusal", {"action": "people.find", "outcome": "usage"}, {})
    told = figures(log, reads={"people.find"})
    assert (told["asked"], told["closure"], told["median_seconds"], told["actions"]) == (0, None, None, {})


@pytest.mark.req("R5")
def test_the_median_is_of_what_was_done_and_a_clock_that_jumps_spoils_none(tmp_path: Path) -> None:
    moments = [
        START,
        START + timedelta(seconds=2),
        START,
        START + timedelta(seconds=8),
        START + timedelta(days=1),
    ]
    moments += [START, START, START + timedelta(days=30)]
    told = iter(moments)
    log = open_log(tmp_path, lambda: next(told))
    for ending in ("done", "done", "done", "failed"):
        outcome(log, intent(log), ending)
    assert figures(log)["median_seconds"] == 5.0


def test_figures_are_by_who_asked_when_and_about_what(log: AuditLog) -> None:
    outcome(log, intent(log), "done")
    intent(log, actor="cy")
    outcome(log, intent(log, "account.disable"), "failed")
    for filter, asked, done in (
        (Filter(actors=("ana",)), 2, 1),
        (Filter(actors=("cy",)), 1, 0),
        (Filter(actions=("account.disable",)), 1, 0),
        (Filter(targets=("bo",)), 3, 1),
        (Filter(since=START + timedelta(seconds=2)), 2, 0),
        (Filter(until=START + timedelta(seconds=2)), 1, 1),  # its outcome came later
    ):
        told = figures(log, filter)
        assert (told["asked"], told["done"]) == (asked, done), filter


def test_the_figures_stay_when_the_names_are_erased(log: AuditLog, tmp_path: Path) -> None:
    outcome(log, intent(log), "done", read_back=1, as_expected=1)
    outcome(log, intent(log), "done")
    log.close()
    import sqlite3

    database = sqlite3.connect(tmp_path / "log" / "log.db")
    database.execute("UPDATE personal SET salt = NULL, value = NULL")
    database.commit()
    database.close()
    told = figures(log)
    assert (told["asked"], told["done"], told["unproven"]) == (2, 1, 1)
