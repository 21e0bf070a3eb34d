"""Untrusted text and the one sanitiser in front of every screen (T1, T2).

Directory values, ticket and policy text, model output and plugin messages may hold escape
sequences, bidirectional overrides or invisible characters. They pass :func:`visible` before
they reach a terminal: what would act on the terminal is shown instead of obeyed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final, NewType

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
        *(0x1D159, 0x16FE4),  # a note head and a filler that are never drawn
        *(0x13441, 0x13442),  # Egyptian blanks
        *range(0xFE00, 0xFE10),  # variation selectors
        *range(0xE0100, 0xE01F0),
    ]
)
"""Marks and letters that show nothing, although their categories are those of visible ones."""
_AS_PICTURE = "\ufe0f"
MOST_MARKS: Final = 6
"""Combining marks on one letter; more of them are drawn over other lines of the screen."""

_MARKS_OF_OURS = re.compile(r"\[(ok|xx)\]", re.IGNORECASE)
_OURS: dict[int, str] = dict.fromkeys(
    (*range(0x2500, 0x2580), 0x23D0, 0xFF5C, 0xFFE8, *range(0x239B, 0x23B4), 0x2758, 0x2759, 0x275A, 0x23B8),
    "|",
)
_OURS |= {ord(character): "-" for character in "─━╌╍┄┅┈┉═╴╶╸╺"}
_OURS |= {ord(character): "+" for character in "┌┐└┘├┤┬┴┼┏┓┗┛╭╮╯╰╔╗╚╝"}
_OURS |= {ord(character): "(tick)" for character in "✓✔☑✅⍻🗸🗹"}
_OURS |= {ord(character): "(cross)" for character in "✗✘✖❌❎☒🗙🗴🗵🗶🗷"}
_OURS |= {ord("√"): "(root)"}
"""Everything that could be taken for the frame of a confirmation or for the mark of a receipt."""


def visible(text: str, *, one_line: bool = False) -> str:
    """``text`` with everything that could act on a terminal made visible.

    C0 and C1 controls (and so every CSI, OSC and DCS sequence), DEL, bidirectional controls,
    zero-width and other format characters, private and unassigned code points and lone
    surrogates become a printable stand-in, and so does every other character that shows nothing: two names
    that look alike must not differ in it. So do combining marks that stand on nothing, or on many of their kind.
    Every space is a plain one. New lines and tabs stay, unless ``one_line`` is set.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    before, marks, alone = " ", 0, False
    for character in text.replace("\r\n", "\n"):
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            marks += 1
            alone = alone if marks > 1 else before in " \n\t"
            shown.append(_mark(character, before, too_many=alone or marks > MOST_MARKS))
        else:
            marks = 0
            shown.append(_shown(character, category, one_line))
        before = character
    return "".join(shown)


def _mark(character: str, before: str, *, too_many: bool) -> str:
    if character == _AS_PICTURE and unicodedata.category(before) == "So":
        return character  # "warning sign, in colour"
    return _stand_in(character) if too_many or ord(character) in _UNSEEN else character


def _shown(character: str, category: str, one_line: bool) -> str:
    if character in _KEEP:
        return {"\n": "⏎", "\t": " "}[character] if one_line else character
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    if category == "Zs":
        return " "
    return (
        _stand_in(character) if category == "Cc" or category in _INVISIBLE or code in _UNSEEN else character
    )


def _stand_in(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def outside(text: str, *, one_line: bool = True) -> str:
    """Others' words for a screen on which our own lines stand: :func:`visible`, and none of our marks (T2, T3).

    The frame of a confirmation and the marks in front of a receipt are drawn by the program alone.
    """
    shown = visible(text, one_line=one_line)
    if shown.isascii() and "[" not in shown:
        return shown
    return _MARKS_OF_OURS.sub(r"(\1)", shown.translate(_OURS))


_LOOK_LATIN = frozenset(
    "аеорсухіјѕһԁԛԝѵӏьАВЕКМНОРСТУХІЈЅԌԚԜҮ"  # Cyrillic
    "αικνορυχγΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳ"  # Greek
    "օսոհցքզԼՕՏՍ"  # Armenian
    "ᎪᏴᏟᎠᎬᏀᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ"  # Cherokee
    "ɑɡǀ"  # phonetic
)
"""Letters of other scripts that are drawn as Latin ones are."""


def look_alikes(text: str) -> tuple[str, ...]:
    """What a name is not that it looks like, in sentences for a confirmation; nothing for honest names.

    Words that mix Latin letters with those of another script, or are made only of letters that pass for Latin ones;
    characters that are other forms of plain letters and digits; and letters that run from right to left, which may
    swap on a screen what stands before and behind them.
    """
    if text.isascii():
        return ()
    found: dict[str, None] = {}
    for word in re.findall(r"\w+", text):
        if odd := _odd(word):
            told = ", ".join(f"{c} is {_named(c)}" for c in dict.fromkeys(odd))
            found[f"“{visible(word, one_line=True)}” is not what it looks like: {told}."] = None
    leftwards = [w for w in text.split() if any(unicodedata.bidirectional(c) in ("R", "AL") for c in w)]
    for word in leftwards:
        found[
            f"“{visible(word, one_line=True)}” runs from right to left; what stands first is at its right."
        ] = None
    return tuple(found)


def _odd(word: str) -> list[str]:
    """The characters of a word that pass for others."""
    forms = [c for c in word if not c.isascii() and unicodedata.normalize("NFKC", c).isascii()]
    letters = [c for c in word if c.isalpha() and c not in forms]
    others = [c for c in letters if not _is_latin(c)]
    mixed = len(others) < len(letters)
    passing = [c for c in others if c in _LOOK_LATIN]
    forms += [c for c in letters if c in "ɑɡǀ"]
    if mixed and any(_script(c) in ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC") for c in others):
        return forms + others
    return forms + (passing if passing and len(passing) == len(others) else [])


def _is_latin(character: str) -> bool:
    return character.isascii() or _script(character) == "LATIN"


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def _named(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name').lower()}"


def shorten(text: str, width: int) -> str:
    """``text`` on one line, at most ``width`` characters, with an ellipsis where it was cut."""
    line = visible(text, one_line=True)
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def whole(text: str, instead: str = "\ufffd") -> str:
    """``text`` without half characters (lone surrogates), which no system can store; bytes that were no UTF-8 are such."""
    if text.isascii():
        return text
    return "".join(instead if "\ud800" <= character <= "\udfff" else character for character in text)


def folded(name: str) -> str:
    """Two names with one folded form are one name: case, width, spaces and invisible characters do not count (D7).

    Half a character (a lone surrogate) becomes NUL, which stands in nobody's name.
    """
    if name.isascii():  # nothing in it is invisible or has another form
        return " ".join(name.lower().split())
    import stringprep

    kept = "".join(character for character in whole(name, "\0") if not stringprep.in_table_b1(character))
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
