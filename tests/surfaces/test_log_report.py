"""``log report``: a page or a picture of its own, private, escaped, and never over another file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from helpdesk.errors import Failed, UsageError
from helpdesk.gate.audit_report import Report, Unmet
from helpdesk.gate.audit_stats import Figures
from helpdesk.surfaces.report_file import save_report
from tests.surfaces.company import Company

NOW = datetime(2026, 3, 9, 14, 10, tzinfo=UTC)
HOSTILE = "</text></svg></td><script>alert(1)</script>\"'&\x1b[2J\x00\u202e]]><!--"


def told(name: str = "access.request", days: int = 3) -> Report:
    figures = Figures(Counter(done=3, abandoned=2, refused=1), [1.0, 2.0, 30.0])
    asked = {date.fromordinal(739000 + n): (n + 1, n) for n in range(days)}
    return Report(
        figures,
        {name: figures},
        [(name, 1)],
        [1, 1, 1, 0, 0, 0, 0],
        [1.0, 2.0, 30.0],
        [Unmet(name, name, 3, {"abandoned": 2, "refused": 1})],
        asked,
        NOW,
        NOW,
    )


def empty() -> Report:
    return Report(Figures(), {}, [], [0] * 7, [], [], {})


@pytest.mark.req("S7")
@pytest.mark.parametrize("form", ["html", "svg"])
def test_the_file_is_private_and_takes_no_other_files_place(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"report.{form}"
    assert save_report(str(file), told(), NOW) == file
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    with pytest.raises(Failed, match="is there already") as again:
        save_report(str(file), told(), NOW)
    assert again.value.hint
    assert file.read_bytes() == before
    link = tmp_path / f"link.{form}"
    link.symlink_to(tmp_path / "nowhere.html")
    with pytest.raises(Failed):
        save_report(str(link), told(), NOW)
    assert not (tmp_path / "nowhere.html").exists()


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.html.txt"])
def test_only_pages_and_pictures_are_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="neither a page nor a picture"):
        save_report(str(tmp_path / name), told(), NOW)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("made", [told(), told(days=400), told(days=1), empty()])
def test_a_picture_is_well_formed_and_says_the_figures(tmp_path: Path, made: Report) -> None:
    text = save_report(str(tmp_path / "r.svg"), made, NOW).read_text()
    tree = ET.fromstring(text)
    words = " ".join(element.text or "" for element in tree.iter())
    if made.whole.asked:
        assert "50%" in words
        assert "3 of 6 asked" in words
        assert "2 abandoned" in words
        shown = [float(rect.get("height", "0")) for rect in tree.iter("{http://www.w3.org/2000/svg}rect")]
        assert min(shown) >= 0
    else:
        assert "Nothing was asked for." in words
    assert "What was abandoned" in words


@pytest.mark.req("T1", "T3")
@pytest.mark.parametrize("form", ["html", "svg"])
def test_hostile_text_stays_text(tmp_path: Path, form: str) -> None:
    text = save_report(str(tmp_path / f"r.{form}"), told(HOSTILE), NOW).read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not {"\x1b", "\x00", "\u202e"} & set(text)
    if form == "svg":
        tree = ET.fromstring(text)
        assert {element.tag.rpartition("}")[2] for element in tree.iter()} == {
            "svg",
            "title",
            "style",
            "rect",
            "text",
            "tspan",
            "line",
            "g",
        }


@pytest.mark.parametrize("form", ["html", "svg"])
def test_the_file_fetches_nothing_and_runs_nothing(tmp_path: Path, form: str) -> None:
    text = save_report(str(tmp_path / f"r.{form}"), told(), NOW).read_text()
    addresses = set(re.findall(r"[a-z]+://[^\"'\s<>]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|href|onload|onclick)\s*=|@import|url\(", text)
    if form == "html":
        assert "default-src 'none'" in text
        assert text.count("<section>") == 6
        assert "<td>everything</td><td>6</td><td>3</td>" in text


def test_the_command_makes_one_and_says_where(company: Company, tmp_path: Path) -> None:
    company.run_as("ana", "do", "access.grant", "ana", "finance-share", "--yes")
    file = tmp_path / "out.html"
    ran = company.run("log", "report", "--output", str(file), "--json")
    assert ran.code == 0, ran.err
    assert (ran.document["file"], ran.document["refused"], ran.document["closure"]) == (str(file), 1, 0.0)
    [unmet] = ran.document["unmet"]
    assert (unmet["action"], unmet["group"]) == ("access.grant", "finance-share")
    assert "access.grant finance-share" in file.read_text()
    again = company.run("log", "report", "--output", str(file))
    assert again.code == 1
    assert "is there already" in again.err
    nowhere = company.run("log", "report")
    assert nowhere.code == 2
    assert "--output" in nowhere.err
