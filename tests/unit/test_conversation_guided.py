"""The conversation without a model: from words to a proposed call."""

from __future__ import annotations

import pytest

from helpdesk.actions.call import Provenance
from helpdesk.conversation.loop import Conversation
from helpdesk.errors import NotSignedIn, UsageError
from helpdesk.events import Citation, Outcome, Proposed, Question
from helpdesk.spec import Parameter
from helpdesk.text import Untrusted
from tests.unit.conversation_specs import SPECS, spec
from tests.unit.conversation_world import NOW, World

TYPED, CHOSEN = Provenance.TYPED, Provenance.CHOSEN


@pytest.mark.parametrize(
    ("words", "action", "arguments"),
    [
        ("unlock bo", "password.unlock", {"person": "bo"}),
        ("bo is locked out, please lift it", "password.unlock", {"person": "bo"}),
        ("reset the password of bo", "password.reset", {"person": "bo"}),
        ("please reset JDOE's password", "password.reset", {"person": "jdoe"}),
        ("reset the password of Carla Reyes", "password.reset", {"person": "creyes"}),
        (
            "get me into finance-share for the quarter close",
            "access.request",
            {"group": "finance-share", "reason": "the quarter close"},
        ),
        (
            "I need access to design-share until friday because I help Dana out",
            "access.request",
            {"group": "design-share", "reason": "I help Dana out", "until": "2026-11-27"},
        ),
        (
            "I need access to engineering for 30 days",
            "access.request",
            {"group": "engineering", "until": "2026-12-24"},
        ),
        ("give bo access to vpn-users", "access.grant", {"person": "bo", "group": "vpn-users"}),
        ("take erik out of finance-share", "access.revoke", {"person": "erik", "group": "finance-share"}),
        ("what groups am I in", "access.list", {}),
        ("which groups is erik in", "access.list", {"person": "erik"}),
        ("who is Carla Reyes?", "people.find", {"words": "carla reyes"}),
        ("who am I", "people.whoami", {}),
        ("what happened with ticket T-12", "ticket.status", {"id": "T-12"}),
        ("close ticket t-7", "ticket.close", {"id": "T-7"}),
        (
            "open a ticket: the badge reader is dead",
            "ticket.open",
            {"subject": "the badge reader is dead"},
        ),
        ("my laptop's screen flickers", "ticket.open", {"subject": "my laptop's screen flickers"}),
        (
            "add a note to T-12: it happened again",
            "ticket.comment",
            {"id": "T-12", "text": "it happened again"},
        ),
        (
            "how long may I keep customer data?",
            "policy.search",
            {"question": "how long may I keep customer data?"},
        ),
        ("my mobile number is now +34 600 111 222", "people.update", {"phone": "+34 600 111 222"}),
        ("show me the whole acceptable use policy", "policy.show", {"document": "acceptable use"}),
    ],
)
def test_words_become_a_call_with_typed_arguments(words: str, action: str, arguments: dict[str, str]) -> None:
    world = World()
    result, terminal = world.say(words, alone=True)
    assert (world.call.action, dict(world.call.arguments)) == (action, arguments)
    assert set(world.call.provenance.values()) <= {TYPED}
    assert result.outcome is Outcome.DONE
    assert terminal.of(Proposed) == [Proposed(action, arguments)]


CITATION = Citation("policies", "leave.md", "Vacation", 3, Untrusted("25 days a year."))


def test_a_name_that_several_people_have_is_asked_and_never_guessed() -> None:
    world = World()
    _, terminal = world.say("unlock carla", "creyes")
    assert [c.value for c in terminal.questions[0].choices] == ["creyes", "cmoreno", "none"]
    assert world.call.arguments == {"person": "creyes"}
    assert world.call.provenance == {"person": CHOSEN}


def test_one_person_with_that_first_name_is_still_asked_before_a_write() -> None:
    world = World()
    world.say("unlock john", "jdoe")
    assert world.call.provenance == {"person": CHOSEN}


def test_somebody_who_does_not_exist_never_becomes_the_person_who_asks() -> None:
    world = World()
    with pytest.raises(UsageError):
        world.say("which groups is Zebulon in", alone=True)
    assert world.door.calls == []


def test_the_nearest_group_is_offered_and_not_acted_upon() -> None:
    world = World()
    result, terminal = world.say("get me into finance-shares for the audit", "cancel")
    assert "There is no group called finance-shares" in terminal.said
    assert "finance-share" in [c.value for c in terminal.questions[0].choices]
    assert (result.outcome, world.door.calls) == (Outcome.CANCELLED, [])


def test_off_a_terminal_a_missing_argument_is_a_usage_error_that_names_the_flag() -> None:
    world = World()
    with pytest.raises(UsageError) as caught:
        world.say("please unlock an account", alone=True)
    assert "--person" in caught.value.hint
    assert world.door.calls == []


def test_missing_arguments_are_asked_one_at_a_time_with_live_answers() -> None:
    world = World()
    _, terminal = world.say("grant access", "nobody-there", "bo", "design share", "design-share")
    assert [q.name for q in terminal.questions] == ["person", "person", "group", "group"]
    assert world.call.arguments == {"person": "bo", "group": "design-share"}
    assert set(world.call.provenance.values()) == {CHOSEN}


@pytest.mark.parametrize("word", ["cancel", "never mind", "No, forget it.", "stop"])
def test_cancel_ends_the_questions_and_nothing_is_proposed(word: str) -> None:
    world = World()
    result, _ = world.say("grant access", "bo", word)
    assert (result.outcome, world.door.calls) == (Outcome.CANCELLED, [])


def test_an_endless_row_of_useless_answers_is_given_up() -> None:
    world = World()
    result, terminal = world.say("please unlock an account", "zz", "zzz", "zzzz", "zzzzz")
    assert result.outcome is Outcome.CANCELLED
    assert len(terminal.questions) == 4


def test_a_correction_in_the_next_turn_replaces_the_group() -> None:
    world = World()
    world.door.outcomes["access.request"] = Outcome.CANCELLED
    world.say("get me into finance-share for the brochure")
    world.say("no, I meant design-share", alone=True)
    assert world.door.calls[1].arguments == {"group": "design-share", "reason": "the brochure"}
    assert world.door.calls[1].provenance["group"] is TYPED


def test_a_correction_while_another_argument_is_asked() -> None:
    world = World()
    _, terminal = world.say("add a person to finance-share", "bo", alone=False)
    assert terminal.questions[0].name == "person"
    world = World()
    _, terminal = world.say("comment on ticket T-12", "no, I meant it is urgent")
    assert world.call.arguments == {"id": "T-12", "text": "it is urgent"}


def test_a_correction_that_corrects_nothing_is_an_ordinary_turn() -> None:
    world = World()
    world.say("unlock bo")
    world.say("no, I want to change my password", "new-secret-1")
    assert world.door.calls[1].action == "password.change"


def test_a_secret_is_asked_as_a_secret_and_travels_outside_the_arguments() -> None:
    world = World()
    _, terminal = world.say("change my password", "a new passphrase")
    assert terminal.questions[0].secret
    assert world.call.arguments == {}
    assert world.call.secrets["new"].expose() == "a new passphrase"


@pytest.mark.parametrize(
    "words", ["I'm locked out", "can't log in", "forgot my password", "has somebody locked me out?"]
)
def test_locked_out_and_signed_out_gets_the_diagnosis(words: str) -> None:
    world = World(present=False)
    result, _ = world.say(words, alone=True)
    assert world.lock_explained == [""]
    assert result.message == "Locked until 15:20."
    assert (world.door.calls, world.signed_in_count) == ([], 0)


def test_locked_out_but_signed_in_reads_the_own_account() -> None:
    world = World()
    world.say("I'm locked out", alone=True)
    assert (world.call.action, world.call.arguments) == ("password.status", {})
    assert world.lock_explained == []


def test_everything_else_needs_a_sign_in() -> None:
    with pytest.raises(NotSignedIn):
        World(present=False).say("unlock bo", alone=True)


@pytest.mark.parametrize("words", ["order me a pizza", "what is the capital of Norway?", "asdf qwer zxcv"])
def test_out_of_scope_is_declined_off_a_terminal_with_the_way_to_people(words: str) -> None:
    world = World(present=False)
    result, _ = world.say(words, alone=True, known=False)
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert result.error.code == "out-of-scope"
    assert "helpdesk do ticket.open" in result.error.hint
    assert (world.door.calls, world.signed_in_count) == ([], int(words.endswith("?"))), "only questions try"


def test_out_of_scope_on_a_terminal_offers_a_ticket_with_the_words() -> None:
    world = World()
    world.say("order me a pizza", "yes")
    assert (world.call.action, world.call.arguments) == ("ticket.open", {"subject": "order me a pizza"})
    assert world.call.provenance == {"subject": CHOSEN}
    declined = World()
    result, _ = declined.say("order me a pizza", "no")
    assert (result.outcome, declined.door.calls) == (Outcome.USAGE, [])


def test_ambiguous_words_are_asked_and_the_choice_is_taken() -> None:
    twins = (
        spec("lamp.on", "Switch the desk lamp on."),
        spec("lamp.off", "Switch the desk lamp off."),
    )
    world = World()
    world.conversation = Conversation(
        specs=(*SPECS, *twins),
        run=world.door,
        sign_in=world._sign_in,
        explain_lock=world._explain,
        clock=lambda: NOW,
    )
    _, terminal = world.say("the desk lamp", "lamp.off")
    question: Question = terminal.questions[0]
    assert {c.value for c in question.choices} == {"lamp.on", "lamp.off", "none"}
    assert world.call.action == "lamp.off"


def test_dry_run_and_case_reach_the_door() -> None:
    world = World()
    world.say("who am I")
    result, _ = world.say("unlock bo", dry_run=True)
    assert result.outcome is Outcome.PREVIEWED
    assert "Person: who am I" in world.door.cases[1]
    assert "people.whoami" in world.door.cases[1]


@pytest.mark.req("S1")
def test_a_typed_password_reaches_neither_transcript_nor_case() -> None:
    world = World()
    world.say("unlock bo, my password is hunter2-xyz", alone=True)
    assert "hunter2" not in world.conversation.transcript.case() + str(world.conversation.transcript.lines)
    assert "hunter2" not in world.door.cases[0]


def test_two_turns_of_cancel_words_do_nothing() -> None:
    world = World()
    result, _ = world.say("never mind")
    assert (result.outcome, world.door.calls) == (Outcome.CANCELLED, [])


@pytest.mark.parametrize("words", ["", "  \n", "x" * 10_001])
def test_no_words_or_a_flood_is_a_usage_error(words: str) -> None:
    with pytest.raises(UsageError):
        World().say(words)


def test_a_plugin_nobody_here_knows_routes_by_its_own_texts() -> None:
    coffee = spec(
        "coffee.brew",
        "Start the coffee machine on your floor.",
        Parameter("strength", "choice", True, "how strong", None, ("mild", "strong")),
        Parameter("cups", "integer", True, "how many cups"),
        examples=("make me a strong coffee",),
    )
    world = World()
    world.conversation = Conversation(
        specs=(*SPECS, coffee),
        run=world.door,
        sign_in=world._sign_in,
        explain_lock=world._explain,
        clock=lambda: NOW,
    )
    world.say("brew two cups of strong coffee please", alone=True)
    assert (world.call.action, world.call.arguments) == ("coffee.brew", {"strength": "strong", "cups": 2})


def test_a_question_that_no_action_answers_is_one_to_the_policies() -> None:
    world = World()
    world.door.citations["policy.search"] = (CITATION,)
    result, _ = world.say("how many days of vacation do I have?")
    assert world.call.action == "policy.search"
    assert result.citations == (CITATION,)


def test_where_the_policies_are_silent_too_it_is_declined() -> None:
    world = World()
    world.door.citations["policy.search"] = ()
    result, _ = world.say("what is the capital of Norway?", alone=True)
    assert [call.action for call in world.door.calls] == ["policy.search"]
    assert result.error is not None
    assert result.error.code == "out-of-scope"
