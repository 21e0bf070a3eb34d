"""The page of the command line names the tests that prove each check, and none is without one in silence."""

from __future__ import annotations

from tests.cli_checks import CHECKS, NOT_YET, PAGE, ids, page
from tests.requirements_table import ROOT, proofs


def test_the_page_is_current() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run: python -m tests.cli_checks"


def test_every_check_is_proved_except_those_that_say_why_not() -> None:
    proved = proofs()
    assert len(CHECKS) == 37
    assert [id for id in ids() if id not in proved] == list(NOT_YET)


def test_what_is_not_there_yet_is_really_not_there() -> None:
    full_screen = [f for f in (ROOT / "helpdesk").rglob("*.py") if "import textual" in f.read_text("utf-8")]
    full_screen += [f for f in (ROOT / "helpdesk").rglob("*.py") if "from textual" in f.read_text("utf-8")]
    assert bool(full_screen) is ("CLI-37" not in NOT_YET)
