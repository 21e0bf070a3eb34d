"""Roles come from the directory's groups, read now, by id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.connectors.embedded import NewGroup, NewPerson
from helpdesk.errors import ConfigError, Refused
from helpdesk.events import Outcome
from helpdesk.gate.roles import Roles
from helpdesk.identity import AccountStatus, Person
from helpdesk.ports import DirectoryReader
from helpdesk.secrets import Secret
from tests.unit.door_world import World, password_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class SaysDisabled:
    """A directory that goes on answering for a connection whose account was disabled, as many do."""

    def __init__(self, reader: DirectoryReader, enabled: bool | None) -> None:
        self._reader = reader
        self._enabled = enabled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def status(self, person: Person) -> AccountStatus:
        return replace(self._reader.status(person), enabled=self._enabled)


@pytest.mark.req("D9")
def test_a_disabled_account_is_refused_although_its_connection_still_works(world: World) -> None:
    roles = Roles({"helpdesk": ("service-desk",)})
    signed_in = world.sign_in("dana")
    still = cast(DirectoryReader, SaysDisabled(signed_in.directory, enabled=False))
    assert roles.subject(still, signed_in.actor.person).enabled is False
    with pytest.raises(Refused) as caught:
        roles.actor_subject(still, signed_in.actor)
    assert "disabled" in caught.value.message
    untold = cast(DirectoryReader, SaysDisabled(signed_in.directory, enabled=None))
    assert roles.actor_subject(untold, signed_in.actor).enabled is True


@pytest.mark.req("D9")
def test_a_disabled_owner_is_asked_for_no_approval(world: World) -> None:
    desk = world.embedded.sign_in("dave", Secret(password_of("dave")))
    desk.set_enabled(desk.person("olga"), False)
    shared = world.do("emma", "access.request", group="finance-share")
    assert (shared.outcome, "oscar" in shared.message, "olga" in shared.message) == (
        Outcome.PENDING,
        True,
        False,
    )
    alone = world.do("emma", "access.request", group="design-share")
    assert (alone.outcome, alone.rule) == (Outcome.REFUSED, "default-deny")


@pytest.mark.req("D7")
def test_a_role_belongs_to_the_group_and_not_to_its_name(world: World) -> None:
    roles = Roles({"helpdesk": ("service-desk",), "privileged": ("admins",)})
    reader = world.sign_in("dave").directory
    assert roles.subject(reader, reader.person("dana")).roles == {"helpdesk"}
    assert roles.subject(reader, reader.person("root")).privileged
    assert roles.subject(reader, reader.person("emma")).roles == frozenset()
    by_dn = Roles({"helpdesk": (reader.group("service-desk").dn,)})
    assert by_dn.subject(reader, reader.person("dana")).roles == {"helpdesk"}


@pytest.mark.req("D9")
def test_a_role_through_a_nested_group_counts(world: World) -> None:
    world.embedded.admin.add_person(NewPerson("nina", "Nina Test", Secret(password_of("nina"))))
    world.embedded.admin.add_group(NewGroup("inner", members=("nina",)))
    world.embedded.admin.add_group(NewGroup("outer", groups=("inner",)))
    reader = world.sign_in("dave").directory
    roles = Roles({"privileged": ("outer",)})
    assert roles.subject(reader, reader.person("nina")).privileged


def test_a_missing_group_gives_its_role_to_nobody_and_a_missing_privileged_one_stops_everything(
    world: World,
) -> None:
    reader = world.sign_in("dave").directory
    nobody = Roles({"helpdesk": ("no-such-group",)})
    assert nobody.subject(reader, reader.person("dana")).roles == frozenset()
    assert nobody.members(reader, "helpdesk") == []
    with pytest.raises(ConfigError) as caught:
        Roles({"privileged": ("no-such-group",)}).subject(reader, reader.person("dana"))
    assert "no-such-group" in caught.value.message


def test_members_are_people_and_few(world: World) -> None:
    reader = world.sign_in("emma").directory
    roles = Roles({"helpdesk": ("service-desk",)})
    assert {person.login for person in roles.members(reader, "helpdesk")} == {"dana", "dave"}
    assert len(roles.members(reader, "helpdesk", limit=1)) == 1


def test_a_group_is_privileged_when_its_role_is(world: World) -> None:
    reader = world.sign_in("emma").directory
    roles = Roles({"privileged": ("admins",), "helpdesk": ("service-desk",)})
    assert roles.is_privileged(reader, reader.group("admins"))
    assert not roles.is_privileged(reader, reader.group("service-desk"))


@pytest.mark.req("V2")
@pytest.mark.parametrize("order", [("helpdesk", "privileged"), ("privileged", "helpdesk")])
def test_a_group_with_two_roles_has_both(world: World, order: tuple[str, str]) -> None:
    reader = world.sign_in("dave").directory
    roles = Roles(dict.fromkeys(order, ("service-desk",)))
    subject = roles.subject(reader, reader.person("dana"))
    assert subject.roles == {"helpdesk", "privileged"}
    assert subject.privileged
    assert roles.is_privileged(reader, reader.group("service-desk"))
