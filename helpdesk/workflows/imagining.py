"""What the policy says about a call whose subject is perhaps not there yet.

Somebody who does not exist yet is decided about as a colleague without any role. Every call is decided about again
when its turn comes; this only keeps a workflow from beginning that could never be allowed to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpdesk.actions.authorise import refusal
from helpdesk.actions.call import Call
from helpdesk.actions.prepare import Prepared, find_person
from helpdesk.actions.runner import Runner
from helpdesk.actions.schema import parse_value
from helpdesk.errors import NotFound
from helpdesk.gate.authorization import AccessRequest, Decision, Subject, Verdict
from helpdesk.identity import Actor, Group, Person
from helpdesk.plugin import Action
from helpdesk.ports import DirectoryReader
from helpdesk.spec import ActionSpec

_NEW = "new:"
_SOMEBODY = "somebody"


def decision_ahead(
    runner: Runner,
    spec: ActionSpec,
    action: Action[Any],
    arguments: Mapping[str, Any],
    later: Mapping[str, str],
    requester: Actor,
    reader: DirectoryReader,
) -> Decision | None:
    """The decision about such a call; blocking.

    Args:
        later: the arguments that only an earlier step can tell.

    Returns:
        ``None`` where its group is not known yet, so that nothing can be said.

    Raises:
        Refused: a service identity did not declare the action. InvalidArgument, NotFound, Unreachable.
    """
    if any(p.kind == "group" and p.name in later for p in spec.parameters):
        return None
    known = {p.name: p for p in spec.parameters}
    values = {name: parse_value(known[name], value) for name, value in arguments.items()}
    logins = [str(values[p.name]) for p in spec.parameters if p.kind == "login" and p.name in values]
    people = {login: _somebody(login, reader) for login in logins}
    names = [str(values[p.name]) for p in spec.parameters if p.kind == "group" and p.name in values]
    groups = {name: reader.group(name) for name in names}
    refused = runner.authorise.services.refused(requester.person, spec, groups.values(), reader)
    if refused is not None:
        raise refusal(refused)
    named = values.get("person", _SOMEBODY if "person" in later else None)
    person = requester.person if named is None else people.get(str(named)) or _imagined(_SOMEBODY)
    group = groups.get(str(values.get("group"))) if spec.about == "group" else None
    nobody = spec.about == "desk" and named is None
    prepared = Prepared(
        Call(spec.name),
        spec,
        action,
        requester,
        {**_placeholders(spec, later), **values},
        None if nobody else person,
        group,
        people,
        groups,
    )
    return _decided(runner, prepared, group, reader)


def _decided(runner: Runner, prepared: Prepared, group: Group | None, reader: DirectoryReader) -> Decision:
    authorise = runner.authorise
    principal = authorise.roles.actor_subject(reader, prepared.requester)
    request = AccessRequest(
        action=prepared.spec,
        arguments=prepared.values,
        principal=principal,
        person=_subject(runner, prepared.person, principal, reader),
        group=group,
        group_privileged=group is not None and authorise.roles.is_privileged(reader, group),
    )
    decision = authorise.authorization.decide(request)
    if decision.verdict is not Verdict.DENIED:
        return decision
    candidates = authorise.candidates(prepared, group, reader)
    return authorise.authorization.decide(request, candidates) if candidates else decision


def _somebody(login: str, reader: DirectoryReader) -> Person:
    try:
        return find_person(login, reader)
    except NotFound:
        return _imagined(login)


def _imagined(login: str) -> Person:
    return Person(id=f"{_NEW}{login}", dn=f"cn={login}", login=login, name=login)


def _subject(
    runner: Runner, person: Person | None, principal: Subject, reader: DirectoryReader
) -> Subject | None:
    if person is None:
        return None
    if person.id == principal.person.id:
        return principal
    if person.id.startswith(_NEW):
        return Subject(person, frozenset(), False)
    return runner.authorise.roles.subject(reader, person)


def _placeholders(spec: ActionSpec, later: Mapping[str, str]) -> dict[str, Any]:
    """Values for what is not known yet, so that a rule may look at them."""
    values: dict[str, Any] = {"integer": 1, "boolean": True, "date": "2000-01-01"}
    return {
        p.name: p.choices[0] if p.choices else values.get(p.kind, "any")
        for p in spec.parameters
        if p.name in later
    }
