"""One written value into the value the program uses, or a sentence about what it must be."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NoReturn

from helpdesk.config.schema import APPROVAL_KEYS, SERVICE_KEYS, Key
from helpdesk.errors import ConfigError
from helpdesk.text import shorten

MAX_DURATION: Final = timedelta(days=30)
MAX_NUMBER: Final = 1_000_000
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_KINDS: Final = {
    bool: "true or false", str: "a text", int: "a number", float: "a number", list: "a list", dict: "a table"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it was found.

    Attributes:
        origin: the file, variable or flag, for a person.
        base: relative paths are relative to this folder; ``None`` where only absolute ones make sense.
        plain_text: it comes from the environment, where everything is a text.
    """

    value: Any
    origin: str
    base: Path | None = None
    plain_text: bool = False


def value_of(key: Key, written: Written, home: str) -> Any:
    """The value in its own type.

    Args:
        home: what ``~`` stands for.

    Raises:
        ConfigError: it does not fit; the message names origin and key. Values of secrets are not repeated.
    """
    match key.kind:
        case "secret":
            return _reference(key, written)
        case "boolean":
            return _boolean(key, written)
        case "duration":
            return _duration(key, written)
        case "number":
            return _number(key, written)
        case "service":
            return _table(key, written, home, SERVICE_KEYS, ("login", "actions"))
        case "approval":
            return _table(key, written, home, APPROVAL_KEYS, ("actions",))
        case "path":
            return _path(key, written, written.value, home)
        case "paths":
            return tuple(_path(key, written, item, home) for item in _list(key, written, os.pathsep))
        case "names":
            return _list(key, written, None)
        case "classes":
            return _classes(key, written)
        case _:
            return _text(key, written)


def wrong(key: Key, written: Written, expected: str, found: str = "") -> NoReturn:
    """Say what is expected, and where. ``found`` says what is there instead."""
    instead = f", not {found}" if found else ""
    name = written.origin if written.plain_text else f"{written.origin}: [{key.section}] {key.name}"
    raise ConfigError(
        f"{name} must be {expected}{instead}.",
        hint="Correct it there; docs/configuration.md explains every key, helpdesk config path shows the files.",
    )


def _what(value: Any) -> str:
    return _KINDS.get(type(value), "a date or time")


def _text(key: Key, written: Written) -> str:
    value = written.value
    expected = f"one of {', '.join(key.choices)}" if key.choices else key.expected or "a text"
    if not isinstance(value, str):
        wrong(key, written, expected, _what(value))
    if key.choices and value not in key.choices:
        wrong(key, written, expected, repr(shorten(value, 40)))
    if "\x00" in value or "\n" in value:
        wrong(key, written, f"{expected} on one line")
    return value.strip()


def _boolean(key: Key, written: Written) -> bool:
    value = written.value
    if isinstance(value, bool):
        return value
    if written.plain_text and isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    wrong(key, written, "true or false", _what(value))


def _number(key: Key, written: Written) -> int:
    value = written.value
    text = value.strip() if written.plain_text and isinstance(value, str) else ""
    if text.isascii() and text.isdigit() and len(text) < 10:
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int):
        wrong(key, written, "a whole number", "another number" if isinstance(value, float) else _what(value))
    if not 1 <= value <= MAX_NUMBER:
        wrong(key, written, f"a whole number from 1 to {MAX_NUMBER:,}")
    return value


def _table(
    key: Key, written: Written, home: str, keys: Sequence[Key], needed: Sequence[str]
) -> dict[str, Any]:
    """The keys of a table that is named by somebody, each in its own type; those that are needed are there."""
    value = written.value
    if written.plain_text and isinstance(value, str) and value.lstrip().startswith("{"):
        value = _toml(key, written, value)
    if not isinstance(value, dict):
        wrong(key, written, key.expected, _what(value))
    full = f"{key.section}.{key.name}"
    known = {one.name: replace(one, section=full) for one in keys}
    for name in value:
        if name not in known:
            raise ConfigError(
                f"{written.origin}: nobody knows the key [{full}] {shorten(name, 40)}" + nearest(name, known),
                hint="Correct or remove it: in this section a slip could open a door.",
            )
    found = {name: value_of(known[name], Written(item, written.origin), home) for name, item in value.items()}
    for name in needed:
        if not found.get(name):
            raise ConfigError(
                f"{written.origin}: [{full}] does not say {known[name].meaning}.",
                hint=f"Add {name}: {known[name].expected}.",
            )
    return found


def _list(key: Key, written: Written, separator: str | None) -> tuple[str, ...]:
    """A list of texts. One text stands for a list of one; variables hold a TOML list or separated texts."""
    value = written.value
    if isinstance(value, str):
        if written.plain_text and value.lstrip().startswith("["):
            value = _toml(key, written, value)
        else:
            value = value.split(separator) if written.plain_text and separator else [value]
    if not isinstance(value, (list, tuple)):
        wrong(key, written, key.expected, _what(value))
    for item in value:
        if not isinstance(item, str):
            wrong(key, written, key.expected, f"a list with {_what(item)} in it")
        if not item.strip() and not written.plain_text:
            wrong(key, written, key.expected, "a list with an empty text in it")
    return tuple(dict.fromkeys(item.strip() for item in value if item.strip()))


def _toml(key: Key, written: Written, text: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        wrong(key, written, key.expected, "one that does not end or is not quoted")


def _classes(key: Key, written: Written) -> tuple[str, ...]:
    classes = _list(key, written, ",")
    for name in classes:
        if name not in key.choices:
            wrong(key, written, key.expected, f"one with {shorten(name, 40)!r} in it")
    return classes


def _path(key: Key, written: Written, value: Any, home: str) -> Path:
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        wrong(key, written, key.expected or "the path of a file", _what(value) if value else "empty")
    if value == "~" or value.startswith(("~/", "~\\")):
        if not home:
            wrong(key, written, "an absolute path, because there is no home folder for ~")
        value = home + value[1:]
    path = Path(value)
    if not path.is_absolute():
        if written.base is None:
            wrong(key, written, "an absolute path, because nothing is read from the working folder")
        path = written.base / path
    return Path(os.path.normpath(path))


def _duration(key: Key, written: Written) -> timedelta:
    value = written.value
    if isinstance(value, str):
        number, unit = value.strip()[:-1], value.strip()[-1:]
        if unit.isdigit():
            number, unit = number + unit, "s"
        if number.isascii() and number.isdigit() and len(number) < 10 and unit in _UNITS:
            value = int(number) * _UNITS[unit]
    if isinstance(value, bool) or not isinstance(value, int):
        found = repr(shorten(value, 40)) if isinstance(value, str) else _what(value)
        wrong(key, written, 'a time such as "15m", "8h" or 900 (seconds)', found)
    if not 0 < value <= MAX_DURATION.total_seconds():
        wrong(key, written, f"more than 0 seconds and at most {MAX_DURATION.days} days")
    return timedelta(seconds=value)


def _reference(key: Key, written: Written) -> str:
    value = written.value
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    usable = kind in ("keyring", "env", "file", "credential") and name.strip() and name.isprintable()
    if not usable or not _placed(kind, name.strip()):
        wrong(
            key,
            written,
            "a reference, keyring:NAME, env:NAME, credential:NAME or file:/PATH, which says where the secret is kept",
            "the secret itself" if isinstance(value, str) and value else _what(value),
        )
    return f"{kind}:{name.strip()}"


def _placed(kind: str, name: str) -> bool:
    """A file by its whole path; a credential by its name in the folder that the service manager made."""
    if kind == "file":
        return os.path.isabs(name)
    return kind != "credential" or not ("/" in name or "\\" in name or name.startswith("."))


def nearest(name: str, known: Mapping[str, Any] | list[str] | tuple[str, ...]) -> str:
    """A clause with the nearest known name; "" when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else "."
