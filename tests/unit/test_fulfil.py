"""Asked at one host, approved at another, carried out by a worker: once, as sealed, or not at all (V1-V4, V6, V7)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.approve import GOOD_FOR
from helpdesk.actions.call import Call
from helpdesk.engine import Run, RunState
from helpdesk.errors import Unreachable
from helpdesk.events import Outcome
from helpdesk.gate.authorization import Authorization
from helpdesk.gate.requests import RequestState
from helpdesk.gate.sealed import Approval, Decision, decision_document, seal
from helpdesk.plugin import Change, Context, Login, Observation, Plugin, Preview, ReadContext
from helpdesk.secrets import Secret
from helpdesk.workflows.fulfil import start_approved
from tests.fakes.engine import Death
from tests.fakes.terminal import Person
from tests.unit.approvals_world import as_root, managed_by
from tests.unit.approved_world import WORKER, Company
from tests.unit.door_world import password_of, with_plugin

EFFECT = [f"{WORKER} add_member finance-share"]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def nothing_given(company: Company, login: str = "emma") -> bool:
    return company.writes == [] and not company.world.is_member(login)


def no_longer_owner(company: Company, login: str = "olga") -> None:
    as_root(
        company.world,
        "DELETE FROM team_owner WHERE team = (SELECT id FROM team WHERE name = 'finance-share') "
        "AND person = (SELECT id FROM person WHERE login = ?)",
        login,
    )


# ── the whole way ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V1")
@pytest.mark.req("V6")
def test_asked_here_approved_there_and_carried_out_by_the_worker_for_whoever_asked(company: Company) -> None:
    asked = company.ask()
    approved = company.approve(asked.id)
    assert (approved.outcome, approved.request) == (Outcome.ACCEPTED, asked.id)
    assert company.a.requests.get(asked.id).state is RequestState.APPROVED
    assert nothing_given(company)
    company.work()
    assert company.result(asked.id).outcome is Outcome.DONE
    assert company.world.is_member("emma")
    assert company.writes == EFFECT
    ended = company.a.requests.get(asked.id)
    assert (ended.state, ended.decider, ended.entry) == (
        RequestState.DONE,
        "Olga Test",
        company.result(asked.id).entry,
    )


@pytest.mark.req("V6")
def test_one_pair_in_the_workers_log_names_who_asked_who_said_yes_and_who_did_it(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    company.work()
    ids = {login: company.world.embedded.look_up().person(login).id for login in ("emma", "olga", WORKER)}
    (intent,), (outcome,) = company.worker.log.of("intent"), company.worker.log.of("outcome")
    assert (intent.body["requester_id"], intent.body["actor_id"]) == (ids["emma"], ids[WORKER])
    assert (intent.body["approvers"], intent.body["approver_id"]) == ([ids["olga"]], ids["olga"])
    assert [intent.personal[name] for name in ("requester", "approver", "actor")] == ["emma", "olga", WORKER]
    assert intent.body["confirmed_by"] == "approval"
    assert outcome.body["request"] == asked.id
    (approval,) = company.b.log.of("approval")
    assert (approval.body["decision"], approval.body["seal"]) == ("approved", asked.digest)


@pytest.mark.req("V7")
def test_the_approver_sees_the_diff_that_the_requester_saw(company: Company) -> None:
    asked = company.ask()
    at = company.world.person("olga")
    company.approve(asked.id, at=at)
    assert at.confirmations[0].changes == asked.changes
    (yes,) = company.b.requests.get(asked.id).approvals
    assert (yes.plan, yes.host, yes.login) == (asked.digest, company.b.seals.host, "olga")


@pytest.mark.req("V7")
def test_a_yes_needs_a_fresh_sign_in(company: Company) -> None:
    asked = company.ask()
    who = company.world.sign_in("olga")
    company.world.clock.advance(minutes=6)
    at = company.world.person("olga")
    asyncio.run(company.b.approvals.approve(asked.id, who, at))  # type: ignore[arg-type]
    assert len(at.questions) == 1
    (yes,) = company.b.requests.get(asked.id).approvals
    assert yes.signed_in == company.world.clock().isoformat()
    nobody = Person()
    again = company.ask("bo")
    company.world.clock.advance(minutes=6)
    refused = asyncio.run(company.b.approvals.approve(again.id, who, nobody))  # type: ignore[arg-type]
    assert refused.outcome is Outcome.NOT_SIGNED_IN
    assert company.b.requests.get(again.id).approvals == ()


def test_the_engine_is_away_when_the_yes_is_given_and_a_worker_starts_it_later(company: Company) -> None:
    asked = company.ask()
    hands: Any = company.b.approvals.hands
    hands.breaks = Unreachable("The store gives no answer.")
    assert company.approve(asked.id).outcome is Outcome.UNREACHABLE
    assert company.a.requests.get(asked.id).state is RequestState.APPROVED
    assert start_approved(company.worker.runner, company.engine) == [asked.id]
    assert start_approved(company.worker.runner, company.engine) == [asked.id]
    company.work()
    assert company.result(asked.id).outcome is Outcome.DONE
    assert start_approved(company.worker.runner, company.engine) == []
    assert company.writes == EFFECT


# ── killed and raced ──────────────────────────────────────────────────────────────────────────


@pytest.mark.req("V4")
@pytest.mark.req("R2")
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same host", "another host"])
@pytest.mark.parametrize("death", list(Death))
@pytest.mark.parametrize("step", ["take", "request:begin", "request:effect", "finish"])
def test_killed_around_any_step_it_is_carried_out_once(
    company: Company, step: str, death: Death, elsewhere: bool
) -> None:
    asked = company.ask()
    company.approve(asked.id)
    company.engine.die_at(step, death)
    dying = company.process()
    dying.work()
    assert dying.dead
    company.process(company.site("b") if elsewhere else None).work()
    assert company.result(asked.id).outcome is Outcome.DONE
    assert company.a.requests.get(asked.id).state is RequestState.DONE
    assert company.writes == EFFECT


@pytest.mark.req("V4")
def test_forty_yeses_at_once_have_one_effect(company: Company) -> None:
    asked = company.ask()
    owners = [company.world.sign_in(login) for login in ("olga", "oscar")]
    barrier = threading.Barrier(40)
    outcomes: list[Outcome] = []

    def approve(number: int) -> None:
        site = (company.a, company.b)[number % 2]
        barrier.wait()
        at: Any = Person()
        outcomes.append(asyncio.run(site.approvals.approve(asked.id, owners[number % 2], at)).outcome)

    threads = [threading.Thread(target=approve, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted([Outcome.ACCEPTED, *[Outcome.REFUSED] * 39])
    company.work()
    assert company.writes == EFFECT
    assert len(company.worker.log.of("intent")) == 1


# ── what moved between the yes and the effect ─────────────────────────────────────────────────


def stale(company: Company, id: str, word: str = "") -> None:
    """It ended with no effect, in a clear sentence, and stays so."""
    company.work()
    result = company.result(id)
    assert result.outcome in (Outcome.FAILED, Outcome.REFUSED), result
    assert word in result.message
    ended = company.a.requests.get(id)
    assert ended.state is RequestState.STALE
    assert ended.answer == result.message
    assert nothing_given(company)
    refusal = company.worker.log.of("refusal")[-1]
    assert refusal.body["request"] == id
    assert company.approve(id, "oscar").outcome is Outcome.REFUSED


@pytest.mark.req("V3")
@pytest.mark.parametrize("what", ["no owner", "disabled", "gone"])
def test_an_approver_who_may_not_any_more_gives_nothing(company: Company, what: str) -> None:
    asked = company.ask()
    company.approve(asked.id)
    if what == "no owner":
        no_longer_owner(company)
    elif what == "disabled":
        as_root(company.world, "UPDATE person SET enabled = 0 WHERE login = ?", "olga")
    else:
        company.world.embedded.admin.remove_person("olga")
    stale(company, asked.id)


@pytest.mark.req("V3")
def test_the_right_is_lost_between_the_look_and_the_effect(company: Company) -> None:
    """Killed after the first look, and taken over when the owner is none any more: it is looked at anew."""
    asked = company.ask()
    company.approve(asked.id)
    company.engine.die_at("request:begin", Death.KEPT)
    company.work()
    no_longer_owner(company)
    company.work()
    assert company.a.requests.get(asked.id).state is RequestState.STALE
    assert nothing_given(company)


@pytest.mark.req("V1")
@pytest.mark.parametrize("what", ["disabled", "gone", "replaced"])
def test_a_requester_who_is_gone_gets_nothing(company: Company, what: str) -> None:
    from helpdesk.connectors.embedded import NewPerson

    asked = company.ask()
    company.approve(asked.id)
    if what == "disabled":
        as_root(company.world, "UPDATE person SET enabled = 0 WHERE login = ?", "emma")
    else:
        company.world.embedded.admin.remove_person("emma")
        if what == "replaced":
            company.world.embedded.admin.add_person(NewPerson("emma", "Emma", Secret(password_of("emma"))))
    company.work()
    assert company.a.requests.get(asked.id).state is RequestState.STALE
    assert company.writes == []


@pytest.mark.req("V1")
def test_rules_that_were_changed_since_make_it_stale(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    rules = '@id("all") permit (principal, action, resource);'
    authorise = company.worker.runner.authorise
    other = Authorization(company.worker.runner.catalog.specs, rules, "site.cedar")
    company.worker.runner = replace(company.worker.runner, authorise=replace(authorise, authorization=other))
    stale(company, asked.id, "rules")


def shelf() -> tuple[Plugin, list[str]]:
    """An action whose present state is what stands on a shelf."""
    plugin, stands = Plugin("shelf", version="1"), ["3 cups"]

    @plugin.action()
    async def fill(ctx: Context, person: Login) -> str:
        """Fill the shelf."""
        stands[0] = "9 cups"
        return "Filled."

    @fill.preview
    def _(ctx: ReadContext, person: Login) -> Preview:
        return Preview("Fill the shelf.", (Change("kitchen", "shelf", "stock", stands[0], "9 cups"),))

    @fill.verify
    def _(ctx: ReadContext, person: Login) -> list[Observation]:
        return [Observation("kitchen", "shelf", "stock", "9 cups", stands[0])]

    return plugin, stands


@pytest.fixture
def kitchen(tmp_path: Path) -> tuple[Company, list[str], str]:
    """A request to fill the shelf waits for emma's manager."""
    plugin, stands = shelf()
    policy = (
        '@id("m") permit (principal, action == Action::"shelf.fill", resource) when { context has approver };'
    )
    company = Company(tmp_path, actions=("shelf.fill",), plugins=with_plugin(plugin), policy=policy)
    managed_by(company.world, "emma", "olga")
    call = Call("shelf.fill", {"person": "bo"})
    asked = asyncio.run(company.a.runner.run(call, company.world.signed_in("emma"), cast(Any, Person())))
    assert asked.request
    return company, stands, asked.request


@pytest.mark.req("L4")
@pytest.mark.req("V1")
def test_a_state_that_moved_before_the_yes_ends_it_and_says_what_moved(
    kitchen: tuple[Company, list[str], str],
) -> None:
    company, stands, id = kitchen
    stands[0] = "2 cups"
    looked = company.approve(id, dry_run=True)
    assert (looked.outcome, company.a.requests.get(id).state) == (Outcome.FAILED, RequestState.PENDING)
    at = company.world.person("olga")
    result = company.approve(id, at=at)
    assert (result.outcome, result.error.code) == (Outcome.FAILED, "stale")  # type: ignore[union-attr]
    assert "was '3 cups' when it was asked for, and is '2 cups' now" in result.message
    assert at.confirmations == []
    assert company.a.requests.get(id).state is RequestState.STALE
    assert company.b.log.of("approval")[-1].body["decision"] == "stale"
    assert stands == ["2 cups"]


@pytest.mark.req("L4")
@pytest.mark.req("V1")
def test_a_state_that_moved_after_the_yes_ends_it_and_says_what_moved(
    kitchen: tuple[Company, list[str], str],
) -> None:
    company, stands, id = kitchen
    assert company.approve(id).outcome is Outcome.ACCEPTED
    stands[0] = "2 cups"
    company.work()
    assert "is '2 cups' now" in company.result(id).message
    assert company.a.requests.get(id).state is RequestState.STALE
    assert stands == ["2 cups"]


def test_nothing_moved_and_it_is_done(kitchen: tuple[Company, list[str], str]) -> None:
    company, stands, id = kitchen
    company.approve(id)
    company.work()
    assert (company.result(id).outcome, stands) == (Outcome.DONE, ["9 cups"])


@pytest.mark.req("V1")
def test_a_yes_that_expired_gives_nothing(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    company.world.clock.now += GOOD_FOR
    company.world._signed_in.clear()
    stale(company, asked.id, "expired")


@pytest.mark.req("V1")
def test_a_clock_from_before_the_sign_in_makes_no_yes_good(company: Company) -> None:
    asked = company.ask()
    company.world.clock.advance(minutes=1)
    company.approve(asked.id)
    company.world.clock.now -= timedelta(seconds=30)
    stale(company, asked.id)


@pytest.mark.req("V1")
def test_what_the_worker_did_not_declare_it_does_not_do(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    company.actions = ("password.reset",)
    narrow = company.site("worker")
    company.process(narrow).work()
    assert company.a.requests.get(asked.id).state is RequestState.STALE
    assert "password.reset" in company.result(asked.id).message
    assert nothing_given(company)


def test_what_no_worker_takes_is_carried_out_with_the_approvers_own_rights(tmp_path: Path) -> None:
    company = Company(tmp_path, actions=("access.grant",))
    asked = company.ask()
    assert company.approve(asked.id).outcome is Outcome.DONE
    assert company.writes == ["olga add_member finance-share"]
    assert company.engine.rows == {}


def test_withdrawn_before_the_worker_came(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    emma = company.world.signed_in("emma")
    taken_back = asyncio.run(company.a.approvals.withdraw(asked.id, emma, company.world.person("emma")))  # type: ignore[arg-type]
    assert taken_back.outcome is Outcome.DONE
    company.work()
    assert company.result(asked.id).outcome is Outcome.REFUSED
    assert nothing_given(company)


def test_the_directory_is_away_for_an_hour_and_it_is_carried_out_after_that(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    process = company.process()
    handler: Any = process.handlers["request"]
    inner = handler.door.acting
    away = True

    async def acting() -> Any:
        if away:
            raise Unreachable("The directory gives no answer.")
        return await inner()

    process.handlers = {"request": replace(handler, door=replace(handler.door, acting=acting))}
    for _ in range(20):
        process.work()
        company.world.clock.advance(minutes=3)
    assert company.engine.status(asked.id).state is RunState.RUNNING
    assert "no answer" in str(company.engine.status(asked.id).note)
    away = False
    company.world.clock.advance(minutes=10)
    process.work()
    assert company.result(asked.id).outcome is Outcome.DONE
    assert company.writes == EFFECT


# ── somebody who can write to the store ───────────────────────────────────────────────────────


def attack(company: Company, *statements: tuple[str, tuple[Any, ...]]) -> None:
    with closing(sqlite3.connect(company.folder / "requests.db")) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            database.execute(f"DROP TRIGGER {name}")
        for statement, values in statements:
            database.execute(statement, values)
        database.commit()


def row(company: Company, query: str) -> Any:
    with closing(sqlite3.connect(company.folder / "requests.db")) as database:
        return database.execute(query).fetchone()


@pytest.mark.req("V1")
def test_no_character_of_an_approval_can_be_changed(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    (document,) = row(company, "SELECT document FROM decisions")
    tried = 0
    for at in range(len(document)):
        altered = document[:at] + chr(ord(document[at]) ^ 1) + document[at + 1 :]
        attack(company, ("UPDATE decisions SET document = ?", (altered,)))
        assert company.worker.requests.altered() == [asked.id]
        tried += 1
    assert tried > 400
    company.work()
    assert company.result(asked.id).error.code == "sealed"  # type: ignore[union-attr]
    assert nothing_given(company)


@pytest.mark.req("V1")
@pytest.mark.parametrize(
    "name", ["plan", "approver", "login", "host", "signed_in", "expires", "nonce", "instead_of", "rule"]
)
def test_a_field_that_is_altered_and_sealed_with_another_key_has_no_effect(
    company: Company, name: str
) -> None:
    asked = company.ask()
    company.approve(asked.id)
    (document,) = row(company, "SELECT document FROM decisions")
    decision = json.loads(document)
    decision["approval"][name] = "other" if name != "expires" else "2099-01-01T00:00:00+00:00"

    text = decision_document(Decision(**decision))
    forged = seal(company.site("x").seals, text, decision=True)
    attack(company, ("UPDATE decisions SET document = ?, seal = ?", (text, forged)))
    company.work()
    assert company.result(asked.id).outcome is Outcome.REFUSED
    assert nothing_given(company)


@pytest.mark.req("V1")
def test_an_approval_that_is_copied_onto_another_request_has_no_effect(company: Company) -> None:
    first = company.ask()
    company.approve(first.id)
    other = company.ask("bo")
    attack(
        company,
        ("INSERT INTO decisions SELECT ?, step, what, document, seal FROM decisions", (other.call.nonce,)),
        ("UPDATE requests SET steps = 1, last = 'approved' WHERE id = ?", (other.id,)),
    )
    company.engine.start(Run(other.id, "request", {"request": other.id, "plan": other.digest}))
    company.work()
    assert company.result(other.id).outcome is Outcome.REFUSED
    assert not company.world.is_member("bo")


@pytest.mark.req("V1")
def test_a_run_for_what_nobody_approved_does_nothing(company: Company) -> None:
    asked = company.ask()
    company.engine.start(Run(asked.id, "request", {"request": asked.id, "plan": asked.digest}))
    company.work()
    assert company.result(asked.id).outcome is Outcome.REFUSED
    assert nothing_given(company)
    assert company.a.requests.get(asked.id).state is RequestState.PENDING


@pytest.mark.req("V6")
@pytest.mark.parametrize(
    "document",
    [
        {"request": "R-222222", "plan": "0" * 64},
        {"plan": "0" * 64},
        {"request": "", "requester": "root"},
        {},
    ],
)
def test_nothing_else_in_a_run_decides_anything(company: Company, document: dict[str, str]) -> None:
    company.engine.start(Run("R-222222", "request", document))
    company.work()
    assert company.result("R-222222").outcome in (Outcome.REFUSED, Outcome.USAGE)
    assert company.writes == []


@pytest.mark.req("V6")
def test_a_supplied_requester_is_nobody(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    run = company.engine.rows[asked.id].run
    company.engine.rows[asked.id].run = replace(
        run, document={**run.document, "requester": "bo", "person": "bo"}
    )
    company.work()
    assert company.result(asked.id).outcome is Outcome.DONE
    assert (company.world.is_member("emma"), company.world.is_member("bo")) == (True, False)


@pytest.mark.req("V1")
def test_a_request_of_one_host_as_another_plan_has_no_effect(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    run = company.engine.rows[asked.id].run
    company.engine.rows[asked.id].run = replace(run, document={**run.document, "plan": "0" * 64})
    company.work()
    assert company.result(asked.id).error.code == "sealed"  # type: ignore[union-attr]
    assert nothing_given(company)


@pytest.mark.req("V1")
def test_an_approval_that_is_put_back_after_it_was_used_does_nothing_more(company: Company) -> None:
    """The decisions after the yes are deleted, the access is revoked: the worker's log knows that it was used."""
    asked = company.ask()
    company.approve(asked.id)
    company.work()
    oscar = company.world.embedded.sign_in("oscar", Secret(password_of("oscar")))
    oscar.remove_member(oscar.group("finance-share"), oscar.person("emma"))
    attack(
        company,
        ("DELETE FROM decisions WHERE step > 1", ()),
        ("UPDATE requests SET steps = 1, last = 'approved'", ()),
    )
    del company.engine.rows[asked.id]
    assert start_approved(company.worker.runner, company.engine) == [asked.id]
    company.work()
    assert company.result(asked.id).error.code == "already-decided"  # type: ignore[union-attr]
    assert not company.world.is_member("emma")


@pytest.mark.req("V1")
def test_a_yes_of_a_host_that_the_worker_does_not_list_has_no_effect(company: Company) -> None:
    asked = company.ask()
    company.approve(asked.id)
    picky = company.site("worker", trusted=("a",))
    company.process(picky).work()
    assert company.result(asked.id).error.code == "sealed"  # type: ignore[union-attr]
    assert nothing_given(company)


@pytest.mark.req("V2")
def test_a_yes_of_a_trusted_host_in_the_name_of_the_requester_has_no_effect(company: Company) -> None:
    """Even a listed host that was taken over approves nobody's own request."""
    asked = company.ask()
    emma = company.world.embedded.look_up().person("emma").id
    now = company.world.clock()
    yes = Approval(asked.digest, emma, "emma", company.b.seals.host, now.isoformat(),
                   (now + GOOD_FOR).isoformat(), "n")  # fmt: skip

    decision = Decision(
        asked.id, asked.call.nonce, 1, "approved", emma, now.isoformat(), approval=asdict(yes)
    )
    text = decision_document(decision)
    attack(
        company,
        ("INSERT INTO decisions VALUES (?, 1, 'approved', ?, ?)",
         (asked.call.nonce, text, seal(company.b.seals, text, decision=True))),
        ("UPDATE requests SET steps = 1, last = 'approved'", ()),
    )  # fmt: skip
    company.engine.start(Run(asked.id, "request", {"request": asked.id, "plan": asked.digest}))
    company.work()
    assert nothing_given(company)
    assert company.a.requests.get(asked.id).state is RequestState.STALE
