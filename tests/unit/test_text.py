"""The one sanitiser in front of every screen."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from helpdesk.text import shorten, visible

SHOWS_NOTHING = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"
ACTS = "\x00\x07\x08\x0b\x1b\x7f\x80\x85\x9b\x9d\xad\u061c\u200b\u200d\u200e\u2028\u2029\u202e\u2066\u2069\ufeff\U000e0041\ud800"


@pytest.mark.req("T1")
@pytest.mark.parametrize("character", [*ACTS, *SHOWS_NOTHING])
def test_what_acts_or_shows_nothing_is_made_visible(character: str) -> None:
    for text in (f"fin{character}ance", character, f"ä{character}"):
        assert character not in visible(text)
        assert visible(text) != visible(text.replace(character, ""))
        assert character not in shorten(text, 80)


@pytest.mark.req("T1")
def test_no_code_point_reaches_the_screen_as_a_control() -> None:
    raw = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
    everything = (chr(code) for code in range(sys.maxunicode + 1))
    passed = {c for c in everything if unicodedata.category(c) in raw and c in visible(f"a{c}b")}
    assert passed == {"\n", "\t"}
    assert not passed & set(visible("a\nb\tc", one_line=True))


@pytest.mark.req("T1")
def test_ordinary_text_is_left_alone() -> None:
    for text in ("plain", "Grüße, 日本語, हिन्दी, عربى, e\u0301", "⚠\ufe0f careful", "two\n\tlines", ""):
        assert visible(text) == text
    assert visible("a\r\nb") == "a\nb"
    assert "\ufe0f" not in visible("x\ufe0f")
