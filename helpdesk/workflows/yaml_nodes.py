"""A YAML file as nodes that know where they stand, and the list of what is wrong with it.

Nothing is made out of the nodes by YAML itself: no dates, no booleans out of "no", no objects, no anchors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from helpdesk.errors import ConfigError
from helpdesk.text import shorten, visible

if TYPE_CHECKING:
    from yaml.nodes import Node

MAX_BYTES = 256 * 1024
MAX_DEPTH = 30
_TAGS = ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")
"""Of what stands there plainly; whatever else is written out with ``!``."""
_QUOTED = re.compile(r"""[:-]\s+(['"])""")
_KINDS = {"scalar": "a value", "sequence": "a list", "mapping": "a set of keys"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a file. ``line`` counts from 1; ``hint``: what was probably meant."""

    file: str
    line: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" + (f" {self.hint}" if self.hint else "")


class BadWorkflow(ConfigError):
    """A workflow file that cannot be used, with everything that is wrong with it."""

    code = "workflow-file"

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        first, more = self.mistakes[0], len(self.mistakes) - 1
        others = f" ({more} more: helpdesk workflow check FILE)" if more else ""
        super().__init__(f"{first.file}:{first.line}: {first.message}{others}", hint=first.hint)


@dataclass(slots=True)
class Mistakes:
    """What was found so far; reading goes on, so that a person sees everything at once."""

    file: str
    found: list[Mistake] = field(default_factory=list)

    def add(self, line: int, message: str, hint: str = "") -> None:
        mistake = Mistake(self.file, line, visible(message, one_line=True), visible(hint, one_line=True))
        if mistake not in self.found:
            self.found.append(mistake)

    def raise_any(self) -> None:
        """Raises BadWorkflow where something was found."""
        if self.found:
            raise BadWorkflow(sorted(self.found, key=lambda one: one.line))


def meant(word: str, known: Iterable[str], what: str = "") -> str:
    """ "Did you mean …?", or what there is."""
    names = list(known)
    near = get_close_matches(word, names, n=1, cutoff=0.55)
    if near:
        return f"Did you mean {near[0]}?"
    return f"There {'is' if len(names) == 1 else 'are'}: {', '.join(names)}." if names else what


@dataclass(frozen=True, slots=True)
class Found:
    """One node. ``kind``: scalar, sequence or mapping; ``plain``: a scalar without quotes."""

    kind: str
    line: int
    mistakes: Mistakes
    text: str = ""
    plain: bool = False
    items: tuple[Found, ...] = ()
    pairs: Mapping[str, Found] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def wrong(self, message: str, hint: str = "") -> None:
        self.mistakes.add(self.line, message, hint)

    @property
    def shown(self) -> str:
        """What stands there, for a message."""
        return repr(shorten(self.text, 60)) if self.kind == "scalar" else _KINDS[self.kind]

    @property
    def empty(self) -> bool:
        return self.kind == "scalar" and self.plain and self.text in ("", "~", "null", "Null", "NULL")

    # ── what is expected ──────────────────────────────────────────────────────────────────────

    def is_a(self, kind: str, what: str, example: str = "") -> bool:
        """Say what was expected where it is something else."""
        if self.kind == kind:
            return True
        hint = f"For example: {example}" if example else ""
        if self.kind == "mapping" and kind == "scalar":
            hint = self._braces() or hint
        self.wrong(f"{what} must be {_KINDS[kind]}, not {self.shown}.", hint)
        return False

    def _braces(self) -> str:
        """``{person}`` without quotes is a set of keys to YAML, which nobody means."""
        if len(self.pairs) == 1 and all(found.empty for found in self.pairs.values()):
            return f'Write "${{{next(iter(self.pairs))}}}", with the quotation marks.'
        return ""

    def words(self, what: str, *, most: int = 2000) -> str:
        """A text. "" where there is none, which was said."""
        if not self.is_a("scalar", what):
            return ""
        if not self.text.strip():
            self.wrong(f"{what} is empty.")
        elif len(self.text) > most:
            self.wrong(f"{what} is longer than {most:,} characters.")
        elif any(ord(one) < 32 and one not in "\n\t" for one in self.text):
            self.wrong(f"{what} holds a character that cannot be shown.")
        else:
            return self.text.strip()
        return ""

    def number(self, what: str, least: int, most: int) -> int:
        """A whole number. ``least`` where there is none, which was said."""
        text = self.text.strip().replace("_", "x")
        if self.kind == "scalar" and text.lstrip("-").isascii() and text.lstrip("-").isdigit():
            value = int(text[:20])
            if least <= value <= most:
                return value
            self.wrong(f"{what} must be between {least:,} and {most:,}, not {self.shown}.")
            return least
        self.wrong(f"{what} must be a whole number, not {self.shown}.")
        return least

    def yes(self, what: str) -> bool:
        if self.kind == "scalar" and self.text.lower() in ("yes", "true", "on", "no", "false", "off"):
            return self.text.lower() in ("yes", "true", "on")
        self.wrong(f"{what} must be yes or no, not {self.shown}.")
        return False

    def one_of(self, what: str, known: Iterable[str]) -> str:
        names = list(known)
        if not self.is_a("scalar", what):
            return ""
        if self.text in names:
            return self.text
        self.wrong(f"{what} cannot be {self.shown}.", meant(self.text, names))
        return ""

    def members(self, what: str) -> tuple[Found, ...]:
        """A list; a single value counts as a list of one."""
        if self.kind == "scalar" and not self.empty:
            return (self,)
        return self.items if self.is_a("sequence", what) else ()

    def known_keys(self, what: str, known: Iterable[str]) -> None:
        """Say each key that nobody knows, with the one that was probably meant."""
        names = list(known)
        for key in self.pairs:
            if key not in names:
                self.mistakes.add(self.lines[key], f"{what} has no key {key!r}.", meant(key, names))

    def get(self, key: str) -> Found | None:
        """What a key holds; ``None`` where it is not there, or is left empty, which is said."""
        found = self.pairs.get(key)
        if found is not None and found.empty:
            found.mistakes.add(
                self.lines[key], f"{key}: has nothing behind it.", "Fill it in or take it out."
            )
            return None
        return found


def read(text: str | bytes, file: str) -> Found:
    """The one document of a file.

    Args:
        file: its name, for messages.

    Raises:
        BadWorkflow: it is no YAML, or uses what no workflow file may.
    """
    import yaml

    mistakes = Mistakes(file)
    if isinstance(text, bytes):
        text = _decoded(text, mistakes)
    if len(text) > MAX_BYTES:
        mistakes.add(
            1, f"the file is larger than {MAX_BYTES // 1024} KiB.", "Split it into several workflows."
        )
        mistakes.raise_any()
    try:
        _no_aliases(text, mistakes)
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mistakes.add(*_slip(error, text))
        mistakes.raise_any()
    except RecursionError:
        mistakes.add(1, "the file is nested too deeply.")
        mistakes.raise_any()
    if not nodes or nodes[0] is None:
        mistakes.add(1, "the file is empty.", "helpdesk help workflows shows a whole one.")
        mistakes.raise_any()
    if len(nodes) > 1:
        line = nodes[1].start_mark.line + 1
        mistakes.add(line, "a second document begins here (---).", "One file holds one workflow.")
    return _found(nodes[0], mistakes, 0)


def _decoded(text: bytes, mistakes: Mistakes) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text[: error.start].count(b"\n") + 1
        mistakes.add(line, "the file is not UTF-8 text.", "Save it as UTF-8.")
        raise BadWorkflow(mistakes.found) from None


def _no_aliases(text: str, mistakes: Mistakes) -> None:
    import yaml

    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            mark = event.start_mark
            line = mark.line + 1 if mark else 1
            mistakes.add(
                line, "anchors and aliases (& and *) cannot be used.", 'Put a text that begins so in "…".'
            )
            mistakes.raise_any()


def _slip(error: Any, text: str) -> tuple[int, str, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark else 1
    rows = text.splitlines()
    row = rows[line - 1] if line <= len(rows) else ""
    problem = str(getattr(error, "problem", "") or "it cannot be read")
    if "\t" in row[: len(row) - len(row.lstrip())] or "'\\t'" in problem:
        return line, "a tab stands at the beginning of the line.", "Indent with spaces."
    if "mapping values are not allowed" in problem:
        return (
            line,
            "a text with a colon in it needs quotation marks.",
            f'Write "…": {shorten(row.strip(), 60)}',
        )
    if "${" in row and "flow" in f"{problem} {getattr(error, 'context', '')}":
        return line, "inside of { } an expression needs quotation marks.", 'Write "${…}".'
    for number, one in enumerate(rows[:line], 1):
        opened = _QUOTED.search(one)
        if opened and one[opened.start(1) :].count(opened[1]) % 2:
            return number, "a quotation mark is not closed.", f"Found: {shorten(one.strip(), 60)}"
    if "found character" in problem and "cannot start" in problem:
        return (
            line,
            "a text that begins with this character needs quotation marks.",
            f"Found: {row.strip()[:60]}",
        )
    if "unexpected end of stream" in problem or "end of stream" in problem:
        return line, "a quotation mark or a bracket is not closed.", ""
    return line, f"this is no YAML: {problem}.", "Look at the indentation of this line and the one above it."


def _found(node: Node, mistakes: Mistakes, depth: int) -> Found:
    import yaml

    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        mistakes.add(line, "the file is nested too deeply.")
        return Found("scalar", line, mistakes)
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        mistakes.add(line, f"{node.tag} cannot be used.", 'Put a text that begins with ! in "…".')
    if isinstance(node, yaml.ScalarNode):
        return Found("scalar", line, mistakes, text=node.value, plain=node.style is None)
    if isinstance(node, yaml.SequenceNode):
        items = tuple(_found(one, mistakes, depth + 1) for one in node.value)
        return Found("sequence", line, mistakes, items=items)
    pairs: dict[str, Found] = {}
    lines: dict[str, int] = {}
    for key, value in _keys(node, mistakes):
        if key.text in pairs:
            mistakes.add(key.line, f"{key.text}: stands there twice, first in line {lines[key.text]}.")
            continue
        pairs[key.text] = _found(value, mistakes, depth + 1)
        lines[key.text] = key.line
    return Found("mapping", line, mistakes, pairs=pairs, lines=lines)


def _keys(node: Any, mistakes: Mistakes) -> Iterator[tuple[Found, Node]]:
    import yaml

    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            yield _found(key, mistakes, 0), value
        else:
            mistakes.add(key.start_mark.line + 1, "a key must be a word, not a list or a set of keys.")
