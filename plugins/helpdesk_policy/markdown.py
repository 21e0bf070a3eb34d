"""Markdown and plain text into sections, line by line, so that every line keeps its number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from helpdesk_policy.documents import Outline

_ATX = re.compile(r" {0,3}(?P<marks>#{1,6})(?P<space>[ \t]*)(?P<text>[^#\s].*?)?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?P<mark>=+|-{3,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s+[^<>]*)?/?>")
_HIDDEN_START = re.compile(r"<!--|<(?P<tag>script|style)\b[^<>]*>", re.IGNORECASE)
_HIDDEN_END = {
    "<!--": re.compile(r"-->"),
    "script": re.compile(r"</script\s*>", re.IGNORECASE),
    "style": re.compile(r"</style\s*>", re.IGNORECASE),
}
_NO_PARAGRAPH = re.compile(r"\s*(?:[-*+>|]|\d+[.)])\s|\s*\||\s{4}")
_EMPHASIS = re.compile(r"(\*\*|__|\*|`)(?=\S)(.+?)(?<=\S)\1")
_LINKED = re.compile(r"!?\[([^\[\]]*)\]\([^)]*\)")
_NUMBERED = re.compile(r"(?P<number>\d+(?:\.\d+)*)[.)]?\s+(?P<text>[^\W\d_].*[^.;,:])$")
_TEXT_HEADING = 90
_LONGEST_HEADING = 400


class _Html:
    """Takes HTML out of Markdown lines: tags, comments, scripts and styles; the text stays on its line."""

    def __init__(self) -> None:
        self._inside: str | None = None

    def strip(self, line: str) -> str:
        kept = ""
        while line:
            if self._inside is not None:
                end = _HIDDEN_END[self._inside].search(line)
                if end is None:
                    break
                self._inside, line = None, line[end.end() :]
            start = _HIDDEN_START.search(line)
            if start is None:
                kept += line
                break
            kept += line[: start.start()]
            self._inside, line = (start["tag"] or "<!--").lower(), line[start.end() :]
        return _TAG.sub("", kept)


def read_markdown(lines: Sequence[str]) -> Outline:
    """Sections by ATX and underlined headings; front matter gives the title; code fences hold no headings."""
    outline = Outline()
    html, fence, i = _Html(), "", _front_matter(lines, outline)
    while i < len(lines):
        raw = lines[i]
        if fence or (opened := _FENCE.match(raw)):
            if not fence:
                fence = opened["fence"]  # type: ignore[index]  # matched just above
            elif raw.strip().startswith(fence) and not raw.strip().strip(fence[0]):
                fence = ""
            outline.line(i + 1, raw)
            i += 1
            continue
        if (found := _heading(lines, i)) is not None:
            level, text, used = found
            outline.heading(level, plain(html.strip(text)), i + 1)
            i += used
            continue
        shown = html.strip(raw)
        outline.line(i + 1, shown if shown.strip() or not raw.strip() else "")
        i += 1
    return outline


def _front_matter(lines: Sequence[str], outline: Outline) -> int:
    """Read ``title:`` from a leading YAML block; returns the first line after it."""
    if not lines or lines[0].strip() != "---":
        return 0
    end = next((i for i in range(1, min(len(lines), 200)) if lines[i].strip() in ("---", "...")), 0)
    for line in lines[1:end]:
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() == "title" and key == key.lstrip():
            outline.title = value.strip().strip("\"'")
    return end + 1 if end else 0


def _heading(lines: Sequence[str], i: int) -> tuple[int, str, int] | None:
    """Level, text and number of lines of the heading at ``i``, if there is one."""
    line = lines[i]
    if len(line) > _LONGEST_HEADING:
        return None
    found = _ATX.match(line)
    if found and found["text"] and (found["space"] or _stands_alone(lines, i, found["text"])):
        return len(found["marks"]), found["text"], 1
    under = _UNDERLINE.match(lines[i + 1]) if i + 1 < len(lines) else None
    if under is None or not line.strip() or _NO_PARAGRAPH.match(line) or "|" in line:
        return None
    return (1 if under["mark"][0] == "=" else 2), line.strip(), 2


def _stands_alone(lines: Sequence[str], i: int, text: str) -> bool:
    """``#Salary`` is a heading people write; ``#updates`` inside a paragraph is a channel."""
    before = i == 0 or not lines[i - 1].strip()
    after = i + 1 >= len(lines) or not lines[i + 1].strip()
    return before and after and (text[0].isupper() or text[0].isdigit())


def plain(text: str) -> str:
    """A heading without its marks of emphasis and links."""
    return _EMPHASIS.sub(r"\2", _LINKED.sub(r"\1", text)).strip()


def read_text(lines: Sequence[str]) -> Outline:
    """Plain text: underlined lines, lines in capitals and numbered lines standing alone are headings."""
    outline = Outline()
    i = 0
    while i < len(lines):
        level, used = _text_heading(lines, i)
        if level:
            outline.heading(level, lines[i], i + 1)
        else:
            outline.line(i + 1, lines[i])
        i += used
    return outline


def _text_heading(lines: Sequence[str], i: int) -> tuple[int, int]:
    """Level (0: no heading) and how many lines it takes."""
    line = lines[i].strip()
    following = lines[i + 1].strip() if i + 1 < len(lines) else ""
    if not line or len(line) > _TEXT_HEADING:
        return 0, 1
    if len(following) >= 3 and set(following) in ({"="}, {"-"}, {"~"}):
        return (1 if following[0] == "=" else 2), 2
    if following or (i > 0 and lines[i - 1].strip()):
        return 0, 1
    if line.isupper() and sum(map(str.isalpha, line)) >= 3:
        return 1, 1
    numbered = _NUMBERED.match(line)
    return (numbered["number"].count(".") + 1, 1) if numbered else (0, 1)
