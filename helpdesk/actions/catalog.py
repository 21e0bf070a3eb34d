"""Which actions exist: plugin names without import, a cached manifest of specs, one plugin at a time."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk import __version__
from helpdesk.errors import HelpdeskError, NotFound, PluginFailure
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten, whole

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from helpdesk.actions.whole import Processes, Whole
    from helpdesk.plugin import Action, Plugin

ENTRY_POINTS = "helpdesk.plugins"
MANIFEST = "manifest.json"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ALIKE = (("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("-", ""), ("_", ""), ("vv", "w"), ("rn", "m"))
"""What a person reads as the same. A name with letters of another script is refused by itself."""


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """A plugin that is not used, and why."""

    plugin: str
    message: str


@dataclass(frozen=True, slots=True)
class PluginInfo:
    name: str
    module: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Catalog:
    """The actions of every usable plugin. Specs come from the manifest; code is imported by :meth:`action`.

    Attributes:
        processes: makes actions out of workflow files; without it there are none of these.
    """

    specs: tuple[ActionSpec, ...]
    plugins: tuple[PluginInfo, ...]
    problems: tuple[PluginProblem, ...] = ()
    _loaded: dict[str, Plugin] = field(default_factory=dict, compare=False)
    _made: dict[str, tuple[ActionSpec, Action[Any]]] = field(default_factory=dict, compare=False)
    processes: Processes | None = field(default=None, compare=False)

    @cached_property
    def _by_name(self) -> Mapping[str, ActionSpec]:
        return {spec.name: spec for spec in self.specs}

    def spec(self, name: str) -> ActionSpec:
        """One action's spec. Raises NotFound, with the nearest names."""
        spec = self._by_name.get(name)
        if spec is None:
            near = get_close_matches(name, self._by_name, n=3, cutoff=0.5)
            broken = [p for p in self.problems if name.startswith(p.plugin + ".")]
            if broken:
                raise PluginFailure(f"The plugin {broken[0].plugin} is not used: {broken[0].message}")
            hint = f"Did you mean {' or '.join(near)}?" if near else "helpdesk do lists every action."
            raise NotFound(f"There is no action {name!r}.", hint=hint, code="unknown-action")
        return spec

    def action(self, name: str) -> tuple[ActionSpec, Action[Any]]:
        """Import the action's plugin; the spec is made anew from the code that will run.

        Raises:
            NotFound: no such action. PluginFailure: its plugin does not load any more.
        """
        spec = self.spec(name)
        plugin = self._plugin(spec)
        if spec.process and self.processes is not None:
            return self.processes.action(plugin, name)
        from helpdesk.actions.schema import spec_of

        action = plugin.actions.get(name)
        if action is None:
            raise PluginFailure(f"The plugin {plugin.name} no longer has the action {name}.")
        made = self._made.get(name)
        if made is None or made[1] is not action:
            made = self._made[name] = (spec_of(plugin, action), action)
        return made

    def whole(self, spec: ActionSpec) -> Whole | None:
        """What looks at the calls that a workflow is made of; ``None`` for every other action."""
        if not spec.process or self.processes is None:
            return None
        return self.processes.whole(self._plugin(spec), spec.name)

    def _plugin(self, spec: ActionSpec) -> Plugin:
        """The plugin of an action, imported. Raises PluginFailure."""
        plugin = self._loaded.get(spec.plugin)
        if plugin is None:
            info = next(info for info in self.plugins if info.name == spec.plugin)
            try:
                plugin = self._loaded[spec.plugin] = _import(info.name, info.module)
            except PluginFailure as error:
                raise PluginFailure(
                    f"The plugin {info.name} is not used: {error.message}", hint="helpdesk doctor"
                ) from error
        return plugin


def cached_specs(cache_dir: Path, processes: Processes | None = None) -> Catalog:
    """The catalog from the manifest in ``cache_dir``, made anew when an installed package changed."""
    file = cache_dir / MANIFEST
    catalog = _read(file, processes)
    if catalog is None:
        from helpdesk.actions.words import Words

        catalog, watched = build(processes=processes)
        _write(file, catalog, watched)
        Words(cache_dir).actions(catalog.specs)
    return catalog


def build(
    entry_points: Iterable[EntryPoint] | None = None, processes: Processes | None = None
) -> tuple[Catalog, list[Path]]:
    """Import every plugin once. A broken one becomes a problem and never stops the program (P2)."""
    if entry_points is None:
        from importlib.metadata import entry_points as installed

        entry_points = installed(group=ENTRY_POINTS)
    claims: dict[str, list[EntryPoint]] = {}
    for point in entry_points:
        claims.setdefault(_skeleton(point.name), []).append(point)
    specs: list[ActionSpec] = []
    plugins: list[PluginInfo] = []
    problems: list[PluginProblem] = []
    watched: list[Path] = []
    with_files: list[Plugin] = []
    for points in claims.values():
        if len({(point.name, point.value, _distribution(point)) for point in points}) > 1:
            owners = ", ".join(sorted(_distribution(point) for point in points))
            problems += [
                PluginProblem(point.name, f"the name is claimed more than once ({owners}); none is used.")
                for point in points
            ]
            continue
        point = points[0]
        try:
            info = PluginInfo(point.name, point.value, _distribution(point), "")
            plugin = _import(info.name, info.module)
            found = _specs(plugin)
        except HelpdeskError as error:
            problems.append(PluginProblem(point.name, error.message))
            continue
        except Exception as error:  # noqa: BLE001 - whatever an author did, the other plugins go on
            problems.append(
                PluginProblem(point.name, f"it cannot be understood: {type(error).__name__}: {error}")
            )
            continue
        finally:
            watched += _files(point.value)
        specs += found
        if plugin.workflows is not None:
            with_files.append(plugin)
        plugins.append(PluginInfo(info.name, info.module, info.distribution, plugin.version))
    for plugin in with_files:
        if processes is None:
            continue
        made, wrong = processes.specs(plugin, tuple(specs))
        specs += made
        problems += [PluginProblem(plugin.name, sentence) for sentence in wrong]
        watched += _workflow_files(plugin)
    specs.sort(key=lambda spec: spec.name)
    plugins.sort(key=lambda info: info.name)
    return Catalog(tuple(specs), tuple(plugins), tuple(problems), processes=processes), watched


def _workflow_files(plugin: Plugin) -> list[Path]:
    """Its workflow files and their folder, which says when one is added."""
    folder = plugin.workflows
    return [folder, *sorted(folder.glob("*.yaml"))] if folder is not None else []


def _specs(plugin: Plugin) -> list[ActionSpec]:
    from helpdesk.actions.schema import spec_of

    specs = []
    for name, action in plugin.actions.items():
        spec = spec_of(plugin, action)
        if spec.name != name:
            raise PluginFailure(f"the action {name} calls itself {spec.name}.")
        described = json.dumps(spec.to_json(), ensure_ascii=False)
        if whole(described) != described:
            raise PluginFailure(f"what {name} says of itself holds half characters.")
        specs.append(spec)
    return specs


def _import(name: str, value: str) -> Plugin:
    """The plugin object that an entry point names. Raises PluginFailure, whatever its import does."""
    import contextlib
    import importlib

    from helpdesk.config.schema import SECTIONS, SHIPPED_PLUGINS
    from helpdesk.plugin import API_VERSION, Plugin

    if not _NAME.fullmatch(name):
        raise PluginFailure("its name is not made of small letters, digits and underscores.")
    if name in SECTIONS and name not in SHIPPED_PLUGINS:
        raise PluginFailure(f"[{name}] of the configuration belongs to the program.")
    module, _, attribute = value.partition(":")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output holds results and nothing else
            plugin = getattr(importlib.import_module(module), attribute or "plugin")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        why = shorten(f"{type(error).__name__}: {error}", 200)
        raise PluginFailure(f"it does not load: {why}") from error
    if not isinstance(plugin, Plugin):
        raise PluginFailure(f"{value} is not a helpdesk plugin.")
    if plugin.name != name:
        raise PluginFailure(f"it calls itself {plugin.name!r} but is installed as {name!r}.")
    if plugin.api != API_VERSION:
        raise PluginFailure(f"it was written for plugin API {plugin.api}; this program has {API_VERSION}.")
    return plugin


def _skeleton(name: str) -> str:
    """Names that look alike share a skeleton: "passw0rd" has that of "password"."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    for look, alike in _ALIKE:
        folded = folded.replace(look, alike)
    return folded


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


# ── the cached manifest ───────────────────────────────────────────────────────────────────────


def _files(value: str) -> list[Path]:
    """The source files of a plugin, a broken one's too: they may change without an install."""
    from importlib.util import find_spec

    name = value.partition(":")[0]
    try:
        file = getattr(sys.modules.get(name), "__file__", None) or getattr(find_spec(name), "origin", None)
    except (ImportError, ValueError, AttributeError):
        return []
    if file is None:
        return []
    path = Path(file)
    return sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]


def _stamps(paths: Iterable[Path | str]) -> dict[str, int]:
    stamps = {}
    for path in paths:
        try:
            stamps[str(path)] = os.stat(path).st_mtime_ns
        except OSError:
            stamps[str(path)] = 0
    return stamps


def _search_path() -> list[str]:
    return [entry for entry in sys.path if entry and os.path.isdir(entry)]


def _read(file: Path, processes: Processes | None = None) -> Catalog | None:
    try:
        document = json.loads(file.read_bytes())
        if document["program"] != __version__ or document["path"] != _stamps(_search_path()):
            return None
        if document["files"] != _stamps(document["files"]):
            return None
        return Catalog(
            tuple(ActionSpec.from_json(spec) for spec in document["specs"]),
            tuple(PluginInfo(**info) for info in document["plugins"]),
            tuple(PluginProblem(**problem) for problem in document["problems"]),
            processes=processes,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no manifest, or one we cannot use: it is made anew


def _write(file: Path, catalog: Catalog, watched: list[Path]) -> None:
    from dataclasses import asdict

    from helpdesk.platform import private_folder, write_private

    document = {
        "program": __version__,
        "path": _stamps(_search_path()),
        "files": _stamps(watched),
        "specs": [spec.to_json() for spec in catalog.specs],
        "plugins": [asdict(info) for info in catalog.plugins],
        "problems": [asdict(problem) for problem in catalog.problems],
    }
    try:
        private_folder(file.parent)
        write_private(file, json.dumps(document).encode())
    except HelpdeskError:
        return  # a cache that cannot be written costs time, nothing else
