"""One yes for hundreds of rows: a sealed plan that lists every one, effective at a given time (V1, V3, V4)."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.batch import Batch, Tally, settled_past
from helpdesk.actions.batch_past import batch_id
from helpdesk.actions.batch_plan import Plan, Planner
from helpdesk.actions.batch_rows import read_batch
from helpdesk.actions.many import rows_of
from helpdesk.connectors.embedded import NewPerson
from helpdesk.engine import RunState
from helpdesk.errors import Exit
from helpdesk.events import Outcome
from helpdesk.gate.requests import Request, RequestState
from helpdesk.secrets import Secret
from tests.fakes.engine import Death
from tests.fakes.terminal import Person
from tests.unit.approvals_world import as_root
from tests.unit.approved_world import WORKER, Company
from tests.unit.door_world import password_of
from tests.unit.test_batch import Seen
from tests.unit.test_why_request import why

POLICY = """
@id("owners") permit (principal, action == Action::"access.grant", resource)
when { context has approver && resource.owners.contains(context.approver) };
"""
ROWS = int(os.environ.get("HELPDESK_TEST_FAULTS", "40"))
"""Rows under one yes; by hand, hundreds."""
PEOPLE = [f"new{number:03}" for number in range(6)]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    found = Company(tmp_path, policy=POLICY)
    hire(found, PEOPLE)
    return found


def hire(found: Company, logins: list[str]) -> None:
    for login in logins:
        found.world.embedded.admin.add_person(NewPerson(login, login.title(), Secret(password_of(login))))


def plan_of(found: Company, text: str) -> tuple[Plan, Any]:
    who = found.world.signed_in("emma")
    file = read_batch(text.encode(), found.a.runner.catalog.specs, "access.grant")
    batch = batch_id(file.digest, who.actor.person.id, "access.grant", {}, "")
    at: Any = Person()

    async def whole() -> Plan:
        past = await settled_past(found.a.runner, batch, who, at)
        plan, bad = await Planner(found.a.runner, who, at, 4)(batch, file.digest, file.rows, past)
        assert bad == []
        return plan

    return asyncio.run(whole()), who


def run(found: Company, logins: list[str] = PEOPLE, **more: Any) -> tuple[Tally, Seen]:
    rows = "\n".join(f"{login},finance-share" for login in logins)
    plan, who = plan_of(found, f"person,group\n{rows}\n")
    seen = Seen()
    batch = Batch(found.a.runner, who, cast(Any, Person()), seen, hands=found.a.approvals.hands, **more)
    return asyncio.run(batch(plan, "--yes", found.world.clock())), seen


def asked(found: Company, logins: list[str] = PEOPLE, **more: Any) -> Request:
    _, seen = run(found, logins, **more)
    (id,) = {result.request for result in seen.results.values()}
    return found.a.requests.get(str(id))


def members(found: Company) -> set[str]:
    return {login for login in PEOPLE if found.world.is_member(login)}


def test_rows_that_wait_for_the_same_people_are_one_request(company: Company) -> None:
    tally, seen = run(company)
    assert (tally.exit, tally.waiting) == (Exit.WAITING, 6)
    (id,) = {result.request for result in seen.results.values()}
    request = company.a.requests.get(str(id))
    assert len(request.call.rows) == 6
    assert [change.what for change in request.changes] == [f"membership of {login}" for login in PEOPLE]
    assert request.approver_names == ("Olga Test", "Oscar Test")
    assert [entry.body["request"] for entry in company.a.log.of("request")] == [request.id] * 6
    assert company.writes == []
    again, seen = run(company)
    assert (again.exit, len(seen.before)) == (Exit.WAITING, 6)
    assert len(company.a.requests.all_pending()) == 1


@pytest.mark.req("V7")
def test_one_yes_shows_every_row_and_covers_exactly_these(company: Company) -> None:
    request = asked(company)
    at = company.world.person("olga")
    approved = company.approve(request.id, at=at)
    assert approved.outcome is Outcome.ACCEPTED
    (shown,) = at.confirmations
    assert (shown.changes, shown.digest, shown.target) == (request.changes, request.digest, "6 rows")
    company.work()
    result = company.result(request.id)
    assert (result.outcome, len(result.receipt)) == (Outcome.DONE, 6)
    assert [row["outcome"] for row in result.data["rows"]] == ["done"] * 6
    assert company.a.requests.get(request.id).state is RequestState.DONE
    assert members(company) == set(PEOPLE)
    intents = company.worker.log.of("intent")
    assert len({entry.body["key"] for entry in intents}) == 6
    assert {entry.personal["approver"] for entry in intents} == {"olga"}
    assert company.writes == [f"{WORKER} add_member finance-share"] * 6


@pytest.mark.req("V1")
def test_a_row_that_moved_before_the_yes_ends_all_of_them(company: Company) -> None:
    request = asked(company)
    company.world.embedded.admin.remove_person(PEOPLE[3])
    result = company.approve(request.id)
    assert result.outcome in (Outcome.FAILED, Outcome.USAGE)
    assert company.writes == []
    if result.outcome is Outcome.FAILED:
        assert "Row 4" in result.message
        assert company.a.requests.get(request.id).state is RequestState.STALE


@pytest.mark.req("V3")
@pytest.mark.parametrize("what", ["no owner", "a row's person", "requester"])
def test_what_moved_after_the_yes_keeps_every_row_from_being_begun(company: Company, what: str) -> None:
    request = asked(company)
    company.approve(request.id)
    if what == "no owner":
        as_root(
            company.world,
            "DELETE FROM team_owner WHERE person = (SELECT id FROM person WHERE login = ?)",
            "olga",
        )
    elif what == "requester":
        as_root(company.world, "UPDATE person SET enabled = 0 WHERE login = ?", "emma")
    else:
        company.world.embedded.admin.remove_person(PEOPLE[5])
    company.work()
    assert company.writes == []
    assert company.a.requests.get(request.id).state is RequestState.STALE
    assert "Row" in company.result(request.id).message


@pytest.mark.req("R2")
@pytest.mark.req("V4")
@pytest.mark.parametrize("death", list(Death))
@pytest.mark.parametrize("step", ["look", "row:3:effect", "finish"])
def test_killed_at_any_row_every_row_is_done_once(company: Company, step: str, death: Death) -> None:
    request = asked(company)
    company.approve(request.id)
    company.engine.die_at(step, death)
    company.work()
    company.process(company.site("b")).work()
    assert company.result(request.id).outcome is Outcome.DONE
    assert members(company) == set(PEOPLE)
    assert len(company.writes) == 6


@pytest.mark.req("V1")
def test_a_row_that_is_altered_breaks_the_seal_of_all(company: Company) -> None:
    request = asked(company)
    company.approve(request.id)
    with closing(sqlite3.connect(company.folder / "requests.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        (document,) = database.execute("SELECT document FROM requests").fetchone()
        loaded = json.loads(document)
        loaded["call"]["rows"][2]["arguments"]["person"] = "root"
        text = json.dumps(loaded, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        database.execute("UPDATE requests SET document = ?", (text,))
        database.commit()
    company.work()
    assert company.result(request.id).error.code == "sealed"  # type: ignore[union-attr]
    assert company.writes == []


def test_some_rows_end_otherwise_and_it_is_said_which(company: Company) -> None:
    request = asked(company)
    company.approve(request.id)
    company.engine.die_at("row:2:effect", Death.KEPT)
    company.work()
    company.world.embedded.admin.remove_person(PEOPLE[4])
    company.work()
    result = company.result(request.id)
    assert result.outcome is Outcome.PARTIAL
    assert [row["outcome"] == "done" for row in result.data["rows"]] == [True, True, True, True, False, True]
    assert company.a.requests.get(request.id).state is RequestState.PARTIAL


def test_it_takes_effect_at_the_given_time_and_not_before(company: Company) -> None:
    at = company.world.clock() + timedelta(days=3)
    request = asked(company, at=at.isoformat())
    assert request.call.at == at.isoformat()
    company.approve(request.id)
    company.work()
    assert company.engine.status(request.id).state is RunState.WAITING
    company.engine.rows[request.id].at = None  # somebody with the store lets it begin at once
    company.engine.rows[request.id].state = RunState.QUEUED
    process = company.process()
    process.work()
    assert company.writes == []
    company.world.clock.advance(days=3)
    company.world._signed_in.clear()
    process.work()
    assert company.result(request.id).outcome is Outcome.DONE
    assert members(company) == set(PEOPLE)


def test_without_a_worker_every_row_is_a_request_of_its_own(company: Company) -> None:
    company.a.approvals = type(company.a.approvals)(company.a.runner)
    _, seen = run(company, PEOPLE[:3])
    assert len({result.request for result in seen.results.values()}) == 3


def test_hundreds_of_rows_are_one_request_and_one_yes(company: Company) -> None:
    logins = [f"crowd{number:03}" for number in range(ROWS)]
    hire(company, logins)
    request = asked(company, logins)
    assert len(rows_of(request)) == ROWS
    assert [one.call.arguments["person"] for one in rows_of(request)] == logins
    assert company.approve(request.id, dry_run=True).outcome is Outcome.PREVIEWED
    assert company.approve(request.id).outcome is Outcome.ACCEPTED
    company.work()
    assert company.result(request.id).outcome is Outcome.DONE
    assert len(company.writes) == ROWS


def test_why_looks_at_every_row(company: Company) -> None:
    request = asked(company)
    explained = why(company, request.id)
    assert explained.drift == ""
    assert {person.login for person in explained.needs[0].people if person.may} == {"olga", "oscar"}
    company.world.embedded.admin.remove_person(PEOPLE[2])
    assert why(company, request.id).drift.startswith("Row 3: ")
