"""Every write action of every installed plugin, over systems that lie, break, lose replies and write by half.

The actions come from the catalog: a new one is covered by itself, or fails here until somebody says in
:data:`WORDS` what to give it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from helpdesk.errors import LogUnavailable
from helpdesk.events import Outcome, Result
from helpdesk.ports import DirectorySession
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec
from helpdesk.staffing import LEFT
from tests.fakes.systems import Fault
from tests.unit.door_world import World, catalog, password_of

WRITES = [spec.name for spec in catalog().specs if not spec.reads]
NEW = "Another-Passphrase-2"


def _disable(world: World, login: str) -> None:
    desk = world.embedded.sign_in("dave", Secret(password_of("dave")))
    desk.set_enabled(desk.person(login), False)


def _closed_ticket(world: World, login: str) -> None:
    """A ticket of theirs that they closed."""
    made = world.queue.open("The lift", "It is stuck.", world.embedded.look_up().person(login).id, "setting")
    world.queue.close_ticket(made.id, login, "closing")


def _worker(world: World) -> DirectorySession:
    return world.embedded.sign_in("dave", Secret(password_of("dave")))


def _left(world: World, login: str) -> None:
    desk = _worker(world)
    desk.set_enabled(desk.person(login), False)
    desk.set_employment(desk.person(login), LEFT)


def _alias(world: World, login: str, address: str) -> None:
    desk = _worker(world)
    desk.add_alias(desk.person(login), address)


SETTINGS: Mapping[str, Callable[[World], object]] = {
    "as it is": lambda world: None,
    "bo is locked": lambda world: world.lock("bo"),
    "bo is disabled": lambda world: _disable(world, "bo"),
    "emma has a ticket": lambda world: world.queue.open(
        "The lift", "It is stuck.", world.embedded.look_up().person("emma").id, "setting"
    ),
    "emma has a closed ticket": lambda world: _closed_ticket(world, "emma"),
    "bo has left": lambda world: _left(world, "bo"),
    "bo has an alias": lambda world: _alias(world, "bo", "second@corp.test"),
}
WORDS: Mapping[str, tuple[str, ...]] = {
    "person": ("bo", "mia", "oscar"),
    "to": ("bo",),
    "groups": ("finance-share",),
    "manager": ("olga",),
    "login": ("nora",),
    "full_name": ("Nora New",),
    "address": ("second@corp.test",),
    "employee_number": ("4711",),
    "group": ("finance-share",),
    "id": ("T-1001", "1001"),
    "mail": ("new@corp.test",),
    "phone": ("+49 30 1234",),
    "clear": ("",),
}
ACTORS = ("emma", "dana", "olga")


@dataclass(frozen=True)
class Case:
    """A way to run one action so that it has something to change."""

    action: str
    setting: str
    actor: str
    arguments: tuple[tuple[str, Any], ...]
    secrets: tuple[str, ...]

    def prepare(self, folder: Path, **more: Any) -> World:
        world = World(folder, **more)
        SETTINGS[self.setting](world)
        world.trail.clear()
        return world

    def run(self, world: World, fault: Fault | None = None, **more: Any) -> Result:
        """Carry it out whole: where it waits for an approval, its approver gives it."""
        secrets = dict.fromkeys(self.secrets, NEW)
        asked = world.do(self.actor, self.action, secrets=secrets, **more, **dict(self.arguments))
        if asked.outcome is not Outcome.PENDING:
            return asked
        assert asked.request is not None
        return world.approve("oscar", asked.request)

    def run_with(self, world: World, fault: Fault) -> Result:
        world.watch.fault = fault
        return self.run(world)


def _words(spec: ActionSpec, every: bool) -> Iterator[dict[str, Any]]:
    named = [p for p in spec.parameters if p.kind != "secret" and (p.required or every)]
    values = {"integer": (1,), "boolean": (True,), "date": ("2026-12-31",)}
    choices = [WORDS.get(p.name) or p.choices or values.get(p.kind) or ("some words",) for p in named]
    for chosen in product(*choices):
        yield dict(zip([p.name for p in named], chosen, strict=True))


def _found(name: str, folder: Path) -> Case | None:
    """The first setting, actor and arguments with which a dry run has something to change."""
    spec = catalog().spec(name)
    secrets = tuple(p.name for p in spec.parameters if p.kind == "secret")
    for number, (setting, prepare) in enumerate(SETTINGS.items()):
        (folder / str(number)).mkdir()
        world = World(folder / str(number))
        prepare(world)
        for every, actor in product((False, True), ACTORS):
            for words in _words(spec, every):
                result = world.do(actor, name, dry_run=True, secrets=dict.fromkeys(secrets, NEW), **words)
                if result.outcome is Outcome.PREVIEWED and result.changes:
                    return Case(name, setting, actor, tuple(words.items()), secrets)
    return None


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    found = {name: _found(name, tmp_path_factory.mktemp("search")) for name in WRITES}
    missing = [name for name, case in found.items() if case is None]
    assert not missing, f"say in WORDS or SETTINGS how {missing} can have something to change"
    return {name: case for name, case in found.items() if case is not None}


@pytest.fixture
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    return cases[request.param]


every_write = pytest.mark.parametrize("case", WRITES, indirect=True)


def test_all_the_writes_of_the_contract_are_covered() -> None:
    assert {
        "password.change", "password.reset", "password.unlock", "account.disable", "account.enable",
        "access.request", "access.grant", "access.revoke", "people.update",
        "ticket.open", "ticket.comment", "ticket.close", "ticket.reopen",
        "people.create", "people.manager", "people.alias", "people.unalias", "people.archive", "people.restore",
        "access.hand-over", "mail.send",
    } <= set(WRITES)  # fmt: skip


@pytest.mark.req("L10")
@every_write
def test_done_comes_with_a_receipt_of_what_is_there(case: Case, tmp_path: Path) -> None:
    world = case.prepare(tmp_path)
    before = world.state()
    result = case.run(world)
    assert result.outcome is Outcome.DONE
    assert result.receipt
    assert all(seen.as_expected for seen in result.receipt)
    assert len(world.done) >= 1
    assert world.state() != before
    assert world.log.of("outcome")[-1].body["outcome"] == "done"
    assert result.entry == world.log.of("outcome")[-1].seq


@pytest.mark.req("L10")
@every_write
def test_a_connector_that_reports_success_and_writes_nothing_is_never_done(
    case: Case, tmp_path: Path
) -> None:
    world = case.prepare(tmp_path)
    before = world.state()
    result = case.run_with(world, Fault.LIE)
    assert result.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
    assert result.error is not None
    assert (world.done, len(world.watch.tried) >= 1) == ([], True)
    after = world.state()
    assert after["groups"] == before["groups"]
    assert after["tickets"] == before["tickets"]
    assert after["people"] == before["people"]
    assert world.log.of("outcome")[-1].body["outcome"] == result.outcome


@pytest.mark.req("L10")
@every_write
def test_a_connector_that_breaks_before_it_writes_is_never_done(case: Case, tmp_path: Path) -> None:
    world = case.prepare(tmp_path)
    result = case.run_with(world, Fault.BREAK_BEFORE)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "plugin"
    assert world.done == []


@pytest.mark.req("R3")
@every_write
def test_a_reply_that_is_lost_after_the_effect_is_read_back_as_done_once(case: Case, tmp_path: Path) -> None:
    world = case.prepare(tmp_path)
    result = case.run_with(world, Fault.LOSE_REPLY)
    assert result.outcome is Outcome.DONE
    assert len(world.done) == 1


@pytest.mark.req("R3")
@every_write
def test_a_request_that_may_still_arrive_is_unknown_and_not_failed(case: Case, tmp_path: Path) -> None:
    world = case.prepare(tmp_path)
    result = case.run_with(world, Fault.DROP)
    assert result.outcome is Outcome.UNKNOWN
    assert result.error is not None
    assert "reconcile" in result.error.hint
    assert len(world.watch.tried) == 1  # a write that got no answer is not sent again


@pytest.mark.req("R3")
@every_write
def test_a_connector_that_breaks_after_it_wrote_is_judged_by_what_is_there(
    case: Case, tmp_path: Path
) -> None:
    world = case.prepare(tmp_path)
    result = case.run_with(world, Fault.BREAK_AFTER)
    assert result.outcome is Outcome.DONE
    assert len(world.done) == 1


@pytest.mark.req("R1")
@every_write
def test_without_a_logged_intent_nothing_happens(case: Case, tmp_path: Path) -> None:
    world = case.prepare(tmp_path)
    before = world.state()
    world.log.down = {"intent"}
    result = case.run(world)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == LogUnavailable.code
    assert world.watch.tried == []
    assert world.state() == before


@pytest.mark.req("R1")
@every_write
def test_an_outcome_that_cannot_be_logged_is_unknown_and_says_so(case: Case, tmp_path: Path) -> None:
    world = case.prepare(tmp_path)
    world.log.down = {"outcome"}
    result = case.run(world)
    assert result.outcome is Outcome.UNKNOWN
    assert "could not be logged" in result.message
    assert len(world.done) == 1
    assert result.entry == world.log.of("intent")[-1].seq
    assert [entry.seq for entry in world.log.interrupted()] == [result.entry]


@pytest.mark.req("L10")
@every_write
def test_the_same_again_has_nothing_to_do_and_no_second_effect(case: Case, tmp_path: Path) -> None:
    """Once more with the same key: a set-to-a-value has nothing to change, a ticket is not opened twice."""
    world = case.prepare(tmp_path)
    assert case.run(world, key="one-key").outcome is Outcome.DONE
    before = world.state()
    if case.action.startswith("password.c") or case.action == "password.reset":
        return  # another password is another effect
    again = case.run(world, key="one-key")
    assert again.outcome in (Outcome.DONE, Outcome.FAILED)
    assert world.state() == before


@pytest.mark.req("L10")
def test_half_a_reset_is_partial(cases: dict[str, Case], tmp_path: Path) -> None:
    world = cases["password.reset"].prepare(tmp_path)
    result = cases["password.reset"].run_with(world, Fault.HALVE)
    assert result.outcome is Outcome.PARTIAL
    assert [seen.as_expected for seen in result.receipt] == [True, False]
    assert result.error is not None
    assert "must choose a new one" in result.message


@pytest.mark.req("L10")
def test_half_of_new_contact_data_is_partial(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.watch.fault = Fault.HALVE
    result = world.do("emma", "people.update", phone="+49 30 1", title="Analyst")
    assert result.outcome is Outcome.PARTIAL
    assert {seen.what: seen.as_expected for seen in result.receipt} == {"phone": True, "title": False}
    assert world.log.of("outcome")[-1].body["outcome"] == "partial"


@pytest.mark.req("S4")
@pytest.mark.parametrize("fault", [Fault.LIE, Fault.BREAK_BEFORE])
def test_a_password_that_is_not_in_force_is_not_shown(
    cases: dict[str, Case], tmp_path: Path, fault: Fault
) -> None:
    world = cases["password.reset"].prepare(tmp_path)
    at = world.person("dana")
    world.watch.fault = fault
    result = world.do("dana", "password.reset", at=at, person="bo")
    assert result.outcome is Outcome.FAILED
    assert at.revealed == []
    assert "reveal" not in world.trail
