"""The pages of the manual: docs/*.md, in the wheel as package data, in a checkout where they are written."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

_HERE = Path(__file__).parent
SHIPPED, WRITTEN = _HERE / "docs", _HERE.parents[1] / "docs"


def topics(commands: Container[str]) -> dict[str, str]:
    """Topic → its file's name; a page that is called like a command gets "-page", since the command wins."""
    names = sorted(file.name for file in _folder().glob("*.md"))
    stems = [(name.removesuffix(".md"), name) for name in names]
    return {f"{stem}-page" if stem in commands else stem: name for stem, name in stems}


def title(name: str) -> str:
    """The first heading of a page."""
    first = page(name).lstrip().partition("\n")[0]
    return first.lstrip("# ").strip()


def page(name: str) -> str:
    """One page as it is written: Markdown reads well as it is."""
    return (_folder() / name).read_text("utf-8")


def _folder() -> Path:
    return SHIPPED if SHIPPED.is_dir() else WRITTEN
