"""Documents become passages: what is cited is what stands in the file, at its line."""

from __future__ import annotations

import html
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk_policy.documents import PASSAGE_CHARACTERS, Document, parse
from tests.unit.policy_world import RETENTION, TRAVEL, VISITORS


def places(document: Document | None) -> list[tuple[str, int, str]]:
    assert document is not None
    return [(p.heading, p.line, p.text.split("\n")[0]) for p in document.passages]


def read(text: str, file: str = "a.md") -> Document:
    document = parse(text.encode(), file)
    assert document is not None
    return document


def test_markdown_is_cut_at_its_headings_with_the_line_where_the_text_begins() -> None:
    document = read(RETENTION)
    assert document.title == "Data retention"
    assert places(document) == [
        ("Data retention", 8, "What we hold, and for how long."),
        (
            "Retention period",
            12,
            "Records of customers are retained for seven years after the end of their contract.",
        ),
        ("Exceptions", 18, "A legal hold stops every deletion."),
        ("Destruction", 22, "Paper is shredded; disks are overwritten twice."),
    ]
    assert document.passages[2].headings == ("Data retention", "Retention period", "Exceptions")


def test_plain_text_has_headings_in_capitals_numbered_and_underlined() -> None:
    assert places(read(VISITORS, "v.txt")) == [
        ("VISITORS", 3, "Guests sign in at the front desk and wear a badge."),
        ("1. Photography", 7, "Nobody may take photographs in the laboratory."),
    ]
    underlined = "Badges\n======\n\nWear one.\n\nLost ones\n---------\nTell us.\n"
    assert places(read(underlined, "v.txt")) == [("Badges", 4, "Wear one."), ("Lost ones", 8, "Tell us.")]


def test_html_keeps_headings_and_drops_scripts_styles_and_navigation() -> None:
    document = read(TRAVEL, "t.html")
    assert document.title == "Travel"
    assert places(document) == [("Hotels & trains", 9, "A hotel may cost up to 140 euros a night.")]
    text = "\n".join(p.text for p in document.passages)
    assert "Flights need the approval of your manager." in text
    for unseen in ("secretscript", "secretstyle", "Imprint", "<"):
        assert unseen not in text
    numbers = {line: number for section in document.sections for number, line in section.lines}
    assert numbers["Trains: second class."] == 11
    assert numbers["Flights need the approval of your manager."] == 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n```\n# no heading\n```\n", [("A", 3, "```")]),
        ("~~~\n# still code\n```\n~~~\n\n# B\nb", [("", 1, "~~~"), ("B", 7, "b")]),
        ("Title\n===\n\ntext\n\nSub\n---\nmore", [("Title", 4, "text"), ("Sub", 8, "more")]),
        ("#Salary\n\nOne pay for one job.", [("Salary", 3, "One pay for one job.")]),
        ("Post it in\n#updates please.", [("", 1, "Post it in")]),
        ("# A ##\n\n## *B* [link](x)\nb", [("B link", 4, "b")]),
        ("# Only a heading\n", [("Only a heading", 1, "Only a heading")]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", [("", 1, "| a | b |")]),
        ("* item\n---\ntext", [("", 1, "* item")]),
        ("<table>\n<tr>\n  <td>Logs</td>\n<td>5 years</td></tr></table>", [("", 3, "  Logs")]),
        ("<!-- hidden\n# words -->\n\nseen", [("", 4, "seen")]),
        ("a <script>x</script> b\n<style>\nx\n</style>\nc", [("", 1, "a  b")]),
        ("\r\n# A\r\n\r\ntext\r\n", [("A", 4, "text")]),
        ('---\ntitle: "T"\n---\n\ntext', [("", 5, "text")]),
        ("---\nno front matter", [("", 1, "---")]),
        ("", []),
    ],
)
def test_the_corners_of_markdown(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert places(read(text)) == expected


def test_a_document_without_a_title_is_called_like_its_file_or_folder() -> None:
    assert read("text", "it/password-rules.md").title == "password rules"
    assert read("text", "it/incident-response/index.md").title == "incident response"


def test_a_long_section_comes_in_passages_each_with_its_line() -> None:
    paragraphs = [f"Paragraph {n} " + "word " * 60 for n in range(20)]
    document = read("# Long\n\n" + "\n\n".join(paragraphs))
    assert len(document.passages) > 3
    lines = ("# Long\n\n" + "\n\n".join(paragraphs)).split("\n")
    for passage in document.passages:
        assert len(passage.text) < 2 * PASSAGE_CHARACTERS
        assert lines[passage.line - 1].startswith(passage.text.split("\n")[0])


def test_an_endless_line_is_cut_and_keeps_its_number() -> None:
    document = read("# A\n\n" + "word " * 5000)
    assert {p.line for p in document.passages} == {3}
    assert max(len(p.text) for p in document.passages) < 2 * PASSAGE_CHARACTERS


@pytest.mark.parametrize(
    "data",
    [
        "# Straße\n\nÜber".encode(),
        "# Straße\n\nÜber".encode("utf-8-sig"),
        "# Straße\n\nÜber".encode("utf-16"),
        "# Straße\n\nÜber".encode("cp1252"),
    ],
)
def test_every_usual_encoding_is_read(data: bytes) -> None:
    assert places(parse(data, "a.md")) == [("Straße", 3, "Über")]


@pytest.mark.parametrize("data", [b"\x00\x01\x02PK", b"\xff\xfe\x00"])
def test_what_is_no_text_is_no_document(data: bytes) -> None:
    assert parse(data, "a.md") is None


@pytest.mark.parametrize("file", ["a.md", "a.txt", "a.html"])
@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<!--",
        "<script ",
        "<script>",
        "<![",
        "<?",
        "&#",
        "[",
        "[a](",
        "# *a ",
        "# a" + " " * 40,
        "`a",
        "#",
        "| ",
        "<td>",
    ],
)
def test_no_file_takes_for_ever(file: str, piece: str) -> None:
    """Each of these took a parser minutes once; a small file must be read in a moment, whatever it holds."""
    start = time.perf_counter()
    parse((piece * (100_000 // len(piece))).encode(), file)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>a <!-- x\n<p>hidden</p> --> b</p>", [("", 1, "a b")]),
        ("<p>1 < 2 and 3 > 2</p>", [("", 1, "1 < 2 and 3 > 2")]),
        ("<script>\nif (a<b) {}\n</script>\n<p>seen", [("", 4, "seen")]),
        ("<style>never closed\n<p>hidden", []),
        ("<h2>A</h2>\n<p>x<br>y</p>\n<h2>B</h2>", [("A", 2, "x"), ("B", 3, "B")]),
        ("<title>T</title><h1>H</h1><h2>&lt;b&gt; &#228;</h2>t", [("<b> ä", 1, "t")]),
        ("<template><p>no</p></template><p>yes", [("", 1, "yes")]),
    ],
)
def test_the_corners_of_html(text: str, expected: list[tuple[str, int, str]]) -> None:
    assert places(read(text, "a.html")) == expected


_pieces = st.sampled_from(
    [
        "# A",
        "## B b",
        "text one",
        "",
        "```",
        "---",
        "===",
        "<b>x</b>",
        "<!--",
        "-->",
        "<h2>",
        "</h2>",
        "<p>",
        "- i",
        "&amp;",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_pieces, max_size=30), st.sampled_from(["a.md", "a.txt", "a.html"]))
def test_every_cited_line_exists_and_holds_the_first_words(lines: list[str], file: str) -> None:
    document = read("\n".join(lines), file)
    for passage in document.passages:
        assert 1 <= passage.line <= max(len(lines), 1)
        line = lines[passage.line - 1]
        assert passage.text.split()[0] in (line, html.unescape(line)) or passage.text.split()[0] in line
