"""How the names that people type are compared, in whatever directory."""

from __future__ import annotations

import stringprep
import unicodedata


def key(name: str) -> str:
    """Two names with one key are one name: case, width, spaces and invisible characters do not count (D7).

    Half a character (a lone surrogate) becomes NUL, which stands in nobody's name.
    """
    whole = "".join("\0" if "\ud800" <= character <= "\udfff" else character for character in name)
    kept = "".join(character for character in whole if not stringprep.in_table_b1(character))
    return " ".join(unicodedata.normalize("NFKC", kept).casefold().split())


def says_nothing(text: str) -> bool:
    """Whether nothing is left of a name or password once it is prepared for comparison (D4)."""
    return not key(text)
