"""Policy text into rules, each with its name, its sentences, and the actions that it speaks about.

Policy format: https://docs.cedarpolicy.com/policies/json-format.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from helpdesk.errors import ConfigError

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|\s+|;|[^\s;"/]+|.', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy.

    Attributes:
        key: its name inside the policy set; unique.
        id: its ``@id``, or its place in the file: what a person is told.
        reason, hint: its annotations, or "".
        line: where it begins, from 1; 0 when it was generated.
        scope: names of the actions in its head; ``None`` means all of them.
        mentioned: every action that it names, in its head or in a condition.
        asked: attributes that it asks for with ``has``.
        template: it has slots, which nothing here fills, so that it decides nothing.
        document: the policy in Cedar's JSON.
    """

    key: str
    id: str
    effect: Literal["permit", "forbid"]
    reason: str
    hint: str
    line: int
    scope: frozenset[str] | None
    mentioned: frozenset[str]
    asked: frozenset[str]
    template: bool
    document: dict[str, Any]

    def covers(self, *names: str) -> bool:
        """Whether its head lets it speak about an action, given by its name and its groups' names."""
        return self.scope is None or not self.scope.isdisjoint(names)

    def names(self, action: str) -> bool:
        return self.scope is not None and action in self.scope


def parse(text: str, source: str, prefix: str = "rule") -> tuple[Rule, ...]:
    """The rules of a policy file, in its order.

    Args:
        source: the file's name, for errors.
        prefix: distinguishes the keys of these rules from those of other texts.

    Raises:
        ConfigError: the text is not Cedar; it names the line where the rule in question begins.
    """
    import cedarpy

    try:
        document = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        line, why = _culprit(text, str(error))
        raise ConfigError(
            f"{source}, line {line}: the rule that begins there is not valid Cedar: {why}.",
            hint="Correct it; until then nothing is decided, and so nothing is done.",
        ) from error
    policies = {**document["staticPolicies"], **document["templates"]}
    ordered = sorted(policies, key=lambda key: int(key.removeprefix("policy")))
    lines = [line for line, _ in statements(text)]
    found = []
    for number, key in enumerate(ordered):
        line = lines[number] if len(lines) == len(ordered) else 0
        is_template = key in document["templates"]
        found.append(_rule(policies[key], f"{prefix}{number}", number + 1, line, is_template))
    return tuple(found)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """The text of each policy, and the line on which it begins; only good for telling people where."""
    line, start, collected = 1, 0, ""
    for piece in _TOKEN.findall(text):
        if not piece.isspace() and not piece.startswith("//"):
            start = start or line
            collected += piece
        elif collected:
            collected += " "
        line += piece.count("\n")
        if piece == ";":
            yield start, collected
            start, collected = 0, ""
    if collected.strip():
        yield start, collected


def _culprit(text: str, error: str) -> tuple[int, str]:
    """The first policy that does not parse by itself. Cedar's own message carries no position."""
    import cedarpy

    for line, statement in statements(text):
        try:
            cedarpy.policies_to_json_str(statement)
        except ValueError as why:
            return line, str(why)
    return 1, error


def _rule(policy: dict[str, Any], key: str, number: int, line: int, template: bool) -> Rule:
    notes = policy.get("annotations") or {}
    conditions = list(_nodes(policy["conditions"]))
    scope = _scope(policy["action"])
    in_conditions = (node["__entity"] for node in conditions if "__entity" in node)
    mentioned = {entity["id"] for entity in in_conditions if entity["type"] == "Action"}
    return Rule(
        key=key,
        id=notes.get("id") or f"rule-{number}",
        effect=policy["effect"],
        reason=notes.get("reason") or "",
        hint=notes.get("hint") or "",
        line=line,
        scope=scope,
        mentioned=frozenset(mentioned) | (scope or frozenset()),
        asked=frozenset(_asked(conditions)),
        template=template,
        document=policy,
    )


def _scope(head: dict[str, Any]) -> frozenset[str] | None:
    if head["op"] == "All":
        return None
    entities = head["entities"] if "entities" in head else [head["entity"]]
    if any(entity["type"] != "Action" for entity in entities):
        return None  # another namespace: nobody can tell what was meant, so it may have meant anything
    return frozenset(entity["id"] for entity in entities)


def _asked(conditions: list[dict[str, Any]]) -> Iterator[str]:
    for node in conditions:
        question = node.get("has")
        if isinstance(question, dict) and isinstance(question.get("attr"), str):
            yield question["attr"]


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)
