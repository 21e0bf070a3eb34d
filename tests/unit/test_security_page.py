"""The security page names the tests that prove each requirement, and nothing that is not there."""

from __future__ import annotations

import re

from tests.requirements_table import PAGE, REQUIREMENTS, page, proofs


def test_the_table_is_current() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text), "run: python -m tests.requirements_table"


def test_every_marker_names_a_requirement() -> None:
    unknown = [id for id in proofs() if id not in REQUIREMENTS and not re.fullmatch(r"CLI-\d{1,2}", id)]
    assert unknown == []
