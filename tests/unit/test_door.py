"""The one door: its order, what it shows, when it stops, and what it never tells."""

from __future__ import annotations

import asyncio
import random
import string
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call
from helpdesk.actions.carry_out import Timing
from helpdesk.errors import Failed, HelpdeskError
from helpdesk.events import Change, Observation, Outcome, Result
from helpdesk.plugin import (
    NOT_YET,
    Answer,
    Context,
    Login,
    Plugin,
    Preview,
    ReadContext,
    Risk,
    Secret,
)
from tests.fakes.terminal import Person
from tests.unit.door_world import LOGINS, NOW, World, as_of, catalog, in_order, password_of, with_plugin

NEW = "Another-Passphrase-2"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def untouched(world: World, before: dict[str, Any]) -> bool:
    return world.state() == before and world.watch.tried == [] and world.log.of("intent") == []


# ── the order ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R1")
def test_the_phases_come_in_their_order(world: World) -> None:
    world.sign_in("dana")
    world.trail.clear()
    result = world.do("dana", "password.reset", person="bo")
    assert result.outcome is Outcome.DONE
    assert world.trail == [
        "validate", "authorise", "preview", "can-reveal", "confirm", "authorise", "preview",
        "log:intent", "execute", "write:set_password", "verify", "log:outcome", "reveal", "finished",
    ]  # fmt: skip


@pytest.mark.req("R1")
def test_the_order_holds_for_every_kind_of_write(world: World) -> None:
    world.lock("bo")
    for login, action, arguments in (
        ("dana", "password.unlock", {"person": "bo"}),
        ("dana", "account.disable", {"person": "bo"}),
        ("olga", "access.grant", {"person": "emma", "group": "design-share"}),
        ("emma", "people.update", {"phone": "1"}),
        ("emma", "ticket.open", {"subject": "The lift"}),
    ):
        world.sign_in(login)
        world.trail.clear()
        assert world.do(login, action, **arguments).outcome is Outcome.DONE
        wrote = next(line for line in world.trail if line.startswith("write:"))
        assert in_order(
            world.trail, "validate", "authorise", "preview", "confirm", "authorise", "preview", "log:intent",
            "execute", wrote, "verify", "log:outcome", "finished",
        )  # fmt: skip
        assert world.trail.count(wrote) == 1


def test_a_read_asks_nobody_and_writes_nothing_but_the_log(world: World) -> None:
    before = world.state()
    result = world.do("emma", "password.status", at=world.person())
    assert (result.outcome, "confirm" in world.trail) == (Outcome.DONE, False)
    assert result.receipt
    assert world.log.of("read")[-1].seq == result.entry
    assert untouched(world, before)


def test_a_dry_run_stops_after_the_preview(world: World) -> None:
    before = world.state()
    result = world.do("dana", "password.reset", person="bo", dry_run=True, at=world.person())
    assert result.outcome is Outcome.PREVIEWED
    assert [change.what for change in result.changes] == ["password", "must choose a new one at next sign-in"]
    assert "confirm" not in world.trail
    assert untouched(world, before)


def test_every_call_is_logged_whatever_its_end(world: World) -> None:
    ends = [
        world.do("emma", "people.whoami"),
        world.do("emma", "password.unlock", person="bo"),
        world.do("emma", "people.update", at=Person(agrees=False), phone="1"),
        world.do("emma", "people.update"),
        world.do("emma", "no.such"),
        world.do("emma", "people.update", phone="1", dry_run=True),
        world.do("emma", "people.update", phone="1"),
        world.do("emma", "access.request", group="finance-share"),
    ]
    assert [end.outcome.value for end in ends] == [
        "done", "refused", "cancelled", "usage", "usage", "previewed", "done", "pending",
    ]  # fmt: skip
    kinds = {entry.seq: entry.kind for entry in world.log.kept}
    assert [kinds[cast(int, end.entry)] for end in ends] == [
        "read", "refusal", "cancelled", "refusal", "refusal", "preview", "outcome", "request",
    ]  # fmt: skip
    assert world.log.of("refusal")[0].body["rule"] == "default-deny"


# ── L1: the gate is outside whoever calls ─────────────────────────────────────────────────────


@pytest.mark.req("L1")
def test_a_hostile_caller_with_an_employees_sign_in_has_no_effect_on_others(world: World) -> None:
    """Every action on everybody and every group, as emma: nothing of anybody else's changes."""
    before = world.state()
    ran = 0
    for spec in catalog().specs:
        for person in LOGINS:
            for group in ("finance-share", "design-share", "admins", "service-desk"):
                arguments = {"person": person, "group": group, "id": "T-1001", "mail": "x@evil.test"}
                given = {n: v for n, v in arguments.items() if spec.parameter(n) is not None}
                given |= {p.name: "x" for p in spec.parameters if p.required and p.kind == "text"} | given
                secrets = {p.name: NEW for p in spec.parameters if p.kind == "secret"}
                if spec.name in ("password.change",):
                    continue
                ran += 1
                result = world.do("emma", spec.name, secrets=secrets, **given)
                assert result.outcome in Outcome
                if "group" not in given:
                    break
    after = world.state()
    assert ran > 100
    assert all(write.by == "emma" or write.what == "open" for write in world.watch.tried)
    assert {write.what for write in world.watch.tried} <= {"update_contact", "open", "comment"}
    assert after["groups"] == before["groups"]
    assert after["status"] == before["status"]
    others = slice(1, None)  # emma is the first
    assert after["people"][others] == before["people"][others]
    assert after["tickets"][others] == before["tickets"][others]


@pytest.mark.req("L1")
def test_the_directorys_own_rights_are_the_second_wall(tmp_path: Path) -> None:
    """A policy that permits everything: what the directory does not let emma do is refused, and nothing changes."""
    world = World(tmp_path, policy='@id("all") permit (principal, action, resource);')
    world.lock("bo")
    before = world.state()
    for action in ("password.unlock", "password.reset", "account.disable"):
        result = world.do("emma", action, person="bo")
        assert result.outcome in (Outcome.REFUSED, Outcome.UNKNOWN), result
    refused = world.do("emma", "access.grant", person="bo", group="finance-share")
    assert refused.outcome is Outcome.REFUSED
    assert refused.error is not None
    assert refused.error.code == "directory-rights"
    assert world.state() == before


# ── L3: the confirmation shows what is true ───────────────────────────────────────────────────


@pytest.mark.req("L3")
def test_the_confirmation_shows_the_real_values_now_and_then(world: World) -> None:
    at = world.person("olga")
    world.do("olga", "access.revoke", at=at, person=" MIA ", group="Finance-Share")
    (shown,) = at.confirmations
    assert shown.changes == (
        Change("directory", "finance-share", "membership of mia", "member", "not a member"),
    )
    assert (shown.actor, shown.target, shown.action) == ("olga", "finance-share", "access.revoke")
    assert shown.summary == "Take Mia Test out of finance-share."


@pytest.mark.req("L3")
def test_a_severe_action_says_so_and_names_the_directorys_own_name_of_the_target(world: World) -> None:
    at = world.person("dana")
    world.do("dana", "account.disable", at=at, person="ＢＯ")
    assert (at.confirmations[0].irreversible, at.confirmations[0].target) == (True, "bo")


@pytest.mark.req("L3")
def test_what_was_confirmed_is_in_the_log_with_who_confirmed_it(world: World) -> None:
    at = world.person("olga")
    world.do("olga", "access.revoke", at=at, person="mia", group="finance-share")
    intent = world.log.of("intent")[-1]
    assert intent.body["digest"] == at.confirmations[0].digest
    assert intent.body["confirmed_by"] == "person"
    mia = world.embedded.look_up().person("mia")
    assert (intent.body["person_id"], intent.body["people"]) == (mia.id, {"mia": mia.id})


# ── L4, L5: what runs is what was confirmed ───────────────────────────────────────────────────


@pytest.mark.req("L4")
def test_a_state_that_moves_while_the_person_decides_stops_the_call(world: World) -> None:
    def meanwhile() -> None:
        olga = world.embedded.sign_in("oscar", Secret(password_of("oscar")))
        olga.remove_member(olga.group("finance-share"), olga.person("mia"))

    at = Person(before_answer=meanwhile)
    result = world.do("olga", "access.revoke", at=at, person="mia", group="finance-share")
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "stale"
    assert world.watch.tried == []
    assert world.log.of("intent") == []


@pytest.mark.req("L4")
@pytest.mark.req("D7")
def test_a_target_that_is_replaced_by_another_of_the_same_name_is_not_touched(world: World) -> None:
    from helpdesk.connectors.embedded import NewPerson

    def meanwhile() -> None:
        world.embedded.admin.remove_person("bo")
        world.embedded.admin.add_person(NewPerson("bo", "Another Bo", Secret(password_of("bo"))))

    result = world.do("dana", "account.disable", at=Person(before_answer=meanwhile), person="bo")
    assert result.outcome is not Outcome.DONE
    assert world.watch.tried == []
    assert world.status("bo").enabled


@pytest.mark.req("L4")
@pytest.mark.req("D7")
def test_a_group_that_is_replaced_by_another_of_the_same_name_is_not_touched(world: World) -> None:
    from helpdesk.connectors.embedded import NewGroup

    def meanwhile() -> None:
        world.embedded.admin.remove_group("design-share")
        world.embedded.admin.add_group(NewGroup("design-share", owners=("olga",)))

    at = Person(before_answer=meanwhile)
    result = world.do("olga", "access.grant", at=at, person="bo", group="design-share")
    assert (result.outcome, world.watch.tried) == (Outcome.FAILED, [])
    assert not world.is_member("bo", "design-share")


@pytest.mark.req("L5")
@pytest.mark.parametrize("digest", ["0" * 64, "yes", " "])
def test_an_agreement_to_something_else_cancels(world: World, digest: str) -> None:
    before = world.state()
    at = Person(digest=digest)
    result = world.do("olga", "access.revoke", at=at, person="mia", group="finance-share")
    assert result.outcome is Outcome.CANCELLED
    assert untouched(world, before)


@pytest.mark.req("L5")
def test_the_digest_binds_action_arguments_people_and_state(world: World) -> None:
    digests = []
    for login, action, arguments in (
        ("olga", "access.revoke", {"person": "mia", "group": "finance-share"}),
        ("oscar", "access.revoke", {"person": "mia", "group": "finance-share"}),
        ("olga", "access.grant", {"person": "bo", "group": "finance-share"}),
        ("olga", "access.grant", {"person": "bo", "group": "design-share"}),
        ("olga", "access.grant", {"person": "emma", "group": "design-share"}),
    ):
        at = Person(agrees=False)
        world.do(login, action, at=at, **arguments)
        digests.append(at.confirmations[0].digest)
    again = Person(agrees=False)
    world.do("olga", "access.revoke", at=again, person="mia", group="finance-share")
    assert len(set(digests)) == 5
    assert again.confirmations[0].digest == digests[0]


@pytest.mark.req("L5")
def test_no_is_no(world: World) -> None:
    before = world.state()
    result = world.do("dana", "account.disable", at=Person(agrees=False), person="bo")
    assert result.outcome is Outcome.CANCELLED
    assert untouched(world, before)


# ── L6: nothing unknown gets in ───────────────────────────────────────────────────────────────


@pytest.mark.req("L6")
@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("password.erase", {"person": "bo"}),
        ("password", {"person": "bo"}),
        ("password.unlock ", {"person": "bo"}),
        ("PASSWORD.UNLOCK", {"person": "bo"}),
        ("password.unlock", {}),
        ("password.unlock", {"person": "bo", "yes": True}),
        ("password.unlock", {"person": "bo", "actor": "root"}),
        ("password.unlock", {"person": "bo", "requester": "dana"}),
        ("password.unlock", {"person": ["bo"]}),
        ("password.unlock", {"person": {"id": "x"}}),
        ("password.unlock", {"person": 7}),
        ("password.unlock", {"person": "b*"}),
        ("password.unlock", {"person": "nobody"}),
        ("password.unlock", {"person": "uid=bo,ou=people"}),
        ("password.unlock", {"person": "bo\x00"}),
        ("access.grant", {"person": "emma", "group": "no-such-group"}),
        ("access.grant", {"person": "emma", "group": "*"}),
        ("ticket.close", {"id": "T-9999"}),
        ("ticket.close", {"id": "../../x"}),
    ],
)
def test_what_is_unknown_ends_before_anything_is_asked(
    world: World, action: str, arguments: dict[str, Any]
) -> None:
    before = world.state()
    login = "olga" if action.startswith("access") else "dana"
    result = world.do(login, action, **arguments)
    assert result.outcome is Outcome.USAGE, result
    assert "confirm" not in world.trail
    assert untouched(world, before)


@pytest.mark.req("L6")
def test_5000_fuzzed_calls_run_nothing(tmp_path: Path) -> None:
    """Names, arguments and values off by a little or a lot, from the service desk: nothing is confirmed or written."""
    world = World(tmp_path)
    rng = random.Random(20260302)
    signed_in = world.sign_in("dana")
    before = world.state()
    names = [spec.name for spec in catalog().specs]

    async def all_of_them() -> list[Result]:
        at = cast(Any, world.person("dana"))
        results = []
        for _ in range(5000):
            call = _fuzzed(rng, names)
            results.append(await world.runner.run(call, signed_in, at))
            at.events.clear()
        assert at.confirmations == []
        return results

    results = asyncio.run(all_of_them())
    assert {result.outcome for result in results} <= {Outcome.USAGE, Outcome.REFUSED}
    assert untouched(world, before)


def _fuzzed(rng: random.Random, names: list[str]) -> Call:
    """A call that is wrong in at least one way."""
    noise = "".join(rng.choice(string.printable + "é\u202e\x00") for _ in range(rng.randint(1, 12)))
    values: list[Any] = [
        None,
        True,
        -1,
        2**70,
        1.5,
        [],
        ["bo"],
        {"a": 1},
        "",
        " ",
        noise,
        "bo' or '1",
        "*",
        "\x00",
    ]
    action = rng.choice(names)
    kind = rng.randrange(3)
    if kind == 0:
        action = rng.choice([noise, action + noise, action.upper(), action.replace(".", "_"), "", action[1:]])
        return Call(action if action not in names else action + "?", {"person": "bo"})
    if kind == 1:
        unknown = rng.choice(["actor", "yes", "confirm", "as", "roles", "id_", "digest", noise])
        return Call(action, {"person": "bo", "group": "finance-share", f"{unknown}_": rng.choice(values)})
    spec = catalog().spec(action)
    wanted = [p for p in spec.parameters if p.kind in ("login", "group")]
    if not wanted:
        return Call(action, {f"no_{noise}": "x"})
    broken: Any = rng.choice([v for v in values if v not in (None, "", " ")])
    if broken is True:
        broken = [True]
    return Call(action, {p.name: broken for p in wanted})


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


# ── S1, S2, S4: secrets ───────────────────────────────────────────────────────────────────────


@pytest.mark.req("S4")
def test_a_temporary_password_is_shown_once_after_the_outcome_and_nowhere_else(world: World) -> None:
    at = world.person("dana")
    result = world.do("dana", "password.reset", at=at, person="bo")
    ((secret, label),) = at.revealed
    password = secret.expose()
    assert in_order(world.trail, "log:outcome", "reveal")
    assert "Bo Test" in label
    assert world.embedded.accepts(world.embedded.look_up().person("bo"), secret) == "must-change"
    assert len(password.replace("-", "")) >= 16
    for place in (repr(result), str(result), repr(at.events), world.log.text, repr(at.confirmations)):
        assert password not in place
    world.clock.advance(hours=24, seconds=1)
    assert not world.opens("bo", password)


@pytest.mark.req("S4")
def test_where_a_secret_has_nowhere_to_go_nothing_changes(world: World) -> None:
    before = world.state()
    at = Person(can_reveal=False, password=password_of("dana"))
    result = world.do("dana", "password.reset", at=at, person="bo")
    assert result.outcome is Outcome.USAGE
    assert untouched(world, before)


@pytest.mark.req("S4")
def test_a_secret_that_could_not_be_shown_is_partial_and_never_failed(world: World) -> None:
    """The reset took effect and was logged; only showing it did not work. "Failed" would mean nothing changed."""
    at = Person(reveal_error=Failed("The file is there already."), password=password_of("dana"))
    result = world.do("dana", "password.reset", at=at, person="bo")
    assert result.outcome is Outcome.PARTIAL
    assert result.error is not None
    assert result.error.code == "not-revealed"
    assert "lost" in result.message
    assert world.log.of("outcome")[-1].body["outcome"] == "done"
    assert not world.opens("bo", password_of("bo"))


@pytest.mark.req("S4")
def test_a_secret_whose_effect_is_in_doubt_is_shown_with_the_doubt(world: World) -> None:
    world.log.down = {"outcome"}
    at = world.person("dana")
    world.do("dana", "password.reset", at=at, person="bo")
    ((_, label),) = at.revealed
    assert "not proven" in label


@pytest.mark.req("S1")
def test_a_secret_argument_is_nowhere_but_in_the_directory(world: World) -> None:
    at = world.person("emma")
    result = world.do("emma", "password.change", at=at, secrets={"new_password": NEW})
    assert result.outcome is Outcome.DONE
    assert world.opens("emma", NEW)
    for place in (repr(result), repr(at.events), repr(at.confirmations), world.log.text):
        assert NEW not in place


@pytest.mark.req("S1")
def test_a_password_in_the_wrong_place_is_not_logged(world: World) -> None:
    """Given as a plain argument, under its own name or another: refused, and told to nobody."""
    for action, name in (
        ("password.change", "new_password"),
        ("password.unlock", "password"),
        ("no.such", "x"),
    ):
        result = world.do("emma", action, **{name: "Hunter2-Hunter2"})
        assert result.outcome is Outcome.USAGE
        assert "Hunter2" not in repr(result)
    assert "Hunter2" not in world.log.text


@pytest.mark.req("S1")
@pytest.mark.req("S2")
def test_a_plugin_that_tells_its_secret_everywhere_tells_it_nowhere(tmp_path: Path) -> None:
    plugin = Plugin("leaky")
    told: list[str] = []

    @plugin.action(risk=Risk.LOW, allow="anyone", about="desk")
    async def spill(ctx: Context, pin: Secret) -> str:
        """Spill it."""
        told.append(ctx.new_password().expose())
        await ctx.tickets.open(f"s {told[-1]}", "b", "r", ctx.key)
        return f"the pin is {pin.expose()} and {told[-1]}"

    @spill.preview
    def _(ctx: ReadContext, pin: Secret) -> Preview:
        change = Change("tickets", "x", "pin", f"not {pin.expose()}", pin.expose())
        return Preview(f"Set {pin.expose()}", (change,), (pin.expose(),), {"pin": pin.expose()})

    @spill.verify
    def _(ctx: ReadContext, pin: Secret) -> list[Observation]:
        return [Observation("tickets", "x", "pin", "••••••", pin.expose())]

    world = World(tmp_path, plugins=with_plugin(plugin))
    at = world.person("emma")
    result = world.do("emma", "leaky.spill", at=at, secrets={"pin": "Canary-4711-Canary"})
    for place in (repr(result), repr(at.events), repr(at.confirmations), world.log.text):
        assert "Canary-4711" not in place
        assert told[0] not in place
    assert result.outcome is not Outcome.DONE


@pytest.mark.req("S2")
def test_no_secret_stands_in_a_traceback_of_the_door(world: World) -> None:
    world.sign_in("dana")
    world.clock.advance(minutes=6)
    caught: list[str] = []

    async def breaks(login: str, password: Secret) -> Any:
        raise RuntimeError(f"broke with {password!r}")

    world.runner.sign_in = cast(Any, breaks)
    at = Person(password="Canary-4711-Canary")
    try:
        world.do("dana", "password.reset", at=at, person="bo")
    except RuntimeError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        caught.append("".join(shown.format()))
    assert caught
    assert "Canary-4711" not in caught[0]
    assert "fresh" in caught[0]


# ── plugins that misbehave ────────────────────────────────────────────────────────────────────


def _plugin(execute: Any, preview: Any = None, verify: Any = None) -> Plugin:
    plugin = Plugin("odd")
    change = Change("desk", "x", "state", "old", "new")

    @plugin.action(allow="anyone")
    async def act(ctx: Context) -> str:
        """Do something odd."""
        return cast(str, execute())

    act.preview(preview or (lambda ctx: Preview("Do it.", (change,))))
    act.verify(verify or (lambda ctx: [Observation("desk", "x", "state", "new", "new")]))
    return plugin


def _breaks(error: BaseException) -> Any:
    def act(*_: object) -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    ("verify", "outcome"),
    [
        (lambda ctx: [], Outcome.UNKNOWN),
        (lambda ctx: None, Outcome.UNKNOWN),
        (lambda ctx: "done", Outcome.UNKNOWN),
        (lambda ctx: [True], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", cast(Any, 1), cast(Any, 1))], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", "new", "newer")], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", "less", "less")], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "y", "other", "fine", "fine")], Outcome.UNKNOWN),
        (lambda ctx: [Observation("desk", "x", "state", "new", "old")], Outcome.FAILED),
        (_breaks(ValueError("x")), Outcome.UNKNOWN),
        (_breaks(SystemExit(0)), Outcome.UNKNOWN),
    ],
)
@pytest.mark.req("L10")
def test_only_a_receipt_of_what_was_promised_says_done(tmp_path: Path, verify: Any, outcome: Outcome) -> None:
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "It is done!", verify=verify)))
    result = world.do("emma", "odd.act")
    assert result.outcome is outcome
    assert "It is done!" not in result.message
    assert world.log.of("outcome")[-1].body["outcome"] == outcome


@pytest.mark.parametrize(
    "error", [ValueError("secret detail"), SystemExit(0), KeyError("x"), RecursionError()]
)
def test_a_plugin_that_breaks_is_judged_by_what_is_there_and_never_ends_the_program(
    tmp_path: Path, error: BaseException
) -> None:
    world = World(tmp_path, plugins=with_plugin(_plugin(_breaks(error))))
    assert world.do("emma", "odd.act").outcome is Outcome.DONE
    old = lambda ctx: [Observation("desk", "x", "state", "new", "old")]  # noqa: E731
    world = World(_other(tmp_path), plugins=with_plugin(_plugin(_breaks(error), verify=old)))
    result = world.do("emma", "odd.act")
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "plugin"
    assert "secret detail" not in repr(result)


def _other(folder: Path) -> Path:
    (folder / "other").mkdir()
    return folder / "other"


@pytest.mark.parametrize(
    "preview",
    [
        lambda ctx: None,
        lambda ctx: "a text",
        lambda ctx: Preview("x", (cast(Any, "change"),)),
        lambda ctx: Preview("x", (Change("s", "t", "w", "a", cast(Any, 1.5)),)),
        lambda ctx: Preview("x", (), state={"n": cast(Any, 1.5)}),
        _breaks(ValueError("x")),
        _breaks(SystemExit(3)),
    ],
)
def test_a_preview_that_is_none_stops_the_call(tmp_path: Path, preview: Any) -> None:
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "x", preview=preview)))
    result = world.do("emma", "odd.act")
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "plugin"
    assert world.log.of("intent") == []


def test_an_effect_that_cannot_be_read_back_yet_is_polled_to_a_deadline_and_then_accepted(
    tmp_path: Path,
) -> None:
    asked: list[int] = []

    def verify(ctx: ReadContext) -> Any:
        asked.append(1)
        return NOT_YET

    timing = Timing(execute=5, read_back=0.3, poll=0.01)
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "x", verify=verify)), timing=timing)
    result = world.do("emma", "odd.act")
    assert result.outcome is Outcome.ACCEPTED
    assert result.outcome.exit == 4
    assert 3 <= len(asked) <= 31
    assert world.log.of("outcome")[-1].body["outcome"] == "accepted"


def test_an_effect_that_comes_late_is_done(tmp_path: Path) -> None:
    answers: list[Any] = [NOT_YET, NOT_YET, NOT_YET]

    def verify(ctx: ReadContext) -> Any:
        return answers.pop() if answers else [Observation("desk", "x", "state", "new", "new")]

    timing = Timing(execute=5, read_back=5, poll=0.001)
    world = World(tmp_path, plugins=with_plugin(_plugin(lambda: "x", verify=verify)), timing=timing)
    assert world.do("emma", "odd.act").outcome is Outcome.DONE


def test_a_plugin_that_never_ends_has_a_deadline_and_its_effect_stays_unknown(tmp_path: Path) -> None:
    plugin = Plugin("slow")

    @plugin.action(allow="anyone")
    async def act(ctx: Context) -> str:
        """Hang."""
        await asyncio.Event().wait()
        return ""

    act.preview(lambda ctx: Preview("x", (Change("desk", "x", "state", "old", "new"),)))
    act.verify(lambda ctx: [Observation("desk", "x", "state", "new", "old")])
    timing = Timing(execute=0.05, read_back=0.05, poll=0.01)
    world = World(tmp_path, plugins=with_plugin(plugin), timing=timing)
    result = world.do("emma", "slow.act")
    assert result.outcome is Outcome.UNKNOWN
    assert "did not finish" in result.message


@pytest.mark.req("R6")
def test_an_interruption_after_the_intent_waits_for_the_outcome(tmp_path: Path) -> None:
    """Ctrl-C while it is carried out: the task is cancelled, and the outcome is in the log all the same."""
    started = asyncio.Event()

    async def main() -> None:
        go_on = asyncio.Event()
        plugin = Plugin("slow")

        @plugin.action(allow="anyone")
        async def act(ctx: Context) -> str:
            """Take a while."""
            started.set()
            await go_on.wait()
            return "x"

        act.preview(lambda ctx: Preview("x", (Change("desk", "x", "state", "old", "new"),)))
        act.verify(lambda ctx: [Observation("desk", "x", "state", "new", "new")])
        world = World(tmp_path, plugins=with_plugin(plugin))
        signed_in = world.sign_in("emma")
        at = world.person("emma")
        running = asyncio.ensure_future(world.runner.run(Call("slow.act"), signed_in, cast(Any, at)))
        await started.wait()
        running.cancel()
        await asyncio.sleep(0)
        assert world.log.of("outcome") == []
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert world.log.of("outcome")[-1].body["outcome"] == "done"
        assert "Finishing what was begun" in at.warned

    asyncio.run(main())


# ── the log ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R1")
@pytest.mark.parametrize("kind", ["read", "preview", "request", "refusal", "cancelled"])
def test_what_cannot_be_logged_says_so_and_has_no_effect(world: World, kind: str) -> None:
    world.sign_in("emma")
    world.log.down = {kind}
    before = world.state()
    result = {
        "read": lambda: world.do("emma", "people.whoami"),
        "preview": lambda: world.do("emma", "people.update", phone="1", dry_run=True),
        "request": lambda: world.do("emma", "access.request", group="finance-share"),
        "refusal": lambda: world.do("emma", "password.unlock", person="bo"),
        "cancelled": lambda: world.do("emma", "people.update", at=Person(agrees=False), phone="1"),
    }[kind]()
    assert result.outcome is not Outcome.DONE
    assert result.outcome is not Outcome.PENDING
    assert "log" in result.message
    assert result.entry is None
    assert world.state() == before
    assert world.requests.all_pending() == []


@pytest.mark.req("R1")
def test_a_sign_in_that_cannot_be_logged_is_none(world: World) -> None:
    world.log.down = {"sign-in"}
    with pytest.raises(HelpdeskError):
        world.sign_in("emma")


def test_a_sign_in_is_logged_refused_or_not(world: World) -> None:
    with pytest.raises(HelpdeskError):
        world.sign_in("emma", "Canary-4711-Canary")
    world.sign_in("emma")
    refused, done = world.log.of("sign-in")
    assert (refused.body["outcome"], refused.body["code"]) == ("refused", "wrong-credentials")
    assert (done.body["outcome"], done.body["actor_id"]) == (
        "done",
        world.embedded.look_up().person("emma").id,
    )
    assert "Canary" not in world.log.text


def test_the_sign_in_of_the_test_is_fresh(world: World) -> None:
    assert as_of(world.sign_in("emma"), NOW).actor.signed_in_at == NOW
