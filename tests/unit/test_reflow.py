"""Paragraphs become lines; what is a line by itself stays one."""

from __future__ import annotations

import pytest

from helpdesk.surfaces.reflow import reflowed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Keep it for\ntwo years.", "Keep it for two years."),
        ("One.\n\nTwo\nlines.", "One.\n\nTwo lines."),
        ("Keep:\n- invoices,\n- letters", "Keep:\n- invoices,\n- letters"),
        ("1. Stop.\n2. Call the\ndesk.", "1. Stop.\n2. Call the desk."),
        ("- a long\n  item", "- a long\n  item"),
        ("# Heading\nText", "# Heading\nText"),
        ("| a | b |\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"),
        ("> quoted\nnot quoted", "> quoted\nnot quoted"),
        ("", ""),
    ],
)
def test_lines_of_a_paragraph_are_joined(text: str, shown: str) -> None:
    assert reflowed(text) == shown
