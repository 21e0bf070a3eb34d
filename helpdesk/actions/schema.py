"""From one typed signature to everything else: the action's spec, its parsed arguments, a model's tool.

The kinds of arguments are a closed set, known from the cached manifest without importing the plugin;
that is why no schema library stands here: it would need the types, and so the import.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from datetime import date
from typing import Any

from helpdesk.errors import InvalidArgument, PluginFailure, UsageError
from helpdesk.plugin import Action, GroupName, Login, Plugin
from helpdesk.secrets import Secret
from helpdesk.spec import RESERVED_FLAGS, ActionSpec, Kind, Parameter

_KINDS: dict[Any, Kind] = {
    str: "text",
    int: "integer",
    bool: "boolean",
    date: "date",
    Login: "login",
    GroupName: "group",
    Secret: "secret",
}
_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
MAX_TEXT = 10_000
"""Characters in one text argument."""


def spec_of(plugin: Plugin, action: Action[Any]) -> ActionSpec:
    """The spec of one action.

    Raises:
        PluginFailure: a type that is no argument kind, a reserved flag, or a write without
            preview or verify.
    """
    if not action.reads and not (action.preview_function and action.verify_function):
        raise PluginFailure(f"{action.name} writes but lacks a preview or a verify function.")
    parameters = tuple(_parameters(action))
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
    )


def _parameters(action: Action[Any]) -> typing.Iterator[Parameter]:
    hints = typing.get_type_hints(action.function, include_extras=True)
    for parameter in list(inspect.signature(action.function).parameters.values())[1:]:
        if parameter.name.replace("_", "-") in RESERVED_FLAGS:
            raise PluginFailure(f"{action.name}: --{parameter.name} is one of the program's own flags.")
        yield _parameter(action.name, parameter, hints.get(parameter.name))


def _parameter(action: str, parameter: inspect.Parameter, hint: Any) -> Parameter:
    text = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        text = next((note for note in notes if isinstance(note, str)), "")
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    choices: tuple[str, ...] = ()
    kind = _KINDS.get(hint)
    if typing.get_origin(hint) is typing.Literal:
        kind, choices = "choice", tuple(str(choice) for choice in typing.get_args(hint))
    if kind is None:
        raise PluginFailure(f"{action}: the argument {parameter.name} has no type that can be asked for.")
    required = parameter.default is inspect.Parameter.empty
    default = None if required else parameter.default
    if isinstance(default, date):
        default = default.isoformat()
    return Parameter(parameter.name, kind, required, text, default, choices)


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
            return _date(parameter, value)
        case "choice":
            if str(value) not in parameter.choices:
                raise _invalid(parameter, value, f"one of {', '.join(parameter.choices)}")
            return str(value)
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
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lstrip("-").isascii() and value.strip().lstrip("-").isdigit():
        return int(value[:20])
    raise _invalid(parameter, value, "a whole number")


def _boolean(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise _invalid(parameter, value, "yes or no")


def _date(parameter: Parameter, value: Any) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise _invalid(parameter, value, "a date such as 2026-12-31") from None


def _invalid(parameter: Parameter, value: Any, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{parameter.flag} must be {wanted}, not {str(value)[:60]!r}.")


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
            arguments[parameter.name] = date.fromisoformat(value) if parameter.kind == "date" else value
    return arguments


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
        if parameter.kind == "date":
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
