"""The contract of everything that the core tells or asks: it can be said aloud, and written line by line.

The events are enumerated from the type: a new one fails here until it has samples and both forms.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from helpdesk.conversation.spoken import Told, speakable, spoken
from helpdesk.events import (
    Answered,
    Change,
    Choice,
    Citation,
    Confirmation,
    ErrorInfo,
    Event,
    Finished,
    ModelFinished,
    ModelSaid,
    Observation,
    Outcome,
    Previewed,
    Progress,
    Proposed,
    Question,
    Result,
    Said,
    Warned,
)
from helpdesk.surfaces.linear import linear
from helpdesk.text import Untrusted

NASTY = "ana\x1b[2J\r\u202e evil │ ┌─ Please confirm: │ <b>[x](https://evil.example/?q=1)</b> & 50% ✓ @all?!"
CHANGE = Change("directory", "ana.b", "account lock", "locked since 2026-11-24 09:05", "not locked")
RECEIPT = Observation("directory", "finance-share", "member ana.b", "yes", "yes")
CITATION = Citation(
    "policies", "hr/sick-leave.md", "Sick leave", 12, Untrusted("Call by 9:00.\n\nThen rest.")
)
DONE = Result(
    Outcome.DONE,
    "access.grant",
    "ana.b is a member of finance-share now.",
    {"person": "ana.b"},
    (RECEIPT,),
    entry=41,
    undoable=True,
)
SAMPLES: dict[type, list[Any]] = {
    Said: [Said("Say what you need, such as “unlock bo”."), Said(NASTY), Said("One.\nTwo."), Said("long word " * 200)],
    ModelSaid: [ModelSaid(Untrusted("I can do that → soon.")), ModelSaid(Untrusted(NASTY))],
    ModelFinished: [ModelFinished(), ModelFinished(unproven=True)],
    Proposed: [Proposed("access.grant", {"person": "ana.b", "group": "finance-share"}), Proposed("x.y", {"a": NASTY})],
    Previewed: [Previewed("access.grant", (CHANGE,)), Previewed("x.y", (Change(NASTY, NASTY, NASTY, NASTY, NASTY),) * 9)],
    Progress: [Progress("verify", "Reading it back from the directory"), Progress("x", NASTY)],
    Warned: [Warned("The model took longer than 180 seconds.", "helpdesk doctor"), Warned(NASTY, NASTY)],
    Answered: [Answered(DONE)],
    Finished: [Finished(DONE)],
    Question: [
        Question("person", "access.grant: Who gets access?", "--person LOGIN"),
        Question("person", "Which of these?", "--person", (Choice("creyes", "Carla Reyes (creyes)"), Choice("none", "none of these"))),
        Question("group", "access.grant: Which group?", "--group", tuple(Choice(f"g-{n}", f"g-{n} – {NASTY}") for n in range(20))),
        Question("new", "password.change: The new password:", "--new-file FILE", secret=True, repeat=True),
        Question("name", NASTY, NASTY, default=NASTY),
    ],
    Confirmation: [
        Confirmation("d" * 64, "password.unlock", "Unlock ana.b", "bo", "ana.b", (CHANGE,), ("It is locked a third time.",), ("cleo", "dana")),
        Confirmation("d" * 64, "account.disable", "Disable ana.b", "bo", "ana.b", (CHANGE,) * 8, irreversible=True),
        Confirmation("d" * 64, NASTY, NASTY, NASTY, NASTY, (Change(NASTY, NASTY, NASTY, NASTY, NASTY),), (NASTY,), (NASTY,), True),
    ],
    Result: [
        DONE,
        *(Result(outcome, "access.grant", "It ended so.", error=ErrorInfo("x", "It ended so.", "helpdesk login")) for outcome in Outcome),
        Result(Outcome.DONE, "policy.search", "Found.", citations=(CITATION,), data={"found": 1}),
        Result(Outcome.PENDING, "access.request", "It waits.", request="r-7KQ2", changes=(CHANGE,)),
        Result(Outcome.UNKNOWN, NASTY, NASTY, receipt=(Observation(NASTY, NASTY, NASTY, NASTY, "other"),), rule=NASTY, error=ErrorInfo(NASTY, NASTY, NASTY)),
    ],
}  # fmt: skip
EVERY = [sample for samples in SAMPLES.values() for sample in samples]
SIGNS = re.compile(r"[^\w\s.,?']|_")
DRAWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2500-\u259f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("kind", get_args(Told), ids=lambda kind: kind.__name__)
def test_everything_that_is_told_or_asked_has_samples_here(kind: type) -> None:
    assert SAMPLES.get(kind), f"{kind.__name__} needs samples, a spoken form and a linear form"


def test_the_events_are_all_of_them() -> None:
    assert set(get_args(Event)) | {Question, Confirmation, Result} == set(SAMPLES)


@pytest.mark.parametrize("told", EVERY, ids=lambda told: type(told).__name__)
def test_what_is_spoken_is_short_and_has_no_signs(told: Told) -> None:
    said = spoken(told)
    assert not SIGNS.search(said), said
    assert len(said) <= 2_000
    assert "https" not in said
    assert "  " not in said


@pytest.mark.parametrize("told", EVERY, ids=lambda told: type(told).__name__)
def test_one_question_at_a_time_and_none_where_nothing_is_asked(told: Told) -> None:
    said = spoken(told)
    asks = isinstance(told, Question | Confirmation)
    assert said.count("?") == int(asks), said
    assert not asks or said.endswith("?")


@pytest.mark.parametrize("told", EVERY, ids=lambda told: type(told).__name__)
def test_every_line_has_its_label_and_nothing_is_drawn(told: Told) -> None:
    for line in linear(told):
        assert re.match(r"[A-Z][A-Za-z ]*(?:\(not verified\)|\d+)?[:.]", line), line
        assert not DRAWN.search(line), repr(line)


@pytest.mark.req("L10")
@pytest.mark.req("T3")
def test_each_line_of_a_model_says_that_it_is_the_models() -> None:
    lines = linear(ModelSaid(Untrusted("Sure.\nPlease confirm: disable ana\nQuestion: your password?")))
    assert [line.partition(":")[0] for line in lines] == ["Model (not verified)"] * 3
    assert spoken(ModelSaid(Untrusted("Done"))).startswith("The model says")


@pytest.mark.req("L3")
def test_a_confirmation_says_every_change_and_whom_it_is_about() -> None:
    confirmation = SAMPLES[Confirmation][0]
    lines = linear(confirmation)
    assert "Change 1: ana.b, account lock, from locked since 2026-11-24 09:05 to not locked" in lines
    assert "As: bo" in lines
    assert "ana dot b, account lock, locked since 24 November 2026 9 05 becomes not locked." in spoken(
        confirmation
    )
    many = linear(SAMPLES[Confirmation][1])
    assert sum(line.startswith("Change ") for line in many) == 8
    assert "And 3 more, on the screen." in spoken(SAMPLES[Confirmation][1])


def test_choices_are_numbered_in_both_forms() -> None:
    question = SAMPLES[Question][1]
    assert linear(question) == [
        "Question: Which of these?",
        "Choice 1: Carla Reyes (creyes)",
        "Choice 2: none of these",
    ]
    assert (
        spoken(question)
        == "Which of these. The choices are 1, Carla Reyes creyes, 2, none of these. Which one?"
    )


@pytest.mark.req("S1")
def test_a_secret_is_typed_and_never_asked_to_be_said() -> None:
    said = spoken(SAMPLES[Question][3])
    assert "please type it" in said


def test_a_receipt_that_differs_is_said() -> None:
    assert "Not as expected." in spoken(SAMPLES[Result][-1])
    assert any(line.startswith("Not as expected: ") for line in linear(SAMPLES[Result][-1]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("until 2026-12-31", "until 31 December 2026"),
        ("ticket T-12", "ticket T 12"),
        ("ana.b@example.org", "ana dot b at example dot org"),
        ("finance-share → yes", "finance share becomes yes"),
        ("at 15:00 or 15:20", "at 15 o'clock or 15 20"),
        ("Refused. helpdesk do access.request --group NAME", "Refused."),
        ("see https://wiki.example.org/a?b=c#d", "see a link"),
        ("digest 3f786850e387550fdab836ed7e6dc881de23001b", "digest a long number"),
        ("costs 2.5 %", "costs 2.5 percent"),
    ],
)
def test_numbers_names_and_signs_become_words(text: str, said: str) -> None:
    assert speakable(text) == said
