"""Policies through the door: an answer is a logged read with its source as receipt, or a plain error."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.events import Outcome
from tests.unit.plugin_world import Desk, Someone
from tests.unit.policy_world import company


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    handbook = company(tmp_path / "handbook")
    return Desk(tmp_path / "desk", {"policy": {"sources": (str(handbook),)}})


def test_an_answer_has_citations_a_receipt_and_an_entry_and_asks_nothing(desk: Desk) -> None:
    someone = Someone()
    question = "how long may I keep customer data?"
    result = desk.do("ana", "policy.search", {"question": question}, someone=someone)
    assert result.outcome is Outcome.DONE
    assert someone.asked == []
    assert result.citations is not None
    assert (result.citations[0].file, result.citations[0].line) == ("data/retention.md", 12)
    assert result.receipt[0].system == "policies"
    assert result.entry is not None


def test_no_answer_is_done_too_with_an_empty_list(desk: Desk) -> None:
    result = desk.do("ana", "policy.search", {"question": "may I bring my dog"})
    assert result.outcome is Outcome.DONE
    assert result.citations == ()
    assert result.receipt[0].observed == "3"


def test_show_and_index(desk: Desk) -> None:
    shown = desk.do("bo", "policy.show", {"document": "visitors.txt", "heading": "1. Photography"})
    assert shown.outcome is Outcome.DONE
    assert "7  Nobody may take photographs" in shown.message
    assert desk.do("gus", "policy.index").data["documents"] == 3


def test_an_unreadable_folder_is_failed_with_its_name(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    desk = Desk(tmp_path / "desk", {"policy": {"sources": (str(gone),)}})
    result = desk.do("ana", "policy.search", {"question": "hotels"})
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.code == "policy-unreadable"
    assert str(gone) in result.error.message
    assert result.error.hint


def test_no_sources_and_a_wrong_document_are_said(desk: Desk, tmp_path: Path) -> None:
    bare = Desk(tmp_path / "bare")
    result = bare.do("ana", "policy.search", {"question": "hotels"})
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert "[policy] sources" in result.error.hint
    wrong = desk.do("ana", "policy.show", {"document": "../../etc/passwd"})
    assert wrong.outcome is Outcome.USAGE


@pytest.mark.req("T1")
def test_text_that_acts_on_terminals_stays_in_the_citation(desk: Desk, tmp_path: Path) -> None:
    bad = "# Bad\x1b]0;x\x07 heading\n\nThe elevator code \x1b[31mis secret.\n"
    (tmp_path / "handbook" / "bad\x1b[2J.md").write_text(bad)
    result = desk.do("ana", "policy.search", {"question": "what is the elevator code"})
    assert result.citations
    assert "\x1b" not in result.message
    (tmp_path / "handbook" / "binary\x1b.md").write_bytes(b"\x00")
    (tmp_path / "handbook" / "link\x1b.md").symlink_to("/etc/passwd")
    told = desk.do("ana", "policy.index")
    assert len(told.data["warnings"]) == 2
    assert "\x1b" not in told.message + "".join(told.data["warnings"])
    shown = desk.do("ana", "policy.show", {"document": "bad\x1b[2J.md"})
    assert "\x1b" not in shown.message
