"""Conversations that go wrong, and how the guided conversation mends them: each test is named after the failure."""

from __future__ import annotations

import pytest

from helpdesk.actions.call import Provenance
from helpdesk.errors import Failed, UsageError
from helpdesk.events import Citation, Outcome
from helpdesk.text import Untrusted
from tests.unit.repair_world import NO, YES, RepairWorld

TYPED, CHOSEN, READ = Provenance.TYPED, Provenance.CHOSEN, Provenance.READ
CANCELLED, DONE, PARTIAL, USAGE = Outcome.CANCELLED, Outcome.DONE, Outcome.PARTIAL, Outcome.USAGE

# ── a value was wrong ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "said", "arguments"),
    [
        (
            "get me into finance-share for the audit",
            "no, I meant finance-archive",
            {"group": "finance-archive"},
        ),
        (
            "get me into finance-share for the audit",
            "not finance-share, finance-archive",
            {"group": "finance-archive"},
        ),
        ("get me into finance-share for the audit", "finance-archive instead", {"group": "finance-archive"}),
        (
            "get me into finance-share for the audit",
            "change the group to finance-archive",
            {"group": "finance-archive"},
        ),
        ("get me into finance-share for the audit", "make it 30 days", {"until": "2026-12-24"}),
        ("get me into finance-share for the audit", "make it until friday", {"until": "2026-11-27"}),
        ("get me into finance-share for the audit", "the reason is the brochure", {"reason": "the brochure"}),
        ("unlock bo", "not bo, erik", {"person": "erik"}),
        ("unlock bo", "erik, not bo", {"person": "erik"}),
        ("unlock bo", "sorry, I meant Ben Okafor", {"person": "ben"}),
        ("unlock ana", "not ana, ana.b", {"person": "ana.b"}),
        ("unlock ana.b", "no, not ana.b but ana", {"person": "ana"}),
    ],
)
def test_a_wrong_value_is_corrected_at_the_confirmation(
    first: str, said: str, arguments: dict[str, str]
) -> None:
    world = RepairWorld()
    result, person = world.hear(first, confirm=[said, YES])
    before, after = world.door.calls
    assert dict(after.arguments) == {**before.arguments, **arguments}
    assert {after.provenance[name] for name in arguments} == {TYPED}
    assert world.done == [(before.action, dict(after.arguments))], "only the corrected one was carried out"
    assert (person.confirmations, result.outcome) == (2, DONE)


def test_a_wrong_value_is_corrected_in_the_next_turn_and_what_was_done_is_said_to_stand() -> None:
    world = RepairWorld()
    world.hear("give bo access to finance-share")
    result, person = world.hear("no, I meant finance-archive")
    assert [arguments["group"] for _, arguments in world.done] == ["finance-share", "finance-archive"]
    assert "What was done before stands." in person.said
    assert (person.confirmations, result.outcome) == (1, DONE)


def test_a_wrong_value_is_corrected_while_another_one_is_asked() -> None:
    world = RepairWorld()
    _, person = world.hear("add a person to finance-share", "no, I meant finance-archive", "bo")
    assert "group is now finance-archive" in person.said
    assert world.done == [("access.grant", {"group": "finance-archive", "person": "bo"})]
    assert person.asked == ["person", "person"]


def test_a_correction_to_a_name_that_is_almost_one_is_offered_and_not_acted_upon() -> None:
    world = RepairWorld()
    _, person = world.hear(
        "give bo access to finance-share", "1", confirm=["no, I meant finance-archve", YES]
    )
    assert "finance-archive" in [choice.value for choice in person.questions[0].choices]
    assert world.door.calls[1].provenance["group"] is CHOSEN


def test_not_somebody_alone_asks_who_then() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock bo", "erik", confirm=["no, not bo", YES])
    assert person.asked == ["person"]
    assert world.done == [("password.unlock", {"person": "erik"})]


def test_a_correction_that_is_an_order_of_its_own_is_that_order() -> None:
    world = RepairWorld()
    world.hear("unlock bo", confirm=["no, I want to disable erik", YES])
    assert world.done == [("account.disable", {"person": "erik"})]


def test_a_denied_name_in_a_reason_corrects_nothing() -> None:
    world = RepairWorld()
    world.hear("comment on ticket T-12", "it is the laptop, not the phone")
    assert world.done == [("ticket.comment", {"id": "T-12", "text": "it is the laptop, not the phone"})]


# ── something else comes in between ───────────────────────────────────────────────────────────

CITATION = Citation("policies", "data.md", "Retention", 3, Untrusted("Two years."))


def test_a_question_in_between_is_answered_and_the_half_filled_request_goes_on() -> None:
    world = RepairWorld()
    result, person = world.hear(
        "give bo access to a group", "how long may I keep customer data?", "design-share"
    )
    assert [call.action for call in world.door.calls] == ["policy.search", "access.grant"]
    assert [answered.action for answered in person.answered] == ["policy.search"]
    assert "Back to access.grant (person bo)." in person.said
    assert person.asked == ["group", "group"], "the pending question is asked again"
    assert world.done[-1] == ("access.grant", {"person": "bo", "group": "design-share"})
    assert result.action == "access.grant"


def test_an_order_in_between_has_its_own_confirmation_and_the_request_goes_on() -> None:
    world = RepairWorld()
    _, person = world.hear("give bo access to a group", "wait, unlock erik first", "design-share")
    assert [action for action, _ in world.done] == ["password.unlock", "access.grant"]
    assert person.confirmations == 2
    assert world.done[1][1] == {"person": "bo", "group": "design-share"}


def test_an_order_in_between_that_fails_leaves_the_request_as_it_was() -> None:
    world = RepairWorld()
    world.door.fails["password.unlock"] = Failed("The directory said no.")
    _, person = world.hear("give bo access to a group", "unlock erik", "design-share")
    assert "The directory said no." in person.warned
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


def test_cancel_in_between_cancels_what_came_in_between_and_nothing_else() -> None:
    world = RepairWorld()
    _, person = world.hear("give bo access to a group", "unlock an account please", "cancel", "design-share")
    assert [call.action for call in world.door.calls] == ["access.grant"]
    assert person.asked == ["group", "person", "group"]


def test_a_question_at_the_confirmation_is_answered_and_the_same_confirmation_comes_back() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock bo", confirm=["how long may I keep customer data?", YES])
    assert [call.action for call in world.door.calls] == ["password.unlock", "policy.search"]
    assert "Back to password.unlock." in person.said
    assert (person.confirmations, world.done[-1][0]) == (2, "password.unlock")


def test_a_question_where_a_text_is_asked_is_told_from_the_text_by_asking() -> None:
    world = RepairWorld()
    _, person = world.hear("comment on ticket T-12", "which groups is erik in?", "my answer", alone=False)
    assert person.asked == ["text", "choice"]
    assert world.done == [("ticket.comment", {"id": "T-12", "text": "which groups is erik in?"})]
    world = RepairWorld()
    _, person = world.hear("comment on ticket T-12", "which groups is erik in?", "no", "it is urgent")
    assert [action for action, _ in world.done] == ["access.list", "ticket.comment"]
    assert world.done[1][1]["text"] == "it is urgent"


# ── cancel ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "word", ["cancel", "I changed my mind", "never mind", "don't do it", "forget the request"]
)
def test_a_change_of_mind_at_a_question_ends_the_request(word: str) -> None:
    world = RepairWorld()
    result, _ = world.hear("give bo access to a group", word)
    assert (result.outcome, world.door.calls) == (CANCELLED, [])


@pytest.mark.parametrize("word", [NO, "actually no", "rather not", "I changed my mind", "cancel"])
def test_a_change_of_mind_at_the_confirmation_changes_nothing(word: str) -> None:
    world = RepairWorld()
    result, _ = world.hear("unlock bo", confirm=[word])
    assert (result.outcome, world.done) == (CANCELLED, [])


BOTH = "unlock bo and give erik access to vpn-users"


def test_cancel_of_the_first_of_two_leaves_the_second() -> None:
    world = RepairWorld()
    result, person = world.hear(BOTH, confirm=["cancel the first one", YES])
    assert world.done == [("access.grant", {"person": "erik", "group": "vpn-users"})]
    assert result.outcome is PARTIAL
    assert [answered.outcome for answered in person.answered] == [CANCELLED]


def test_cancel_of_the_second_of_two_leaves_the_first() -> None:
    world = RepairWorld()
    result, person = world.hear(BOTH, confirm=["cancel the second one", YES])
    assert world.done == [("password.unlock", {"person": "bo"})]
    assert "Dropped: give erik access to vpn-users." in person.said
    assert (result.outcome, person.confirmations) == (DONE, 2)


@pytest.mark.parametrize(
    "words", ["cancel everything", "forget both", "stop all of it", "cancel both of them"]
)
def test_cancel_of_everything_drops_what_waits_too(words: str) -> None:
    world = RepairWorld()
    result, person = world.hear(BOTH, confirm=[words])
    assert (world.done, len(world.door.calls), result.outcome) == ([], 1, CANCELLED)
    assert "Dropped too: give erik access to vpn-users." in person.said


def test_cancel_of_everything_at_a_question_drops_what_waits_too() -> None:
    world = RepairWorld()
    result, _ = world.hear("unlock an account and give erik access to vpn-users", "cancel everything")
    assert (world.door.calls, result.outcome) == ([], CANCELLED)


# ── the question is not understood ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "words",
    ["what do you mean?", "why do you ask?", "?", "I don't know", "what can I say?", "help", "what for?"],
)
def test_a_question_that_is_not_understood_is_explained_from_the_schema(words: str) -> None:
    world = RepairWorld()
    _, person = world.hear("give bo access to a group", words, "design-share")
    assert "This is for access.grant: Add a person to a group." in person.said
    assert "which group" in person.said
    assert "such as finance-share" in person.said, "examples are live names"
    assert "It cannot be done without it" in person.said
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


def test_a_choice_of_actions_that_is_not_understood_is_explained() -> None:
    world = RepairWorld()
    _, person = world.hear("update my contact data", "what do you mean?", "the second one", "ana@example.com")
    assert "1, telephone number; 2, mail address" in person.said
    assert world.done == [("people.update", {"mail": "ana@example.com"})]


def test_a_confirmation_that_is_not_understood_is_explained_and_comes_back() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock bo", confirm=["what do you mean?", YES])
    assert "bo, password.unlock: before becomes after" in person.said
    assert (person.confirmations, len(world.done)) == (2, 1)


def test_explaining_forever_ends() -> None:
    world = RepairWorld()
    result, person = world.hear("give bo access to a group", *["?"] * 20)
    assert (result.outcome, len(person.questions)) == (CANCELLED, 20)


# ── skip and repeat ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", ["skip", "skip it", "leave it out", "it doesn't matter"])
def test_an_optional_question_is_skipped(words: str) -> None:
    world = RepairWorld()
    _, person = world.hear("which groups is Zebulon in", words)
    assert "Left out: whose groups; your own when left out." in person.said
    assert world.done == [("access.list", {})]


def test_a_needed_question_cannot_be_skipped() -> None:
    world = RepairWorld()
    _, person = world.hear("give bo access to a group", "skip", "design-share")
    assert "access.grant cannot do without it: which group." in person.said
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


@pytest.mark.parametrize(
    "words", ["say that again", "pardon?", "what?", "could you repeat the question?", "repeat"]
)
def test_a_question_is_repeated(words: str) -> None:
    world = RepairWorld()
    _, person = world.hear("give bo access to a group", words, "design-share")
    assert person.questions[0] == person.questions[1]
    assert len(world.done) == 1


def test_the_last_answer_is_repeated() -> None:
    world = RepairWorld()
    first, _ = world.hear("which groups is erik in")
    result, _ = world.hear("say that again")
    assert first.message in result.message
    assert len(world.door.calls) == 1, "nothing is read or done a second time"


# ── two requests in one sentence ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "actions"),
    [
        (BOTH, ["password.unlock", "access.grant"]),
        ("give erik access to vpn-users, then unlock bo", ["access.grant", "password.unlock"]),
        ("unlock bo; disable erik; enable dana", ["password.unlock", "account.disable", "account.enable"]),
        ("who is erik and unlock bo", ["people.find", "password.unlock"]),
        ("please unlock bo. Also give erik access to vpn-users.", ["password.unlock", "access.grant"]),
    ],
)
def test_two_requests_are_done_one_after_the_other_each_with_its_own_confirmation(
    words: str, actions: list[str]
) -> None:
    world = RepairWorld()
    result, person = world.hear(words)
    assert [action for action, _ in world.done] == actions
    assert person.confirmations == len(world.door.shown) == sum(a != "people.find" for a in actions)
    assert result.outcome is DONE


def test_one_request_that_fails_does_not_drop_the_other() -> None:
    world = RepairWorld()
    world.door.fails["password.unlock"] = Failed("The directory said no.", hint="Ask the service desk.")
    result, person = world.hear(BOTH)
    assert world.done == [("access.grant", {"person": "erik", "group": "vpn-users"})]
    assert "The directory said no." in person.warned
    assert (result.outcome, "The directory said no." in result.message) == (PARTIAL, True)


def test_one_request_that_lacks_something_off_a_terminal_does_not_drop_the_other() -> None:
    world = RepairWorld()
    result, _ = world.hear("unlock an account and give erik access to vpn-users", alone=True)
    assert [action for action, _ in world.done] == ["access.grant"]
    assert result.outcome is PARTIAL


def test_a_correction_of_the_first_request_does_not_drop_the_second() -> None:
    world = RepairWorld()
    world.hear(BOTH, confirm=["not bo, ben", YES, YES])
    assert world.done == [
        ("password.unlock", {"person": "ben"}),
        ("access.grant", {"person": "erik", "group": "vpn-users"}),
    ]


def test_two_people_in_one_request_are_two_requests() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock bo and erik")
    assert world.done == [("password.unlock", {"person": "bo"}), ("password.unlock", {"person": "erik"})]
    assert person.confirmations == 2


@pytest.mark.parametrize(
    "words",
    [
        "get me into finance-share to close the books and review the numbers",
        "open a ticket: unlock the door and give erik the key",
        "get me into finance-share because I close the books and open the accounts",
        "bo is locked out, please lift it",
    ],
)
def test_one_request_with_an_and_in_it_stays_one(words: str) -> None:
    world = RepairWorld()
    world.hear(words, alone=True)
    assert len(world.door.calls) == 1


# ── somebody is pointed at ────────────────────────────────────────────────────────────────────


@pytest.mark.req("L2")
def test_her_is_whom_the_person_named_before() -> None:
    world = RepairWorld()
    world.hear("which groups is Carla Reyes in")
    _, person = world.hear("unlock her")
    assert world.door.calls[1].arguments == {"person": "creyes"}
    assert world.door.calls[1].provenance == {"person": TYPED}
    assert "“her” is Carla Reyes (creyes)." in person.said
    world.hear("and reset it too")
    assert world.done[2] == ("password.reset", {"person": "creyes"})


@pytest.mark.req("L2")
def test_her_is_whom_a_verified_read_showed() -> None:
    world = RepairWorld()
    world.door.read["people.find"] = ("creyes",)
    world.hear("find reyes")
    world.hear("unlock her")
    assert world.door.calls[1].arguments == {"person": "creyes"}
    assert world.door.calls[1].provenance == {"person": READ}


@pytest.mark.req("L2")
def test_her_is_asked_where_it_may_be_two() -> None:
    world = RepairWorld()
    world.door.read["people.find"] = ("creyes", "cmoreno")
    world.hear("find carla")
    _, person = world.hear("unlock her", "the second one")
    assert [choice.value for choice in person.questions[0].choices] == ["creyes", "cmoreno", "none"]
    assert world.door.calls[1].arguments == {"person": "cmoreno"}
    assert world.door.calls[1].provenance == {"person": CHOSEN}


@pytest.mark.req("L2")
def test_her_is_asked_where_nobody_was_spoken_of() -> None:
    world = RepairWorld()
    with pytest.raises(UsageError):
        world.hear("which groups is she in", alone=True)
    assert world.door.calls == [], "and never whoever asks"
    _, person = world.hear("unlock her", "creyes")
    assert "Whom do you mean by “her”?" in person.said


@pytest.mark.req("L2")
def test_a_name_in_a_text_that_was_read_is_nobody_that_her_can_be() -> None:
    world = RepairWorld()
    world.door.read["policy.search"] = ("data.md",)
    world.door.citations["policy.search"] = (CITATION,)
    world.door.messages["policy.search"] = "Ask Dana Novak (dana)."
    world.hear("how long may I keep customer data?")
    with pytest.raises(UsageError):
        world.hear("unlock her", alone=True)


def test_him_in_the_second_request_is_whom_the_first_one_named() -> None:
    world = RepairWorld()
    world.hear("disable erik and take him out of vpn-users")
    assert world.done == [
        ("account.disable", {"person": "erik"}),
        ("access.revoke", {"person": "erik", "group": "vpn-users"}),
    ]


def test_two_people_of_one_sentence_make_him_ambiguous() -> None:
    world = RepairWorld()
    world.hear("which groups is bo in and which groups is erik in")
    _, person = world.hear("unlock him", "bo")
    assert [choice.value for choice in person.questions[0].choices] == ["bo", "erik", "none"]


@pytest.mark.parametrize(
    "words", ["same for ben", "the same for ben, please", "and ben too", "do that for ben", "also ben"]
)
def test_the_same_for_somebody_else(words: str) -> None:
    world = RepairWorld()
    world.hear("give bo access to finance-share for the audit")
    _, person = world.hear(words)
    assert world.done[1] == (
        "access.grant",
        {"person": "ben", "group": "finance-share", "reason": "the audit"},
    )
    assert (world.door.calls[1].provenance["person"], person.confirmations) == (TYPED, 1)


def test_the_same_for_two_others_is_two_requests() -> None:
    world = RepairWorld()
    world.hear("unlock bo")
    _, person = world.hear("same for ben and dana")
    assert [arguments["person"] for _, arguments in world.done] == ["bo", "ben", "dana"]
    assert person.confirmations == 2


def test_the_same_for_a_mistyped_name_is_asked() -> None:
    world = RepairWorld()
    world.hear("unlock bo")
    _, person = world.hear("same for eric", "cancel")
    assert [choice.value for choice in person.questions[0].choices] == ["erik", "none"]
    assert len(world.done) == 1


# ── slips ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "near"), [("unlock eric", "erik"), ("unlock danna", "dana"), ("unlock jode", "jdoe")]
)
def test_a_mistyped_login_offers_the_closest_people_and_acts_on_none(typed: str, near: str) -> None:
    world = RepairWorld()
    result, person = world.hear(typed, "cancel")
    assert near in [choice.value for choice in person.questions[0].choices]
    assert "These names are the closest." in person.said
    assert (result.outcome, world.door.calls) == (CANCELLED, [])
    world.hear(typed, near)
    assert world.door.calls[0].provenance == {"person": CHOSEN}


def test_a_mistyped_answer_offers_the_closest_people() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock an account", "Lindquist", "1")
    assert "I found nobody called Lindquist." in person.said
    assert world.done == [("password.unlock", {"person": "bo"})]


def test_a_mistyped_name_off_a_terminal_is_an_error_and_no_guess() -> None:
    world = RepairWorld()
    with pytest.raises(UsageError):
        world.hear("unlock eric", alone=True)
    assert world.door.calls == []


def test_a_mistyped_group_offers_the_closest_groups() -> None:
    world = RepairWorld()
    _, person = world.hear("get me into finanse-archive", "finance-archive")
    assert "finance-archive" in [choice.value for choice in person.questions[0].choices]
    assert world.door.calls[0].provenance == {"group": CHOSEN}


@pytest.mark.parametrize(
    ("typed", "action"),
    [
        ("unlok bo", "password.unlock"),
        ("disabel erik", "account.disable"),
        ("resett the pasword of bo", "password.reset"),
    ],
)
def test_a_mistyped_order_is_offered_as_it_was_meant(typed: str, action: str) -> None:
    world = RepairWorld()
    _, person = world.hear(typed, "1")
    assert person.questions[0].name == "meant"
    assert [done for done, _ in world.done] == [action]
    with pytest.raises(UsageError) as caught:
        RepairWorld().hear(typed, alone=True)
    assert "Do you mean" in caught.value.hint


def test_a_mistyped_order_that_was_not_meant_does_nothing() -> None:
    world = RepairWorld()
    result, _ = world.hear("unlok bo", "none of these", "no")
    assert (world.door.calls, result.outcome) == ([], USAGE)


# ── answers that do not fit the question ──────────────────────────────────────────────────────


def test_two_questions_answered_at_once() -> None:
    world = RepairWorld()
    _, person = world.hear("grant access", "bo, to design-share")
    assert person.asked == ["person"]
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]
    assert set(world.door.calls[0].provenance.values()) == {CHOSEN}


def test_another_question_answered_than_was_asked() -> None:
    world = RepairWorld()
    _, person = world.hear("grant access", "design-share", "bo")
    assert "group is now design-share." in person.said
    assert person.asked == ["person", "person"]
    assert world.done == [("access.grant", {"person": "bo", "group": "design-share"})]


def test_a_day_together_with_the_group() -> None:
    world = RepairWorld()
    world.hear("request access for me", "design-share until friday")
    assert world.done == [("access.request", {"group": "design-share", "until": "2026-11-27"})]


@pytest.mark.parametrize(
    ("words", "agreed"),
    [
        ("yeah", True),
        ("sure, go ahead", True),
        ("yes please", True),
        ("of course", True),
        ("nope", False),
        ("rather not", False),
        ("no thanks", False),
        ("don't", False),
    ],
)
def test_yes_and_no_in_other_words(words: str, agreed: bool) -> None:
    world = RepairWorld()
    world.hear("order me a pizza", words)
    assert [action for action, _ in world.done] == (["ticket.open"] if agreed else [])


@pytest.mark.parametrize(
    "words", ["2", "the second one", "number two", "option 2", "the last one", "Moreno", "cmoreno"]
)
def test_a_choice_by_its_number_its_place_or_a_word_of_it(words: str) -> None:
    world = RepairWorld()
    world.hear("unlock carla", words)
    assert world.done == [("password.unlock", {"person": "cmoreno"})]


@pytest.mark.parametrize("words", ["7", "the fifth", "0"])
def test_a_number_that_no_choice_has_is_no_choice(words: str) -> None:
    world = RepairWorld()
    world.hear("unlock carla", words, "cancel")
    assert world.door.calls == []
