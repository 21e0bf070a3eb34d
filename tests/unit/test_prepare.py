"""A call becomes concrete: names to live objects by id, and one byte form of what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpdesk.actions.call import Call
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.errors import UsageError
from helpdesk.events import Change
from helpdesk.plugin import Preview, Secret
from tests.unit.door_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def prepared(
    world: World, login: str, action: str, secrets: dict[str, Secret] | None = None, **arguments: Any
) -> Prepared:
    signed_in = world.signed_in(login)
    spec, function = world.catalog.action(action)
    call = Call(action, arguments, secrets=secrets or {})
    return prepare(call, spec, function, signed_in.actor, signed_in.directory)


@pytest.mark.req("D7")
@pytest.mark.parametrize("spelled", ["bo", "BO", " bo ", "ｂｏ"])
def test_every_spelling_of_a_name_is_the_same_person_by_id(world: World, spelled: str) -> None:
    found = prepared(world, "dana", "password.unlock", person=spelled)
    assert found.person is not None
    assert found.person.id == world.embedded.look_up().person("bo").id
    assert found.target == "bo"


def test_whom_a_call_is_about(world: World) -> None:
    emma = world.signed_in("emma").actor.person
    own = prepared(world, "emma", "password.status")
    request = prepared(world, "emma", "access.request", group="finance-share")
    grant = prepared(world, "olga", "access.grant", person="emma", group="finance-share")
    desk = prepared(world, "emma", "people.find", words="bo")
    assert (own.person, request.person) == (emma, emma)
    assert grant.person is not None
    assert (grant.person.id, grant.group and grant.group.name) == (emma.id, "finance-share")
    assert (desk.person, desk.group, desk.target) == (None, None, "")


@pytest.mark.req("S1")
def test_a_secret_is_needed_and_in_no_document(world: World) -> None:
    with pytest.raises(UsageError) as caught:
        prepared(world, "emma", "password.change")
    assert caught.value.code == "missing-argument"
    assert "--new-password-file" in caught.value.hint
    found = prepared(world, "emma", "password.change", {"new_password": Secret("Canary-4711-Canary")})
    assert "Canary" not in repr(found)
    assert "Canary" not in str(found.document())
    assert found.keywords["new_password"].expose() == "Canary-4711-Canary"


@pytest.mark.req("L4")
def test_the_digest_changes_with_every_part_of_what_is_agreed_to(world: World) -> None:
    def digest(before: str = "a", after: str = "b", state: str = "s", **more: Any) -> str:
        login, group = more.get("login", "olga"), more.get("group", "finance-share")
        found = prepared(world, login, more.get("action", "access.grant"), person="bo", group=group)
        preview = Preview("Any words.", (Change("d", "t", "w", before, after),), state={"x": state})
        return found.digest(preview)

    every = [
        digest(),
        digest(before="c"),
        digest(after="c"),
        digest(state="t"),
        digest(login="oscar"),
        digest(group="design-share"),
        digest(action="access.revoke"),
    ]
    assert len(set(every)) == len(every)
    assert digest() == every[0]
