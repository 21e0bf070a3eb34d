"""HTML into sections: text under headings, each paragraph at the line where it begins."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import TypeAlias

from helpdesk_policy.documents import Outline

_Attributes: TypeAlias = list[tuple[str, str | None]]
_UNSEEN = frozenset(("script", "style", "template", "noscript", "svg", "nav"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|br|caption|d[dlt]|div|fieldset|figcaption|figure|footer|form"
    "|header|hr|html|li|main|ol|option|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul"
)


_HIDDEN = re.compile(r"<!--|<(?P<tag>script|style)\b[^<>]*>", re.IGNORECASE)
_ENDS = {
    "": re.compile(r"--!?>"),
    "script": re.compile(r"</script\b[^>]*>", re.IGNORECASE),
    "style": re.compile(r"</style\b[^>]*>", re.IGNORECASE),
}
_OPENS_NOTHING = re.compile(r"<(?![^<>]*>)")


class _Reader(HTMLParser):
    """Character references are resolved here, not by the parser, so that line numbers stay exact."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.outline = Outline()
        self._unseen: list[str] = []
        self._heading = ""
        self._in_title = False
        self._text: list[str] = []
        self._line = 0

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:  # noqa: ARG002  the parser's signature
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag == "title" and not self._unseen:
            self.end_block()
            self._in_title = True
        elif tag in _HEADINGS:
            self.end_block()
            self._heading = tag
        elif _BLOCKS.fullmatch(tag):
            self.end_block()

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:  # noqa: ARG002
        if _BLOCKS.fullmatch(tag):
            self.end_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            while self._unseen.pop() != tag:
                continue
        elif tag == "title" or tag in _HEADINGS or _BLOCKS.fullmatch(tag):
            self.end_block()

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if not self._text and data.strip():
            before = data[: len(data) - len(data.lstrip())]
            self._line = self.getpos()[0] + before.count("\n")
        if self._text or data.strip():
            self._text.append(data)

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name};")

    def _reference(self, written: str) -> None:
        if self._unseen:
            return
        self._line = self._line if self._text else self.getpos()[0]
        self._text.append(html.unescape(written))

    def end_block(self) -> None:
        text = " ".join("".join(self._text).split())
        if text and self._in_title:
            self.outline.title = text
        elif text and self._heading:
            self.outline.heading(_HEADINGS[self._heading], text, self._line)
        elif text:
            self.outline.line(self._line, text)
            self.outline.line(self._line, "")
        self._text, self._heading, self._in_title = [], "", False


def read_html(text: str) -> Outline:
    """The visible text of a page, under its headings; scripts, styles and navigation are left out."""
    reader = _Reader()
    reader.feed(_closed(_without_scripts(text.replace("\r\n", "\n").replace("\r", "\n"))))
    reader.close()
    reader.end_block()
    return reader.outline


def _without_scripts(text: str) -> str:
    """The page without comments, scripts and styles, on the same lines; one that never ends takes the rest."""
    kept, here = [], 0
    while (start := _HIDDEN.search(text, here)) is not None:
        kept.append(text[here : start.start()])
        end = _ENDS[(start["tag"] or "").lower()].search(text, start.end())
        here = end.end() if end else len(text)
        kept.append("\n" * text.count("\n", start.start(), here))
    return "".join([*kept, text[here:]])


def _closed(text: str) -> str:
    """The page with every ``<`` that opens nothing as text: many of them take Python's parser hours."""
    return _OPENS_NOTHING.sub("&lt;", text)
