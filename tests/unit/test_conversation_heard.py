"""Words that are not certain: what would be acted upon is read back first, and a guess never is."""

from __future__ import annotations

import pytest

from helpdesk.conversation.listener import agrees
from helpdesk.events import Heard, Outcome
from tests.unit.repair_world import RepairWorld

LOW = 0.4


@pytest.mark.parametrize(
    "heard",
    [
        Heard("unlock bo", confidence=LOW),
        Heard("unlock bo", ("unlock ben",)),
        Heard("unlock bo", ("unlock joe",), LOW),
    ],
)
def test_a_sentence_that_may_be_another_one_is_read_back_before_anything_else(heard: Heard) -> None:
    world = RepairWorld()
    _, person = world.hear(heard, "the first one")
    assert person.questions[0].name == "heard"
    assert "unlock bo" in [choice.value for choice in person.questions[0].choices]
    assert world.done == [("password.unlock", {"person": "bo"})]


def test_the_other_reading_can_be_chosen() -> None:
    world = RepairWorld()
    world.hear(Heard("unlock bo", ("unlock ben",)), "2")
    assert world.done == [("password.unlock", {"person": "ben"})]


@pytest.mark.parametrize("no", ["no", "none of these", "nope"])
def test_a_sentence_that_was_not_said_does_nothing(no: str) -> None:
    world = RepairWorld()
    result, _ = world.hear(Heard("unlock bo", confidence=LOW), no)
    assert (world.door.calls, result.outcome) == ([], Outcome.USAGE)


def test_a_yes_that_is_not_certain_itself_is_asked_again_and_given_up() -> None:
    world = RepairWorld()
    result, person = world.hear(Heard("unlock bo", confidence=LOW), *[Heard("yes", confidence=LOW)] * 3)
    assert (world.door.calls, len(person.questions), result.outcome) == ([], 3, Outcome.USAGE)


def test_a_certain_yes_to_the_reading_back_goes_on() -> None:
    world = RepairWorld()
    world.hear(Heard("unlock bo", confidence=LOW), Heard("yes that's right", ("yes, that's right",), 0.95))
    assert world.done == [("password.unlock", {"person": "bo"})]


def test_certain_words_and_readings_that_come_to_the_same_need_no_reading_back() -> None:
    world = RepairWorld()
    _, person = world.hear(Heard("Unlock Bo!", ("unlock bo",), 0.97))
    assert person.asked == []
    world = RepairWorld()
    _, person = world.hear(Heard("which groups is erik in", ("which group is erik in",), 0.95))
    assert (person.asked, world.done) == ([], [("access.list", {"person": "erik"})])


@pytest.mark.parametrize("answer", [Heard("bo", confidence=LOW), Heard("bo", ("ben", "bow"))])
def test_a_person_that_was_not_heard_well_is_read_back(answer: Heard) -> None:
    world = RepairWorld()
    _, person = world.hear("unlock an account", answer, "ben" if answer.alternatives else "yes")
    assert person.asked == ["person", "heard"]
    expected = "ben" if answer.alternatives else "bo"
    assert world.done == [("password.unlock", {"person": expected})]


def test_none_of_the_readings_of_an_answer_asks_the_question_again() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock an account", Heard("bo", ("ben",)), "none of these", "erik")
    assert person.asked == ["person", "heard", "person"]
    assert world.done == [("password.unlock", {"person": "erik"})]


def test_readings_that_mean_the_same_choice_need_no_reading_back() -> None:
    world = RepairWorld()
    _, person = world.hear("unlock carla", Heard("the second one", ("second one", "2"), 0.9))
    assert person.asked == ["person"]
    assert world.done == [("password.unlock", {"person": "cmoreno"})]


def test_a_free_text_is_taken_as_heard_because_the_confirmation_shows_it() -> None:
    world = RepairWorld()
    _, person = world.hear("comment on ticket T-12", Heard("it is urgent", ("it is surgeon",), LOW))
    assert person.asked == ["text"]
    assert world.done == [("ticket.comment", {"id": "T-12", "text": "it is urgent"})]


def test_cancel_needs_no_certainty() -> None:
    world = RepairWorld()
    result, person = world.hear("unlock an account", Heard("cancel", ("council",), LOW))
    assert (person.asked, result.outcome) == (["person"], Outcome.CANCELLED)


def test_words_that_are_never_certain_end_the_question() -> None:
    world = RepairWorld()
    murmur = Heard("mm", ("bo", "ben"), 0.1)
    result, _ = world.hear("unlock an account", *[murmur] * 12)
    assert (world.door.calls, result.outcome) == ([], Outcome.CANCELLED)


@pytest.mark.req("L5")
@pytest.mark.parametrize(
    ("heard", "agreed"),
    [
        ("yes", True),
        (Heard("yes", ("yes please",), 0.95), True),
        (Heard("yes", ("yet",), 0.95), None),
        (Heard("yes", confidence=0.5), None),
        (Heard("no", ("nope",), 0.95), False),
        (Heard("yes but for ben", confidence=0.99), None),
    ],
)
def test_only_a_certain_yes_agrees(heard: str | Heard, agreed: bool | None) -> None:
    assert agrees(heard) is agreed


@pytest.mark.req("L5")
@pytest.mark.parametrize(
    "asked", ["ok?", "yes?", "right?", "correct ?", "confirm?", "sure?!", "why not", "Why not?"]
)
def test_a_question_is_no_agreement(asked: str) -> None:
    assert agrees(asked) is None
    assert agrees(Heard(asked)) is None


@pytest.mark.req("L5")
@pytest.mark.parametrize("said", ["no?", "n?", "not now?"])
def test_a_doubtful_no_is_still_one(said: str) -> None:
    assert agrees(said) is False
