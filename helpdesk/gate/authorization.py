"""Who may do what to whom: Cedar policies over actor, action, arguments and target.

Deny by default, and closed wherever something is amiss: a rule that fails while it is evaluated refuses
(Cedar itself would go on without it), and a ``forbid`` that cannot be understood refuses whatever it could
have been about. The site's policy decides; what no policy can allow stands in :meth:`Authorization.decide`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.canonical import digest
from helpdesk.errors import ConfigError
from helpdesk.gate import cedar_policies, cedar_schema
from helpdesk.gate.cedar_entities import Entities, Subject, person_uid
from helpdesk.gate.cedar_rules import Rule, parse
from helpdesk.identity import Group, Person
from helpdesk.spec import ActionSpec
from helpdesk.text import folded, says_nothing, shorten

if TYPE_CHECKING:
    from cedarpy import AuthzResult, Schema

    from helpdesk.gate.explanation import Finding

__all__ = ["AccessRequest", "Authorization", "Decision", "Subject", "Verdict"]

SHIPPED = Path(__file__).with_name("default.cedar")
DEFAULT_DENY = "default-deny"
_FAILED = re.compile(r"while evaluating policy `([^`]+)`")


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One question to the policy.

    Attributes:
        arguments: plain JSON values; values of secret parameters are left out whatever is given.
        principal: who asked.
        person: the person acted upon; the principal where the action is about themselves.
        group_privileged: the group gives the role "privileged".
        approver: while an approval is decided, whoever gives it.
        time_bound: it takes back what would end by itself anyway.
    """

    action: ActionSpec
    arguments: Mapping[str, Any]
    principal: Subject
    person: Subject | None
    group: Group | None
    group_privileged: bool
    approver: Subject | None = None
    time_bound: bool = False


class Verdict(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    NEEDS_APPROVAL = "needs-approval"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says.

    Attributes:
        rule: the deciding rule's ``@id``; "default-deny" when no rule permits.
        reason: one sentence for the person. hint: what to do next.
        approvers: with NEEDS_APPROVAL, those whose approval makes it allowed.
        each: with several calls in one, each yes that is needed: of whom, and who could give it; empty: any one.
    """

    verdict: Verdict
    rule: str
    reason: str
    hint: str = ""
    approvers: tuple[Subject, ...] = ()
    each: tuple[tuple[str, tuple[Subject, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """One evaluation: whether it is allowed, and the rules that made it so."""

    allowed: bool
    deciding: tuple[Rule, ...]
    failed: str = ""


class Authorization:
    """Decides about calls. Parsed and validated once; safe to use from several threads.

    Args:
        specs: every action that is installed; the schema is made from them.
        policies: Cedar text.
        source: the name of its file, for messages.
        shipped: the text is the policy that comes with the program, so that the authors' ``allow=`` is
            in force for actions that it does not speak about. Otherwise the site alone permits.

    Attributes:
        version: a digest of the rules, so that whoever was asked under others knows.

    Raises:
        ConfigError: the text is not Cedar.
    """

    def __init__(
        self, specs: Sequence[ActionSpec], policies: str, source: str, *, shipped: bool = False
    ) -> None:
        import cedarpy

        specs, unusable = _expressible(specs)
        self._specs = {spec.name: spec for spec in specs}
        rules = parse(policies, source)
        known = {*self._specs, *cedar_schema.GROUPS}
        absent = {name for rule in rules for name in rule.mentioned} - known
        self._schema = _schema(specs, sorted(absent))
        checked = cedar_policies.check(rules, specs, absent, self._schema, source, policies, shipped=shipped)
        self._broken = checked.broken
        self.version = digest({"policies": policies, "shipped": shipped})
        self.problems: tuple[str, ...] = (*unusable, *checked.problems)
        generated = cedar_policies.authors_rules(specs, checked.rules, permits=shipped)
        self._rules = {rule.key: rule for rule in (*checked.rules, *generated)}
        self._policies = cedarpy.PolicySet.from_json_str(cedar_policies.policy_set(self._rules.values()))

    @classmethod
    def load(cls, specs: Sequence[ActionSpec], policies_file: Path | None) -> Authorization:
        """The site's policy, or the shipped one when there is none.

        Raises:
            ConfigError: the file cannot be read, or is not Cedar; the message names it and the line.
        """
        path = policies_file or SHIPPED
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigError(
                f"The authorization policy {path} cannot be read: {why}.",
                hint="Correct [authorization] policies, or take it out to use the policy that comes with helpdesk.",
            ) from error
        return cls(specs, text, str(path), shipped=policies_file is None)

    def decide(self, request: AccessRequest, candidates: Sequence[Subject] = ()) -> Decision:
        """May this call be carried out?

        Args:
            candidates: people who might approve it. They are tried where no rule permits the call by
                itself; a ``forbid`` is final. A read never waits for approval: it is allowed or not.

        What holds under every policy: nobody unidentified or disabled does anything, and an approver is
        enabled, known by id, and neither who asked nor who is acted upon, nor a second account of
        theirs, as far as employee numbers and mail addresses tell (V2). And what a rule forbids somebody to do
        with their own account, they do not do with their second one either.
        """
        refused = self._never(request) or self._with_second_account(request, candidates)
        if refused is not None:
            return refused
        answer = self._evaluate(request, candidates)
        if answer.allowed:
            return _decided(Verdict.ALLOWED, answer.deciding[0])
        if answer.failed or answer.deciding:
            return _refused(request, answer)
        approvers, permits = [], []
        if request.approver is None and not request.action.reads:
            for candidate in {subject.person.id: subject for subject in candidates}.values():
                asked = replace(request, approver=candidate)
                if self._never(asked) is None and (trial := self._evaluate(asked, candidates)).allowed:
                    approvers.append(candidate)
                    permits.append(trial.deciding[0])
        if approvers:
            return replace(_decided(Verdict.NEEDS_APPROVAL, permits[0]), approvers=tuple(approvers))
        return self._default_deny(request)

    def findings(self, request: AccessRequest, candidates: Sequence[Subject] = ()) -> tuple[Finding, ...]:
        """What each rule that could speak about this call says, tried alone; nothing for an unknown action."""
        from helpdesk.gate.explanation import examine

        spec = request.action
        if self._never(request) is not None:
            return ()
        if self._with_second_account(request, candidates) is not None:
            request = replace(request, person=request.principal)
        question, entities = _question(request, candidates)
        group = cedar_schema.READS if spec.reads else cedar_schema.WRITES
        speaking = (rule for rule in self._rules.values() if rule.covers(spec.name, group))
        return tuple(examine(rule, question, entities, self._schema) for rule in speaking)

    def sentences(self, rule: str, action: str) -> tuple[str, str]:
        """The reason and the hint of a rule that is in force, by its ``@id``; empty for one that is not."""
        found = [one for one in self._rules.values() if one.id == rule]
        found.sort(key=lambda one: not one.names(action))
        return (found[0].reason, found[0].hint) if found else ("", "")

    # ── what no policy can allow ──────────────────────────────────────────────────────────────

    def _never(self, request: AccessRequest) -> Decision | None:
        spec, principal, approver = request.action, request.principal, request.approver
        if spec.name not in self._specs:
            return _no("unknown-action", f"No rule can speak about {spec.name}: it is not installed.")
        if _shape(self._specs[spec.name]) != _shape(spec):
            return _no("changed-action", f"{spec.name} changed while the program ran.", "Run it again.")
        missing = (spec.about == "group" and request.group is None) or (
            spec.about in ("person", "group", "self") and request.person is None
        )
        if missing:
            return _no("incomplete", f"Nobody can tell what {spec.name} is about here.")
        known = [s for s in (principal, request.person, approver) if s is not None]
        if not all(s.person.id for s in known) or (request.group is not None and not request.group.id):
            return _no(
                "unidentified",
                "The directory gives no permanent id for someone or something this is about.",
                "An administrator must let helpdesk read entryUUID or objectGUID.",
            )
        if not principal.enabled:
            return _no("disabled-account", "A disabled account may do nothing.")
        if approver is not None:
            others = [s for s in (principal, request.person) if s is not None]
            if any(same_human(approver.person, other.person) for other in others):
                return _no("no-self-approval", "Nobody approves what they asked for, or what is for them.")
            if not approver.enabled:
                return _no("disabled-account", "A disabled account approves nothing.")
        return self._broken_rule(spec)

    def _with_second_account(self, request: AccessRequest, candidates: Sequence[Subject]) -> Decision | None:
        """The refusal that the principal meets who uses a second account to do what is not for themselves."""
        principal, person = request.principal, request.person
        if person is None or person.person.id == principal.person.id:
            return None
        if not same_human(principal.person, person.person):
            return None
        as_oneself = replace(request, person=principal)
        answer = self._evaluate(as_oneself, candidates)
        if answer.allowed or not (answer.failed or answer.deciding):
            return None
        refused = _refused(as_oneself, answer)
        login = shorten(person.person.login, 40)
        return replace(refused, reason=f"{login} is a second account of yours. {refused.reason}")

    def _broken_rule(self, spec: ActionSpec) -> Decision | None:
        group = cedar_schema.READS if spec.reads else cedar_schema.WRITES
        for rule in self._broken:
            if not spec.reads or rule.covers(spec.name, group):
                return _no(
                    f"broken-policy:{rule.id}",
                    f"The rule {rule.id} of the authorization policy is broken, and it may forbid this.",
                    "An administrator finds the reason with: helpdesk doctor",
                )
        return None

    # ── asking the policy ─────────────────────────────────────────────────────────────────────

    def _evaluate(self, request: AccessRequest, candidates: Sequence[Subject]) -> _Answer:
        import cedarpy

        question, entities = _question(request, candidates)
        try:
            result = cedarpy.is_authorized(question, self._policies, entities, self._schema)
        except (ValueError, TypeError) as error:
            return _Answer(allowed=False, deciding=(), failed=str(error))
        return self._answer(result)

    def _answer(self, result: AuthzResult) -> _Answer:
        errors = result.diagnostics.errors
        order = list(self._rules)
        deciding = tuple(self._rules[key] for key in sorted(result.diagnostics.reasons, key=order.index))
        if not errors:
            return _Answer(allowed=result.allowed and bool(deciding), deciding=deciding)
        forbids = tuple(rule for rule in deciding if rule.effect == "forbid")
        if forbids:
            return _Answer(allowed=False, deciding=forbids)
        match = _FAILED.search(errors[0])
        failed = self._rules[match[1]].id if match and match[1] in self._rules else "undecidable"
        return _Answer(allowed=False, deciding=(), failed=failed)

    def _default_deny(self, request: AccessRequest) -> Decision:
        name, approver = request.action.name, request.approver
        permits = [r for r in self._rules.values() if r.effect == "permit" and r.names(name)]
        hints = dict.fromkeys(rule.hint for rule in permits if rule.hint)
        who = f"lets {approver.person.login} approve" if approver else "permits you to run"
        return _no(DEFAULT_DENY, f"No rule {who} {name}{_about(request)}.", " ".join(hints))


def _schema(specs: Sequence[ActionSpec], absent: Sequence[str] = ()) -> Schema:
    import cedarpy

    return cedarpy.Schema.from_json_str(json.dumps(cedar_schema.schema(specs, absent)))


def _expressible(specs: Sequence[ActionSpec]) -> tuple[Sequence[ActionSpec], list[str]]:
    """The actions that a policy can speak about; one whose names Cedar reserves must not cost the others."""
    try:
        _schema(specs)
    except ValueError:
        pass
    else:
        return specs, []
    good, problems = [], []
    for spec in specs:
        try:
            _schema([spec])
        except ValueError as error:
            problems.append(f"{spec.name} is refused: no authorization rule can speak about it: {error}.")
        else:
            good.append(spec)
    return good, problems


def same_human(one: Person, other: Person) -> bool:
    """By identity; or by employee number or mail address, which two accounts of one person share.

    A mail address that several people use makes them one here: that refuses too much, and never too little.
    """
    if one.id == other.id:
        return True
    pairs = ((one.employee_number, other.employee_number), (one.mail, other.mail))
    return any(not says_nothing(mine) and folded(mine) == folded(theirs) for mine, theirs in pairs)


def _shape(spec: ActionSpec) -> tuple[object, ...]:
    """What the schema and the generated rules were made from."""
    parameters = tuple((p.name, p.kind, p.required) for p in spec.parameters)
    return spec.reads, spec.about, spec.allow, parameters


def _question(
    request: AccessRequest, candidates: Sequence[Subject]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The question as Cedar takes it, and every entity in it."""
    named = (request.principal, request.person, request.approver)
    entities = Entities([*(subject for subject in named if subject), *candidates])
    question = {
        "principal": person_uid(request.principal.person.id),
        "action": {"type": "Action", "id": request.action.name},
        "resource": _resource(request, entities),
        "context": _context(request),
    }
    return question, entities.documents()


def _resource(request: AccessRequest, entities: Entities) -> dict[str, str]:
    if request.action.about == "group" and request.group is not None:
        return entities.add_group(request.group, request.group_privileged)
    if request.action.about in ("person", "self") and request.person is not None:
        return person_uid(request.person.person.id)
    return entities.add_desk()


def _context(request: AccessRequest) -> dict[str, Any]:
    context: dict[str, Any] = {"arguments": cedar_schema.arguments(request.action, request.arguments)}
    if request.person is not None:
        context["person"] = {"__entity": person_uid(request.person.person.id)}
    if request.time_bound:
        context["time_bound"] = True
    if request.approver is not None:
        context["approver"] = {"__entity": person_uid(request.approver.person.id)}
    return context


def _about(request: AccessRequest) -> str:
    if request.action.about == "group" and request.group is not None:
        return f" on {request.group.name}"
    person = request.person
    if request.action.about == "desk" or person is None or person.person.id == request.principal.person.id:
        return ""
    return f" on {person.person.login}"


def _decided(verdict: Verdict, rule: Rule) -> Decision:
    return Decision(verdict, rule.id, rule.reason or f"The rule {rule.id} permits it.")


def _refused(request: AccessRequest, answer: _Answer) -> Decision:
    if answer.deciding:
        rule = answer.deciding[0]
        reason = rule.reason or f"The rule {rule.id} forbids {request.action.name}{_about(request)}."
        return _no(rule.id, reason, rule.hint)
    return _no(
        f"failed-policy:{answer.failed}",
        f"The authorization policy failed while it decided ({answer.failed}), so the answer is no.",
        "An administrator must correct that rule.",
    )


def _no(rule: str, reason: str, hint: str = "") -> Decision:
    return Decision(Verdict.DENIED, rule, reason, hint)
