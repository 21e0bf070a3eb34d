"""A service identity runs exactly what it declares, approves nothing, and is told apart in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.authorise import Authoriser
from helpdesk.actions.call import Call
from helpdesk.actions.guard import Guard
from helpdesk.config import ServiceSettings
from helpdesk.events import Confirmation, Confirmed, Outcome, Result
from helpdesk.gate.services import Services
from helpdesk.ports import SignedIn
from tests.fakes.terminal import Person
from tests.unit.door_world import World, as_of


class Script(Person):
    """Nobody is there; ``--yes`` confirms."""

    async def confirm(self, confirmation: Confirmation) -> Confirmed:
        confirmed = await Person.confirm(self, confirmation)
        return replace(confirmed, by="--yes")


class Staffed(World):
    """The company, with dave as the account of a script."""

    def declare(self, login: str, *actions: str, **more: Any) -> None:
        services = Services({"nightly": ServiceSettings("nightly", login, actions, **more)})
        self.runner.authorise = replace(self.runner.authorise, services=services)
        self.runner.guard = Guard(services)
        self.sign_in_at_directory.services = services

    def script(self, login: str, action: str, **arguments: Any) -> Result:
        return self.do(login, action, at=Script(trail=self.trail), **arguments)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Staffed]:
    made = Staffed(tmp_path)
    yield made
    made.embedded.close()


def test_it_runs_what_it_declares(world: Staffed) -> None:
    world.declare("dave", "password.unlock")
    world.lock("emma")
    assert world.script("dave", "password.unlock", person="emma").outcome is Outcome.DONE
    assert not world.status("emma").locked


@pytest.mark.req("L1")
@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("password.reset", {"person": "emma"}),
        ("account.disable", {"person": "emma"}),
        ("people.find", {"words": "emma"}),
        ("people.update", {"phone": "1"}),
        ("access.request", {"group": "finance-share", "reason": "x"}),
    ],
)
def test_it_runs_nothing_else_though_the_policy_would_let_its_account(
    world: Staffed, action: str, arguments: dict[str, Any]
) -> None:
    before = world.state()
    world.declare("DAVE", "password.unlock")  # in whatever spelling
    result = world.script("dave", action, **arguments)
    assert (result.outcome, result.rule) == (Outcome.REFUSED, "service:nightly")
    assert "may run password.unlock and nothing else" in result.message
    assert result.error is not None
    assert f"add {action} to [services.nightly] actions" in result.error.hint
    assert world.state() == before
    world.declare("nobody-here", "password.unlock")
    assert world.script("dave", action, **arguments).rule != "service:nightly"


def test_a_declaration_gives_nothing(world: Staffed) -> None:
    """What the policy refuses stays refused: emma is not the service desk."""
    world.declare("emma", "password.unlock")
    world.lock("bo")
    result = world.script("emma", "password.unlock", person="bo")
    assert result.outcome is Outcome.REFUSED
    assert result.rule != "service:nightly"
    assert world.status("bo").locked


def test_its_groups_are_the_only_ones(world: Staffed) -> None:
    world.declare("olga", "access.grant", groups=("design-share", "no-such-group"))
    held = world.script("olga", "access.grant", group="finance-share", person="emma")
    assert (held.outcome, held.rule) == (Outcome.REFUSED, "service:nightly")
    assert "acts on design-share, no-such-group and on no other group" in held.message
    assert world.script("olga", "access.grant", group="design-share", person="emma").outcome is Outcome.DONE
    assert world.is_member("emma", "design-share")
    assert not world.is_member("emma", "finance-share")


@pytest.mark.req("V2", "V3")
def test_it_approves_nothing(world: Staffed) -> None:
    id = world.request("emma", "finance-share")  # olga and oscar could
    world.declare("olga", "access.request", "access.grant", interactive=True)
    for result in (world.approve("olga", id), world.deny("olga", id)):
        assert (result.outcome, result.rule) == (Outcome.REFUSED, "service:nightly")
        assert "approve nothing" in result.message
    assert not world.is_member("emma")
    assert world.approve("oscar", id).outcome is Outcome.DONE


def test_it_is_nobodys_approver(world: Staffed) -> None:
    world.declare("olga", "access.request")
    result = world.do("emma", "access.request", group="finance-share", reason="quarter close")
    assert result.request
    assert world.runner.requests.get(result.request).approver_names == ("Oscar Test",)


@pytest.mark.req("V1")
def test_what_it_asked_for_is_carried_out_only_while_it_is_declared(world: Staffed) -> None:
    world.declare("emma", "access.request")
    asked = world.script("emma", "access.request", group="finance-share", reason="nightly sync")
    assert asked.outcome is Outcome.PENDING
    world.declare("emma", "people.find")
    assert world.approve("olga", asked.request or "").rule == "service:nightly"
    assert not world.is_member("emma")


def test_no_person_confirms_with_it(world: Staffed) -> None:
    world.declare("dave", "password.unlock", "access.request")
    world.lock("emma")
    for action, arguments in (
        ("password.unlock", {"person": "emma"}),
        ("access.request", {"group": "finance-share", "reason": "x"}),
    ):
        result = world.do("dave", action, **arguments)
        assert (result.outcome, result.rule) == (Outcome.REFUSED, "service:nightly")
        assert "no person confirms with it" in result.message
    assert world.status("emma").locked
    assert world.runner.requests.all_pending() == []
    world.declare("dave", "password.unlock", interactive=True)
    assert world.do("dave", "password.unlock", person="emma").outcome is Outcome.DONE


@pytest.mark.req("R8")
def test_its_password_is_not_asked_for_and_an_old_sign_in_is_not_enough(world: Staffed) -> None:
    world.declare("dave", "password.reset")
    old = as_of(world.sign_in("dave"), world.clock() - timedelta(minutes=6))
    person = Script(password="dave-Passphrase-1", trail=world.trail)
    call = Call("password.reset", {"person": "emma"})
    result = asyncio.run(world.runner.run(call, old, cast(Any, person)))
    assert result.error is not None
    assert (result.outcome, result.error.code) == (Outcome.NOT_SIGNED_IN, "fresh-sign-in-needed")
    assert person.questions == []
    world.sign_in("dave")  # as --as LOGIN --password-stdin does
    assert world.script("dave", "password.reset", person="emma").outcome is Outcome.DONE


@pytest.mark.req("A1")
def test_every_entry_about_it_says_so_and_no_other_does(world: Staffed) -> None:
    world.declare("dave", "password.unlock")
    world.lock("emma")
    signed_in: SignedIn = world.sign_in("dave")
    assert signed_in.actor.service == "nightly"
    world.script("dave", "password.unlock", person="emma")
    world.script("dave", "people.find", words="emma")
    mine = [e for e in world.log.entries() if e.body.get("actor_id") == signed_in.actor.person.id]
    assert [(e.kind, e.body.get("service")) for e in mine] == [
        ("sign-in", "nightly"),
        ("intent", "nightly"),
        ("outcome", "nightly"),
        ("refusal", "nightly"),
    ]
    world.do("dana", "people.find", words="emma")
    assert "service" not in world.log.entries()[-1].body


def test_only_its_own_actions_are_possible_for_it(world: Staffed) -> None:
    world.declare("dave", "password.unlock", "access.grant")
    signed_in = world.sign_in("dave")
    possible = world.runner.authorise.possible(world.catalog.specs, signed_in.directory, signed_in.actor)
    may_run = {spec.name for spec, may in possible if may}
    assert may_run == {"password.unlock", "access.grant"}  # the second with an owner's approval
    assert {spec.name for spec, _ in possible} == {spec.name for spec in world.catalog.specs}


def test_without_declarations_nobody_is_one(world: Staffed) -> None:
    assert isinstance(world.runner.authorise, Authoriser)
    assert world.runner.authorise.services.declared == {}
    assert world.sign_in("dave").actor.service == ""
