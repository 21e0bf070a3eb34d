"""The call that takes back what was given, about the very people and groups that it was given about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpdesk.actions.grant import Named
from helpdesk.actions.prepare import Prepared
from helpdesk.canonical import digest
from helpdesk.errors import PluginFailure
from helpdesk.spec import ActionSpec


@dataclass(frozen=True, slots=True)
class Taking:
    """The call that takes something back, with the ids of those it is about, by argument."""

    action: str
    arguments: dict[str, Any]
    people: dict[str, str]
    groups: dict[str, Named]

    @property
    def thing(self) -> str:
        """What is taken from whom: alike for every way of giving it, whatever they are called by then."""
        ids = {**self.people, **{name: group.id for name, group in self.groups.items()}}
        return digest({"action": self.action, "of": {**self.arguments, **ids}})


def taking_of(
    prepared: Prepared, spec: ActionSpec, arguments: Mapping[str, Any], ids: Mapping[str, str] | None = None
) -> Taking:
    """A call of ``spec`` about the people and groups of a prepared one.

    Args:
        ids: of others that it names, by name.

    Raises:
        PluginFailure: it names somebody or something that the prepared one is not about.
    """
    people = {name: person.id for name, person in prepared.people.items()}
    for person in (prepared.requester.person, prepared.person):
        if person is not None:
            people.setdefault(person.login, person.id)
    groups = {name: Named(group.id, group.name, group.dn) for name, group in prepared.groups.items()}
    given = {name: value for name, value in arguments.items() if value is not None}
    kinds = {p.name: p.kind for p in spec.parameters}
    others = {name: Named(id, name) for name, id in (ids or {}).items()}
    try:
        return Taking(
            spec.name,
            given,
            {n: people.get(v) or others[v].id for n, v in given.items() if kinds.get(n) == "login"},
            {n: groups.get(v) or others[v] for n, v in given.items() if kinds.get(n) == "group"},
        )
    except KeyError as error:
        raise PluginFailure(
            f"The undo of {prepared.spec.name} names {error.args[0]!r}, which it was not about."
        ) from None
