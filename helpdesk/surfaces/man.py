"""The man page, made from the same tables as the help: ``helpdesk help --man | man -l -``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from helpdesk import __version__
from helpdesk.surfaces.cli.commands import EXAMPLES, EXITS, GROUPS
from helpdesk.surfaces.completions.tree import Flag, Place, Tree
from helpdesk.surfaces.look import clean

_VALUES = {
    "people": "LOGIN",
    "groups": "GROUP",
    "files": "FILE",
    "actions": "ACTION",
    "cases": "CASE",
    "text": "TEXT",
}
_ENVIRONMENT = (
    ("HELPDESK_CONFIG", "A configuration file that stands above your own."),
    ("HELPDESK_SECTION_KEY", "One setting, such as HELPDESK_LLM_MODEL."),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME, XDG_CONFIG_DIRS",
        "Where files are; relative ones are ignored.",
    ),
    ("NO_COLOR, FORCE_COLOR, TERM, COLUMNS", "How output looks."),
    ("PAGER", "What shows long output on a terminal; otherwise less."),
)
_FILES = (
    ("$XDG_CONFIG_HOME/helpdesk/config.toml", "Your configuration: helpdesk help configuration."),
    ("/etc/helpdesk/managed.toml", "The administrator's; it is stronger than everything else."),
    ("$XDG_STATE_HOME/helpdesk", "The log, requests, keys."),
    ("$XDG_CACHE_HOME/helpdesk", "What can be made anew."),
)


def man_page(tree: Tree) -> str:
    """Roff with the man macros, in ASCII."""
    places = {place.key: place for place in tree.places}
    lines = [
        f'.TH HELPDESK 1 "" "helpdesk {_text(__version__)}" "User Commands"',
        ".SH NAME",
        _line("helpdesk - carries IT requests out, and reads the result back"),
        ".SH SYNOPSIS",
        ".B helpdesk",
        r"[\fIFLAGS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]...",
        ".SH DESCRIPTION",
        _line(
            "helpdesk carries IT requests out, and reads the result back from the system it changed. You see what "
            "will change and confirm it; every call is logged."
        ),
        ".SH EXAMPLES",
    ]
    for example, note in EXAMPLES:
        lines += [".TP", f".B {_quoted(example)}", _line(note)]
    lines.append(".SH COMMANDS")
    for title, rows in GROUPS:
        lines.append(f".SS {_quoted(title)}")
        for row in rows:
            lines += _command(places, places[row.name])
    lines += [".SH ACTIONS", _line("Each is run as: helpdesk do ACTION")]
    for name in places["do"].children:
        lines += _entry(places[f"do {name}"], name)
    lines += [".SH FLAGS", _line("These work everywhere, before or after the command.")]
    for names, flag in _merged(tree.globals):
        lines += [".TP", _names(names, flag.kind), _line(flag.help)]
    lines.append(".SH EXIT STATUS")
    for part in EXITS.split(" · "):
        code, _, meaning = part.partition(" ")
        lines += [".TP", f".B {_quoted(code)}", _line(meaning)]
    for heading, facts in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        lines.append(f".SH {heading}")
        for name, what in facts:
            lines += [".TP", f".B {_quoted(name)}", _line(what)]
    lines += [
        ".SH SEE ALSO",
        _line("helpdesk help topics lists the pages of the manual, which need no network."),
    ]
    return "\n".join(lines) + "\n"


def _command(places: dict[str, Place], place: Place) -> list[str]:
    lines = _entry(place, place.key)
    if place.key == "do":
        return lines
    for name in place.children:
        lines += _command(places, places[f"{place.key} {name}"])
    return lines


def _entry(place: Place, name: str) -> list[str]:
    values = list(place.names)
    values += ["COMMAND"] if place.children and place.key != "do" else []
    lines = [".TP", rf"\fB{_text(name)}\fR {_text(' '.join(values))}".rstrip(), _line(place.help)]
    for names, flag in _merged(place.flags):
        lines += [".RS", ".TP", _names(names, flag.kind), _line(flag.help), ".RE"]
    return lines


def _merged(flags: Iterable[Flag]) -> list[tuple[list[str], Flag]]:
    """Flags with their short forms: what stands together in the help has one text and one kind."""
    found: list[tuple[list[str], Flag]] = []
    for flag in flags:
        if found and len(found[-1][0][-1]) == 2 and found[-1][1].help == flag.help:
            found[-1][0].append(flag.name)
        else:
            found.append(([flag.name], flag))
    return found


def _names(names: Sequence[str], kind: str) -> str:
    value = "" if kind == "switch" else rf" \fI{_text(_value(kind))}\fR"
    return ", ".join(rf"\fB{_text(name)}\fR" for name in names) + value


def _value(kind: str) -> str:
    return kind.removeprefix("choice:") if kind.startswith("choice:") else _VALUES[kind]


def _quoted(text: str) -> str:
    return '"' + _text(text).replace('"', r"\(dq") + '"'


def _line(text: str) -> str:
    """A text on one line that is no request, whatever it begins with."""
    shown = _text(" ".join(text.split())) or r"\&"
    return rf"\&{shown}" if shown[0] in ".'" else shown


def _text(text: str) -> str:
    """Characters that mean themselves: no escapes, plain hyphens, nothing but ASCII."""
    shown = clean(text).replace("\\", r"\e").replace("-", r"\-")
    return "".join(c if c.isascii() else rf"\[u{ord(c):04X}]" for c in shown)
