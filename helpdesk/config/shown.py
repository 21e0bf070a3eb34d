"""The settings in use as plain values, for people and scripts to look at."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from helpdesk.config.model import Config
from helpdesk.config.schema import KEYS

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_SECRET_WORDS: Final = ("password", "secret", "token", "key", "credential")
_REFERENCES: Final = ("keyring:", "env:", "file:", "credential:")
_HIDDEN: Final = "(not shown)"


def settings_of(config: Config) -> dict[str, Any]:
    """Every key with the value in use, as JSON has it, by ``section.key``.

    Sections of plugins are shown as written, except for what looks like a secret.
    """
    shown: dict[str, Any] = {}
    for key in KEYS:
        section = getattr(config, key.section)
        unused = key.full_name == "directory.kind" and not config.directory.configured
        shown[key.full_name] = None if unused else _plain(getattr(section, key.name))
        if key.full_name == "directory.bind_password":  # where the contract's order has the roles
            shown |= {f"roles.{role}": list(groups) for role, groups in config.roles.items()}
    for service in config.services.values():
        keys = asdict(service)
        shown[f"services.{keys.pop('name')}"] = {key: _plain(value) for key, value in keys.items()}
    for rule in config.approvals.values():
        keys = asdict(rule)
        shown[f"approvals.{keys.pop('name')}"] = {key: _plain(value) for key, value in keys.items()}
    for name, content in config.plugins.items():
        shown |= {f"{name}.{key}": _hidden(key, value) for key, value in content.items()}
    return shown


def duration_text(duration: timedelta) -> str:
    """A duration as it is written in the file: "15m"."""
    seconds = int(duration.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _hidden(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(name, item) for name, item in value.items()}
    secret = any(word in key.lower() for word in _SECRET_WORDS)
    if secret and not (isinstance(value, str) and value.startswith(_REFERENCES)):
        return _HIDDEN
    return value
