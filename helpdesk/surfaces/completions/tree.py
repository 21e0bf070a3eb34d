"""What can be typed where: made from the table of commands, the global flags and the shipped plugins.

It imports every command, so only the generator uses it; completing uses what was made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from helpdesk.actions.words import flag_lines
from helpdesk.spec import ActionSpec
from helpdesk.surfaces.cli import globals as global_flags
from helpdesk.surfaces.cli.commands import GROUPS, ROWS, Row, load

_KINDS = {
    "FILE": "files",
    "LOGIN": "people",
    "PERSON": "people",
    "GROUP": "groups",
    "ACTION": "actions",
    "CASE": "cases",
}
_PROFILES = "choice:demo"
_HELP = ("-h", "--help")


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag, and what completes its value: "switch" where it takes none; see ``words.kind_of``."""

    name: str
    kind: str
    help: str


@dataclass(frozen=True, slots=True)
class Place:
    """One command: its words joined by spaces ("log list"), and what may follow them.

    Attributes:
        values: the kinds of its values in their order; a last one that ends with "…" repeats.
        names: what those values are called, for a person.
    """

    key: str
    help: str
    flags: tuple[Flag, ...] = ()
    values: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    places: tuple[Place, ...]
    globals: tuple[Flag, ...]

    def child(self, place: Place, name: str) -> Place:
        key = f"{place.key} {name}".strip()
        return next(p for p in self.places if p.key == key)


def tree(specs: Iterable[ActionSpec] | None = None) -> Tree:
    """The whole tree; the first place is the program itself.

    Args:
        specs: the actions below ``do``; ``None`` for those of the shipped plugins.
    """
    actions = tuple(shipped_specs() if specs is None else specs)
    root = Place("", "", children=(*ROWS, "help"))
    places = [root, Place("help", "Help for a command")]
    for _, rows in GROUPS:
        for row in rows:
            places += _actions(row, actions) if row.name == "do" else _command(row.name, load(row), row.help)
    return Tree(tuple(places), tuple(_global_flags()))


def shipped_specs() -> list[ActionSpec]:
    """The actions of the plugins that come with the program, whatever else is installed."""
    from importlib.metadata import entry_points

    from helpdesk.actions.catalog import ENTRY_POINTS, build
    from helpdesk.config.schema import SHIPPED_PLUGINS
    from helpdesk.workflows.installed import InstalledProcesses

    ours = [point for point in entry_points(group=ENTRY_POINTS) if point.name in SHIPPED_PLUGINS]
    return [*build(ours, InstalledProcesses())[0].specs]


# ── global flags ──────────────────────────────────────────────────────────────────────────────


def _global_flags() -> Iterator[Flag]:
    yield from _told_flags(global_flags.HELP)
    yield Flag("--no-color", "switch", "no colour")


def _do_flags() -> list[Flag]:
    """The flags of ``do`` that are taken out before its own, except those that work everywhere."""
    of_batches = [flag for flag in _told_flags(global_flags.BATCH_HELP) if flag.kind != "switch"]
    return [*of_batches, *_told_flags(global_flags.LATER_HELP)]


def _told_flags(lines: Iterable[tuple[str, str]]) -> Iterator[Flag]:
    """Out of the lines that ``--help`` shows: "-q, --quiet / -v, --verbose" are four names, two flags."""
    for written, help in lines:
        for one in written.split(" / "):
            *names, last = one.split(", ")
            name, _, metavar = last.partition(" ")
            kind = _PROFILES if name == "--profile" else _kind(metavar)
            for each in (*names, name):
                yield Flag(each, kind, help)


def _kind(metavar: str) -> str:
    """What a placeholder stands for: "FILE|fd:N" is a file, "a|b" a choice between words."""
    if not metavar:
        return "switch"
    parts = metavar.strip("[].").split("|")
    known = next((_KINDS[part] for part in parts if part in _KINDS), "")
    if known:
        return known
    return "choice:" + "|".join(parts) if len(parts) > 1 and metavar == metavar.lower() else "text"


# ── commands ──────────────────────────────────────────────────────────────────────────────────


def _command(key: str, command: Any, help: str) -> list[Place]:
    children = getattr(command, "commands", None)
    if children == {}:  # a group that makes its commands from the actions: what follows is as below do
        return [Place(key, help, tuple(_flags(command.params)), ("actions",), names=("ACTION",))]
    children = children or {}
    flags = tuple(_flags(command.params))
    values = () if children else tuple(_values(command.params))
    names = () if children else tuple(_called(param) for param in _arguments(command.params))
    places = [Place(key, help, flags, values, tuple(children), names)]
    for name, child in children.items():
        first = (child.help or "").strip().split("\n\n")[0].replace("\n", " ")
        places += _command(f"{key} {name}", child, first)
    return places


def _flags(params: Iterable[Any]) -> Iterator[Flag]:
    for param in params:
        if param.param_type_name != "option" or param.hidden:
            continue
        kind = "switch" if param.is_flag else _param_kind(param)
        for name in (*param.opts, *param.secondary_opts):
            if name not in _HELP:
                yield Flag(name, kind, param.help or "")


def _values(params: Iterable[Any]) -> Iterator[str]:
    for param in _arguments(params):
        kind = _param_kind(param)
        yield f"{kind}…" if param.nargs == -1 else kind


def _arguments(params: Iterable[Any]) -> list[Any]:
    return [param for param in params if param.param_type_name == "argument" and not param.hidden]


def _called(param: Any) -> str:
    name = param.metavar or (param.name or "").upper()
    shown = name if param.required else f"[{name}]"
    return f"{shown}..." if param.nargs == -1 else shown


def _param_kind(param: Any) -> str:
    choices = getattr(param.type, "choices", None)
    if choices:
        return "choice:" + "|".join(getattr(choice, "value", str(choice)) for choice in choices)
    written = param.metavar or (param.name or "").upper()
    return "text" if param.type.name in ("integer", "float") else _kind(written)


# ── actions ───────────────────────────────────────────────────────────────────────────────────


def _actions(row: Row, specs: Iterable[ActionSpec]) -> list[Place]:
    group = load(row)
    flags = (*_flags(group.params), *_do_flags())
    places = [Place(row.name, row.help, flags, children=tuple(spec.name for spec in specs))]
    return places + [_action(f"{row.name} {spec.name}", spec) for spec in specs]


def _action(key: str, spec: ActionSpec) -> Place:
    helps = {p.flag: p.help for p in spec.parameters}
    flags, values = [], []
    for line in flag_lines(spec):
        name, _, kind = line.partition(" ")
        if name == ".":
            values.append(kind)
        else:
            told = helps.get(name) or helps.get(name.removesuffix("-file")) or ""
            flags.append(Flag(name, kind, told))
    flags += _do_flags()
    names = tuple(p.name.upper() for p in spec.parameters if p.required and p.kind != "secret")
    return Place(key, spec.summary, tuple(flags), tuple(values), names=names)
