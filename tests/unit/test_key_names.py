"""Keys and small words as people read them."""

from __future__ import annotations

import pytest

from helpdesk.surfaces.tui.keys import key_name
from helpdesk.surfaces.why_lines import _moment


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("ctrl+y", "Ctrl+Y"),
        ("f1", "F1"),
        ("f12", "F12"),
        ("escape", "Esc"),
        ("question_mark", "?"),
        ("slash", "/"),
        ("shift+tab", "Shift+Tab"),
        ("q", "q"),
        ("enter", "Enter"),
        ("pageup", "PgUp"),
    ],
)
def test_a_key_has_one_name_everywhere(key: str, name: str) -> None:
    assert key_name(key) == name


def test_the_time_of_an_entry_is_told_as_people_say_it() -> None:
    assert _moment("2020-03-09T14:10:00.123456+00:00").startswith("2020-03-09 ")
    assert "T" not in _moment("2020-03-09T14:10:00.123456+00:00")
    assert _moment("no time") == "no time"
