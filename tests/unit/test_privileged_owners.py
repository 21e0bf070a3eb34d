"""Whoever decides who is privileged is privileged, and nobody owns a group by looking like its owner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpdesk.connectors.embedded import NewGroup
from helpdesk.events import Outcome
from helpdesk.gate.authorization import Authorization, Verdict
from helpdesk.gate.roles import Roles
from helpdesk.secrets import Secret
from tests.unit.authorization_world import GROUP, PERSON, ask, group, spec, subject
from tests.unit.door_world import World, password_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Olga owns the keys: she is no member, but makes whom she likes one."""
    made = World(tmp_path)
    made.embedded.admin.add_group(NewGroup("keyholders", owners=("olga",), members=("root",)))
    made.runner.authorise.roles.groups_of_role = {
        "helpdesk": ("service-desk",),
        "privileged": ("admins", "keyholders"),
    }
    return made


@pytest.mark.req("I4")
@pytest.mark.parametrize("action", ["password.reset", "password.unlock", "account.disable", "account.enable"])
def test_the_service_desk_does_not_become_an_administrator_through_an_owner(
    world: World, action: str
) -> None:
    ended = world.do("dave", action, person="olga")
    assert (ended.outcome, ended.rule) == (Outcome.REFUSED, "never-privileged-accounts")
    assert (
        world.embedded.accepts(world.embedded.look_up().person("olga"), Secret(password_of("olga"))) == "yes"
    )


@pytest.mark.req("I4")
def test_owners_of_other_groups_are_nobody_special(world: World) -> None:
    reader = world.sign_in("dave").directory
    roles = world.runner.authorise.roles
    assert roles.subject(reader, reader.person("olga")).privileged
    assert roles.subject(reader, reader.person("olga")).roles == frozenset()
    assert not roles.subject(reader, reader.person("oscar")).privileged
    no_role = Roles({"helpdesk": ("service-desk",), "privileged": ("admins",)})
    assert not no_role.subject(reader, reader.person("olga")).privileged


@pytest.mark.req("I4", "D7")
def test_an_owner_is_found_however_the_directory_spells_the_name(world: World) -> None:
    reader = world.sign_in("dave").directory
    olga = reader.person("olga")

    class Spelled:
        def __getattr__(self, name: str) -> object:
            return getattr(reader, name)

        def group(self, name: str) -> object:
            found = reader.group(name)
            return replace(found, owner_dns=tuple(dn.upper().replace(",", " , ") for dn in found.owner_dns))

    assert world.runner.authorise.roles.subject(Spelled(), olga).privileged  # type: ignore[arg-type]


@pytest.mark.req("D7", "V2")
@pytest.mark.parametrize(("owner", "other"), [("straße", "strasse"), ("nikoσ", "nikoς")])
def test_a_name_that_only_folds_to_the_owners_owns_nothing(owner: str, other: str) -> None:
    """A directory keeps these apart, so that they can be two people."""
    grant = spec("access.grant", PERSON, GROUP, about="group")
    authorization = Authorization.load([grant], None)
    share = group("share", subject(owner))
    assert ask(authorization, grant, subject(owner), subject("bo"), share).verdict is Verdict.ALLOWED
    assert ask(authorization, grant, subject(other), subject("bo"), share).verdict is Verdict.DENIED
