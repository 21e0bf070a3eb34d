"""Why: what the policy would say to a call now, which condition fails, who could approve or do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from helpdesk.actions.call import Call
from helpdesk.actions.prepare import Prepared, prepare
from helpdesk.actions.runner import Runner
from helpdesk.actions.why import CallWhy, ConditionSaid, RuleSaid
from helpdesk.errors import HelpdeskError, MustChangePassword, NotFound
from helpdesk.events import Change, ErrorInfo
from helpdesk.gate.authorization import AccessRequest, Decision, Subject, Verdict
from helpdesk.gate.explanation import Finding
from helpdesk.gate.rule_words import Names
from helpdesk.identity import Actor
from helpdesk.ports import DirectoryReader, Interaction, SignedIn
from helpdesk.secrets import Secret
from helpdesk.spec import ActionSpec

MOST = 20
"""People tried, at most, when it is asked who could do something."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains calls without running them; nothing is changed, and each question is logged as a read."""

    runner: Runner

    async def __call__(self, call: Call, signed_in: SignedIn, interaction: Interaction) -> CallWhy:
        """What would happen now if this person ran the call.

        Raises:
            HelpdeskError: it means nothing that could be run, with the reason; that is logged too.
        """
        try:
            prepared = await asyncio.to_thread(self.prepared, call, signed_in.actor, signed_in.directory)
            why = await self._previewed(
                await asyncio.to_thread(self.explained, prepared, signed_in.directory, "you"),
                prepared,
                signed_in,
                interaction,
            )
        except HelpdeskError as error:
            self.runner.rejected("why", {}, signed_in.actor, error)
            raise
        entry = self.runner.journal.explained(signed_in.actor, call.action, dict(prepared.values))
        return replace(why, entry=entry)

    def prepared(self, call: Call, requester: Actor, reader: DirectoryReader) -> Prepared:
        """The call on live objects; secrets play no part in what the policy says. Blocking."""
        spec, action = self.runner.catalog.action(call.action)
        if requester.must_change and not (spec.while_must_change and spec.about == "self"):
            raise MustChangePassword(
                f"You must choose a new password before {spec.name}.", hint="helpdesk do password.change"
            )
        secrets = {p.name: Secret("") for p in spec.parameters if p.kind == "secret"}
        return prepare(replace(call, secrets=secrets), spec, action, requester, reader)

    def explained(self, prepared: Prepared, reader: DirectoryReader, actor: str) -> CallWhy:
        """What the policy says, with everyone's rights read now; blocking.

        Args:
            actor: how whoever asks is called: "you", or their login.
        """
        authorise = self.runner.authorise
        decision = authorise(prepared, reader)
        request = authorise.question(prepared, reader)
        candidates = authorise.candidates(prepared, request.group, reader)
        findings = authorise.authorization.findings(request, candidates)
        names = Names(actor, _person(prepared), _group(prepared), authorise.roles.groups_of_role)
        denied = decision.verdict is Verdict.DENIED
        able = self._able(request, candidates, findings, names, reader) if denied else ()
        return CallWhy(
            action=prepared.spec.name,
            arguments=dict(prepared.values),
            actor=prepared.requester.login,
            target=prepared.target,
            verdict=decision.verdict.value,
            rule=decision.rule,
            reason=decision.reason,
            hint=decision.hint,
            rules=tuple(_said(finding, names) for finding in findings),
            approvers=_people(decision.approvers),
            able=_people(able),
            unblock=tuple(_unblock(decision, findings, names, _people(able))),
            needs=tuple(_needs(prepared.spec, decision)),
            provenance={name: str(value) for name, value in prepared.call.provenance.items()},
        )

    async def _previewed(
        self, why: CallWhy, prepared: Prepared, signed_in: SignedIn, interaction: Interaction
    ) -> CallWhy:
        """With what it would change, or what would keep it from changing anything."""
        spec = prepared.spec
        asks_secret = any(p.kind == "secret" and p.required for p in spec.parameters)
        if why.verdict == Verdict.DENIED or spec.reads or asks_secret:
            return why
        changes: tuple[Change, ...] = ()
        try:
            preview = await self.runner.preview(prepared, signed_in.directory, interaction)
            changes = preview.changes
        except HelpdeskError as error:
            return replace(why, obstacle=ErrorInfo(error.code, error.message, error.hint))
        if not changes:
            return replace(why, obstacle=ErrorInfo("nothing-to-do", preview.summary))
        return replace(why, changes=changes)

    def _able(
        self,
        request: AccessRequest,
        candidates: Sequence[Subject],
        findings: Iterable[Finding],
        names: Names,
        reader: DirectoryReader,
    ) -> list[Subject]:
        """Who could do the very same themselves: tried with the policy, one by one; not when it is about the asker.

        Tried are the owners of the group, and those who have a role that a failed condition asks for.
        """
        spec = request.action
        if spec.about == "self" or (spec.about != "desk" and spec.parameter("person") is None):
            return []
        roles = self.runner.authorise.roles
        asked = [names.role_in(c.tree) for f in findings if f.rule.effect == "permit" for c in f.failed]
        people = {subject.person.id: subject for subject in candidates}
        for role in dict.fromkeys(role for role in asked if role):
            for person in roles.members(reader, role, MOST):
                if person.id not in people and len(people) < MOST:
                    try:
                        people[person.id] = roles.subject(reader, person)
                    except NotFound:
                        continue  # gone since the group was read
        others = [one for one in people.values() if one.person.id != request.principal.person.id]
        decide = self.runner.authorise.authorization.decide
        return [one for one in others if decide(replace(request, principal=one)).verdict is Verdict.ALLOWED]


def _person(prepared: Prepared) -> str:
    return prepared.person.login if prepared.person else ""


def _group(prepared: Prepared) -> str:
    return prepared.group.name if prepared.group else ""


def _people(subjects: Iterable[Subject]) -> tuple[str, ...]:
    return tuple(f"{one.person.name} ({one.person.login})" for one in subjects)


def _said(finding: Finding, names: Names) -> RuleSaid:
    rule = finding.rule
    conditions = tuple(ConditionSaid(c.cedar, names.words(c.tree), c.holds) for c in finding.conditions)
    return RuleSaid(rule.id, rule.effect, finding.applies, rule.reason, rule.hint, rule.line, conditions)


def _unblock(
    decision: Decision, findings: Sequence[Finding], names: Names, able: Sequence[str]
) -> Iterable[str]:
    """What would make it possible, a sentence each."""
    if decision.verdict is Verdict.ALLOWED:
        return
    if decision.verdict is Verdict.NEEDS_APPROVAL:
        yield f"It needs the approval of {_or(_people(decision.approvers))}: run it, and it waits for them."
        return
    forbids = [f for f in findings if f.rule.effect == "forbid" and f.applies]
    for finding in forbids:
        so = " and ".join(names.words(condition.tree) for condition in finding.conditions)
        yield f"{finding.rule.id} forbids it as long as {so or 'it is there'}."
    if not forbids:
        for finding in findings:
            if finding.rule.effect == "permit" and finding.head and finding.failed:
                so = " and ".join(names.words(condition.tree) for condition in finding.failed)
                yield f"{finding.rule.id} would permit it if {so}."
    if able:
        yield f"{_or(able)} can do it."
    if decision.hint:
        yield decision.hint


def _needs(spec: ActionSpec, decision: Decision) -> Iterable[str]:
    """What it asks for before anything changes."""
    if decision.verdict is Verdict.DENIED or spec.reads:
        return
    if decision.verdict is Verdict.ALLOWED and spec.risk == "high":
        yield "a sign-in of the last five minutes"
    yield "the target's name typed as confirmation" if spec.irreversible else "a confirmation"
    if any(p.kind == "secret" and p.required for p in spec.parameters):
        yield "a secret, which is asked for"
    if spec.reveals:
        yield "a place for the new password: a terminal, or --reveal-to"
    if "directory" in spec.needs:
        yield "the directory's own rights, which have the last word"


def _or(people: Sequence[str]) -> str:
    shown = list(people[:5])
    if len(people) > 5:
        shown.append(f"{len(people) - 5} more")
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
