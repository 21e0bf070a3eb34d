"""How output may look here: colour, symbols, width. Decided once for each stream."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TextIO

from helpdesk.text import outside

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34"}
_SYMBOLS: Final = {
    "✓": "[ok]",
    "✗": "[XX]",
    "→": "->",
    "…": "...",
    "│": "|",
    "┌": "+",
    "└": "+",
    "─": "-",
    "•": "*",
    "·": "-",
    "—": "-",
    "–": "-",
    "“": '"',
    "”": '"',
    "’": "'",
    "⟨": "<",
    "⟩": ">",
    "⏎": "\\n",
}
TAB: Final = 4
"""Columns between the tab stops of a terminal, where text is folded."""
_COMMAND: Final = re.compile(
    r"\bhelpdesk (ask|chat|tui|do|case|approvals|policy|undo|why|login|logout|whoami|log|reconcile|doctor|config"
    r"|plugin|privacy|grants|workflow|worker|store)\b(?!(?:(?!\bhelpdesk )[^\n·])*--profile)"
)
"""A command that is suggested, unless it names its profile itself. ``demo`` and ``completions`` are of no profile."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one stream can show.

    Attributes:
        color: SGR codes may be written. moves: the cursor may be moved (a terminal that is not dumb).
        encoding: what the stream can take; other characters are replaced, never refused.
        width: columns. folds: lines are broken at spaces to that width, also where the cursor cannot be moved.
        plain: one record a line, nothing drawn.
        profile: the profile that commands in the text must name, so that they work when they are typed.
    """

    color: bool = False
    moves: bool = False
    encoding: str = "utf-8"
    width: int = 80
    plain: bool = False
    profile: str = ""
    folds: bool = False

    def paint(self, text: str, style: str) -> str:
        """``text`` in a style ("bold", "dim", "red", "green", "yellow", "blue") where colour is on."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and text else text

    def lines(self, text: str) -> list[str]:
        """The lines of ``text``: its commands as they must be typed here, folded to the width of a terminal."""
        text = typed(text, self.profile)
        if self.plain or not (self.moves or self.folds):
            return text.split("\n")
        lines = text.expandtabs(TAB).split("\n")
        from helpdesk.surfaces.columns import hanging

        return [part for line in lines for part in hanging(line, self.width)]

    def fit(self, text: str) -> str:
        """``text`` in characters that the stream can take."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            for symbol, instead in _SYMBOLS.items():
                text = text.replace(symbol, instead)
            return text.encode(self.encoding, "backslashreplace").decode(self.encoding)
        return text


def typed(text: str, profile: str) -> str:
    """``text`` with its commands as they must be typed to work in a profile; "" is the usual one."""
    return _COMMAND.sub(rf"helpdesk --profile {profile} \1", text) if profile else text


def look_of(
    stream: TextIO,
    *,
    color: str = "auto",
    plain: bool = False,
    profile: str = "",
    environ: Mapping[str, str] | None = None,
) -> Look:
    """The look of a stream.

    Args:
        color: the flag's value: "auto", "always" or "never"; it beats the environment.
        profile: see :class:`Look`.
        environ: NO_COLOR, FORCE_COLOR, TERM and COLUMNS are looked at.
    """
    environ = os.environ if environ is None else environ
    terminal = stream.isatty()
    dumb = environ.get("TERM", "") == "dumb"
    return Look(
        color=_colored(color, environ, terminal and not dumb),
        moves=terminal and not dumb,
        encoding=stream.encoding or "ascii",
        width=_width(environ),
        plain=plain,
        profile=clean(profile),
    )


def _colored(flag: str, environ: Mapping[str, str], capable: bool) -> bool:
    if flag != "auto":
        return flag == "always"
    if environ.get("FORCE_COLOR", "") not in ("", "0"):
        return True
    return capable and not environ.get("NO_COLOR")


def _width(environ: Mapping[str, str]) -> int:
    asked = environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked) > 0:
        return int(asked)
    return max(shutil.get_terminal_size().columns, 20)


def clean(text: object, *, one_line: bool = True) -> str:
    """Any value as text that cannot act on a terminal, and holds no mark that is ours (T1, T3)."""
    return outside(str(text), one_line=one_line)
