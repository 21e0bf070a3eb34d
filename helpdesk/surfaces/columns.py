"""Columns that stay straight with wide and combining characters, and never cut what identifies a thing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from helpdesk.surfaces.look import Look, clean

GAP = 2
_COLOR = re.compile(r"\x1b\[[\d;]*m")
_SHOWN = re.compile(r"(\x1b\[[\d;]*m)|.", re.DOTALL)
MIN_LAST = 16
"""Columns the last cell needs, at least; a narrower screen gets one record after the other instead."""


def cells(text: str) -> int:
    """How many columns a text takes: wide characters two, combining ones and our own colours none."""
    text = _COLOR.sub("", text)
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff":
        return 0  # vowels and finals of a Hangul syllable, drawn into its first letter
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, width: int) -> str:
    return text + " " * max(width - cells(text), 0)


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most ``width`` columns, broken at spaces; a longer word stays whole."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if line and cells(line) + 1 + cells(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def fold(text: str, width: int) -> list[str]:
    """As :func:`wrap`, and a longer word is broken: the terminal itself never folds such a line.

    Where the terminal folds, others' words would begin a line at the left edge, where only ours do (T3).
    """
    return [part for line in wrap(text, width) for part in pieces(line, width)]


def pieces(line: str, width: int) -> list[str]:
    """One line in pieces of at most ``width`` columns, broken anywhere but within a character or a colour."""
    if cells(line) <= width:
        return [line]
    found, piece, column = [], "", 0
    for match in _SHOWN.finditer(line):
        size = 0 if match[1] else _cell(match[0])
        if size and piece and column + size > width:
            found.append(piece)
            piece, column = "", 0
        piece += match[0]
        column += size
    return [*found, piece]


def hanging(text: str, width: int) -> list[str]:
    """One line folded at spaces; what follows stands two columns further in than its beginning."""
    if cells(text) <= width:
        return [text]
    text = text.rstrip(" ")
    begin = text[: len(text) - len(text.lstrip(" "))]
    text, begin = text.lstrip(" "), begin[: max(width - MIN_LAST - 2, 0)]
    first, *more = fold(text, max(width - len(begin) - 2, MIN_LAST))
    return [begin + first, *(f"{begin}  {part}" for part in more)]


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], look: Look) -> list[str]:
    """Rows under headers; with ``--plain`` one line of tab-separated values each, without headers.

    Every cell passes the sanitiser. The last column is wrapped; the others are never cut: where they
    leave no room, each record is written as lines of its own.
    """
    texts = [[clean(cell) for cell in row] for row in rows]
    if look.plain:
        return ["\t".join(cell.replace("\t", " ") for cell in row) for row in texts]
    if not texts:
        return []
    widths = [max(cells(line[i]) for line in [list(headers), *texts]) for i in range(len(headers) - 1)]
    left = sum(widths) + GAP * len(widths)
    room = look.width - left
    if room < MIN_LAST:
        return _records(headers, texts, look)
    lines = [look.paint(_row([*headers], widths, room)[0], "bold")]
    for row in texts:
        lines += _row(row, widths, room)
    return lines


def _row(row: Sequence[str], widths: Sequence[int], room: int) -> list[str]:
    start = "".join(pad(cell, width + GAP) for cell, width in zip(row, widths, strict=False))
    first, *more = wrap(row[-1], room)
    indent = " " * (sum(widths) + GAP * len(widths))
    return [(start + first).rstrip(), *(indent + line for line in more)]


def _records(headers: Sequence[str], rows: Sequence[Sequence[str]], look: Look) -> list[str]:
    lines: list[str] = []
    width = max(cells(header) for header in headers)
    for row in rows:
        if lines:
            lines.append("")
        for header, cell in zip(headers, row, strict=True):
            first, *more = wrap(cell, max(look.width - width - 1, MIN_LAST))
            lines.append(f"{pad(header, width)} {first}".rstrip())
            lines += [" " * (width + 1) + line for line in more]
    return lines
