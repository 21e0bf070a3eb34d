"""The one place where people sign in: proven, with their roles of now, and logged either way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpdesk.connectors.embedded import NewGroup
from helpdesk.errors import (
    AccountDisabled,
    AccountLocked,
    BadCredentials,
    ConfigError,
    HelpdeskError,
    LogUnavailable,
    NotSignedIn,
    Refused,
    Unreachable,
)
from helpdesk.gate.signin import NOBODY, UNTOLD
from helpdesk.secrets import Secret, temporary_password
from tests.unit.signin_world import BO, DEE, NOON, WRONG, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_sign_in_brings_who_and_their_roles_of_now(world: World) -> None:
    signed_in = world.enter("DEE", DEE)
    actor = signed_in.actor
    assert (actor.login, actor.person.name) == ("dee", "Dee Desk")
    assert actor.roles == {"helpdesk"}
    assert actor.groups == {world.directory.look_up().group("desk").dn}
    assert actor.signed_in_at == NOON
    assert signed_in.directory.me == actor.person
    assert world.enter("bo", BO).actor.roles == frozenset()


@pytest.mark.req("A1")
def test_a_sign_in_is_logged_by_identity(world: World) -> None:
    actor = world.enter("BO", BO).actor
    (entry,) = world.entries()
    assert entry.kind == "sign-in"
    assert entry.body == {"outcome": "done", "actor_id": actor.person.id, "must_change": False}
    assert entry.personal == {"actor": "bo"}


def test_a_refused_sign_in_is_logged_with_its_reason(world: World) -> None:
    dee = world.enter("dee", DEE)
    for _ in range(3):
        with pytest.raises(BadCredentials):
            world.enter("bo", WRONG)
    with pytest.raises(AccountLocked):
        world.enter("bo", BO)
    dee.directory.unlock(dee.directory.person("bo"))
    dee.directory.set_enabled(dee.directory.person("bo"), False)
    with pytest.raises(AccountDisabled):
        world.enter("bo", BO)
    codes = [entry.body["code"] for entry in world.entries() if entry.body["outcome"] == "refused"]
    assert codes == ["wrong-credentials"] * 3 + ["account-locked", "account-disabled"]
    assert {entry.personal["actor"] for entry in world.entries()[1:]} == {"bo"}


@pytest.mark.req("S1", "S5")
def test_no_password_is_in_the_log(world: World, tmp_path: Path) -> None:
    world.enter("bo", BO)
    with pytest.raises(BadCredentials):
        world.enter("bo", WRONG)
    world.audit.close()
    everything = b"".join(file.read_bytes() for file in (tmp_path / "log").rglob("*") if file.is_file())
    assert b"wrong-credentials" in everything  # the search finds what is there
    for secret in (BO, WRONG):
        assert secret.expose().encode() not in everything


@pytest.mark.req("R1")
@pytest.mark.parametrize("password", [BO, WRONG])
def test_a_sign_in_that_cannot_be_logged_does_not_happen(
    world: World, monkeypatch: pytest.MonkeyPatch, password: Secret
) -> None:
    def full(*_: object) -> int:
        raise LogUnavailable("The log cannot be written.")

    monkeypatch.setattr(world.audit, "append", full)
    sessions = []
    real = world.directory.sign_in

    def watched(login: str, password: Secret) -> object:
        sessions.append(real(login, password))
        return sessions[-1]

    monkeypatch.setattr(world.directory, "sign_in", watched)
    with pytest.raises(LogUnavailable):
        world.enter("bo", password)
    for session in sessions:
        with pytest.raises(NotSignedIn):  # and its connection is closed
            session.groups()
    assert len(sessions) == (1 if password == BO else 0)


def test_roles_that_cannot_be_read_close_the_connection(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.roles.groups_of_role = {"privileged": ["no such group"]}
    with pytest.raises(ConfigError, match="privileged"):
        world.enter("bo", BO)
    assert [entry.body for entry in world.entries() if entry.body["outcome"] == "done"] == []


@pytest.mark.req("S4")
def test_a_temporary_password_signs_in_to_nothing_but_its_change(world: World) -> None:
    dee, temporary = world.enter("dee", DEE), temporary_password()
    dee.directory.set_password(dee.directory.person("bo"), temporary, must_change=True)
    actor = world.enter("bo", temporary).actor
    assert actor.must_change
    assert (actor.roles, actor.groups) == (frozenset(), frozenset())
    assert "temporary password expires" in actor.notices[0]
    assert world.entries()[-1].body["must_change"] is True


def test_roles_follow_the_groups_at_the_next_sign_in(world: World) -> None:
    world.directory.admin.add_group(NewGroup("second desk", members=["bo"]))
    world.roles.groups_of_role = {"helpdesk": ["desk", "second desk"]}
    assert world.enter("bo", BO).actor.roles == {"helpdesk"}
    world.directory.admin.remove_group("second desk")
    assert world.enter("bo", BO).actor.roles == frozenset()


@pytest.mark.req("D4", "A5")
@pytest.mark.parametrize("login", ["", " ", "bo\n2026 forged line", "\ud800", "\x1b[2J", "x" * 100_000])
def test_any_typed_name_is_refused_and_logged(world: World, login: str) -> None:
    with pytest.raises(BadCredentials):
        world.enter(login, WRONG)
    (entry,) = world.entries()
    assert entry.body == {"outcome": "refused", "code": "wrong-credentials"}
    assert len(str(entry.personal["actor"])) <= 256
    assert world.audit.verify().ok


@pytest.mark.req("S1")
def test_a_password_typed_where_the_name_belongs_is_not_in_the_log(world: World, tmp_path: Path) -> None:
    """Not when it is refused, not when it is asked about, and not when the directory is down."""
    for _ in range(4):  # as often as locks a name
        with pytest.raises(NotSignedIn):
            world.enter(BO.expose(), WRONG)
    world.asked(BO.expose(), WRONG)
    with pytest.raises(BadCredentials):
        world.enter("BO", WRONG)
    names = [entry.personal.get("actor") or entry.personal.get("target") for entry in world.entries()]
    assert names == [NOBODY] * 6 + ["bo"]
    world.audit.close()
    everything = b"".join(file.read_bytes() for file in (tmp_path / "log").rglob("*") if file.is_file())
    assert NOBODY.encode() in everything  # the search finds what is there
    assert BO.expose().encode() not in everything


@pytest.mark.req("S1", "D10")
@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (Unreachable("The directory gives no answer."), UNTOLD),
        (BadCredentials("The login name or the password is wrong."), UNTOLD),
        (AccountDisabled("Your account is disabled."), "bo"),
    ],
)
def test_a_name_that_cannot_be_looked_up_is_logged_where_the_directory_knew_it(
    world: World, monkeypatch: pytest.MonkeyPatch, refused: HelpdeskError, told: str
) -> None:
    def refuse(*_: object) -> object:
        raise refused

    def hidden() -> object:
        raise Refused("The directory lets nobody look for people before signing in.")

    monkeypatch.setattr(world.directory, "sign_in", refuse)
    monkeypatch.setattr(world.directory, "look_up", hidden)
    with pytest.raises(type(refused)):
        world.enter("bo", WRONG)
    assert world.entries()[-1].personal["actor"] == told
