"""Where settings are written: files, variables, flags. Each becomes a layer of sections."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from helpdesk import platform
from helpdesk.config.schema import SECTIONS, SHIPPED_PLUGINS
from helpdesk.config.values import Written, nearest
from helpdesk.errors import ConfigError
from helpdesk.text import shorten

PREFIX: Final = "HELPDESK_"
OTHER_VARIABLES: Final = ("CONFIG",)
"""Variables of ours that set no key."""
MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings of one source.

    Attributes:
        origin: the source, for a person. managed: it is the administrator's file.
        sections: section → key → value as written.
        warnings: what was found wrong while reading it, and does not stop the program.
    """

    origin: str
    sections: Mapping[str, Mapping[str, Written]]
    file: Path | None = None
    managed: bool = False
    warnings: tuple[str, ...] = field(default=())


def managed_layer(file: Path) -> Layer | None:
    """The administrator's file; ``None`` when there is none.

    Raises:
        ConfigError: it is there but cannot be trusted or read: then nothing goes on without it.
    """
    try:
        file.lstat()
        distrust = platform.trusted_owner(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        distrust = f"it cannot be examined: {error.strerror or error}"
    if distrust:
        raise ConfigError(
            f"The administrator's file {file} cannot be trusted, so nothing is done: {distrust}.",
            hint="An administrator must make root own it and every folder above it, writable by root alone.",
            code="managed-untrusted",
        )
    layer = file_layer(file)
    if layer is None:
        return None
    if layer.warnings:
        raise ConfigError(layer.warnings[0], hint="Correct it: in this file a slip could open a door.")
    return Layer(layer.origin, layer.sections, file, managed=True)


def file_layer(file: Path, *, must_exist: bool = False) -> Layer | None:
    """One configuration file; ``None`` when it is not there.

    Raises:
        ConfigError: it cannot be read, is no TOML, or a section is not a table.
    """
    found = _read(file)
    if found is None:
        if must_exist:
            raise ConfigError(
                f"HELPDESK_CONFIG names {file}, which does not exist.",
                hint="Correct or unset HELPDESK_CONFIG.",
            )
        return None
    text, warnings = found
    sections: dict[str, dict[str, Written]] = {}
    for name, content in _parsed(file, text).items():
        if not isinstance(content, dict):
            if name in SECTIONS:
                raise ConfigError(
                    f"{file}: {name} must be a section.", hint=f"Write [{name}] on a line of its own."
                )
            warnings.append(
                f"{file}: {shorten(name, 40)} stands outside any section and is not used"
                + nearest(name, SECTIONS)
            )
            continue
        sections[name] = {key: Written(value, str(file), file.parent) for key, value in content.items()}
    return Layer(str(file), sections, file, warnings=tuple(warnings))


def _read(file: Path) -> tuple[str, list[str]] | None:
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(
                f"{file} is not a file, so it cannot hold the configuration.", hint="Take it away."
            )
        if found.st_size > MAX_BYTES:
            raise ConfigError(f"{file} is too big to be a configuration file.", hint="Take it away.")
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror or error}.", hint="Check its rights and who owns it."
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{file} is not UTF-8 text (line {line}).", hint="Save it again with the encoding UTF-8."
        ) from error
    return text, _loose(file, found)


def _loose(file: Path, found: os.stat_result) -> list[str]:
    """A warning when a group may write the file: it names the server that is given the password.

    Raises:
        ConfigError: it is somebody else's, or everybody may write it (S7).
    """
    if os.name != "posix":
        return []
    if found.st_uid not in (0, os.getuid()):
        raise ConfigError(
            f"{file} belongs to someone else, who would decide where passwords go.",
            hint="Make it your own, or have an administrator own it.",
        )
    if found.st_mode & stat.S_IWOTH:
        raise ConfigError(
            f"{file} can be written by everybody, who could decide where passwords go.",
            hint=f"Take that right away: chmod go-w {file}",
        )
    if found.st_mode & stat.S_IWGRP:
        return [f"{file} can be written by others; take that right away with: chmod go-w {file}"]
    return []


def _parsed(file: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        why = why.replace("at end of document", f"at line {len(text.splitlines())}, the last one")
        raise ConfigError(
            f"{file} is not valid TOML: {why}.", hint="Correct that line; texts stand in double quotes."
        ) from None


def variables_layer(environ: Mapping[str, str], plugin_sections: PluginSections) -> Layer:
    """``HELPDESK_<SECTION>_<KEY>``; an empty variable counts as not set."""
    sections: dict[str, dict[str, Written]] = {}
    warnings: list[str] = []
    for variable in sorted(environ):
        name = variable.removeprefix(PREFIX)
        if name == variable or not environ[variable] or name in OTHER_VARIABLES or name.startswith("TEST_"):
            continue
        section, _, key = name.lower().partition("_")
        if key and (section in SECTIONS or section in plugin_sections):
            sections.setdefault(section, {})[key] = Written(environ[variable], variable, None, True)
        else:
            known = [f"{PREFIX}{word}" for word in (*OTHER_VARIABLES, *(f"{s.upper()}_" for s in SECTIONS))]
            near = nearest(variable, known).replace("_?", "_…?")
            warnings.append(f"The variable {shorten(variable, 60)} sets no key of the configuration{near}")
    return Layer("the environment", sections, warnings=tuple(warnings))


def flags_layer(flags: Mapping[str, Any]) -> Layer:
    """Flags of the command line, by ``section.key``; ``None`` is a flag that was not given."""
    sections: dict[str, dict[str, Written]] = {}
    for name, value in flags.items():
        if value is None:
            continue
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = Written(value, "the command line", _here())
    return Layer("the command line", sections)


def _here() -> Path | None:
    """What relative paths on the command line are relative to; ``None`` when that folder is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None


class PluginSections:
    """Which sections belong to plugins. Installed ones are looked for only when a name is not a known one."""

    def __init__(self) -> None:
        self._installed: frozenset[str] | None = None

    def __contains__(self, name: object) -> bool:
        return name in SHIPPED_PLUGINS or name in self.installed()

    def __iter__(self) -> Iterator[str]:
        return iter({*SHIPPED_PLUGINS, *self.installed()})

    def installed(self) -> frozenset[str]:
        if self._installed is None:
            from importlib.metadata import entry_points

            self._installed = frozenset(point.name for point in entry_points(group="helpdesk.plugins"))
        return self._installed
