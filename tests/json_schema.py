"""As much of JSON Schema 2020-12 as docs/schemas uses. A keyword that is not known here is an error."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"
_NOTES = {"$schema", "$id", "$defs", "title", "description"}
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return loaded


def problems(value: Any, name: str, *, strict: bool = True) -> list[str]:
    """What is wrong with a document, by the schema of this name.

    Args:
        strict: a key that the schema does not describe is wrong too. Scripts must bear further keys; the
            program must describe every one that it prints.
    """
    schema = load(name)
    return _problems(value, schema, schema, "$", strict)


def _problems(
    value: Any, schema: dict[str, Any], root: dict[str, Any], where: str, strict: bool
) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        known, rest = schema.get("properties"), schema.get("additionalProperties")
        found += [f"{where}: {key!r} is missing" for key in schema.get("required", ()) if key not in value]
        for key, inner in value.items():
            if key in (known or {}):
                found += _problems(inner, schema["properties"][key], root, f"{where}.{key}", strict)
            elif rest is False:
                found.append(f"{where}: {key!r} is not known")
            elif rest is not None:
                found += _problems(inner, rest, root, f"{where}.{key}", strict)
            elif strict and known is not None:
                found.append(f"{where}: {key!r} is not described")
    for keyword, wanted in schema.items():
        if keyword in _NOTES or keyword in ("properties", "required", "additionalProperties"):
            continue
        if keyword == "type" and isinstance(wanted, list):
            if not any(isinstance(value, _TYPES[one]) for one in wanted):
                found.append(f"{where}: {value!r} is none of {wanted}")
        elif keyword == "type":
            number = isinstance(value, bool) and wanted in ("integer", "number")
            if number or not isinstance(value, _TYPES[wanted]):
                found.append(f"{where}: {value!r} is no {wanted}")
        elif keyword == "const":
            found += [] if value == wanted else [f"{where}: {value!r} is not {wanted!r}"]
        elif keyword == "enum":
            found += [] if value in wanted else [f"{where}: {value!r} is none of {wanted}"]
        elif keyword == "minimum":
            if isinstance(value, int | float) and value < wanted:
                found.append(f"{where}: {value} is below {wanted}")
        elif keyword == "maximum":
            if isinstance(value, int | float) and value > wanted:
                found.append(f"{where}: {value} is above {wanted}")
        elif keyword in ("minItems", "minProperties"):
            if isinstance(value, list | dict) and len(value) < wanted:
                found.append(f"{where}: there are fewer than {wanted}")
        elif keyword == "oneOf":
            if sum(not _problems(value, one, root, where, False) for one in wanted) != 1:
                found.append(f"{where}: it is not exactly one of what it may be")
        elif keyword == "pattern":
            if isinstance(value, str) and not re.search(wanted, value):
                found.append(f"{where}: {value!r} does not match {wanted}")
        elif keyword == "items":
            for i, item in enumerate(value if isinstance(value, list) else ()):
                found += _problems(item, wanted, root, f"{where}[{i}]", strict)
        elif keyword == "anyOf":
            tried = [_problems(value, one, root, where, strict) for one in wanted]
            found += [] if any(not one for one in tried) else min(tried, key=len)
        elif keyword == "$ref":
            name = wanted.removeprefix("#/$defs/")
            found += _problems(value, root["$defs"][name], root, where, strict)
        else:
            raise AssertionError(f"{where}: the keyword {keyword!r} is not understood")
    return found
