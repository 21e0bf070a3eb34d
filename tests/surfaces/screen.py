"""A strict reader of what a terminal is sent: which bytes act on it, and which rows a person sees.

It shares nothing with the program: what may be printed is decided here by the properties of characters, and the
width of a character comes from wcwidth.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from wcwidth import wcwidth

from tests.surfaces.attacks import FORGED_LINES, MARK

OWN_COLORS = re.compile(r"\x1b\[(?:0|1|2|31|32|33|34)m")
OWN_MOVES = re.compile(r"\r\x1b\[K|\x1b\[\?1049[hl]|\x1b\[3J|\x1b\[2J|\x1b\[H|\x1b\[\?2004[hl]|\x1b\[\?25h")
"""What the program writes to a terminal itself: the progress line, the other screen, the marks around a paste."""
EDITOR = re.compile(r"\x1b\[(?:\?(?:1|7|12|25|2004)[hl]|[\d;]*[ABCDHJKmGfG]|6n|\d q)|\x1b[=>]|\r|\x08")
"""What prompt_toolkit draws the chat's line with."""
_ACTS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_HIDES = {
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
    *range(0xE0000, 0xE1000),
}
MOST_MARKS = 8
OUR_MARKS = re.compile(
    rf"(?:✓|✗|✔|✅|\[ok\]|\[XX\]|║|┌─ Please confirm:)\s*(?:Done ✓ )?{MARK}|(?:│|^\|) as {MARK}"
)
_BEGINS = tuple(
    line.split(MARK)[0] for line in FORGED_LINES if MARK in line and line[0].isascii() and line[0] != " "
)


def acting(text: str, own: re.Pattern[str] | None = None) -> list[str]:
    """The characters of ``text`` that act on a terminal or show nothing, apart from sequences of our own."""
    for pattern in (OWN_COLORS, own):
        if pattern is not None:
            text = pattern.sub("", text)
    found = []
    before, marks = " ", 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        picture = character == "\ufe0f" and unicodedata.category(before) == "So"
        if character not in "\n\t" and not picture:
            if category in _ACTS or ord(character) in _HIDES or (category == "Zs" and character != " "):
                found.append(f"U+{ord(character):04X}")
            elif marks > MOST_MARKS or (marks == 1 and before in " \n\t"):
                found.append(f"mark U+{ord(character):04X}")
        before = character
    return found


def raw(data: bytes, own: re.Pattern[str] | None = None) -> list[str]:
    """As :func:`acting`, of bytes that must be UTF-8."""
    try:
        return acting(data.decode(), own)
    except UnicodeDecodeError as error:
        return [f"invalid UTF-8 at {error.start}"]


@dataclass
class Screen:
    """Rows as a terminal shows them: folded at its right edge, the cursor moved by CR, BS and tab only."""

    width: int
    rows: list[str] = field(default_factory=lambda: [""])
    column: int = 0

    def feed(self, text: str) -> Screen:
        text = OWN_COLORS.sub("", text).replace("\r\x1b[K", "\n")
        for character in OWN_MOVES.sub("", text).replace("\r\n", "\n"):
            if character == "\n":
                self._line()
            elif character == "\t":
                self._put(" " * (8 - self.column % 8))
            else:
                self._put(character)
        return self

    def _put(self, text: str) -> None:
        size = sum(max(wcwidth(character), 0) for character in text)
        if self.column + size > self.width:
            self._line()
        self.rows[-1] += text
        self.column += size

    def _line(self) -> None:
        self.rows.append("")
        self.column = 0


def forged(rows: list[str]) -> list[str]:
    """Rows that a person would take for the program's own, although others' words made them."""
    return [
        row for row in rows if OUR_MARKS.search(row) or row.startswith(tuple(f"{b}{MARK}" for b in _BEGINS))
    ]


def cells(text: str) -> int:
    return sum(max(wcwidth(character), 0) for character in text)
