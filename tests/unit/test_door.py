"""The one door: its order, what it shows, and when it stops."""

from __future__ import annotations

import asyncio
import random
import string
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.call import Call
from helpdesk.events import Change, Outcome, Result
from helpdesk.plugin import (
    Secret,
)
from tests.fakes.terminal import Person
from tests.unit.door_world import LOGINS, World, catalog, in_order, password_of

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
    assert (intent.body["person_id"], intent.body["people"]) == (mia.id, {"person": mia.id})


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
    writes = {spec.name for spec in catalog().specs if not spec.reads}
    assert {one.outcome for one in results if one.action in writes} <= {Outcome.USAGE, Outcome.REFUSED}
    assert {one.outcome for one in results} <= {Outcome.USAGE, Outcome.REFUSED, Outcome.DONE}
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
