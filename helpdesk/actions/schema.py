"""From one typed signature to everything else: the action's spec, its parsed arguments, a model's tool.

The kinds of arguments are a closed set, known from the cached manifest without importing the plugin;
that is why no schema library stands here: it would need the types, and so the import.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from helpdesk.errors import InvalidArgument, PluginFailure, UsageError
from helpdesk.plugin import Action, GroupName, Login, Plugin
from helpdesk.secrets import Secret
from helpdesk.spec import RESERVED_FLAGS, ActionSpec, Kind, Parameter
from helpdesk.text import shorten

_KINDS: dict[Any, Kind] = {
    str: "text",
    int: "integer",
    bool: "boolean",
    date: "date",
    Login: "login",
    GroupName: "group",
    Secret: "secret",
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ACTION_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}(-[a-z0-9_]{1,39})?")
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_INTEGER = re.compile(r"-?[0-9]{1,40}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)
_DAY_ENDS = time(23, 59)
MAX_INTEGER = 10**15
"""Far below 64 bits, so that policies, the log and every system behind an action can hold it."""
MAX_TEXT = 10_000
"""Characters in one text argument."""


def spec_of(plugin: Plugin, action: Action[Any]) -> ActionSpec:
    """The spec of one action.

    Raises:
        PluginFailure: a type that is no argument kind, a reserved flag, or a write without
            preview or verify.
    """
    owner, _, short = action.name.partition(".")
    if owner != plugin.name or not _ACTION_NAME.fullmatch(short):
        raise PluginFailure(f"{action.name!r} is no name for an action of the plugin {plugin.name}.")
    if not action.reads and not (action.preview_function and action.verify_function):
        raise PluginFailure(f"{action.name} writes but lacks a preview or a verify function.")
    for texts in (action.examples, plugin.needs):
        if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
            raise PluginFailure(f"{action.name}: examples and needs are tuples of texts.")
    parameters = tuple(_parameters(action))
    if action.time_bound:
        parameters = _time_bound(action, parameters)
    _check_companions(action)
    _check_undo(action, parameters)
    summary, _, description = inspect.cleandoc(action.function.__doc__ or "").partition("\n")
    if not summary:
        raise PluginFailure(f"{action.name} has no docstring; its first line is the action's help.")
    return ActionSpec(
        name=action.name,
        plugin=plugin.name,
        plugin_version=plugin.version,
        summary=summary.strip(),
        description=description.strip(),
        risk=action.risk.value,
        reads=action.reads,
        about=action.about or _about(parameters),
        parameters=parameters,
        examples=action.examples,
        allow=action.allow,
        needs=plugin.needs,
        while_must_change=action.while_must_change,
        reveals=action.reveals,
        irreversible=action.irreversible,
        undoable=action.undo_function is not None,
        no_undo=action.no_undo,
        time_bound=action.time_bound,
    )


def _arguments(function: Any) -> list[inspect.Parameter]:
    """The parameters after the context."""
    return list(inspect.signature(function).parameters.values())[1:]


def _check_companions(action: Action[Any]) -> None:
    """Preview, verify and undo take what the action takes: a slip would show only after the effect."""
    wanted = [parameter.name for parameter in _arguments(action.function)]
    companions = (
        ("preview", action.preview_function),
        ("verify", action.verify_function),
        ("undo", action.undo_function),
    )
    for what, function in companions:
        if function is not None and [parameter.name for parameter in _arguments(function)] != wanted:
            raise PluginFailure(f"{action.name}: its {what} takes other arguments than the action.")


def _check_undo(action: Action[Any], parameters: tuple[Parameter, ...]) -> None:
    """What is taken back is read from the log, which holds no secret."""
    if action.undo_function is None:
        return
    if action.reads:
        raise PluginFailure(f"{action.name} changes nothing, so it has no undo.")
    if action.reveals or any(parameter.kind == "secret" for parameter in parameters):
        raise PluginFailure(f"{action.name} sets a secret, which no log holds, so it has no undo.")
    if action.no_undo:
        raise PluginFailure(f"{action.name} has an undo, and says why it has none.")


def _time_bound(action: Action[Any], parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """What ends by itself says when, in ``days`` or ``until``, and how it is taken back."""
    if action.undo_function is None:
        raise PluginFailure(f"{action.name} ends by itself, but lacks the undo that would end it.")
    kinds = {p.name: p.kind for p in parameters if not p.required and p.default is None}
    if (kinds.get("days"), kinds.get("until")) != ("integer", "date"):
        raise PluginFailure(
            f"{action.name} ends by itself, so it takes days: int | None = None and until: date | None = None."
        )
    return tuple(replace(p, moment=True) if p.name == "until" else p for p in parameters)


def _parameters(action: Action[Any]) -> typing.Iterator[Parameter]:
    try:
        hints = typing.get_type_hints(action.function, include_extras=True)
        parameters = _arguments(action.function)
    except (NameError, TypeError, ValueError, AttributeError, SyntaxError) as error:
        raise PluginFailure(f"{action.name} has types that cannot be understood: {error}.") from error
    for parameter in parameters:
        found = _parameter(action.name, parameter, hints.get(parameter.name))
        flags = {found.flag[2:], f"no-{found.flag[2:]}" if found.kind == "boolean" else ""}
        if flags & RESERVED_FLAGS:
            raise PluginFailure(f"{action.name}: {found.flag} is one of the program's own flags.")
        yield found


def _parameter(action: str, parameter: inspect.Parameter, hint: Any) -> Parameter:
    if parameter.kind not in _BY_NAME or not _NAME.fullmatch(parameter.name):
        raise PluginFailure(f"{action}: {parameter} is no argument with a name in small letters.")
    text = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        text = next((note for note in notes if isinstance(note, str)), "")
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        hint = parts[0] if len(parts) == 1 else None
    choices: tuple[str, ...] = ()
    kind = _KINDS.get(hint) if isinstance(hint, Hashable) else None
    if typing.get_origin(hint) is typing.Literal and all(isinstance(c, str) for c in typing.get_args(hint)):
        kind, choices = "choice", typing.get_args(hint)
    if kind is None:
        raise PluginFailure(f"{action}: the argument {parameter.name} has no type that can be asked for.")
    if parameter.default is inspect.Parameter.empty:
        return Parameter(parameter.name, kind, True, text, None, choices)
    found = Parameter(parameter.name, kind, False, text, None, choices)
    return replace(found, default=_default(action, found, parameter.default))


def _default(action: str, parameter: Parameter, default: Any) -> Any:
    """A default as plain data. Raises PluginFailure when it does not fit the argument."""
    if default is None or (default == "" and parameter.kind == "text"):
        return default
    if parameter.kind == "secret":
        raise PluginFailure(f"{action}: {parameter.name} is a secret, and a secret has no default.")
    try:
        return parse_value(parameter, default.isoformat() if isinstance(default, date) else default)
    except InvalidArgument as error:
        raise PluginFailure(
            f"{action}: the default of {parameter.name} does not fit: {error.message}"
        ) from error


def _about(parameters: tuple[Parameter, ...]) -> Any:
    names = {(parameter.name, parameter.kind) for parameter in parameters}
    if ("group", "group") in names:
        return "group"
    return "person" if ("person", "login") in names else "desk"


def parse_arguments(spec: ActionSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Texts or JSON values into the plain values of a call; secrets are not among them.

    Raises:
        UsageError: an argument is missing or unknown; the message names it and its flag.
        InvalidArgument: a value does not fit its kind.
    """
    for name in given:
        parameter = spec.parameter(name)
        if parameter is None or parameter.kind == "secret":
            known = ", ".join(p.name for p in spec.parameters if p.kind != "secret") or "none"
            raise UsageError(f"{spec.name} takes no argument {name!r}; it takes: {known}.")
    values: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.kind == "secret":
            continue
        value = given.get(parameter.name)
        if value is None or value == "":
            if parameter.required:
                raise UsageError(
                    f"{spec.name} needs {parameter.name}.",
                    hint=f"Give it after the action's name, or as {parameter.flag} VALUE.",
                    code="missing-argument",
                )
            continue
        values[parameter.name] = parse_value(parameter, value)
    return values


def parse_value(parameter: Parameter, value: Any) -> Any:
    """One value, checked against its parameter's kind. Raises InvalidArgument."""
    match parameter.kind:
        case "integer":
            return _integer(parameter, value)
        case "boolean":
            return _boolean(parameter, value)
        case "date":
            return _moment(parameter, value) if parameter.moment else _date(parameter, value)
        case "choice":
            if not isinstance(value, str) or value not in parameter.choices:
                raise _invalid(parameter, value, f"one of {', '.join(parameter.choices)}")
            return value
        case _:
            return _text(parameter, value)


def _text(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str):
        raise _invalid(parameter, value, "a text")
    text = value.strip() if parameter.kind in ("login", "group") else value
    if not text.strip():
        raise _invalid(parameter, value, "not empty")
    if len(text) > MAX_TEXT:
        raise InvalidArgument(f"{parameter.flag} is longer than {MAX_TEXT:,} characters.")
    if "\x00" in text or any(0xD800 <= ord(character) < 0xE000 for character in text):
        raise InvalidArgument(f"{parameter.flag} holds a character that no system can store.")
    return text


def _integer(parameter: Parameter, value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid(parameter, value, "a whole number")
    if abs(value) > MAX_INTEGER:
        raise InvalidArgument(f"{parameter.flag} must be at most {MAX_INTEGER:,}, above and below zero.")
    return value


def _boolean(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise _invalid(parameter, value, "yes or no")


def _date(parameter: Parameter, value: Any) -> str:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value.strip()):
            return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        pass  # said below, as for everything that is no date
    raise _invalid(parameter, value, "a date such as 2026-12-31")


def _moment(parameter: Parameter, value: Any) -> str:
    """A moment with its zone: what one machine resolved means the same on every other."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        if _DATE.fullmatch(text):
            day_ends = datetime.combine(date.fromisoformat(text), _DAY_ENDS)
            return day_ends.astimezone().isoformat("T", "minutes")
        if _MOMENT.fullmatch(text):
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo is not None else found.astimezone()
            return found.isoformat("T", "seconds" if found.second else "minutes")
    except (ValueError, OverflowError):
        pass  # said below, as for everything that is no date
    raise _invalid(parameter, value, "a day such as 2026-12-31, or with a time: 2026-12-31T18:00")


def _invalid(parameter: Parameter, value: Any, wanted: str) -> InvalidArgument:
    found = (
        repr(shorten(value, 60)) if isinstance(value, str) else f"a value of the kind {type(value).__name__}"
    )
    return InvalidArgument(f"{parameter.flag} must be {wanted}, not {found}.")


def keyword_arguments(
    spec: ActionSpec, values: Mapping[str, Any], secrets: Mapping[str, Secret]
) -> dict[str, Any]:
    """The arguments as the plugin's function takes them: dates as dates, secrets as secrets."""
    arguments: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.kind == "secret":
            if parameter.name in secrets:
                arguments[parameter.name] = secrets[parameter.name]
        elif parameter.name in values:
            value = values[parameter.name]
            arguments[parameter.name] = _as_date(parameter, value) if parameter.kind == "date" else value
    return arguments


def _as_date(parameter: Parameter, value: str) -> date:
    return datetime.fromisoformat(value) if parameter.moment else date.fromisoformat(value)


_JSON_TYPES = {"integer": "integer", "boolean": "boolean"}


def tool_schema(spec: ActionSpec) -> dict[str, Any]:
    """The action as a function tool of the chat completions API; secret arguments are left out (L6)."""
    properties: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.kind == "secret":
            continue
        schema: dict[str, Any] = {"type": _JSON_TYPES.get(parameter.kind, "string")}
        if parameter.help:
            schema["description"] = parameter.help
        if parameter.choices:
            schema["enum"] = list(parameter.choices)
        if parameter.kind == "date" and not parameter.moment:
            schema["format"] = "date"
        properties[parameter.name] = schema
    required = [p.name for p in spec.parameters if p.required and p.kind != "secret"]
    return {
        "type": "function",
        "function": {
            "name": spec.name.replace(".", "__"),
            "description": spec.summary,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
        },
    }
