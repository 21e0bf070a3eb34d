"""Why the policy says what it says: each rule that could speak about a call, tried alone, and what fails in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpdesk.gate.cedar_policies import policy_set
from helpdesk.gate.cedar_rules import Rule

if TYPE_CHECKING:
    from cedarpy import Schema

Tree = Mapping[str, Any]
_NEEDLESS = re.compile(r"(?<![\w.])\(([a-z]+(?:\.[a-z_]+)*)\)")
_BODY = re.compile(r"when \{ (.*) \};\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the things that must be so for a rule to apply.

    Attributes:
        tree: the expression in Cedar's JSON. holds: it is so for this call now.
    """

    tree: Tree
    holds: bool

    @property
    def cedar(self) -> str:
        """The expression as policy text."""
        return cedar(self.tree)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about a call.

    Attributes:
        head: its head fits: who asks, the action, and what it is about.
        conditions: in their order; empty where the head does not fit.
    """

    rule: Rule
    head: bool
    conditions: tuple[Condition, ...]

    @property
    def applies(self) -> bool:
        return self.head and all(condition.holds for condition in self.conditions)

    @property
    def failed(self) -> tuple[Condition, ...]:
        """The conditions that would have to become true."""
        return tuple(condition for condition in self.conditions if not condition.holds)


def examine(rule: Rule, question: Tree, entities: Sequence[Tree], schema: Schema) -> Finding:
    """Try one rule alone, and each of its conditions beside those before it that hold.

    A condition may lean on an earlier one (``context has person && …``). One that cannot be answered because
    an earlier one fails is left out: it says nothing yet.
    """

    def holds(trees: Sequence[Tree]) -> bool | None:
        return _holds(rule, trees, question, entities, schema)

    if not holds(()):
        return Finding(rule, head=False, conditions=())
    found: list[Condition] = []
    so_far: list[Tree] = []
    for tree in _conditions(rule):
        answer = holds([*so_far, tree])
        if answer:
            so_far.append(tree)
        if answer is not None or all(condition.holds for condition in found):
            found.append(Condition(tree, holds=bool(answer)))
    return Finding(rule, head=True, conditions=tuple(found))


def cedar(tree: Tree) -> str:
    """An expression in Cedar's JSON as policy text, without the brackets that nobody needs."""
    import cedarpy

    document = {"static": {"effect": "permit", "conditions": [{"kind": "when", "body": tree}], **_ANYTHING}}
    text = cedarpy.policies_from_json_str(
        json.dumps({"staticPolicies": document, "templates": {}, "templateLinks": []})
    )
    match = _BODY.search(text)
    text, before = match[1] if match else text, ""
    while text != before:
        text, before = _NEEDLESS.sub(r"\1", text), text
    return text


_ANYTHING = {"principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}}


def _conditions(rule: Rule) -> Iterator[Tree]:
    """What must be so: the parts of ``when``, and the opposite of ``unless``."""
    for condition in rule.document["conditions"]:
        if condition["kind"] == "when":
            yield from _parts(condition["body"])
        else:
            yield {"!": {"arg": condition["body"]}}


def _parts(tree: Tree) -> Iterator[Tree]:
    if "&&" in tree:
        yield from _parts(tree["&&"]["left"])
        yield from _parts(tree["&&"]["right"])
    else:
        yield tree


def _holds(
    rule: Rule, trees: Sequence[Tree], question: Tree, entities: Sequence[Tree], schema: Schema
) -> bool | None:
    """Whether the rule, with these conditions only, would apply; ``None`` when that cannot be answered."""
    import cedarpy

    document = {
        **rule.document,
        "effect": "permit",
        "conditions": [{"kind": "when", "body": tree} for tree in trees],
    }
    alone = Rule(
        rule.key, rule.id, "permit", "", "", 0, rule.scope, rule.mentioned, rule.asked, False, document
    )
    policies = cedarpy.PolicySet.from_json_str(policy_set([alone]))
    try:
        result = cedarpy.is_authorized(dict(question), policies, [dict(one) for one in entities], schema)
    except (ValueError, TypeError):
        return None
    return None if result.diagnostics.errors else bool(result.allowed)
