"""Passages whose lines were broken for another width: paragraphs become lines, lists and tables stay as they are."""

from __future__ import annotations

import re

_KEPT = re.compile(r"\s|[-*+•>#|]|\d+[.)]\s|```")
"""How a line begins that is one by itself: indented, a list's, a quotation's, a heading's, a table's."""


def reflowed(text: str) -> str:
    """The text with the lines of each paragraph joined, for a screen that wraps them anew."""
    lines: list[str] = []
    joins = False
    for line in text.split("\n"):
        if joins and line.strip() and not _KEPT.match(line):
            lines[-1] = f"{lines[-1].rstrip()} {line}"
        else:
            lines.append(line)
        joins = bool(line.strip()) and not re.match(r"\s|[>#|]|```", line)
    return "\n".join(lines)
