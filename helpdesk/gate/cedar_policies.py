"""Which rules can be in force: validation against the schema, and the rules that authors' ``allow=`` makes.

Rules are judged one by one. A rule whose actions are all absent is out of force alone; a ``permit`` that is
invalid is too, which refuses more; a ``forbid`` that is invalid is *broken*: leaving it out would allow what
it was written against, so whatever it could be about is refused until it is corrected.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from helpdesk.gate.cedar_rules import Rule, parse
from helpdesk.gate.cedar_schema import attribute_names
from helpdesk.spec import ActionSpec

if TYPE_CHECKING:
    from cedarpy import Schema


@dataclass(frozen=True, slots=True)
class Checked:
    """Rules in force, ``forbid`` rules that are broken, and a sentence about each rule that is not in force."""

    rules: tuple[Rule, ...]
    broken: tuple[Rule, ...]
    problems: tuple[str, ...]


def check(
    rules: Sequence[Rule],
    specs: Sequence[ActionSpec],
    absent: Collection[str],
    schema: Schema,
    source: str,
    text: str,
    *,
    shipped: bool,
) -> Checked:
    """Judge each rule.

    Args:
        absent: actions that rules mention and nobody offers.
        text: what the rules were parsed from.
        shipped: rules about absent actions are no problem: the shipped policy speaks about every plugin.
    """
    errors = _errors(rules, schema, text)
    good: list[Rule] = []
    broken: list[Rule] = []
    problems: list[str] = []
    for rule in rules:
        where = f"{source}, line {rule.line}: the rule {rule.id}"
        gone = sorted(rule.mentioned & set(absent))
        if gone and rule.scope is not None and rule.scope <= set(gone):
            if not shipped:
                problems.append(f"{where} is out of force: {_unknown(gone, specs)}.")
            continue
        why = errors.get(rule.key) or _unanswerable(rule, specs, gone)
        if why:
            problems.append(f"{where} is out of force: {why}.{_consequence(rule)}")
            if rule.effect == "forbid":
                broken.append(rule)
            continue
        if gone and not shipped:
            problems.append(f"{where} is in force, but {_unknown(gone, specs)}.")
        good.append(rule)
    if not rules:
        problems.append(f"{source} holds no rule, so everything is refused.")
    return Checked(tuple(good), tuple(broken), tuple(problems))


def authors_rules(specs: Sequence[ActionSpec], rules: Sequence[Rule], *, permits: bool) -> tuple[Rule, ...]:
    """What ``allow=`` of the authors adds: an upper bound always, and a default where nothing else permits.

    Args:
        rules: those in force.
        permits: the shipped policy is in force; actions that no rule of it names get their author's default.
    """
    bound, desk, everyone, desk_reads, everyone_reads = parse(_AUTHORS, "allow=", prefix="author")
    found: list[Rule] = []
    for spec in specs:
        if spec.allow == "helpdesk":
            found.append(_for_action(bound, spec.name))
        named = any(rule.effect == "permit" and rule.names(spec.name) for rule in rules)
        if spec.allow is None or not permits or named:
            continue
        if spec.reads:
            found.append(_for_action(desk_reads if spec.allow == "helpdesk" else everyone_reads, spec.name))
        else:
            found.append(_for_action(desk if spec.allow == "helpdesk" else everyone, spec.name))
    return tuple(found)


_AUTHORS = """
@id("service-desk-only") @reason("Only the service desk may do this.") @hint("Ask the service desk.")
forbid (principal, action, resource) unless { principal.roles.contains("helpdesk") };

@id("author-allows") @reason("The action's author lets the service desk run it.")
permit (principal, action, resource) when { principal.roles.contains("helpdesk") }
unless { context has person && context.person != principal && context.person.privileged };

@id("author-allows") @reason("The action's author lets everyone run it.")
permit (principal, action, resource)
unless { context has person && context.person != principal && context.person.privileged };

@id("author-allows") @reason("The action's author lets the service desk run it.")
permit (principal, action, resource) when { principal.roles.contains("helpdesk") };

@id("author-allows") @reason("The action's author lets everyone run it.")
permit (principal, action, resource);
"""
"""In the order of :func:`authors_rules`; writes never touch somebody else's privileged account."""


def _for_action(rule: Rule, action: str) -> Rule:
    """The rule for one action only. Names are put into the parsed form, so that none can be read as Cedar."""
    head = {"op": "==", "entity": {"type": "Action", "id": action}}
    return replace(
        rule,
        key=f"{rule.key}:{action}",
        line=0,
        scope=frozenset({action}),
        document={**rule.document, "action": head},
    )


def policy_set(rules: Iterable[Rule]) -> str:
    """The rules as one policy set in Cedar's JSON, each under its key."""
    static = {rule.key: rule.document for rule in rules}
    return json.dumps({"staticPolicies": static, "templates": {}, "templateLinks": []})


def _errors(rules: Sequence[Rule], schema: Schema, text: str) -> dict[str, str]:
    """Rule key → what the validator says about it."""
    import cedarpy

    prefix = rules[0].key.removesuffix("0") if rules else ""
    found: dict[str, str] = {}
    for error in cedarpy.validate_policies(text, schema).errors:
        key = prefix + error.policy_id.removeprefix("policy")
        why = error.error.removeprefix(f"for policy `{error.policy_id}`, ").rstrip(".")
        found.setdefault(key, why)
    unplaced = set(found) - {rule.key for rule in rules}
    if unplaced:  # an error that belongs to no rule may belong to any of them
        why = found[min(unplaced)]
        return {rule.key: found.get(rule.key, why) for rule in rules}
    return found


def _unanswerable(rule: Rule, specs: Sequence[ActionSpec], gone: Collection[str]) -> str:
    """A question that is always answered with no, although the validator lets it pass."""
    if rule.template:
        return "it is a template, and nothing fills its slots"
    unknown = sorted(rule.asked - attribute_names(specs))
    if unknown and not gone:  # an absent action's arguments are not known
        near = difflib.get_close_matches(unknown[0], attribute_names(specs), 1)
        return f"there is no attribute {unknown[0]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    return ""


def _unknown(gone: Sequence[str], specs: Sequence[ActionSpec]) -> str:
    near = difflib.get_close_matches(gone[0], [spec.name for spec in specs], 1, cutoff=0.75)
    names = ", ".join(gone)
    return f"no plugin offers {names}" + (f" (did you mean {near[0]}?)" if near else "")


def _consequence(rule: Rule) -> str:
    if rule.effect == "permit":
        return " It permits nothing."
    return " It may forbid anything, so whatever writes is refused until it is corrected."
