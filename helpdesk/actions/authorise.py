"""Who may: the site's policy asked with everyone's rights and status read now (D9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helpdesk.actions.prepare import Prepared
from helpdesk.canonical import digest
from helpdesk.errors import NotFound, Refused, Stale, Unreachable
from helpdesk.gate.asked import Asked, Route, Routes
from helpdesk.gate.authorization import AccessRequest, Authorization, Decision, Subject, Verdict
from helpdesk.gate.roles import PRIVILEGED, Roles
from helpdesk.gate.services import Services
from helpdesk.identity import Actor, Group, Person
from helpdesk.ports import DirectoryReader
from helpdesk.spec import ActionSpec

MAX_CANDIDATES = 20


def _needs_no_system(spec: ActionSpec) -> bool:
    """Whether it reads what lies on this machine alone, such as the company's policies."""
    return spec.reads and spec.about == "desk" and not spec.needs


def _as_signed_in(actor: Actor) -> Subject:
    """The actor with the rights that the directory told at the sign-in, for while it is away."""
    return Subject(person=actor.person, roles=actor.roles, privileged=PRIVILEGED in actor.roles)


@dataclass(frozen=True, slots=True)
class Authoriser:
    """Turns a prepared call into a question to the policy; blocking, for a worker thread."""

    authorization: Authorization
    roles: Roles
    services: Services = field(default_factory=Services)
    routes: Routes = field(default_factory=Routes)

    @property
    def version(self) -> str:
        """A digest of everything that decides: the rules, who has which role, and who is asked."""
        roles = {role: list(groups) for role, groups in self.roles.groups_of_role.items()}
        asked = self.routes.document()
        return digest({"rules": self.authorization.version, "roles": roles, "asked": asked})

    def __call__(
        self, prepared: Prepared, reader: DirectoryReader, approver: Subject | None = None
    ) -> Decision:
        """Ask the policy, with everyone's rights and status read now (D9); blocking.

        What a service identity did not declare is refused before the policy is asked.
        """
        refused = self.services.refused(
            prepared.requester.person, prepared.spec, prepared.groups.values(), reader
        )
        if refused is None and approver is not None:
            refused = self.services.approves_nothing(approver.person)
        if refused is not None:
            return refused
        request = self.question(prepared, reader, approver)
        decision = self.authorization.decide(request)
        if decision.verdict is Verdict.ALLOWED or approver is not None:
            return decision
        candidates = self.candidates(prepared, request.group, reader)
        if not candidates:
            return decision
        asked = self.authorization.decide(request, candidates)
        return self._enough(asked, prepared, reader) if asked.verdict is Verdict.NEEDS_APPROVAL else asked

    def _enough(self, decision: Decision, prepared: Prepared, reader: DirectoryReader) -> Decision:
        """Every yes that the site's rules want must have somebody who may give it; blocking."""
        route = self.route(prepared, decision, reader)
        if route is None or not route.nobody:
            return decision
        return Decision(
            Verdict.DENIED,
            "no-approver",
            f"The rule [approvals.{route.rule}] wants a yes of {route.nobody}, and nobody of them may give it.",
            "An administrator can correct that rule, or the authorization policy.",
        )

    def route(self, prepared: Prepared, decision: Decision, reader: DirectoryReader) -> Route | None:
        """How many must say yes, of those whom the policy lets; ``None``: any one of them; blocking."""
        if decision.each:
            needs = [Asked(of, tuple(one.person for one in subjects)) for of, subjects in decision.each]
            return Route(decision.rule, tuple(needs))
        found = self.routes.route(prepared.spec.name, prepared.requester.person, prepared.group, reader)
        return found.only(subject.person.id for subject in decision.approvers) if found else None

    def question(
        self, prepared: Prepared, reader: DirectoryReader, approver: Subject | None = None
    ) -> AccessRequest:
        """The question that a call puts to the policy, with rights and status of this moment; blocking."""
        principal = self._principal(prepared, reader)
        person = self._acted_upon(prepared, principal, reader)
        group = self._group_now(prepared, reader)
        return AccessRequest(
            action=prepared.spec,
            arguments=prepared.values,
            principal=principal,
            person=person,
            group=group,
            group_privileged=group is not None and self.roles.is_privileged(reader, group),
            approver=approver,
            time_bound=bool(prepared.call.ends),
        )

    def _principal(self, prepared: Prepared, reader: DirectoryReader) -> Subject:
        actor = prepared.requester
        if actor.must_change:  # such a bind may read nothing, not even itself; it may do one thing only
            return Subject(person=actor.person, roles=frozenset(), privileged=False)
        try:
            return self.roles.actor_subject(reader, actor)
        except Unreachable:
            if not _needs_no_system(prepared.spec):
                raise
            return _as_signed_in(actor)

    def _acted_upon(self, prepared: Prepared, principal: Subject, reader: DirectoryReader) -> Subject | None:
        if prepared.person is None:
            return None
        if prepared.person.id == principal.person.id:
            return principal
        return self.roles.subject(reader, prepared.person)

    def _group_now(self, prepared: Prepared, reader: DirectoryReader) -> Group | None:
        """The group with its owners of this moment. Raises Stale when it is gone or another one."""
        if prepared.group is None:
            return None
        try:
            group = reader.group(prepared.group.dn)
        except NotFound as error:
            raise Stale(f"The group {prepared.group.name} is not there any more.") from error
        if group.id != prepared.group.id:
            raise Stale(f"The group {prepared.group.name} was replaced by another one of the same name.")
        return group

    def candidates(
        self, prepared: Prepared, group: Group | None, reader: DirectoryReader
    ) -> Sequence[Subject]:
        """Who could approve: whom the site's rules ask, else the group's owners and the requester's manager."""
        route = self.routes.route(prepared.spec.name, prepared.requester.person, group, reader)
        if route is not None:
            return [
                self.roles.subject(reader, person)
                for person in route.people
                if self.services.of(person) is None
            ]
        dns = list(group.owner_dns) if group else []
        if prepared.requester.person.manager_dn:
            dns.append(prepared.requester.person.manager_dn)
        found: dict[str, Subject] = {}
        for dn in dns[:MAX_CANDIDATES]:
            try:
                person = reader.person_by_dn(dn)
                if self.services.of(person) is None:
                    found.setdefault(person.id, self.roles.subject(reader, person))
            except NotFound:
                continue  # an owner who left; the others still count
        return list(found.values())

    def possible(
        self, specs: Sequence[ActionSpec], reader: DirectoryReader, actor: Actor
    ) -> list[tuple[ActionSpec, bool]]:
        """Every action, and whether the policy leaves a way for this person to run it; blocking.

        It asks about the person's own account, about a colleague without any role, and about a group
        of theirs and one of somebody else's.
        """
        service = self.services.of(actor.person)
        if service is not None:
            declared = [spec for spec in specs if spec.name in service.actions]
            others = [(spec, False) for spec in specs if spec not in declared]
            return [*self._all_possible(declared, reader, actor), *others]
        return self._all_possible(specs, reader, actor)

    def _all_possible(
        self, specs: Sequence[ActionSpec], reader: DirectoryReader, actor: Actor
    ) -> list[tuple[ActionSpec, bool]]:
        if actor.must_change:
            return [(spec, spec.while_must_change) for spec in specs]
        principal = self.roles.actor_subject(reader, actor)
        owns = any(actor.person.dn in group.owner_dns for group in reader.groups())
        return [(spec, self._possible(spec, principal, owns)) for spec in specs]

    def _possible(self, spec: ActionSpec, principal: Subject, owns: bool) -> bool:
        owner = Subject(Person("any-owner", "cn=any-owner", "any-owner", "any owner"), frozenset(), False)
        mine = Group(
            "any-group", "cn=any", "any", owner_dns=(principal.person.dn if owns else owner.person.dn,)
        )
        other = replace(mine, owner_dns=(owner.person.dn,))
        colleague = Subject(Person("any", "cn=any-person", "any", "any"), frozenset(), False)
        return any(
            self.authorization.decide(
                AccessRequest(
                    action=spec,
                    arguments=_any_arguments(spec),
                    principal=principal,
                    person=person,
                    group=group if spec.about == "group" else None,
                    group_privileged=False,
                ),
                [owner],
            ).verdict
            is not Verdict.DENIED
            for person in (principal, colleague)
            for group in (mine, other)
        )


def _any_arguments(spec: ActionSpec) -> dict[str, Any]:
    """Values for the required arguments, so that a rule may look at them."""
    values: dict[str, Any] = {"integer": 1, "boolean": True, "date": "2000-01-01"}
    return {
        p.name: p.choices[0] if p.choices else values.get(p.kind, "any")
        for p in spec.parameters
        if p.required and p.kind != "secret"
    }


def refusal(decision: Decision) -> Refused:
    """The decision as an error that names its rule."""
    return Refused(decision.reason, hint=decision.hint, rule=decision.rule)
