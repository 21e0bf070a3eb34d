"""Text for the app's widgets: everything passes the one sanitiser, and nothing is ever read as markup (T1, T3)."""

from __future__ import annotations

from textual.content import Content

from helpdesk.surfaces.telling import untrusted

__all__ = ["MODEL_BAR", "OWN_BAR", "safe", "safe_lines"]

OWN_BAR = "┃ "
"""Stands at the left of what the program itself answers for; outside text cannot draw it."""
MODEL_BAR = "model │ "
"""Stands at the left of a model's words, on every line of them."""


def safe(text: object, style: str = "") -> Content:
    """Any value as one cleaned line in a style ("$success", "bold", "$text-muted"), with no markup in it."""
    return Content.styled(untrusted(text), style) if style else Content(untrusted(text))


def safe_lines(text: object, style: str = "") -> list[Content]:
    """Any value as cleaned lines."""
    lines = untrusted(text, one_line=False).split("\n")
    return [Content.styled(line, style) if style else Content(line) for line in lines]
