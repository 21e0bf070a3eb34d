"""Short words for tests of the policy: people, groups and questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from helpdesk.actions.authorise import _any_arguments
from helpdesk.gate.authorization import AccessRequest, Authorization, Decision, Subject
from helpdesk.identity import Group, Person
from helpdesk.spec import ActionSpec, Parameter

BASE = "ou=people,dc=corp,dc=test"


def subject(login: str, *roles: str, enabled: bool = True, privileged: bool = False, **more: str) -> Subject:
    """Somebody; ``more`` are fields of their person."""
    fields = {
        "id": f"id-{login}",
        "dn": f"uid={login},{BASE}",
        "login": login,
        "name": login.title(),
        **more,
    }
    return Subject(Person(**fields), frozenset(roles), privileged or "privileged" in roles, enabled)


def group(name: str, *owners: Subject, **more: str) -> Group:
    fields = {"id": f"id-{name}", "dn": f"cn={name},ou=groups,dc=corp,dc=test", "name": name, **more}
    return Group(**fields, owner_dns=tuple(owner.person.dn for owner in owners))  # type: ignore[arg-type]


def spec(name: str, *parameters: Parameter, reads: bool = False, **more: Any) -> ActionSpec:
    return ActionSpec(
        name=name,
        plugin=name.partition(".")[0],
        plugin_version="1",
        summary="For a test.",
        description="",
        risk=more.pop("risk", "low"),
        reads=reads,
        about=more.pop("about", "person"),
        parameters=parameters,
        **more,
    )


PERSON = Parameter("person", "login", True)
GROUP = Parameter("group", "group", True)


def ask(
    authorization: Authorization,
    action: ActionSpec,
    principal: Subject,
    person: Subject | None = None,
    group: Group | None = None,
    *,
    approver: Subject | None = None,
    candidates: Sequence[Subject] = (),
    group_privileged: bool = False,
    arguments: dict[str, Any] | None = None,
) -> Decision:
    """One question; what the action is about is who asks, where nobody is given."""
    request = AccessRequest(
        action=action,
        arguments={**_any_arguments(action), **(arguments or {})},
        principal=principal,
        person=person or (None if action.about == "desk" else principal),
        group=group,
        group_privileged=group_privileged,
        approver=approver,
    )
    return authorization.decide(request, candidates)
