"""Asking the policies: the exact place, other words for the same thing, and "the policies do not say"."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpdesk.plugin import Ambiguous, Failed, NotFound
from tests.unit.policy_world import Policies, company


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    return Policies(tmp_path / "cache", company(tmp_path / "handbook"))


def test_a_citation_names_source_file_heading_line_and_the_words(policies: Policies) -> None:
    answer = policies.ask("may I take photographs in the laboratory?")
    assert answer.citations is not None
    first = answer.citations[0]
    assert (first.source, first.file, first.heading, first.line, first.text) == (
        "handbook",
        "visitors.txt",
        "1. Photography",
        7,
        "Nobody may take photographs in the laboratory.",
    )
    assert "visitors.txt" in answer.message
    assert "line 7" in answer.message
    assert answer.receipt[0].target == "handbook/visitors.txt"


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("how long may I keep customer data?", ("data/retention.md", "Retention period", 12)),
        ("what happens with old disks that we throw away?", ("data/retention.md", "Destruction", 22)),
        ("how expensive may a hotel be", ("travel.html", "Hotels & trains", 9)),
        ("does my boss have to approve flights", ("travel.html", "Hotels & trains", 9)),
        ("do guests need a badge", ("visitors.txt", "VISITORS", 3)),
        ("HOTELS", ("travel.html", "Hotels & trains", 9)),
    ],
)
def test_it_is_found_in_other_words(policies: Policies, question: str, place: tuple[str, str, int]) -> None:
    assert policies.places(question)[0] == place


@pytest.mark.parametrize(
    "question",
    [
        "may I bring my dog to the laboratory on fridays",
        "how long is the parental leave",
        "where do I park my car",
        "can I get a refund for a broken bicycle",
        "secretscript",
        "who am I?",
        "?",
        "🦄",
    ],
)
def test_what_they_do_not_say_is_said_to_be_unsaid(policies: Policies, question: str) -> None:
    answer = policies.ask(question)
    assert answer.citations == ()
    assert answer.message.startswith("The policies do not say.")
    assert "helpdesk do ticket.open" in answer.message


@pytest.mark.parametrize(
    "question",
    [
        'hotel" OR "x',
        "NEAR(hotel night)",
        "body:hotel",
        "hotel*",
        "-hotel ^ (",
        "' ; DROP TABLE passages; -- hotel",
        "hotel\x00night",
        "hotel " * 3000,
    ],
)
def test_a_question_is_words_and_never_a_query(policies: Policies, question: str) -> None:
    policies.ask(question)
    assert policies.places("hotel a night")[0][0] == "travel.html"


def test_two_sources_are_told_apart(tmp_path: Path) -> None:
    one, two = company(tmp_path / "a" / "rules"), company(tmp_path / "b" / "rules")
    answer = Policies(tmp_path / "cache", one, two).ask("may I take photographs in the laboratory")
    assert {c.source for c in answer.citations or ()} == {"a/rules", "b/rules"}


def test_without_sources_it_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(Failed) as error:
        Policies(tmp_path / "cache").ask("hotels")
    assert "[policy] sources" in error.value.hint


def test_a_relative_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="full path"):
        Policies(tmp_path / "cache", Path("handbook")).ask("hotels")


# ── show ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "data/retention.md",
        "handbook/data/retention.md",
        "retention.md",
        "Data Retention",
        "./data/retention.md",
    ],
)
def test_a_document_is_shown_with_its_line_numbers(policies: Policies, name: str) -> None:
    answer = policies.show(name)
    assert "12  Records of customers are retained" in answer.message
    assert answer.data["file"] == "data/retention.md"
    assert {"line": 22, "text": "Paper is shredded; disks are overwritten twice."} in answer.data["lines"]


def test_one_section_is_shown_with_what_stands_inside_it(policies: Policies) -> None:
    answer = policies.show("data/retention.md", "retention PERIOD")
    assert [(c.heading, c.line) for c in answer.citations or ()] == [
        ("Retention period", 12),
        ("Exceptions", 18),
    ]
    assert "Destruction" not in answer.message


@pytest.mark.parametrize("name", ["data/retention.md Retention period", "data retention   retention period"])
def test_a_document_and_its_heading_in_one_are_understood(policies: Policies, name: str) -> None:
    citations = policies.show(name).citations or ()
    assert [c.heading for c in citations] == ["Retention period", "Exceptions"]


def test_html_is_shown_as_text(policies: Policies) -> None:
    message = policies.show("travel.html").message
    assert "11  Trains: second class." in message
    assert "<li>" not in message
    assert "secretscript" not in message


@pytest.mark.parametrize(
    "name",
    [
        "../secret.md",
        "/etc/passwd",
        "data/../../secret.md",
        "handbook/../../secret.md",
        "..\\secret.md",
        "link.md",
        "",
    ],
)
def test_no_name_leads_out_of_the_folders(tmp_path: Path, policies: Policies, name: str) -> None:
    (tmp_path / "secret.md").write_text("# Secret\n\nxyzzy\n")
    (tmp_path / "handbook" / "link.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(NotFound):
        policies.show(name)


def test_a_wrong_name_is_answered_with_near_ones(policies: Policies) -> None:
    with pytest.raises(NotFound) as error:
        policies.show("retension.md")
    assert "data/retention.md" in error.value.hint
    with pytest.raises(NotFound) as error:
        policies.show("retention.md", "Retention periods")
    assert "Retention period" in error.value.hint


def test_a_name_of_two_documents_is_ambiguous(tmp_path: Path) -> None:
    one, two = company(tmp_path / "a" / "rules"), company(tmp_path / "b" / "rules")
    with pytest.raises(Ambiguous) as error:
        Policies(tmp_path / "cache", one, two).show("visitors.txt")
    assert "a/rules/visitors.txt" in error.value.hint


def test_a_document_removed_since_is_not_shown(tmp_path: Path, policies: Policies) -> None:
    policies.show("visitors.txt")
    (tmp_path / "handbook" / "visitors.txt").unlink()
    with pytest.raises(NotFound):
        policies.show("visitors.txt")
