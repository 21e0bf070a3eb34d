"""What was done can be taken back: through the door, once, by who may, and only while it still stands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from helpdesk.actions.reconcile import Reconciler
from helpdesk.actions.schema import spec_of
from helpdesk.actions.undo import Undo
from helpdesk.errors import PluginFailure
from helpdesk.events import Change, Outcome, Result
from helpdesk.plugin import (
    Answer,
    Context,
    Login,
    Observation,
    Opposite,
    Plugin,
    Preview,
    ReadContext,
    Risk,
    Secret,
)
from tests.fakes.systems import Fault
from tests.fakes.terminal import Person as AtTerminal
from tests.unit.door_world import World, catalog, in_order, password_of, with_plugin

SHARE = "finance-share"
WITH_APPROVAL = """
@id("owners") permit (principal, action == Action::"access.grant", resource)
when { resource.owners.contains(principal) };
@id("owners-approve") permit (principal, action == Action::"access.revoke", resource)
when { context has approver && resource.owners.contains(context.approver) };
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def undo(
    world: World, login: str, entry: int | None, *, at: AtTerminal | None = None, dry_run: bool = False
) -> Result:
    assert entry is not None
    person = cast(Any, at or world.person(login))
    return asyncio.run(Undo(world.runner)(entry, world.signed_in(login), person, dry_run=dry_run))


def code(result: Result) -> str:
    assert result.outcome is Outcome.REFUSED, result
    assert result.error is not None
    return result.error.code


# ── the way back ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.req("R1", "L10")
def test_a_closed_ticket_is_opened_again_and_closed_again(world: World) -> None:
    opened = world.do("emma", "ticket.open", subject="The lift")
    id = next(o.observed for o in opened.receipt if o.what == "number")
    closed = world.do("emma", "ticket.close", id=id.lower())
    assert closed.undoable
    back = undo(world, "emma", closed.entry)
    assert (back.outcome, back.action) == (Outcome.DONE, "ticket.reopen")
    assert world.queue.get(id).status == "open"
    assert code(undo(world, "emma", closed.entry)) == "undone-already"
    assert undo(world, "emma", back.entry).action == "ticket.close"
    assert world.queue.get(id).status == "closed"


def test_nobody_opens_the_ticket_of_another_again_by_undoing(world: World) -> None:
    opened = world.do("emma", "ticket.open", subject="The lift")
    id = next(o.observed for o in opened.receipt if o.what == "number")
    closed = world.do("emma", "ticket.close", id=id)
    assert undo(world, "bo", closed.entry).outcome is Outcome.REFUSED
    assert world.queue.get(id).status == "closed"


@pytest.mark.req("R1", "L4", "L10")
def test_a_grant_is_taken_back_through_the_door(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    assert granted.undoable
    world.trail.clear()
    at = world.person("olga")
    result = undo(world, "olga", granted.entry, at=at)
    assert (result.outcome, result.action) == (Outcome.DONE, "access.revoke")
    assert not world.is_member("bo")
    assert [(o.what, o.observed) for o in result.receipt] == [("membership of bo", "not a member")]
    assert in_order(world.trail, "authorise", "confirm", "authorise", "log:intent", "log:outcome")
    [shown] = at.confirmations
    assert shown.summary == f"Undo entry {granted.entry} of the log: Take Bo Test out of {SHARE}."
    intent = world.log.of("intent")[-1]
    assert intent.body["undoes"] == granted.entry
    assert intent.body["provenance"] == {"person": "log", "group": "log"}


def test_the_intents_number_names_the_same_action(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    result = undo(world, "olga", world.log.of("intent")[-1].seq)
    assert result.outcome is Outcome.DONE
    assert world.log.of("intent")[-1].body["undoes"] == granted.entry


def test_a_revoke_is_taken_back(world: World) -> None:
    taken = world.do("olga", "access.revoke", person="mia", group=SHARE)
    assert not world.is_member("mia")
    assert undo(world, "olga", taken.entry).outcome is Outcome.DONE
    assert world.is_member("mia")


@pytest.mark.parametrize("login", ["emma", "olga"])
def test_an_approved_request_is_taken_back_by_who_asked_or_by_an_owner(world: World, login: str) -> None:
    approved = world.approve("oscar", world.request("emma"))
    assert approved.undoable
    assert undo(world, login, approved.entry).outcome is Outcome.DONE
    assert not world.is_member("emma")


@pytest.mark.req("D9")
def test_the_directorys_own_rights_stand_behind_an_undo_too(tmp_path: Path) -> None:
    world = World(tmp_path, policy='@id("all") permit (principal, action, resource);')
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    assert code(undo(world, "emma", granted.entry)) == "directory-rights"
    assert world.is_member("bo")


def test_an_account_is_switched_back_and_forth(world: World) -> None:
    disabled = world.do("dana", "account.disable", person="bo")
    assert disabled.outcome is Outcome.DONE
    enabled = undo(world, "dana", disabled.entry)
    assert enabled.action == "account.enable"
    assert world.status("bo").enabled
    again = undo(world, "dana", enabled.entry)
    assert again.action == "account.disable"
    assert world.status("bo").enabled is False


def test_contact_data_get_their_old_values_back_and_what_was_not_set_is_not_set(world: World) -> None:
    reader = world.embedded.look_up()
    before = reader.person("emma")
    changed = world.do("emma", "people.update", phone="+49 30 1", mail="new@corp.test")
    assert reader.person("emma").phone == "+49 30 1"
    result = undo(world, "emma", changed.entry)
    assert result.outcome is Outcome.DONE
    assert reader.person("emma") == before
    assert before.phone == ""
    assert {(o.what, o.observed) for o in result.receipt} == {
        ("phone", "not set"),
        ("mail", "emma@corp.test"),
    }


@pytest.mark.req("CLI-15")
def test_a_dry_run_shows_the_opposite_and_changes_nothing(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    result = undo(world, "olga", granted.entry, dry_run=True)
    assert result.outcome is Outcome.PREVIEWED
    assert [(c.before, c.after) for c in result.changes] == [("member", "not a member")]
    assert world.is_member("bo")


# ── what is refused ───────────────────────────────────────────────────────────────────────────


def test_nothing_is_undone_twice(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    first = undo(world, "olga", granted.entry)
    world.do("olga", "access.grant", person="bo", group=SHARE)  # the state is as the receipt says again
    again = undo(world, "olga", granted.entry)
    assert code(again) == "undone-already"
    assert f"entry {first.entry}" in again.message
    assert world.is_member("bo")


def test_a_refused_undo_may_be_tried_again(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    assert undo(world, "emma", granted.entry).outcome is Outcome.REFUSED
    assert undo(world, "olga", granted.entry, at=AtTerminal(agrees=False)).outcome is Outcome.CANCELLED
    assert world.is_member("bo")
    assert undo(world, "olga", granted.entry).outcome is Outcome.DONE


@pytest.mark.req("R2", "R3")
def test_an_interrupted_undo_is_read_back_and_never_repeated(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    world.log.down = {"outcome"}
    assert undo(world, "olga", granted.entry).outcome is Outcome.UNKNOWN
    world.log.down = set()
    writes = len(world.done)
    assert code(undo(world, "olga", granted.entry)) == "undone-already"
    olga, at = world.signed_in("olga"), cast(Any, world.person("olga"))
    [result] = asyncio.run(Reconciler(world.runner)(world.log.interrupted(), olga, at))
    assert result.outcome is Outcome.DONE
    assert world.log.of("outcome")[-1].body["undoes"] == granted.entry
    assert code(undo(world, "olga", granted.entry)) == "undone-already"
    assert len(world.done) == writes


@pytest.mark.req("L4")
def test_what_moves_while_the_person_decides_stops_the_undo(world: World) -> None:
    changed = world.do("emma", "people.update", phone="+49 30 1")
    session = world.embedded.sign_in("emma", Secret(password_of("emma")))

    def meanwhile() -> None:
        session.update_contact(session.person("emma"), {"phone": "+49 30 2"})

    result = undo(world, "emma", changed.entry, at=AtTerminal(before_answer=meanwhile))
    assert result.outcome is Outcome.FAILED
    assert world.embedded.look_up().person("emma").phone == "+49 30 2"


@pytest.mark.req("V1")
def test_an_opposite_that_needs_an_approval_waits_for_it_and_is_not_asked_for_twice(tmp_path: Path) -> None:
    world = World(tmp_path, policy=WITH_APPROVAL)
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    waiting = undo(world, "emma", granted.entry)
    assert waiting.outcome is Outcome.PENDING
    assert world.log.of("request")[-1].body["undoes"] == granted.entry
    assert code(undo(world, "emma", granted.entry)) == "undone-already"
    assert waiting.request is not None
    assert world.approve("oscar", waiting.request).outcome is Outcome.DONE
    assert not world.is_member("bo")
    assert code(undo(world, "emma", granted.entry)) == "undone-already"


@pytest.mark.req("D9")
def test_who_has_no_right_to_the_opposite_undoes_nothing(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    result = undo(world, "emma", granted.entry)
    assert result.outcome is Outcome.REFUSED
    assert result.rule == "default-deny"
    assert world.is_member("bo")


@pytest.mark.req("L4")
def test_what_somebody_changed_since_is_not_undone(world: World) -> None:
    changed = world.do("emma", "people.update", phone="+49 30 1")
    world.do("emma", "people.update", phone="+49 30 2")
    result = undo(world, "emma", changed.entry)
    assert code(result) == "moved"
    assert "'+49 30 2' by now" in result.message
    assert world.embedded.look_up().person("emma").phone == "+49 30 2"


@pytest.mark.req("L6")
def test_nobody_undoes_another_persons_own_data_onto_themselves(world: World) -> None:
    before = world.embedded.look_up().person("bo")
    changed = world.do("emma", "people.update", phone="+49 30 1")
    assert code(undo(world, "bo", changed.entry)) == "not-yours"
    assert world.embedded.look_up().person("bo") == before


def test_only_a_done_write_can_be_undone(world: World) -> None:
    read = world.do("emma", "people.whoami")
    refused = world.do("emma", "access.grant", person="bo", group=SHARE)
    nothing = world.do("olga", "access.grant", person="mia", group=SHARE)
    for result in (read, refused, nothing):
        ended = undo(world, "olga", result.entry)
        assert code(ended) == "nothing-to-undo"
        assert f"Entry {result.entry} " in ended.message
        assert world.log.kept[-1].kind == "refusal"
    assert undo(world, "olga", 4711).outcome is Outcome.USAGE


def test_what_was_not_done_is_not_undone(world: World) -> None:
    world.watch.fault = Fault.LIE
    failed = world.do("olga", "access.grant", person="bo", group=SHARE)
    assert failed.outcome is Outcome.FAILED
    assert not failed.undoable
    world.watch.fault = None
    assert "(failed)" in undo(world, "olga", failed.entry).message


@pytest.mark.parametrize(
    ("login", "action", "given", "why"),
    [
        ("dana", "password.reset", {"person": "bo"}, "nobody knows the password"),
        ("emma", "password.change", {}, "the old one cannot be put back"),
        ("dana", "password.unlock", {"person": "bo"}, "only the directory locks"),
        ("emma", "ticket.open", {"subject": "The lift"}, "a ticket stays"),
    ],
)
def test_what_has_no_way_back_says_why(
    world: World, login: str, action: str, given: dict[str, str], why: str
) -> None:
    world.lock("bo")
    secrets = {"new_password": "a-New-Passphrase-9"} if action == "password.change" else {}
    done = world.do(login, action, secrets=secrets, **given)
    assert (done.outcome, done.undoable) == (Outcome.DONE, False)
    result = undo(world, login, done.entry)
    assert code(result) == "no-undo"
    assert why in result.message


def test_what_was_erased_is_not_undone(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    intent = world.log.of("intent")[-1]
    cast(dict[str, Any], intent.personal)["before"] = None
    result = undo(world, "olga", granted.entry)
    assert result.outcome is not Outcome.DONE
    assert "erased" in result.message
    assert world.is_member("bo")


@pytest.mark.req("D7")
def test_another_person_of_the_same_login_is_not_who_is_meant(world: World) -> None:
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    intent = world.log.of("intent")[-1]
    emma = world.embedded.look_up().person("emma")
    cast(dict[str, Any], intent.body)["people"] = {"bo": emma.id}
    result = undo(world, "olga", granted.entry)
    assert result.outcome is not Outcome.DONE
    assert world.is_member("bo")


# ── what an author may say ────────────────────────────────────────────────────────────────────


def board(opposite: Any) -> Plugin:
    """A plugin that writes telephone numbers, and names ``opposite`` as the way back."""
    plugin = Plugin("board", needs=("directory",))

    @plugin.action(risk=Risk.LOW, about="self", allow="anyone")
    async def pin(ctx: Context, number: str) -> str:
        """Pin a number."""
        await ctx.directory.update_contact(ctx.actor.person, {"phone": number})
        return "Pinned."

    @pin.preview
    async def _(ctx: ReadContext, number: str) -> Preview:
        me = await ctx.directory.person(ctx.actor.login)
        if me.phone == number:
            return Preview("It is there.")
        return Preview("Pin it.", (Change("directory", me.login, "phone", me.phone, number),))

    @pin.verify
    async def _(ctx: ReadContext, number: str) -> list[Observation]:
        me = await ctx.directory.person(ctx.actor.login)
        return [Observation("directory", me.login, "phone", number, me.phone)]

    @pin.undo
    async def _(ctx: ReadContext, number: str) -> Any:
        assert [o.observed for o in ctx.receipt] == [number]
        return opposite

    return plugin


def boarded(folder: Path, opposite: Any) -> tuple[World, Result]:
    world = World(folder, plugins=with_plugin(board(opposite)))
    result = undo(world, "emma", world.do("emma", "board.pin", number="1").entry)
    return world, result


def test_several_opposites_are_done_in_their_order(tmp_path: Path) -> None:
    steps = [Opposite("board.pin", {"number": "2"}), Opposite("board.pin", {"number": "3"})]
    world, result = boarded(tmp_path, steps)
    assert result.outcome is Outcome.DONE
    assert [o.observed for o in result.receipt] == ["2", "3"]
    assert world.embedded.look_up().person("emma").phone == "3"


def test_half_of_several_is_partial(tmp_path: Path) -> None:
    steps = [Opposite("board.pin", {"number": "2"}), Opposite("board.pin", {})]
    world, result = boarded(tmp_path, steps)
    assert result.outcome is Outcome.PARTIAL
    assert result.message.startswith("Only part of it is undone.")
    assert world.embedded.look_up().person("emma").phone == "2"


@pytest.mark.parametrize(
    "opposite",
    [
        None,
        [],
        "board.pin",
        Opposite("people.update", {"mail": "thief@evil.test"}),
        Opposite("people.whoami"),
        Opposite("board.nothing"),
    ],
)
def test_an_author_can_name_no_other_plugins_actions_as_the_way_back(tmp_path: Path, opposite: Any) -> None:
    world, result = boarded(tmp_path, opposite)
    assert result.outcome in (Outcome.FAILED, Outcome.USAGE)
    assert world.embedded.look_up().person("emma").phone == "1"
    assert world.embedded.look_up().person("emma").mail == "emma@corp.test"


@pytest.mark.req("D7")
def test_an_author_can_name_nobody_that_the_action_was_not_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path)
    granted = world.do("olga", "access.grant", person="bo", group=SHARE)
    _, action = world.catalog.action("access.grant")

    async def other(ctx: ReadContext, person: str, group: str) -> Opposite:
        return Opposite("access.revoke", {"person": "mia", "group": group})

    monkeypatch.setattr(action, "undo_function", other)
    result = undo(world, "olga", granted.entry)
    assert result.outcome is Outcome.FAILED
    assert "'mia', which it was not about" in result.message
    assert world.is_member("mia")


def test_an_undo_that_cannot_be_is_found_at_loading() -> None:
    plugin = Plugin("bad")

    @plugin.action(reads=True)
    async def look(ctx: ReadContext) -> Answer:
        """Look."""
        return Answer("")

    @plugin.action()
    async def keep(ctx: Context, word: Secret) -> str:
        """Keep."""
        return ""

    @plugin.action()
    async def other(ctx: Context, person: Login) -> str:
        """Other arguments."""
        return ""

    async def takes_none(ctx: ReadContext) -> Any: ...
    async def takes_word(ctx: ReadContext, word: Secret) -> Any: ...

    for action in (keep, other):
        companion = takes_word if action is keep else action.function
        action.preview_function = action.verify_function = companion
    look.undo_function = takes_none
    keep.undo_function = takes_word
    other.undo_function = takes_none
    for action, why in ((look, "changes nothing"), (keep, "sets a secret"), (other, "its undo takes other")):
        with pytest.raises(PluginFailure, match=why):
            spec_of(plugin, action)


def test_the_catalog_knows_what_can_be_undone() -> None:
    writes = [spec for spec in catalog().specs if not spec.reads]
    assert {spec.name for spec in writes if spec.undoable} == {
        "access.grant",
        "access.hand-over",
        "access.request",
        "access.revoke",
        "account.disable",
        "account.enable",
        "people.alias",
        "people.archive",
        "people.manager",
        "people.restore",
        "people.unalias",
        "people.update",
        "ticket.close",
        "ticket.reopen",
    }
    assert all(spec.undoable or spec.no_undo for spec in writes), "whoever asks is told why"
