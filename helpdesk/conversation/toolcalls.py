"""A model's calls, checked before anything is made of them: known action, known arguments, plain values (L6)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.actions.call import Provenance
from helpdesk.actions.schema import parse_arguments, tool_schema
from helpdesk.conversation.words import is_everyday, occurs, stands
from helpdesk.errors import HelpdeskError
from helpdesk.ports import ToolCall
from helpdesk.spec import ActionSpec, Parameter

_FENCE = re.compile(r"```(?:json|tool_call|tool|tool_code)?\s*\n?(?P<body>\{.*?\}|\[.*?\])\s*```", re.DOTALL)
_TAG = re.compile(r"<tool_call>\s*(?P<body>\{.*?\})\s*</tool_call>", re.DOTALL)
_BARE = re.compile(r"\A\s*(?P<body>\{.*\}|\[.*\])\s*\Z", re.DOTALL)
MAX_CALLS = 4
"""Calls in one reply; more are not run."""
_TARGETS = frozenset(
    [
        "id",
        "ticket",
        "number",
        "recipient",
        "recipients",
        "to",
        "cc",
        "mail",
        "email",
        "address",
        "phone",
        "telephone",
        "mobile",
        "role",
        "roles",
        "owner",
        "approver",
        "manager",
    ]
)
"""Arguments that say who or what is acted upon, or who hears of it, beside people and groups."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A model's call after the checks: ``spec`` with ``arguments``, or the ``problem`` to tell the model."""

    call: ToolCall
    spec: ActionSpec | None = None
    arguments: Mapping[str, Any] | None = None
    problem: str = ""


def tools(specs: Sequence[ActionSpec]) -> list[dict[str, Any]]:
    """The actions as function tools. Secrets, identity and confirmation are no parameters (L6)."""
    return [tool_schema(spec) for spec in specs]


def check(call: ToolCall, offered: Sequence[ActionSpec]) -> Checked:
    """Match a call with an action that was offered in this turn; everything else is a problem."""
    spec = next((s for s in offered if call.name in (s.name.replace(".", "__"), s.name)), None)
    if spec is None:
        names = ", ".join(s.name.replace(".", "__") for s in offered)
        return Checked(call, problem=f"There is no such tool. The tools are: {names}.")
    try:
        given = json.loads(call.arguments or "{}", parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Checked(call, problem="The arguments are not JSON.")
    if not isinstance(given, dict) or not all(_plain(value) for value in given.values()):
        return Checked(call, problem="The arguments must be one object of plain values.")
    try:
        return Checked(call, spec, _partly(spec, given))
    except HelpdeskError as error:
        return Checked(call, problem=error.message)


def _partly(spec: ActionSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given, parsed; what is required and missing is asked of the person later."""
    present = {name: value for name, value in given.items() if value is not None and value != ""}
    stand_ins = {p.name: _stand_in(p) for p in spec.parameters if p.required and p.name not in present}
    unknown = {name: value for name, value in given.items() if spec.parameter(name) is None}
    values = parse_arguments(spec, {**stand_ins, **present, **unknown})
    return {name: value for name, value in values.items() if name in present}


def _stand_in(parameter: Parameter) -> Any:
    return {
        "integer": 0,
        "boolean": False,
        "date": "2000-01-01",
        "choice": parameter.choices[0] if parameter.choices else "",
    }.get(parameter.kind, "x")


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, bool, type(None)))


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def calls_in_text(text: str) -> tuple[ToolCall, ...]:
    """Calls that a server left in the prose, as fenced JSON, in ``<tool_call>`` tags, or as the whole text."""
    bodies = [m["body"] for m in _TAG.finditer(text)] or [m["body"] for m in _FENCE.finditer(text)]
    if not bodies and (whole := _BARE.match(text)):
        bodies = [whole["body"]]
    found: list[ToolCall] = []
    for body in bodies:
        found += _calls_of(body, len(found))
    return tuple(found)


def _calls_of(body: str, at: int) -> list[ToolCall]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    calls: list[ToolCall] = []
    for item in document if isinstance(document, list) else [document]:
        if not isinstance(item, dict):
            continue
        item = item.get("function", item) if isinstance(item.get("function"), dict) else item
        name = item.get("name")
        arguments = item.get("arguments", item.get("parameters", {}))
        if isinstance(name, str) and isinstance(arguments, (dict, str)):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            calls.append(ToolCall(f"text_{at + len(calls)}", name, text))
    return calls


class ProseGate:
    """Lets prose through as it streams, and holds back what may turn out to be a call."""

    def __init__(self) -> None:
        self.text = ""
        self._shown = 0
        self._held = False

    def feed(self, piece: str) -> str:
        """Take a piece; returns what can be shown already."""
        self.text += piece
        if self._held:
            return ""
        start = self.text.lstrip()
        if start[:1] in ("{", "["):
            self._held = True
            return ""
        hold = min(
            (at for mark in ("```", "<tool_call>") if (at := self.text.find(mark, self._shown)) >= 0),
            default=-1,
        )
        if hold >= 0:
            self._held = True
            return self._show(hold)
        return self._show(self._safe_end())

    def rest(self, *, is_call: bool) -> str:
        """What was held back, unless it was a call."""
        return "" if is_call else self._show(len(self.text))

    def _safe_end(self) -> int:
        """The end of what cannot be the beginning of a mark."""
        for length in range(min(len("<tool_call>") - 1, len(self.text)), 0, -1):
            tail = self.text[-length:]
            if "```".startswith(tail) or "<tool_call>".startswith(tail):
                return len(self.text) - length
        return len(self.text)

    def _show(self, end: int) -> str:
        end = max(end, self._shown)
        piece, self._shown = self.text[self._shown : end], end
        return piece


def provenance(arguments: Mapping[str, Any], said: str, spec: ActionSpec) -> dict[str, Provenance]:
    """Typed when the person used the value in their own words, word for word; else tainted (L2).

    A person or group is typed only where its very name stands, and not when that is an everyday word.
    """
    return {
        name: Provenance.TYPED if _is_typed(name, value, said, spec) else Provenance.TEXT
        for name, value in arguments.items()
    }


def _is_typed(name: str, value: Any, said: str, spec: ActionSpec) -> bool:
    parameter = spec.parameter(name)
    if parameter is not None and parameter.kind in ("login", "group"):
        return stands(str(value), said) and not is_everyday(str(value))
    return occurs(str(value).lower() if isinstance(value, bool) else str(value), said)


def is_target(parameter: Parameter, spec: ActionSpec) -> bool:
    """Whether a tainted value of this argument needs the person's choice (L2)."""
    if parameter.kind in ("login", "group"):
        return True
    return not spec.reads and (parameter.name in _TARGETS or parameter.name.endswith(("_id", "_to")))
