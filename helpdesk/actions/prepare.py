"""A call becomes concrete: arguments checked, names resolved to live objects and pinned by id (L6, D7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpdesk.actions.call import Call
from helpdesk.actions.schema import keyword_arguments, parse_arguments
from helpdesk.canonical import digest
from helpdesk.errors import Ambiguous, Stale, UsageError
from helpdesk.events import Outcome, Result
from helpdesk.identity import Actor, Group, Person
from helpdesk.plugin import Action, Preview
from helpdesk.ports import DirectoryReader
from helpdesk.spec import ActionSpec
from helpdesk.text import shorten


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call whose every name is a live object.

    Attributes:
        requester: who asked; it is their call, also when an approver carries it out.
        person: the person acted upon; the requester where the action is about themselves.
        people, groups: every person and group that the arguments name, by the name given.
    """

    call: Call
    spec: ActionSpec
    action: Action[Any]
    requester: Actor
    values: Mapping[str, Any]
    person: Person | None
    group: Group | None
    people: Mapping[str, Person]
    groups: Mapping[str, Group]

    @property
    def keywords(self) -> dict[str, Any]:
        return keyword_arguments(self.spec, self.values, self.call.secrets)

    @property
    def target(self) -> str:
        """What the call is about, as a person names it."""
        if self.group is not None:
            return self.group.name
        return self.person.login if self.person is not None else ""

    def result(self, outcome: Outcome, message: str, **more: Any) -> Result:
        """A result of this call; ``more`` are further fields of :class:`Result`."""
        return Result(
            outcome=outcome,
            action=self.spec.name,
            arguments=dict(self.values),
            message=message,
            **more,
        )

    def document(self) -> dict[str, Any]:
        """The canonical call: what runs is what was previewed, confirmed, approved and logged (L4)."""
        undoes = {"undoes": self.call.undoes} if self.call.undoes else {}
        return {
            **undoes,
            "action": self.spec.name,
            "version": self.spec.plugin_version,
            "arguments": dict(self.values),
            "requester": self.requester.person.id,
            "people": {name: person.id for name, person in self.people.items()},
            "groups": {name: group.id for name, group in self.groups.items()},
        }

    def digest(self, preview: Preview) -> str:
        """Binds the canonical call to the state it was previewed on."""
        return digest(
            {
                "call": self.document(),
                "changes": [[c.system, c.target, c.what, c.before, c.after] for c in preview.changes],
                "state": dict(preview.state),
            }
        )


def prepare(
    call: Call, spec: ActionSpec, action: Action[Any], requester: Actor, reader: DirectoryReader
) -> Prepared:
    """Resolve a call against the live directory; blocking.

    Raises:
        UsageError, InvalidArgument, NotFound, Ambiguous, Unreachable.
        Stale: a pinned name means another one by now.
    """
    values = parse_arguments(spec, call.arguments)
    missing = [p for p in spec.parameters if p.kind == "secret" and p.required and p.name not in call.secrets]
    if missing:
        raise UsageError(
            f"{spec.name} needs {missing[0].name}.",
            hint=f"Give it in a file: {missing[0].flag}-file FILE.",
            code="missing-argument",
        )
    people: dict[str, Person] = {}
    groups: dict[str, Group] = {}
    for parameter in spec.parameters:
        name = values.get(parameter.name)
        if name is None:
            continue
        if parameter.kind == "login":
            people[name] = find_person(name, reader)
            _check_pinned(call, parameter.name, name, people[name].id)
        elif parameter.kind == "group":
            groups[name] = reader.group(name)
            _check_pinned(call, parameter.name, name, groups[name].id)
    named = values.get("person") if spec.parameter("person") else None
    person = people[named] if named is not None else requester.person
    return Prepared(
        call=call,
        spec=spec,
        action=action,
        requester=requester,
        values=values,
        person=None if spec.about == "desk" and named is None else person,
        group=groups.get(values["group"]) if spec.about == "group" and "group" in values else None,
        people=people,
        groups=groups,
    )


def find_person(name: str, reader: DirectoryReader) -> Person:
    """The one person whose login, mail address or employee number this is; blocking.

    Raises:
        NotFound: nobody. Ambiguous: one's login may be another's number; that is never guessed.
    """
    found = reader.people_called(name)
    if len({person.id for person in found}) > 1:
        logins = ", ".join(shorten(person.login, 40) for person in found[:3])
        raise Ambiguous(
            f"{shorten(name, 80)!r} means more than one person ({logins}), so nothing was done.",
            hint="Name them by something that only they have: login, mail or employee number.",
        )
    return found[0] if found else reader.person(name)


def _check_pinned(call: Call, argument: str, name: str, id: str) -> None:
    if call.pinned.get(argument, id) != id:
        raise Stale(f"{name} is somebody or something else by now, so nothing was done.")
