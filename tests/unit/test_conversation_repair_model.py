"""The same failures with a model that proposes the calls: what is mended, and what a model cannot spoil."""

from __future__ import annotations

from typing import Any

import pytest

from helpdesk.actions.call import Provenance
from helpdesk.errors import Failed
from helpdesk.events import Outcome
from tests.unit.conversation_world import Script, ScriptedModel, propose
from tests.unit.repair_world import NO, YES, RepairWorld

TYPED, CHOSEN, READ = Provenance.TYPED, Provenance.CHOSEN, Provenance.READ
GRANT = propose("access.grant", '{"person": "bo", "group": "finance-share"}')
UNLOCK_BO = propose("password.unlock", '{"person": "bo"}')
OPEN = propose("access.grant", '{"person": "bo"}')


def driven(*replies: Script) -> RepairWorld:
    """A conversation whose model gives these replies, and after each call of its own nothing more."""
    return RepairWorld(model=ScriptedModel(list(replies)), offer_all=True)


def asked(world: RepairWorld) -> int:
    assert world.model is not None
    return len(world.model.requests)


# ── a value was wrong ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("no, I meant finance-archive", {"person": "bo", "group": "finance-archive"}),
        ("not bo, ana.b", {"person": "ana.b", "group": "finance-share"}),
        ("make it finance-archive", {"person": "bo", "group": "finance-archive"}),
    ],
)
def test_a_wrong_value_is_corrected_at_the_confirmation_of_the_models_call(
    said: str, arguments: dict[str, str]
) -> None:
    world = driven([GRANT], ["ok"])
    _, person = world.hear("give bo access to finance-share", confirm=[said, YES])
    assert world.done == [("access.grant", arguments)]
    assert (set(world.door.calls[1].provenance.values()), person.confirmations) == ({TYPED}, 2)
    assert asked(world) == 1, "the host knows what is to be corrected"


def test_a_wrong_value_is_corrected_in_the_turn_after() -> None:
    world = driven([GRANT], ["Anything else?"])
    world.hear("give bo access to finance-share")
    world.hear("no, I meant finance-archive")
    assert [arguments["group"] for _, arguments in world.done] == ["finance-share", "finance-archive"]
    assert asked(world) == 2


@pytest.mark.req("L2")
def test_a_name_that_the_person_called_wrong_is_not_one_that_they_typed() -> None:
    world = driven([UNLOCK_BO])
    _, person = world.hear("unlock a colleague, but not bo", "erik")
    assert "you did not name the person yourself" in person.said
    assert world.done == [("password.unlock", {"person": "erik"})]


# ── something else comes in between ───────────────────────────────────────────────────────────


def test_a_question_in_between_is_answered_by_the_model_and_the_request_goes_on() -> None:
    search = propose("policy.search", '{"question": "how long may I keep customer data?"}')
    world = driven([OPEN], [search], ["Two years."], ["done?"])
    _, person = world.hear("give bo access to a group", "how long may I keep customer data?", "design-share")
    assert [action for action, _ in world.done] == ["policy.search", "access.grant"]
    assert "Back to access.grant (person bo)." in person.said
    assert person.asked == ["group", "group"]
    assert world.done[1][1] == {"person": "bo", "group": "design-share"}


def test_an_order_in_between_that_fails_leaves_the_models_request_as_it_was() -> None:
    world = driven([OPEN], [propose("password.unlock", '{"person": "erik"}')], ["ok"], ["ok"])
    world.door.fails["password.unlock"] = Failed("The directory said no.")
    _, person = world.hear("give bo access to a group", "unlock erik", "design-share")
    assert "The directory said no." in person.warned
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


def test_a_question_at_the_confirmation_comes_back_to_it() -> None:
    world = driven([UNLOCK_BO], [propose("access.list", '{"person": "erik"}')], ["ok"], ["ok"])
    _, person = world.hear("unlock bo", confirm=["which groups is erik in?", YES])
    assert [action for action, _ in world.done] == ["access.list", "password.unlock"]
    assert person.confirmations == 2


# ── cancel, explain, skip, repeat ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["cancel", "I changed my mind", "never mind"])
def test_a_change_of_mind_at_a_question_of_the_models_request(word: str) -> None:
    world = driven([OPEN])
    result, _ = world.hear("give bo access to a group", word)
    assert (result.outcome, world.door.calls) == (Outcome.CANCELLED, [])


def test_a_change_of_mind_at_the_confirmation_of_the_models_request() -> None:
    world = driven([UNLOCK_BO])
    result, person = world.hear("unlock bo", confirm=["actually no"])
    assert (result.outcome, world.done, person.confirmations) == (Outcome.CANCELLED, [], 1)


@pytest.mark.parametrize("words", ["what do you mean?", "why do you ask?"])
def test_a_question_that_is_not_understood_is_explained_by_the_host(words: str) -> None:
    world = driven([OPEN], ["ok"])
    _, person = world.hear("give bo access to a group", words, "design-share")
    assert "This is for access.grant: Add a person to a group." in person.said
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


def test_a_confirmation_that_is_not_understood_is_explained_by_the_host_and_comes_back() -> None:
    world = driven([UNLOCK_BO], ["ok"])
    _, person = world.hear("unlock bo", confirm=["what do you mean?", YES])
    assert "bo, password.unlock: before becomes after" in person.said
    assert (person.confirmations, len(world.done)) == (2, 1)


def test_an_optional_question_of_the_models_request_is_skipped() -> None:
    world = driven([propose("access.list", '{"person": "dana"}')], ["ok"])
    _, person = world.hear("list the groups of somebody", "skip")
    assert "Left out: whose groups" in person.said
    assert world.done == [("access.list", {})]


def test_what_was_said_last_is_repeated_without_asking_the_model() -> None:
    world = driven([propose("access.list", '{"person": "erik"}')], ["There."])
    first, _ = world.hear("which groups is erik in")
    result, _ = world.hear("say that again")
    assert first.message in result.message
    assert (asked(world), len(world.door.calls)) == (2, 1)


# ── two requests in one sentence ──────────────────────────────────────────────────────────────

BOTH = "unlock bo and give erik access to vpn-users"
GRANT_ERIK = propose("access.grant", '{"person": "erik", "group": "vpn-users"}', id="c2")


def test_two_requests_are_given_to_the_model_one_after_the_other() -> None:
    world = driven([UNLOCK_BO], ["ok"], [GRANT_ERIK], ["ok"])
    result, person = world.hear(BOTH)
    assert [action for action, _ in world.done] == ["password.unlock", "access.grant"]
    assert (person.confirmations, result.outcome) == (2, Outcome.DONE)


def test_one_request_that_fails_does_not_drop_the_other() -> None:
    world = driven([UNLOCK_BO], [GRANT_ERIK], ["ok"])
    world.door.fails["password.unlock"] = Failed("The directory said no.")
    result, _ = world.hear(BOTH)
    assert [action for action, _ in world.done] == ["access.grant"]
    assert result.outcome is Outcome.PARTIAL


TWICE = "two things: unlock bo, give erik access to vpn-users"


def test_two_calls_in_one_reply_of_which_the_first_fails() -> None:
    world = driven([UNLOCK_BO, GRANT_ERIK], ["ok"])
    world.door.fails["password.unlock"] = Failed("The directory said no.")
    result, person = world.hear(TWICE)
    assert [action for action, _ in world.done] == ["access.grant"]
    assert "The directory said no." in person.warned
    assert result.outcome is Outcome.PARTIAL


def test_two_calls_in_one_reply_of_which_the_first_is_not_wanted() -> None:
    world = driven([UNLOCK_BO, GRANT_ERIK], ["ok"])
    result, person = world.hear(TWICE, confirm=[NO, YES])
    assert [action for action, _ in world.done] == ["access.grant"]
    assert (person.confirmations, result.outcome, asked(world)) == (2, Outcome.PARTIAL, 1)


def test_two_calls_in_one_reply_of_which_none_is_wanted() -> None:
    world = driven([UNLOCK_BO, GRANT_ERIK])
    result, person = world.hear(TWICE, confirm=["cancel everything"])
    assert (world.done, person.confirmations, result.outcome) == ([], 1, Outcome.CANCELLED)


# ── somebody is pointed at ────────────────────────────────────────────────────────────────────


def after_reading(*names: str, proposes: str) -> RepairWorld:
    world = driven(
        [propose("people.find", '{"words": "carla"}')],
        ["Found."],
        [propose("password.unlock", f'{{"person": "{proposes}"}}')],
        ["ok"],
    )
    world.door.read["people.find"] = names
    world.hear("find carla")
    return world


@pytest.mark.req("L2")
def test_her_is_whom_a_verified_read_showed() -> None:
    world = after_reading("creyes", proposes="creyes")
    _, person = world.hear("unlock her")
    assert world.done[1] == ("password.unlock", {"person": "creyes"})
    assert (world.door.calls[1].provenance, person.asked) == ({"person": READ}, [])


@pytest.mark.req("L2")
def test_her_is_asked_where_the_read_showed_two() -> None:
    world = after_reading("creyes", "cmoreno", proposes="creyes")
    _, person = world.hear("unlock her", "cmoreno")
    assert {"creyes", "cmoreno"} <= {choice.value for choice in person.questions[0].choices}
    assert world.done[1] == ("password.unlock", {"person": "cmoreno"})


@pytest.mark.req("L2")
def test_somebody_else_than_her_whom_the_model_names_is_asked() -> None:
    world = after_reading("creyes", proposes="jdoe")
    _, person = world.hear("unlock her", "creyes")
    assert "you did not name the person yourself" in person.said
    assert {"jdoe", "creyes"} <= {choice.value for choice in person.questions[0].choices}
    assert world.door.calls[1].provenance == {"person": CHOSEN}


@pytest.mark.req("L2")
def test_a_name_from_long_before_is_not_her_once_somebody_else_was_spoken_of() -> None:
    replies: list[Any] = [
        [UNLOCK_BO],
        ["ok"],
        [propose("access.list", '{"person": "erik"}')],
        ["ok"],
        [UNLOCK_BO],
    ]
    world = driven(*replies, ["ok"])
    world.hear("unlock bo")
    world.hear("which groups is erik in")
    _, person = world.hear("unlock him", "erik")
    assert person.asked == ["person"]
    assert world.done[2] == ("password.unlock", {"person": "erik"})


def test_her_whom_the_person_named_needs_no_choice() -> None:
    world = driven(
        [propose("access.list", '{"person": "erik"}')],
        ["ok"],
        [propose("password.reset", '{"person": "erik"}')],
        ["ok"],
    )
    world.hear("which groups is erik in")
    _, person = world.hear("reset his password")
    assert person.asked == []
    assert world.door.calls[1].provenance == {"person": TYPED}


def test_the_same_for_somebody_else_asks_no_model() -> None:
    world = driven([GRANT], ["ok"])
    world.hear("give bo access to finance-share")
    world.hear("same for ben")
    assert world.done[1] == ("access.grant", {"person": "ben", "group": "finance-share"})
    assert asked(world) == 2


# ── slips, and answers that do not fit the question ───────────────────────────────────────────


def test_a_mistyped_name_that_the_model_mends_is_asked_and_not_acted_upon() -> None:
    world = driven([propose("password.unlock", '{"person": "erik"}')], ["ok"])
    _, person = world.hear("unlock eric", "cancel")
    assert [choice.value for choice in person.questions[0].choices] == ["erik", "none"]
    assert world.door.calls == []


def test_a_mistyped_name_that_the_model_takes_as_it_is_offers_the_closest() -> None:
    world = driven([propose("access.grant", '{"group": "vpn-users"}')], ["ok"])
    _, person = world.hear("give somebody access to vpn-users", "eric", "1")
    assert "I found nobody called eric." in person.said
    assert world.done == [("access.grant", {"group": "vpn-users", "person": "erik"})]


def test_two_questions_of_the_models_request_answered_at_once() -> None:
    world = driven([propose("access.grant")], ["ok"])
    _, person = world.hear("grant access to somebody", "bo, to design-share")
    assert person.asked == ["person"]
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


def test_another_question_of_the_models_request_answered_than_was_asked() -> None:
    world = driven([propose("access.grant")], ["ok"])
    _, person = world.hear("grant access to somebody", "design-share", "the second one", "bo")
    assert person.asked == ["person"] * 3
    assert world.done == [("access.grant", {"group": "design-share", "person": "bo"})]


def test_a_choice_in_the_models_request_by_its_place() -> None:
    world = driven([propose("password.unlock", '{"person": "carla"}')], ["ok"])
    world.hear("unlock somebody", "the second one")
    assert world.done == [("password.unlock", {"person": "cmoreno"})]


@pytest.mark.req("L2")
@pytest.mark.parametrize("words", ["Erik", "unlock"])
def test_whom_a_model_looks_up_by_itself_is_nobody_that_the_person_pointed_at(words: str) -> None:
    """A ticket told the model to look erik up first, by its own words or by some that the person used."""
    find = propose("people.find", f'{{"words": "{words}"}}')
    unlock = propose("password.unlock", '{"person": "erik"}')
    world = driven(["Bo is locked out."], [find], [unlock], ["ok"])
    world.door.read["people.find"] = ("erik",)
    world.hear("who is bo?")
    _, person = world.hear("unlock her", "bo")
    assert person.asked == ["person"], "the person chooses"
    assert "you did not name the person yourself" in person.said
    assert world.done[-1] == ("password.unlock", {"person": "bo"})
    assert READ not in {source for call in world.door.calls for source in call.provenance.values()}


@pytest.mark.req("L2")
def test_nor_in_the_turn_after() -> None:
    find = propose("people.find", '{"words": "Erik"}')
    unlock = propose("password.unlock", '{"person": "erik"}')
    world = driven([find], ["Somebody is locked out."], [unlock], ["ok"])
    world.door.read["people.find"] = ("erik",)
    world.hear("who is locked out?")
    _, person = world.hear("unlock her", "bo")
    assert person.asked == ["person"]
    assert world.done[-1] == ("password.unlock", {"person": "bo"})
