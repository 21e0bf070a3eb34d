"""The Cedar schema, generated from the actions that are installed.

======== ==============================================================================================
Person   ``login``, ``roles``, ``privileged``, ``enabled``, and ``manager`` where the directory names one
Group    ``name``, ``owners``, ``privileged``
Desk     what an action is about when it is about neither a person nor a group
context  ``person`` (acted upon), ``approver`` (while an approval is decided), ``arguments`` (the action's own),
         ``time_bound`` (present and true for what takes back access that would end by itself anyway)
Action   one for each action, by its name, in ``Action::"reads"`` or ``Action::"writes"``
======== ==============================================================================================

Schema format: https://docs.cedarpolicy.com/schema/json-schema.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from helpdesk.spec import ActionSpec, Kind

READS, WRITES = "reads", "writes"
GROUPS = frozenset({READS, WRITES})
"""Action groups for rules about every action of a sort. No action has such a name: theirs have a dot."""

_TYPES: Mapping[Kind, str] = {
    "text": "String",
    "login": "String",
    "group": "String",
    "choice": "String",
    "date": "String",
    "integer": "Long",
    "boolean": "Boolean",
}
_RESOURCES = {"group": "Group", "person": "Person", "self": "Person", "desk": "Desk"}


def schema(specs: Sequence[ActionSpec], absent: Iterable[str] = ()) -> dict[str, Any]:
    """The schema as Cedar's JSON.

    Args:
        absent: actions that rules mention and nobody offers. They are declared, so that the rules parse
            and keep their meaning for the actions that are there, but apply to no request.
    """
    actions: dict[str, Any] = {name: {} for name in (*absent, READS, WRITES)}
    actions |= {spec.name: _action(spec) for spec in specs}
    return {"": {"entityTypes": _ENTITY_TYPES, "actions": actions}}


def arguments(spec: ActionSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """What policies see of a call's arguments: defaults filled in, secrets left out."""
    seen: dict[str, Any] = {}
    for parameter in spec.parameters:
        value = values.get(parameter.name, parameter.default)
        if parameter.kind != "secret" and value is not None:
            seen[parameter.name] = value
    return seen


def attribute_names(specs: Sequence[ActionSpec]) -> frozenset[str]:
    """Every attribute that a rule can ask for with ``has``."""

    def names() -> Iterator[str]:
        for entity in _ENTITY_TYPES.values():
            yield from entity.get("shape", {}).get("attributes", {})
        yield from ("person", "approver", "arguments", "time_bound")
        for spec in specs:
            yield from (parameter.name for parameter in spec.parameters if parameter.kind != "secret")

    return frozenset(names())


def _entity(name: str, *, required: bool = True) -> dict[str, Any]:
    return {"type": "Entity", "name": name, "required": required}


def _record(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Record", "attributes": dict(attributes)}


_ENTITY_TYPES: dict[str, Any] = {
    "Person": {
        "shape": _record(
            {
                "login": {"type": "String"},
                "roles": {"type": "Set", "element": {"type": "String"}},
                "privileged": {"type": "Boolean"},
                "enabled": {"type": "Boolean"},
                "manager": _entity("Person", required=False),
            }
        )
    },
    "Group": {
        "shape": _record(
            {
                "name": {"type": "String"},
                "owners": {"type": "Set", "element": {"type": "Entity", "name": "Person"}},
                "privileged": {"type": "Boolean"},
            }
        )
    },
    "Desk": {},
}


def _action(spec: ActionSpec) -> dict[str, Any]:
    given = {
        p.name: {"type": _TYPES[p.kind], "required": p.required}
        for p in spec.parameters
        if p.kind != "secret"
    }
    context = {
        "person": _entity("Person", required=spec.about != "desk"),
        "approver": _entity("Person", required=False),
        "time_bound": {"type": "Boolean", "required": False},
        "arguments": _record(given),
    }
    return {
        "memberOf": [{"id": READS if spec.reads else WRITES}],
        "appliesTo": {
            "principalTypes": ["Person"],
            "resourceTypes": [_RESOURCES[spec.about]],
            "context": _record(context),
        },
    }
