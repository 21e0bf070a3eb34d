"""Who may: the site's policy asked with everyone's rights and status read now (D9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpdesk.actions.prepare import Prepared
from helpdesk.errors import NotFound, Refused
from helpdesk.gate.authorization import AccessRequest, Authorization, Decision, Subject, Verdict
from helpdesk.gate.roles import Roles
from helpdesk.ports import DirectoryReader

MAX_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class Authoriser:
    """Turns a prepared call into a question to the policy; blocking, for a worker thread."""

    authorization: Authorization
    roles: Roles

    def __call__(
        self, prepared: Prepared, reader: DirectoryReader, approver: Subject | None = None
    ) -> Decision:
        """Ask the policy, with everyone's rights and status read now (D9); blocking."""
        principal = self._principal(prepared, reader)
        person = self._acted_upon(prepared, principal, reader)
        privileged = prepared.group is not None and self.roles.is_privileged(reader, prepared.group)
        request = AccessRequest(
            action=prepared.spec,
            arguments=prepared.values,
            principal=principal,
            person=person,
            group=prepared.group,
            group_privileged=privileged,
            approver=approver,
        )
        decision = self.authorization.decide(request)
        if decision.verdict is Verdict.ALLOWED or approver is not None:
            return decision
        candidates = self._candidates(prepared, reader)
        return self.authorization.decide(request, candidates) if candidates else decision

    def _principal(self, prepared: Prepared, reader: DirectoryReader) -> Subject:
        actor = prepared.requester
        if actor.must_change:  # such a bind may read nothing, not even itself; it may do one thing only
            return Subject(person=actor.person, roles=frozenset(), privileged=False)
        return self.roles.actor_subject(reader, actor)

    def _acted_upon(self, prepared: Prepared, principal: Subject, reader: DirectoryReader) -> Subject | None:
        if prepared.person is None:
            return None
        if prepared.person.id == principal.person.id:
            return principal
        return self.roles.subject(reader, prepared.person)

    def _candidates(self, prepared: Prepared, reader: DirectoryReader) -> Sequence[Subject]:
        """Who could approve: the group's owners and the requester's manager, as far as they exist."""
        dns = list(prepared.group.owner_dns) if prepared.group else []
        if prepared.requester.person.manager_dn:
            dns.append(prepared.requester.person.manager_dn)
        found: dict[str, Subject] = {}
        for dn in dns[:MAX_CANDIDATES]:
            try:
                person = reader.person_by_dn(dn)
                found.setdefault(person.id, self.roles.subject(reader, person))
            except NotFound:
                continue  # an owner who left; the others still count
        return list(found.values())


def refusal(decision: Decision) -> Refused:
    """The decision as an error that names its rule."""
    return Refused(decision.reason, hint=decision.hint, rule=decision.rule)
