"""The tree as each shell's own text: a template for a shell, and how its words are quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from helpdesk.actions.words import KEPT_DAYS
from helpdesk.surfaces.completions.tree import Flag, Place, Tree

TEMPLATES = Path(__file__).parent / "templates"


def rendered(shell: str, tree: Tree) -> str:
    """The whole script for one of ``FILES``."""
    places, flags, quote, glue = _SHELLS[shell]
    actions = next(place for place in tree.places if place.key == "do").children
    parts = {
        "@PLACES@": "\n".join(places(tree, place) for place in tree.places),
        "@GLOBALS@": flags(tree.globals),
        "@ACTIONS@": glue.join(quote(name) for name in actions),
        "@DAYS@": str(KEPT_DAYS),
    }
    text = (TEMPLATES / f"{shell}.txt").read_text("utf-8")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _told(text: str) -> str:
    """A help text on one line."""
    return " ".join(text.split())


# ── bash and zsh ──────────────────────────────────────────────────────────────────────────────


def _quoted(text: str) -> str:
    """One word for bash and zsh, whatever it holds."""
    plain = text and all(c.isalnum() or c in "._=:-," for c in text) and text.isascii()
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def _bash_flags(flags: Iterable[Flag]) -> str:
    return " ".join(_quoted(f"{flag.name}={flag.kind}") for flag in flags)


def _bash_place(_: Tree, place: Place) -> str:
    parts = [
        ("flags", _bash_flags(place.flags)),
        ("values", " ".join(map(_quoted, place.values))),
        ("children", " ".join(map(_quoted, place.children))),
    ]
    body = " ".join(f"{name}=({words})" for name, words in parts if words)
    return f"    {_quoted(place.key)}) {body} ;;".replace(")  ;;", ") ;;")


def _zsh_flags(flags: Iterable[Flag]) -> str:
    return " ".join(_quoted(word) for flag in flags for word in (flag.name, flag.kind, _told(flag.help)))


def _zsh_place(tree: Tree, place: Place) -> str:
    children = [w for name in place.children for w in (name, _child_help(tree, place, name))]
    parts = [
        ("flags", _zsh_flags(place.flags)),
        ("values", " ".join(map(_quoted, place.values))),
        ("children", " ".join(map(_quoted, children))),
    ]
    body = " ".join(f"{name}=({words})" for name, words in parts if words)
    return f"    {_quoted(place.key)}) {body} ;;".replace(")  ;;", ") ;;")


def _child_help(tree: Tree, place: Place, name: str) -> str:
    return _told(tree.child(place, name).help)


# ── fish ──────────────────────────────────────────────────────────────────────────────────────


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_flags(flags: Iterable[Flag]) -> str:
    rows = [("flag", flag.name, flag.kind, _told(flag.help)) for flag in flags]
    return " ".join(_fish_quoted(word) for row in rows for word in row)


def _fish_place(tree: Tree, place: Place) -> str:
    lines = [f"        case {_fish_quoted(place.key)}"]
    if place.children:
        words = [w for name in place.children for w in ("child", name, _child_help(tree, place, name))]
        lines.append(f"            printf '%s\\t%s\\t%s\\n' {' '.join(map(_fish_quoted, words))}")
    if place.values:
        lines.append(f"            printf 'value\\t%s\\n' {' '.join(map(_fish_quoted, place.values))}")
    if place.flags:
        lines.append(f"            printf '%s\\t%s\\t%s\\t%s\\n' {_fish_flags(place.flags)}")
    return "\n".join(lines)


# ── PowerShell ────────────────────────────────────────────────────────────────────────────────


def _ps_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _ps_rows(rows: Iterable[tuple[str, ...]]) -> str:
    """A list of lists; the comma keeps a single one from being unrolled."""
    shown = [f"@({', '.join(map(_ps_quoted, row))})" for row in rows]
    return f"@({', ' if len(shown) == 1 else ''}{', '.join(shown)})"


def _ps_place(tree: Tree, place: Place) -> str:
    flags = _ps_rows((flag.name, flag.kind, _told(flag.help)) for flag in place.flags)
    children = _ps_rows((name, _child_help(tree, place, name)) for name in place.children)
    values = ", ".join(map(_ps_quoted, place.values))
    return f"        {_ps_quoted(place.key)} = @{{ f = {flags}; v = @({values}); c = {children} }}"


def _ps_flags(flags: Iterable[Flag]) -> str:
    return ",\n".join(
        f"        @({', '.join(map(_ps_quoted, (flag.name, flag.kind, _told(flag.help))))})" for flag in flags
    )


_SHELLS: dict[
    str, tuple[Callable[[Tree, Place], str], Callable[[Iterable[Flag]], str], Callable[[str], str], str]
] = {
    "bash": (_bash_place, _bash_flags, _quoted, " "),
    "zsh": (_zsh_place, _zsh_flags, _quoted, " "),
    "fish": (_fish_place, _fish_flags, _fish_quoted, " "),
    "powershell": (_ps_place, _ps_flags, _ps_quoted, ", "),
}
