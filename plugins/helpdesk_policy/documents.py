"""A policy document as passages: what is cited is what stands in the file, at the line where it begins."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

PASSAGE_CHARACTERS = 1200
"""A section longer than this is cut at a blank line, so that a citation stays readable."""
LONGEST_LINE = 1600
SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text"}
SUFFIXES |= {".html": "html", ".htm": "html"}
"""Which files are policy documents, and how each is read."""

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
_ADDRESS = re.compile(r"\bhttps?://\S+|\bmailto:\S+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one section.

    Attributes:
        headings: the section's heading and those above it, outermost first; without the document's title.
        line: where ``text`` begins in the file, from 1.
        text: as it is shown.
    """

    headings: tuple[str, ...]
    line: int
    text: str

    @property
    def heading(self) -> str:
        return self.headings[-1] if self.headings else ""

    @property
    def words(self) -> str:
        """The text as it is searched: without the addresses of links."""
        return _ADDRESS.sub(" ", _LINK.sub(r"\1", self.text))


@dataclass(slots=True)
class Section:
    """What stands under one heading, up to the next one.

    Attributes:
        level: of the heading, 1 is the outermost; 0 for what stands before any heading.
        headings: its own heading last, after those above it. line: where the heading stands.
        lines: numbers and texts. outer: sections follow inside it.
    """

    level: int = 0
    headings: tuple[str, ...] = ()
    line: int = 1
    lines: list[tuple[int, str]] = field(default_factory=list)
    outer: bool = False

    @property
    def heading(self) -> str:
        return self.headings[-1] if self.headings else ""

    def passages(self) -> list[Passage]:
        """Its text in pieces; a heading with nothing below it, not even sections, is a piece itself."""
        found = [Passage(self.headings, line, text) for line, text in _pieces(self.lines)]
        if not found and self.headings and not self.outer:
            found = [Passage(self.headings, self.line, self.heading)]
        return found


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    sections: tuple[Section, ...]

    @property
    def passages(self) -> list[Passage]:
        return [passage for section in self.sections for passage in section.passages()]


@dataclass(slots=True)
class Outline:
    """Collects headings and lines; every format fills one of these."""

    title: str = ""
    sections: list[Section] = field(default_factory=lambda: [Section()])
    _path: list[tuple[int, str]] = field(default_factory=list)

    def heading(self, level: int, text: str, line: int) -> None:
        """A new section begins; ``line`` is where its heading stands."""
        text = " ".join(text.split())
        if not text:
            return
        last = self.sections[-1]
        last.outer = 0 < last.level < level
        if level == 1 and not self.title:
            self.title = text
        self._path = [(depth, name) for depth, name in self._path if depth < level] + [(level, text)]
        self.sections.append(Section(level, tuple(name for _, name in self._path), line))

    def line(self, number: int, text: str) -> None:
        self.sections[-1].lines.append((number, text.rstrip()))

    def document(self, name: str) -> Document:
        """Everything collected; ``name`` is the title of a document that states none."""
        return Document(self.title or name, tuple(self.sections))


def _pieces(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines as pieces of about PASSAGE_CHARACTERS, cut at blank lines where there are any."""
    piece: list[str] = []
    start, size, last_blank = 0, 0, False
    for number, text in _bounded(lines):
        if not text.strip():
            last_blank = True
            if piece:
                piece.append("")
            continue
        more = size + len(text)
        if piece and (more > 2 * PASSAGE_CHARACTERS or (last_blank and more > PASSAGE_CHARACTERS)):
            yield start, "\n".join(piece).rstrip()
            piece, size = [], 0
        if not piece:
            start = number
        piece.append(text)
        size += len(text)
        last_blank = False
    if piece:
        yield start, "\n".join(piece).rstrip()


def _bounded(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines, none of them endless: a longer one comes in several parts with the same number."""
    for number, text in lines:
        while len(text) > LONGEST_LINE:
            cut = text.rfind(" ", LONGEST_LINE // 2, LONGEST_LINE)
            cut = cut if cut > 0 else LONGEST_LINE
            yield number, text[:cut]
            text = text[cut:].lstrip()
        yield number, text


def decode(data: bytes) -> str | None:
    """The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252; ``None`` when it is no text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            return None
    if b"\x00" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def lines_of(text: str) -> list[str]:
    """The lines as editors count them: only line feeds and carriage returns end one."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def name_of(file: str) -> str:
    """A readable name for a document without a title: its file's, or its folder's for index files."""
    parts = file.split("/")
    stem = parts[-1].rpartition(".")[0] or parts[-1]
    if stem.lower() in ("index", "_index", "readme") and len(parts) > 1:
        stem = parts[-2]
    return " ".join(re.split(r"[-_\s]+", stem)).strip() or file


def parse(data: bytes, file: str) -> Document | None:
    """A file as a document; ``None`` when its content is no text."""
    text = decode(data)
    if text is None:
        return None
    kind = SUFFIXES["." + file.rpartition(".")[2].lower()]
    if kind == "html":
        from helpdesk_policy.hypertext import read_html

        return read_html(text).document(name_of(file))
    from helpdesk_policy.markdown import read_markdown, read_text

    return (read_markdown if kind == "markdown" else read_text)(lines_of(text)).document(name_of(file))
