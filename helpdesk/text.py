"""Untrusted text and the one sanitiser in front of every screen (T1, T2).

Directory values, ticket and policy text, model output and plugin messages may hold escape
sequences, bidirectional overrides or invisible characters. They pass :func:`visible` before
they reach a terminal: what would act on the terminal is shown instead of obeyed.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from itertools import repeat
from typing import NewType

Untrusted = NewType("Untrusted", str)
"""Text whose author is not us. Static only: the type makes a missing thought show up in review."""

_KEEP = {"\n", "\t"}
_PICTURES = 0x2400  # U+2400..U+241F picture the C0 controls, U+2421 DEL
_INVISIBLE = {"Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
_UNSEEN = frozenset(
    [
        0x034F,  # combining grapheme joiner
        *(0x115F, 0x1160, 0x3164, 0xFFA0),  # Hangul fillers
        *(0x17B4, 0x17B5),  # Khmer vowels that are never written
        *range(0x180B, 0x1810),  # Mongolian variation selectors
        0x2800,  # the empty Braille cell
        *range(0xFE00, 0xFE10),  # variation selectors
        *range(0xE0100, 0xE01F0),
    ]
)
"""Marks and letters that show nothing, although their categories are those of visible ones."""
_AS_PICTURE = "\ufe0f"


def visible(text: str, *, one_line: bool = False) -> str:
    """``text`` with everything that could act on a terminal made visible.

    C0 and C1 controls (and so every CSI, OSC and DCS sequence), DEL, bidirectional controls,
    zero-width and other format characters, private and unassigned code points and lone
    surrogates become a printable stand-in, and so does every other character that shows nothing: two names
    that look alike must not differ in it. New lines and tabs stay, unless ``one_line`` is set.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    return "".join(map(_shown, text, " " + text, repeat(one_line)))


def _shown(character: str, before: str, one_line: bool) -> str:
    if character in _KEEP:
        return {"\n": "⏎", "\t": " "}[character] if one_line else character
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    category = unicodedata.category(character)
    if character == _AS_PICTURE and unicodedata.category(before) == "So":
        return character  # "warning sign, in colour"
    if category == "Cc" or category in _INVISIBLE or code in _UNSEEN:
        return f"⟨U+{code:04X}⟩"
    return character


def shorten(text: str, width: int) -> str:
    """``text`` on one line, at most ``width`` characters, with an ellipsis where it was cut."""
    line = visible(text, one_line=True)
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def folded(name: str) -> str:
    """Two names with one folded form are one name: case, width, spaces and invisible characters do not count (D7).

    Half a character (a lone surrogate) becomes NUL, which stands in nobody's name.
    """
    import stringprep

    whole = "".join("\0" if "\ud800" <= character <= "\udfff" else character for character in name)
    kept = "".join(character for character in whole if not stringprep.in_table_b1(character))
    return " ".join(unicodedata.normalize("NFKC", kept).casefold().split())


def says_nothing(text: str) -> bool:
    """Whether nothing is left of a name or password once it is prepared for comparison (D4)."""
    return not folded(text)


def local_time(moment: datetime, now: datetime | None = None) -> str:
    """A moment as a person says it: "15:20" today, otherwise "Tuesday 14:10" or "2026-03-09 14:10"."""
    here = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone()
    if here.date() == today.date():
        return here.strftime("%H:%M")
    if abs((here.date() - today.date()).days) < 7:
        return here.strftime("%A %H:%M")
    return here.strftime("%Y-%m-%d %H:%M")
