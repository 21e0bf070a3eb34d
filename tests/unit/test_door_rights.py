"""Fresh sign-ins for risky actions, rights and status of this moment, and must-change sign-ins."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.errors import Unreachable
from helpdesk.events import Outcome
from helpdesk.gate.roles import Roles
from helpdesk.plugin import (
    Answer,
    Login,
    Plugin,
    ReadContext,
    Secret,
)
from tests.fakes.terminal import Person
from tests.unit.door_world import World, catalog, in_order, password_of, with_plugin

NEW = "Another-Passphrase-2"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def untouched(world: World, before: dict[str, Any]) -> bool:
    return world.state() == before and world.watch.tried == [] and world.log.of("intent") == []


# ── R8: a fresh sign-in for risky actions ─────────────────────────────────────────────────────


@pytest.mark.req("R8")
@pytest.mark.parametrize(
    ("age", "asked"),
    [
        (timedelta(0), False),
        (timedelta(minutes=5), False),
        (timedelta(minutes=5, seconds=1), True),
        (timedelta(hours=7), True),
        (timedelta(seconds=-1), True),
    ],
)
def test_a_risky_action_asks_for_the_password_again_after_five_minutes(
    world: World, age: timedelta, asked: bool
) -> None:
    world.sign_in("dana")
    world.clock.now += age
    at = world.person("dana")
    assert world.do("dana", "password.reset", at=at, person="bo").outcome is Outcome.DONE
    assert bool(at.questions) is asked
    if asked:
        assert in_order(world.trail, "preview", "password", "log:sign-in", "confirm", "log:intent")


@pytest.mark.req("R8")
@pytest.mark.parametrize(
    ("password", "code"), [("wrong", "wrong-credentials"), (None, "fresh-sign-in-needed")]
)
def test_without_the_password_a_risky_action_ends(world: World, password: str | None, code: str) -> None:
    world.sign_in("dana")
    world.clock.advance(minutes=6)
    result = world.do("dana", "account.disable", at=Person(password=password), person="bo")
    assert result.outcome is Outcome.NOT_SIGNED_IN
    assert result.error is not None
    assert result.error.code == code
    assert (world.watch.tried, world.log.of("intent"), "confirm" in world.trail) == ([], [], False)


@pytest.mark.req("R8")
def test_a_fresh_sign_in_as_somebody_else_does_not_count(world: World) -> None:
    """The login is bob's by now: the same name, another id."""
    from helpdesk.connectors.embedded import NewPerson

    world.sign_in("dana")
    world.clock.advance(minutes=6)
    world.watch.on_write = None
    before = world.log.of("intent")

    def replaced() -> None:
        raise AssertionError("nothing is confirmed")

    at = world.person("dana")
    at.before_answer = replaced
    original = world.runner.sign_in

    async def as_another(login: str, password: Secret) -> Any:
        world.embedded.admin.remove_person("dana")
        world.embedded.admin.add_person(NewPerson("dana", "Another Dana", Secret(password_of("dana"))))
        return await original(login, password)

    world.runner.sign_in = cast(Any, as_another)
    result = world.do("dana", "password.reset", at=at, person="bo")
    assert (result.outcome, world.watch.tried) == (Outcome.REFUSED, [])
    assert world.log.of("intent") == before


def test_a_medium_action_does_not_ask_again(world: World) -> None:
    world.sign_in("olga")
    world.clock.advance(hours=3)
    at = world.person("olga")
    assert world.do("olga", "access.grant", at=at, person="bo", group="design-share").outcome is Outcome.DONE
    assert at.questions == []


# ── D9: rights and status are those of now ────────────────────────────────────────────────────


def _as_desk(world: World) -> Any:
    return world.embedded.sign_in("dave", Secret(password_of("dave")))


@pytest.mark.req("D9")
@pytest.mark.parametrize("when", ["before the call", "while they decide"])
@pytest.mark.parametrize("what", ["disabled", "deleted", "removed from the role", "password changed"])
def test_who_lost_the_right_since_the_sign_in_does_nothing_any_more(
    world: World, what: str, when: str
) -> None:
    world.sign_in("dana")

    def lose() -> None:
        desk = _as_desk(world)
        dana = desk.person("dana")
        if what == "disabled":
            desk.set_enabled(dana, False)
        elif what == "deleted":
            world.embedded.admin.remove_person("dana")
        elif what == "password changed":
            desk.set_password(dana, Secret(NEW), must_change=False)
        else:
            _leave(world, "service-desk", "dana")

    at = world.person("dana")
    if when == "before the call":
        lose()
    else:
        at.before_answer = lose
    result = world.do("dana", "account.disable", at=at, person="bo")
    assert result.outcome in (Outcome.REFUSED, Outcome.NOT_SIGNED_IN), result
    assert world.watch.tried == []
    assert _enabled(world, "bo")


def _leave(world: World, group: str, login: str) -> None:
    """As root: the group's file row goes, whoever owns it."""
    with world.embedded._tables.writing() as database:
        database.execute(
            "DELETE FROM team_member WHERE team = (SELECT id FROM team WHERE name = ?) "
            "AND person = (SELECT id FROM person WHERE login = ?)",
            (group, login),
        )


def _enabled(world: World, login: str) -> bool:
    with world.embedded._tables.reading() as database:
        return bool(database.execute("SELECT enabled FROM person WHERE login = ?", (login,)).fetchone()[0])


@pytest.mark.req("D9")
@pytest.mark.parametrize("action", ["access.grant", "access.revoke"])
def test_who_stopped_owning_the_group_while_it_was_decided_changes_nothing(world: World, action: str) -> None:
    def lose() -> None:
        with world.embedded._tables.writing() as database:
            database.execute(
                "DELETE FROM team_owner WHERE person = (SELECT id FROM person WHERE login = 'olga')"
            )

    person = "bo" if action == "access.grant" else "mia"
    result = world.do("olga", action, at=Person(before_answer=lose), person=person, group="finance-share")
    assert (result.outcome, result.rule) == (Outcome.REFUSED, "default-deny")
    assert world.watch.tried == []


@pytest.mark.req("D9")
def test_who_became_privileged_while_it_was_decided_is_not_touched(world: World) -> None:
    def promoted() -> None:
        with world.embedded._tables.writing() as database:
            database.execute(
                "INSERT INTO team_member SELECT (SELECT id FROM team WHERE name = 'admins'), id "
                "FROM person WHERE login = 'bo'"
            )

    result = world.do("dana", "account.disable", at=Person(before_answer=promoted), person="bo")
    assert (result.outcome, result.rule) == (Outcome.REFUSED, "never-privileged-accounts")
    assert world.watch.tried == []


# ── a sign-in that must choose a new password ─────────────────────────────────────────────────


@pytest.fixture
def must_change(world: World) -> World:
    desk = _as_desk(world)
    desk.set_password(desk.person("emma"), Secret("Temporary-Pass-9"), must_change=True)
    world.sign_in("emma", "Temporary-Pass-9")
    return world


@pytest.mark.req("D9")
def test_a_must_change_sign_in_may_do_nothing_but_change_the_password(must_change: World) -> None:
    world, before = must_change, must_change.state()
    for spec in catalog().specs:
        if spec.name == "password.change":
            continue
        arguments = {
            p.name: "bo" if p.kind == "login" else "finance-share" for p in spec.parameters if p.required
        }
        result = world.do("emma", spec.name, **arguments)
        assert result.outcome is Outcome.NOT_SIGNED_IN, spec.name
        assert result.error is not None
        assert result.error.code == "must-change-password"
    assert world.state() == before
    result = world.do("emma", "password.change", secrets={"new_password": NEW})
    assert result.outcome is Outcome.DONE
    assert world.opens("emma", NEW)
    assert not world.status("emma").must_change


def test_a_plugin_cannot_open_other_actions_to_a_must_change_sign_in(tmp_path: Path) -> None:
    plugin = Plugin("mischief")

    @plugin.action(reads=True, while_must_change=True, allow="anyone")
    def peek(ctx: ReadContext, person: Login) -> Answer:
        """Look at somebody."""
        raise AssertionError("it ran")

    world = World(tmp_path, plugins=with_plugin(plugin))
    desk = _as_desk(world)
    desk.set_password(desk.person("emma"), Secret("Temporary-Pass-9"), must_change=True)
    world.sign_in("emma", "Temporary-Pass-9")
    assert world.do("emma", "mischief.peek", person="bo").outcome is Outcome.NOT_SIGNED_IN


# ── D9: while the directory is away ───────────────────────────────────────────────────────────


@pytest.mark.req("D9")
def test_while_the_directory_is_away_only_what_reads_no_system_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, remote = Plugin("local"), Plugin("remote", needs=("directory",))

    @local.action(reads=True, allow="anyone", about="desk")
    def page(ctx: ReadContext) -> Answer:
        """Read what lies on this machine."""
        return Answer("page one", {})

    @remote.action(reads=True, allow="anyone", about="desk")
    def names(ctx: ReadContext) -> Answer:
        """Read the directory."""
        raise AssertionError("it ran")

    world = World(tmp_path, plugins=with_plugin(local, remote))
    world.sign_in("bo")
    before = world.state()

    def away(*_: object) -> Any:
        raise Unreachable("The directory is away.")

    monkeypatch.setattr(Roles, "actor_subject", away)
    assert world.do("bo", "local.page").message == "page one"
    for action, arguments in (("remote.names", {}), ("people.update", {"phone": "1"})):
        assert world.do("bo", action, **arguments).outcome is Outcome.UNREACHABLE
    assert world.state() == before


# ── R8: a confirmation that lay open ──────────────────────────────────────────────────────────


@pytest.mark.req("R8")
@pytest.mark.parametrize(
    ("action", "arguments"),
    [("password.reset", {"person": "bo"}), ("access.request", {"group": "design-share"})],
)
@pytest.mark.parametrize("away", [timedelta(minutes=10, seconds=1), timedelta(days=1), timedelta(days=-1)])
def test_a_confirmation_that_lay_open_too_long_does_nothing(
    world: World, action: str, arguments: dict[str, Any], away: timedelta
) -> None:
    """Whoever sits down at it later, the sign-in that it was made with is over by then."""
    world.sign_in("dana")
    at = world.person("dana")

    def goes_away() -> None:
        world.clock.now += away

    at.before_answer = goes_away
    before = world.state()
    result = world.do("dana", action, at=at, **arguments)
    assert (len(at.confirmations), result.outcome) == (1, Outcome.REFUSED)
    assert result.error is not None
    assert result.error.code == "agreement-expired"
    assert untouched(world, before)
    assert not world.requests.all_pending()


@pytest.mark.req("R8")
def test_nor_does_an_approval_that_lay_open(world: World) -> None:
    asked = world.do("bo", "access.request", group="finance-share")
    at = world.person("olga")

    def goes_away() -> None:
        world.clock.advance(minutes=11)

    at.before_answer = goes_away
    before = world.state()
    result = world.approve("olga", str(asked.request), at=at)
    assert (result.outcome, len(at.confirmations)) == (Outcome.REFUSED, 1)
    assert untouched(world, before)
    assert [one.id for one in world.requests.all_pending()] == [asked.request]


@pytest.mark.req("R8")
def test_ten_minutes_are_enough_to_read_it(world: World) -> None:
    world.sign_in("dana")
    at = world.person("dana")

    def reads() -> None:
        world.clock.advance(minutes=10)

    at.before_answer = reads
    assert world.do("dana", "password.reset", at=at, person="bo").outcome is Outcome.DONE
