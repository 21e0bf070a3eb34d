"""One document, or one section of it, with the line numbers of its file.

Only what the index knows can be named, so no name leads out of the policy folders.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from helpdesk.plugin import (
    Ambiguous,
    Answer,
    Citation,
    Failed,
    NotFound,
    Observation,
    Untrusted,
    shorten,
    visible,
)
from helpdesk_policy.documents import Document, Section, name_of, parse
from helpdesk_policy.folders import Found, Source, read

MAX_LINES = 2000
_RANKS = 6


@dataclass(frozen=True, slots=True)
class _Document:
    source: str
    file: str
    title: str

    @property
    def names(self) -> tuple[str, ...]:
        """What a person may call it, folded; the most exact first."""
        exact = f"{self.source}/{self.file}", self.file
        loose = self.title, name_of(self.file), self.file.rpartition("/")[2], self.file.rpartition(".")[0]
        return tuple(_folded(name) for name in (*exact, *loose))


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace("\\", "/").removeprefix("./").split())


def shown(database: sqlite3.Connection, sources: Sequence[Source], named: str, heading: str | None) -> Answer:
    """The numbered text of a document, or of one section with the sections inside it.

    Raises:
        NotFound: no policy document, or none of its sections, has that name. Ambiguous: several have.
        Failed: its file cannot be read any more.
    """
    document, heading = _named(database, named, heading)
    content = _read(document, sources)
    parts = list(content.sections) if heading is None else _section(content.sections, heading, document)
    lines = [line for part in parts for line in _lines(part)]
    while lines and not lines[-1][1]:
        lines.pop()
    target = f"{document.source}/{document.file}"
    return Answer(
        visible(f"{content.title} ({target})\n{_numbered(lines)}"),
        {
            "source": document.source,
            "file": document.file,
            "title": content.title,
            "lines": [{"line": number, "text": text} for number, text in lines[:MAX_LINES]],
        },
        (Observation("policies", target, "title", content.title, content.title),),
        citations=tuple(
            Citation(document.source, document.file, p.heading or content.title, p.line, Untrusted(p.text))
            for part in parts
            for p in part.passages()
        ),
    )


def _lines(section: Section) -> list[tuple[int, str]]:
    """A section's heading and lines; blank ones only between others."""
    heading = [(section.line, "#" * section.level + " " + section.heading)] if section.level else []
    lines = heading + section.lines
    return [line for i, line in enumerate(lines) if line[1] or (i and lines[i - 1][1])]


def _numbered(lines: Sequence[tuple[int, str]]) -> str:
    kept = lines[:MAX_LINES]
    wide = len(str(max((number for number, _ in kept), default=1)))
    text = "\n".join(f"{number:>{wide}}  {line}" if line else "" for number, line in kept)
    more = len(lines) - len(kept)
    return text + (f"\n… {more:,} more lines; name one of its headings." if more else "")


def _named(database: sqlite3.Connection, named: str, heading: str | None) -> tuple[_Document, str | None]:
    """The document, and the heading; "FILE HEADING" in one is understood too."""
    documents = [_Document(*row) for row in database.execute("SELECT source, file, title FROM documents")]
    known = {name for document in documents for name in document.names}
    words = named.split()
    if heading is None and _folded(named) not in known:
        for end in range(len(words) - 1, 0, -1):
            if (first := _folded(" ".join(words[:end]))) in known:
                return _find(documents, first), " ".join(words[end:])
    return _find(documents, named), heading


def _find(documents: Sequence[_Document], named: str) -> _Document:
    wanted = _folded(named)
    for rank in range(_RANKS):
        matching = [document for document in documents if document.names[rank] == wanted]
        if len(matching) == 1:
            return matching[0]
        if matching:
            names = ", ".join(sorted(f"{d.source}/{d.file}" for d in matching)[:5])
            raise Ambiguous(
                f"{len(matching)} policy documents are called {shorten(named, 60)!r}.",
                hint=visible(f"One of: {names}"),
            )
    by_name = {name: document for document in documents for name in document.names}
    near = dict.fromkeys(by_name[name].file for name in get_close_matches(wanted, by_name, n=5, cutoff=0.5))
    near |= dict.fromkeys(d.file for d in documents if wanted and wanted in " ".join(d.names))
    raise NotFound(
        f"There is no policy document {shorten(named, 60)!r}.",
        hint=visible(f"Near it: {', '.join(list(near)[:5])}.")
        if near
        else "helpdesk policy search finds one by its content.",
    )


def _read(document: _Document, sources: Sequence[Source]) -> Document:
    """The document as it stands on disk now; its place comes from the index, not from the person."""
    source = next(source for source in sources if source.name == document.source)
    path = os.path.join(os.path.realpath(source.folder), *document.file.split("/"))
    try:
        content = parse(read(Found(source.name, document.file, path, ""), source), document.file)
    except OSError as error:
        raise Failed(
            f"{path} cannot be read: {error.strerror or error}.", code="policy-unreadable"
        ) from error
    if content is None:
        raise Failed(f"{shorten(path, 400)} is no text any more.", code="policy-unreadable")
    return content


def _section(sections: Sequence[Section], heading: str, document: _Document) -> list[Section]:
    """The section with this heading, and those inside it."""
    wanted = _folded(heading)
    starts = [i for i, section in enumerate(sections) if _folded(section.heading) == wanted]
    if not starts:
        names = dict.fromkeys(section.heading for section in sections if section.heading)
        folded = {_folded(name): name for name in names}
        near = [folded[name] for name in get_close_matches(wanted, folded, n=3, cutoff=0.4)]
        listed = ", ".join(near or list(names)[:8])
        raise NotFound(
            f"{shorten(document.file, 200)} has no heading {shorten(heading, 60)!r}.",
            hint=visible(f"It has: {listed}.") if listed else "It has no headings at all.",
        )
    chosen: list[Section] = []
    for start in starts:
        level = sections[start].level
        end = next((i for i in range(start + 1, len(sections)) if sections[i].level <= level), len(sections))
        chosen += [section for section in sections[start:end] if section not in chosen]
    return chosen
