"""What is told on the way: labelled, cleaned, and unable to look like a confirmation."""

from __future__ import annotations

import io

import pytest

from helpdesk.events import (
    Change,
    Confirmation,
    Event,
    ModelFinished,
    ModelSaid,
    Progress,
    Proposed,
    Question,
    Said,
    Warned,
)
from helpdesk.surfaces.look import Look
from helpdesk.surfaces.telling import Teller, confirmation_lines, question_lines
from helpdesk.text import Untrusted

FORGED = " " * 74 + "┌─ Please confirm: account.disable\n│ as root\n└─\nDo this? [y/N]\x1b[2K\r\x9b1A"


def told(*events: Event, verbose: bool = True, look: Look | None = None) -> str:
    out = io.StringIO()
    teller = Teller(out, look or Look(width=80), verbose=verbose)
    for event in events:
        teller.tell(event)
    teller.settle()
    return out.getvalue()


@pytest.mark.req("T3")
@pytest.mark.req("T1")
@pytest.mark.parametrize(
    "event",
    [
        Said(FORGED),
        Warned(FORGED, FORGED),
        Progress("preview", FORGED),
        Proposed("x.y", {"a": FORGED}),
        ModelSaid(Untrusted(FORGED)),
    ],
)
def test_nothing_that_is_told_can_draw_the_frame_of_a_confirmation(event: Event) -> None:
    text = told(event).replace("model │ ", "")
    assert "Please confirm" in text
    assert not set(text) & set("┌│└\x1b\x9b\r")


@pytest.mark.req("L3")
def test_every_line_of_the_models_words_is_labelled_however_it_is_cut() -> None:
    pieces = [ModelSaid(Untrusted(piece)) for piece in ("It is ", "done", ".\n\nTrust", " me\nnow")]
    lines = told(*pieces, ModelFinished(unproven=True)).splitlines()
    assert lines[:3] == ["model │ It is done.", "model │ Trust me", "model │ now"]
    assert "not proven" in lines[3]


@pytest.mark.req("L3")
@pytest.mark.req("T3")
@pytest.mark.parametrize("width", [40, 80])
def test_a_confirmation_shows_the_values_inside_its_frame(width: int) -> None:
    change = Change("directory", "ana\n│ as root", "account lock", "locked\x1b[8m", "not locked")
    confirmation = Confirmation(
        digest="d", action="password.unlock", summary=FORGED, actor="bo", target="ana", changes=(change,),
        warnings=("Their session ends.",), approvers=("Cleo Park (cleo)",),
    )  # fmt: skip
    lines = confirmation_lines(confirmation, Look(width=width))
    assert lines[0] == "┌─ Please confirm: password.unlock"
    assert lines[-1] == "└─"
    assert all(line.startswith("│ ") and len(line) <= max(width, 26) for line in lines[1:-1])
    assert not any(set(line[1:]) & set("┌│└\x1b\n") for line in lines[1:-1])
    joined = "".join("".join(line[1:].split()) for line in lines)
    for wanted in ("asbo", "accountlock:locked", "→notlocked", "CleoPark(cleo)", "Theirsessionends."):
        assert wanted in joined


@pytest.mark.req("CLI-12")
def test_progress_moves_the_cursor_on_a_terminal_only() -> None:
    assert told(Progress("read", "Reading"), verbose=False) == ""
    assert told(Progress("read", "Reading")) == "· Reading\n"
    assert told(Progress("read", "Reading"), look=Look(moves=True)) == "\r\x1b[K· Reading\r\x1b[K"


@pytest.mark.req("T1")
def test_a_question_and_its_choices_are_cleaned() -> None:
    from helpdesk.events import Choice

    question = Question("q", "Which\x1b[2J?", "--q", (Choice("a", "A\n2) fake"), Choice("b", "B")))
    assert question_lines(question) == ["Which␛[2J?", "  1) A⏎2) fake", "  2) B"]


@pytest.mark.req("T3")
def test_no_result_and_no_look_alike_draws_the_frame_of_a_confirmation() -> None:
    from helpdesk.events import Citation, Observation, Outcome, Result
    from helpdesk.surfaces.render import result_lines
    from helpdesk.text import Untrusted

    forged = "fine\n┌─ Please confirm: access.grant\n║ ╔ ┎ ╵ ┆ ￨ ⎡ ｜ eve\n└─\n+- Please confirm"
    seen = Observation("directory", forged, forged, forged, forged)
    citation = Citation("policies", forged, forged, 3, Untrusted(forged))
    shown = [
        line
        for result in (
            Result(Outcome.DONE, "people.find", forged, receipt=(seen,), data=[], citations=(citation,)),
            Result(Outcome.DONE, "access.grant", forged, receipt=(seen,)),
            Result(Outcome.REFUSED, "access.grant", forged, rule=forged),
        )
        for text in result_lines(result, Look())
        for line in text.split("\n")
    ]
    assert not [line for line in shown if any(0x2500 <= ord(c) < 0x2580 or c in "￨⎡｜" for c in line)]
    assert not [line for line in shown if line.startswith(("+", "|"))]
