"""From layers to a :class:`Config`: who wins, what is refused, what is only warned about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from helpdesk.config.build import build
from helpdesk.config.model import Config
from helpdesk.config.schema import MANAGED, SECTIONS, USUAL_ROLES, WHOLE, key_of, names_in
from helpdesk.config.sources import (
    Layer,
    PluginSections,
    file_layer,
    flags_layer,
    managed_layer,
    variables_layer,
)
from helpdesk.config.values import Written, nearest
from helpdesk.errors import ConfigError
from helpdesk.platform import Paths
from helpdesk.text import shorten

DEMO: Final = "demo"
"""The profile of the invented company. It keeps to itself: see :func:`_demo_only`."""


def load(profile: str, environ: Mapping[str, str], flags: Mapping[str, Any], places: Paths) -> Config:
    """Read the configuration of a profile.

    Args:
        profile: "" for the default one. environ: the environment.
        flags: values from the command line, by ``section.key``. places: where the files are.

    Raises:
        ConfigError: a file, a variable or a value is not usable, or the managed file cannot be trusted.
    """
    plugins = PluginSections()
    managed = managed_layer(places.managed)
    weaker = [flags_layer(flags), variables_layer(environ, plugins)]
    own = file_layer(places.config_file)
    if profile == DEMO:
        weaker = [_without(layer, MANAGED) for layer in weaker]
        managed = None if managed is None else _without(managed, [s for s in MANAGED if s != "llm"])
        files: list[Layer | None] = [own]
    else:
        named = _named(environ)
        files = [
            file_layer(named, must_exist=True) if named else None,
            own,
            *(file_layer(file) for file in places.system_configs),
        ]
    layers = [layer for layer in (managed, *weaker, *files) if layer is not None]
    warnings = [warning for layer in layers for warning in (*layer.warnings, *_unknown(layer, plugins))]
    merged, overruled = _merged(layers)
    config = build(
        merged,
        home=environ.get("HOME", ""),
        files=tuple(layer.file for layer in layers if layer.file is not None),
        warnings=(*warnings, *overruled),
    )
    if profile == DEMO:
        _demo_only(config, places)
    return config


def _named(environ: Mapping[str, str]) -> Path | None:
    name = environ.get("HELPDESK_CONFIG", "")
    if not name:
        return None
    home = environ.get("HOME", "")
    if name.startswith("~/") and home:
        name = home + name[1:]
    if not Path(name).is_absolute():
        raise ConfigError(
            "HELPDESK_CONFIG must be an absolute path, because nothing is read from the working folder.",
            hint="Set it to the whole path of the file.",
        )
    return Path(name)


def _without(layer: Layer, sections: Iterable[str]) -> Layer:
    kept = {name: content for name, content in layer.sections.items() if name not in sections}
    return Layer(layer.origin, kept, layer.file, layer.managed, layer.warnings)


def _demo_only(config: Config, places: Paths) -> None:
    """The demo's people, roles and rules come from its own file, and its directory is its own.

    So nothing that was set for the company reaches the demo, and nothing that the demo does reaches
    the company; that is also why the administrator's file decides only ``[llm]`` here.
    """
    if config.directory.configured and config.directory.kind != "embedded":
        raise ConfigError(
            f"{places.config_file}: the profile demo only works with its own embedded directory.",
            hint="Use another profile for a real directory, or take that file away and run: helpdesk demo",
        )


def _unknown(layer: Layer, plugins: PluginSections) -> list[str]:
    """Warnings about what nobody knows. Raises ConfigError for it in a managed section."""
    warnings: list[str] = []
    for section, content in layer.sections.items():
        if layer.managed and section not in MANAGED:
            warnings.append(_not_managed(layer, section))
        elif section not in SECTIONS and section not in plugins:
            warnings.append(_unknown_section(layer, section, [*SECTIONS, *plugins]))
        elif section in SECTIONS:
            warnings += [w for key, written in content.items() if (w := _unknown_key(section, key, written))]
    return warnings


def _unknown_section(layer: Layer, section: str, known: list[str]) -> str:
    return f"{layer.origin}: nobody knows the section [{shorten(section, 40)}]{nearest(section, known)}"


def _not_managed(layer: Layer, section: str) -> str:
    """A section that is not the administrator's file's to decide; a misspelt one must not pass as that."""
    if section not in SECTIONS:
        raise ConfigError(
            _unknown_section(layer, section, list(MANAGED)),
            hint="Correct or remove it: in this file a slip could open a door.",
        )
    return f"{layer.origin}: [{section}] is not used there; that file decides {', '.join(MANAGED)}."


def _unknown_key(section: str, name: str, written: Written) -> str:
    if key_of(section, name) is not None:
        return _unusual_role(name, written) if section == "roles" else ""
    near = nearest(name, names_in(section) or USUAL_ROLES)
    subject = f"{written.origin}: nobody knows the key [{section}] {shorten(name, 40)}"
    if written.plain_text:
        subject = f"The variable {written.origin} names no key of [{section}]"
    if section in MANAGED:
        raise ConfigError(
            subject + near, hint="Correct or remove it: in this section a slip could open a door."
        )
    return subject + near


def _unusual_role(name: str, written: Written) -> str:
    near = nearest(name, USUAL_ROLES)
    if name in USUAL_ROLES or near == ".":
        return ""
    return f"{written.origin}: [roles] {name} is a role of its own{near}"


def _merged(layers: list[Layer]) -> tuple[dict[str, dict[str, Written]], list[str]]:
    """The strongest value of every key; the layers come strongest first."""
    merged: dict[str, dict[str, Written]] = {}
    decided: dict[str, str] = {}
    overruled: list[str] = []
    for layer in layers:
        for section, content in layer.sections.items():
            if layer.managed and section not in MANAGED:
                continue
            if section in decided:
                overruled.append(
                    f"[{section}] from {layer.origin} is not used: {decided[section]} decides all of it."
                )
                continue
            if layer.managed and section in WHOLE:
                decided[section] = layer.origin
            into = merged.setdefault(section, {})
            for key, written in content.items():
                into.setdefault(key, written)
    return merged, overruled
